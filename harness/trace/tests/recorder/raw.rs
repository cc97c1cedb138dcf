//! Calls by number: what the programs do must not depend on what a library makes of it.

#![expect(unsafe_code, reason = "the programs make calls that no safe wrapper makes")]

use std::io;

/// Makes a call. The number or the errno.
pub(crate) fn call(nr: libc::c_long, args: [usize; 6]) -> Result<i64, i32> {
    let [a, b, c, d, e, f] = args;
    // SAFETY: the programs pass numbers, and addresses of their own live memory.
    let result = unsafe { libc::syscall(nr, a, b, c, d, e, f) };
    if result < 0 {
        Err(io::Error::last_os_error().raw_os_error().unwrap_or(0))
    } else {
        Ok(result)
    }
}

/// The same with fewer arguments.
pub(crate) fn call0(nr: libc::c_long) -> Result<i64, i32> {
    call(nr, [0; 6])
}

/// A descriptor that is not open, as a mark in the record: `close(1000 + mark) = EBADF`.
pub(crate) fn mark(number: usize) {
    let _ = call(libc::SYS_close, [1000 + number, 0, 0, 0, 0, 0]);
}

/// Forks; the child runs `child` and exits with what it returns. Returns the child's pid.
pub(crate) fn fork(how: Fork, child: impl FnOnce() -> i32) -> libc::pid_t {
    let sigchld = libc::SIGCHLD as usize;
    let forked = match how {
        Fork::Plain => call(libc::SYS_clone, [sigchld, 0, 0, 0, 0, 0]),
        Fork::Flags(flags) => call(libc::SYS_clone, [sigchld | flags, 0, 0, 0, 0, 0]),
        Fork::Clone3 => {
            let mut arguments = [0u64; 11];
            arguments[4] = sigchld as u64;
            call(
                libc::SYS_clone3,
                [arguments.as_ptr() as usize, size_of_val(&arguments), 0, 0, 0, 0],
            )
        }
    };
    match forked {
        Ok(0) => exit(child()),
        Ok(pid) => pid as libc::pid_t,
        Err(errno) => panic!("fork: {errno}"),
    }
}

/// Ways to fork.
#[derive(Clone, Copy)]
pub(crate) enum Fork {
    Plain,
    Flags(usize),
    Clone3,
}

/// Ends the process, without anything that a library would do.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: it does not return, and nothing after it relies on destructors.
    unsafe { libc::_exit(code) }
}

/// Waits for a child, and gives its raw status.
pub(crate) fn wait(pid: libc::pid_t, flags: i32) -> i32 {
    let mut status = 0;
    let at = (&raw mut status) as usize;
    loop {
        match call(libc::SYS_wait4, [pid as usize, at, flags as usize, 0, 0, 0]) {
            Ok(_) => return status,
            Err(libc::EINTR) => {}
            Err(errno) => panic!("wait4: {errno}"),
        }
    }
}

/// Installs a handler.
pub(crate) fn handle(signal: i32, flags: i32, handler: extern "C" fn(i32)) {
    // SAFETY: an all-zero sigaction is valid, and the handlers of the programs make raw calls only.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = flags;
        assert_eq!(
            libc::sigaction(signal, &raw const action, std::ptr::null_mut()),
            0
        );
    }
}

/// Sends this process a signal after this many milliseconds.
pub(crate) fn alarm_after(millis: i64) {
    let timer = [0, 0, 0, millis * 1000];
    call(libc::SYS_setitimer, [0, timer.as_ptr() as usize, 0, 0, 0, 0]).expect("setitimer");
}

/// A pipe: its read end and its write end.
pub(crate) fn pipe() -> (usize, usize) {
    let mut ends = [0i32; 2];
    call(libc::SYS_pipe2, [ends.as_mut_ptr() as usize, 0, 0, 0, 0, 0]).expect("pipe2");
    (ends[0] as usize, ends[1] as usize)
}

/// Installs a seccomp filter, with `PR_SET_NO_NEW_PRIVS` before it.
pub(crate) fn install(filter: &ocidiff_seccomp::Filter) {
    let bytes = filter.to_bytes();
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: bytes.as_ptr().cast_mut().cast(),
    };
    call(
        libc::SYS_prctl,
        [libc::PR_SET_NO_NEW_PRIVS as usize, 1, 0, 0, 0, 0],
    )
    .expect("no_new_privs");
    call(libc::SYS_seccomp, [1, 0, (&raw const program) as usize, 0, 0, 0]).expect("seccomp");
}

/// `getpid` the 32-bit way.
#[cfg(target_arch = "x86_64")]
pub(crate) fn getpid_32bit() -> i32 {
    let mut value: i32 = 20;
    // SAFETY: a call without arguments, whose result comes in eax; the kernel may clobber r8 to r11.
    unsafe {
        std::arch::asm!("int 0x80", inout("eax") value,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _);
    }
    value
}
