//! The table of facts, by paths that fit it and paths that do not.

use super::*;

mod named;

#[test]
fn the_table_can_be_read_and_each_row_has_a_channel() {
    let kinds: Vec<Kind> = serde_yaml::from_str(include_str!("../../data/facts.yaml")).expect("facts.yaml");
    assert_eq!(kinds.len(), TABLE.len());
    for channel in Channel::ALL {
        assert!(rows(channel).next().is_some(), "{channel}");
    }
    for row in TABLE.iter() {
        let names_a_fact = |pattern: &Pattern| !pattern.parts.is_empty();
        assert!(row.patterns.iter().all(names_a_fact), "{}", row.kind.fact);
    }
}

#[test]
fn facts_are_found_and_slips_are_not() {
    for (path, fact) in [
        ("lifecycle.create.result", "lifecycle.<step>.result"),
        ("lifecycle.second.kill#2.result", "lifecycle.<step>.result"),
        ("lifecycle.exec.exit", "lifecycle.<run>.exit"),
        ("proc.umask", "proc.umask"),
        ("proc.exec.umask", "proc.umask"),
        ("proc.second.exec#2.umask", "proc.umask"),
        ("proc.call.mkdir#2", "proc.call.{<call>,#<number>}"),
        ("proc.call.personality#2", "proc.call.{<call>,#<number>}"),
        ("proc.call.#83", "proc.call.{<call>,#<number>}"),
        ("mount./proc", "mount.<path>"),
        ("mount.inside./proc", "mount.inside.<path>"),
        ("syscall.openat(/etc/x.y)#3", "syscall.<call>(<any>)"),
        ("cgroup.memory.oom.group", "cgroup.<setting>"),
        (
            "cgroup.cgroup.clone_children.cpu,cpuacct",
            "cgroup.cgroup.clone_children.<hierarchy>",
        ),
        ("file.second./x", "file.<path>"),
        ("hook.createRuntime.state.pid", "hook.<hook>.state.pid"),
    ] {
        assert_eq!(
            find(path).map(|found| found.kind.fact.as_str()),
            Some(fact),
            "{path}"
        );
    }
    for (path, said) in [
        ("lifecycle.craete.result", Some("lifecycle.create.result")),
        ("lifecycle.create.resutl", Some("lifecycle.create.result")),
        ("proc.umaksss", Some("proc.umask")),
        ("proc.capz.effective", Some("proc.caps.effective")),
        ("prok.umask", Some("proc.umask")),
        ("cgroup.pids.maxx", Some("cgroup.pids.max")),
        ("process.exti", Some("process.exit")),
        ("proc.exec.umaksss", Some("proc.exec.umask")),
        ("cgroup.path.memroy", Some("cgroup.path.memory")),
        ("proc.rlimit.nofil", Some("proc.rlimit.nofile")),
        ("proc.init.ns.mnz", Some("proc.init.ns.mnt")),
        ("mount.insid./etc/a.conf", Some("mount.inside./etc/a.conf")),
        ("engine.confg.linux.seccomp", Some("engine.config.linux.seccomp")),
        ("nothing.like.it", None),
    ] {
        assert_eq!(find(path), None, "{path}");
        assert_eq!(meant(path).as_deref(), said, "{path}");
    }
}

#[test]
fn what_only_begins_as_a_fact_does_is_none() {
    for path in [
        "cgroup.memory",
        "proc.rlimit.",
        "proc.rlimit.nofile.",
        "proc.fd.seven",
        "filter.x.digest",
        "proc.init.caps.umask",
    ] {
        assert_eq!(find(path), None, "{path}");
    }
}

#[test]
fn what_a_life_can_show_more_than_once_is_what_the_probe_prints_calls_mounts_and_hooks() {
    for (path, repeats) in [
        ("proc.umask", true),
        ("proc.init.umask", false),
        ("syscall.mkdir", true),
        ("syscall.denied", false),
        ("mount./proc", true),
        ("mount.order", false),
        ("hook.prestart.args", true),
        ("hook.order", false),
        ("process.exit", false),
    ] {
        assert_eq!(find(path).expect(path).kind.repeats(), repeats, "{path}");
    }
}

#[test]
fn how_a_step_ended_is_its_result_and_nothing_else() {
    for (path, expected) in [
        ("lifecycle.create.result", true),
        ("lifecycle.second.kill#2.result", true),
        ("lifecycle.create.error", false),
        ("proc.stat.a.result", false),
    ] {
        assert_eq!(is_result(path), expected, "{path}");
    }
}

#[test]
fn a_process_is_of_the_container_that_its_label_names_unless_a_container_has_that_name() {
    for (of, is_container, container) in [
        (None, false, MAIN),
        (Some("exec#2"), false, MAIN),
        (Some("second.exec"), false, "second"),
        (Some("exec"), true, "exec"),
        (Some("second"), false, "second"),
    ] {
        assert_eq!(container_of(of, |_| is_container), container, "{of:?}");
    }
}

#[test]
fn every_row_can_be_reached_by_all_of_its_paths() {
    for kind in kinds() {
        let examples = kind.examples();
        assert!(!examples.is_empty(), "{}", kind.fact);
        for path in examples {
            let found = find(&path).map(|found| found.kind.fact.as_str());
            assert_eq!(found, Some(kind.fact.as_str()), "{path}");
        }
    }
}

#[test]
fn a_watch_chooses_what_it_opens() {
    for (channel, watch, expected) in [
        (Channel::Proc, "init.caps", true),
        (Channel::Proc, "init.caps.bnd", true),
        (Channel::Proc, "init.capz.bnd", false),
        (Channel::Proc, "init.cap", false),
        (Channel::Proc, "init", true),
        (Channel::Proc, "exec", true),
        (Channel::Proc, "second.umask", true),
        (Channel::Proc, "secnd.umask", false),
        (Channel::Process, "second", true),
        (Channel::Cgroup, "pids.max", true),
        (Channel::Cgroup, "pids.maxx", false),
        (Channel::Mount, "/", true),
        (Channel::Mount, "inside", true),
        (Channel::Mount, "insde", false),
        (Channel::Syscall, "openat", true),
        (Channel::Lifecycle, "state", true),
        (Channel::Lifecycle, "state.pid", true),
        (Channel::Lifecycle, "state.pidd", false),
        (Channel::File, "/data", true),
        (Channel::Setup, "order", true),
        (Channel::Setup, "oder", false),
        (Channel::Setup, "*", true),
        // It may end where a name does, and nowhere else.
        (Channel::Cgroup, "memory", true),
        (Channel::Cgroup, "memory.", true),
        (Channel::Cgroup, "memory.oom", true),
        (Channel::Cgroup, "memory.oo", false),
        (Channel::Cgroup, "pids.m", false),
        (Channel::Lifecycle, "second.", true),
        (Channel::Lifecycle, "second", true),
        (Channel::Mount, "/a/", true),
        (Channel::Syscall, "openat(", true),
        (Channel::Syscall, "openat(/etc", true),
        (Channel::Syscall, "openat#2", true),
        (Channel::Proc, "call.mkdir#1#2", true),
    ] {
        let others = ["exec".to_owned(), "second".to_owned()];
        assert_eq!(
            !chosen(channel, watch, &others).is_empty(),
            expected,
            "{channel} {watch}"
        );
    }
}

#[test]
fn the_table_says_which_value_confines_less() {
    let less =
        |path: &str, first: Value, second: Value| find(path).expect(path).kind.confines_less(&first, &second);
    let list = |names: &[&str]| Value::List(names.iter().map(|name| (*name).to_owned()).collect());
    let path = "proc.caps.effective";
    assert_eq!(less(path, list(&["KILL", "CHOWN"]), list(&["KILL"])), Some(true));
    assert_eq!(less(path, list(&["KILL"]), list(&["KILL", "CHOWN"])), Some(false));
    assert_eq!(less("filter.count", Value::Int(0), Value::Int(1)), Some(true));
    assert_eq!(
        less("proc.nnp", Value::Bool(false), Value::Bool(true)),
        Some(true)
    );
    assert_eq!(less("process.exit", Value::Int(0), Value::Int(1)), None);
}

#[test]
fn of_two_that_both_confine_or_neither_none_confines_less() {
    let less = |first: bool, second: bool| {
        let kind = find("proc.nnp").expect("a row").kind;
        kind.confines_less(&first.into(), &second.into())
    };
    for (first, second, wanted) in [(false, false, false), (true, true, false), (true, false, false)] {
        assert_eq!(less(first, second), Some(wanted), "{first} {second}");
    }
    let numbers = |path: &str, first: i64, second: i64| {
        find(path)
            .expect(path)
            .kind
            .confines_less(&first.into(), &second.into())
    };
    assert_eq!(numbers("filter.count", 1, 1), Some(false));
    assert_eq!(numbers("filter.count", 2, 1), Some(false));
}

#[test]
fn what_stands_in_a_hole_is_told_by_its_name() {
    let found = find("mount./proc").expect("a row");
    assert_eq!(found.hole("path"), Some("/proc"));
    assert_eq!(found.hole("step"), None);
    let found = find("lifecycle.second.kill#2.result").expect("a row");
    assert_eq!(found.hole("step"), Some("second.kill#2"));
    assert_eq!(find("proc.exec.umask").expect("a row").of, Some("exec"));
}

#[test]
fn a_star_is_of_everybody_and_a_label_of_its_process() {
    let others = ["exec".to_owned()];
    let of = |watch: &'static str| {
        let found = chosen(Channel::Proc, watch, &others);
        found
            .into_iter()
            .map(|found| found.of)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(of("*"), [None].into());
    assert!(of("exec.").contains(&Some("exec")) && !of("umask").contains(&Some("exec")));
    assert!(of("exec.umask").contains(&Some("exec")));
}

#[test]
fn a_form_is_written_as_it_is_read() {
    for kind in kinds() {
        for form in &kind.values {
            assert_eq!(
                form.to_string().parse::<Form>(),
                Ok(form.clone()),
                "{}",
                kind.fact
            );
            assert!(
                !form.to_string().contains('<') || !matches!(form, Form::Word(_)),
                "{form}"
            );
        }
    }
}

#[test]
fn a_form_is_a_list_or_not_and_has_words_for_people() {
    for (written, is_list, is_list_of_names, says) in [
        ("<number>", false, false, "a whole number"),
        ("<errno>", false, false, "an errno"),
        ("<list>", true, false, "a list of texts"),
        ("<signals>", true, true, "a list of signals without SIG"),
        ("ok", false, false, "`ok`"),
    ] {
        let Ok(form) = written.parse::<Form>();
        assert_eq!(form.is_list(), is_list, "{written}");
        assert_eq!(form.is_list_of_names(), is_list_of_names, "{written}");
        assert_eq!(form.says(), says);
    }
}
