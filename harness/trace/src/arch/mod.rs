//! What differs between architectures. A new one needs a file here and its line in the two lists below.

use ocidiff_seccomp::data::{ARCH_AARCH64, ARCH_ARM, ARCH_I386, ARCH_X86_64};
use ocidiff_seccomp::syscall::syscall_name;

use crate::record::Arch;

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(ebpf)]
pub(crate) use x86_64::split_native;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::{NATIVE, looks_rolled_back, split};

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "aarch64")]
pub(crate) use aarch64::{NATIVE, looks_rolled_back, split};

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("ocidiff-trace knows x86_64 and aarch64; add a file to arch/ for this architecture");

/// The name of a call.
pub(crate) fn name(arch: Arch, nr: u32) -> Option<&'static str> {
    let audit = match arch {
        Arch::X86_64 | Arch::X32 => ARCH_X86_64,
        Arch::I386 => ARCH_I386,
        Arch::Aarch64 => ARCH_AARCH64,
        Arch::Arm => ARCH_ARM,
        Arch::Other(value) => value,
    };
    syscall_name(audit, nr)
}

/// Whether pointers inside this architecture's structures have 32 bits.
pub(crate) fn is_narrow(arch: Arch) -> bool {
    matches!(arch, Arch::I386 | Arch::X32 | Arch::Arm)
}
