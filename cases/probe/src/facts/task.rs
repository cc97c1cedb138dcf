//! What the process may and how the kernel runs it.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::{NO_FIELD, status, text};
use crate::json::Value;
use crate::parse::status as fields;
use crate::report::Report;
use crate::sys::words::Words;
use crate::sys::{self, Errno, task};
use crate::tables::names;

/// From the status file, or, if there is no /proc, by asking for each.
pub(super) fn caps(_: &Words, report: &mut Report) {
    let sets = match status() {
        Ok(text) => ["CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"]
            .map(|name| fields::mask(&text, name).ok_or(NO_FIELD)),
        Err(_) => caps_by_calls(),
    };
    let sets = sets.map(|set| set.map(names::capabilities));
    for (name, set) in ["effective", "permitted", "inheritable", "bounding", "ambient"]
        .iter()
        .zip(sets)
    {
        report.fact(format!("caps.{name}"), set);
    }
    report.fact(
        "caps.securebits",
        task::prctl(libc::PR_GET_SECUREBITS, 0).map(|bits| format!("{bits:#x}")),
    );
}

fn caps_by_calls() -> [sys::Result<u64>; 5] {
    let sets = task::capabilities();
    let [effective, permitted, inheritable] = [0, 1, 2].map(|index| sets.map(|sets| sets[index]));
    let bounding = caps_one_by_one(|number| task::prctl(libc::PR_CAPBSET_READ, number));
    let ambient = caps_one_by_one(task::has_ambient);
    [effective, permitted, inheritable, bounding, ambient]
}

/// Asks until the kernel does not know the number.
fn caps_one_by_one(has: impl Fn(usize) -> sys::Result<i32>) -> sys::Result<u64> {
    let mut mask = 0;
    for number in 0..64 {
        match has(number) {
            Ok(yes) => mask |= u64::from(yes != 0) << number,
            Err(Errno(libc::EINVAL)) if number > 0 => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(mask)
}

pub(super) fn no_new_privileges(_: &Words, report: &mut Report) {
    report.fact(
        "nnp",
        task::prctl(libc::PR_GET_NO_NEW_PRIVS, 0).map(|yes| yes != 0),
    );
}

/// The status file first: under strict mode the call is fatal.
pub(super) fn seccomp(_: &Words, report: &mut Report) {
    let text = status();
    let number = |name| match &text {
        Ok(text) => fields::number(text, name).ok_or(NO_FIELD),
        Err(errno) => Err(*errno),
    };
    let mode = number("Seccomp").or_else(|_| task::prctl(libc::PR_GET_SECCOMP, 0).map(i64::from));
    report.fact(
        "seccomp.mode",
        mode.map(|mode| match mode {
            0 => "disabled".to_string(),
            1 => "strict".to_string(),
            2 => "filter".to_string(),
            other => other.to_string(),
        }),
    );
    report.fact("seccomp.filters", number("Seccomp_filters"));
}

pub(super) fn rlimits(_: &Words, report: &mut Report) {
    for (number, name) in (0..).zip(names::RLIMITS.split_whitespace()) {
        let limit = task::rlimit(number);
        report.fact(
            format!("rlimit.{name}"),
            limit.map(|pair| pair.map(limit_text).join(":")),
        );
    }
}

fn limit_text(value: u64) -> alloc::string::String {
    if value == u64::MAX {
        "unlimited".to_string()
    } else {
        value.to_string()
    }
}

pub(super) fn signals(_: &Words, report: &mut Report) {
    let text = status();
    for (name, field) in [("ignored", "SigIgn"), ("blocked", "SigBlk"), ("caught", "SigCgt")] {
        let mask = match &text {
            Ok(text) => fields::mask(text, field).ok_or(NO_FIELD),
            Err(errno) => Err(*errno),
        };
        report.fact(format!("signals.{name}"), mask.map(names::signals));
    }
}

pub(super) fn sched(_: &Words, report: &mut Report) {
    match task::scheduling() {
        Ok(found) => {
            report.fact("sched.policy", names::policy(found.policy));
            report.fact("sched.flags", format!("{:#x}", found.flags));
            report.fact("sched.nice", found.nice);
            report.fact("sched.priority", found.priority);
            report.fact(
                "sched.deadline",
                found.deadline.map(|time| time.to_string()).join(":"),
            );
        }
        Err(errno) => report.fact("sched.policy", Value::Failed(errno)),
    }
    let ones = |mask: Vec<u8>| mask.iter().map(|byte| byte.count_ones()).sum::<u32>();
    report.fact("sched.cpus", task::affinity().map(ones));
    let text = status();
    for (name, field) in [
        ("cpu_list", "Cpus_allowed_list"),
        ("mems_list", "Mems_allowed_list"),
    ] {
        let list = match &text {
            Ok(text) => fields::field(text, field).ok_or(NO_FIELD),
            Err(errno) => Err(*errno),
        };
        report.fact(format!("sched.{name}"), list);
    }
}

pub(super) fn ioprio(_: &Words, report: &mut Report) {
    report.fact(
        "ioprio",
        task::io_priority().map(|value| {
            let class = match value >> 13 & 7 {
                0 => "none",
                1 => "rt",
                2 => "be",
                3 => "idle",
                _ => "unknown",
            };
            format!("{class}:{}", value & 0x1fff)
        }),
    );
}

pub(super) fn personality(_: &Words, report: &mut Report) {
    report.fact(
        "personality",
        task::personality().map(|value| format!("{value:#x}")),
    );
}

pub(super) fn oom(_: &Words, report: &mut Report) {
    report.fact("oom.score_adj", text("/proc/self/oom_score_adj"));
}

pub(super) fn attributes(_: &Words, report: &mut Report) {
    report.fact("task.dumpable", task::prctl(libc::PR_GET_DUMPABLE, 0));
    report.fact("task.keepcaps", task::prctl(libc::PR_GET_KEEPCAPS, 0));
    report.fact("task.timerslack", task::prctl(libc::PR_GET_TIMERSLACK, 0));
    report.fact("task.thp_disable", task::prctl(libc::PR_GET_THP_DISABLE, 0));
    report.fact("task.subreaper", task::prctl_int(libc::PR_GET_CHILD_SUBREAPER));
    report.fact("task.pdeathsig", task::prctl_int(libc::PR_GET_PDEATHSIG));
    report.fact(
        "task.tid_is_pid",
        task::id(libc::SYS_gettid).map(|tid| Ok(tid) == task::id(libc::SYS_getpid)),
    );
    for name in ["comm", "loginuid", "sessionid", "coredump_filter"] {
        report.fact(format!("task.{name}"), text(&format!("/proc/self/{name}")));
    }
    let speculation = status().and_then(|text| {
        fields::field(&text, "Speculation_Store_Bypass")
            .map(<[u8]>::to_vec)
            .ok_or(NO_FIELD)
    });
    report.fact("task.store_bypass", speculation);
}
