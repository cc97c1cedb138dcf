//! `ocidiff upstream`: a finding as a bug report, with a folder that shows it if one is asked for.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use ocidiff_model::finding::Finding;
use ocidiff_model::known::ABSENT;
use ocidiff_model::{ExitStatus, FindingId, RuntimeId, Value};
use ocidiff_reports::findings::upstream::{Input, Shown, Steps, render};
use ocidiff_reports::safe;

use super::inspect::describe;
use super::repro::write_folder;
use super::{files, output};
use crate::cells::participants::contenders;
use crate::corpus::{Corpus, Entry, print};
use crate::error::Error;
use crate::findings::{cases_of, help, written_of};
use crate::machine::root;
use crate::repro::Question;
use crate::run::suite;

/// How many facts a report lists.
const FACTS: usize = 12;

/// Which finding.
#[derive(Debug, Args)]
pub(crate) struct UpstreamArgs {
    /// The finding: COMPONENT/SLUG
    #[arg(value_name = "ID")]
    id: String,
    /// Write the report to this folder, which must not exist yet, with a folder that reproduces the
    /// behaviour; needs root and a runtime that shows it
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Also use the cases and findings in this folder
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
}

/// Prints the report, or writes it with its folder.
pub(crate) fn upstream(args: &UpstreamArgs) -> Result<ExitStatus, Error> {
    let corpus = suite::corpus(args.cases.as_deref())?;
    let found = corpus.findings.0.iter().find(|(id, _)| id.as_str() == args.id);
    let Some((id, finding)) = found else {
        let (typed, help) = (safe(&args.id), help(&args.id, &corpus));
        return Err(Error::usage(format!("there is no finding `{typed}`; {help}")));
    };
    // The case that differs least is the easiest to read.
    let case = cases_of(&corpus, id).min_by_key(|entry| (entry.known.0.len(), &entry.case.name));
    let steps = case.map(|entry| steps(entry, id, finding)).transpose()?;
    match (&args.output, case, steps) {
        (None, _, steps) => output::answer(&report(id, finding, &corpus, steps.as_ref())?, ExitStatus::Ok),
        (Some(_), None, _) | (Some(_), _, None) => Err(Error::usage(format!(
            "no case shows `{id}`: there is nothing to reproduce; leave --output out for the text"
        ))),
        (Some(folder), Some(entry), Some(steps)) => write(folder, (id, finding), entry, steps, &corpus),
    }
}

fn report(
    id: &FindingId,
    finding: &Finding,
    corpus: &Corpus,
    steps: Option<&Steps>,
) -> Result<String, Error> {
    let clause = finding.violates.as_ref().or(finding.allows.as_ref());
    let manifests = suite::manifests()?;
    let manifest = manifests.iter().find(|manifest| manifest.name == id.component());
    Ok(render(&Input {
        id,
        finding,
        clause: clause.and_then(|clause| corpus.requirements.get(clause)),
        contact: manifest.and_then(|manifest| manifest.security.as_deref()),
        steps,
    }))
}

fn steps(entry: &Entry, id: &FindingId, finding: &Finding) -> Result<Steps, Error> {
    let case = &entry.case;
    let input = describe(case)?;
    let absent = || Value::from(ABSENT);
    let shown = written_of(&entry.known, id).filter_map(|(known, written)| {
        if known.by_signs {
            return by_sign(&known.fact, finding);
        }
        Some(Shown {
            fact: known.fact.clone(),
            seen: written.shows.line(),
            expected: known.otherwise.clone().unwrap_or_else(absent).line(),
        })
    });
    let shown = shown.take(FACTS);
    Ok(Steps {
        case: case.name.clone(),
        summary: case.body.summary.clone(),
        steps: input.steps,
        config: input.config.trim_matches(['{', '}', '\n']).to_owned(),
        files: match case.body.files.is_empty() {
            true => String::new(),
            false => serde_yaml::to_string(&case.body.files).map_err(Error::broken)?,
        },
        command: format!("ocidiff explain --run '{}'", case.name),
        script: None,
        version: None,
        shown: shown.collect(),
    })
}

/// A fact in the words of the finding's own `shows`.
fn by_sign(fact: &str, finding: &Finding) -> Option<Shown> {
    let sign = finding.shows.iter().find(|sign| sign.is_about(fact))?;
    let words = |value: Option<Value>, condition: String| value.map_or(condition, |value| value.line());
    let instead = sign
        .instead
        .as_ref()
        .map_or("anything else".to_owned(), print::flow);
    Some(Shown {
        fact: fact.to_owned(),
        seen: words(sign.value(), print::flow(&sign.shows)),
        expected: words(sign.usual(), instead),
    })
}

/// The folder, completely or not at all: `report.md` and `repro`.
fn write(
    folder: &Path,
    (id, finding): (&FindingId, &Finding),
    entry: &Entry,
    mut steps: Steps,
    corpus: &Corpus,
) -> Result<ExitStatus, Error> {
    root::need_root()?;
    if folder.exists() {
        let shown = safe(&folder.to_string_lossy());
        return Err(Error::usage(format!(
            "{shown} is there already; name another with --output"
        )));
    }
    let store = suite::store()?;
    let manifests = suite::manifests()?;
    let does = |runtime: &RuntimeId| {
        let mut written = written_of(&entry.known, id);
        written.any(|(known, _)| known.because(runtime).contains(id))
    };
    let found = ocidiff_runtimes::find_all(&manifests, &store, &suite::asker()?);
    let of = |runtime: &ocidiff_runtimes::Runtime| RuntimeId {
        name: runtime.name().to_owned(),
        version: runtime.version.clone(),
        label: runtime.name().to_owned(),
    };
    let runtimes = found.runtimes.into_iter().filter(|runtime| does(&of(runtime)));
    let Some(runtime) = runtimes.max_by(|a, b| a.version.cmp(&b.version)) else {
        return Err(Error::usage(format!(
            "no runtime on this machine does `{id}` ({} {}): bring one with `ocidiff runtimes install`, or leave \
             --output out for the text",
            id.component(),
            finding.versions()
        )));
    };
    steps.version = Some(format!("{} {}", runtime.name(), runtime.version));
    steps.script = Some("repro/repro.sh".to_owned());
    let contender = contenders(vec![runtime], None).map_err(Error::usage)?.remove(0);
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let failed = |error: &std::io::Error| files::failed(folder, error);
    let aside = tempfile::Builder::new()
        .prefix(".ocidiff-upstream.")
        .tempdir_in(parent.unwrap_or(Path::new(".")))
        .map_err(|error| failed(&error))?;
    let text = report(id, finding, corpus, Some(&steps))?;
    files::write(&aside.path().join("report.md"), &text, files::SHARED)?;
    write_folder(
        &aside.path().join("repro"),
        (entry, Question::Expected),
        &contender,
        corpus,
        store,
    )?;
    std::fs::set_permissions(aside.path(), Permissions::from_mode(0o755)).map_err(|error| failed(&error))?;
    std::fs::rename(aside.path(), folder).map_err(|error| failed(&error))?;
    // It has its final name, and must not be removed.
    let _ = aside.keep();
    let shown = safe(&folder.to_string_lossy());
    output::answer(
        &format!("wrote {shown}/report.md, and what reproduces it in {shown}/repro\n"),
        ExitStatus::Ok,
    )
}
