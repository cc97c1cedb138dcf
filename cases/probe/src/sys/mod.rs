//! The calls to the kernel, made directly: there is no libc in between that would add, cache or translate.
//!
//! All unsafe code of the library is below this module; its interface is safe.

#![expect(unsafe_code, reason = "system calls take pointers")]

pub mod agent;
pub mod fs;
pub mod task;
pub mod words;

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!("the probe knows the system calls of x86_64 Linux only");

use alloc::string::String;
use core::arch::asm;

use crate::tables::errno;

/// An error of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i32);

impl Errno {
    /// `ENOENT`.
    pub fn name(self) -> String {
        errno::name(self.0)
    }
}

/// What a call returns.
pub type Result<T> = core::result::Result<T, Errno>;

/// One system call with up to six arguments; missing ones are 0.
///
/// # Safety
/// Pointers among the arguments must be valid for what the call does with them.
unsafe fn call<const N: usize>(number: i64, args: [usize; N]) -> Result<usize> {
    let mut all = [0; 6];
    all[..N].copy_from_slice(&args);
    // SAFETY: promised by the caller.
    checked(unsafe { raw(number, all) })
}

fn checked(result: isize) -> Result<usize> {
    match result {
        -4095..0 => Err(Errno(i32::try_from(-result).unwrap_or(i32::MAX))),
        _ => Ok(result as usize),
    }
}

/// # Safety
/// As [`call`].
unsafe fn raw(number: i64, args: [usize; 6]) -> isize {
    let result;
    // SAFETY: promised by the caller; the kernel changes rax, rcx and r11 only.
    unsafe {
        asm!(
            "syscall", inlateout("rax") number => result,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2],
            in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _, options(nostack),
        );
    }
    result
}

/// A call that returns twice: the child ends at once, before it can touch a stack that it may share.
///
/// # Safety
/// As [`call`].
unsafe fn raw_forking(number: i64, args: [usize; 6]) -> isize {
    let result;
    // SAFETY: promised by the caller; everything that runs in the child is here.
    unsafe {
        asm!(
            "syscall", "test rax, rax", "jnz 2f", "xor edi, edi", "mov eax, {exit}", "syscall", "2:",
            exit = const libc::SYS_exit_group, inlateout("rax") number => result,
            inlateout("rdi") args[0] => _, in("rsi") args[1], in("rdx") args[2],
            in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _,
        );
    }
    result
}

/// Calls that make a process.
const FORKING: [i64; 4] = [libc::SYS_fork, libc::SYS_vfork, libc::SYS_clone, libc::SYS_clone3];

/// An argument of [`any_call`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// A number, or an address without meaning.
    Int(usize),
    /// Bytes that the kernel may read and write.
    Memory(alloc::vec::Vec<u8>),
}

/// The call that the user asked for, with arbitrary arguments: what it does to this process is the question.
/// A child that it makes ends at once with 0.
pub fn any_call(number: i64, args: &mut [Arg]) -> Result<usize> {
    let mut all = [0; 6];
    for (slot, arg) in all.iter_mut().zip(args) {
        *slot = match arg {
            Arg::Int(number) => *number,
            Arg::Memory(bytes) => bytes.as_mut_ptr() as usize,
        };
    }
    // SAFETY: not guaranteed in general (munmap, say); the user asked for it, in a process that does nothing else.
    checked(unsafe {
        if FORKING.contains(&number) {
            raw_forking(number, all)
        } else {
            raw(number, all)
        }
    })
}

/// Ends the process.
pub fn exit(status: i32) -> ! {
    loop {
        // SAFETY: no pointers.
        let _ = unsafe { call(libc::SYS_exit_group, [word(status)]) };
    }
}

/// Writes all bytes to a descriptor. An error is not reported: there is nowhere to report it.
pub fn write_all(fd: i32, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match fs::write(fd, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno(libc::EINTR | libc::EAGAIN)) => {}
            Err(_) => return,
        }
    }
}

/// Fresh memory, for the allocator.
pub fn map_memory(size: usize) -> Result<usize> {
    let protection = word(libc::PROT_READ | libc::PROT_WRITE);
    let flags = word(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new anonymous mapping where the kernel chooses.
    unsafe { call(libc::SYS_mmap, [0, size, protection, flags, usize::MAX, 0]) }
}

/// A C int as an argument.
fn word(value: i32) -> usize {
    // The kernel takes the low half.
    value as isize as usize
}

/// A count as C's int.
fn int(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
