//! Functions on the calling process that have no safe wrapper elsewhere.

use std::ffi::CStr;
use std::io;

use rustix::process::{Signal, set_parent_process_death_signal};

/// Asks the kernel to kill this process when the thread that started it ends.
///
/// The kernel forgets this at an exec that changes credentials. If the parent may have ended already, check
/// `getppid` afterwards: the signal comes only for an end that is still ahead.
pub fn set_parent_death_signal_kill() -> io::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Joins a new session keyring with this name, so that the keys of this run belong to no other.
///
/// An empty name makes an anonymous one. Children inherit it. Returns the keyring's serial number.
#[expect(unsafe_code, reason = "no crate of ours wraps keyctl")]
pub fn join_session_keyring(name: &CStr) -> io::Result<i32> {
    const KEYCTL_JOIN_SESSION_KEYRING: libc::c_long = 1;
    let name = if name.is_empty() {
        std::ptr::null()
    } else {
        name.as_ptr()
    };
    // SAFETY: the name is null or a terminated string that outlives the call, which only reads it.
    let serial = unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) };
    if serial < 0 {
        return Err(io::Error::last_os_error());
    }
    i32::try_from(serial).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

/// Gives every signal its default disposition, also the two that glibc keeps for itself (32 and 33): its
/// posix_spawn leaves those ignored in the child, and an ignored signal stays ignored after an exec.
#[expect(unsafe_code, reason = "glibc's own sigaction refuses the two signals")]
pub fn reset_signal_dispositions() {
    // The kernel's struct sigaction: handler, flags, restorer, mask; all zero is SIG_DFL.
    let default = [0_u64; 4];
    for signal in 1..=64_i64 {
        // SAFETY: the kernel reads 32 bytes of the array, which outlives the call, and writes nothing. KILL and
        // STOP are refused, as they should be.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), 0_usize, 8_usize) };
    }
}

/// Every descriptor from this one on is closed at an exec: the process that started us may have left some
/// open.
#[expect(unsafe_code, reason = "no crate of ours wraps close_range")]
pub fn close_on_exec_from(first: u32) -> io::Result<()> {
    // SAFETY: the call takes numbers only, and with this flag it closes nothing now.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    answer(done)
}

/// The I/O priority of the calling thread, as class and level; class 0 means that it has none of its own.
#[expect(unsafe_code, reason = "no crate of ours wraps ioprio_set")]
pub fn set_io_priority(class: u8, level: u8) -> io::Result<()> {
    const IOPRIO_WHO_PROCESS: libc::c_long = 1;
    let value = libc::c_long::from(class) << 13 | libc::c_long::from(level);
    // SAFETY: the call takes numbers only; 0 is the calling thread.
    answer(unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0_i64, value) })
}

/// The scheduling policy of the calling thread; one of those without a real-time priority.
#[expect(unsafe_code, reason = "musl's own sched_setscheduler does nothing")]
pub fn set_scheduler(policy: i32) -> io::Result<()> {
    let priority: libc::c_int = 0;
    // SAFETY: the kernel reads a struct sched_param, which is one int, and writes nothing; 0 is the calling thread.
    answer(unsafe {
        libc::syscall(
            libc::SYS_sched_setscheduler,
            0_i64,
            libc::c_long::from(policy),
            std::ptr::from_ref(&priority),
        )
    })
}

/// The scheduling policy of the calling thread, with the flag for its children.
#[expect(unsafe_code, reason = "no crate of ours wraps sched_getscheduler")]
pub fn scheduler() -> i32 {
    // SAFETY: the call takes a number only; 0 is the calling thread.
    let policy = unsafe { libc::syscall(libc::SYS_sched_getscheduler, 0_i64) };
    i32::try_from(policy).unwrap_or(0)
}

/// The personality of the calling thread.
#[expect(unsafe_code, reason = "no crate of ours wraps personality")]
pub fn set_personality(bits: u32) -> io::Result<()> {
    // SAFETY: the call takes a number only.
    answer(unsafe { libc::syscall(libc::SYS_personality, libc::c_ulong::from(bits)) })
}

/// Memory is taken where the kernel likes, as if set_mempolicy had never been called (`numactl`).
#[expect(unsafe_code, reason = "no crate of ours wraps set_mempolicy")]
pub fn reset_memory_policy() -> io::Result<()> {
    const MPOL_DEFAULT: libc::c_long = 0;
    // SAFETY: with this mode the mask of nodes is null and has no length.
    answer(unsafe {
        libc::syscall(
            libc::SYS_set_mempolicy,
            MPOL_DEFAULT,
            std::ptr::null::<u64>(),
            0_u64,
        )
    })
}

/// The signal is ignored from now on, and also in programs that are started.
#[expect(unsafe_code, reason = "the safe wrappers want a handler's type")]
pub fn ignore_signal(signal: i32) -> io::Result<()> {
    // The kernel's struct sigaction: handler (SIG_IGN is 1), flags, restorer, mask.
    let ignore = [1_u64, 0, 0, 0];
    // SAFETY: the kernel reads 32 bytes of the array, which outlives the call, and writes nothing.
    answer(unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            i64::from(signal),
            ignore.as_ptr(),
            0_usize,
            8_usize,
        )
    })
}

fn answer(done: libc::c_long) -> io::Result<()> {
    if done < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyring_of_ones_own() {
        // Containers often have no keyctl; then the error says so, and there is nothing more to see.
        match (join_session_keyring(c"ocidiff-test"), join_session_keyring(c"")) {
            (Ok(first), Ok(second)) => assert_ne!(first, second),
            (first, _) => eprintln!("skipped: no keyrings here ({first:?})"),
        }
    }
}
