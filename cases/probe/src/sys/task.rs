//! The process: its identity, what it may do, how it is run.

use alloc::ffi::CString;
use alloc::vec;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

use super::{Errno, Result, call, int, word};

/// A call without pointers.
fn plain<const N: usize>(number: i64, args: [usize; N]) -> Result<usize> {
    // SAFETY: used for calls whose arguments are numbers.
    unsafe { call(number, args) }
}

/// Real, effective and saved user id.
pub fn user_ids() -> Result<[u32; 3]> {
    three_ids(libc::SYS_getresuid)
}

/// Real, effective and saved group id.
pub fn group_ids() -> Result<[u32; 3]> {
    three_ids(libc::SYS_getresgid)
}

fn three_ids(number: i64) -> Result<[u32; 3]> {
    let mut ids = [0_u32; 3];
    let [real, effective, saved] = &mut ids;
    let args = [real, effective, saved].map(|id| core::ptr::from_mut(id) as usize);
    // SAFETY: three numbers to be written.
    unsafe { call(number, args) }.map(|_| ids)
}

/// The file system's user id. Setting an invalid id returns the current one.
pub fn fs_user_id() -> Result<u32> {
    plain(libc::SYS_setfsuid, [usize::MAX]).map(|id| id as u32)
}

/// The file system's group id.
pub fn fs_group_id() -> Result<u32> {
    plain(libc::SYS_setfsgid, [usize::MAX]).map(|id| id as u32)
}

/// The supplementary groups in the kernel's order.
pub fn groups() -> Result<Vec<u32>> {
    // NGROUPS_MAX is 65536, but no process has that many; asking for the count first would be a second call.
    let mut groups = vec![0_u32; 1024];
    // SAFETY: as many numbers as given.
    let count = unsafe { call(libc::SYS_getgroups, [groups.len(), groups.as_mut_ptr() as usize]) }?;
    groups.truncate(count);
    Ok(groups)
}

/// Sets the mask for new files, and returns the previous one.
pub fn umask(mask: u32) -> Result<u32> {
    plain(libc::SYS_umask, [mask as usize]).map(|mask| mask as u32)
}

/// A call without arguments that returns an id: getpid, getppid, gettid.
pub fn id(number: i64) -> Result<i32> {
    plain(number, []).map(int)
}

/// The process group.
pub fn process_group() -> Result<i32> {
    plain(libc::SYS_getpgid, [0]).map(int)
}

/// The session.
pub fn session() -> Result<i32> {
    plain(libc::SYS_getsid, [0]).map(int)
}

/// A prctl that only queries, with the answer as its result.
pub fn prctl(option: i32, arg: usize) -> Result<i32> {
    plain(libc::SYS_prctl, [word(option), arg]).map(int)
}

/// A prctl that writes an int.
pub fn prctl_int(option: i32) -> Result<i32> {
    let mut answer = 0_i32;
    // SAFETY: only used for options that write an int to the second argument.
    unsafe { call(libc::SYS_prctl, [word(option), (&raw mut answer) as usize]) }.map(|_| answer)
}

/// Whether a capability is in the ambient set.
pub fn has_ambient(number: usize) -> Result<i32> {
    plain(
        libc::SYS_prctl,
        [
            word(libc::PR_CAP_AMBIENT),
            word(libc::PR_CAP_AMBIENT_IS_SET),
            number,
        ],
    )
    .map(int)
}

/// Effective, permitted and inheritable capabilities.
pub fn capabilities() -> Result<[u64; 3]> {
    const VERSION_3: u32 = 0x2008_0522;
    let mut header = [VERSION_3, 0];
    let mut data = [0_u32; 6];
    // SAFETY: the header, and two times three numbers, as in version 3.
    unsafe {
        call(
            libc::SYS_capget,
            [header.as_mut_ptr() as usize, data.as_mut_ptr() as usize],
        )
    }?;
    let both = |low: usize| u64::from(data[low]) | u64::from(data[low + 3]) << 32;
    Ok([both(0), both(1), both(2)])
}

/// Soft and hard value of a resource limit.
pub fn rlimit(resource: u32) -> Result<[u64; 2]> {
    let mut limit = [0_u64; 2];
    // SAFETY: two numbers to be written; nothing is set.
    unsafe {
        call(
            libc::SYS_prlimit64,
            [0, resource as usize, 0, limit.as_mut_ptr() as usize],
        )
    }?;
    Ok(limit)
}

/// How the process is scheduled; this is the beginning of the kernel's `sched_attr`.
#[repr(C)]
#[derive(Default)]
pub struct Scheduling {
    size: u32,
    /// The policy's number.
    pub policy: u32,
    /// `SCHED_FLAG_*`.
    pub flags: u64,
    /// For the ordinary policies.
    pub nice: i32,
    /// For the real-time policies.
    pub priority: u32,
    /// For the deadline policy, in nanoseconds: runtime, deadline, period.
    pub deadline: [u64; 3],
}

/// How the process is scheduled.
pub fn scheduling() -> Result<Scheduling> {
    let mut found = Scheduling::default();
    let args = [0, (&raw mut found) as usize, size_of::<Scheduling>(), 0];
    // SAFETY: a structure with the given length.
    unsafe { call(libc::SYS_sched_getattr, args) }.map(|_| found)
}

/// The CPUs that the process may use, as a bit mask.
pub fn affinity() -> Result<Vec<u8>> {
    let mut mask = vec![0; 1024];
    let args = [0, mask.len(), mask.as_mut_ptr() as usize];
    // SAFETY: a mask with the given length.
    let count = unsafe { call(libc::SYS_sched_getaffinity, args) }?;
    mask.truncate(count);
    Ok(mask)
}

/// The I/O priority: class in the top three bits of 16, level below.
pub fn io_priority() -> Result<u32> {
    const WHO_PROCESS: usize = 1;
    plain(libc::SYS_ioprio_get, [WHO_PROCESS, 0]).map(|value| value as u32)
}

/// The execution domain.
pub fn personality() -> Result<u32> {
    plain(libc::SYS_personality, [0xffff_ffff]).map(|value| value as u32)
}

const KEYCTL_DESCRIBE: usize = 6;
const KEY_SPEC_SESSION_KEYRING: i32 = -3;

/// The kernel's description of the session keyring: type;uid;gid;permissions;name.
pub fn session_keyring() -> Result<Vec<u8>> {
    let mut text = vec![0; 1024];
    let args = [
        KEYCTL_DESCRIBE,
        word(KEY_SPEC_SESSION_KEYRING),
        text.as_mut_ptr() as usize,
        text.len(),
    ];
    // SAFETY: a buffer with the given length.
    let count = unsafe { call(libc::SYS_keyctl, args) }?;
    text.truncate(count.saturating_sub(1));
    Ok(text)
}

/// Host name, domain name, machine and the rest.
pub fn uname() -> Result<libc::utsname> {
    let mut names = MaybeUninit::<libc::utsname>::zeroed();
    // SAFETY: the kernel's structure, which is plain bytes.
    unsafe { call(libc::SYS_uname, [names.as_mut_ptr() as usize]).map(|_| names.assume_init()) }
}

/// Replaces the program. Returns only on an error.
pub fn exec(path: &[u8], args: &[&[u8]], env: &[&[u8]]) -> Errno {
    let text = |word: &&[u8]| CString::new(*word).unwrap_or_default();
    let (path, args, env) = (
        text(&path),
        args.iter().map(text).collect::<Vec<_>>(),
        env.iter().map(text).collect::<Vec<_>>(),
    );
    let vector = |words: &[CString]| -> Vec<usize> {
        words
            .iter()
            .map(|word| word.as_ptr() as usize)
            .chain([0])
            .collect()
    };
    let (argv, envp) = (vector(&args), vector(&env));
    // SAFETY: a string and two vectors terminated by null.
    match unsafe {
        call(
            libc::SYS_execve,
            [
                path.as_ptr() as usize,
                argv.as_ptr() as usize,
                envp.as_ptr() as usize,
            ],
        )
    } {
        Ok(_) => Errno(0),
        Err(errno) => errno,
    }
}

/// Makes a child that does nothing until it is ended.
pub fn fork_sleeper() -> Result<i32> {
    // SAFETY: no pointers; the process has one thread, and the child continues in a copy of it.
    match unsafe { call(libc::SYS_clone, [libc::SIGCHLD as usize, 0, 0, 0, 0]) }? {
        0 => loop {
            pause();
        },
        pid => Ok(int(pid)),
    }
}

/// Sends a signal.
pub fn kill(pid: i32, signal: u32) -> Result<()> {
    plain(libc::SYS_kill, [word(pid), signal as usize]).map(drop)
}

/// Waits for any signal.
pub fn pause() {
    let _ = plain(libc::SYS_pause, []);
}

/// Sleeps; a signal does not shorten it.
pub fn sleep(seconds: u64, nanoseconds: u64) {
    let mut time = [seconds, nanoseconds];
    let at = time.as_mut_ptr() as usize;
    // SAFETY: the time to sleep, which becomes the remaining time.
    while unsafe { call(libc::SYS_nanosleep, [at, at]) } == Err(Errno(libc::EINTR)) {}
}

/// Blocks signals, so that they wait for [`wait_signal`] (and reach even the first process of a namespace).
pub fn block_signals(mask: u64) -> Result<()> {
    let args = [word(libc::SIG_BLOCK), (&raw const mask) as usize, 0, 8];
    // SAFETY: a mask of 8 bytes.
    unsafe { call(libc::SYS_rt_sigprocmask, args) }.map(drop)
}

/// Waits for one of the blocked signals.
pub fn wait_signal(mask: u64) -> Result<u32> {
    let args = [(&raw const mask) as usize, 0, 0, 8];
    loop {
        // SAFETY: a mask of 8 bytes.
        match unsafe { call(libc::SYS_rt_sigtimedwait, args) } {
            Err(Errno(libc::EINTR)) => {}
            other => return other.map(|signal| signal as u32),
        }
    }
}
