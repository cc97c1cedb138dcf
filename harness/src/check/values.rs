//! How bad a difference is, as far as its two values say it themselves.

use ocidiff_model::{Impact, Value};
use serde_json::Value as Json;

/// Errors of what may not be written or reached; a program that meets one does not go on another way than with the other.
const REFUSALS: [&str; 3] = ["EACCES", "EPERM", "EROFS"];

/// Whether what fails now would not fail any more.
pub(super) fn improves(fact: &str, to: Option<&Value>) -> bool {
    fact.ends_with(".result") && to == Some(&Value::from("ok"))
}

/// What the values themselves say; none where they do not.
pub(super) fn judge(
    fact: &str,
    from: Option<&Value>,
    to: Option<&Value>,
    config: &Json,
) -> Option<(Impact, String)> {
    let say = |impact, reason: &str| Some((impact, reason.to_owned()));
    if let (Some(Value::List(from)), Some(Value::List(to))) = (from, to)
        && sorted(from) == sorted(to)
    {
        return say(Impact::Cosmetic, "the same in another order");
    }
    if improves(fact, to) {
        return say(Impact::Cosmetic, "what fails now would not fail any more");
    }
    if fact == DEVICES
        && let (Some(Value::List(from)), Some(Value::List(to))) = (from, to)
    {
        return Some(devices(from, to, config));
    }
    if fact.ends_with(".entries")
        && let (Some(Value::List(from)), Some(Value::List(to))) = (from, to)
        && from.iter().all(|one| to.contains(one))
    {
        return say(Impact::Cosmetic, "nothing is gone, and there is more");
    }
    if let (Some(Value::Text(from)), Some(Value::Text(to))) = (from, to)
        && REFUSALS.contains(&from.as_str())
        && REFUSALS.contains(&to.as_str())
    {
        return say(Impact::Cosmetic, "refused by both, with another error");
    }
    if fact.starts_with("cgroup.inside.cgroupfs.") && from.is_none() {
        return say(Impact::Cosmetic, "one folder more is seen there");
    }
    if let Some(path) = fact.strip_prefix("mount.inside.readonly.") {
        return writable(path, to, config);
    }
    let path = fact.strip_prefix("mount.inside.")?;
    let listed = |member: &str| {
        let list = config
            .pointer(&format!("/linux/{member}"))
            .and_then(Json::as_array);
        list.is_some_and(|list| list.iter().any(|one| one == path))
    };
    if listed("maskedPaths") || listed("readonlyPaths") {
        // Whether it is masked, or read-only, the probe has tried.
        return say(
            Impact::Cosmetic,
            "masked or made read-only by another kind of mount",
        );
    }
    let (Some(Value::Text(from)), Some(Value::Text(to))) = (from, to) else {
        return None;
    };
    let (from, to) = (flags(from)?, flags(to)?);
    let lost: Vec<&str> = KEEPING
        .into_iter()
        .filter(|flag| from.contains(flag) && !to.contains(flag))
        .collect();
    let gained: Vec<&str> = KEEPING
        .into_iter()
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

/// Whether a path can be written that the config mounts, or makes, read-only.
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
        || list("/linux/readonlyPaths").any(|one| one == path);
    let say = |impact, reason: &str| Some((impact, reason.to_owned()));
    match (to == Some(&Value::from("writable")), asked) {
        (true, true) => say(
            Impact::Security,
            "it can be written, although the config makes it read-only",
        ),
        (true, false) => say(
            Impact::Cosmetic,
            "it can be written, and nothing in the config forbids that",
        ),
        (false, true) => say(
            Impact::MayBreak,
            "it cannot be written any more, as the config asks",
        ),
        (false, false) => None,
    }
}

/// The fact of the device rules in force, in cgroup v1's words: `c 1:3 rwm`.
pub(super) const DEVICES: &str = "cgroup.devices.list";

/// Devices that runtimes allow by themselves, beyond those of the spec, and where programs look for them.
const OWN: [(&str, &str); 2] = [("c 10:200 ", "/dev/net/tun"), ("c 5:1 ", "/dev/console")];

/// Rules that come or go. A device that nothing in the config names has no node in the container.
fn devices(from: &[String], to: &[String], config: &Json) -> (Impact, String) {
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|one| !those.contains(one)).cloned().collect()
    };
    let (lost, gained) = (only(from, to), only(to, from));
    let wide = |rule: &String| {
        rule.starts_with("a ") || (rule.contains('*') && rule.contains('r') && !rule.starts_with("c 136:"))
    };
    if gained.iter().any(wide) {
        let reason = format!(
            "devices are open that the config keeps shut: {}",
            gained.join(", ")
        );
        return (Impact::Security, reason);
    }
    let config = config.to_string();
    let used: Vec<&str> = OWN
        .into_iter()
        .filter(|(rule, path)| lost.iter().any(|one| one.starts_with(rule)) && config.contains(path))
        .map(|(_, path)| path)
        .collect();
    if !used.is_empty() {
        let reason = format!(
            "{} would be refused, unless the config allows it",
            used.join(", ")
        );
        return (Impact::Breaks, reason);
    }
    let known = |rule: &String| OWN.iter().any(|(own, _)| rule.starts_with(own));
    if lost.iter().chain(&gained).all(known) {
        let all: Vec<String> = lost.into_iter().chain(gained).collect();
        let reason = format!(
            "each adds rules of its own; nothing in the config names {}",
            all.join(", ")
        );
        return (Impact::Cosmetic, reason);
    }
    (Impact::MayBreak, "other devices may be used".to_owned())
}

fn sorted(list: &[String]) -> Vec<&String> {
    let mut list: Vec<&String> = list.iter().collect();
    list.sort();
    list
}

/// Flags of a mount that confine.
const KEEPING: [&str; 4] = ["ro", "nosuid", "nodev", "noexec"];

/// The mount's own flags, of `tmpfs rw,nosuid | rw,size=4k | private | ...`.
fn flags(told: &str) -> Option<Vec<&str>> {
    let own = told.split(" | ").next()?;
    Some(own.split_once(' ')?.1.split(',').collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn list(items: &[&str]) -> Value {
        Value::List(items.iter().map(|item| (*item).to_owned()).collect())
    }

    #[test]
    fn device_rules_matter_where_the_config_names_the_device() {
        let told = |from: &[&str], to: &[&str], config: &Json| {
            judge(DEVICES, Some(&list(from)), Some(&list(to)), config).map(|(impact, _)| impact)
        };
        let plain = json!({"mounts": []});
        let tunnel = json!({"mounts": [{"destination": "/dev/net/tun"}]});
        let with = ["c 1:3 rwm", "c 10:200 rwm"];
        assert_eq!(told(&with, &with[..1], &plain), Some(Impact::Cosmetic));
        assert_eq!(told(&with, &with[..1], &tunnel), Some(Impact::Breaks));
        assert_eq!(told(&with[..1], &with, &plain), Some(Impact::Cosmetic));
        assert_eq!(told(&with, &["a *:* rwm"], &plain), Some(Impact::Security));
        assert_eq!(
            told(&with, &["c 1:3 rwm", "c 8:0 r"], &plain),
            Some(Impact::MayBreak)
        );
        assert_eq!(
            told(&with, &["c 10:200 rwm", "c 1:3 rwm"], &tunnel),
            Some(Impact::Cosmetic)
        );
    }

    #[test]
    fn what_can_be_written_matters_where_the_config_forbids_it() {
        let config = json!({"mounts": [{"destination": "/sys/fs/cgroup", "options": ["ro"]}], "linux": {"readonlyPaths": ["/proc/sys"]}});
        let told = |path: &str, from: &str, to: &str| {
            let fact = format!("mount.inside.readonly.{path}");
            judge(&fact, Some(&Value::from(from)), Some(&Value::from(to)), &config).map(|(impact, _)| impact)
        };
        assert_eq!(
            told("/sys/fs/cgroup", "EACCES", "writable"),
            Some(Impact::Security)
        );
        assert_eq!(told("/proc/sys", "EROFS", "writable"), Some(Impact::Security));
        assert_eq!(told("/data", "EROFS", "writable"), Some(Impact::Cosmetic));
        assert_eq!(
            told("/sys/fs/cgroup", "writable", "EROFS"),
            Some(Impact::MayBreak)
        );
        assert_eq!(told("/sys/fs/cgroup", "EACCES", "EROFS"), Some(Impact::Cosmetic));
    }

    #[test]
    fn a_longer_list_of_entries_takes_nothing_away() {
        let told = |from: &[&str], to: &[&str]| {
            judge(
                "cgroup.inside.cgroupfs.entries",
                Some(&list(from)),
                Some(&list(to)),
                &json!({}),
            )
            .map(|(impact, _)| impact)
        };
        assert_eq!(told(&["cpu"], &["cpu", "pids"]), Some(Impact::Cosmetic));
        assert_eq!(told(&["cpu", "pids"], &["cpu"]), None);
    }
}
