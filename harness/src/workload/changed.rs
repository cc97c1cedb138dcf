//! How the probe's copy of a config differs in ways that have not been reported yet: found by comparing the two, so
//! that nothing is dropped silently.

use serde_json::Value;

/// Members that differ on purpose and mean nothing to a runtime, or for which a separate line is reported where they
/// change.
const TOLD: [&str; 23] = [
    "annotations",
    "hooks",
    "hostname",
    "domainname",
    "mounts",
    "root.path",
    "linux.cgroupsPath",
    "linux.devices",
    "linux.intelRdt",
    "linux.mountLabel",
    "linux.namespaces",
    "linux.netDevices",
    "linux.resources",
    "linux.seccomp",
    "linux.sysctl",
    "process.apparmorProfile",
    "process.args",
    "process.capabilities",
    "process.commandLine",
    "process.env",
    "process.oomScoreAdj",
    "process.rlimits",
    "process.selinuxLabel",
];

/// A line for each member that is not the same and for which no line is reported.
pub(super) fn untold(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(at: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    if before == after || TOLD.contains(&at) {
        return;
    }
    let (Value::Object(one), Value::Object(other)) = (before, after) else {
        found.push(format!("{at} is another one"));
        return;
    };
    let name = |member: &str| match at {
        "" => member.to_owned(),
        at => format!("{at}.{member}"),
    };
    for (member, value) in one {
        let name = name(member);
        match other.get(member) {
            Some(now) => compare(&name, value, now, found),
            None if TOLD.contains(&name.as_str()) => {}
            None => found.push(format!("{name} is left out")),
        }
    }
    // `root` and `linux` are created where they are missing.
    for member in other
        .keys()
        .filter(|member| !one.contains_key(*member) && !at.is_empty())
    {
        let name = name(member);
        if !TOLD.contains(&name.as_str()) {
            found.push(format!("{name} is added"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whatever_changes_is_told() {
        let before = json!({"a": 1, "process": {"args": ["x"], "cwd": "/", "new": {"b": 1}}, "root": {"path": "a"}, "vm": {}});
        let after = json!({"a": 2, "process": {"args": ["y"], "cwd": "/", "new": {}, "umask": 1}, "root": {"path": "b"}, "linux": {}});
        assert_eq!(
            untold(&before, &after),
            [
                "a is another one",
                "process.new.b is left out",
                "process.umask is added",
                "vm is left out"
            ]
        );
    }
}
