//! Small records, and what is asked of them.

use super::*;

fn record() -> Record {
    let step = |label: &str, op: Op, result: CallResult| StepRecord {
        label: label.to_owned(),
        op,
        argv: Vec::new(),
        result,
        exit: None,
        text: String::new(),
        seconds: 0.0,
    };
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
    let step = |label: &str, op: Op, result: CallResult| StepRecord {
        label: label.to_owned(),
        op,
        result,
        ..record.steps[0].clone()
    };
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
    let step = |label: &str, op: Op| StepRecord {
        label: label.to_owned(),
        op,
        ..record().steps[0].clone()
    };
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
fn a_container_ran_if_it_was_started_before_and_something_was_done_with_it_after() {
    let step = |label: &str, op: Op| StepRecord {
        label: label.to_owned(),
        op,
        ..record().steps.remove(0)
    };
    let mut record = record();
    record.steps = vec![
        step("agent.create", Op::Create),
        step("agent.start", Op::Start),
        step("create", Op::Create),
        step("idle.run", Op::Run),
        step("start", Op::Start),
        step("agent.kill", Op::Kill),
    ];
    for (container, label, expected) in [
        ("agent", "create", true),
        ("agent", "start", true),
        // It is not started yet; nothing is done with it any more; nothing is ever done with it.
        ("agent", "agent.start", false),
        ("agent", "agent.kill", false),
        ("idle", "start", false),
        ("main", "agent.kill", false),
    ] {
        assert_eq!(
            record.was_running(container, label),
            expected,
            "{container} {label}"
        );
    }
    // An agent that waits for the main container shows nothing if that comes to nothing.
    assert!(record.has_begun("process.agent.exit"));
    record.steps[2].result = CallResult::Error;
    assert!(!record.has_begun("process.agent.exit"));
    assert!(record.has_begun("process.idle.exit"));
    record.steps[2].result = CallResult::Ok;
    record.steps[3].result = CallResult::Error;
    assert!(record.has_begun("process.agent.exit"));
}

#[test]
fn an_outcome_says_why_something_is_not_compared() {
    let aside = Aside {
        lives: vec!["main".to_owned(), "second#2".to_owned()],
        why: "no cgroup v1".to_owned(),
    };
    let said = "no cgroup v1; only what concerns main, second#2 or the whole run is left out";
    for (outcome, why, words) in [
        (RunOutcome::Complete, None, None),
        (RunOutcome::Partly(aside), Some(said), Some("no cgroup v1")),
        (RunOutcome::Unsupported("a".to_owned()), Some("a"), Some("a")),
        (RunOutcome::Broken("b".to_owned()), Some("b"), Some("b")),
    ] {
        let mut outcome = outcome;
        assert_eq!(outcome.why().as_deref(), why);
        assert_eq!(outcome.words_mut().map(|words| words.as_str()), words);
    }
}
