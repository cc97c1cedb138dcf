//! `check --only-read`: what the findings say about the workloads' configs. Nothing is started, no file of a workload
//! is examined, and neither root nor a runtime is needed. A workload about which no finding says anything is therefore
//! not called safe.

use std::path::Path;
use std::time::SystemTime;

use ocidiff_model::check::{CheckEvent, CheckReport, NodeCheck, ShapeReport, Unchecked};
use ocidiff_model::{ExitStatus, IgnoreList, RuntimeId};
use ocidiff_runtimes::Manifest;
use serde_json::Value;

use super::events::Events;
use super::find::{self, Files, Found, Mine};
use super::moving::ignore;
use super::programs::manifest_of;
use super::{CheckArgs, node};
use crate::cells::abilities::Abilities;
use crate::cells::threads;
use crate::check::features::Features;
use crate::check::from_to::Move;
use crate::check::judge::worst_first;
use crate::check::read::Reader;
use crate::corpus::Corpus;
use crate::digest::of_text;
use crate::error::Error;
use crate::findings::Who;
use crate::run::stop::Stop;
use crate::run::suite;

/// What is said about a workload that meets nothing known.
const UNKNOWN: &str = "only its config was read, and no finding says that the move matters to it: whether it starts, \
                       and what its filter answers, was not tried";
/// What is said about the others, in addition to what was found.
const ONLY_READ: &str =
    "nothing was started: what its config can meet is reported, whether it meets it or not";

/// Reads the configs of what was asked for, and reports what the findings say about them.
pub(super) fn check(
    args: &CheckArgs,
    corpus: &Corpus,
    list: Option<&IgnoreList>,
    events: &mut Events,
) -> Result<(CheckReport, ExitStatus), Error> {
    let [from, to] = both(args)?;
    let machine = Abilities::probe().map_err(Error::broken)?.machine;
    find::bundles_are_there(args)?;
    // Nothing needs to be ended first: a signal ends the program.
    let never = Stop::default();
    let mut found = threads::tokio()?.block_on(find::find(args, Files::Ignored, never.watch()));
    if found.is_empty() {
        return Err(found.nothing());
    }
    let reader = Reader {
        step: Move { from: &from, to: &to },
        corpus,
        machine: &machine,
        features: &Features::default(),
    };
    let shapes = shapes(&mut found, &reader, list)?;
    let head = head(args, &found, [&from, &to], list)?;
    let mut check = NodeCheck::new(head.clone());
    events.write(&CheckEvent::CheckStarted(Box::new(head)))?;
    let shapes = shapes
        .into_iter()
        .map(|shape| CheckEvent::ShapeChecked(Box::new(shape)));
    let unchecked = found.unchecked.into_iter().map(CheckEvent::WorkloadUnchecked);
    for event in shapes.chain(unchecked) {
        events.write(&event)?;
        // Only the first and the last have no place in a report.
        let _ = check.take(event);
    }
    events.write(&CheckEvent::CheckFinished {
        exit: check.report.exit(),
    })?;
    let exit = match args.exit_zero {
        true => ExitStatus::Ok,
        false => check.report.exit_from(args.fail_on.impact()),
    };
    Ok((check.report, exit))
}

/// The two versions, for which there is no program to ask.
pub(super) fn both(args: &CheckArgs) -> Result<[RuntimeId; 2], Error> {
    let exact = |option: &str, text: &str| {
        let who = text
            .parse::<Who>()
            .map_err(|error| Error::usage(format!("{option}: {error}")))?;
        who.exact()
            .map_err(|error| Error::usage(format!("{option}: {error}")))
    };
    let from = args.from.as_deref().unwrap_or_default();
    Ok([exact("--from", from)?, exact("--to", &args.to)?])
}

fn head(
    args: &CheckArgs,
    found: &Found,
    [from, to]: [&RuntimeId; 2],
    list: Option<&IgnoreList>,
) -> Result<CheckReport, Error> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Ok(CheckReport {
        ocidiff: env!("CARGO_PKG_VERSION").to_owned(),
        time: now.map_err(Error::broken)?.as_secs(),
        node: node(args),
        engines: found.engines.clone(),
        ignore: list.cloned(),
        notes: found.notes.clone(),
        set_aside: found.set_aside.clone(),
        ..CheckReport::new(from.clone(), to.clone())
    })
}

/// Workloads that meet the same findings form one shape; the rest is not checked.
fn shapes(
    found: &mut Found,
    reader: &Reader<'_>,
    list: Option<&IgnoreList>,
) -> Result<Vec<ShapeReport>, Error> {
    let manifests = suite::manifests()?;
    let mut shapes: Vec<ShapeReport> = Vec::new();
    for mine in std::mem::take(&mut found.workloads) {
        match concerns(&mine, reader.step, &manifests) {
            Concerns::Moves => {}
            Concerns::Aside(why) => {
                found.set_aside(mine.workload.name, why);
                continue;
            }
            Concerns::Unknown(why) => {
                found.cannot(mine.workload.name, why);
                continue;
            }
        }
        let Ok(config) = serde_json::from_str::<Value>(&mine.workload.config) else {
            found.cannot(mine.workload.name, "its config.json is not JSON");
            continue;
        };
        let read = reader.read(&config, &config).into_iter();
        let mut findings: Vec<_> = read.map(|read| read.finding).collect();
        ignore(&mut findings, list);
        worst_first(&mut findings);
        let ids: Vec<&str> = findings.iter().map(|one| one.what.as_str()).collect();
        let digest = of_text(&ids.join("\n"))[..12].to_owned();
        if !findings.iter().any(|one| one.is_risk()) {
            found.unchecked.push(Unchecked {
                workload: mine.workload.name,
                why: UNKNOWN.to_owned(),
                before: false,
                uncounted: false,
            });
            continue;
        }
        match shapes.iter_mut().find(|shape| shape.digest == digest) {
            Some(shape) => shape.workloads.push(mine.workload.name),
            None => shapes.push(ShapeReport {
                digest,
                workloads: vec![mine.workload.name],
                from: Some(reader.step.from.clone()),
                changes: vec![ONLY_READ.to_owned()],
                findings,
            }),
        }
    }
    Ok(shapes)
}

/// Whether the move concerns a workload.
enum Concerns {
    Moves,
    Aside(&'static str),
    Unknown(String),
}

/// Judged by the name of its runtime, which is all that is known about it here.
fn concerns(mine: &Mine, step: Move<'_>, manifests: &[Manifest]) -> Concerns {
    if mine.pause {
        return Concerns::Aside("pause containers");
    }
    let Some(word) = &mine.under else {
        return Concerns::Moves;
    };
    // An engine may say it by its path.
    let manifest = manifest_of(word, Some(Path::new(word)), manifests);
    match manifest.map(|manifest| manifest.name.as_str()) {
        Some(name) if name == step.from.name => Concerns::Moves,
        Some(name) if name == step.to.name => Concerns::Unknown(format!(
            "it runs under {name} already, in a version that is not known: name that with --from {name}@VERSION"
        )),
        known => {
            let file = Path::new(word).file_name().and_then(|name| name.to_str());
            let own = known.or(mine.handler.as_deref()).or(file).unwrap_or(word);
            Concerns::Unknown(format!("it runs under {own}, not under {}", step.from.name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Workload;

    #[test]
    fn only_what_needs_no_check_is_left_out() {
        let manifests = suite::manifests().expect("manifests");
        let who = |text: &str| {
            text.parse::<Who>()
                .expect("a runtime")
                .exact()
                .expect("a version")
        };
        let (from, to) = (who("runc@1.1.5"), who("crun@1.28"));
        for (under, pause, expected) in [
            (Some("/usr/bin/runc"), false, "moves"),
            (None, false, "moves"),
            (Some("runc"), true, "pause containers"),
            (
                Some("/opt/crun"),
                false,
                "it runs under crun already, in a version that is not known: ",
            ),
            (Some("youki"), false, "it runs under youki, not under runc"),
        ] {
            let mine = Mine {
                workload: Workload {
                    name: "a".to_owned(),
                    config: "{}".to_owned(),
                    layers: Vec::new(),
                    without: Vec::new(),
                },
                engine: Some("docker".to_owned()),
                under: under.map(str::to_owned),
                handler: None,
                pause,
            };
            let step = Move { from: &from, to: &to };
            let told = match concerns(&mine, step, &manifests) {
                Concerns::Moves => "moves".to_owned(),
                Concerns::Aside(why) => {
                    assert!(pause, "{under:?}: {why}");
                    why.to_owned()
                }
                Concerns::Unknown(why) => why,
            };
            assert!(told.starts_with(expected), "{under:?}: {told}");
        }
    }
}
