//! `ocidiff list`, `explain`, `show`.

use std::fmt::Write as _;

use ocidiff_model::compared::is_compared;
use ocidiff_model::{Case, Channel, Counts, ExitStatus, Fact, Record, Value, Watch};
use ocidiff_reports::terminal::{self, ExplainInput};
use ocidiff_reports::{safe, safe_to};

use super::args::{ListArgs, OneArgs, ShowArgs};
use super::{output, records, side_by_side};
use crate::error::Error;
use crate::run::plan;
use crate::run::suite;

/// One line per case.
pub(crate) fn list(args: &ListArgs) -> Result<ExitStatus, Error> {
    let corpus = suite::corpus(args.cases.as_deref())?;
    let entries = plan::select(&corpus.entries, &args.patterns).map_err(Error::usage)?;
    let width = entries
        .iter()
        .map(|entry| entry.case.name.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for entry in entries {
        let known = if entry.known.0.is_empty() {
            "     "
        } else {
            "known"
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:width$}  {known}  {}",
            safe(&entry.case.name),
            safe(&entry.case.body.summary)
        );
    }
    // The program ends here: freeing all of it, piece by piece, would take longer than the rest.
    std::mem::forget(corpus);
    output::answer(&text, ExitStatus::Ok)
}

/// One case, in full.
pub(crate) fn explain(args: &OneArgs) -> Result<ExitStatus, Error> {
    let ran = records::run(std::slice::from_ref(&args.case), &args.with)?;
    let mut counts = Counts::default();
    let mut text = String::new();
    for (entry, finished) in &ran {
        counts.add(finished.report.verdict);
        text.push_str(&terminal::explain(
            &finished.report,
            &describe(&entry.case)?,
            &output::style(),
        ));
        text.push('\n');
    }
    output::answer(&text, counts.exit(false))
}

pub(super) fn describe(case: &Case) -> Result<ExplainInput, Error> {
    let yaml = |value: &serde_json::Value| {
        serde_yaml::to_string(value)
            .map(|text| text.trim_end().to_owned())
            .map_err(Error::broken)
    };
    let steps = case.body.steps.iter().map(|step| {
        let value = serde_json::to_value(step).map_err(Error::broken)?;
        Ok(match &value {
            serde_json::Value::String(name) => name.clone(),
            other => other.to_string(),
        })
    });
    let mut rootfs = vec![case.body.rootfs.name().to_owned()];
    rootfs.extend(case.body.files.keys().cloned());
    let watch = case.body.watch.iter().map(|(channel, what)| match what {
        Watch::Paths(paths) => format!("{channel}: {}", paths.join(", ")),
        Watch::Not(_) => format!("{channel}: not looked at"),
    });
    let expect = case.body.expect.iter().map(|(path, what)| {
        let values = what.values().map(Value::line);
        format!("{path} = {}", values.collect::<Vec<_>>().join(" or "))
    });
    Ok(ExplainInput {
        rootfs,
        config: yaml(&case.body.config)?,
        steps: steps.collect::<Result<_, Error>>()?,
        watch: watch.collect(),
        expect: expect.collect(),
    })
}

/// Everything that was recorded for one case.
pub(crate) fn show(args: &ShowArgs) -> Result<ExitStatus, Error> {
    let ran = records::run(std::slice::from_ref(&args.case), &args.with)?;
    let mut text = String::new();
    for (entry, finished) in &ran {
        if args.channel == Some(Channel::Setup) {
            text.push_str(&side_by_side::setup(&finished.records));
        }
        for record in &finished.records {
            show_record(&entry.case, record, args.channel, &mut text);
        }
    }
    let status = records::tell_unmet(ran.iter().map(|(_, finished)| finished));
    output::answer(&text, status)
}

fn show_record(case: &Case, record: &Record, channel: Option<Channel>, text: &mut String) {
    // Writing to a string cannot fail; this goes for all of these.
    let _ = writeln!(
        text,
        "{}  {} {}",
        safe(&record.case),
        safe(&record.runtime.label),
        safe(record.runtime.version.as_str())
    );
    let _ = writeln!(
        text,
        "  bundle    config {}  rootfs {}",
        record.bundle.config, record.bundle.rootfs
    );
    let _ = writeln!(
        text,
        "  recorder  {}, {} calls, {:.3} s",
        safe(&record.recorder),
        record.total_calls,
        record.seconds
    );
    if let Some(why) = record.outcome.why() {
        let _ = writeln!(text, "  outcome   {}", safe(&why));
    }
    if channel.is_none_or(|channel| channel == Channel::Lifecycle) {
        for step in &record.steps {
            let _ = writeln!(
                text,
                "  step      {:10} {} {:.3} s",
                safe(&step.label),
                safe(&step.result.value().line()),
                step.seconds
            );
            for line in step.text.lines() {
                let _ = writeln!(text, "            | {}", safe_to(line, 300));
            }
        }
    }
    let _ = writeln!(text, "  facts     (* is compared)");
    // Those of the set-up are already side by side.
    let told =
        |fact: &Fact| channel.is_none() || (fact.channel() == channel && channel != Some(Channel::Setup));
    for fact in record.facts.iter().filter(|fact| told(fact)) {
        let mark = if is_compared(case, &fact.path) { '*' } else { ' ' };
        let _ = writeln!(
            text,
            "  {mark} {} = {}",
            safe(&fact.path),
            safe_to(&fact.value.line(), 2000)
        );
    }
    if channel.is_none_or(|channel| channel == Channel::Filter) {
        for filter in &record.filters {
            let _ = writeln!(
                text,
                "  filter    {} instructions, {}",
                filter.instructions, filter.digest
            );
            match crate::judge::filters::instructions(filter) {
                Ok(filter) => filter.disassemble().iter().for_each(|line| {
                    let _ = writeln!(text, "    {line}");
                }),
                Err(error) => {
                    let _ = writeln!(text, "    {error}");
                }
            }
        }
    }
    if channel.is_none_or(|channel| channel == Channel::Setup) && !record.setup.is_empty() {
        let _ = writeln!(text, "  set-up    [step process] call");
        for call in &record.setup {
            let _ = writeln!(text, "    {}", safe_to(call, 500));
        }
    }
    if channel.is_none_or(|channel| channel == Channel::Syscall) {
        let _ = writeln!(text, "  calls");
        for call in &record.calls {
            let _ = writeln!(text, "    {}", safe_to(call, 500));
        }
    }
    text.push('\n');
}
