//! Names of small number spaces and of the kernel's files that cases use; one list each.

use crate::machine::CgroupVersion;

/// What answers a call that was denied: errnos that a workload cannot foresee from its files, as a confinement gives them,
/// and the end of a process that a filter traps.
pub const DENIALS: [&str; 4] = ["EPERM", "ENOSYS", "EACCES", "SIGSYS"];

/// Kinds of hooks, config.md of the runtime-spec.
pub const HOOKS: [&str; 6] = [
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
];

/// Files of a cgroup that hold settings, of v1 and v2, sorted; files that count usage (`memory.usage_in_bytes`) are not
/// facts. Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst of the kernel.
pub const CGROUP_SETTINGS: [&str; 46] = [
    "blkio.bfq.weight",
    "blkio.throttle.read_bps_device",
    "blkio.throttle.read_iops_device",
    "blkio.throttle.write_bps_device",
    "blkio.throttle.write_iops_device",
    "blkio.weight",
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

/// Those of them that only cgroup v2 has.
const SETTINGS_OF_V2: [&str; 15] = [
    "cpu.max",
    "cpu.max.burst",
    "cpu.weight",
    "cpu.weight.nice",
    "cpuset.cpus.effective",
    "cpuset.mems.effective",
    "io.bfq.weight",
    "io.max",
    "io.weight",
    "memory.high",
    "memory.low",
    "memory.max",
    "memory.min",
    "memory.oom.group",
    "memory.swap.max",
];

/// Those that both versions have; the first two also stand in a hybrid machine's unified hierarchy.
const SETTINGS_OF_BOTH: [&str; 6] = [
    "cgroup.freeze",
    "cgroup.type",
    "cpu.idle",
    "cpuset.cpus",
    "cpuset.mems",
    "pids.max",
];

/// The only cgroup version that has a setting; `None` if that cannot be said.
#[must_use]
pub fn version_of_setting(name: &str) -> Option<CgroupVersion> {
    if SETTINGS_OF_BOTH.contains(&name) {
        None
    } else if SETTINGS_OF_V2.contains(&name) {
        Some(CgroupVersion::V2)
    } else {
        Some(CgroupVersion::V1)
    }
}

/// Resource limits, as the spec names them without `RLIMIT_`, in lower case; setrlimit(2).
pub const RLIMITS: [&str; 16] = [
    "as",
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// Files of a cgroup that it has in each hierarchy of v1, with a value of its own in each.
pub const SETTINGS_OF_EACH_HIERARCHY: [&str; 1] = ["cgroup.clone_children"];

/// The links under `/proc/PID/ns`; namespaces(7).
pub const NAMESPACE_LINKS: [&str; 10] = [
    "cgroup",
    "ipc",
    "mnt",
    "net",
    "pid",
    "pid_for_children",
    "time",
    "time_for_children",
    "user",
    "uts",
];

/// Architectures as `uname -m` names them.
pub const ARCHES: [&str; 10] = [
    "aarch64",
    "armv7l",
    "i686",
    "loongarch64",
    "mips64",
    "ppc64",
    "ppc64le",
    "riscv64",
    "s390x",
    "x86_64",
];

/// Controllers of v1 and v2 by the names of their hierarchies.
pub const CONTROLLERS: [&str; 15] = [
    "blkio",
    "cpu",
    "cpuacct",
    "cpuset",
    "devices",
    "freezer",
    "hugetlb",
    "io",
    "memory",
    "misc",
    "net_cls",
    "net_prio",
    "perf_event",
    "pids",
    "rdma",
];

/// Hierarchies that are not named after controllers: v2, as the harness and as the probe call it, and systemd's own.
pub const HIERARCHIES: [&str; 3] = ["systemd", "unified", "v2"];

/// Whether a reader of names that pays no regard to case, as Go's reader of JSON, takes one for the other: it treats
/// Unicode's long s and Kelvin sign as an `s` and a `k`.
#[must_use]
pub fn is_alike(name: &str, other: &str) -> bool {
    name.chars().map(folded).eq(other.chars().map(folded))
}

/// A letter as such a reader compares it.
#[must_use]
pub fn folded(letter: char) -> char {
    match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        letter => letter.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_are_searched_are_sorted() {
        assert!(CGROUP_SETTINGS.is_sorted());
        for name in SETTINGS_OF_V2.iter().chain(&SETTINGS_OF_BOTH) {
            assert!(CGROUP_SETTINGS.contains(name), "{name}");
        }
        assert!(RLIMITS.is_sorted());
    }

    #[test]
    fn a_setting_is_of_one_version_or_of_both() {
        for (name, version) in [
            ("memory.max", Some(CgroupVersion::V2)),
            ("memory.limit_in_bytes", Some(CgroupVersion::V1)),
            ("pids.max", None),
        ] {
            assert_eq!(version_of_setting(name), version, "{name}");
        }
    }

    #[test]
    fn names_are_alike_whatever_the_case_of_their_letters() {
        for (name, other, expected) in [
            ("hooks", "Hooks", true),
            ("HOOKS", "hoo\u{212a}\u{17f}", true),
            ("hooks", "hook", false),
            ("hooks", "hoots", false),
            ("\u{e9}", "\u{c9}", false),
        ] {
            assert_eq!(is_alike(name, other), expected, "{name} {other}");
            assert_eq!(is_alike(other, name), expected, "{other} {name}");
        }
    }
}
