//! Runs a workload's own command under both runtimes, in a throwaway container, and takes what differs each time.
//!
//! The container is the probe's: the same namespaces, stand-ins and limits. Only the command and its environment are the
//! workload's. What it prints is reported as a digest.

use std::path::Path;

use ocidiff_model::check::{Depth, Finding};
use ocidiff_model::record::CallResult;
use ocidiff_model::{Channel, Difference, Op, Record, Value};
use serde_json::{Value as Json, json};

use super::from_to::{Move, values};
use super::look::{Steady, case, steady, wavering};
use super::rules::{Readings, by_rule};
use super::shape::{Own, Shape};
use crate::cells::runner::CellRunner;
use crate::digest::of_text;
use crate::error::Error;
use crate::secrets::{Discreet, Secrets};
use crate::workload::tame;

/// What does not end by itself is ended after this many seconds; what it did until then is compared.
const LIMIT: f64 = 5.0;

/// How often more a command is run if something differs: what is one of two values by chance, the same under each
/// runtime every time, is so once in 2000 commands.
const MORE: usize = 4;

/// What a command shows in addition to what the probe has shown.
const CHANNELS: [Channel; 4] = [
    Channel::Lifecycle,
    Channel::Process,
    Channel::Syscall,
    Channel::File,
];

/// Runs it; the inner error is one line that says why that cannot be done.
///
/// # Errors
///
/// The harness or the machine failed.
pub async fn run(
    engine: &CellRunner,
    shape: &Shape,
    own: &Own,
    step: Move<'_>,
) -> Result<Result<Ran, String>, Error> {
    let case = case(shape, "a workload's own command", LIMIT, Channel::File)?;
    let mut config = shape.tamed.config.clone();
    config["process"]["args"] = json!(own.args);
    config["process"]["env"] = json!(own.env);
    let config = serde_json::to_string(&config).map_err(Error::broken)?;
    let bundle = match engine
        .builder
        .over(&shape.layers, &tame::files(), &own.stand_ins, config)
    {
        Ok(bundle) => bundle,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let secrets = Secrets::of_entries(own.env.iter().cloned());
    let discreet = Discreet {
        launch: engine,
        secrets,
    };
    let Steady {
        differences,
        records,
        unsteady,
        ..
    } = match steady(&discreet, &case, &bundle, MORE).await {
        Ok(steady) => steady,
        Err(why) => return Ok(Err(why)),
    };
    let points = points(&shape.tamed.config);
    let is_own = |fact: &str| {
        let channel = Channel::of(fact);
        channel.is_some_and(|channel| CHANNELS.contains(&channel)) && !is_mount_point(fact, &points)
    };
    let told = differences.iter().filter(|one| is_own(&one.fact));
    let unsteady = unsteady.iter().map(String::as_str).filter(|fact| is_own(fact));
    let readings = Readings::of(&shape.tamed.config);
    let wavers = wavering("its own command", unsteady);
    Ok(Ok(Ran {
        findings: told.map(|one| finding(one, step, &readings)).collect(),
        without: unended(&records).into_iter().chain(wavers).collect(),
    }))
}

/// The result of a command.
pub struct Ran {
    /// What differs.
    pub findings: Vec<Finding>,
    /// What was not seen of it, with a line each.
    pub without: Vec<String>,
}

/// A command that serves, or hangs, is ended: what it would have done later is not known.
fn unended(records: &[Record]) -> Option<String> {
    let hangs = |record: &&Record| {
        let mut steps = record.steps.iter();
        steps.any(|step| step.op == Op::Wait && step.result == CallResult::Timeout)
    };
    let who: Vec<&str> = records
        .iter()
        .filter(hangs)
        .map(|record| record.runtime.label.as_str())
        .collect();
    let under = if who.len() == records.len() {
        String::new()
    } else {
        format!(" under {}", who.join(", "))
    };
    (!who.is_empty()).then(|| {
        format!("its own command did not end within {LIMIT} s{under}: what it did until then is compared, and no more")
    })
}

/// Where the config mounts something.
fn points(config: &Json) -> Vec<String> {
    let mounts = config["mounts"].as_array().into_iter().flatten();
    let devices = config["linux"]["devices"].as_array().into_iter().flatten();
    let paths = mounts
        .map(|one| &one["destination"])
        .chain(devices.map(|one| &one["path"]));
    paths.filter_map(Json::as_str).map(str::to_owned).collect()
}

/// Whether a file is there because the runtime mounts something on it, or below it.
fn is_mount_point(fact: &str, points: &[String]) -> bool {
    let Some(path) = fact.strip_prefix("file.") else {
        return false;
    };
    let below = |point: &String| Path::new(point).starts_with(path);
    path.starts_with('/') && points.iter().any(below)
}

fn finding(difference: &Difference, step: Move<'_>, readings: &Readings<'_>) -> Finding {
    let (from, to) = values(difference, step);
    let fact = format!("run.{}", difference.fact);
    let (impact, reason) = by_rule(&fact, from.as_ref(), to.as_ref(), readings);
    let shown = |value: Option<&Value>| match value {
        None => "(absent)".to_owned(),
        Some(Value::List(lines)) if is_printed(&difference.fact) => digest(&lines.join("\n")),
        Some(value) if is_printed(&difference.fact) => digest(&value.line()),
        Some(value) => value.line(),
    };
    let what = format!("{} of its own command", difference.fact);
    let shown = [shown(from.as_ref()), shown(to.as_ref())];
    Finding::new(Depth::Run, impact, what, shown, reason)
}

/// Whether the value is what the workload printed, which may be a secret.
fn is_printed(fact: &str) -> bool {
    fact.starts_with("process.") && (fact.ends_with("stdout") || fact.ends_with("stderr"))
}

fn digest(text: &str) -> String {
    if text.is_empty() {
        return "nothing".to_owned();
    }
    format!(
        "{} characters, sha256:{}",
        text.chars().count(),
        &of_text(text)[..12]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_the_runtimes_and_nothing_is_nothing() {
        let config =
            json!({"mounts": [{"destination": "/a/b"}], "linux": {"devices": [{"path": "/dev/fuse"}]}});
        let points = points(&config);
        for (fact, is) in [
            ("file./a", true),
            ("file./a/b", true),
            ("file./a/b/c", false),
            ("file./ab", false),
            ("file./dev/fuse", true),
            ("process.exit", false),
        ] {
            assert_eq!(is_mount_point(fact, &points), is, "{fact}");
        }
        assert_eq!(digest(""), "nothing");
    }

    #[test]
    fn what_is_left_out_is_named_and_not_without_end() {
        assert_eq!(wavering("it", std::iter::empty()), None);
        let facts = ["a", "b", "c", "d", "e", "f", "g"];
        let said = wavering("it", facts.into_iter()).expect("a line");
        assert!(said.ends_with(": a, b, c, d, e and 2 more"), "{said}");
    }
}
