//! Why a case depends on the machine: based on what it needs, watches and asks for, and on what is known about it.

use ocidiff_model::known::When;
use ocidiff_model::pattern::glob;
use ocidiff_model::{Channel, Needs};

use super::file::Picked;
use crate::corpus::Entry;

/// The first reason; `None` for a case that is the same on every machine as far as is known.
#[must_use]
pub fn depends(entry: &Entry, picked: &[Picked]) -> Option<String> {
    let case = &entry.case;
    let by_hand = picked.iter().find(|one| {
        one.cases.iter().any(|pattern| {
            glob(pattern, &case.name) || pattern == case.file_name() || pattern == case.topic()
        })
    });
    by_hand
        .map(|one| one.why.clone())
        .or_else(|| needs(&case.body.needs))
        .or_else(|| watches(entry))
        .or_else(|| asks(&case.body.config))
        .or_else(|| {
            let mut whens = entry.known.0.iter().filter_map(|known| known.when.as_ref());
            whens.find_map(known)
        })
}

fn needs(needs: &Needs) -> Option<String> {
    let one = |name: &str, value: Option<&String>| value.map(|value| format!("needs {name} {value}"));
    let kernel = needs.kernel.as_ref().map(|range| format!("needs kernel {range}"));
    kernel
        .or_else(|| needs.cgroup.map(|version| format!("needs cgroup {version}")))
        .or_else(|| one("the controller", needs.controllers.first()))
        .or_else(|| one("", needs.capabilities.first()).map(|text| text.replace("  ", " ")))
        .or_else(|| one("the path", needs.paths.first()))
        .or_else(|| one("namespaces of", needs.namespaces.first()))
        .or_else(|| needs.cpus.map(|cpus| format!("needs {cpus} CPUs")))
}

fn watches(entry: &Entry) -> Option<String> {
    let is_watched = entry.case.body.watch.contains_key(&Channel::Cgroup);
    is_watched.then(|| "watches cgroups".to_owned())
}

fn asks(config: &serde_json::Value) -> Option<String> {
    let linux = config.get("linux")?;
    let set = ["resources", "cgroupsPath"]
        .into_iter()
        .find(|name| linux.get(name).is_some_and(|value| !value.is_null()))?;
    Some(format!("sets linux.{set}"))
}

fn known(when: &When) -> Option<String> {
    let kernel = when.kernel.as_ref().map(|range| format!("kernel: {range}"));
    let part = kernel.or_else(|| when.cgroup.as_ref().map(|version| format!("cgroup: {version}")))?;
    Some(format!("is known with when: {part}"))
}
