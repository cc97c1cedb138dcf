//! One task, no signals.

use super::{call, saw};
use crate::raw;

const AT_FDCWD: usize = libc::AT_FDCWD as usize;

/// Results: a number, errors, marks.
pub(super) fn plain() {
    raw::mark(1);
    let _ = raw::call0(libc::SYS_getpid);
    let _ = raw::call(libc::SYS_chdir, [c"/".as_ptr() as usize, 0, 0, 0, 0, 0]);
    let _ = raw::call(
        libc::SYS_chdir,
        [c"/no such\npath".as_ptr() as usize, 0, 0, 0, 0, 0],
    );
    let _ = raw::call(libc::SYS_chdir, [8, 0, 0, 0, 0, 0]);
    let _ = raw::call(libc::SYS_chdir, [0; 6]);
    let _ = raw::call0(999);
    call!("1.1 close(1001) = EBADF");
    call!("1.1 getpid() = #1");
    call!("1.1 chdir(\"/\") = 0");
    call!("1.1 chdir(\"/no such\\npath\") = ENOENT");
    call!("1.1 chdir(ptr) = EFAULT");
    call!("1.1 chdir(NULL) = EFAULT");
    call!("1.1 syscall_999(0x0, 0x0, 0x0, 0x0, 0x0, 0x0) = ENOSYS");
}

/// Flags, modes, descriptors, structures.
pub(super) fn decoded() {
    let path = |path: &std::ffi::CStr| path.as_ptr() as usize;
    let null = path(c"/dev/null");
    let fd = raw::call(
        libc::SYS_openat,
        [AT_FDCWD, null, libc::O_CLOEXEC as usize, 0o777, 0, 0],
    );
    let fd = fd.expect("/dev/null opens") as usize;
    let create = (libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL) as usize;
    let _ = raw::call(
        libc::SYS_openat,
        [AT_FDCWD, path(c"/dev/null"), create, 0o640, 0, 0],
    );
    let fchmodat2 = raw::call(452, [fd, path(c"data"), 0o2775, 0x100, 0, 0]);
    let how = [libc::O_PATH as u64, 0, 0x10];
    let _ = raw::call(
        libc::SYS_openat2,
        [fd, path(c"x"), how.as_ptr() as usize, 24, 0, 0],
    );
    let _ = raw::call(libc::SYS_fchmod, [usize::MAX, 0o7, 0, 0, 0, 0]);
    let (_, write) = raw::pipe();
    let _ = raw::call(libc::SYS_write, [write, path(c"a\n"), 2, 0, 0, 0]);
    let _ = raw::call(libc::SYS_unlinkat, [AT_FDCWD, path(c"/none"), 0x200, 0, 0, 0]);
    let _ = raw::call(
        libc::SYS_symlinkat,
        [path(c"to"), AT_FDCWD, path(c"/none/from"), 0, 0, 0],
    );
    call!("1.1 openat(AT_FDCWD, \"/dev/null\", O_RDONLY|O_CLOEXEC) = </dev/null>");
    call!("1.1 openat(AT_FDCWD, \"/dev/null\", O_WRONLY|O_CREAT|O_EXCL, 0640) = EEXIST");
    let errno = if fchmodat2 == Err(libc::ENOSYS) {
        "ENOSYS"
    } else {
        "ENOTDIR"
    };
    call!("1.1 fchmodat2(</dev/null>, \"data\", 02775, AT_SYMLINK_NOFOLLOW) = {errno}");
    call!("1.1 openat2(</dev/null>, \"x\", {{O_RDONLY|O_PATH, resolve=RESOLVE_IN_ROOT}}, 24) = ENOTDIR");
    call!("1.1 fchmod(-1, 0007) = EBADF");
    call!("1.1 write(<pipe>, \"a\\n\", 2) = 2");
    call!("1.1 unlinkat(AT_FDCWD, \"/none\", AT_REMOVEDIR) = ENOENT");
    call!("1.1 symlinkat(\"to\", AT_FDCWD, \"/none/from\") = ENOENT");
}

/// More calls than are kept.
pub(super) fn many() {
    for _ in 0..5000 {
        let _ = raw::call0(libc::SYS_getppid);
    }
    raw::mark(1);
}

/// Loses its privileges, if it has any, and goes on.
pub(super) fn setuid() {
    let root = raw::call0(libc::SYS_geteuid) == Ok(0);
    let id = if root {
        65534
    } else {
        raw::call0(libc::SYS_geteuid).expect("geteuid") as usize
    };
    raw::call(libc::SYS_setresuid, [id, id, id, 0, 0, 0]).expect("setresuid");
    raw::mark(1);
    call!("1.1 setresuid({id}, {id}, {id}) = 0");
    call!("1.1 close(1001) = EBADF");
    saw!("uid {:?}", raw::call0(libc::SYS_getuid));
    saw!(
        "setuid back {:?}",
        raw::call(libc::SYS_setuid, [if root { 0 } else { id }, 0, 0, 0, 0, 0])
    );
}

/// A 32-bit call of a 64-bit program.
pub(super) fn int80() {
    #[cfg(target_arch = "x86_64")]
    {
        let pid = raw::getpid_32bit();
        saw!(
            "the same pid: {}",
            Ok(i64::from(pid)) == raw::call0(libc::SYS_getpid)
        );
        call!("1.1 i386 getpid() = #1");
        call!("1.1 getpid() = #1");
    }
}

/// All that /proc/self/status and its neighbours say, but for what is another one in each run.
pub(super) fn status() {
    let changing = [
        "TracerPid",
        "Pid",
        "Tgid",
        "NStgid",
        "NSpid",
        "NSpgid",
        "NSsid",
        "Ngid",
        "PPid",
    ];
    let counters = [
        "Vm",
        "Rss",
        "voluntary",
        "nonvoluntary",
        "HugetlbPages",
        "CoreDumping",
        "SigQ",
        "Cpus_",
        "Mems_",
    ];
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    for line in status.lines() {
        let name = line.split(':').next().unwrap_or_default();
        if !changing.contains(&name) && !counters.iter().any(|prefix| name.starts_with(prefix)) {
            saw!("{line}");
        }
    }
    let affinity = std::thread::available_parallelism().map(usize::from).unwrap_or(0);
    saw!(
        "affinity {affinity} {:?}",
        status.lines().find(|line| line.starts_with("Cpus_allowed_list"))
    );
    saw!("policy {:?}", raw::call0(libc::SYS_sched_getscheduler));
    saw!("nice {:?}", raw::call(libc::SYS_getpriority, [0; 6]));
    saw!(
        "no_new_privs {:?}",
        raw::call(libc::SYS_prctl, [39, 0, 0, 0, 0, 0])
    );
    saw!("pdeathsig {:?}", std::fs::read_to_string("/proc/self/wchan"));
    saw!("oom {:?}", std::fs::read_to_string("/proc/self/oom_score_adj"));
}
