//! Names of the spec: actions, operators, architectures.

use crate::action::Action;
use crate::data::{ARCH_AARCH64, ARCH_ARM, ARCH_RISCV64};
use crate::decide::partition::Abi;

/// The errno of an action that does not name one.
const EPERM: u16 = 1;

/// An action by its name in the spec, with its errno as the kernel returns it. `None`: no such action, or an errno for
/// which a filter has no room.
pub fn action(name: &str, errno: Option<u32>) -> Option<Action> {
    let errno = || match errno {
        None => Some(EPERM),
        Some(errno) => u16::try_from(errno).ok(),
    };
    let action = match name {
        "SCMP_ACT_ALLOW" => Action::Allow,
        "SCMP_ACT_LOG" => Action::Log,
        "SCMP_ACT_NOTIFY" => Action::UserNotif,
        "SCMP_ACT_ERRNO" => Action::Errno(errno()?),
        "SCMP_ACT_TRACE" => Action::Trace(errno()?),
        "SCMP_ACT_TRAP" => Action::Trap(0),
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => Action::KillThread,
        "SCMP_ACT_KILL_PROCESS" => Action::KillProcess,
        _ => return None,
    };
    Some(Action::from_value(action.value()))
}

/// How an argument is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    NotEqual,
    Less,
    LessEqual,
    Equal,
    GreaterEqual,
    Greater,
    MaskedEqual,
}

pub(super) fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        "SCMP_CMP_NE" => Operator::NotEqual,
        "SCMP_CMP_LT" => Operator::Less,
        "SCMP_CMP_LE" => Operator::LessEqual,
        "SCMP_CMP_EQ" => Operator::Equal,
        "SCMP_CMP_GE" => Operator::GreaterEqual,
        "SCMP_CMP_GT" => Operator::Greater,
        "SCMP_CMP_MASKED_EQ" => Operator::MaskedEqual,
        _ => return None,
    })
}

/// Architectures: the spec's name, Go's (as in `includes.arches`), and how calls are made.
const ARCHITECTURES: [(&str, &str, Abi); 16] = [
    ("SCMP_ARCH_X86_64", "amd64", Abi::X86_64),
    ("SCMP_ARCH_X86", "386", Abi::I386),
    ("SCMP_ARCH_X32", "x32", Abi::X32),
    ("SCMP_ARCH_AARCH64", "arm64", Abi::Arch(ARCH_AARCH64)),
    ("SCMP_ARCH_ARM", "arm", Abi::Arch(ARCH_ARM)),
    ("SCMP_ARCH_RISCV64", "riscv64", Abi::Arch(ARCH_RISCV64)),
    ("SCMP_ARCH_MIPS", "mips", Abi::Arch(0x0000_0008)),
    ("SCMP_ARCH_MIPSEL", "mipsle", Abi::Arch(0x4000_0008)),
    ("SCMP_ARCH_MIPS64", "mips64", Abi::Arch(0x8000_0008)),
    ("SCMP_ARCH_MIPSEL64", "mips64le", Abi::Arch(0xc000_0008)),
    ("SCMP_ARCH_MIPS64N32", "mips64p32", Abi::Arch(0xa000_0008)),
    ("SCMP_ARCH_MIPSEL64N32", "mips64p32le", Abi::Arch(0xe000_0008)),
    ("SCMP_ARCH_PPC64LE", "ppc64le", Abi::Arch(0xc000_0015)),
    ("SCMP_ARCH_S390", "s390", Abi::Arch(0x0000_0016)),
    ("SCMP_ARCH_S390X", "s390x", Abi::Arch(0x8000_0016)),
    ("SCMP_ARCH_LOONGARCH64", "loong64", Abi::Arch(0xc000_0102)),
];

/// How calls of an architecture are made, by the spec's name.
pub(super) fn abi(name: &str) -> Option<Abi> {
    let found = ARCHITECTURES.iter().find(|(spec, ..)| *spec == name);
    found.map(|(_, _, abi)| abi.clone())
}

/// Go's name of an architecture, by Rust's (`std::env::consts::ARCH`).
pub fn goarch(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "loongarch64" => "loong64",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

/// The spec's name of an architecture, by Go's.
pub fn native(goarch: &str) -> Option<&'static str> {
    let found = ARCHITECTURES.iter().find(|(_, go, _)| *go == goarch);
    found.map(|(spec, ..)| *spec)
}
