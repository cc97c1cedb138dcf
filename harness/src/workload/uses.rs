//! What a workload does with devices.

use std::collections::BTreeSet;

use serde_json::Value as Json;

/// Devices that runtimes allow by themselves, beyond those of the spec, and where programs look for them.
pub(crate) const OWN: [(&str, &str); 2] = [("c 10:200", TUN), ("c 5:1", "/dev/console")];
pub(crate) const TUN: &str = "/dev/net/tun";

/// What a workload does with devices, as far as its own config shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// Devices by kind and numbers, `c 10:200`, with the path that the config has for it.
    pub(crate) named: BTreeSet<(String, String)>,
    /// Whether it may make device nodes.
    pub(crate) makes: bool,
    /// Whether it may set up networks, for which programs use the tun device.
    pub(crate) networks: bool,
}

impl Uses {
    /// Reads a workload's config.
    #[must_use]
    pub(crate) fn of(text: &str, config: &Json) -> Self {
        let list = config.pointer("/linux/devices").and_then(Json::as_array);
        let listed = list.into_iter().flatten().filter_map(|device| {
            let kind = device["type"]
                .as_str()
                .map(|kind| if kind == "u" { "c" } else { kind })?;
            let numbers = (device["major"].as_i64()?, device["minor"].as_i64()?);
            Some((
                format!("{kind} {}:{}", numbers.0, numbers.1),
                device["path"].as_str()?.to_owned(),
            ))
        });
        let own = OWN.iter().filter(|(_, path)| text.contains(path));
        let own = own.map(|(numbers, path)| ((*numbers).to_owned(), (*path).to_owned()));
        let uid = config.pointer("/process/user/uid").and_then(Json::as_u64);
        let may = |name: &str| holds_after_execve(config, uid.unwrap_or(0), name);
        Self {
            named: listed.chain(own).collect(),
            makes: may("CAP_MKNOD"),
            networks: may("CAP_NET_ADMIN"),
        }
    }

    /// The path that the workload has for a device.
    pub(crate) fn path_of(&self, device: &str) -> Option<&str> {
        let mut named = self.named.iter();
        named
            .find(|(numbers, _)| numbers == device)
            .map(|(_, path)| path.as_str())
    }
}

/// Whether the program has a capability: at its execve the kernel gives root what is in the bounding or the inheritable set, and
/// every other user what is ambient (capabilities(7)), whatever was effective before.
pub(crate) fn holds_after_execve(config: &Json, uid: u64, capability: &str) -> bool {
    let sets: &[&str] = if uid == 0 {
        &["bounding", "inheritable"]
    } else {
        &["ambient"]
    };
    sets.iter().any(|set| {
        let list = config["process"]["capabilities"][set].as_array();
        list.is_some_and(|list| list.iter().any(|one| one == capability))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_lost_at_the_execve_is_not_used() {
        for (uid, set, makes) in [
            (0, "bounding", true),
            (0, "inheritable", true),
            (0, "effective", false),
            (1000, "effective", false),
            (1000, "bounding", false),
            (1000, "ambient", true),
        ] {
            let config = json!({"process": {"user": {"uid": uid}, "capabilities": {set: ["CAP_MKNOD"]}}});
            assert_eq!(Uses::of("", &config).makes, makes, "{uid} {set}");
        }
    }
}
