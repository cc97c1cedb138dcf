//! /proc/PID/status and /proc/PID/stat.

use super::{lines, trimmed};

/// The text after `Name:`.
pub fn field<'a>(status: &'a [u8], name: &str) -> Option<&'a [u8]> {
    lines(status).find_map(|line| {
        let rest = line.strip_prefix(name.as_bytes())?.strip_prefix(b":")?;
        Some(trimmed(rest.trim_ascii_start()))
    })
}

/// A field that is a mask in hexadecimal.
pub fn mask(status: &[u8], name: &str) -> Option<u64> {
    u64::from_str_radix(core::str::from_utf8(field(status, name)?).ok()?, 16).ok()
}

/// A field that is a number.
pub fn number(status: &[u8], name: &str) -> Option<i64> {
    core::str::from_utf8(field(status, name)?).ok()?.parse().ok()
}

/// The terminal's number (0: none) from stat: the fifth after the name, which may itself hold anything.
pub fn terminal(stat: &[u8]) -> Option<i64> {
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    let word = super::words(&stat[after_name..]).nth(4)?;
    core::str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &[u8] = b"Name:\tprobe\nUmask:\t0022\nCapEff:\t00000000a80425fb\nSeccomp:\t2\n\
        Seccomp_filters:\t1\nCpus_allowed_list:\t0-1\nGroups:\t \n";

    #[test]
    fn fields_are_found_by_whole_name() {
        assert_eq!(field(STATUS, "Umask"), Some(b"0022".as_slice()));
        assert_eq!(field(STATUS, "Groups"), Some(b"".as_slice()));
        assert_eq!(field(STATUS, "Cpus_allowed"), None);
        assert_eq!(mask(STATUS, "CapEff"), Some(0xa804_25fb));
        assert_eq!(mask(STATUS, "Name"), None);
        assert_eq!(number(STATUS, "Seccomp"), Some(2));
        assert_eq!(number(STATUS, "Seccomp_filters"), Some(1));
    }

    #[test]
    fn the_terminal_is_found_behind_any_name() {
        assert_eq!(terminal(b"7 (a) b (c) S 1 7 7 34816 7 4194304"), Some(34816));
        assert_eq!(terminal(b"7 (sh) S 1 7 7 0 -1"), Some(0));
        assert_eq!(terminal(b"7 (sh"), None);
        assert_eq!(terminal(b""), None);
    }
}
