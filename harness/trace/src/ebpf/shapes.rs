//! What the kernel's side reads of each call, derived from the signatures that calls are decoded with.

use super::layout::{
    ALWAYS, BUFFER, DESCRIPTOR, IS_SETUP, MAX_NUMBERS, RETURNS_DESCRIPTOR, STRING, WORDS3, WORDS5,
};
use crate::arch;
use crate::decode::signature::{self, Kind, Returns};
use crate::record::Arch;

/// Calls by which a runtime confines a container.
const SETUP: [&str; 56] = [
    "capset",
    "chdir",
    "chroot",
    "clone",
    "clone3",
    "close_range",
    "execve",
    "execveat",
    "fchdir",
    "fsconfig",
    "fsmount",
    "fsopen",
    "ioprio_set",
    "keyctl",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "mount",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "open_tree_attr",
    "personality",
    "pivot_root",
    "prctl",
    "prlimit64",
    "sched_setaffinity",
    "sched_setattr",
    "sched_setscheduler",
    "seccomp",
    "set_mempolicy",
    "setdomainname",
    "setfsgid",
    "setfsuid",
    "setgid",
    "setgroups",
    "sethostname",
    "setns",
    "setpgid",
    "setpriority",
    "setregid",
    "setresgid",
    "setresuid",
    "setreuid",
    "setrlimit",
    "setsid",
    "setuid",
    "symlink",
    "symlinkat",
    "umask",
    "umount2",
    "unshare",
    "vhangup",
];

/// Index and shape of every call that has a shape.
pub(super) fn all() -> Vec<(u32, u32)> {
    let mut all = Vec::new();
    for (arch, first) in [(arch::NATIVE, 0), (Arch::I386, MAX_NUMBERS)] {
        for nr in 0..MAX_NUMBERS {
            let number = u32::try_from(nr).unwrap_or(u32::MAX);
            let Some(name) = arch::name(arch, number) else {
                continue;
            };
            let shape = shape(name);
            if shape != 0 {
                all.push((u32::try_from(first).unwrap_or(0) + number, shape));
            }
        }
    }
    all
}

/// The numbers of the calls with these names; `*` means all of them.
pub(super) fn numbers(arch: Arch, watch: &[String]) -> impl Iterator<Item = usize> {
    let all = watch.iter().any(|name| name == "*");
    (0..MAX_NUMBERS).filter(move |nr| {
        let name = u32::try_from(*nr).ok().and_then(|nr| arch::name(arch, nr));
        all || name.is_some_and(|name| watch.iter().any(|wanted| wanted == name))
    })
}

fn shape(name: &str) -> u32 {
    let setup = if SETUP.binary_search(&name).is_ok() {
        IS_SETUP
    } else {
        0
    };
    let always = match name {
        "clone" | "clone3" | "fork" | "vfork" | "execve" | "execveat" => ALWAYS,
        _ => 0,
    };
    let Some(signature) = signature::of(name) else {
        return setup | always;
    };
    let kinds = signature.kinds.iter().enumerate();
    let arguments = kinds.fold(0, |shape, (at, kind)| shape | of(*kind) << (4 * at));
    let returns = match signature.returns {
        Returns::Descriptor => RETURNS_DESCRIPTOR,
        _ => 0,
    };
    setup | always | arguments | returns
}

fn of(kind: Kind) -> u32 {
    match kind {
        Kind::Path | Kind::Text => STRING,
        Kind::Bytes | Kind::Address => BUFFER,
        Kind::OpenHow => WORDS3,
        Kind::CloneArgs => WORDS5,
        Kind::Descriptor | Kind::Directory => DESCRIPTOR,
        // Lists are read when an execve enters.
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_of_the_set_up_are_sorted_since_they_are_searched() {
        assert!(SETUP.is_sorted());
    }

    #[test]
    fn strings_and_descriptors_have_their_places() {
        assert_eq!(shape("openat") & 0xfff, DESCRIPTOR | STRING << 4);
        assert_ne!(shape("openat") & RETURNS_DESCRIPTOR, 0);
        assert_ne!(shape("mount") & IS_SETUP, 0);
        assert_eq!(shape("getppid"), 0);
    }

    #[test]
    fn names_become_numbers() {
        let watch = ["openat".to_owned()];
        assert_eq!(numbers(Arch::I386, &watch).collect::<Vec<_>>(), [295]);
        assert_eq!(numbers(Arch::I386, &["*".to_owned()]).count(), MAX_NUMBERS);
    }
}
