//! Capabilities, signals, resource limits and other small number spaces by name.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Capabilities from 0 on, without `CAP_`.
const CAPABILITIES: &str = "\
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE \
    NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT \
    SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE \
    AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ \
    PERFMON BPF CHECKPOINT_RESTORE";

/// Signals from 1 on, without `SIG`; real-time signals follow as `RT<n>`.
const SIGNALS: &str = "\
    HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN \
    TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS";

/// Resource limits from 0 on, as the spec names them without `RLIMIT_`, in lower case.
pub const RLIMITS: &str =
    "cpu fsize data stack core rss nproc nofile memlock as locks sigpending msgqueue nice rtprio rttime";

/// Scheduling policies from 0 on.
const POLICIES: &str = "OTHER FIFO RR BATCH ISO IDLE DEADLINE EXT";

/// Types of a file by the type bits of its mode, shifted down by 12.
const FILE_TYPES: [(u32, &str); 7] = [
    (1, "fifo"),
    (2, "char"),
    (4, "dir"),
    (6, "block"),
    (8, "file"),
    (10, "link"),
    (12, "socket"),
];

fn nth(table: &str, index: u32) -> Option<&str> {
    table.split_whitespace().nth(usize::try_from(index).ok()?)
}

/// The names of the capabilities in a mask, by number; unknown ones as their number.
pub fn capabilities(mask: u64) -> Vec<String> {
    bits(mask, 0, |number| {
        nth(CAPABILITIES, number)
            .map(String::from)
            .unwrap_or_else(|| format!("{number}"))
    })
}

/// The names of the signals in a mask, whose lowest bit is signal 1.
pub fn signals(mask: u64) -> Vec<String> {
    bits(mask, 1, signal)
}

fn bits(mask: u64, first: u32, name: impl Fn(u32) -> String) -> Vec<String> {
    (0..64)
        .filter(|bit| mask >> bit & 1 == 1)
        .map(|bit| name(bit + first))
        .collect()
}

/// `TERM` for 15, `RT34` for a real-time signal.
pub fn signal(number: u32) -> String {
    number
        .checked_sub(1)
        .and_then(|index| nth(SIGNALS, index))
        .map(String::from)
        .unwrap_or_else(|| format!("RT{number}"))
}

/// The number of a signal given as `TERM`, `SIGTERM`, `RT34` or `15`.
pub fn signal_number(text: &str) -> Option<u32> {
    let short = text.strip_prefix("SIG").unwrap_or(text);
    let number = match SIGNALS.split_whitespace().position(|name| name == short) {
        Some(index) => u32::try_from(index).ok()? + 1,
        None => short.strip_prefix("RT").unwrap_or(short).parse().ok()?,
    };
    (number <= 64).then_some(number)
}

/// `BATCH` for 3.
pub fn policy(number: u32) -> String {
    nth(POLICIES, number)
        .map(String::from)
        .unwrap_or_else(|| format!("{number}"))
}

/// `char` for the mode of /dev/null.
pub fn file_type(mode: u32) -> &'static str {
    FILE_TYPES
        .iter()
        .find(|(bits, _)| *bits == mode >> 12)
        .map_or("unknown", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_become_names_by_number() {
        assert_eq!(capabilities(0b100001), ["CHOWN", "KILL"]);
        assert_eq!(capabilities(1 << 40 | 1 << 41), ["CHECKPOINT_RESTORE", "41"]);
        assert_eq!(signals(1 << 12), ["PIPE"]);
        assert_eq!(signals(1 << 31 | 1 << 63), ["RT32", "RT64"]);
    }

    #[test]
    fn signals_are_found_however_written() {
        for text in ["TERM", "SIGTERM", "15"] {
            assert_eq!(signal_number(text), Some(15));
        }
        assert_eq!(signal_number("SIGSYS"), Some(31));
        assert_eq!(signal_number("RT40"), Some(40));
        assert_eq!(signal_number("NOPE"), None);
        assert_eq!(signal_number("65"), None);
    }

    #[test]
    fn small_numbers_have_names() {
        assert_eq!(policy(3), "BATCH");
        assert_eq!(policy(99), "99");
        assert_eq!(file_type(libc::S_IFCHR | 0o666), "char");
        assert_eq!(file_type(libc::S_IFLNK | 0o777), "link");
        assert_eq!(file_type(0), "unknown");
    }
}
