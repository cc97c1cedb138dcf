//! What a workload asks the kernel for and this kernel does not have: it is left out of the probe's copy, and reported.
//! A config that was copied from another node asks for that node's kernel.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::UNCHECKED;
use crate::machine::cgroup::Layout;
use crate::machine::names::capability_number;

/// What the kernel here has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// Whether its cgroups are v2 only.
    pub unified: bool,
    /// Controllers that a container can use.
    pub controllers: BTreeSet<String>,
    /// Whether swap is counted.
    pub swap: bool,
    /// Sizes of huge pages, as config.json names them: `2MB`.
    pub pages: BTreeSet<String>,
    /// How many CPUs are there.
    pub cpus: u64,
    /// How many nodes of memory.
    pub nodes: u64,
    /// The harness's capabilities, as a mask: no container can have others.
    pub capabilities: u64,
    /// Whether cache and memory bandwidth can be partitioned.
    pub resctrl: bool,
    /// Whether ids can be mapped in mounts of a tmpfs (since Linux 6.3).
    pub maps_tmpfs: bool,
    /// The most open files that the kernel lets anybody ask for, `fs.nr_open`.
    pub most_files: u64,
    /// Where its sysctls are; without this, all are assumed to exist.
    pub sysctls: Option<PathBuf>,
}

impl Kernel {
    /// The kernel of this machine.
    #[must_use]
    pub fn of_machine() -> Self {
        let layout = Layout::of_machine().ok();
        let unified = layout.as_ref().is_some_and(|layout| layout.unified);
        let controllers = layout
            .map(|layout| layout.controllers().into_iter().collect())
            .unwrap_or_default();
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let count = |path: &str| last(&read(path)).map_or(1, |most| most + 1);
        Self {
            unified,
            swap: read("/proc/swaps").lines().count() > 1 || has_swap_files(unified),
            controllers,
            pages: pages(),
            cpus: count("/sys/devices/system/cpu/online"),
            nodes: count("/sys/devices/system/node/online"),
            capabilities: effective(&read("/proc/self/status")),
            resctrl: Path::new("/sys/fs/resctrl/schemata").exists(),
            maps_tmpfs: maps_tmpfs(&rustix::system::uname().release().to_string_lossy()),
            most_files: read("/proc/sys/fs/nr_open").trim().parse().unwrap_or(u64::MAX),
            sysctls: Some(PathBuf::from("/proc/sys")),
        }
    }
}

/// Everything is available: what is not known about a kernel does not count as missing.
impl Default for Kernel {
    fn default() -> Self {
        Self {
            unified: true,
            controllers: ["cpuset", "hugetlb", "rdma"].map(str::to_owned).into(),
            swap: true,
            pages: ["2MB", "1GB"].map(str::to_owned).into(),
            cpus: u64::MAX,
            nodes: u64::MAX,
            capabilities: u64::MAX,
            resctrl: true,
            maps_tmpfs: true,
            most_files: u64::MAX,
            sysctls: None,
        }
    }
}

fn has_swap_files(unified: bool) -> bool {
    let v1 = Path::new("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes").exists();
    // On v2 the root has no such file, but every other cgroup has it, if swap is counted at all.
    v1 || unified && Path::new("/proc/swaps").exists()
}

fn maps_tmpfs(release: &str) -> bool {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit());
    let mut next = || numbers.next().and_then(|number| number.parse::<u32>().ok());
    (next(), next()) >= (Some(6), Some(3))
}

/// `hugepages-2048kB` becomes `2MB`.
fn pages() -> BTreeSet<String> {
    let folder = std::fs::read_dir("/sys/kernel/mm/hugepages");
    let names = folder.into_iter().flatten().flatten();
    let sizes = names.filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let kilobytes: u64 = name
            .strip_prefix("hugepages-")?
            .strip_suffix("kB")?
            .parse()
            .ok()?;
        Some(match kilobytes {
            small if small < 1 << 10 => format!("{small}KB"),
            middle if middle < 1 << 20 => format!("{}MB", middle >> 10),
            large => format!("{}GB", large >> 20),
        })
    });
    sizes.collect()
}

fn effective(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(u64::MAX)
}

/// The highest number of a list such as `0-3,8`.
fn last(list: &str) -> Option<u64> {
    list.trim()
        .split([',', '-'])
        .filter_map(|one| one.trim().parse().ok())
        .max()
}

/// Removes from `linux` what the kernel does not have, with a line for each.
pub(super) fn spare(linux: &mut Map<String, Value>, kernel: &Kernel, changes: &mut Vec<String>) {
    sysctls(linux, kernel, changes);
    if linux.contains_key("intelRdt") && !kernel.resctrl {
        linux.shift_remove("intelRdt");
        changes.push(format!(
            "{UNCHECKED}no share of cache and memory bandwidth (intelRdt), since this machine has no resctrl"
        ));
    }
    let Some(resources) = linux.get_mut("resources").and_then(Value::as_object_mut) else {
        return;
    };
    if !kernel.unified
        && let Some(unified) = resources
            .shift_remove("unified")
            .as_ref()
            .and_then(Value::as_object)
    {
        let files: Vec<&str> = unified.keys().map(String::as_str).collect();
        changes.push(format!(
            "{UNCHECKED}left out, since cgroups are v1 here: {}",
            files.join(", ")
        ));
    }
    if resources.contains_key("rdma") && !kernel.controllers.contains("rdma") {
        resources.shift_remove("rdma");
        changes.push(format!(
            "{UNCHECKED}no rdma limits, since this kernel has no such controller"
        ));
    }
    huge_pages(resources, kernel, changes);
    cpus(resources, kernel, changes);
    let memory = resources.get_mut("memory").and_then(Value::as_object_mut);
    if !kernel.swap && memory.is_some_and(|memory| memory.shift_remove("swap").is_some()) {
        changes.push("no limit of swap: this kernel does not count it".to_owned());
    }
}

fn sysctls(linux: &mut Map<String, Value>, kernel: &Kernel, changes: &mut Vec<String>) {
    let Some(list) = linux.get_mut("sysctl").and_then(Value::as_object_mut) else {
        return;
    };
    let mut gone = Vec::new();
    list.retain(|name, _| {
        let folder = kernel.sysctls.as_ref();
        let there = folder.is_none_or(|folder| folder.join(name.replace('.', "/")).exists());
        if !there {
            gone.push(name.clone());
        }
        there
    });
    if !gone.is_empty() {
        changes.push(format!(
            "{UNCHECKED}this kernel has no sysctl {}",
            gone.join(", ")
        ));
    }
}

fn huge_pages(resources: &mut Map<String, Value>, kernel: &Kernel, changes: &mut Vec<String>) {
    let Some(limits) = resources.get_mut("hugepageLimits").and_then(Value::as_array_mut) else {
        return;
    };
    let all = kernel.controllers.contains("hugetlb");
    let mut gone = Vec::new();
    limits.retain(|limit| {
        let size = limit["pageSize"].as_str().unwrap_or("?");
        let there = all && kernel.pages.contains(size);
        if !there {
            gone.push(size.to_owned());
        }
        there
    });
    if !gone.is_empty() {
        changes.push(format!(
            "{UNCHECKED}no limit of huge pages of {}, since this kernel has none to limit",
            gone.join(", ")
        ));
    }
}

/// CPUs of a larger machine.
fn cpus(resources: &mut Map<String, Value>, kernel: &Kernel, changes: &mut Vec<String>) {
    let Some(cpu) = resources.get_mut("cpu").and_then(Value::as_object_mut) else {
        return;
    };
    let all = kernel.controllers.contains("cpuset");
    for (member, most) in [("cpus", kernel.cpus), ("mems", kernel.nodes)] {
        let asked = cpu.get(member).and_then(Value::as_str).unwrap_or_default();
        let fits = last(asked).is_none_or(|asked| all && asked < most);
        if !fits {
            changes.push(format!(
                "{UNCHECKED}not bound to {member} {asked}, since this machine has fewer"
            ));
            cpu.shift_remove(member);
        }
    }
}

/// Removes capabilities that no process can have here.
pub(super) fn capabilities(process: &mut Map<String, Value>, kernel: &Kernel, changes: &mut Vec<String>) {
    let Some(sets) = process.get_mut("capabilities").and_then(Value::as_object_mut) else {
        return;
    };
    let mut gone = BTreeSet::new();
    for list in sets.values_mut().filter_map(Value::as_array_mut) {
        list.retain(|name| {
            let name = name.as_str().unwrap_or_default();
            let had = capability_number(name).is_none_or(|bit| kernel.capabilities >> bit & 1 == 1);
            if !had {
                gone.insert(name.to_owned());
            }
            had
        });
    }
    if !gone.is_empty() {
        let gone: Vec<String> = gone.into_iter().collect();
        changes.push(format!("no process can have {} here", gone.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A small machine with cgroup v1.
    fn small(sysctls: &Path) -> Kernel {
        Kernel {
            unified: false,
            controllers: ["cpuset", "hugetlb"].map(str::to_owned).into(),
            swap: false,
            pages: ["2MB"].map(str::to_owned).into(),
            cpus: 2,
            nodes: 1,
            capabilities: !(1 << 24),
            resctrl: false,
            maps_tmpfs: false,
            most_files: 1 << 20,
            sysctls: Some(sysctls.to_owned()),
        }
    }

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn what_the_kernel_has_not_is_left_out_and_told() {
        let config = json!({
            "sysctl": {"net.core.somaxconn": "1", "net.gone": "1"},
            "intelRdt": {"closID": "guaranteed"},
            "resources": {
                "unified": {"memory.high": "1"},
                "rdma": {"mlx5_1": {"hcaHandles": 3}},
                "hugepageLimits": [{"pageSize": "1GB", "limit": 0}, {"pageSize": "2MB", "limit": 4}],
                "cpu": {"cpus": "0-63", "mems": "0", "shares": 2},
                "memory": {"limit": 10, "swap": 10}
            }
        });
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("net/core/somaxconn")).expect("a sysctl");
        let (mut linux, mut changes) = (object(config.clone()), Vec::new());
        spare(&mut linux, &small(folder.path()), &mut changes);
        assert_eq!(
            Value::from(linux),
            json!({
                "sysctl": {"net.core.somaxconn": "1"},
                "resources": {
                    "hugepageLimits": [{"pageSize": "2MB", "limit": 4}],
                    "cpu": {"mems": "0", "shares": 2},
                    "memory": {"limit": 10}
                }
            })
        );
        for part in [
            "net.gone",
            "intelRdt",
            "memory.high",
            "rdma",
            "1GB",
            "cpus 0-63",
            "swap",
        ] {
            assert!(
                changes.iter().any(|change| change.contains(part)),
                "{part}: {changes:?}"
            );
        }
        let (mut linux, mut changes) = (object(config.clone()), Vec::new());
        spare(&mut linux, &Kernel::default(), &mut changes);
        assert_eq!((Value::from(linux), changes), (config, Vec::<String>::new()));
    }

    #[test]
    fn capabilities_that_nobody_has_are_told() {
        let mut process = object(json!({"capabilities": {
            "bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"], "effective": ["CAP_SYS_RESOURCE"], "permitted": ["CAP_NEWER"]}}));
        let mut changes = Vec::new();
        capabilities(&mut process, &small(Path::new("/")), &mut changes);
        assert_eq!(
            Value::from(process),
            json!({"capabilities": {"bounding": ["CAP_CHOWN"], "effective": [], "permitted": ["CAP_NEWER"]}})
        );
        assert_eq!(changes, ["no process can have CAP_SYS_RESOURCE here"]);
    }

    #[test]
    fn lists_and_masks_are_read() {
        assert_eq!(["6.2.9", "6.3.0-x", "10.0"].map(maps_tmpfs), [false, true, true]);
        assert_eq!([last("0-3,8\n"), last("0"), last("")], [Some(8), Some(0), None]);
        assert_eq!(effective("Name:\tx\nCapEff:\t0000000000000003\n"), 3);
    }
}
