//! A plausible run: each verdict once, the setgid story among the known differences.

pub(crate) use crate::cases::*;

use ocidiff_model::Impact;
use ocidiff_model::difference::{Account, How, Standing};
use ocidiff_model::event::{CaseReport, Participant};
use ocidiff_model::finding::{Card, FindingId, Impacts, Kind};
use ocidiff_model::known::Machine;
use ocidiff_model::{Counts, Difference, Event, Group, RuntimeId, Value, Verdict};

/// Everything: each verdict at least once.
pub(crate) fn whole() -> Vec<Event> {
    run(vec![
        agree("process/args"),
        tar_setgid(),
        new_list(),
        gone(),
        violation(),
        unexpected(),
        unstable(),
        broken(),
        skipped("cgroups/cpuset", "needs cgroup v2"),
        skipped("cgroups/io", "needs cgroup v2"),
        skipped("process/time", "needs the time namespace"),
        unsupported(),
        cosmetic(),
        security(),
        agree("process/env"),
    ])
}

/// Nothing fails: what `make run` shows.
pub(crate) fn all_known() -> Vec<Event> {
    run(vec![
        agree("process/args"),
        cosmetic(),
        breaks("capabilities/ambient", 1),
        breaks("lifecycle/kill-stopped", 2),
        security(),
        tar_setgid(),
        skipped("cgroups/cpuset", "needs cgroup v2"),
    ])
}

/// The events of a run over the cases.
pub(crate) fn run(cases: Vec<CaseReport>) -> Vec<Event> {
    let mut counts = Counts::default();
    cases.iter().for_each(|case| counts.add(case.verdict));
    let exit = counts.exit(false);
    let start = started(cases.len());
    let finish = Event::RunFinished {
        counts,
        seconds: 6.2,
        exit,
        interrupted: false,
        why: None,
    };
    let cases = cases.into_iter().map(|case| Event::CaseFinished(Box::new(case)));
    std::iter::once(start).chain(cases).chain([finish]).collect()
}

pub(crate) fn started(cases: usize) -> Event {
    let participant = |name: &str, version: &str, reference| Participant {
        runtime: RuntimeId {
            name: name.into(),
            version: version.parse().expect("version"),
            label: name.into(),
        },
        reference,
        origin: if reference { "path" } else { "store" }.into(),
    };
    Event::RunStarted {
        ocidiff: "0.1.0".into(),
        time: 1_700_000_000,
        runtimes: vec![
            participant("runc", "1.1.5", true),
            participant("crun", "1.8.1", false),
            participant("youki", "0.7.0", false),
        ],
        machine: Machine {
            kernel: "6.18.44".parse().expect("version"),
            cgroup: ocidiff_model::CgroupVersion::V1,
            arch: "x86_64".into(),
            via: None,
        },
        recorder: "ptrace".into(),
        cases,
        ignore: None,
    }
}

pub(crate) fn case(name: &str, verdict: Verdict) -> CaseReport {
    CaseReport {
        case: name.into(),
        summary: String::new(),
        source: format!("cases/{}.yaml", name.split('[').next().unwrap_or(name)),
        verdict,
        why: None,
        differences: Vec::new(),
        filters: Vec::new(),
        findings: Default::default(),
        requirements: Vec::new(),
        unsupported: Vec::new(),
        bundle: None,
        failures: Vec::new(),
        runs: 1,
        again: Vec::new(),
        twins: false,
        control: false,
        ignored: false,
        key: None,
        carried: false,
        seconds: 0.15,
    }
}

pub(crate) fn difference(fact: &str, of: &[(&[&str], Option<Value>)], standing: Standing) -> Difference {
    Difference {
        fact: fact.into(),
        groups: groups(of),
        standing,
        seen: Vec::new(),
        written: Vec::new(),
        expected: None,
        requirement: None,
        against: Vec::new(),
        impact: None,
        accounts: Vec::new(),
        fixed: Vec::new(),
    }
}

/// What is known about a case's differences.
#[derive(Clone, Default)]
pub(crate) struct Advice {
    pub(crate) impact: Option<Impact>,
    pub(crate) cause: Option<String>,
    pub(crate) link: Vec<String>,
    pub(crate) remedy: Option<String>,
}

/// A finding that accounts for every difference of the case.
pub(crate) fn known(mut case: CaseReport, advice: Advice) -> CaseReport {
    let id: FindingId = "crun/it".parse().expect("an id");
    let impact = advice.impact.unwrap_or(Impact::Cosmetic);
    let card = Card {
        title: "crun does it".into(),
        versions: "<2".into(),
        kind: Kind::Bug,
        impact: Impacts {
            entering: impact,
            leaving: impact,
        },
        races: false,
        violates: None,
        cause: advice.cause.unwrap_or_default(),
        link: advice.link,
        reported: None,
        remedy: advice.remedy,
    };
    for difference in &mut case.differences {
        difference.impact = Some(impact);
        difference.accounts = vec![Account {
            who: "crun".into(),
            because: vec![id.clone()],
            how: How::Written,
        }];
    }
    case.findings.insert(id, card);
    case
}

/// Which runtimes show what.
pub(crate) fn groups(of: &[(&[&str], Option<Value>)]) -> Vec<Group> {
    let group = |(runtimes, value): &(&[&str], Option<Value>)| Group {
        value: value.clone(),
        runtimes: runtimes.iter().map(|label| (*label).to_owned()).collect(),
    };
    of.iter().map(group).collect()
}

/// A value that may be missing.
pub(crate) fn some(value: impl Into<Value>) -> Option<Value> {
    Some(value.into())
}
