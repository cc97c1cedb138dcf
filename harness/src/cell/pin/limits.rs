//! Resource limits: the same in every cell, whatever `ulimit` was in the shell.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// No limit.
const NONE: u64 = u64::MAX;

/// Name, resource, soft and hard limit of every cell.
///
/// They are at most what shells usually have, since raising takes CAP_SYS_RESOURCE; unlimited where a shell that has
/// less has next to nothing. Open files: some runtimes raise the soft limit to the hard one and pass that on.
pub(super) const PINNED: [(&str, Resource, u64, u64); 16] = [
    ("cpu", Resource::Cpu, NONE, NONE),
    ("fsize", Resource::Fsize, NONE, NONE),
    ("data", Resource::Data, NONE, NONE),
    ("stack", Resource::Stack, 8 << 20, 8 << 20),
    ("core", Resource::Core, 0, NONE),
    ("rss", Resource::Rss, NONE, NONE),
    ("nproc", Resource::Nproc, 7168, 7168),
    ("nofile", Resource::Nofile, 20_000, 20_000),
    ("memlock", Resource::Memlock, 8 << 20, 8 << 20),
    ("as", Resource::As, NONE, NONE),
    ("locks", Resource::Locks, NONE, NONE),
    ("sigpending", Resource::Sigpending, 7168, 7168),
    ("msgqueue", Resource::Msgqueue, 819_200, 819_200),
    ("nice", Resource::Nice, 0, 0),
    ("rtprio", Resource::Rtprio, 0, 0),
    ("rttime", Resource::Rttime, NONE, NONE),
];

/// Gives the process these limits; where a hard limit is already lower, that one applies.
pub(super) fn pin() {
    for (_, resource, soft, hard) in PINNED {
        if put(resource, soft, hard).is_err() {
            let hard = hard.min(getrlimit(resource).maximum.unwrap_or(NONE));
            let _ = put(resource, soft.min(hard), hard);
        }
    }
}

/// One limit, by its name.
pub(super) fn set(name: &str, soft: u64, hard: u64) -> io::Result<()> {
    let resource = PINNED.iter().find(|(known, ..)| *known == name);
    let (_, resource, ..) = resource.ok_or_else(|| io::Error::other(format!("no limit is called {name}")))?;
    Ok(put(*resource, soft, hard)?)
}

/// The hard limit that a cell has, by the name of config.json (`RLIMIT_NOFILE`), if it has any.
pub(crate) fn hard_limit(name: &str) -> Option<u64> {
    let name = name.strip_prefix("RLIMIT_")?.to_ascii_lowercase();
    let (_, _, _, hard) = PINNED.iter().find(|(known, ..)| *known == name)?;
    (*hard != NONE).then_some(*hard)
}

fn put(resource: Resource, soft: u64, hard: u64) -> rustix::io::Result<()> {
    let limit = |value: u64| (value != NONE).then_some(value);
    setrlimit(
        resource,
        Rlimit {
            current: limit(soft),
            maximum: limit(hard),
        },
    )
}
