//! Child processes that load filters and make calls. The only unsafe code here.
//!
//! Why it is safe to make any call with any arguments: the *oldest* filter of such a child is [`guard`], which answers
//! [`GUARD`] to everything. Of several filters the kernel takes the strictest answer, so an ALLOW of a filter under test becomes that
//! errno: no call is ever carried out, whatever the filter says and whatever is wrong with it. The only exception that
//! the guard makes is for loading those filters. (The kernel makes its own exception for two harmless calls: see
//! `answers`.)
//!
//! A child that cannot make calls cannot exit. It ends with an instruction that does not exist; should it not get
//! there, an alarm ends it, and so does the end of the test. It is waited for by its pid.

#![expect(
    unsafe_code,
    reason = "loads filters, and makes calls that no safe wrapper makes"
)]

use std::ptr::null_mut;
use std::sync::atomic::{AtomicU64, Ordering};

use ocidiff_seccomp::data::{ARCH_I386, ARCH_X86_64};
use ocidiff_seccomp::{Filter, Instruction, SeccompData};

/// The guard's errno: no filter under test uses it.
pub(crate) const GUARD: u16 = 4000;

/// Seconds after which a child is ended.
const ALARM: u32 = 60;

/// A call to make, and what came of it. Lives in memory that the child shares.
#[repr(C)]
#[derive(Clone, Copy)]
struct Slot {
    nr: u64,
    args: [u64; 6],
    ip: u64,
    answer: i64,
    narrow: u64,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What it returned.
    Returned(i64),
    /// The child died of SIGSYS.
    Killed,
    /// An earlier call killed the child.
    NotMade,
}

/// Memory that a child shares with the test.
struct Shared<T> {
    at: *mut T,
    count: usize,
}

impl<T: Copy> Shared<T> {
    fn new(values: &[T]) -> Self {
        let bytes = size_of_val(values).max(1);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping, which nothing else knows of.
        let at = unsafe { libc::mmap(null_mut(), bytes, protection, flags, -1, 0) };
        assert_ne!(at, libc::MAP_FAILED, "mmap of {bytes} bytes");
        let at: *mut T = at.cast();
        // SAFETY: the mapping has room for them, and is aligned to a page.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), at, values.len()) };
        Self {
            at,
            count: values.len(),
        }
    }

    /// What is there; to be read when no child writes to it any more.
    fn values(&self) -> &[T] {
        // SAFETY: `new` has filled all of them, and every bit pattern that a child writes is a value.
        unsafe { std::slice::from_raw_parts(self.at, self.count) }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`.
        unsafe { libc::munmap(self.at.cast(), (self.count * size_of::<T>()).max(1)) };
    }
}

/// Denies everything except loading the filters whose `sock_fprog`s are here.
fn guard(programs: &[libc::sock_fprog]) -> Filter {
    let (plain, test) = (Instruction::plain, Instruction::test);
    let range = programs.as_ptr_range();
    let (first, end) = (range.start as u64, range.end as u64);
    // The addresses are in one range without a carry into the upper half: a mapping of its own, of one page.
    let (high, low) = ((first >> 32) as u32, first as u32..end as u32);
    let deny = 0x0005_0000 | u32::from(GUARD);
    Filter(vec![
        plain(0x20, 4),
        test(0x15, ARCH_X86_64, 0, 11),
        plain(0x20, 0),
        test(0x15, libc::SYS_seccomp as u32, 0, 9),
        plain(0x20, 16),
        test(0x15, libc::SECCOMP_SET_MODE_FILTER, 0, 7),
        plain(0x20, 24),
        test(0x15, 0, 0, 5),
        plain(0x20, 36),
        test(0x15, high, 0, 3),
        plain(0x20, 32),
        test(0x35, low.start, 0, 1),
        test(0x35, low.end, 0, 1),
        plain(0x06, deny),
        plain(0x06, 0x7fff_0000),
    ])
}

fn program(bytes: &[u8]) -> libc::sock_fprog {
    libc::sock_fprog {
        len: (bytes.len() / 8) as u16,
        filter: bytes.as_ptr().cast_mut().cast(),
    }
}

/// Makes calls in a child under filters, newest first. Returns the calls as the kernel saw them, and what came of them.
///
/// Only calls of x86_64 and i386 can be made: the list must not contain others.
pub(crate) fn answers(filters: &[Filter], calls: &[SeccompData]) -> (Vec<SeccompData>, Vec<Outcome>) {
    let slots: Vec<Slot> = calls
        .iter()
        .map(|call| Slot {
            nr: call.nr.into(),
            args: call.args,
            ip: 0,
            answer: 0,
            narrow: u64::from(call.arch == ARCH_I386),
        })
        .collect();
    let slots = Shared::new(&slots);
    let begun = Shared::new(&[0_u64]);
    let bytes: Vec<Vec<u8>> = filters.iter().rev().map(Filter::to_bytes).collect();
    let programs: Vec<libc::sock_fprog> = bytes.iter().map(|bytes| program(bytes)).collect();
    let programs = Shared::new(&programs);
    let guard = guard(programs.values()).to_bytes();
    let guard = program(&guard);
    // SAFETY: the child calls async-signal-safe functions only, until it calls nothing any more.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork");
    if pid == 0 {
        // SAFETY: this is the child; all that it is given lives in memory that it has.
        unsafe { make_calls(&guard, programs.values(), slots.at, slots.count, begun.at) };
    }
    let status = wait(pid);
    // SAFETY: the child is gone, so nothing writes to it.
    let begun = unsafe { AtomicU64::from_ptr(begun.at) }.load(Ordering::Relaxed) as usize;
    let died = libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status));
    assert!(
        died == Some(libc::SIGILL) || died == Some(libc::SIGSYS),
        "status {status:#x} after {begun} calls"
    );
    assert!(begun > 0 || calls.is_empty(), "the filters were not loaded");
    let killed = (died == Some(libc::SIGSYS)).then(|| begun - 1);
    let outcome = |(at, slot): (usize, &Slot)| match killed {
        Some(last) if at == last => Outcome::Killed,
        Some(last) if at > last => Outcome::NotMade,
        _ => Outcome::Returned(slot.answer),
    };
    let seen = calls.iter().zip(slots.values()).map(|(call, slot)| SeccompData {
        instruction_pointer: slot.ip,
        ..*call
    });
    (
        seen.collect(),
        slots.values().iter().enumerate().map(outcome).collect(),
    )
}

/// What a child does before its filters: ensures that it will end, leaves no core, and may load filters.
unsafe fn prepare() {
    let no_core = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: plain system calls on this process.
    unsafe {
        libc::alarm(ALARM);
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::setrlimit(libc::RLIMIT_CORE, &raw const no_core);
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 {
            libc::_exit(10);
        }
    }
}

/// Loads a filter; returns the errno.
unsafe fn load(program: *const libc::sock_fprog) -> i32 {
    // SAFETY: the program lives in this process's memory.
    match unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, program) } {
        0 => 0,
        // SAFETY: errno is this thread's own.
        _ => unsafe { *libc::__errno_location() },
    }
}

/// The child: loads the filters, makes all calls, ends.
unsafe fn make_calls(
    guard: &libc::sock_fprog,
    programs: &[libc::sock_fprog],
    slots: *mut Slot,
    count: usize,
    begun: *mut u64,
) -> ! {
    // SAFETY: memory as promised; under the filters nothing but memory is touched, and calls are made that answer an errno or kill.
    unsafe {
        prepare();
        if load(guard) != 0 {
            libc::_exit(11);
        }
        for program in programs {
            if load(program) != 0 {
                // The guard does not let it exit.
                std::arch::asm!("hlt", options(noreturn));
            }
        }
        let mut at = 0;
        while at < count {
            let slot = slots.add(at);
            at += 1;
            begun.write_volatile(at as u64);
            if (*slot).narrow == 0 {
                call_wide(slot);
            } else {
                call_narrow(slot);
            }
        }
        std::arch::asm!("ud2", options(noreturn));
    }
}

/// Makes a call by `syscall`. The place that it is made from is written first, since the call may be the
/// last.
unsafe fn call_wide(slot: *mut Slot) {
    // SAFETY: the kernel changes rax, rcx and r11; a filter keeps it from changing anything else.
    unsafe {
        std::arch::asm!(
            "lea rax, [rip + 2f]",
            "mov [r12 + 56], rax",
            "mov rax, [r12]",
            "syscall",
            "2:",
            "mov [r12 + 64], rax",
            in("r12") slot,
            in("rdi") (*slot).args[0], in("rsi") (*slot).args[1], in("rdx") (*slot).args[2],
            in("r10") (*slot).args[3], in("r8") (*slot).args[4], in("r9") (*slot).args[5],
            out("rax") _, out("rcx") _, out("r11") _,
        );
    }
}

/// Makes a call as 32-bit programs do, with registers of 64 bits.
unsafe fn call_narrow(slot: *mut Slot) {
    // SAFETY: as above; rbx and rbp, which Rust keeps for itself, are put back.
    unsafe {
        std::arch::asm!(
            "push rbx",
            "push rbp",
            "lea rax, [rip + 2f]",
            "mov [r12 + 56], rax",
            "mov rax, [r12]",
            "mov rbx, [r12 + 8]",
            "mov rcx, [r12 + 16]",
            "mov rdx, [r12 + 24]",
            "mov rsi, [r12 + 32]",
            "mov rdi, [r12 + 40]",
            "mov rbp, [r12 + 48]",
            "int 0x80",
            "2:",
            "pop rbp",
            "pop rbx",
            "movsxd rax, eax",
            "mov [r12 + 64], rax",
            in("r12") slot,
            out("rax") _, out("rcx") _, out("rdx") _, out("rsi") _, out("rdi") _,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
}

/// Whether this kernel takes i386's calls: checked with getpid in a child.
pub(crate) fn has_i386() -> bool {
    // SAFETY: the child makes one harmless call and exits.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork");
    if pid == 0 {
        let mut slot = Slot {
            nr: 20,
            args: [0; 6],
            ip: 0,
            answer: 0,
            narrow: 1,
        };
        // SAFETY: getpid has no effect.
        unsafe {
            prepare();
            call_narrow(&raw mut slot);
            libc::_exit(i32::from(slot.answer != i64::from(libc::getpid())));
        }
    }
    wait(pid) == 0
}

/// Offers filters to the kernel, and says which of them it takes. None takes effect: the child has loaded so many
/// before that there is no room for more, and the kernel says so only about filters that it has checked.
pub(crate) fn accepted(filters: &[Filter]) -> Vec<bool> {
    let bytes: Vec<Vec<u8>> = filters.iter().map(Filter::to_bytes).collect();
    let programs: Vec<libc::sock_fprog> = bytes.iter().map(|bytes| program(bytes)).collect();
    let allow = vec![Instruction::plain(0x06, 0x7fff_0000); 4096];
    let fillers: Vec<Vec<u8>> = [4096, 64, 1]
        .iter()
        .map(|length| Filter(allow[..*length].to_vec()).to_bytes())
        .collect();
    let errnos = Shared::new(&vec![0_i32; filters.len()]);
    // SAFETY: the child calls async-signal-safe functions only.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork");
    if pid == 0 {
        // SAFETY: all programs and the errnos are in memory that the child has.
        unsafe {
            prepare();
            for filler in &fillers {
                let filler = program(filler);
                while load(&raw const filler) == 0 {}
            }
            for (at, program) in programs.iter().enumerate() {
                errnos.at.add(at).write(load(program));
            }
            libc::_exit(0);
        }
    }
    assert_eq!(wait(pid), 0);
    errnos
        .values()
        .iter()
        .map(|errno| match *errno {
            libc::ENOMEM => true,
            libc::EINVAL => false,
            other => panic!("errno {other}"),
        })
        .collect()
}

fn wait(pid: libc::pid_t) -> i32 {
    let mut status = 0;
    loop {
        // SAFETY: a child of this process, and a place for its status.
        if unsafe { libc::waitpid(pid, &raw mut status, 0) } == pid {
            return status;
        }
        let error = std::io::Error::last_os_error();
        assert_eq!(error.raw_os_error(), Some(libc::EINTR), "waitpid: {error}");
    }
}
