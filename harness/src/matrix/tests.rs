//! Plans over a small corpus, without a machine.

use std::collections::BTreeSet;

use ocidiff_model::known::Known;
use ocidiff_model::{Case, CaseFile, Counts, Event, ExitStatus, Verdict};

use super::*;
use crate::corpus::Entry;

const MATRIX: &str = "
runtimes: {a: [runc@1, crun@1], b: [crun@1, crun@2]}
kernels: [host, '6.1', '6.12']
cgroup: [v2]
plans:
  quick: {cases: {host: all, vm: machine}, exclude: [{kernel: '6.1'}, {kernel: '6.12', runtimes: b}]}
  full:
    cases: {host: all, vm: machine}
    exclude: [{runtimes: b}]
    include: [{runtimes: a, kernel: '6.12', cgroup: v2, cases: all}]
  none: {cases: {host: all, vm: all}, exclude: [{runtimes: a}, {runtimes: b}]}
machine: [{cases: ['story/*'], why: a story}]
";

fn entries() -> Vec<Entry> {
    [
        ("cgroups/v1", "{summary: s, needs: {cgroup: v1}}"),
        ("cgroups/v2", "{summary: s, needs: {cgroup: v2}}"),
        ("cgroups/watched", "{summary: s, watch: {cgroup: ['*']}}"),
        (
            "memory/set",
            "{summary: s, config: {linux: {resources: {memory: {limit: 1}}}}}",
        ),
        ("memory/unset", "{summary: s, config: {linux: {resources: null}}}"),
        ("new/kernel", "{summary: s, needs: {kernel: '>=6.6'}}"),
        ("plain/one", "{summary: s}"),
        ("story/told", "{summary: s}"),
    ]
    .into_iter()
    .map(|(name, body)| Entry {
        case: Case {
            name: name.to_owned(),
            source: String::new(),
            member: None,
            body: serde_yaml::from_str::<CaseFile>(body).expect(name),
        },
        known: Known::default(),
    })
    .collect()
}

fn planned(name: &str) -> Result<Plan, MatrixError> {
    let matrix = MatrixFile::parse("matrix.yaml", MATRIX).expect("a matrix");
    let entries = entries();
    plan(&matrix, name, &entries.iter().collect::<Vec<_>>())
}

fn cells(plan: &Plan) -> Vec<(String, usize)> {
    let cells = plan.cells.iter();
    cells
        .map(|cell| (cell.axis.to_string(), cell.cases.len()))
        .collect()
}

fn cell(name: &str, cases: usize) -> (String, usize) {
    (name.to_owned(), cases)
}

#[test]
fn a_plan_has_everything_here_and_what_depends_on_the_machine_elsewhere() {
    let quick = planned("quick").expect("a plan");
    assert_eq!(
        cells(&quick),
        [cell("a-host", 8), cell("b-host", 8), cell("a-6.12-v2", 5)]
    );
    assert_eq!(
        quick.cells[2].cases,
        [
            "cgroups/v2",
            "cgroups/watched",
            "memory/set",
            "new/kernel",
            "story/told"
        ]
    );
    for (case, why) in [
        ("cgroups/v1", "needs cgroup v1"),
        ("cgroups/watched", "watches cgroups"),
        ("memory/set", "sets linux.resources"),
        ("new/kernel", "needs kernel >=6.6"),
        ("story/told", "a story"),
    ] {
        assert_eq!(quick.why.get(case).map(String::as_str), Some(why), "{case}");
    }
    assert_eq!(quick.why.len(), 6);

    let full = planned("full").expect("a plan");
    assert_eq!(
        cells(&full),
        [cell("a-host", 8), cell("a-6.1-v2", 5), cell("a-6.12-v2", 7)]
    );
}

#[test]
fn a_plan_that_is_not_there_or_has_nothing_is_an_error_that_says_so() {
    let error = planned("weekly").expect_err("none").to_string();
    assert_eq!(
        error,
        "plan `weekly`: there is no such plan; there are full, none, quick"
    );
    assert!(
        planned("none")
            .expect_err("empty")
            .to_string()
            .contains("nothing is left")
    );
    for (from, to, says) in [
        (
            "{kernel: '6.1'}",
            "{kernel: '6.6'}",
            "names 6.6, which the file does not have; it has host, 6.1, 6.12",
        ),
        ("{kernel: '6.1'}", "{kernl: '6.1'}", "unknown field"),
        (
            "cgroup: v2, cases: all",
            "cases: all",
            "a virtual machine has `cgroup: v2` or `v1`",
        ),
        ("[runc@1, crun@1]", "[runc@1]", "fewer than two"),
        ("kernels: [host", "kernels: ['../x', host", "is not a name"),
    ] {
        let text = MATRIX.replacen(from, to, 1);
        let error = MatrixFile::parse("m.yaml", &text).expect_err(to).to_string();
        assert!(error.contains(says) && error.contains("m.yaml"), "{to}: {error}");
    }
}

#[test]
fn parts_have_each_case_once_and_take_about_as_long() {
    let whole = planned("full").expect("a plan");
    let mut times = Times::default();
    times.learn(false, &[finished("cgroups/v2", Verdict::Agree, 60.0)]);
    for of in [1, 2, 3, 7, 40] {
        let mut seen = Vec::new();
        for number in 1..=of {
            let shard: Shard = format!("{number}/{of}").parse().expect("a part");
            let part = whole.shard(shard, &times);
            assert!(part.cells.iter().all(|cell| !cell.cases.is_empty()));
            for cell in &part.cells {
                seen.extend(
                    cell.cases
                        .iter()
                        .map(|case| (cell.axis.to_string(), case.clone())),
                );
            }
        }
        let each: BTreeSet<_> = seen.iter().cloned().collect();
        assert_eq!((seen.len(), each.len()), (20, 20), "{of} parts");
    }
    for bad in ["0/2", "3/2", "1", "a/b", "1/0", "1/1001", "-1/2"] {
        assert!(bad.parse::<Shard>().is_err(), "{bad}");
    }
}

/// Several cases run at a time, and none ends before its own time is over.
#[test]
fn a_cell_takes_as_long_as_its_cases_at_a_time() {
    let whole = planned("quick").expect("a plan");
    let cell = &whole.cells[0];
    let of = |jobs: usize, longest: f64| {
        let mut times = Times::with_jobs(jobs, 1);
        let seconds = |at: usize| if at == 0 { longest } else { 1.0 };
        let cases = cell.cases.iter().enumerate();
        let events: Vec<Event> = cases
            .map(|(at, case)| finished(case, Verdict::Agree, seconds(at)))
            .collect();
        times.learn(true, &events);
        times.of_cell(cell)
    };
    for (jobs, longest, expected) in [(1, 1.0, 8.0), (4, 1.0, 2.0), (4, 6.0, 6.0), (0, 1.0, 8.0)] {
        assert!(
            (of(jobs, longest) - expected).abs() < 1e-9,
            "{jobs} jobs, {longest} s"
        );
    }
}

#[test]
fn what_does_not_exist_is_an_error_with_its_line() {
    let names = Names {
        runtimes: &["crun", "runc"],
        kernels: &["6.1", "6.12"],
    };
    let check = |text: &str| {
        let matrix = MatrixFile::parse("m.yaml", text).expect(text);
        names
            .check(&matrix, "m.yaml", text)
            .map_err(|error| error.to_string())
    };
    check(MATRIX).expect("a good one");
    for (from, to, says) in [
        (
            "b: [crun@1, crun@2]",
            "b: [crun@1, crum@2]",
            "m.yaml:2: there is no runtime `crum`",
        ),
        (
            "b: [crun@1, crun@2]",
            "b: [crun@1, crun@1]",
            "m.yaml:2: the group b has crun@1 twice",
        ),
        (
            "b: [crun@1, crun@2]",
            "b: [crun@1, 'crun@1 2']",
            "m.yaml:2: read `crun@1 2`",
        ),
        (
            "[host, '6.1'",
            "[host, '6.9', '6.1'",
            "m.yaml:3: there is no kernel `6.9`",
        ),
        (
            "[host, '6.1'",
            "[host, '6.1', '6.1'",
            "m.yaml:3: kernels has 6.1 twice",
        ),
    ] {
        let text = MATRIX.replacen(from, to, 1);
        let error = check(&text).expect_err(to);
        assert!(error.contains(says), "{to}: {error}");
    }
    let matrix = MatrixFile::parse("m.yaml", MATRIX).expect("a matrix");
    let versions = |plan| {
        let all = matrix.versions(plan).into_iter();
        all.map(|(name, version)| format!("{name}@{version}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(versions("quick"), ["crun@1", "crun@2", "runc@1"]);
    assert_eq!(versions("full"), ["crun@1", "runc@1"]);
}

/// A matrix of this machine alone says nothing about virtual machines.
#[test]
fn the_host_alone_needs_neither_cgroup_nor_vm() {
    let text = "{runtimes: {a: [runc@1, crun@1]}, kernels: [host], plans: {p: {cases: {host: all}}}}";
    MatrixFile::parse("m.yaml", text).expect("a matrix");
    for (from, to, says) in [
        ("[host]", "[]", "kernels is empty"),
        ("[host]", "[host, '6.1']", "cgroup is missing"),
    ] {
        let error = MatrixFile::parse("m.yaml", &text.replacen(from, to, 1))
            .expect_err(to)
            .to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn parts_of_a_cell_are_joined_and_one_that_lacks_cases_is_interrupted() {
    let part = |cases: &[(&str, Verdict)], is_whole: bool| {
        let mut events = vec![started("6.12")];
        events.extend(cases.iter().map(|(case, verdict)| finished(case, *verdict, 1.0)));
        if is_whole {
            events.push(ended());
        }
        events
    };
    // The second machine died; the third ran the rest, and one case again.
    let parts = vec![
        part(&[("b", Verdict::Agree)], true),
        part(&[("c", Verdict::Known)], false),
        part(&[("a", Verdict::New), ("b", Verdict::Broken)], true),
    ];
    let joined = join(parts.clone(), 3).expect("a run");
    let names: Vec<&str> = joined
        .iter()
        .filter_map(|event| match event {
            Event::CaseFinished(report) => Some(report.case.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(matches!(joined[0], Event::RunStarted { cases: 3, .. }));
    let Some(Event::RunFinished {
        counts,
        exit,
        interrupted,
        ..
    }) = joined.last()
    else {
        panic!("no end: {joined:?}");
    };
    assert_eq!(
        (counts.total(), *exit, *interrupted),
        (3, ExitStatus::Differs, false)
    );

    let Some(Event::RunFinished {
        exit,
        interrupted,
        why,
        ..
    }) = join(parts, 5).expect("a run").pop()
    else {
        panic!("no end");
    };
    assert_eq!((exit, interrupted), (ExitStatus::Broken, true));
    assert_eq!(why.as_deref(), Some("2 of 5 cases were not run"));
    assert!(join(vec![vec![started("6.1")], vec![started("6.12")]], 1).is_err());
    assert!(join(vec![], 1).is_err());
}

#[test]
fn a_plan_is_printed_as_ci_services_take_it() {
    let quick = planned("quick").expect("a plan");
    let github: serde_json::Value = serde_json::from_str(&ci::github(&quick, 3, &[])).expect("json");
    let axes: Vec<_> = github.as_object().expect("a map").keys().collect();
    assert_eq!(
        axes,
        ["include"],
        "anything else would be an axis of `strategy.matrix`"
    );
    assert_eq!(
        github["include"][2],
        serde_json::json!({"shard": "3/3", "plan": "quick"})
    );
    let job: serde_json::Value = serde_yaml::from_str(&ci::kubernetes(&quick, 3, "x:1", &[])).expect("yaml");
    // What makes it another plan is handed on, as words of a shell.
    let options = ["--case".to_owned(), "a b/*".to_owned()];
    let part: serde_json::Value = serde_json::from_str(&ci::github(&quick, 1, &options)).expect("json");
    assert_eq!(part["include"][0]["options"], "--case 'a b/*'");
    let pod = ci::kubernetes(&quick, 3, "x:1", &options);
    assert!(
        pod.contains("matrix run quick --case 'a b/*' --shard $((JOB_COMPLETION_INDEX + 1))/3 "),
        "{pod}"
    );
    assert_eq!(job["spec"]["completionMode"], "Indexed");
    assert_eq!(job["spec"]["completions"], 3);
    let text = ci::text(&quick, &Times::default());
    assert!(text.contains("a-6.12-v2") && text.ends_with('\n'), "{text}");
    for (seconds, told) in [
        (0.4, "0 s"),
        (59.0, "59 s"),
        (90.0, "1 min"),
        (7500.0, "2 h 05"),
        (f64::NAN, "0 s"),
    ] {
        assert_eq!(ci::lasting(seconds), told);
    }
}

fn started(kernel: &str) -> Event {
    serde_json::from_value(serde_json::json!({
        "event": "run-started", "ocidiff": "0", "time": 1, "runtimes": [], "recorder": "ebpf", "cases": 1,
        "machine": {"kernel": kernel, "cgroup": "v2", "arch": "x86_64"},
    }))
    .expect("an event")
}

fn ended() -> Event {
    Event::RunFinished {
        counts: Counts::default(),
        seconds: 2.0,
        exit: ExitStatus::Ok,
        interrupted: false,
        why: None,
    }
}

fn finished(case: &str, verdict: Verdict, seconds: f64) -> Event {
    serde_json::from_value(serde_json::json!({
        "event": "case-finished", "case": case, "summary": "s", "source": "x.yaml", "verdict": verdict.to_string(),
        "seconds": seconds, "runs": 1,
    }))
    .expect("an event")
}
