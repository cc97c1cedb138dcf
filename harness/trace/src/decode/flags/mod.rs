//! Names of bits and values: the machinery, and which table each word stands for in `calls.table`.

mod files;
mod system;

pub(super) use self::files::{OPEN, RESOLVE};
pub(super) use self::system::{CLONE, FAMILY};

/// The names of an argument's bits, of its values, or of both.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// What to write when nothing is set; otherwise it is `0`.
    zero: Option<&'static str>,
    /// Bits that together form one value.
    mask: u64,
    /// The names of that value.
    values: &'static [(u64, &'static str)],
    /// The names of the other bits. A name for several bits must stand before those for fewer.
    bits: &'static [(u64, &'static str)],
}

impl Names {
    /// Names for bits.
    const fn bits(bits: &'static [(u64, &'static str)]) -> Self {
        Self {
            zero: None,
            mask: 0,
            values: &[],
            bits,
        }
    }

    /// Names for a value.
    const fn values(values: &'static [(u64, &'static str)]) -> Self {
        Self {
            zero: None,
            mask: u64::MAX,
            values,
            bits: &[],
        }
    }

    /// The argument in words; what has no name stays a number.
    pub(super) fn text(&self, value: u64) -> String {
        let mut parts: Vec<String> = Vec::new();
        let field = value & self.mask;
        if let Some((_, name)) = self.values.iter().find(|(known, _)| *known == field) {
            parts.push((*name).to_owned());
        } else if field != 0 || self.mask == u64::MAX {
            parts.push(number(field));
        }
        let mut rest = value & !self.mask;
        for (bits, name) in self.bits {
            if rest & bits == *bits {
                parts.push((*name).to_owned());
                rest &= !bits;
            }
        }
        if rest != 0 {
            parts.push(number(rest));
        }
        if parts.is_empty() {
            parts.push(self.zero.unwrap_or("0").to_owned());
        }
        parts.join("|")
    }
}

fn number(value: u64) -> String {
    if value == 0 {
        "0".to_owned()
    } else {
        format!("{value:#x}")
    }
}

/// The table for a word of `calls.table`.
pub(super) fn table(word: &str) -> Option<&'static Names> {
    Some(match word {
        "open" => &OPEN,
        "at" => &files::AT,
        "unlink" => &files::UNLINK,
        "faccess" => &files::FACCESS,
        "access" => &files::ACCESS,
        "rename" => &files::RENAME,
        "xattr" => &files::XATTR,
        "seek" => &files::SEEK,
        "fcntl" => &files::FCNTL,
        "epollctl" => &files::EPOLL_CTL,
        "memfd" => &files::MEMFD,
        "mount" => &files::MOUNT,
        "umount" => &files::UMOUNT,
        "opentree" => &files::OPEN_TREE,
        "fsconfig" => &files::FSCONFIG,
        "mountattr" => &files::MOUNT_ATTR,
        "clone" => &CLONE,
        "wait" => &system::WAIT,
        "idtype" => &system::ID_TYPE,
        "ptrace" => &system::PTRACE,
        "prctl" => &system::PRCTL,
        "archprctl" => &system::ARCH_PRCTL,
        "seccomp" => &system::SECCOMP,
        "getrandom" => &system::GETRANDOM,
        "reboot" => &system::REBOOT,
        "keyctl" => &system::KEYCTL,
        "rlimit" => &system::RLIMIT,
        "sched" => &system::SCHED,
        "prot" => &system::PROT,
        "map" => &system::MAP,
        "madvise" => &system::MADVISE,
        "clock" => &system::CLOCK,
        "sigmask" => &system::SIGMASK,
        "family" => &FAMILY,
        "socket" => &system::SOCKET,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_words() {
        let open = |flags: i32| OPEN.text(u64::from(flags as u32));
        let clone = |flags: i32| CLONE.text(u64::from(flags as u32));
        let table = [
            (open(0), "O_RDONLY"),
            (open(libc::O_RDONLY | libc::O_CLOEXEC), "O_RDONLY|O_CLOEXEC"),
            (
                open(libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC),
                "O_WRONLY|O_CREAT|O_TRUNC",
            ),
            (open(libc::O_RDWR | libc::O_TMPFILE), "O_RDWR|O_TMPFILE"),
            (
                open(libc::O_DIRECTORY | 0x4000_0000),
                "O_RDONLY|O_DIRECTORY|0x40000000",
            ),
            (
                clone(libc::CLONE_NEWNS | libc::CLONE_VM | libc::SIGCHLD),
                "CLONE_VM|CLONE_NEWNS|SIGCHLD",
            ),
            (clone(0), "0"),
            (files::SEEK.text(2), "SEEK_END"),
            (files::SEEK.text(99), "0x63"),
            (files::ACCESS.text(0), "F_OK"),
            (files::AT.text(0), "0"),
            (system::PROT.text(0), "PROT_NONE"),
            (system::MAP.text(0x22), "MAP_PRIVATE|MAP_ANONYMOUS"),
        ];
        for (text, expected) in table {
            assert_eq!(text, expected);
        }
    }
}
