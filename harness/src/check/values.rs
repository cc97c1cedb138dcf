//! How bad a difference is, as far as its two values show by themselves.

use std::path::{Path, PathBuf};

use super::access;
use crate::paths::plain;
use crate::workload::mounts::EVERYBODYS;
use ocidiff_model::{Impact, Value};
use serde_json::Value as Json;

/// Errors for what may not be written or reached; a program that meets one of them does not behave differently than
/// with another.
const REFUSALS: [&str; 3] = ["EACCES", "EPERM", "EROFS"];

const NO_LONGER_WRITABLE: &str = "it cannot be written any more, as the config asks";

fn is_refused(value: Option<&Value>) -> bool {
    matches!(value, Some(Value::Text(text)) if REFUSALS.contains(&text.as_str()))
}

/// Whether what fails now would no longer fail.
pub(super) fn improves(fact: &str, to: Option<&Value>) -> bool {
    fact.ends_with(".result") && to == Some(&Value::from("ok"))
}

const PROCESSES: &str = "processes";
/// Limits of a cgroup, for v1 and v2, and what they limit.
const LIMITS: [(&str, &str); 7] = [
    ("cgroup.pids.max", PROCESSES),
    ("cgroup.memory.limit_in_bytes", "memory"),
    ("cgroup.memory.memsw.limit_in_bytes", "memory and swap"),
    ("cgroup.memory.max", "memory"),
    ("cgroup.memory.high", "memory"),
    ("cgroup.memory.swap.max", "swap"),
    ("cgroup.cpu.cfs_quota_us", "processor time"),
];

/// What the values themselves show; `None` if they show nothing.
pub(super) fn judge(
    fact: &str,
    from: Option<&Value>,
    to: Option<&Value>,
    config: &Json,
) -> Option<(Impact, String)> {
    if let (Some(Value::List(from)), Some(Value::List(to))) = (from, to)
        && sorted(from) == sorted(to)
    {
        return say(Impact::Cosmetic, "the same in another order");
    }
    if is_numbers_only(fact, from, to, config) {
        return say(Impact::Cosmetic, "other numbers of processes");
    }
    if improves(fact, to) {
        return say(Impact::Cosmetic, "what fails now would not fail any more");
    }
    if fact.ends_with(".entries")
        && let (Some(Value::List(from)), Some(Value::List(to))) = (from, to)
        && from.iter().all(|one| to.contains(one))
    {
        return say(Impact::Cosmetic, "nothing is gone, and there is more");
    }
    if is_refused(from) && is_refused(to) {
        return say(Impact::Cosmetic, "refused by both, with another error");
    }
    if let Some(told) = of_cgroups(fact, from, to) {
        return say(Impact::Cosmetic, told);
    }
    if fact.starts_with("proc.access.") && from == Some(&Value::from("ok")) && is_refused(to) {
        return say(Impact::MayBreak, NO_LONGER_WRITABLE);
    }
    if let Some(path) = fact.strip_prefix("mount.inside.readonly.") {
        return writable(path, to, config);
    }
    if let Some(path) = fact.strip_prefix("mount.inside.masked.")
        && !listed(config, "maskedPaths", path)
    {
        return say(
            Impact::Cosmetic,
            "the config does not mask it; what it shows is another's",
        );
    }
    if ["proc.peek.", "mount.inside.masked."]
        .iter()
        .any(|head| fact.starts_with(head))
        && let Some(Value::Text(to)) = to
        && !["readable", "dir"].contains(&to.as_str())
    {
        return say(Impact::Cosmetic, "the config masks it, and it is masked then");
    }
    if fact.starts_with("proc.stdio.") && becomes_its_own(from, to, config) {
        return say(
            Impact::Cosmetic,
            "the stream now belongs to the container's own user, which could not reach it by name before",
        );
    }
    if let Some(path) = fact.strip_prefix("proc.stat.") {
        return access::judge(path, from, to, config);
    }
    if let Some(told) = limit(fact, from, to) {
        return Some(told);
    }
    mount(fact.strip_prefix("mount.inside.")?, from, to, config)
}

/// How bad it is, and why.
fn say(impact: Impact, reason: &str) -> Option<(Impact, String)> {
    Some((impact, reason.to_owned()))
}

/// What the options of a mount show, by its path as a fact has it.
fn mount(path: &str, from: Option<&Value>, to: Option<&Value>, config: &Json) -> Option<(Impact, String)> {
    let place = place(path);
    if listed(config, "maskedPaths", place) || listed(config, "readonlyPaths", place) {
        // The probe has tested whether it is masked or read-only.
        return say(
            Impact::Cosmetic,
            "masked or made read-only by another kind of mount",
        );
    }
    if place != path && (from.is_none() || to.is_none()) && is_below_read_only(config, place) {
        // What can be done at the place itself is seen there.
        return say(
            Impact::Cosmetic,
            "a mount once more, since a read-only path around it is bound on itself with all that is below",
        );
    }
    let (Some(Value::Text(from)), Some(Value::Text(to))) = (from, to) else {
        return None;
    };
    let matter = match from.split_once(' ')? {
        _ if is_device(path, config) => OF_DEVICES,
        (kind, _) if OF_THE_KERNEL.contains(&kind) && to.starts_with(kind) => OF_KERNEL_FILES,
        _ => KEEPING,
    };
    let (from, to) = (flags(from)?, flags(to)?);
    let lost: Vec<&str> = matter
        .iter()
        .copied()
        .filter(|flag| from.contains(flag) && !to.contains(flag))
        .collect();
    let gained: Vec<&str> = matter
        .iter()
        .copied()
        .filter(|flag| !from.contains(flag) && to.contains(flag))
        .collect();
    if !lost.is_empty() {
        let reason = format!("the mount would not be {} any more", lost.join(", "));
        return Some((Impact::Security, reason));
    }
    if !gained.is_empty() {
        let reason = format!("the mount would be {}", gained.join(", "));
        return Some((Impact::MayBreak, reason));
    }
    say(Impact::Cosmetic, "other options of the mount, none that confines")
}

/// What is of no importance in the view of cgroups, in words.
fn of_cgroups(fact: &str, from: Option<&Value>, to: Option<&Value>) -> Option<&'static str> {
    fact.strip_prefix("cgroup.inside.cgroupfs.")?;
    let by_access = |value: Option<&Value>| matches!(value, Some(Value::Text(text)) if text == "ok" || REFUSALS.contains(&text.as_str()));
    match () {
        // Whether one can be written there is up to the mount, and is reported once for all of them.
        () if by_access(from) && by_access(to) => Some("shown by the mounts below /sys/fs/cgroup"),
        () if from.is_none() => Some("one more folder is seen there"),
        () => None,
    }
}

/// Whether process numbers come from a namespace that is shared with others, or from one with as many processes as
/// before; alone, it would have its own.
fn is_numbers_only(fact: &str, from: Option<&Value>, to: Option<&Value>, config: &Json) -> bool {
    let (Some(Value::List(from)), Some(Value::List(to))) = (from, to) else {
        return false;
    };
    match fact {
        "proc.proc.nspid" => from.len() == to.len(),
        "proc.proc.pids" => from.len() == to.len() || (shares_processes(config) && to.len() > 1),
        _ => false,
    }
}

/// Whether it is a limit, and lower than before.
pub(super) fn is_lower_limit(fact: &str, from: Option<&Value>, to: Option<&Value>) -> bool {
    limit(fact, from, to).is_some()
}

/// A limit that a workload has not reached so far; `None` if it does not go down.
fn limit(fact: &str, from: Option<&Value>, to: Option<&Value>) -> Option<(Impact, String)> {
    let (_, what) = LIMITS.iter().find(|(name, _)| *name == fact)?;
    let number = |value: Option<&Value>| match value? {
        Value::Int(number) if *number < 0 => Some(i64::MAX),
        Value::Int(number) => Some(*number),
        Value::Text(text) if text == "max" => Some(i64::MAX),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    let (from, to) = (number(from)?, number(to)?);
    match to < from {
        // The first process is the workload's own.
        true if *what == PROCESSES && to <= 1 => {
            Some((Impact::Breaks, "it could not start another process".to_owned()))
        }
        true => Some((Impact::MayBreak, format!("it could have less {what}"))),
        false => None,
    }
}

/// Whether a pipe or a file that belonged to another process becomes the process's own. A device belongs to the
/// machine, and is more than the process's own.
fn becomes_its_own(from: Option<&Value>, to: Option<&Value>, config: &Json) -> bool {
    let parts = |value: Option<&Value>| match value {
        Some(Value::Text(text)) => {
            let mut words = text.split(' ').map(str::to_owned);
            let kind = words
                .next()
                .filter(|kind| ["fifo", "file"].contains(&kind.as_str()));
            kind.zip(words.next()).zip(words.next())
        }
        _ => None,
    };
    let (Some((from, owner)), Some((to, own))) = (parts(from), parts(to)) else {
        return false;
    };
    let number = |member: &str| config["process"]["user"][member].as_u64().unwrap_or(0);
    from == to && own != owner && own == format!("{}:{}", number("uid"), number("gid"))
}

/// Whether it sees the host's processes, including the runtime's.
fn shares_processes(config: &Json) -> bool {
    let list = config.pointer("/linux/namespaces").and_then(Json::as_array);
    list.is_none_or(|list| list.iter().all(|one| one["type"] != "pid"))
}

/// Whether a path can be written that the config mounts or makes read-only.
fn writable(path: &str, to: Option<&Value>, config: &Json) -> Option<(Impact, String)> {
    let list = |pointer: &str| {
        config
            .pointer(pointer)
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
    };
    let has = |mount: &Json, option: &str| {
        let options = mount["options"].as_array().into_iter().flatten();
        options.into_iter().any(|one| one == option)
    };
    let asked = list("/mounts").any(|mount| mount["destination"] == path && has(mount, "ro"))
        || is_made_read_only(config, path);
    match (to == Some(&Value::from("writable")), asked) {
        (true, true) => say(
            Impact::Security,
            "it can be written, although the config makes it read-only",
        ),
        (true, false) => say(
            Impact::Cosmetic,
            "it can be written, and nothing in the config forbids that",
        ),
        (false, true) => say(Impact::MayBreak, NO_LONGER_WRITABLE),
        (false, false) => None,
    }
}

fn sorted(list: &[String]) -> Vec<&String> {
    let mut list: Vec<&String> = list.iter().collect();
    list.sort();
    list
}

/// File systems in which there are only the kernel's own files: none of them is a device or a program, whatever the
/// flags of their mounts allow.
const OF_THE_KERNEL: [&str; 3] = ["cgroup", "cgroup2", "sysfs"];
/// Flags that mean something in them.
const OF_KERNEL_FILES: &[&str] = &["ro"];
/// Flags of a mount that confine.
const KEEPING: &[&str] = &["ro", "nosuid", "nodev", "noexec"];
/// Flags that mean something where a device is mounted: a device is not executed, and its file is written to by its
/// driver.
const OF_DEVICES: &[&str] = &["nodev"];

/// Whether there is a device at a path: one that every container has, or one from the config.
fn is_device(path: &str, config: &Json) -> bool {
    let devices = config.pointer("/linux/devices").and_then(Json::as_array);
    let named = |one: &Json| one["path"] == path && one["type"] != "p";
    EVERYBODYS.contains(&path) || devices.is_some_and(|list| list.iter().any(named))
}

/// Whether it is the mount at a path that the config masks, or one of several there.
pub(super) fn is_mask(fact: &str, config: &Json) -> bool {
    let path = fact.strip_prefix("mount.inside.");
    path.is_some_and(|path| listed(config, "maskedPaths", place(path)))
}

/// The path of a mount without its number, `#2`, among those at the same path.
pub(super) fn place(path: &str) -> &str {
    match path.rsplit_once('#') {
        Some((place, number)) if number.parse::<u32>().is_ok() => place,
        _ => path,
    }
}

/// Whether a config has a path in a list, written plainly or in another way: runtimes begin at the root. What is empty
/// names nothing.
fn listed(config: &Json, member: &str, path: &str) -> bool {
    let list = config
        .pointer(&format!("/linux/{member}"))
        .and_then(Json::as_array);
    let same = |one: &str| !one.is_empty() && plain(&Path::new("/").join(one)) == Path::new(path);
    list.is_some_and(|list| list.iter().filter_map(Json::as_str).any(same))
}

/// Whether a path is below one that the config makes read-only.
pub(super) fn is_below_read_only(config: &Json, path: &str) -> bool {
    read_only_above(config, path).next().is_some()
}

/// The paths that the config makes read-only and that lead to a path.
fn read_only_above(config: &Json, path: &str) -> impl Iterator<Item = PathBuf> {
    let list = config.pointer("/linux/readonlyPaths").and_then(Json::as_array);
    let all = list.into_iter().flatten().filter_map(Json::as_str);
    all.filter(|one| !one.is_empty())
        .map(|one| plain(&Path::new("/").join(one)))
        .filter(move |one| Path::new(path).starts_with(one))
}

/// Whether a path is read-only with one around it: what is mounted in between keeps its own flags.
fn is_made_read_only(config: &Json, path: &str) -> bool {
    let Some(deepest) = read_only_above(config, path).max_by_key(|one| one.components().count()) else {
        return false;
    };
    let mounts = config["mounts"].as_array().into_iter().flatten();
    let mut points =
        mounts.filter_map(|mount| Some(plain(&Path::new("/").join(mount["destination"].as_str()?))));
    !points.any(|at| at != deepest && at.starts_with(&deepest) && Path::new(path).starts_with(&at))
}

/// The mount's own flags, from `tmpfs rw,nosuid | rw,size=4k | private | ...`; the mount is also read-only if its file
/// system is.
fn flags(told: &str) -> Option<Vec<&str>> {
    let mut parts = told.split(" | ");
    let own = parts.next()?;
    let whole = parts.next().unwrap_or_default();
    let read_only = whole.split(',').find(|option| *option == "ro");
    Some(own.split_once(' ')?.1.split(',').chain(read_only).collect())
}

#[cfg(test)]
mod tests;
