//! Signals: what they do to calls, and what a stopped group looks like.

use std::time::Duration;

use super::{call, saw};
use crate::raw::{self, Fork};

extern "C" fn write_mark(_: i32) {
    raw::mark(7);
}

/// A call that a handler interrupts returns EINTR, once.
pub(super) fn eintr() {
    raw::handle(libc::SIGALRM, 0, write_mark);
    raw::alarm_after(50);
    saw!(
        "nanosleep {:?}",
        raw::call(libc::SYS_nanosleep, [[5i64, 0].as_ptr() as usize, 0, 0, 0, 0, 0])
    );
    raw::mark(1);
    call!("1.1 nanosleep(ptr, NULL) = EINTR");
    call!("1.1 close(1007) = EBADF");
    call!("1.1 rt_sigreturn() = 0");
    call!("1.1 close(1001) = EBADF");
}

/// With `SA_RESTART` it goes on, and counts as one call.
pub(super) fn restart() {
    let (read, write) = raw::pipe();
    raw::handle(libc::SIGALRM, libc::SA_RESTART, write_mark);
    raw::alarm_after(50);
    let writer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(150));
        let _ = raw::call(libc::SYS_write, [write, c"x".as_ptr() as usize, 1, 0, 0, 0]);
    });
    // Only this thread may take the signal.
    let mut byte = 0u8;
    saw!(
        "read {:?}",
        raw::call(libc::SYS_read, [read, (&raw mut byte) as usize, 1, 0, 0, 0])
    );
    writer.join().expect("the writer ends");
    call!("1.1 read(<pipe>, ptr, 1) = 1");
    call!("1.1 close(1007) = EBADF");
    call!("1.1 rt_sigreturn() = 0");
}

/// An ignored signal has no effect, although it is reported to a tracer and the call is made twice.
pub(super) fn ignored() {
    let parent = std::process::id() as usize;
    let child = raw::fork(Fork::Plain, || {
        for _ in 0..3 {
            let _ = raw::call(
                libc::SYS_nanosleep,
                [[0i64, 30_000_000].as_ptr() as usize, 0, 0, 0, 0, 0],
            );
            let _ = raw::call(libc::SYS_kill, [parent, libc::SIGWINCH as usize, 0, 0, 0, 0]);
        }
        0
    });
    let (start, sleep) = (std::time::Instant::now(), [0i64, 200_000_000]);
    saw!(
        "clock_nanosleep {:?}",
        raw::call(
            libc::SYS_clock_nanosleep,
            [1, 0, sleep.as_ptr() as usize, 0, 0, 0]
        )
    );
    saw!(
        "slept long enough: {}",
        start.elapsed() >= Duration::from_millis(200)
    );
    saw!("status {:#x}", raw::wait(child, 0));
    call!("1.1 clock_nanosleep(CLOCK_MONOTONIC, 0x0, ptr, NULL) = 0");
}

/// A child stops itself; this is reported to its parent, which wakes it.
pub(super) fn group_stop() {
    let child = raw::fork(Fork::Plain, || {
        let me = raw::call0(libc::SYS_getpid).expect("getpid") as usize;
        let _ = raw::call(libc::SYS_kill, [me, libc::SIGSTOP as usize, 0, 0, 0, 0]);
        // If it ended at once, its parent would not see that it went on.
        std::thread::sleep(Duration::from_millis(100));
        raw::mark(1);
        7
    });
    saw!("stopped {:#x}", raw::wait(child, libc::WUNTRACED));
    let state = std::fs::read_to_string(format!("/proc/{child}/stat")).expect("stat");
    let state = state
        .rsplit_once(") ")
        .map_or(' ', |(_, rest)| rest.chars().next().unwrap_or(' '));
    saw!("is in a stop: {}", state == 'T' || state == 't');
    std::thread::sleep(Duration::from_millis(50));
    saw!(
        "nothing more {}",
        raw::wait(child, libc::WUNTRACED | libc::WNOHANG)
    );
    let _ = raw::call(
        libc::SYS_kill,
        [child as usize, libc::SIGCONT as usize, 0, 0, 0, 0],
    );
    saw!("continued {:#x}", raw::wait(child, libc::WCONTINUED));
    saw!("exited {:#x}", raw::wait(child, 0));
    call!("2.1 close(1001) = EBADF");
}

/// A whole group of threads stops and goes on.
pub(super) fn group_stop_of_threads() {
    let child = raw::fork(Fork::Plain, || {
        for number in 1..=3 {
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(100));
                raw::mark(number);
            });
        }
        let _ = raw::call(
            libc::SYS_kill,
            [std::process::id() as usize, libc::SIGSTOP as usize, 0, 0, 0, 0],
        );
        std::thread::sleep(Duration::from_millis(300));
        0
    });
    saw!("stopped {:#x}", raw::wait(child, libc::WUNTRACED));
    std::thread::sleep(Duration::from_millis(200));
    let _ = raw::call(
        libc::SYS_kill,
        [child as usize, libc::SIGCONT as usize, 0, 0, 0, 0],
    );
    saw!("continued {:#x}", raw::wait(child, libc::WCONTINUED));
    saw!("exited {:#x}", raw::wait(child, 0));
}

/// Signals that are blocked stay blocked, and arrive in the end.
pub(super) fn mask() {
    raw::handle(libc::SIGUSR1, 0, write_mark);
    let set = 1u64 << (libc::SIGUSR1 - 1);
    let change = |how: usize| {
        raw::call(
            libc::SYS_rt_sigprocmask,
            [how, (&raw const set) as usize, 0, 8, 0, 0],
        )
        .expect("mask");
    };
    change(0);
    let me = std::process::id() as usize;
    let _ = raw::call(libc::SYS_kill, [me, libc::SIGUSR1 as usize, 0, 0, 0, 0]);
    raw::mark(1);
    let mut pending = 0u64;
    raw::call(
        libc::SYS_rt_sigpending,
        [(&raw mut pending) as usize, 8, 0, 0, 0, 0],
    )
    .expect("pending");
    saw!("pending {pending:#x}");
    change(1);
    raw::mark(2);
    call!("1.1 close(1001) = EBADF");
    call!("1.1 close(1007) = EBADF");
    call!("1.1 rt_sigreturn() = 0");
    call!("1.1 close(1002) = EBADF");
}
