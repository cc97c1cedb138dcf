//! What `run --changed` says: how many results are those of the earlier run, or why none is.

use std::collections::BTreeSet;

use ocidiff_model::Event;
use ocidiff_model::event::{CaseReport, Participant};
use ocidiff_reports::safe;

/// A line about the results of a run; `why` nothing could be taken at all, if that is known. Nothing without an earlier
/// run.
pub(super) fn told(events: &[Event], earlier: &[Event], why: Option<&str>) -> Option<String> {
    let (number, all) = (
        reports(events).filter(|report| report.carried).count(),
        reports(events).count(),
    );
    if number > 0 {
        return Some(format!(
            "{number} of {all} results are those of the earlier run: nothing that they depend on has changed"
        ));
    }
    let why = match why {
        Some(why) => why.to_owned(),
        None if earlier.is_empty() => return None,
        None => reason(events, earlier),
    };
    Some(format!("no result is that of the earlier run: {}", safe(&why)))
}

fn reports(events: &[Event]) -> impl Iterator<Item = &CaseReport> {
    events.iter().filter_map(|event| match event {
        Event::CaseFinished(report) => Some(&**report),
        _ => None,
    })
}

/// The first thing on which every result depends and that is not as it was.
fn reason(events: &[Event], earlier: &[Event]) -> String {
    if let (Some(now), Some(then)) = (start(events), start(earlier)) {
        if now.runtimes != then.runtimes {
            return format!(
                "its runtimes are {}, and not {}",
                names(then.runtimes),
                names(now.runtimes)
            );
        }
        if now.machine != then.machine {
            return "it was on another machine".to_owned();
        }
        if now.recorder != then.recorder {
            return format!("its recorder is {}, and not {}", then.recorder, now.recorder);
        }
    }
    let cases: BTreeSet<&str> = reports(events).map(|report| report.case.as_str()).collect();
    let mut both = reports(earlier)
        .filter(|report| cases.contains(report.case.as_str()))
        .peekable();
    if both.peek().is_none() {
        return "it has none of these cases".to_owned();
    }
    let runs: BTreeSet<u32> = reports(events).map(|report| report.runs).collect();
    if !both.any(|report| runs.contains(&report.runs)) {
        return "its cases were not run as often as these (--repeat)".to_owned();
    }
    "the cases, the findings, a program (a runtime's, a library's or ocidiff's) or an option is not the same"
        .to_owned()
}

/// The head of a run.
struct Head<'e> {
    runtimes: &'e [Participant],
    machine: &'e ocidiff_model::Machine,
    recorder: &'e str,
}

fn start(events: &[Event]) -> Option<Head<'_>> {
    events.iter().find_map(|event| match event {
        Event::RunStarted {
            runtimes,
            machine,
            recorder,
            ..
        } => Some(Head {
            runtimes,
            machine,
            recorder,
        }),
        _ => None,
    })
}

fn names(all: &[Participant]) -> String {
    let names = all
        .iter()
        .map(|one| format!("{}@{}", one.runtime.name, one.runtime.version));
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(versions: &[&str], recorder: &str, cases: &[(&str, u32, bool)]) -> Vec<Event> {
        let runtimes = versions.iter().map(|version| {
            let runtime = json!({"name": "crun", "version": version, "label": format!("crun@{version}")});
            json!({"runtime": runtime, "reference": false, "origin": "store"})
        });
        let start = json!({
            "event": "run-started", "ocidiff": "0", "time": 1, "runtimes": runtimes.collect::<Vec<_>>(), "cases": 1,
            "machine": {"kernel": "6.1", "cgroup": "v2", "arch": "x86_64"}, "recorder": recorder,
        });
        let cases = cases.iter().map(|(case, runs, carried)| {
            json!({
                "event": "case-finished", "case": case, "summary": "s", "source": "x.yaml", "verdict": "agree",
                "seconds": 1, "runs": runs, "carried": carried,
            })
        });
        let all = std::iter::once(start).chain(cases);
        all.map(|event| serde_json::from_value(event).expect("an event"))
            .collect()
    }

    #[test]
    fn what_was_taken_is_said_and_why_nothing_was() {
        let then = run(&["1.21", "1.28"], "ebpf", &[("a/b", 1, false)]);
        for (now, says) in [
            (
                run(&["1.21", "1.28"], "ebpf", &[("a/b", 1, true)]),
                "1 of 1 results are",
            ),
            (
                run(&["1.28", "1.21"], "ebpf", &[("a/b", 1, false)]),
                "its runtimes are crun@1.21, crun@1.28, and not crun@1.28, crun@1.21",
            ),
            (
                run(&["1.21", "1.28"], "ptrace", &[("a/b", 1, false)]),
                "its recorder is ebpf",
            ),
            (
                run(&["1.21", "1.28"], "ebpf", &[("a/c", 1, false)]),
                "none of these cases",
            ),
            (run(&["1.21", "1.28"], "ebpf", &[("a/b", 2, false)]), "(--repeat)"),
            (run(&["1.21", "1.28"], "ebpf", &[("a/b", 1, false)]), "a program"),
        ] {
            let told = told(&now, &then, None).expect(says);
            assert!(told.contains(says), "{told}");
        }
        assert_eq!(told(&then, &[], None), None);
        assert!(
            told(&then, &then, Some("x is not an ELF file")).is_some_and(|told| told.ends_with("ELF file"))
        );
    }
}
