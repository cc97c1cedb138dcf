//! Small records, and what is asked of them.

use super::*;

fn step(label: &str, op: Op, result: CallResult) -> StepRecord {
    StepRecord {
        label: label.to_owned(),
        op,
        argv: Vec::new(),
        result,
        exit: None,
        text: String::new(),
        seconds: 0.0,
    }
}

fn record() -> Record {
    Record {
        case: "t/c".to_owned(),
        runtime: RuntimeId {
            name: "runc".to_owned(),
            version: Version::local(),
            label: "runc".to_owned(),
        },
        bundle: BundleDigest::default(),
        recorder: "none".to_owned(),
        outcome: RunOutcome::Complete,
        ran: true,
        steps: vec![
            step("create", Op::Create, CallResult::Ok),
            step("start", Op::Start, CallResult::Error),
            step("wait", Op::Wait, CallResult::Timeout),
            step("kill", Op::Kill, CallResult::Timeout),
        ],
        facts: vec![Fact::new("process.exit", 3)],
        filters: Vec::new(),
        setup: Vec::new(),
        calls: Vec::new(),
        total_calls: 0,
        seconds: 0.0,
    }
}

#[test]
fn what_the_harness_failed_to_read_is_no_value() {
    let mut record = record();
    record.facts.extend([
        Fact::new("mount.unread", "ESRCH"),
        Fact::new(
            "proc.init.unread",
            vec!["timerslack_ns EPERM".to_owned(), "caps ESRCH".to_owned()],
        ),
    ]);
    for (path, why) in [
        ("proc.init.timerslack_ns", Some("EPERM")),
        ("proc.init.caps.eff", Some("ESRCH")),
        ("proc.init.comm", None),
        ("proc.created.caps.eff", None),
        ("proc.init.unread", None),
        ("proc.caps.effective", None),
        ("mount./proc", Some("ESRCH")),
        ("mount.order", Some("ESRCH")),
        ("mount.inside.dev", None),
        ("cgroup.path.memory", None),
        ("file./mount.unread", None),
    ] {
        assert_eq!(record.unread(path), why, "{path}");
    }
}

#[test]
fn what_was_not_read_of_a_life_or_of_a_container_is_not_known_there() {
    let mut record = record();
    let lines = |line: &str| vec![line.to_owned()];
    record.facts.extend([
        Fact::new("proc.init.unread#2", lines("caps ESRCH")),
        Fact::new("proc.second.created.unread", lines("umask EPERM")),
    ]);
    for (path, why) in [
        ("proc.init.caps.eff", None),
        ("proc.init.caps.eff#2", Some("ESRCH")),
        ("proc.second.created.umask", Some("EPERM")),
        ("proc.created.umask", None),
    ] {
        assert_eq!(record.unread(path), why, "{path}");
    }
    for path in [
        "proc.init.unread#2",
        "proc.second.created.unread",
        "cgroup.unread",
    ] {
        assert!(is_unread(path), "{path}");
    }
    assert!(!is_unread("proc.read.unread"));
}

#[test]
fn two_values_for_one_path_are_a_failure_of_the_harness() {
    let facts = [Fact::new("process.exit", 0), Fact::new("process.exit", "0")];
    let refusal = Some(RunOutcome::Unsupported("no".to_owned()));
    let outcome = RunOutcome::of(None, refusal, &facts);
    let why = "two values were recorded for process.exit: 0 and \"0\"";
    assert_eq!(outcome, RunOutcome::Broken(why.to_owned()));
    assert_eq!(RunOutcome::of(None, None, &facts[..1]), RunOutcome::Complete);
}

#[test]
fn what_failed_are_calls_of_the_runtime_in_order() {
    let record = record();
    let failed: Vec<_> = record.failed().map(|step| step.label.as_str()).collect();
    assert_eq!(failed, ["start", "kill"]);
    assert_eq!(record.value("process.exit"), Some(&Value::Int(3)));
    assert_eq!(record.value("process.stdout"), None);
}

#[test]
fn a_fact_is_about_a_container_or_about_the_whole_run() {
    let mut record = record();
    let more = [
        step("second.create", Op::Create, CallResult::Ok),
        step("second.start", Op::Start, CallResult::Ok),
        step("third.create", Op::Create, CallResult::Ok),
        step("third.start", Op::Start, CallResult::Error),
        step("exec.run", Op::Run, CallResult::Error),
        step("list", Op::List, CallResult::Ok),
    ];
    record.steps.extend(more);
    record.ran = false;
    for (path, container, has_begun) in [
        ("process.exit", Some("main"), false),
        ("process.exec#2.stdout", Some("main"), false),
        ("proc.init.umask#2", Some("main"), false),
        ("setup.mounts", Some("main"), false),
        ("file./x", Some("main"), false),
        ("lifecycle.start.result", Some("main"), false),
        ("process.second.exit", Some("second"), true),
        ("proc.second.created.umask", Some("second"), true),
        ("proc.second.exec#2.umask", Some("second"), true),
        ("proc.second.no such fact", Some("second"), true),
        ("lifecycle.second.create.stderr", Some("second"), true),
        ("process.third.exit#2", Some("third"), false),
        ("process.exec.stdout", Some("exec"), true),
        ("lifecycle.list.containers", None, true),
        ("leftover.cgroups", None, true),
        ("hook.order", None, true),
    ] {
        assert_eq!(record.container_of(path), container, "{path}");
        assert_eq!(record.has_begun(path), has_begun, "{path}");
    }
    record.steps.retain(|step| !step.label.starts_with("exec"));
    assert_eq!(record.container_of("process.exec.stdout"), Some("main"));
}

#[test]
fn what_is_put_aside_is_of_its_containers_or_of_the_whole_run() {
    let step = |label: &str, op: Op| step(label, op, CallResult::Ok);
    let aside = |lives: &[&str]| Record {
        outcome: RunOutcome::Partly(Aside {
            lives: lives.iter().map(ToString::to_string).collect(),
            why: "no".to_owned(),
        }),
        steps: vec![
            step("list", Op::List),
            step("create", Op::Create),
            step("exec", Op::Exec),
            step("create#2", Op::Create),
            step("exec#2", Op::Exec),
            step("second.create", Op::Create),
        ],
        ..record()
    };
    for (path, of_main, of_second_life, of_second) in [
        ("lifecycle.create.result", true, false, false),
        ("lifecycle.create#2.result", false, true, false),
        ("lifecycle.second.create.result", false, false, true),
        ("lifecycle.list.result", false, false, false),
        ("lifecycle.list.containers", true, true, true),
        ("process.exit", true, false, false),
        ("process.exit#2", false, true, false),
        ("process.exec.stdout", true, false, false),
        ("process.exec#2.stdout", false, true, false),
        ("proc.umask#1#2", false, true, false),
        ("proc.second.umask", false, false, true),
        ("file./x", true, true, false),
        ("file.second./x", false, false, true),
        ("hook.order", true, true, true),
        ("leftover.mounts", true, true, true),
    ] {
        let of = |life: &str| aside(&[life]).is_aside(path);
        let found = (of("main"), of("main#2"), of("second"));
        assert_eq!(found, (of_main, of_second_life, of_second), "{path}");
        assert!(!record().is_aside(path), "{path}");
    }
}

#[test]
fn what_a_container_shows_that_waits_for_one_that_came_to_nothing_says_nothing() {
    use Op::{Create, Kill, Start};
    let (ok, error) = (|| CallResult::Ok, || CallResult::Error);
    let made = || {
        [
            step("agent.create", Create, ok()),
            step("agent.start", Start, ok()),
        ]
    };
    let end = || step("agent.kill", Kill, ok());
    let [create, start] = made();
    for (what, steps, has_begun) in [
        ("main failed", vec![step("create", Create, error()), end()], false),
        ("main is there", vec![step("create", Create, ok()), end()], true),
        (
            "only its kill failed",
            vec![step("create", Create, ok()), step("kill", Kill, error()), end()],
            true,
        ),
        (
            "another failed",
            vec![step("third.create", Create, error()), end()],
            true,
        ),
        ("it ended before", vec![step("create", Create, error())], true),
    ] {
        let steps = made().into_iter().chain(steps).collect();
        let record = Record {
            steps,
            ran: false,
            ..record()
        };
        assert_eq!(record.has_begun("process.agent.exit"), has_begun, "{what}");
    }
    let late = vec![create, step("create", Create, error()), start, end()];
    let record = Record {
        steps: late,
        ran: false,
        ..record()
    };
    assert!(record.has_begun("process.agent.exit"), "it started after");
}

#[test]
fn a_case_can_do_without_a_main_container() {
    let steps = vec![
        step("second.create", Op::Create, CallResult::Ok),
        step("second.start", Op::Start, CallResult::Ok),
    ];
    let record = Record {
        steps,
        ran: false,
        ..record()
    };
    for path in ["process.second.exit", "leftover.cgroups"] {
        assert!(record.has_begun(path), "{path}");
    }
}

#[test]
fn an_outcome_says_why_something_is_not_compared() {
    let aside = Aside {
        lives: vec!["main".to_owned(), "second#2".to_owned()],
        why: "no time namespace".to_owned(),
    };
    let says = "no time namespace; only what concerns main, second#2 or the whole run is left out";
    for (mut outcome, why, words) in [
        (RunOutcome::Complete, None, None),
        (RunOutcome::Partly(aside), Some(says), Some("no time namespace")),
        (
            RunOutcome::Unsupported("no VM".to_owned()),
            Some("no VM"),
            Some("no VM"),
        ),
        (RunOutcome::Broken("full".to_owned()), Some("full"), Some("full")),
    ] {
        assert_eq!(outcome.why().as_deref(), why);
        assert_eq!(outcome.words_mut().map(|words| words.as_str()), words);
        if let Some(words) = outcome.words_mut() {
            "hidden".clone_into(words);
            let why = outcome.why().expect("a reason");
            assert!(why.starts_with("hidden"), "{why}");
        }
    }
}
