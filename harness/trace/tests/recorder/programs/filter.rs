//! Seccomp: what a filter answers is what the record shows.

use ocidiff_seccomp::{Filter, Instruction};

use super::{call, saw};
use crate::raw;

/// Answers one call with `value` and allows the rest.
fn one_call(nr: libc::c_long, value: u32) -> Filter {
    Filter(vec![
        Instruction::plain(0x20, 0),
        Instruction::test(0x15, nr as u32, 0, 1),
        Instruction::plain(0x06, value),
        Instruction::plain(0x06, 0x7fff_0000),
    ])
}

/// Answers one call with an errno.
pub(crate) fn errno_for(nr: libc::c_long, errno: i32) -> Filter {
    one_call(nr, 0x0005_0000 | errno as u32)
}

fn mkdir() -> Result<i64, i32> {
    raw::call(
        libc::SYS_mkdirat,
        [
            libc::AT_FDCWD as usize,
            c"/no/dir".as_ptr() as usize,
            0o755,
            0,
            0,
            0,
        ],
    )
}

pub(super) fn errno() {
    raw::install(&errno_for(libc::SYS_mkdirat, libc::EXDEV));
    saw!("mkdirat {:?}", mkdir());
    call!("1.1 mkdirat(AT_FDCWD, \"/no/dir\", 0755) = EXDEV");
}

extern "C" fn trapped(_: i32) {
    raw::mark(7);
}

pub(super) fn trap() {
    raw::handle(libc::SIGSYS, 0, trapped);
    raw::install(&one_call(libc::SYS_mkdirat, 0x0003_0000));
    // The call's own number is what it returns.
    saw!("mkdirat is its number: {}", mkdir() == Ok(libc::SYS_mkdirat));
    raw::mark(1);
    call!("1.1 mkdirat(AT_FDCWD, \"/no/dir\", 0755) = SIGSYS");
    call!("1.1 close(1007) = EBADF");
    call!("1.1 rt_sigreturn() = 0");
    call!("1.1 close(1001) = EBADF");
}

pub(super) fn kill() {
    raw::install(&one_call(libc::SYS_mkdirat, 0x8000_0000));
    call!("1.1 mkdirat(AT_FDCWD, \"/no/dir\", 0755) = unfinished");
    let _ = mkdir();
}

pub(super) fn kill_threads() {
    for _ in 0..3 {
        std::thread::spawn(|| std::thread::sleep(std::time::Duration::from_secs(60)));
    }
    raw::install(&one_call(libc::SYS_mkdirat, 0x8000_0000));
    let _ = mkdir();
}

/// Without a tracer that asked for it, `TRACE` answers ENOSYS. A recorder must not be such a tracer.
pub(super) fn trace() {
    raw::install(&one_call(libc::SYS_mkdirat, 0x7ff0_0000));
    saw!("mkdirat {:?}", mkdir());
    call!("1.1 mkdirat(AT_FDCWD, \"/no/dir\", 0755) = ENOSYS");
}

/// Allowed, and written to the kernel's log.
pub(super) fn log() {
    raw::install(&one_call(libc::SYS_mkdirat, 0x7ffc_0000));
    saw!("mkdirat {:?}", mkdir());
    call!("1.1 mkdirat(AT_FDCWD, \"/no/dir\", 0755) = ENOENT");
}

/// A thread is killed by a filter and the others live.
pub(super) fn kill_one_thread() {
    raw::install(&one_call(libc::SYS_mkdirat, 0));
    std::thread::spawn(|| {
        let _ = mkdir();
    });
    std::thread::sleep(std::time::Duration::from_millis(100));
    raw::mark(1);
    call!("1.2 mkdirat(AT_FDCWD, \"/no/dir\", 0755) = unfinished");
    call!("1.1 close(1001) = EBADF");
    // The thread that is gone will never be joined.
    raw::exit(4);
}

/// Another process answers in the kernel's place (seccomp_unotify(2)).
pub(super) fn notify() {
    const NEW_LISTENER: usize = 1 << 3;
    const RECEIVE: usize = 0xc050_2100;
    const SEND: usize = 0xc018_2101;
    let filter = one_call(libc::SYS_mkdirat, 0x7fc0_0000);
    let bytes = filter.to_bytes();
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: bytes.as_ptr().cast_mut().cast(),
    };
    raw::call(
        libc::SYS_prctl,
        [libc::PR_SET_NO_NEW_PRIVS as usize, 1, 0, 0, 0, 0],
    )
    .expect("no_new_privs");
    let listener = raw::call(
        libc::SYS_seccomp,
        [1, NEW_LISTENER, (&raw const program) as usize, 0, 0, 0],
    )
    .expect("a listener") as usize;
    let child = raw::fork(raw::Fork::Plain, || match mkdir() {
        Err(libc::EDOM) => 0,
        _ => 1,
    });
    let mut asked = [0_u64; 10];
    raw::call(
        libc::SYS_ioctl,
        [listener, RECEIVE, asked.as_mut_ptr() as usize, 0, 0, 0],
    )
    .expect("a question");
    // id, value, error and flags.
    let answer = [asked[0], 0, u64::from((-libc::EDOM) as u32)];
    raw::call(
        libc::SYS_ioctl,
        [listener, SEND, answer.as_ptr() as usize, 0, 0, 0],
    )
    .expect("an answer");
    saw!("status {:#x}", raw::wait(child, 0));
    call!("2.1 mkdirat(AT_FDCWD, \"/no/dir\", 0755) = EDOM");
}
