//! Names for numbers of the kernel: capabilities, signals. Names of limits are in the model.

use nix::sys::signal::Signal;

/// Capabilities by number; include/uapi/linux/capability.h.
const CAPABILITIES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// A capability by its bit, without `CAP_`; the number where it has no name.
pub(crate) fn capability(bit: i32) -> String {
    usize::try_from(bit)
        .ok()
        .and_then(|bit| CAPABILITIES.get(bit))
        .map_or_else(|| bit.to_string(), |name| (*name).to_owned())
}

/// Every capability, without `CAP_`.
pub(crate) fn capability_names() -> [&'static str; 41] {
    CAPABILITIES
}

/// The number of a capability by its name, with `CAP_` or without.
pub(crate) fn capability_number(name: &str) -> Option<usize> {
    let name = name.strip_prefix("CAP_").unwrap_or(name);
    CAPABILITIES.iter().position(|known| *known == name)
}

/// `TERM` for 15; the number where it has no name.
pub(crate) fn signal_name(number: i32) -> String {
    Signal::try_from(number).map_or_else(
        |_| number.to_string(),
        |signal| signal.as_str().trim_start_matches("SIG").to_owned(),
    )
}

/// 15 for `TERM`, with `SIG` or without; also a number.
pub(crate) fn signal_number(name: &str) -> Option<i32> {
    let name = name.strip_prefix("SIG").unwrap_or(name);
    (1..=64).find(|number| signal_name(*number) == name)
}
