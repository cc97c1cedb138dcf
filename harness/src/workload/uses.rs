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
        let may = |name: &str| {
            let sets =
                ["effective", "permitted"].map(|set| config.pointer(&format!("/process/capabilities/{set}")));
            let mut all = sets.into_iter().flatten().filter_map(Json::as_array).flatten();
            all.any(|one| one == name)
        };
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
