//! Calls that some architectures multiplex through one number: `socketcall` and `ipc`, whose first argument says which
//! is meant.

/// Single calls that stand for many: a rule for one would deny those of the many that other rules allow.
pub(super) const MULTIPLEXED: [&str; 2] = ["socketcall", "ipc"];

/// The many, from linux/net.h and linux/ipc.h: on an architecture that has such a call, libraries do not distinguish it
/// from the many's own numbers.
const SOCKETCALL: [(u64, &str); 20] = [
    (1, "socket"),
    (2, "bind"),
    (3, "connect"),
    (4, "listen"),
    (5, "accept"),
    (6, "getsockname"),
    (7, "getpeername"),
    (8, "socketpair"),
    (9, "send"),
    (10, "recv"),
    (11, "sendto"),
    (12, "recvfrom"),
    (13, "shutdown"),
    (14, "setsockopt"),
    (15, "getsockopt"),
    (16, "sendmsg"),
    (17, "recvmsg"),
    (18, "accept4"),
    (19, "recvmmsg"),
    (20, "sendmmsg"),
];
const IPC: [(u64, &str); 12] = [
    (1, "semop"),
    (2, "semget"),
    (3, "semctl"),
    (4, "semtimedop"),
    (11, "msgsnd"),
    (12, "msgrcv"),
    (13, "msgget"),
    (14, "msgctl"),
    (21, "shmat"),
    (22, "shmdt"),
    (23, "shmget"),
    (24, "shmctl"),
];

fn of(call: &str) -> &'static [(u64, &'static str)] {
    match call {
        "socketcall" => &SOCKETCALL,
        "ipc" => &IPC,
        _ => &[],
    }
}

/// Whether a call is one that some architectures multiplex through socketcall or ipc.
#[must_use]
pub fn is_behind_one(name: &str) -> bool {
    let among = |call: &&str| of(call).iter().any(|(_, other)| *other == name);
    MULTIPLEXED.contains(&name) || MULTIPLEXED.iter().any(among)
}

/// The calls that a multiplexed one stands for with such first arguments; `None` in place of those that mean nothing.
pub fn behind(call: &str, has: impl Fn(u64) -> bool) -> Vec<Option<&'static str>> {
    let known = of(call);
    // The meaningful arguments are small; a larger one stands for all the rest.
    let numbers = (0..=64).chain([u64::from(u32::MAX)]);
    let name = |number: u64| {
        known
            .iter()
            .find(|(one, _)| *one == number)
            .map(|(_, name)| *name)
    };
    match known.is_empty() {
        true => Vec::new(),
        false => numbers.filter(|number| has(*number)).map(name).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multiplexed_call_is_those_that_its_first_argument_names() {
        let among = |wanted: &'static [u64]| move |number| wanted.contains(&number);
        assert_eq!(
            behind("socketcall", among(&[3, 18])),
            [Some("connect"), Some("accept4")]
        );
        assert_eq!(behind("ipc", among(&[24, 0])), [None, Some("shmctl")]);
        assert_eq!(behind("ipc", |number| number > 64), [None]);
        assert!(behind("openat", |_| true).is_empty());
        assert!(is_behind_one("shmget") && is_behind_one("ipc") && !is_behind_one("openat"));
    }
}
