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

/// All that /proc/self/status and its neighbours say, except for what differs in each run.
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

/// Calls that a ring makes are not calls of the program: only entering the ring is.
pub(super) fn io_uring() {
    let mut parameters = [0_u32; 30];
    let ring = raw::call(
        libc::SYS_io_uring_setup,
        [4, parameters.as_mut_ptr() as usize, 0, 0, 0, 0],
    );
    match ring {
        Ok(ring) => {
            saw!(
                "io_uring_enter {:?}",
                raw::call(libc::SYS_io_uring_enter, [ring as usize, 0, 0, 0, 0, 0])
            );
            call!("1.1 io_uring_enter(<anon_inode:[io_uring]>, 0, 0, 0x0, NULL, 0) = 0");
        }
        Err(errno) => saw!("no io_uring here: {errno}"),
    }
}

/// A program of 84 bytes for another architecture.
pub(super) fn exec32() {
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;
    // mov ebx, 9; mov eax, 1 (exit); int 0x80
    let code = [0xbb, 9, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0xcd, 0x80];
    let base = 0x0804_8000_u32;
    let size = 84 + code.len() as u32;
    let mut elf = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    for half in [2_u16, 3] {
        elf.extend(half.to_le_bytes());
    }
    for word in [1, base + 84, 52, 0, 0] {
        elf.extend(word.to_le_bytes());
    }
    for half in [52_u16, 32, 1, 0, 0, 0] {
        elf.extend(half.to_le_bytes());
    }
    for word in [1, 0, base, base, size, size, 5, 0x1000] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(code);
    let fd = raw::call(
        libc::SYS_memfd_create,
        [c"small".as_ptr() as usize, 0, 0, 0, 0, 0],
    )
    .expect("memfd");
    let path = format!("/proc/self/fd/{fd}");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("the memfd");
    file.write_all(&elf).expect("it is written");
    // A file that is open for writing is not a program.
    let _ = file.as_raw_fd();
    drop(file);
    let read = raw::call(
        libc::SYS_open,
        [
            std::ffi::CString::new(path).expect("a path").as_ptr() as usize,
            0,
            0,
            0,
            0,
            0,
        ],
    )
    .expect("it is opened");
    raw::call(libc::SYS_close, [fd as usize, 0, 0, 0, 0, 0]).expect("close");
    let arguments = [c"small".as_ptr() as usize, 0];
    let _ = raw::call(
        libc::SYS_execveat,
        [
            read as usize,
            c"".as_ptr() as usize,
            arguments.as_ptr() as usize,
            0,
            libc::AT_EMPTY_PATH as usize,
            0,
        ],
    );
    saw!("no 32-bit programs here");
}
