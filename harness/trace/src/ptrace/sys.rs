//! Safe wrappers around the calls that the recorder makes: all unsafe code of the backend is in this file.
//!
//! ptrace has no safe wrapper with what we need (`SEIZE`, `LISTEN`, `GET_SYSCALL_INFO`, `GET_FILTER`). Each
//! wrapper passes the kernel either plain numbers or a buffer of its own with that buffer's true length, so
//! none can be misused from safe code; a wrong tid is an error, `ESRCH`.

#![expect(
    unsafe_code,
    reason = "ptrace, wait4 and process_vm_readv have no safe wrapper that is enough"
)]

use std::io;

use libc::{c_int, c_long, c_void};

use crate::Pid;

const PTRACE_CONT: c_long = 7;
const PTRACE_DETACH: c_long = 17;
const PTRACE_SYSCALL: c_long = 24;
const PTRACE_SETOPTIONS: c_long = 0x4200;
const PTRACE_GETEVENTMSG: c_long = 0x4201;
const PTRACE_GETSIGINFO: c_long = 0x4202;
const PTRACE_SEIZE: c_long = 0x4206;
const PTRACE_INTERRUPT: c_long = 0x4207;
const PTRACE_LISTEN: c_long = 0x4208;
const PTRACE_SECCOMP_GET_FILTER: c_long = 0x420c;
const PTRACE_GET_SYSCALL_INFO: c_long = 0x420e;

/// Distinguishes stops at calls from real SIGTRAPs.
pub(super) const TRACE_SYSGOOD: usize = 1;
/// Stops at a fork, and attaches to the child; so do the next two.
pub(super) const TRACE_FORK: usize = 1 << 1;
pub(super) const TRACE_VFORK: usize = 1 << 2;
pub(super) const TRACE_CLONE: usize = 1 << 3;
/// Stops at an exec, when the new program is in place.
pub(super) const TRACE_EXEC: usize = 1 << 4;
/// Kills the tracee when the tracer dies: nothing may be left behind by a harness that was killed.
pub(super) const EXIT_KILL: usize = 1 << 20;

pub(super) const EVENT_FORK: c_int = 1;
pub(super) const EVENT_VFORK: c_int = 2;
pub(super) const EVENT_CLONE: c_int = 3;
pub(super) const EVENT_EXEC: c_int = 4;
pub(super) const EVENT_STOP: c_int = 128;

/// How a stopped tracee goes on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Resume {
    /// To its next event.
    Continue,
    /// To its next call, or the end of the one that it is in.
    Syscall,
    /// Not at all: it stays stopped as its group is, until SIGCONT.
    Listen,
    /// Without us.
    Detach,
}

fn ptrace(request: c_long, tid: Pid, addr: usize, data: usize) -> io::Result<c_long> {
    // SAFETY: callers in this file pass numbers, or the address of a live buffer of their own, whose length
    // the request knows or is given.
    let result = unsafe { libc::syscall(libc::SYS_ptrace, request, c_long::from(tid), addr, data) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

pub(super) fn seize(tid: Pid, options: usize) -> io::Result<()> {
    ptrace(PTRACE_SEIZE, tid, 0, options).map(drop)
}

pub(super) fn set_options(tid: Pid, options: usize) -> io::Result<()> {
    ptrace(PTRACE_SETOPTIONS, tid, 0, options).map(drop)
}

pub(super) fn interrupt(tid: Pid) -> io::Result<()> {
    ptrace(PTRACE_INTERRUPT, tid, 0, 0).map(drop)
}

pub(super) fn resume(tid: Pid, how: Resume, signal: c_int) -> io::Result<()> {
    let request = match how {
        Resume::Continue => PTRACE_CONT,
        Resume::Syscall => PTRACE_SYSCALL,
        Resume::Listen => PTRACE_LISTEN,
        Resume::Detach => PTRACE_DETACH,
    };
    ptrace(request, tid, 0, usize::try_from(signal).unwrap_or(0)).map(drop)
}

/// The number that comes with the last event: a new task's id, or the former id after an exec.
pub(super) fn event_message(tid: Pid) -> io::Result<Pid> {
    let mut message: libc::c_ulong = 0;
    ptrace(PTRACE_GETEVENTMSG, tid, 0, (&raw mut message) as usize)?;
    Ok(Pid::try_from(message).unwrap_or(0))
}

/// Whether the signal at which a tracee is stopped was sent by a seccomp filter.
pub(super) fn is_seccomp_signal(tid: Pid) -> bool {
    const SYS_SECCOMP: c_int = 1;
    signal_code(tid) == Some(SYS_SECCOMP)
}

/// The `si_code` of the signal at which a tracee is stopped: above 0 the kernel itself sent it.
pub(super) fn signal_code(tid: Pid) -> Option<c_int> {
    // SAFETY: siginfo_t is plain data, for which all zeroes are valid.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    ptrace(PTRACE_GETSIGINFO, tid, 0, (&raw mut info) as usize)
        .ok()
        .map(|_| info.si_code)
}

/// Where a tracee is stopped, according to `PTRACE_GET_SYSCALL_INFO`.
#[derive(Debug, Clone, Copy)]
pub(super) enum SyscallStop {
    Entry {
        audit_arch: u32,
        nr: u64,
        args: [u64; 6],
    },
    Exit {
        value: i64,
        is_error: bool,
    },
    Other,
}

/// `struct ptrace_syscall_info`, its union as words.
#[repr(C)]
#[derive(Default)]
struct RawSyscallInfo {
    op: u8,
    pad: [u8; 3],
    arch: u32,
    instruction_pointer: u64,
    stack_pointer: u64,
    data: [u64; 8],
}

pub(super) fn syscall_stop(tid: Pid) -> io::Result<SyscallStop> {
    let mut raw = RawSyscallInfo::default();
    ptrace(
        PTRACE_GET_SYSCALL_INFO,
        tid,
        size_of::<RawSyscallInfo>(),
        (&raw mut raw) as usize,
    )?;
    let [first, a0, a1, a2, a3, a4, a5, _] = raw.data;
    Ok(match raw.op {
        1 => SyscallStop::Entry {
            audit_arch: raw.arch,
            nr: first,
            args: [a0, a1, a2, a3, a4, a5],
        },
        2 => SyscallStop::Exit {
            value: first as i64,
            is_error: a0.to_ne_bytes()[0] != 0,
        },
        _ => SyscallStop::Other,
    })
}

/// The seccomp filter at `index` of a stopped tracee, in the kernel's layout.
pub(super) fn seccomp_filter(tid: Pid, index: usize) -> io::Result<Vec<u8>> {
    let count = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, index, 0)?;
    let count = usize::try_from(count).map_err(io::Error::other)?;
    // A stopped tracee's filters change only through another thread's TSYNC, which cannot shorten one.
    let mut bytes = vec![0u8; count * ocidiff_seccomp::filter::INSTRUCTION_SIZE];
    ptrace(PTRACE_SECCOMP_GET_FILTER, tid, index, bytes.as_mut_ptr() as usize)?;
    Ok(bytes)
}

/// What a wait returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Exited(c_int),
    Killed { signal: c_int, core: bool },
    Stopped { signal: c_int, event: c_int },
}

/// Waits for any tracee of this thread; with `block` false it is `None` when there is nothing to report.
///
/// `__WNOTHREAD` keeps it from children of other threads, so the harness can wait for its own.
pub(super) fn wait_any(block: bool) -> io::Result<Option<(Pid, Status)>> {
    let flags = libc::__WALL | libc::__WNOTHREAD | if block { 0 } else { libc::WNOHANG };
    wait(-1, flags)
}

/// Waits for the end of one process, whichever of this process's threads is its parent.
pub(super) fn wait_for(pid: Pid) -> io::Result<Option<(Pid, Status)>> {
    wait(pid, libc::__WALL)
}

fn wait(pid: Pid, flags: c_int) -> io::Result<Option<(Pid, Status)>> {
    let mut status: c_int = 0;
    loop {
        // SAFETY: the status is a live integer, and no usage is asked for.
        let tid = unsafe { libc::wait4(pid, &raw mut status, flags, std::ptr::null_mut()) };
        match tid {
            0 => return Ok(None),
            1.. => return Ok(Some((tid, decode(status)))),
            _ => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
}

fn decode(status: c_int) -> Status {
    if libc::WIFEXITED(status) {
        Status::Exited(libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        Status::Killed {
            signal: libc::WTERMSIG(status),
            core: libc::WCOREDUMP(status),
        }
    } else {
        Status::Stopped {
            signal: libc::WSTOPSIG(status),
            event: status >> 16,
        }
    }
}

/// Reads a tracee's memory; fewer bytes than asked for when the rest is not mapped.
pub(crate) fn read_memory(tid: Pid, address: u64, buffer: &mut [u8]) -> usize {
    let Ok(address) = usize::try_from(address) else {
        return 0;
    };
    let local = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast::<c_void>(),
        iov_len: buffer.len(),
    };
    let remote = libc::iovec {
        iov_base: address as *mut c_void,
        iov_len: buffer.len(),
    };
    // SAFETY: the local vector is a live buffer with its length; the remote one is only looked at by the
    // kernel, which checks it against the tracee's mappings.
    let count = unsafe { libc::process_vm_readv(tid, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(count).unwrap_or(0)
}

/// `struct sched_attr`, as far as every kernel that we run on supports it.
#[repr(C)]
#[derive(Default)]
struct SchedAttr {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// Sets the calling thread's scheduling policy, `SCHED_OTHER` or `SCHED_IDLE`, with its slice in
/// nanoseconds (0: the default; kernels before 6.12 have only that).
pub(super) fn set_policy(policy: c_int, nice: i32, slice: u64) -> io::Result<()> {
    let attr = SchedAttr {
        size: size_of::<SchedAttr>() as u32,
        policy: policy as u32,
        nice,
        runtime: slice,
        ..SchedAttr::default()
    };
    // SAFETY: the struct is live, only read, and carries its own size.
    let result = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attr, 0) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
