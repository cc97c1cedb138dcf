//! The flags that filters are loaded with, seccomp(2).

use ocidiff_trace::SetupCall;

use super::arg;

/// The flags of seccomp(2), linux/seccomp.h.
const SECCOMP_FLAGS: &[(u64, &str)] = &[
    (1, "TSYNC"),
    (1 << 1, "LOG"),
    (1 << 2, "SPEC_ALLOW"),
    (1 << 3, "NEW_LISTENER"),
    (1 << 4, "TSYNC_ESRCH"),
    (1 << 5, "WAIT_KILLABLE_RECV"),
];

/// The flags that a filter was loaded with; prctl(2) cannot pass any.
pub(super) fn seccomp(call: &SetupCall) -> Option<String> {
    match (call.call.name.as_str(), arg(call, 0)) {
        ("seccomp", "SECCOMP_SET_MODE_FILTER") => Some(seccomp_flags(arg(call, 1))),
        ("prctl", "PR_SET_SECCOMP") => Some("prctl".to_owned()),
        _ => None,
    }
}

fn seccomp_flags(argument: &str) -> String {
    let digits = argument.trim_start_matches("0x");
    let Ok(mut bits) = u64::from_str_radix(digits, 16) else {
        return argument.to_owned();
    };
    let mut names = Vec::new();
    for (bit, name) in SECCOMP_FLAGS {
        if bits & bit != 0 {
            names.push((*name).to_owned());
            bits &= !bit;
        }
    }
    if bits != 0 || names.is_empty() {
        names.push(if bits == 0 {
            "none".to_owned()
        } else {
            format!("{bits:#x}")
        });
    }
    names.join("|")
}
