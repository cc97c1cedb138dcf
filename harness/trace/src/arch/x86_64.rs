//! x86_64: one process can make 64-bit, 32-bit (`int 0x80`) and, on few kernels, x32 calls.

use ocidiff_seccomp::data::{ARCH_I386, ARCH_X86_64, X32_BIT};

use crate::record::Arch;

/// The architecture whose calls carry no mark in [`crate::Trace::counts`].
pub(crate) const NATIVE: Arch = Arch::X86_64;

/// The architecture and number of a call, from what the kernel reports about it.
pub(crate) fn split(audit: u32, nr: u64) -> (Arch, u32) {
    let nr = u32::try_from(nr).unwrap_or(u32::MAX);
    match audit {
        ARCH_X86_64 if nr & X32_BIT != 0 && nr != u32::MAX => (Arch::X32, nr & !X32_BIT),
        ARCH_X86_64 => (Arch::X86_64, nr),
        ARCH_I386 => (Arch::I386, nr),
        other => (Arch::Other(other), nr),
    }
}

/// The same for a call that is not a 32-bit one.
#[cfg(ebpf)]
pub(crate) fn split_native(nr: u32) -> (Arch, u32) {
    split(ARCH_X86_64, nr.into())
}

/// Whether a call may have left as one that seccomp answers with SIGSYS: the kernel then puts back the number of the call, where the result would be.
pub(crate) fn looks_rolled_back(nr: u32, _args: &[u64; 6], value: i64) -> bool {
    value == i64::from(nr)
}
