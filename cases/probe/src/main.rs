//! The probe: a small static program that is alone in a container's root, and reports what it sees.
//!
//! `probe help` prints the table of facts and actions; all of it is in the library's [`help`] module.
//!
//! It must not disturb what it looks at. Built as it is used (`--profile probe`, where a panic aborts), it has
//! neither Rust's start-up (which ignores SIGPIPE, opens descriptors and sets a signal stack) nor libc's
//! (which makes a dozen calls, some of which a strict seccomp profile answers with death): see `start.rs`.
//! Built for tests, it starts as any C program does.
//!
//! [`help`]: ocidiff_probe::actions::help

#![no_main]
#![cfg_attr(panic = "abort", no_std)]

#[cfg(panic = "abort")]
mod start;

use core::ffi::{c_char, c_int};

/// The entry point: the kernel's argument and environment vectors are next to each other on the stack.
#[expect(
    unsafe_code,
    reason = "the C entry point takes pointers and has a fixed symbol"
)]
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: called once, by the start-up code, with the vectors that the kernel made.
    let words = unsafe { ocidiff_probe::Words::from_stack(argc, argv) };
    ocidiff_probe::run(&words)
}
