//! Which facts of the table a pattern of paths can name.

use super::*;

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
        ("cgroup.path.mem*", &["cgroup.path.<hierarchy>"]),
        ("filter.1.dig*", &["filter.<number>.digest"]),
        ("syscall.open*", &["syscall.<call>(<any>)", "syscall.<call>"]),
        ("sys*call.open", &["syscall.<call>"]),
        // What is known by name comes first: of a relative path nothing is.
        ("proc.peek./*", &["proc.peek.<path>"]),
        ("lifecycel.exec*.exit", &[]),
        ("lifecycle.exec*.exot", &[]),
        ("lifecycle.craete*.result", &[]),
        ("proces.*", &[]),
        ("process.exo*", &[]),
        ("proc.*.umaks", &[]),
        ("cgroup.pids.maxx*", &[]),
        ("cgroup.path.memroy*", &[]),
        ("cgroup.path.n*me", &[]),
        ("proc.rlimit.nofyl*", &[]),
        ("proc.ns.utz*", &[]),
        ("mount.prok*", &[]),
        ("filter.x.dig*", &[]),
        ("syscall.open.x*", &[]),
        ("lifecycle.kill#2#3.res*", &[]),
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
