//! The files of a cgroup that hold settings; Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst of the kernel.

use std::fs;
use std::path::Path;

/// Files that hold settings; what counts use (`memory.usage_in_bytes`) is no fact.
const SETTINGS: [&str; 47] = [
    "blkio.bfq.weight",
    "blkio.throttle.read_bps_device",
    "blkio.throttle.read_iops_device",
    "blkio.throttle.write_bps_device",
    "blkio.throttle.write_iops_device",
    "blkio.weight",
    "cgroup.clone_children",
    "cgroup.freeze",
    "cgroup.type",
    "cpu.cfs_burst_us",
    "cpu.cfs_period_us",
    "cpu.cfs_quota_us",
    "cpu.idle",
    "cpu.max",
    "cpu.max.burst",
    "cpu.rt_period_us",
    "cpu.rt_runtime_us",
    "cpu.shares",
    "cpu.weight",
    "cpu.weight.nice",
    "cpuset.cpu_exclusive",
    "cpuset.cpus",
    "cpuset.cpus.effective",
    "cpuset.memory_migrate",
    "cpuset.mems",
    "cpuset.mems.effective",
    "devices.list",
    "freezer.state",
    "io.bfq.weight",
    "io.max",
    "io.weight",
    "memory.high",
    "memory.kmem.limit_in_bytes",
    "memory.kmem.tcp.limit_in_bytes",
    "memory.limit_in_bytes",
    "memory.low",
    "memory.max",
    "memory.memsw.limit_in_bytes",
    "memory.min",
    "memory.move_charge_at_immigrate",
    "memory.oom.group",
    "memory.oom_control",
    "memory.soft_limit_in_bytes",
    "memory.swap.max",
    "memory.swappiness",
    "memory.use_hierarchy",
    "pids.max",
];

/// Name and text of every setting of a cgroup, sorted by name.
pub(crate) fn settings(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| SETTINGS.binary_search(&name.as_str()).is_ok())
        .collect();
    names.sort();
    // Some can only be read in some states; that is no fact about the runtime.
    names
        .into_iter()
        .filter_map(|name| Some((fs::read_to_string(folder.join(&name)).ok()?, name)))
        .map(|(text, name)| (name, text))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::SETTINGS;

    #[test]
    fn the_list_of_settings_is_sorted_since_it_is_searched() {
        assert!(SETTINGS.is_sorted());
    }
}
