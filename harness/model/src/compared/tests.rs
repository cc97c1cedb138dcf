//! What is compared whatever a case says, and what only if it is watched.

use super::*;

fn case(body: &str) -> Case {
    Case {
        name: "t/c".to_owned(),
        source: String::new(),
        member: None,
        body: serde_yaml::from_str(&format!("{{summary: s, {body}}}")).expect(body),
    }
}

#[test]
fn what_is_compared_whatever_a_case_watches() {
    let plain = case("");
    for (path, expected) in [
        ("process.exit", true),
        ("process.second.stdout", true),
        ("leftover.cgroups", true),
        ("leftover.caches", false),
        ("syscall.denied", true),
        ("syscall.mkdir", false),
        ("filter.count", true),
        ("filter.1.text", false),
        ("mount.inside.dev", true),
        ("mount.exec.inside.dev", true),
        ("mount./dev.inside.x", false),
        ("mount./proc", false),
        ("cgroup.inside.v2", true),
        ("cgroup.pids.max", false),
        ("hook.order", true),
        ("hook.prestart.env", false),
        ("proc.umask", true),
        ("proc.exec.umask", true),
        ("proc.stat./a.created.b", true),
        ("proc.init.umask", false),
        ("proc.created.umask", false),
        ("proc.second.created.umask", false),
        ("setup.order", false),
        ("file./etc/hosts", false),
        ("file.rest", true),
        ("file.second.rest", true),
        ("file./rest", false),
        ("file./a.rest", false),
        ("file.count", false),
        ("setup.rest", false),
        ("lifecycle.create.result", true),
        ("lifecycle.create.pid_file", true),
        ("lifecycle.create.error", false),
        ("lifecycle.create.exit", false),
        ("lifecycle.exec.exit", true),
        ("lifecycle.second.run#2.exit", true),
        ("lifecycle.list.containers", true),
        ("nothing.at.all", false),
    ] {
        assert_eq!(is_compared(&plain, path), expected, "{path}");
    }
}

#[test]
fn what_a_case_watches_is_compared_and_nothing_beside_it() {
    let watches = case("watch: {syscall: [mkdir], cgroup: [pids.max], file: [/etc]}");
    for (path, expected) in [
        ("syscall.mkdir", true),
        ("syscall.mkdirat", false),
        ("cgroup.pids.max", true),
        ("cgroup.cpu.max", false),
        ("file./etc", true),
        ("mount./proc", false),
    ] {
        assert_eq!(is_compared(&watches, path), expected, "{path}");
    }
}

#[test]
fn what_is_asked_for_is_what_is_watched_or_expected_in_the_channel() {
    let asks =
        case("watch: {syscall: [mkdir, open]}, expect: {syscall.denied: [], process.exit: 0, syscalls: 1}");
    let of = |channel| asks.body.asked(channel).collect::<Vec<_>>();
    assert_eq!(of(Channel::Syscall), ["mkdir", "open", "denied"]);
    assert_eq!(of(Channel::Process), ["exit"]);
    assert!(of(Channel::Mount).is_empty());
    assert_eq!(asks.body.watched(Channel::Syscall), ["mkdir", "open"]);
    assert!(asks.body.watched(Channel::Process).is_empty());
}

#[test]
fn the_workload_is_visited_unless_the_case_does_without_its_filters() {
    for (body, expected) in [
        ("", true),
        ("watch: {filter: [count]}", true),
        ("watch: {filter: false}", false),
    ] {
        assert_eq!(case(body).body.is_visited(), expected, "{body}");
    }
}

#[test]
fn a_case_that_expects_nothing_still_says_what_may_end_either_way() {
    let mut case = case(
        "steps: [{create: {expect: ok}}, {start: {expect: error}}, {wait: {expect: any}}, delete], expect: {process.exit: 0}",
    );
    case.body.expect_nothing();
    let left: Vec<bool> = case
        .body
        .steps
        .iter()
        .map(|step| step.options.expect.is_some())
        .collect();
    assert_eq!(left, [false, false, true, false]);
    assert!(case.body.expect.is_empty());
}

#[test]
fn what_a_created_container_s_own_process_is_like_is_of_its_create() {
    for (path, expected) in [
        ("proc.created.umask", true),
        ("proc.second.created.umask", true),
        ("proc.init.umask", false),
        ("proc.second.init.umask", false),
        ("proc.umask", false),
        ("mount.created.x", false),
    ] {
        assert_eq!(is_of_create(path), expected, "{path}");
    }
}
