//! Two things about the own process that have no safe wrapper elsewhere.

use std::ffi::CStr;
use std::io;

use rustix::process::{Signal, set_parent_process_death_signal};

/// Asks the kernel to kill this process when the thread that started it ends.
///
/// The kernel forgets it at an exec that changes credentials. If the parent may have ended already, check
/// `getppid` afterwards: the signal comes only for an end that is still ahead.
pub fn set_parent_death_signal_kill() -> io::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Joins a new session keyring with this name, so that keys of this run are nobody else's.
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
/// posix_spawn leaves those ignored in the child, and what is ignored outlives an exec.
#[expect(unsafe_code, reason = "glibc's own sigaction refuses the two signals")]
pub fn reset_signal_dispositions() {
    // The kernel's struct sigaction: handler, flags, restorer, mask; all zero is SIG_DFL.
    let default = [0_u64; 4];
    for signal in 1..=64_i64 {
        // SAFETY: the kernel reads 32 bytes of the array, which outlives the call, and writes nothing. KILL and
        // STOP are refused, which is as it should be.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), 0_usize, 8_usize) };
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
