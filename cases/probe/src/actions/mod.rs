//! What the probe does when asked. An action that fails reports the error as a fact and continues.

mod call;
mod files;
pub mod help;
mod hook;
mod listen;
mod load;
mod process;

use alloc::format;
use alloc::string::ToString;

pub(crate) use call::check as check_call;
pub(crate) use files::check_flags;
pub(crate) use process::{check_signal, check_time};

use crate::facts;
use crate::outcome::{Outcome, Stop};
use crate::parse::number;
use crate::report::Report;
use crate::sys::words::Words;

/// One thing that the probe can do.
pub struct Action {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its arguments, for the help text.
    pub usage: &'static str,
    /// What it does, for the help text.
    pub about: &'static str,
    /// Whether it takes all words that follow, including `then`.
    pub takes_rest: bool,
    /// Does it.
    pub run: fn(&[&[u8]], &Words, &mut Report) -> Outcome,
}

/// All actions, in the order of the help text.
pub const ACTIONS: &[Action] = &[
    action("help", "", "this text", help::run),
    action(
        "facts",
        "[TOPIC...]",
        "tells what it sees; all topics when none is named",
        facts::run,
    ),
    action(
        "call",
        "NAME|#N ARG... [-- NAME ARG...]",
        "raw system calls: call.NAME",
        call::run,
    ),
    action(
        "open",
        "PATH [FLAGS] [MODE]",
        "FLAGS r, w, rw and append, creat, excl, trunc, dir, nofollow, path, by comma",
        files::open,
    ),
    action(
        "read",
        "PATH [MAX]",
        "the text, up to MAX (4096) bytes; 65536 at most",
        files::read,
    ),
    action(
        "write",
        "PATH TEXT",
        "writes to what is there; tells the count",
        files::write,
    ),
    action("put", "PATH TEXT [MODE]", "makes or replaces a file", files::put),
    action(
        "peek",
        "PATH...",
        "errno, empty, readable, empty-dir or dir",
        files::peek,
    ),
    action(
        "stat",
        "PATH...",
        "type mode owner [device] [-> target]",
        files::stat,
    ),
    action(
        "statfs",
        "PATH...",
        "type of the file system, in hexadecimal, and mount flags",
        files::statfs,
    ),
    action(
        "access",
        "PATH [rwx]",
        "whether it could be, without trying",
        files::access,
    ),
    action("list", "DIR", "names, sorted", files::list),
    action("mkdir", "PATH [MODE]", "", files::mkdir),
    action("rmdir", "PATH", "", files::rmdir),
    action("unlink", "PATH", "", files::unlink),
    action("rename", "FROM TO", "", files::rename),
    action("symlink", "TARGET PATH", "", files::symlink),
    action("chmod", "PATH MODE", "", files::chmod),
    action("chown", "PATH UID:GID", "", files::chown),
    action("chdir", "PATH", "", files::chdir),
    action("mknod", "PATH c|b|p MAJOR MINOR [MODE]", "", files::mknod),
    action(
        "mount",
        "SOURCE TARGET TYPE [FLAGS] [DATA]",
        "FLAGS as a number",
        files::mount,
    ),
    action("umount", "TARGET", "", files::unmount),
    action(
        "sysctl",
        "NAME...",
        "kernel.shmmax or net/ipv4/ip_forward",
        files::sysctl,
    ),
    action(
        "print",
        "TEXT...",
        "the words on stdout, as they are",
        process::print,
    ),
    action("eprint", "TEXT...", "the words on stderr", process::eprint),
    action("exit", "N", "ends with this status", process::exit),
    action(
        "signal",
        "NAME [PID]",
        "sends a signal, to itself unless told",
        process::signal,
    ),
    action(
        "wait-signal",
        "NAME...",
        "tells `waiting`, and then the signal that came",
        process::wait_signal,
    ),
    action("sleep", "SECONDS|forever", "0.5 is fine", process::sleep),
    action("fork", "N", "makes children that wait to be ended", process::fork),
    Action {
        takes_rest: true,
        ..action(
            "exec",
            "PATH ARG...",
            "replaces the program; takes all that follows",
            process::exec,
        )
    },
    action(
        "hook",
        "FILE [WORD...] [--exit N]",
        "adds a line to FILE: args, env, cwd, state from stdin, namespaces, ...",
        hook::run,
    ),
    action(
        "listen",
        "SOCKET ANSWER [N]",
        "a seccomp agent for N (1) runtimes, tells the last state; ANSWER an errno, a value, continue, leave",
        listen::run,
    ),
    action("flood", "BYTES", "that many bytes on stdout", load::flood),
    action("spin", "N", "getppid, N times", load::spin),
    action(
        "openloop",
        "N [PATH]",
        "opens and closes PATH (/) N times",
        load::open_loop,
    ),
];

const fn action(
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    run: fn(&[&[u8]], &Words, &mut Report) -> Outcome,
) -> Action {
    Action {
        name,
        usage,
        about,
        takes_rest: false,
        run,
    }
}

/// The action with a name.
pub fn find(name: &[u8]) -> Option<&'static Action> {
    let name = if name == b"--help" || name == b"-h" {
        b"help"
    } else {
        name
    };
    ACTIONS.iter().find(|action| action.name.as_bytes() == name)
}

/// The argument at an index, or what is missing.
fn required<'a>(args: &[&'a [u8]], index: usize, what: &str) -> Result<&'a [u8], Stop> {
    args.get(index)
        .copied()
        .ok_or_else(|| Stop::wrong(format!("{what} is missing")))
}

/// Refuses more arguments than there can be: a word that is ignored is a mistake in the case.
fn at_most(args: &[&[u8]], count: usize) -> Outcome {
    match args.get(count) {
        Some(word) => Err(Stop::wrong(format!(
            "{} is one word too many",
            word.escape_ascii()
        ))),
        None => Ok(()),
    }
}

/// A count.
pub(crate) fn count(text: &[u8]) -> Result<u64, Stop> {
    number::count(text).ok_or_else(|| Stop::wrong(format!("{} is no count", text.escape_ascii())))
}

/// A file mode, if it is given.
pub(crate) fn mode(args: &[&[u8]], index: usize, default: u32) -> Result<u32, Stop> {
    let Some(text) = args.get(index) else {
        return Ok(default);
    };
    number::mode(text).ok_or_else(|| Stop::wrong(format!("{} is not an octal mode", text.escape_ascii())))
}

/// Text, where only names of ours are possible.
fn utf8(text: &[u8]) -> Result<&str, Stop> {
    core::str::from_utf8(text).map_err(|_| Stop::wrong(text.escape_ascii().to_string()))
}
