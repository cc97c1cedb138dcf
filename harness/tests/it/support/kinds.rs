//! Containers of every kind, as requests to an engine.

use std::path::Path;

use serde_json::{Value, json};

/// What engines are asked for, under a name that says what is special.
pub(crate) fn kinds(scratch: &Path) -> Vec<(&'static str, Value)> {
    let profile = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["chroot"], "action": "SCMP_ACT_ERRNO"}]});
    let bind = format!("{}:/data:ro", scratch.display());
    let device =
        json!({"PathOnHost": "/dev/zero", "PathInContainer": "/dev/nothing", "CgroupPermissions": "rwm"});
    let sysctls = json!({"net.ipv4.ip_unprivileged_port_start": "0", "kernel.shm_rmid_forced": "1"});
    let mut all = vec![
        ("default", json!({})),
        ("privileged", json!({"Privileged": true})),
        (
            "capabilities",
            json!({"CapAdd": ["SYS_PTRACE"], "CapDrop": ["ALL"]}),
        ),
        (
            "read-only",
            json!({"ReadonlyRootfs": true, "Tmpfs": {"/tmp": "size=1m"}}),
        ),
        (
            "mounts",
            json!({"Binds": [bind], "Tmpfs": {"/scratch": "noexec"}}),
        ),
        ("groups", json!({"GroupAdd": ["2000"]})),
        (
            "own-profile",
            json!({"SecurityOpt": [format!("seccomp={profile}")]}),
        ),
        (
            "unconfined",
            json!({"SecurityOpt": ["seccomp=unconfined", "no-new-privileges"]}),
        ),
        (
            "limits",
            json!({"Memory": 64 << 20, "PidsLimit": 50, "CpuQuota": 50_000}),
        ),
        ("devices", json!({"Devices": [device]})),
        ("sysctls", json!({"Sysctls": sysctls})),
        ("host-pids", json!({"PidMode": "host", "IpcMode": "shareable"})),
    ];
    // A runtime can grant no more than it has itself, and a privileged container requires everything.
    if !has_every_capability() {
        eprintln!("left out: a privileged container, which this machine may not start");
        all.retain(|(name, _)| *name != "privileged");
    }
    all
}

/// Whether the bounding set has all that the kernel knows.
fn has_every_capability() -> bool {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let last: u32 = read("/proc/sys/kernel/cap_last_cap").trim().parse().unwrap_or(63);
    let status = read("/proc/self/status");
    let bounding = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
    let bounding = bounding.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    bounding.is_some_and(|set| set.count_ones() > last)
}
