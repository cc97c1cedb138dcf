//! Which of two steps came first, where that decides whether the container is confined at all times.

use ocidiff_model::Fact;
use ocidiff_trace::SetupCall;

use super::paths::{path, place};
use super::{Asked, arg, fact, ids};

/// Which of two things happened first; `only` and the name of the one that happened, if not both did.
fn order(first: Option<usize>, second: Option<usize>, [a, b]: [&str; 2]) -> String {
    match (first, second) {
        (Some(first), Some(second)) if first < second => format!("{a}, {b}"),
        (Some(_), Some(_)) => format!("{b}, {a}"),
        (Some(_), None) => format!("{a} only"),
        (None, Some(_)) => format!("{b} only"),
        (None, None) => "neither".to_owned(),
    }
}

pub(super) fn orders(done: &[&SetupCall], own: &[&SetupCall], asked: &Asked) -> Vec<Fact> {
    let last = |is: &dyn Fn(&SetupCall) -> bool| own.iter().rposition(|call| is(call));
    let first = |is: &dyn Fn(&SetupCall) -> bool| own.iter().position(|call| is(call));
    let named = |name: &'static str| move |call: &SetupCall| call.call.name == name;
    let (capset, changed_ids) = (last(&named("capset")), last(&|call| ids(call).is_some()));
    let seccomp = last(&is_filter);
    let no_new_privs =
        first(&|call: &SetupCall| call.call.name == "prctl" && arg(call, 0) == "PR_SET_NO_NEW_PRIVS");
    let readonly = done.iter().position(|call| is_mounted_on(call, &asked.readonly));
    let masked = done.iter().position(|call| is_mounted_on(call, &asked.masked));
    vec![
        fact(
            "order.seccomp-capset",
            order(seccomp, capset, ["seccomp", "capset"]),
        ),
        fact(
            "order.no_new_privs-seccomp",
            order(no_new_privs, seccomp, ["no_new_privs", "seccomp"]),
        ),
        fact(
            "order.readonly-masked",
            order(readonly, masked, ["readonly", "masked"]),
        ),
        fact(
            "order.cwd-ids",
            order(last(&named("chdir")), changed_ids, ["cwd", "ids"]),
        ),
        fact("order.capset-ids", order(capset, changed_ids, ["capset", "ids"])),
    ]
}

fn is_filter(call: &SetupCall) -> bool {
    match call.call.name.as_str() {
        "seccomp" => arg(call, 0) == "SECCOMP_SET_MODE_FILTER",
        "prctl" => arg(call, 0) == "PR_SET_SECCOMP",
        _ => false,
    }
}

/// Whether something is mounted on one of these paths of the container.
fn is_mounted_on(call: &SetupCall, wanted: &[String]) -> bool {
    let target = match call.call.name.as_str() {
        "mount" => path(call, 1),
        "move_mount" => place(arg(call, 2), &path(call, 3)),
        _ => return false,
    };
    let target = target.trim_start_matches("ROOTFS");
    wanted.iter().any(|path| path == target)
}
