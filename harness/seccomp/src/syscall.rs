//! Names and numbers of system calls.
//!
//! The tables are those of the `syscalls` crate, plus newer calls (`harness/seccomp/data/since.yaml`) and x32's.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::data::{ARCH_AARCH64, ARCH_ARM, ARCH_I386, ARCH_RISCV64, ARCH_X86_64, X32_BIT};

/// The name of a call on an architecture.
pub fn syscall_name(arch: u32, nr: u32) -> Option<&'static str> {
    let known = match arch {
        ARCH_X86_64 => syscalls::x86_64::Sysno::new(nr as usize).map(|call| call.name()),
        ARCH_I386 => syscalls::x86::Sysno::new(nr as usize).map(|call| call.name()),
        ARCH_AARCH64 => syscalls::aarch64::Sysno::new(nr as usize).map(|call| call.name()),
        ARCH_ARM => syscalls::arm::Sysno::new(nr as usize).map(|call| call.name()),
        ARCH_RISCV64 => syscalls::riscv64::Sysno::new(nr as usize).map(|call| call.name()),
        _ => return None,
    };
    let newer = || {
        let at = NEWER.binary_search_by_key(&nr, |(there, _)| *there).ok()?;
        NEWER.get(at).map(|(_, name)| name.as_str())
    };
    known
        // Rust's way of writing a name that is a keyword.
        .map(|name| name.trim_start_matches("r#"))
        .or_else(|| (nr >= FIRST_SHARED).then(newer).flatten())
        .or_else(|| only_x86_64(arch, |(there, _)| *there == nr).map(|(_, name)| *name))
}

/// The number of a call on an architecture: the inverse of [`syscall_name`].
pub fn syscall_number(arch: u32, name: &str) -> Option<u32> {
    let name = if name == "break" { "r#break" } else { name };
    let known = match arch {
        ARCH_X86_64 => name
            .parse::<syscalls::x86_64::Sysno>()
            .ok()
            .map(|call| call.id() as u32),
        ARCH_I386 => name
            .parse::<syscalls::x86::Sysno>()
            .ok()
            .map(|call| call.id() as u32),
        ARCH_AARCH64 => name
            .parse::<syscalls::aarch64::Sysno>()
            .ok()
            .map(|call| call.id() as u32),
        ARCH_ARM => name
            .parse::<syscalls::arm::Sysno>()
            .ok()
            .map(|call| call.id() as u32),
        ARCH_RISCV64 => name
            .parse::<syscalls::riscv64::Sysno>()
            .ok()
            .map(|call| call.id() as u32),
        _ => return None,
    };
    let newer = || NEWER.iter().find(|(_, there)| there == name).map(|(nr, _)| *nr);
    known
        .or_else(newer)
        .or_else(|| only_x86_64(arch, |(_, there)| *there == name).map(|(nr, _)| *nr))
}

/// Whether any of the architectures here has the call.
pub fn is_known(name: &str) -> bool {
    let arches = [ARCH_X86_64, ARCH_I386, ARCH_AARCH64, ARCH_ARM, ARCH_RISCV64];
    arches.iter().any(|arch| syscall_number(*arch, name).is_some())
}

/// Whether a number of x32, with or without bit 30, is one that x86_64 does not have.
pub fn is_of_x32_only(nr: u32) -> bool {
    nr & !X32_BIT >= X32_FIRST
}

/// The name of a call of x32, by its number without bit 30.
pub fn x32_name(nr: u32) -> Option<&'static str> {
    if let Some(name) = nr.checked_sub(X32_FIRST).and_then(|at| X32.get(at as usize)) {
        return Some(name);
    }
    syscall_name(ARCH_X86_64, nr).filter(|name| !X32.contains(name) && !NOT_IN_X32.contains(name))
}

/// Whether a number, without bit 30, is a call of x86_64 that x32 does not have: the kernel answers ENOSYS to it there.
#[must_use]
pub fn is_gap_of_x32(nr: u32) -> bool {
    x32_name(nr).is_none() && syscall_name(ARCH_X86_64, nr).is_some()
}

/// The number of a call of x32, without bit 30.
pub fn x32_number(name: &str) -> Option<u32> {
    if let Some(at) = X32.iter().position(|there| *there == name) {
        return Some(X32_FIRST + at as u32);
    }
    syscall_number(ARCH_X86_64, name).filter(|_| !NOT_IN_X32.contains(&name))
}

/// No table has a number above this.
pub const LAST_NAMED: u32 = 1024;

/// Numbers from 424 on, which are the same on every architecture; the `syscalls` crate lacks the newest. By rising numbers.
static NEWER: LazyLock<Vec<(u32, String)>> = LazyLock::new(|| {
    #[derive(serde::Deserialize)]
    struct File {
        numbers: BTreeMap<String, u32>,
    }
    let file: Result<File, _> = serde_yaml::from_str(include_str!("../data/since.yaml"));
    let numbers = file.map(|file| file.numbers).unwrap_or_default();
    let mut list: Vec<(u32, String)> = numbers.into_iter().map(|(name, nr)| (nr, name)).collect();
    list.sort_unstable();
    list
});

/// From this number on (Linux 5.1), numbers are the same on every architecture.
pub const FIRST_SHARED: u32 = 424;

fn only_x86_64(
    arch: u32,
    is: impl Fn(&&(u32, &'static str)) -> bool,
) -> Option<&'static (u32, &'static str)> {
    ONLY_X86_64.iter().find(is).filter(|_| arch == ARCH_X86_64)
}

const ONLY_X86_64: &[(u32, &str)] = &[(335, "uretprobe"), (336, "uprobe")];

const X32_FIRST: u32 = 512;

/// Calls with a different number in x32, from [`X32_FIRST`] on (the kernel's `syscall_64.tbl`).
const X32: &[&str] = &[
    "rt_sigaction",
    "rt_sigreturn",
    "ioctl",
    "readv",
    "writev",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "execve",
    "ptrace",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigqueueinfo",
    "sigaltstack",
    "timer_create",
    "mq_notify",
    "kexec_load",
    "waitid",
    "set_robust_list",
    "get_robust_list",
    "vmsplice",
    "move_pages",
    "preadv",
    "pwritev",
    "rt_tgsigqueueinfo",
    "recvmmsg",
    "sendmmsg",
    "process_vm_readv",
    "process_vm_writev",
    "setsockopt",
    "getsockopt",
    "io_setup",
    "io_submit",
    "execveat",
    "preadv2",
    "pwritev2",
];

/// Calls of x86_64 that x32 does not have at all.
const NOT_IN_X32: &[&str] = &[
    "uselib",
    "_sysctl",
    "create_module",
    "get_kernel_syms",
    "query_module",
    "nfsservctl",
    "set_thread_area",
    "get_thread_area",
    "vserver",
    "epoll_ctl_old",
    "epoll_wait_old",
    "map_shadow_stack",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        let table = [
            (ARCH_X86_64, 452, "fchmodat2"),
            (ARCH_I386, 20, "getpid"),
            (ARCH_X86_64, 39, "getpid"),
            (ARCH_AARCH64, 469, "file_setattr"),
            (ARCH_X86_64, 335, "uretprobe"),
        ];
        for (arch, nr, name) in table {
            assert_eq!(syscall_name(arch, nr), Some(name));
            assert_eq!(syscall_number(arch, name), Some(nr));
        }
        assert_eq!(syscall_name(ARCH_I386, 17), Some("break"));
        assert_eq!(syscall_number(ARCH_I386, "break"), Some(17));
        assert_eq!(syscall_name(ARCH_X86_64, 9999), None);
        assert_eq!(syscall_number(ARCH_I386, "uretprobe"), None);
    }

    #[test]
    fn x32_has_numbers_of_its_own() {
        assert_eq!((x32_name(520), x32_number("execve")), (Some("execve"), Some(520)));
        assert_eq!((x32_name(59), x32_name(39)), (None, Some("getpid")));
        assert_eq!((x32_number("uselib"), x32_number("fchmodat2")), (None, Some(452)));
    }
}
