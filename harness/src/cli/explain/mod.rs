//! `ocidiff explain`: a finding, a case, a fact, a clause or a verdict by its name. Nothing is run unless it is asked.

mod case;
mod fact;
mod finding;

use clap::Args;
use ocidiff_model::{ExitStatus, Requirement, Verdict, facts};
use ocidiff_reports::findings::Sheet;
use ocidiff_reports::{Style, safe};

use super::args::{OneArgs, WithArgs};
use super::{inspect, output};
use crate::corpus::Corpus;
use crate::error::Error;
use crate::findings::help;
use crate::run::plan;
use crate::run::suite;

/// What to explain.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A finding (COMPONENT/SLUG), a case, a fact, a clause or a verdict
    #[arg(value_name = "ID")]
    id: String,
    /// Run the case and explain which runtimes differ, how, why, and what to do; needs root
    #[arg(long)]
    pub(crate) run: bool,
    #[command(flatten)]
    with: WithArgs,
}

/// Prints everything that has the name.
pub(crate) fn explain(args: &ExplainArgs) -> Result<ExitStatus, Error> {
    if args.run {
        return inspect::explain(&OneArgs {
            case: args.id.clone(),
            with: args.with.clone(),
        });
    }
    if !args.with.runtimes.is_empty() || args.with.reference.is_some() {
        output::complain("nothing is run: with --run the case is run under these runtimes");
    }
    let corpus = suite::corpus(args.with.cases.as_deref())?;
    let style = output::style();
    let told = told(&args.id, &corpus, &args.with.again(), &style)?;
    if told.is_empty() {
        return Err(Error::usage(format!(
            "nothing is named `{}`; {}",
            safe(&args.id),
            help(&args.id, &corpus)
        )));
    }
    output::answer(&told.join("\n"), ExitStatus::Ok)
}

/// Everything with that name. Names of different kinds hardly ever coincide; if they do, both are shown.
fn told(name: &str, corpus: &Corpus, again: &[String], style: &Style) -> Result<Vec<String>, Error> {
    let mut told = Vec::new();
    if let Some((id, finding)) = corpus.findings.0.iter().find(|(id, _)| id.as_str() == name) {
        told.push(finding::sheet(id, finding, corpus, style));
    }
    if let Some(verdict) = Verdict::ALL.into_iter().find(|verdict| verdict.name() == name) {
        told.push(verdict_sheet(verdict, style));
    }
    if let Some(clause) = corpus.requirements.get(name) {
        told.push(clause_sheet(clause, corpus, style));
    }
    let kind = facts::find(name)
        .map(|found| found.kind)
        .or_else(|| facts::kinds().find(|kind| kind.fact == name));
    if let Some(kind) = kind {
        told.push(fact::sheet(name, kind, corpus, style));
    }
    if told.is_empty() {
        let patterns = [name.to_owned()];
        for entry in plan::select(&corpus.entries, &patterns).unwrap_or_default() {
            told.push(case::sheet(entry, corpus, again, style)?);
        }
    } else if let Some(entry) = corpus.find(name) {
        told.push(case::sheet(entry, corpus, again, style)?);
    }
    Ok(told)
}

fn verdict_sheet(verdict: Verdict, style: &Style) -> String {
    let means = match verdict {
        Verdict::Agree => "All facts are equal, and all expectations hold.",
        Verdict::Known => "Every difference is written down as it shows, or accounted for by a finding.",
        Verdict::Fixed => {
            "As written down, except for what a runtime no longer does in a version newer than any that was looked at: the finding may be fixed."
        }
        Verdict::New => {
            "A difference that is not written down, and that no finding accounts for; it showed in each of three runs."
        }
        Verdict::Gone => "A difference that is written down did not show.",
        Verdict::Violation => {
            "What a clause of the spec demands does not hold, and that is not known; all runtimes may agree on it."
        }
        Verdict::Unexpected => {
            "An expectation of the case itself, which no clause gives, does not hold, and that is not known."
        }
        Verdict::Unsupported => "The runtime says that it does not support what the case asks for.",
        Verdict::Unstable => "The result is not the same each time.",
        Verdict::Broken => {
            "The harness, the machine or the case failed, not the runtime; also a step that fails under every runtime where the case does not expect it."
        }
        Verdict::Skipped => "A need of the case is not met by the machine.",
    };
    let mut sheet = Sheet::new(style, verdict.name(), "a verdict");
    sheet.part("means", means);
    let fails = match (verdict.fails(false), verdict.fails(true)) {
        (true, _) => "yes",
        (false, true) => "with --strict",
        (false, false) => "no",
    };
    sheet.part("fails", fails);
    sheet.text()
}

fn clause_sheet(clause: &Requirement, corpus: &Corpus, style: &Style) -> String {
    let mut sheet = Sheet::new(style, &clause.id, "a clause of the runtime-spec");
    sheet.part("says", &clause.says);
    sheet.part("level", &format!("{}, since {}", clause.level, clause.since));
    sheet.part("read", &clause.link());
    sheet.part("seen by", clause.observable.as_deref().unwrap_or_default());
    let named = |of: &Option<String>| of.as_ref() == Some(&clause.id);
    let findings = |violates: bool| {
        let all = corpus.findings.0.iter();
        let all = all.filter(move |(_, finding)| {
            named(if violates {
                &finding.violates
            } else {
                &finding.allows
            })
        });
        all.map(|(id, finding)| format!("{id}  {}", finding.title))
    };
    sheet.lines("violated by", findings(true));
    sheet.lines("allows", findings(false));
    let cases = corpus
        .entries
        .iter()
        .filter(|entry| entry.case.body.requirement.contains(&clause.id));
    sheet.lines("cases", cases.map(|entry| &entry.case.name));
    sheet.text()
}
