//! aarch64: 64-bit calls, and 32-bit Arm ones where the processor can.

use ocidiff_seccomp::data::{ARCH_AARCH64, ARCH_ARM};

use crate::record::Arch;

/// The architecture whose calls carry no mark in [`crate::Trace::counts`].
pub(crate) const NATIVE: Arch = Arch::Aarch64;

/// The architecture and number of a call, from what the kernel reports about it.
pub(crate) fn split(audit: u32, nr: u64) -> (Arch, u32) {
    let nr = u32::try_from(nr).unwrap_or(u32::MAX);
    match audit {
        ARCH_AARCH64 => (Arch::Aarch64, nr),
        ARCH_ARM => (Arch::Arm, nr),
        other => (Arch::Other(other), nr),
    }
}

/// Whether a call may have left as one that seccomp answers with SIGSYS: the kernel then puts back the first argument, which is in the register of the result.
pub(crate) fn looks_rolled_back(_nr: u32, args: &[u64; 6], value: i64) -> bool {
    value == args[0] as i64
}
