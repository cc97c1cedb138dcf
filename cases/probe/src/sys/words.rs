//! The argument and environment vectors.

use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int};

/// What the program was started with, byte for byte.
pub struct Words {
    args: Vec<&'static [u8]>,
    env: Vec<&'static [u8]>,
}

impl Words {
    /// Reads both vectors.
    ///
    /// # Safety
    /// `argv` is what the kernel put on the stack: `argc` pointers and a null one, then the environment's
    /// pointers and a null one, all to strings that remain valid.
    pub unsafe fn from_stack(argc: c_int, argv: *const *const c_char) -> Self {
        let count = usize::try_from(argc).unwrap_or(0);
        // SAFETY: promised by the caller.
        unsafe {
            Self {
                args: strings(argv),
                env: strings(argv.add(count + 1)),
            }
        }
    }

    /// The arguments, the program's name first.
    pub fn args(&self) -> &[&'static [u8]] {
        &self.args
    }

    /// The environment, in order, including duplicates.
    pub fn env(&self) -> &[&'static [u8]] {
        &self.env
    }
}

/// # Safety
/// A vector of pointers to strings that remain valid, terminated by a null pointer.
unsafe fn strings(mut vector: *const *const c_char) -> Vec<&'static [u8]> {
    let mut found = Vec::new();
    // SAFETY: promised by the caller.
    unsafe {
        while !(*vector).is_null() {
            found.push(CStr::from_ptr(*vector).to_bytes());
            vector = vector.add(1);
        }
    }
    found
}
