//! What the probe sees, by topic. Each topic is a function that reports its facts; none changes anything.

mod cgroup;
mod dev;
mod fds;
mod identity;
mod io;
mod mounts;
mod net;
mod paths;
mod proc;
mod task;

pub(crate) use dev::node;
pub(crate) use fds::target;
pub(crate) use identity::current_umask;
pub(crate) use paths::peek;
pub(crate) use proc::{namespace_links, namespace_pids};

use alloc::format;
use alloc::vec::Vec;

use crate::outcome::{Outcome, Stop};
use crate::parse;
use crate::report::Report;
use crate::sys::words::Words;
use crate::sys::{self, Errno, fs};

/// The longest text that is read from a file of the kernel.
const MAX_TEXT: usize = 1 << 20;

/// A group of facts.
pub struct Topic {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it reports, for the help text.
    pub facts: &'static str,
    tell: fn(&Words, &mut Report),
}

/// All topics, in the order in which they are reported.
pub const TOPICS: &[Topic] = &[
    topic("args", "args, exe", identity::args),
    topic("env", "env (list, in order)", identity::env),
    topic("cwd", "cwd, root", identity::cwd),
    topic(
        "ids",
        "ids.{uid,euid,suid,fsuid,gid,egid,sgid,fsgid,groups}",
        identity::ids,
    ),
    topic("umask", "umask", identity::umask),
    topic(
        "session",
        "session.{pid,ppid,pgid,sid,leader,group_leader,tty}",
        identity::session,
    ),
    topic(
        "uts",
        "uts.{hostname,domainname,machine,sysname,release}",
        identity::uts,
    ),
    topic(
        "keyring",
        "keyring.session (type;uid;gid;permissions;name)",
        identity::keyring,
    ),
    topic("label", "label.{current,exec}", identity::label),
    topic(
        "caps",
        "caps.{effective,permitted,inheritable,bounding,ambient,securebits}",
        task::caps,
    ),
    topic("nnp", "nnp", task::no_new_privileges),
    topic("seccomp", "seccomp.{mode,filters}", task::seccomp),
    topic("rlimits", "rlimit.NAME = soft:hard", task::rlimits),
    topic("signals", "signals.{ignored,blocked,caught}", task::signals),
    topic(
        "sched",
        "sched.{policy,flags,nice,priority,deadline,cpus,cpu_list,mems_list}",
        task::sched,
    ),
    topic("ioprio", "ioprio = class:level", task::ioprio),
    topic("personality", "personality", task::personality),
    topic("oom", "oom.score_adj", task::oom),
    topic(
        "task",
        "task.{comm,dumpable,keepcaps,timerslack,subreaper,pdeathsig,...}",
        task::attributes,
    ),
    topic("fds", "fds (list), fd.N = what access [flags]", fds::descriptors),
    topic(
        "stdio",
        "stdio.N = type mode owner [device] [tty COLSxROWS]",
        fds::stdio,
    ),
    topic(
        "ns",
        "ns.NAME = pid:[inode], ns.{uid_map,gid_map,setgroups}",
        proc::namespaces,
    ),
    topic("time", "time.{monotonic,boottime}", proc::time),
    topic("proc", "proc.pids (list), proc.{nspid,threads}", proc::pids),
    topic(
        "cgroup",
        "cgroup.CONTROLLERS = path (v2: cgroup.v2)",
        cgroup::membership,
    ),
    topic(
        "cgroupfs",
        "cgroupfs.{type,entries,writable}, cgroupfs.ENTRY = ok | EROFS",
        cgroup::tree,
    ),
    topic(
        "mounts",
        "mounts (list), mount.POINT = type options | super | propagation | root= | source=",
        mounts::all,
    ),
    topic(
        "masked",
        "masked.PATH = errno | empty | readable | empty-dir | dir",
        paths::masked,
    ),
    topic(
        "readonly",
        "readonly.PATH = errno | writable (opened, never written)",
        paths::readonly,
    ),
    topic(
        "dev",
        "dev (list), dev.NAME = type mode owner [device | target]",
        dev::all,
    ),
    topic(
        "net",
        "net.interfaces (list), net.NAME = flags, net.NAME.{addr,mtu}",
        net::interfaces,
    ),
];

const fn topic(name: &'static str, facts: &'static str, tell: fn(&Words, &mut Report)) -> Topic {
    Topic { name, facts, tell }
}

/// The action `facts [TOPIC...]`.
pub fn run(args: &[&[u8]], words: &Words, report: &mut Report) -> Outcome {
    let mut chosen = Vec::new();
    for arg in args {
        let topic = TOPICS.iter().find(|topic| topic.name.as_bytes() == *arg);
        chosen.push(topic.ok_or_else(|| Stop::wrong(format!("there is no topic {}", arg.escape_ascii())))?);
    }
    if args.is_empty() {
        chosen.extend(TOPICS);
    }
    for topic in chosen {
        (topic.tell)(words, report);
        // If the next topic dies, this one must already be out.
        if args.len() != 1 {
            report.flush();
        }
    }
    Ok(())
}

/// The text of a file of the kernel without its final newline.
fn text(path: &str) -> sys::Result<Vec<u8>> {
    let text = fs::read_file(path, MAX_TEXT)?;
    Ok(parse::trimmed(&text).to_vec())
}

/// The status file, read anew by each topic, since topics may run one by one.
fn status() -> sys::Result<Vec<u8>> {
    fs::read_file("/proc/self/status", MAX_TEXT)
}

/// What is reported for a field that this kernel does not have.
const NO_FIELD: Errno = Errno(libc::ENODATA);
