//! The table of facts, by paths that fit it and paths that do not.

use super::*;

#[test]
fn the_table_can_be_read_and_each_row_has_a_channel() {
    let kinds: Vec<Kind> = serde_yaml::from_str(include_str!("../../data/facts.yaml")).expect("facts.yaml");
    assert_eq!(kinds.len(), TABLE.len());
    for channel in Channel::ALL {
        assert!(rows(channel).next().is_some(), "{channel}");
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
        ("nothing.like.it", None),
    ] {
        assert_eq!(find(path), None, "{path}");
        assert_eq!(meant(path).as_deref(), said, "{path}");
    }
}

#[test]
fn every_row_can_be_reached_by_all_of_its_paths() {
    for kind in kinds() {
        for path in kind.examples() {
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
fn a_pattern_names_the_facts_that_it_has_a_text_in_common_with() {
    for (pattern, facts) in [
        (
            "lifecycle.exec*.exit",
            &["lifecycle.<run>.exit", "lifecycle.<step>.exit"][..],
        ),
        ("lifecycle.*create.result", &["lifecycle.<step>.result"]),
        ("lifecycle.kill#*.result", &["lifecycle.<step>.result"]),
        ("process*.exit", &["process.exit"]),
        ("process.exec#2.e*t", &["process.exit"]),
        (
            "proc*.umask",
            &[
                "proc.init.{umask,uid,gid,groups}",
                "proc.created.{umask,uid,gid,groups}",
                "proc.umask",
            ],
        ),
        ("proc.*listen.closed", &["proc.listen.<any>"]),
        ("lifecycle.*.result", &["lifecycle.<step>.result"]),
        ("hook.*.state.pid", &["hook.<hook>.state.pid"]),
        ("cgroup.{", &[]),
        ("cgroup.cpu.wei*", &["cgroup.<setting>"]),
        ("lifecycel.exec*.exit", &[]),
        ("lifecycle.exec*.exot", &[]),
        ("lifecycle.craete*.result", &[]),
        ("proces.*", &[]),
        ("process.exo*", &[]),
        ("proc.*.umaks", &[]),
        ("cgroup.pids.maxx*", &[]),
        ("*", &[]),
    ] {
        let found: Vec<&str> = named(pattern)
            .into_iter()
            .map(|kind| kind.fact.as_str())
            .collect();
        if pattern == "*" {
            assert_eq!(found.len(), TABLE.len());
        } else if pattern == "proc.*listen.closed" {
            assert!(found.contains(&facts[0]), "{found:?}");
        } else {
            assert_eq!(found, facts, "{pattern}");
        }
    }
    assert!(can_name("lifecycle.create*.said", "lifecycle.<step>.said"));
    assert!(!can_name("lifecycle.craete.said", "lifecycle.<step>.said"));
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
fn every_row_has_examples_that_are_facts() {
    for kind in kinds() {
        let examples = kind.examples();
        assert!(!examples.is_empty(), "{}", kind.fact);
        for example in examples {
            assert!(find(&example).is_some(), "{example}");
        }
    }
}

#[test]
fn what_comes_for_each_call_mount_or_hook_can_come_twice() {
    for (path, expected) in [
        ("syscall.mkdir", true),
        ("syscall.denied", false),
        ("mount./proc", true),
        ("mount.order", false),
        ("hook.prestart.args", true),
        ("hook.order", false),
        ("proc.umask", true),
        ("process.exit", false),
    ] {
        assert_eq!(
            find(path).map(|found| found.kind.repeats()),
            Some(expected),
            "{path}"
        );
    }
}

#[test]
fn of_two_numbers_the_table_can_say_that_the_greater_confines_less() {
    let text =
        "{fact: process.exit, from: inside, compared: always, impact: cosmetic, less: greater, says: s}";
    let kind: Kind = serde_yaml::from_str(text).expect(text);
    for (first, second, less) in [(2, 1, Some(true)), (1, 1, Some(false)), (1, 2, Some(false))] {
        assert_eq!(kind.confines_less(&first.into(), &second.into()), less);
    }
    assert_eq!(kind.confines_less(&"a".into(), &1.into()), None);
}

#[test]
fn how_a_step_ended_is_its_result() {
    for (path, expected) in [
        ("lifecycle.create.result", true),
        ("lifecycle.second.kill#2.result", true),
        ("lifecycle.exec.exit", false),
        ("process.result", false),
    ] {
        assert_eq!(is_result(path), expected, "{path}");
    }
}

#[test]
fn a_label_is_the_name_of_a_container_or_of_an_exec() {
    for (text, exec, label) in [
        ("exec", true, true),
        ("second.exec#2", true, true),
        ("second", false, true),
        ("second.kill", false, false),
        ("a/b", false, false),
        ("", false, false),
    ] {
        assert_eq!(
            (pattern::is_exec(text), pattern::is_label(text)),
            (exec, label),
            "{text}"
        );
    }
}

#[test]
fn a_hole_is_filled_with_what_may_have_been_meant() {
    for (path, said) in [
        ("proc.rlimitt.nofiel", "proc.rlimit.nofile"),
        ("proc.nss.utts", "proc.ns.uts"),
        ("proc.peeek./etc/x.y", "proc.peek./etc/x.y"),
        ("proc.fdd.7", "proc.fd.7"),
    ] {
        assert_eq!(find(path), None, "{path}");
        assert_eq!(meant(path).as_deref(), Some(said));
    }
}

#[test]
fn a_pattern_can_name_what_can_stand_in_a_hole_and_nothing_else() {
    for (pattern, path, expected) in [
        ("proc.n*", "proc.<limit>", true),
        ("proc.q*", "proc.<limit>", false),
        ("proc.ut*", "proc.<ns>", true),
        ("proc.q*", "proc.<ns>", false),
        ("cgroup.mem*", "cgroup.<hierarchy>", true),
        ("cgroup.cpu,x*", "cgroup.<hierarchy>", true),
        ("cgroup.name=x*", "cgroup.<hierarchy>", true),
        ("cgroup.q*", "cgroup.<hierarchy>", false),
        ("mount./x*", "mount.<path>", true),
        ("mount.x*", "mount.<path>", false),
        ("filter.1*", "filter.<number>", true),
        ("filter.*7", "filter.<number>", true),
        ("filter.x*", "filter.<number>", false),
        ("filter.*x", "filter.<number>", false),
        ("proc.open_a*", "proc.<call>", true),
        ("proc.(a*", "proc.<call>", false),
        ("hook.start-x*", "hook.<hook>", true),
        ("hook.prestart.*", "hook.<hook>", false),
        ("lifecycle.kill#2*", "lifecycle.<step>", true),
        ("lifecycle.kill#12*", "lifecycle.<step>", true),
        ("lifecycle.kil#2*", "lifecycle.<step>", false),
        ("lifecycle.*.result", "lifecycle.<step>.result", true),
        ("lifecycle.*.resul", "lifecycle.<step>.result", false),
        ("lifecycle.create.*", "lifecycle.<step>.result", true),
        ("process.*", "proc.<call>", false),
        ("*", "proc.<call>", true),
        ("*umask", "proc.umask", true),
        ("umask*", "proc.umask", false),
    ] {
        assert_eq!(can_name(pattern, path), expected, "{pattern} {path}");
    }
}
