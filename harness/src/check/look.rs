//! Runs the probe in a workload's place under both runtimes, and takes what differs each time.

use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::difference::Account;
use ocidiff_model::filter::DEPARTURES;
use ocidiff_model::record::RunOutcome;
use ocidiff_model::step::trial;
use ocidiff_model::{Case, CaseFile, Channel, Difference, FilterRow, Record, Watch};
use ocidiff_reports::first_of;
use serde_json::{Value as Json, json};

use super::ended::{Begun, by_chance, wavers};
use super::shape::Shape;
use super::words::words;
use crate::bundle::Bundle;
use crate::cells::runner::CellRunner;
use crate::error::Error;
use crate::judge::compare::compare;
use crate::judge::confirm::{Launch, Origin};
use crate::judge::filters;
use crate::workload::UNCHECKED;
use crate::workload::looked_at::with_links_followed;

/// How long the probe may take, in seconds.
const LIMIT: f64 = 10.0;
/// How often a difference must show: otherwise it is not a difference between the runtimes.
const RUNS: usize = 2;

/// What was seen for a shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Facts on which the runtimes differ. The first group contains the runtime under which the workload runs now.
    pub differences: Vec<Difference>,
    /// Calls to which their filters give different answers, and what accounts for that.
    pub rows: Vec<(FilterRow, Vec<Account>)>,
    /// Every fact that a runtime showed, whether they differ or not.
    pub facts: BTreeSet<String>,
    /// What a runtime printed when a call failed, by runtime.
    pub said: BTreeMap<String, String>,
    /// Facts that differed, but not in the same way each time.
    pub unsteady: BTreeSet<String>,
    /// Why nothing was compared, if only the other runtime starts it.
    pub unstarted: Option<String>,
    /// The copy's config with its program alone, in which paths also stand as what the links of the rootfs make of them:
    /// that is where mounts are seen.
    pub led: Json,
}

/// A case that is started, waited for up to this many seconds, and deleted, in which everything in one channel
/// is compared too.
pub(super) fn case(shape: &Shape, summary: &str, limit: f64, watched: Channel) -> Result<Case, Error> {
    let body: CaseFile = serde_json::from_value(json!({
        "summary": summary,
        "steps": trial(limit),
    }))
    .map_err(Error::broken)?;
    let body = CaseFile {
        watch: [(watched, Watch::Paths(vec!["*".to_owned()]))].into(),
        ..body
    };
    Ok(Case {
        name: format!("check/{}", shape.digest),
        source: String::new(),
        member: None,
        body,
    })
}

/// Looks at a shape; the inner error is one line that says why that cannot be done.
///
/// # Errors
///
/// The harness or the machine failed.
pub async fn look(engine: &CellRunner, shape: &Shape) -> Result<Result<Seen, String>, Error> {
    if let Some(why) = by_chance(&shape.tamed.config) {
        return Ok(Err(why));
    }
    // What the probe reports about itself is enough; cgroup values are seen from outside only.
    let case = case(shape, "the probe in a workload's place", LIMIT, Channel::Cgroup)?;
    let config = serde_json::to_string_pretty(&shape.tamed.config).map_err(Error::broken)?;
    let bundle = match engine.builder.over(
        &shape.layers,
        &shape.tamed.files,
        &shape.tamed.stand_ins,
        config.clone(),
    ) {
        Ok(bundle) => bundle,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let Steady {
        records,
        mut differences,
        wavers,
        unsteady,
    } = match steady(&Begun::of(engine, &shape.tamed), &case, &bundle, 0).await {
        Ok(steady) => steady,
        Err(why) => return Ok(Err(because_of_copy(why, &shape.tamed.changes))),
    };
    if let Some(why) = wavers {
        return Ok(Err(why));
    }
    // What a finding says about a place is true of it whatever link leads there.
    let led = with_links_followed(&program_alone(&shape.tamed.config), &shape.layers);
    engine
        .judge(Origin::Given)
        .explain(&case, &led.to_string(), &records, &mut differences);
    let rows = filters::between(&config, &records);
    let mut of_rows: Vec<Difference> = rows.iter().map(filters::as_difference).collect();
    engine
        .judge(Origin::Given)
        .explain(&case, &config, &records, &mut of_rows);
    let accounts = of_rows.into_iter().map(|one| one.accounts);
    let mut seen = Seen {
        rows: rows.into_iter().zip(accounts).collect(),
        facts: facts(&records),
        said: said(&records),
        unstarted: unstarted(&records),
        unsteady,
        differences,
        led,
    };
    // The rows describe this better.
    seen.differences
        .retain(|difference| difference.fact != DEPARTURES || seen.rows.is_empty());
    Ok(Ok(seen))
}

/// The config without the arguments that only the probe has: a finding about a program's name is not about them.
fn program_alone(config: &Json) -> Json {
    let mut config = config.clone();
    if let Some(args) = config.pointer_mut("/process/args").and_then(Json::as_array_mut) {
        args.truncate(1);
    }
    config
}

/// What is the same each time.
pub(super) struct Steady {
    /// The records of the first time.
    pub(super) records: Vec<Record>,
    /// What differed in the same way each time.
    pub(super) differences: Vec<Difference>,
    /// What went another way the second time, although everything else depends on it.
    pub(super) wavers: Option<String>,
    /// What differed, but not in the same way each time.
    pub(super) unsteady: BTreeSet<String>,
}

impl Steady {
    /// Keeps what differs in the same way once more.
    fn keep(&mut self, again: &[Difference]) {
        let same = |one: &Difference, all: &[Difference]| {
            let other = all.iter().find(|other| other.fact == one.fact);
            other.is_some_and(|other| other.groups == one.groups)
        };
        let before = std::mem::take(&mut self.differences);
        let only_now = again.iter().filter(|one| !same(one, &before));
        self.unsteady.extend(only_now.map(|one| one.fact.clone()));
        let (kept, gone): (Vec<_>, Vec<_>) = before.into_iter().partition(|one| same(one, again));
        self.differences = kept;
        self.unsteady.extend(gone.into_iter().map(|one| one.fact));
    }
}

/// Runs a bundle more than once, and `more` times more if something still differs; the error is one line that says why
/// nothing can be said.
pub(super) async fn steady(
    launch: &impl Launch,
    case: &Case,
    bundle: &Bundle,
    more: usize,
) -> Result<Steady, String> {
    let mut steady: Option<Steady> = None;
    for run in 0..RUNS + more {
        let is_settled = |steady: &Steady| steady.differences.is_empty();
        if run >= RUNS && steady.as_ref().is_none_or(is_settled) {
            break;
        }
        let records = launch.once(case, bundle).await;
        if let Some(why) = useless(&records) {
            return Err(why);
        }
        let all: Vec<&Record> = records.iter().collect();
        let differences = compare(case, &all);
        match &mut steady {
            None => {
                steady = Some(Steady {
                    records,
                    differences,
                    wavers: None,
                    unsteady: BTreeSet::new(),
                });
            }
            Some(before) => {
                before.keep(&differences);
                let went = wavers(&before.records, &records);
                before.wavers = before.wavers.take().or(went);
            }
        }
    }
    steady.ok_or_else(|| "it was not run".to_owned())
}

/// How many facts are named that are left out.
const NAMED: usize = 5;

/// What is not the same each time, under the same runtime too, says nothing about a runtime.
pub fn wavering<'f>(what: &str, facts: impl Iterator<Item = &'f str>) -> Option<String> {
    let named = first_of(facts, NAMED);
    (!named.is_empty())
        .then(|| format!("{what} does not show the same each time, so this is not compared: {named}"))
}

/// Why nothing can be said: the machine failed, or no runtime accepts the config.
fn useless(records: &[Record]) -> Option<String> {
    for record in records {
        if let RunOutcome::Broken(why) = &record.outcome {
            return Some(format!("{}: {why}", record.runtime.label));
        }
    }
    if records.iter().any(|record| record.ran) {
        return None;
    }
    let words: Vec<String> = said(records)
        .into_iter()
        .map(|(who, said)| format!("{who}: {said}"))
        .collect();
    Some(format!("no runtime starts it here: {}", words.join("; ")))
}

/// Why nothing can be said, if the copy also lacks what its workload has: that may be why it does not start.
fn because_of_copy(why: String, changes: &[String]) -> String {
    let open = changes.iter().filter_map(|change| change.strip_prefix(UNCHECKED));
    match open.collect::<Vec<_>>().join("; ") {
        open if open.is_empty() => why,
        open => format!("{open}; as it is without that, {why}"),
    }
}

/// Why nothing follows for a workload that does not start now, and would: where it runs it does start, so that what
/// was tried is not what runs, and nothing that starts under both has been compared.
fn unstarted(records: &[Record]) -> Option<String> {
    let (now, then) = records.split_first()?;
    (!now.ran && then.iter().any(|record| record.ran)).then(|| {
        let who = &now.runtime.label;
        let said = said(records).remove(who).unwrap_or_default();
        format!("{who}, under which it runs, does not start it here: {said}")
    })
}

/// Facts whose difference would have been seen.
fn facts(records: &[Record]) -> BTreeSet<String> {
    let all = records.iter().flat_map(|record| &record.facts);
    all.map(|fact| fact.path.clone()).collect()
}

/// What a runtime printed when a call failed.
fn said(records: &[Record]) -> BTreeMap<String, String> {
    let words = records.iter().filter_map(|record| {
        let failed = record.failed().next()?;
        Some((record.runtime.label.clone(), words(&failed.text)))
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocidiff_model::known::Machine;
    use ocidiff_model::{CgroupVersion, Op};

    fn differences(all: &[(&str, &str, &str)]) -> Vec<Difference> {
        let all = all.iter().map(|(fact, from, to)| {
            json!({"fact": fact, "standing": {"is": "known"}, "groups": [
                {"value": from, "runtimes": ["runc"]}, {"value": to, "runtimes": ["crun"]}]})
        });
        all.map(|one| serde_json::from_value(one).expect("a difference"))
            .collect()
    }

    #[test]
    fn a_finding_about_a_programs_name_is_not_about_the_probes_arguments() {
        let corpus = crate::run::suite::corpus(None).expect("the corpus");
        let machine = Machine {
            kernel: "6.1".parse().expect("a version"),
            cgroup: CgroupVersion::V1,
            arch: "x86_64".to_owned(),
            via: None,
        };
        for (program, path, id, fits) in [
            (
                "run",
                "PATH=.:/bin",
                "runc/program-in-relative-path-entry-refused",
                true,
            ),
            (
                "/app/run",
                "PATH=.:/bin",
                "runc/program-in-relative-path-entry-refused",
                false,
            ),
            ("run", "PATH=/bin", "youki/first-name-in-path-must-run", true),
            (
                "/app/run",
                "PATH=/bin",
                "youki/first-name-in-path-must-run",
                false,
            ),
        ] {
            let process = json!({"args": [program, "facts", "then", "stat", "/dev"], "env": [path]});
            let config = program_alone(&json!({"process": process}));
            let id = id.parse().expect("an id");
            let known = corpus.findings.find(&id).expect("a finding");
            assert_eq!(
                known.fits(&config, &[Op::Create], &machine),
                fits,
                "{id}: {program} {path}"
            );
        }
    }

    #[test]
    fn what_the_copy_lacks_comes_before_what_runtimes_say_of_it() {
        let why = || "no runtime starts it here: runc: no such file".to_owned();
        let lacks = format!("{UNCHECKED}file systems that the probe does not mount: 9p at /bin");
        assert_eq!(
            because_of_copy(why(), &["its cgroup is made without systemd".to_owned()]),
            why()
        );
        assert_eq!(
            because_of_copy(why(), &[lacks]),
            format!(
                "file systems that the probe does not mount: 9p at /bin; as it is without that, {}",
                why()
            )
        );
    }

    #[test]
    fn what_is_not_the_same_each_time_is_left_out_and_named() {
        let mut steady = Steady {
            records: Vec::new(),
            differences: differences(&[
                ("proc.umask", "1", "2"),
                ("file./a", "x", "y"),
                ("process.exit", "0", "1"),
            ]),
            wavers: None,
            unsteady: BTreeSet::new(),
        };
        steady.keep(&differences(&[
            ("proc.umask", "1", "2"),
            ("file./b", "x", "y"),
            ("process.exit", "1", "0"),
        ]));
        let kept: Vec<&str> = steady.differences.iter().map(|one| one.fact.as_str()).collect();
        assert_eq!(kept, ["proc.umask"]);
        // What differs in the second run only is not the same each time either.
        let unsteady: Vec<&str> = steady.unsteady.iter().map(String::as_str).collect();
        assert_eq!(unsteady, ["file./a", "file./b", "process.exit"]);
    }
}
