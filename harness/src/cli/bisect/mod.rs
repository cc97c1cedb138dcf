//! `ocidiff bisect`: between which two versions a behaviour changed, and which range follows from that.

mod git;
mod told;

use std::collections::BTreeMap;

use clap::Args;
use ocidiff_model::event::{CaseReport, Event};
use ocidiff_model::finding::Sign;
use ocidiff_model::version::Version;
use ocidiff_model::{ExitStatus, FindingId, RuntimeId, Value};
use ocidiff_reports::safe;
use ocidiff_runtimes::{Runtime, Selector};

use super::args::{RunArgs, WithArgs};
use super::{output, run};
use crate::bisect::{Pair, Side, differing, label_of, search, side};
use crate::corpus::{Corpus, Entry};
use crate::error::Error;
use crate::findings::{cases_of, help, written_of};
use crate::machine::root;
use crate::run::plan;
use crate::run::suite;

/// What is looked for, and where.
#[derive(Debug, Args)]
pub(crate) struct BisectArgs {
    /// A case, or a finding: COMPONENT/SLUG
    #[arg(value_name = "CASE|FINDING")]
    what: String,
    #[command(flatten)]
    with: WithArgs,
    /// How many times to run each version; the difference must show each time
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    repeat: u16,
    #[command(flatten)]
    git: git::GitArgs,
}

/// How many cases of a finding are tried until one shows a difference between the earliest and the latest version.
const TRIED: usize = 5;

/// The case whose behaviour changed, and the finding that it is about, where one was named.
struct Subject<'c> {
    entry: &'c Entry,
    finding: Option<&'c FindingId>,
    /// How the finding shows.
    signs: &'c [Sign],
}

/// One run of a case.
struct Ran {
    report: CaseReport,
    labels: Vec<String>,
}

/// Finds the pair by running, and says what it means.
pub(crate) fn bisect(args: &BisectArgs) -> Result<ExitStatus, Error> {
    let corpus = suite::corpus(args.with.cases.as_deref())?;
    let subjects = subjects(&args.what, &corpus)?;
    is_of_the_runtime(args, &subjects, &corpus)?;
    root::need_root()?;
    if let Some(git) = args.git.asked()? {
        return git::bisect(&git, &subjects, &corpus, &args.with);
    }
    let versions = versions(&args.with)?;
    let last = versions.len() - 1;
    let mut alike = Vec::new();
    let mut is_compared = false;
    for subject in subjects.iter().take(TRIED) {
        let case = &subject.entry.case.name;
        let ends = ran(args, case, &[&versions[0], &versions[last]])?;
        let mut facts = differing(&ends.report, &ends.labels[0], &ends.labels[1]);
        subject.narrow(&mut facts);
        if facts.is_empty() {
            is_compared |= told::is_compared(&ends.report);
            alike.push(told::alike(&ends.report));
            continue;
        }
        let pair = search(last, |middle| {
            let these = [&versions[0], &versions[middle], &versions[last]];
            let ran = ran(args, case, &these)?;
            let side = side(&ran.report, &facts, &ran.labels[1]);
            told::progress(&versions[middle], side);
            Ok::<Side, Error>(side)
        })?;
        // The two next to each other, without the ends: this is how the reported result was seen.
        let last_look = ran(args, case, &[&versions[pair.before], &versions[pair.after]])?;
        return answer(args, &corpus, subject, &versions, &pair, &facts, &last_look);
    }
    if !is_compared {
        return Err(Error::broken(format!("cannot tell: {}", alike.join("; "))));
    }
    // What came and went again does not show between the ends.
    for subject in subjects.iter().take(if last > 1 { TRIED } else { 0 }) {
        let text = up_and_down(args, &corpus, subject, &versions)?;
        if !text.is_empty() {
            return output::answer(&text, ExitStatus::Ok);
        }
    }
    let versions: Vec<String> = versions.iter().map(Runtime::label).collect();
    let text = format!(
        "no change between {}: {}\n",
        safe(&versions.join(", ")),
        alike.join("; ")
    );
    output::answer(&text, ExitStatus::Differs)
}

/// A finding about one runtime says nothing about the versions of another.
fn is_of_the_runtime(args: &BisectArgs, subjects: &[Subject<'_>], corpus: &Corpus) -> Result<(), Error> {
    let finding = subjects.iter().find_map(|subject| subject.finding);
    let Some(finding) = finding.filter(|id| corpus.runtimes.iter().any(|name| name == id.component())) else {
        return Ok(());
    };
    for typed in &args.with.runtimes {
        let Selector { name, .. } = typed
            .parse()
            .map_err(|error| Error::usage(format!("failed to {error}")))?;
        if name != finding.component() {
            let component = finding.component();
            return Err(Error::usage(format!(
                "{finding} is a finding of {component}, not of {name}: give `--runtime {component}`"
            )));
        }
    }
    Ok(())
}

/// Every pair of neighbouring versions that differ, with all of them run at once.
fn up_and_down(
    args: &BisectArgs,
    corpus: &Corpus,
    subject: &Subject<'_>,
    versions: &[Runtime],
) -> Result<String, Error> {
    let these: Vec<&Runtime> = versions.iter().collect();
    let ran = ran(args, &subject.entry.case.name, &these)?;
    let mut text = String::new();
    for (before, labels) in ran.labels.windows(2).enumerate() {
        let mut facts = differing(&ran.report, &labels[0], &labels[1]);
        subject.narrow(&mut facts);
        if facts.is_empty() {
            continue;
        }
        let pair = Pair {
            before,
            after: before + 1,
            unknown: Vec::new(),
            other: Vec::new(),
        };
        text.push_str(&told::found(&told::Found {
            corpus,
            case: &subject.entry.case.name,
            finding: subject.finding,
            report: &ran.report,
            versions,
            pair: &pair,
            facts: &facts,
            between: &installable(&versions[before], &versions[before + 1])?,
            repeat: args.repeat,
        }));
    }
    Ok(text)
}

impl Subject<'_> {
    /// Keeps the facts that the finding is about.
    fn narrow(&self, facts: &mut BTreeMap<String, [Option<Value>; 2]>) {
        if let Some(id) = self.finding {
            let has_sign = |fact: &str| self.signs.iter().any(|sign| sign.is_about(fact));
            facts.retain(|fact, _| {
                has_sign(fact) || written_of(self.entry, id).any(|(known, _)| known.fact == *fact)
            });
        }
    }
}

fn answer(
    args: &BisectArgs,
    corpus: &Corpus,
    subject: &Subject<'_>,
    versions: &[Runtime],
    pair: &Pair,
    ends: &BTreeMap<String, [Option<Value>; 2]>,
    last_look: &Ran,
) -> Result<ExitStatus, Error> {
    let mut facts = differing(&last_look.report, &last_look.labels[0], &last_look.labels[1]);
    facts.retain(|fact, _| ends.contains_key(fact));
    if facts.is_empty() {
        return Err(Error::broken(format!(
            "failed to confirm the change: {} and {} did not differ when they were run once more; --repeat {} may show \
             that it is a race",
            versions[pair.before].label(),
            versions[pair.after].label(),
            u32::from(args.repeat) * 10
        )));
    }
    let text = told::found(&told::Found {
        corpus,
        case: &subject.entry.case.name,
        finding: subject.finding,
        report: &last_look.report,
        versions,
        pair,
        facts: &facts,
        between: &installable(&versions[pair.before], &versions[pair.after])?,
        repeat: args.repeat,
    });
    output::answer(&text, ExitStatus::Ok)
}

/// The cases that are meant: one, or those that show a finding, with the one that differs least first.
fn subjects<'c>(what: &str, corpus: &'c Corpus) -> Result<Vec<Subject<'c>>, Error> {
    if let Some((id, finding)) = corpus.findings.0.iter().find(|(id, _)| id.as_str() == what) {
        let mut entries: Vec<&Entry> = cases_of(corpus, id).collect();
        entries.sort_by_key(|entry| (entry.known.0.len(), &entry.case.name));
        if entries.is_empty() {
            return Err(Error::usage(format!(
                "no case shows `{id}`: there is nothing to run"
            )));
        }
        let subject = |entry| Subject {
            entry,
            finding: Some(id),
            signs: &finding.shows,
        };
        return Ok(entries.into_iter().map(subject).collect());
    }
    let chosen = plan::select(&corpus.entries, std::slice::from_ref(&what.to_owned()));
    match chosen.as_deref() {
        Ok([entry]) => Ok(vec![Subject {
            entry,
            finding: None,
            signs: &[],
        }]),
        Ok(several) => Err(Error::usage(format!(
            "`{}` is {} cases; name one of them, such as {}",
            safe(what),
            several.len(),
            several.first().map_or("", |entry| &entry.case.name)
        ))),
        Err(_) => Err(Error::usage(format!(
            "there is neither a case nor a finding `{}`; {}",
            safe(what),
            help(what, corpus)
        ))),
    }
}

/// The versions to search, in order: those that were named, or all that are installed under a name.
fn versions(with: &WithArgs) -> Result<Vec<Runtime>, Error> {
    let mut all = match &with.runtimes[..] {
        [] => {
            return Err(Error::usage(
                "which runtime? name it, as --runtime crun for all of its versions that are there",
            ));
        }
        [name] if !name.contains(['@', '=']) => {
            // An unknown name is reported as everywhere else.
            suite::runtimes(&with.runtimes, &suite::store()?)?;
            suite::versions_of(name)?
        }
        several => suite::runtimes(several, &suite::store()?)?,
    };
    let name = all.first().map_or(String::new(), |first| first.name().to_owned());
    if let Some(other) = all.iter().find(|runtime| runtime.name() != name) {
        return Err(Error::usage(format!(
            "{name} and {} are several runtimes; name versions of one",
            other.name()
        )));
    }
    all.sort_by(|a, b| a.version.cmp(&b.version));
    all.dedup_by(|a, b| a.version.as_str() == b.version.as_str());
    match all.len() {
        0 | 1 => Err(Error::usage(format!(
            "it takes two versions of {name} to compare, and there is {}; `ocidiff runtimes install {name}@VERSION` installs more",
            all.first().map_or("none".to_owned(), Runtime::label)
        ))),
        _ => Ok(all),
    }
}

fn ran(args: &BisectArgs, case: &str, runtimes: &[&Runtime]) -> Result<Ran, Error> {
    let selector = |runtime: &&Runtime| format!("{}={}", runtime.name(), runtime.path.display());
    let with = WithArgs {
        runtimes: runtimes.iter().map(selector).collect(),
        ..args.with.clone()
    };
    let plain = RunArgs {
        repeat: args.repeat,
        ..RunArgs::plain(vec![case.to_owned()], with, None)
    };
    let (events, _) = run::quietly(&plain)?;
    let mut labels = Vec::new();
    for event in events {
        match event {
            Event::RunStarted { runtimes: there, .. } => {
                for runtime in runtimes {
                    let label = label_of(&there, runtime.version.as_str());
                    labels.push(label.ok_or_else(|| {
                        Error::broken(format!(
                            "{} does not start a plain container here",
                            runtime.label()
                        ))
                    })?);
                }
            }
            Event::CaseFinished(report) => {
                if let Some(why) = &report.why {
                    output::complain(&format!("{case}: {}: {why}", report.verdict));
                }
                return Ok(Ran {
                    report: *report,
                    labels,
                });
            }
            Event::RunFinished { .. } => {}
        }
    }
    Err(Error::broken(format!(
        "{case} has no verdict: the run was interrupted"
    )))
}

/// Versions between two that could be installed, as far as the manifest knows.
fn installable(before: &Runtime, after: &Runtime) -> Result<Vec<Version>, Error> {
    let manifests = suite::manifests()?;
    let manifest = manifests.iter().find(|manifest| manifest.name == before.name());
    let mut versions: Vec<Version> = manifest
        .and_then(|manifest| manifest.install.as_ref())
        .map(ocidiff_runtimes::Install::versions)
        .unwrap_or_default();
    versions.retain(|version| before.version < *version && *version < after.version);
    Ok(versions)
}

/// The runtime, as findings and known files name it.
fn id_of(runtime: &Runtime) -> RuntimeId {
    RuntimeId {
        name: runtime.name().to_owned(),
        version: runtime.version.clone(),
        label: runtime.name().to_owned(),
    }
}
