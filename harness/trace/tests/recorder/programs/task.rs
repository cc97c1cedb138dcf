//! Several tasks.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use super::{call, saw};
use crate::init::program_command;
use crate::raw::{self, Fork};

/// Threads one after the other.
pub(super) fn threads() {
    for number in 1..=3 {
        std::thread::spawn(move || raw::mark(number))
            .join()
            .expect("the thread ends");
    }
    raw::mark(4);
    call!("1.2 close(1001) = EBADF");
    call!("1.3 close(1002) = EBADF");
    call!("1.4 close(1003) = EBADF");
    call!("1.1 close(1004) = EBADF");
}

/// Many threads and children at once: nothing is lost, nothing hangs.
pub(super) fn storm() {
    let thread = || {
        for _ in 0..200 {
            let _ = raw::call0(libc::SYS_getppid);
        }
        let child = raw::fork(Fork::Plain, || {
            for _ in 0..50 {
                let _ = raw::call0(libc::SYS_getppid);
            }
            0
        });
        raw::wait(child, 0);
    };
    let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(thread)).collect();
    for one in threads {
        one.join().expect("the thread ends");
    }
}

/// Parent and child, and what each calls itself.
pub(super) fn fork() {
    let child = raw::fork(Fork::Plain, || {
        let _ = raw::call0(libc::SYS_getpid);
        raw::mark(1);
        5
    });
    saw!("status {:#x}", raw::wait(child, 0));
    raw::mark(2);
    call!("1.1 clone(SIGCHLD, NULL, NULL, NULL, NULL) = #2");
    call!("2.1 getpid() = #2");
    call!("2.1 close(1001) = EBADF");
    call!("1.1 wait4(#2, ptr, 0, NULL) = #2");
    call!("1.1 close(1002) = EBADF");
}

/// The same with clone3.
pub(super) fn clone3() {
    let child = raw::fork(Fork::Clone3, || {
        raw::mark(1);
        0
    });
    saw!("status {:#x}", raw::wait(child, 0));
    call!("1.1 clone3({{0, SIGCHLD}}, 88) = #2");
    call!("2.1 close(1001) = EBADF");
    call!("1.1 wait4(#2, ptr, 0, NULL) = #2");
}

/// A child that shares memory until its exec: what libraries start programs with.
pub(super) fn vfork() {
    let output = program_command("leaf").output().expect("the child runs");
    saw!("status {}", output.status);
    raw::mark(2);
    let env = std::env::vars_os().count();
    call!(
        "2.1 execve(\"/proc/self/exe\", [\"/proc/self/exe\", \"--program\", \"leaf\"], [{env} strings]) = 0"
    );
    call!("2.1 close(1099) = EBADF");
    call!("1.1 close(1002) = EBADF");
}

/// A child that no tracer can follow.
pub(super) fn untraced() {
    let child = raw::fork(Fork::Flags(libc::CLONE_UNTRACED as usize), || {
        raw::mark(1);
        0
    });
    saw!("status {:#x}", raw::wait(child, 0));
    raw::mark(2);
    call!("1.1 close(1002) = EBADF");
}

fn exec_leaf() {
    let path = c"/proc/self/exe".as_ptr() as usize;
    let args = [path, c"--program".as_ptr() as usize, c"leaf".as_ptr() as usize, 0];
    let _ = raw::call(libc::SYS_execve, [path, args.as_ptr() as usize, 0, 0, 0, 0]);
}

/// Becomes another program, after trying one that is not there.
pub(super) fn exec() {
    let _ = raw::call(libc::SYS_execve, [c"/no/such".as_ptr() as usize, 0, 0, 0, 0, 0]);
    call!("1.1 execve(\"/no/such\", NULL, NULL) = ENOENT");
    call!("1.1 execve(\"/proc/self/exe\", [\"/proc/self/exe\", \"--program\", \"leaf\"], NULL) = 0");
    call!("1.1 close(1099) = EBADF");
    exec_leaf();
}

/// The same from a thread, which becomes the first one.
pub(super) fn exec_thread() {
    call!("1.5 execve(\"/proc/self/exe\", [\"/proc/self/exe\", \"--program\", \"leaf\"], NULL) = 0");
    call!("1.1 close(1099) = EBADF");
    for _ in 0..3 {
        std::thread::spawn(|| std::thread::sleep(Duration::from_secs(60)));
    }
    let _ = std::thread::spawn(exec_leaf).join();
}

/// Leaves a process behind, which reports that it is alive once its parent is gone.
pub(super) fn daemon() {
    let (read, write) = raw::pipe();
    raw::fork(Fork::Plain, || {
        let _ = raw::call(libc::SYS_close, [write, 0, 0, 0, 0, 0]);
        // End of file comes when the parent has ended.
        let mut byte = 0u8;
        let _ = raw::call(libc::SYS_read, [read, (&raw mut byte) as usize, 1, 0, 0, 0]);
        std::thread::sleep(Duration::from_millis(300));
        saw!("the daemon lives");
        0
    });
}

/// A child that dies inside a call.
pub(super) fn death() {
    let child = raw::fork(Fork::Plain, || {
        let _ = raw::call(libc::SYS_nanosleep, [[60i64, 0].as_ptr() as usize, 0, 0, 0, 0, 0]);
        0
    });
    std::thread::sleep(Duration::from_millis(100));
    let _ = raw::call(
        libc::SYS_kill,
        [child as usize, libc::SIGKILL as usize, 0, 0, 0, 0],
    );
    saw!("status {:#x}", raw::wait(child, 0));
    call!("2.1 nanosleep(ptr, NULL) = unfinished");
    call!("1.1 kill(#2, SIGKILL) = 0");
}

/// Children that are killed while they fork: what they made must go on.
pub(super) fn killed_forking() {
    let (read, write) = raw::pipe();
    for round in 0..40 {
        let child = raw::fork(Fork::Plain, || {
            loop {
                raw::fork(Fork::Plain, || 0);
            }
        });
        std::thread::sleep(Duration::from_micros(1000 + round * 100));
        let _ = raw::call(
            libc::SYS_kill,
            [child as usize, libc::SIGKILL as usize, 0, 0, 0, 0],
        );
        raw::wait(child, 0);
    }
    // All of them hold the other end: it is closed when the last has ended.
    let _ = raw::call(libc::SYS_close, [write, 0, 0, 0, 0, 0]);
    let mut byte = 0u8;
    saw!(
        "end of file: {:?}",
        raw::call(libc::SYS_read, [read, (&raw mut byte) as usize, 1, 0, 0, 0])
    );
}

/// Gives up its privileges and gets them back from a program with the setuid bit.
pub(super) fn setuid_exec() {
    if raw::call0(libc::SYS_geteuid) != Ok(0) {
        saw!("nothing: not root");
        return;
    }
    let copy = std::env::temp_dir().join(format!("ocidiff-trace-{}", std::process::id()));
    std::fs::copy("/proc/self/exe", &copy).expect("this program is copied");
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o4755)).expect("chmod");
    raw::call(libc::SYS_setresuid, [65534; 6]).expect("setresuid");
    panic!("exec: {}", Command::new(&copy).args(["--program", "euid"]).exec());
}

/// The other half of the above. It removes its own file, which only root can do.
pub(super) fn euid() {
    saw!(
        "uid {:?} euid {:?}",
        raw::call0(libc::SYS_getuid),
        raw::call0(libc::SYS_geteuid)
    );
    let me = std::env::current_exe().expect("a path");
    saw!("removed: {}", std::fs::remove_file(me).is_ok());
}

/// All threads die, wherever they are.
pub(super) fn death_of_group() {
    for _ in 0..4 {
        std::thread::spawn(|| {
            loop {
                let _ = raw::call0(libc::SYS_getppid);
            }
        });
    }
    std::thread::sleep(Duration::from_millis(50));
    let _ = raw::call(
        libc::SYS_kill,
        [std::process::id() as usize, libc::SIGKILL as usize, 0, 0, 0, 0],
    );
}

/// What a tracer changes: which process traces, and that no other can.
pub(super) fn tracer() {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find(|line| line.starts_with("TracerPid:"));
    saw!("{}", line.is_some_and(|line| line.ends_with("\t0")));
    saw!(
        "PTRACE_TRACEME {:?}",
        raw::call(libc::SYS_ptrace, [libc::PTRACE_TRACEME as usize, 0, 0, 0, 0, 0])
    );
}

/// A debugger and what it debugs.
pub(super) fn debugger() {
    let child = raw::fork(Fork::Plain, || {
        let _ = raw::call(libc::SYS_ptrace, [libc::PTRACE_TRACEME as usize, 0, 0, 0, 0, 0]);
        let me = raw::call0(libc::SYS_getpid).expect("getpid") as usize;
        let _ = raw::call(libc::SYS_kill, [me, libc::SIGUSR1 as usize, 0, 0, 0, 0]);
        raw::mark(1);
        3
    });
    // SIGUSR1 would have ended it, but a debugger suppresses the signal.
    saw!("stopped {:#x}", raw::wait(child, 0));
    saw!(
        "PTRACE_CONT {:?}",
        raw::call(
            libc::SYS_ptrace,
            [libc::PTRACE_CONT as usize, child as usize, 0, 0, 0, 0]
        )
    );
    saw!("status {:#x}", raw::wait(child, 0));
}

/// 50 processes that make 40,000 calls each.
pub(super) fn flood() {
    for _ in 0..50 {
        raw::fork(Fork::Plain, || {
            for _ in 0..40_000 {
                let _ = raw::call0(libc::SYS_getppid);
            }
            0
        });
    }
    while raw::call(libc::SYS_wait4, [usize::MAX, 0, 0, 0, 0, 0]).is_ok() {}
}
