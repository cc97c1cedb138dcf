//! System calls of x86_64 by name.
//!
//! This is our own table, since neither the libc crate nor the headers of the build machine know the newest
//! calls, and those are the ones on which profiles and runtimes disagree.

use alloc::format;
use alloc::string::String;

/// The calls from 0 to 336.
const FIRST: &str = "\
    read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction \
    rt_sigprocmask rt_sigreturn ioctl pread64 pwrite64 readv writev access pipe select sched_yield \
    mremap msync mincore madvise shmget shmat shmctl dup dup2 pause nanosleep getitimer alarm \
    setitimer getpid sendfile socket connect accept sendto recvfrom sendmsg recvmsg shutdown bind \
    listen getsockname getpeername socketpair setsockopt getsockopt clone fork vfork execve exit \
    wait4 kill uname semget semop semctl shmdt msgget msgsnd msgrcv msgctl fcntl flock fsync \
    fdatasync truncate ftruncate getdents getcwd chdir fchdir rename mkdir rmdir creat link unlink \
    symlink readlink chmod fchmod chown fchown lchown umask gettimeofday getrlimit getrusage sysinfo \
    times ptrace getuid syslog getgid setuid setgid geteuid getegid setpgid getppid getpgrp setsid \
    setreuid setregid getgroups setgroups setresuid getresuid setresgid getresgid getpgid setfsuid \
    setfsgid getsid capget capset rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend \
    sigaltstack utime mknod uselib personality ustat statfs fstatfs sysfs getpriority setpriority \
    sched_setparam sched_getparam sched_setscheduler sched_getscheduler sched_get_priority_max \
    sched_get_priority_min sched_rr_get_interval mlock munlock mlockall munlockall vhangup \
    modify_ldt pivot_root _sysctl prctl arch_prctl adjtimex setrlimit chroot sync acct settimeofday \
    mount umount2 swapon swapoff reboot sethostname setdomainname iopl ioperm create_module \
    init_module delete_module get_kernel_syms query_module quotactl nfsservctl getpmsg putpmsg \
    afs_syscall tuxcall security gettid readahead setxattr lsetxattr fsetxattr getxattr lgetxattr \
    fgetxattr listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr tkill time futex \
    sched_setaffinity sched_getaffinity set_thread_area io_setup io_destroy io_getevents io_submit \
    io_cancel get_thread_area lookup_dcookie epoll_create epoll_ctl_old epoll_wait_old \
    remap_file_pages getdents64 set_tid_address restart_syscall semtimedop fadvise64 timer_create \
    timer_settime timer_gettime timer_getoverrun timer_delete clock_settime clock_gettime \
    clock_getres clock_nanosleep exit_group epoll_wait epoll_ctl tgkill utimes vserver mbind \
    set_mempolicy get_mempolicy mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify \
    mq_getsetattr kexec_load waitid add_key request_key keyctl ioprio_set ioprio_get inotify_init \
    inotify_add_watch inotify_rm_watch migrate_pages openat mkdirat mknodat fchownat futimesat \
    newfstatat unlinkat renameat linkat symlinkat readlinkat fchmodat faccessat pselect6 ppoll \
    unshare set_robust_list get_robust_list splice tee sync_file_range vmsplice move_pages utimensat \
    epoll_pwait signalfd timerfd_create eventfd fallocate timerfd_settime timerfd_gettime accept4 \
    signalfd4 eventfd2 epoll_create1 dup3 pipe2 inotify_init1 preadv pwritev rt_tgsigqueueinfo \
    perf_event_open recvmmsg fanotify_init fanotify_mark prlimit64 name_to_handle_at \
    open_by_handle_at clock_adjtime syncfs sendmmsg setns getcpu process_vm_readv process_vm_writev \
    kcmp finit_module sched_setattr sched_getattr renameat2 seccomp getrandom memfd_create \
    kexec_file_load bpf execveat userfaultfd membarrier mlock2 copy_file_range preadv2 pwritev2 \
    pkey_mprotect pkey_alloc pkey_free statx io_pgetevents rseq uretprobe uprobe";

/// Where the second block starts: new calls have one number on all architectures since 424.
const SECOND_AT: i64 = 424;

/// The calls from [`SECOND_AT`] on.
const SECOND: &str = "\
    pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen \
    fsconfig fsmount fspick pidfd_open clone3 close_range openat2 pidfd_getfd faccessat2 \
    process_madvise epoll_pwait2 mount_setattr quotactl_fd landlock_create_ruleset landlock_add_rule \
    landlock_restrict_self memfd_secret process_mrelease futex_waitv set_mempolicy_home_node \
    cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount \
    lsm_get_self_attr lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat \
    removexattrat open_tree_attr file_getattr file_setattr listns rseq_slice_yield";

/// The number of a call, given by name or as `#999`.
pub fn number(name: &str) -> Option<i64> {
    if let Some(digits) = name.strip_prefix('#') {
        return digits.parse().ok();
    }
    find(FIRST, name).or_else(|| find(SECOND, name).map(|index| SECOND_AT + index))
}

fn find(block: &str, name: &str) -> Option<i64> {
    block
        .split_whitespace()
        .position(|known| known == name)
        .and_then(|index| i64::try_from(index).ok())
}

/// The name of a call, or `#999`.
pub fn name(number: i64) -> String {
    let (block, index) = match number - SECOND_AT {
        index @ 0.. => (SECOND, index),
        _ => (FIRST, number),
    };
    usize::try_from(index)
        .ok()
        .and_then(|index| block.split_whitespace().nth(index))
        .map_or_else(|| format!("#{number}"), String::from)
}

/// Calls whose result is a descriptor, a process, an address or another number that differs from run to run.
const VOLATILE: &str = "\
    open openat openat2 creat socket accept accept4 dup dup3 epoll_create epoll_create1 eventfd eventfd2 \
    signalfd signalfd4 timerfd_create inotify_init inotify_init1 fanotify_init memfd_create memfd_secret \
    userfaultfd perf_event_open bpf pidfd_open pidfd_getfd open_tree open_tree_attr fsopen fspick fsmount \
    io_uring_setup landlock_create_ruleset open_by_handle_at mq_open fork vfork clone clone3 getpid getppid \
    gettid getpgid getpgrp getsid setsid set_tid_address wait4 mmap mremap brk shmat shmget semget msgget \
    add_key request_key keyctl time times";

/// Whether a result is only reported as `ok`.
pub fn is_volatile(name: &str) -> bool {
    VOLATILE.split_whitespace().any(|known| known == name)
}

#[cfg(test)]
mod tests {
    use super::{is_volatile, name, number};

    #[test]
    fn names_are_at_their_numbers() {
        for (text, expected) in [
            ("read", libc::SYS_read),
            ("rseq", libc::SYS_rseq),
            ("uretprobe", 335),
            ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
            ("openat2", libc::SYS_openat2),
            ("set_mempolicy_home_node", libc::SYS_set_mempolicy_home_node),
            ("cachestat", 451),
            ("fchmodat2", 452),
            ("statmount", 457),
            ("mseal", libc::SYS_mseal),
            ("setxattrat", 463),
            ("file_setattr", 469),
            ("listns", 470),
            ("#999", 999),
        ] {
            assert_eq!(number(text), Some(expected), "{text}");
            assert_eq!(name(expected), text);
        }
        assert_eq!(number("nosuchcall"), None);
        assert_eq!(number("#x"), None);
    }

    #[test]
    fn results_that_vary_are_known() {
        assert!(is_volatile("openat"));
        assert!(!is_volatile("chmod"));
    }
}
