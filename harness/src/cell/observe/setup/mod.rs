//! How a runtime confines a container: facts of its own calls, from `create` to the workload's execve.
//!
//! Each runtime gets there with its own calls. What is compared is their effect, and whether their order confines
//! the container at all times: capabilities(7), seccomp(2), prctl(2), pivot_root(2).

mod order;
mod paths;
mod seccomp;

use std::collections::BTreeSet;

use ocidiff_model::Fact;
use ocidiff_trace::{CallResult, SetupCall};

use self::order::orders;
use self::paths::{mount, path};
use self::seccomp::seccomp;

/// Calls that change a process's identity.
const IDS: [&str; 9] = [
    "setfsgid",
    "setfsuid",
    "setgid",
    "setgroups",
    "setregid",
    "setresgid",
    "setresuid",
    "setreuid",
    "setuid",
];
/// The namespaces by the flags of clone(2), unshare(2) and setns(2).
const NAMESPACES: [(&str, &str); 8] = [
    ("CLONE_NEWCGROUP", "cgroup"),
    ("CLONE_NEWIPC", "ipc"),
    ("CLONE_NEWNET", "network"),
    ("CLONE_NEWNS", "mount"),
    ("CLONE_NEWPID", "pid"),
    ("CLONE_NEWTIME", "time"),
    ("CLONE_NEWUSER", "user"),
    ("CLONE_NEWUTS", "uts"),
];

/// What in the config decides what calls mean.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    masked: Vec<String>,
    readonly: Vec<String>,
}

impl Asked {
    /// From a config; something that is not a config asks for nothing.
    pub(crate) fn of(config: &str) -> Self {
        let config: serde_json::Value = serde_json::from_str(config).unwrap_or_default();
        let paths = |name: &str| {
            let paths = config["linux"][name].as_array().cloned().unwrap_or_default();
            let paths = paths.iter().filter_map(|path| path.as_str());
            paths.map(str::to_owned).collect()
        };
        Self {
            masked: paths("maskedPaths"),
            readonly: paths("readonlyPaths"),
        }
    }
}

/// The effect of the calls; `init` is the container's process.
pub(crate) fn facts(calls: &[SetupCall], init: Option<i32>, asked: &Asked) -> Vec<Fact> {
    // What comes after the workload has begun (an exec, a delete) does not confine anything.
    let begun = calls
        .iter()
        .rposition(|call| Some(call.pid) == init && is_execve(call) && succeeded(call));
    let calls = begun.map_or(calls, |begun| &calls[..=begun]);
    let done: Vec<&SetupCall> = calls.iter().filter(|call| succeeded(call)).collect();
    let own: Vec<&SetupCall> = done
        .iter()
        .copied()
        .filter(|call| Some(call.pid) == init)
        .collect();
    let mut facts = vec![
        fact("namespaces", namespaces(&done)),
        fact("mounts", sorted(&done, mount)),
        fact("root", sorted(&done, root)),
        fact("ids", in_order(&own, ids)),
        fact("prctl", sorted(&own, prctl)),
        fact("keyctl", sorted(&done, keyctl)),
        fact("rlimits", sorted(&done, rlimit)),
        fact("names", sorted(&done, host_name)),
        fact("close_range", in_order(&own, close_range)),
        fact("seccomp", in_order(&own, seccomp)),
        fact("refused", sorted_all(calls, refused)),
    ];
    facts.extend(execve(&own));
    facts.extend(orders(&done, &own, asked));
    facts
}

/// A call on one line: the step, the process, the call.
pub(crate) fn line(call: &SetupCall) -> String {
    format!("[{} {}] {}", call.phase, call.call.process, call.call)
}

fn fact(name: &str, value: impl Into<ocidiff_model::Value>) -> Fact {
    Fact::new(format!("setup.{name}"), value)
}

fn succeeded(call: &SetupCall) -> bool {
    matches!(call.call.result, CallResult::Value(_))
}

fn sorted(calls: &[&SetupCall], say: fn(&SetupCall) -> Option<String>) -> Vec<String> {
    let all: BTreeSet<String> = calls.iter().filter_map(|call| say(call)).collect();
    all.into_iter().collect()
}

fn sorted_all(calls: &[SetupCall], say: fn(&SetupCall) -> Option<String>) -> Vec<String> {
    sorted(&calls.iter().collect::<Vec<_>>(), say)
}

fn in_order(calls: &[&SetupCall], say: fn(&SetupCall) -> Option<String>) -> Vec<String> {
    calls.iter().filter_map(|call| say(call)).collect()
}

fn arg(call: &SetupCall, at: usize) -> &str {
    call.call.args.get(at).map_or("", String::as_str)
}

fn namespaces(calls: &[&SetupCall]) -> Vec<String> {
    let mut all = BTreeSet::new();
    for call in calls {
        let (how, flags) = match call.call.name.as_str() {
            "unshare" | "clone" | "clone3" => ("new", arg(call, 0)),
            "setns" => ("entered", arg(call, 1)),
            _ => continue,
        };
        let named = NAMESPACES.iter().filter(|(flag, _)| flags.contains(flag));
        all.extend(named.map(|(_, kind)| format!("{how} {kind}")));
    }
    all.into_iter().collect()
}

fn root(call: &SetupCall) -> Option<String> {
    matches!(call.call.name.as_str(), "pivot_root" | "chroot").then(|| call.call.name.clone())
}

fn ids(call: &SetupCall) -> Option<String> {
    let known = IDS.contains(&call.call.name.as_str());
    known.then(|| format!("{}({})", call.call.name, call.call.args.join(", ")))
}

fn prctl(call: &SetupCall) -> Option<String> {
    (call.call.name == "prctl").then(|| match arg(call, 0) {
        option @ ("PR_SET_NO_NEW_PRIVS"
        | "PR_SET_DUMPABLE"
        | "PR_SET_KEEPCAPS"
        | "PR_SET_PDEATHSIG"
        | "PR_SET_CHILD_SUBREAPER"
        | "PR_SET_SECUREBITS") => format!("{option} {}", arg(call, 1)),
        option => option.to_owned(),
    })
}

fn keyctl(call: &SetupCall) -> Option<String> {
    (call.call.name == "keyctl").then(|| arg(call, 0).to_owned())
}

fn rlimit(call: &SetupCall) -> Option<String> {
    match call.call.name.as_str() {
        "setrlimit" => Some(arg(call, 0).to_owned()),
        // Without a new value it only queries.
        "prlimit64" if arg(call, 2) != "NULL" => Some(arg(call, 1).to_owned()),
        _ => None,
    }
}

fn host_name(call: &SetupCall) -> Option<String> {
    matches!(call.call.name.as_str(), "sethostname" | "setdomainname")
        .then(|| format!("{} {}", call.call.name, arg(call, 0)))
}

fn close_range(call: &SetupCall) -> Option<String> {
    (call.call.name == "close_range").then(|| call.call.args.join(", "))
}

/// What the runtime itself was denied.
fn refused(call: &SetupCall) -> Option<String> {
    match &call.call.result {
        CallResult::Errno(errno) if ["EPERM", "EACCES", "ENOSYS"].contains(&errno.as_str()) => {
            Some(format!("{} {errno}", call.call.name))
        }
        _ => None,
    }
}

fn is_execve(call: &SetupCall) -> bool {
    matches!(call.call.name.as_str(), "execve" | "execveat")
}

/// The execve by which the container's process becomes the workload: the last one that it makes.
fn execve(own: &[&SetupCall]) -> Vec<Fact> {
    let last = own.iter().rev().find(|call| is_execve(call));
    last.map_or_else(Vec::new, |call| {
        vec![
            fact("execve.call", call.call.name.as_str()),
            fact(
                "execve.path",
                path(call, usize::from(call.call.name == "execveat")),
            ),
        ]
    })
}

#[cfg(test)]
mod tests {
    use ocidiff_trace::{Arch, Call};

    use super::*;

    fn call(pid: i32, name: &str, args: &[&str], result: &str) -> SetupCall {
        let result = if result.starts_with('E') {
            CallResult::Errno(result.to_owned())
        } else {
            CallResult::Value(result.to_owned())
        };
        SetupCall {
            phase: "create".to_owned(),
            pid,
            call: Call {
                process: 1,
                thread: 1,
                arch: Arch::X86_64,
                name: name.to_owned(),
                args: args.iter().map(|arg| (*arg).to_owned()).collect(),
                subject: None,
                result,
            },
        }
    }

    fn value(facts: &[Fact], path: &str) -> ocidiff_model::Value {
        facts
            .iter()
            .find(|fact| fact.path == path)
            .map(|fact| fact.value.clone())
            .expect("the fact is there")
    }

    #[test]
    fn orders_are_those_of_the_containers_own_process() {
        let calls = [
            call(9, "capset", &["ptr", "ptr"], "0"),
            call(7, "prctl", &["PR_SET_NO_NEW_PRIVS", "0x1"], "0"),
            call(7, "seccomp", &["SECCOMP_SET_MODE_FILTER", "0x0", "ptr"], "0"),
            call(7, "capset", &["ptr", "ptr"], "0"),
            call(7, "setresuid", &["1000", "1000", "1000"], "EPERM"),
            call(9, "seccomp", &["SECCOMP_SET_MODE_FILTER", "0x0", "ptr"], "0"),
        ];
        let facts = facts(&calls, Some(7), &Asked::default());
        assert_eq!(
            value(&facts, "setup.order.seccomp-capset"),
            "seccomp, capset".into()
        );
        assert_eq!(
            value(&facts, "setup.order.no_new_privs-seccomp"),
            "no_new_privs, seccomp".into()
        );
        assert_eq!(value(&facts, "setup.order.capset-ids"), "capset only".into());
        assert_eq!(value(&facts, "setup.order.cwd-ids"), "neither".into());
        assert_eq!(
            value(&facts, "setup.refused"),
            vec!["setresuid EPERM".to_owned()].into()
        );
    }

    #[test]
    fn the_flags_of_each_filter_are_named() {
        let calls = [
            call(7, "seccomp", &["SECCOMP_GET_ACTION_AVAIL", "0x0", "ptr"], "0"),
            // libseccomp uses this to ask whether the kernel knows a flag.
            call(
                7,
                "seccomp",
                &["SECCOMP_SET_MODE_FILTER", "0x2", "NULL"],
                "EFAULT",
            ),
            call(7, "seccomp", &["SECCOMP_SET_MODE_FILTER", "0x0", "ptr"], "0"),
            call(7, "seccomp", &["SECCOMP_SET_MODE_FILTER", "0x6", "ptr"], "0"),
            call(7, "seccomp", &["SECCOMP_SET_MODE_FILTER", "0x41", "ptr"], "0"),
            call(9, "seccomp", &["SECCOMP_SET_MODE_FILTER", "0x2", "ptr"], "0"),
            call(7, "prctl", &["PR_SET_SECCOMP", "0x2", "ptr"], "0"),
        ];
        let expected = ["none", "LOG|SPEC_ALLOW", "TSYNC|0x40", "prctl"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(
            value(&facts(&calls, Some(7), &Asked::default()), "setup.seccomp"),
            expected.into()
        );
    }

    #[test]
    fn what_was_masked_and_made_read_only() {
        let calls = [
            call(
                7,
                "mount",
                &[
                    "NULL",
                    "\"/proc/sys\"",
                    "NULL",
                    "MS_RDONLY|MS_REMOUNT|MS_BIND",
                    "NULL",
                ],
                "0",
            ),
            call(
                7,
                "mount",
                &["\"/dev/null\"", "\"/proc/kcore\"", "NULL", "MS_BIND"],
                "0",
            ),
            call(7, "unshare", &["CLONE_NEWNS|CLONE_NEWPID"], "0"),
        ];
        let asked =
            Asked::of(r#"{"linux": {"maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"]}}"#);
        let facts = facts(&calls, Some(7), &asked);
        assert_eq!(
            value(&facts, "setup.order.readonly-masked"),
            "readonly, masked".into()
        );
        assert_eq!(
            value(&facts, "setup.namespaces"),
            vec!["new mount".to_owned(), "new pid".to_owned()].into()
        );
    }
}
