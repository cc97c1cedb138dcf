//! Calls that some architectures have behind one number: `socketcall` and `ipc`.

/// One call for many: a rule for it would deny those of them that other rules allow.
pub(super) const MULTIPLEXED: [&str; 2] = ["socketcall", "ipc"];

/// The many: on an architecture that has such a call, libraries do not tell it and their own numbers apart.
const BEHIND_ONE: [&str; 32] = [
    "socket",
    "bind",
    "connect",
    "listen",
    "accept",
    "accept4",
    "getsockname",
    "getpeername",
    "socketpair",
    "send",
    "recv",
    "sendto",
    "recvfrom",
    "shutdown",
    "setsockopt",
    "getsockopt",
    "sendmsg",
    "recvmsg",
    "recvmmsg",
    "sendmmsg",
    "semop",
    "semget",
    "semctl",
    "semtimedop",
    "msgsnd",
    "msgrcv",
    "msgget",
    "msgctl",
    "shmat",
    "shmdt",
    "shmget",
    "shmctl",
];

/// Whether a call is one of those that some architectures have behind socketcall or ipc.
#[must_use]
pub fn is_behind_one(name: &str) -> bool {
    BEHIND_ONE.contains(&name) || MULTIPLEXED.contains(&name)
}
