//! Names for the kernel's numbers.

pub mod errno;
pub mod names;
pub mod syscalls;
