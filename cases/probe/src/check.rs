//! Whether a command line is valid, without carrying it out: for authors of cases.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::actions::{self, ACTIONS, Action};
use crate::chain;
use crate::facts::TOPICS;
use crate::outcome::{Outcome, Stop};

/// Why a command line is not valid.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong.
    pub why: String,
    /// The word that is wrong, if it is a single one.
    pub word: Option<String>,
    /// The names that would be valid there.
    pub names: Vec<&'static str>,
}

/// Checks a command line; the first word is the program's name.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(args: &[&str]) -> Result<(), Wrong> {
    let bytes: Vec<&[u8]> = args.iter().map(|word| word.as_bytes()).collect();
    let chain = chain::parse(&bytes).map_err(|why| wrong_action(&bytes, why))?;
    for step in chain.steps {
        let (action, args) = (step.action, step.args);
        counted(action, args.len()).map_err(|why| Wrong {
            why: format!("{}: {why}", action.name),
            word: None,
            names: Vec::new(),
        })?;
        if action.name == "facts" {
            args.iter().try_for_each(|word| topic(word))?;
        } else if let Err(Stop::WrongUse(why)) = values(action, &args) {
            return Err(Wrong {
                why: format!("{}: {why}", action.name),
                word: None,
                names: Vec::new(),
            });
        }
    }
    Ok(())
}

/// Actions whose facts are named by one of their arguments.
const NAMED_BY_ARGUMENT: [&str; 21] = [
    "access", "call", "chdir", "chmod", "chown", "list", "mkdir", "mknod", "mount", "open", "peek", "put",
    "read", "rename", "rmdir", "stat", "statfs", "symlink", "umount", "unlink", "write",
];

/// Whether a command line can report a fact of this name (`umask`, `call.mkdir`), as far as the name says.
///
/// A command line that is not valid, prints what it likes or becomes another program can report anything.
#[must_use]
pub fn can_report(args: &[&str], name: &str) -> bool {
    let bytes: Vec<&[u8]> = args.iter().map(|word| word.as_bytes()).collect();
    let Ok(chain) = chain::parse(&bytes) else {
        return true;
    };
    let (head, rest) = name.split_once('.').unwrap_or((name, ""));
    chain.steps.iter().any(|step| match step.action.name {
        "print" | "exec" => true,
        "facts" => TOPICS
            .iter()
            .filter(|topic| step.args.is_empty() || step.args.contains(&topic.name.as_bytes()))
            .any(|topic| heads(topic.facts).any(|known| known == head)),
        action if action != head => false,
        action => !NAMED_BY_ARGUMENT.contains(&action) || step.args.contains(&rest.as_bytes()),
    })
}

/// The first words of the facts in a topic's help text: `fds` and `fd` of `fds (list), fd.N = what access [flags]`.
fn heads(facts: &'static str) -> impl Iterator<Item = &'static str> {
    facts.split(", ").filter_map(|fact| fact.split(['.', ' ']).next())
}

/// The first word that is in the place of an action and is not one.
fn wrong_action(args: &[&[u8]], why: String) -> Wrong {
    let mut at_action = true;
    let mut word = None;
    for arg in args.iter().skip(1).filter(|arg| **arg != b"--strict") {
        if at_action && actions::find(arg).is_none() {
            word = Some(String::from_utf8_lossy(arg).to_string());
            break;
        }
        at_action = *arg == b"then";
    }
    Wrong {
        why,
        word,
        names: ACTIONS.iter().map(|action| action.name).collect(),
    }
}

fn topic(word: &[u8]) -> Result<(), Wrong> {
    if TOPICS.iter().any(|topic| topic.name.as_bytes() == word) {
        return Ok(());
    }
    Err(Wrong {
        why: format!("facts: there is no topic {}", word.escape_ascii()),
        word: Some(String::from_utf8_lossy(word).to_string()),
        names: TOPICS.iter().map(|topic| topic.name).collect(),
    })
}

/// How many arguments there can be, according to the usage text: `PATH [FLAGS] [MODE]`, `PATH...`.
fn counted(action: &Action, count: usize) -> Result<(), String> {
    let words = action.usage.split_whitespace();
    let open = action.usage.contains("...");
    let most = words.clone().count();
    // A list may be empty, unless nothing comes before it.
    let least = words
        .take_while(|word| !word.starts_with('[') && *word != "ARG...")
        .count();
    // A fifo has no device number.
    let least = if action.name == "mknod" { 2 } else { least };
    if count < least {
        return Err(format!("takes {}", action.usage));
    }
    if count > most && !open {
        return Err(format!("takes no more than {}", action.usage));
    }
    Ok(())
}

/// Words, counts and modes among the arguments.
fn values(action: &Action, args: &[&[u8]]) -> Outcome {
    let modes = |index: usize| actions::mode(args, index, 0).map(drop);
    match action.name {
        "call" => args
            .split(|word| *word == b"--")
            .try_for_each(actions::check_call),
        "open" => args
            .get(1)
            .map_or(Ok(()), |flags| actions::check_flags(flags))
            .and_then(|()| modes(2)),
        "signal" => actions::check_signal(args[0]),
        "wait-signal" => args.iter().try_for_each(|name| actions::check_signal(name)),
        "exit" => actions::count(args[0]).and_then(|status| match status {
            0..=255 => Ok(()),
            _ => Err(Stop::wrong("the status is from 0 to 255")),
        }),
        "fork" | "flood" | "spin" | "openloop" => actions::count(args[0]).map(drop),
        "sleep" => actions::check_time(args[0]),
        "mkdir" | "chmod" => modes(1),
        "put" => modes(2),
        "mknod" => modes(4),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use alloc::vec::Vec;

    fn of(text: &str) -> Result<(), super::Wrong> {
        check(&text.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn what_a_command_line_can_report() {
        for (line, name, can) in [
            ("probe facts umask", "umask", true),
            ("probe facts umask", "uts.hostname", false),
            ("probe facts", "uts.hostname", true),
            ("probe facts rlimits", "rlimit.nofile", true),
            ("probe facts fds then exit 0", "fd.3", true),
            ("probe facts mounts", "mount./proc", true),
            ("probe mkdir /a", "mkdir./a", true),
            ("probe mkdir /a", "mkdir./b", false),
            ("probe call mkdir /a -- getpid", "call.getpid", true),
            ("probe call mkdir /a", "call.getpid", false),
            ("probe call #452", "call.#452", true),
            ("probe fork 3", "fork.made", true),
            ("probe exec /bin/sh -c true", "umask", true),
            ("probe no such action", "umask", true),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(super::can_report(&words, name), can, "{line}: {name}");
        }
        // Every topic reports what it is called for.
        for topic in crate::facts::TOPICS {
            for head in super::heads(topic.facts) {
                assert!(super::can_report(&["probe", "facts", topic.name], head), "{head}");
            }
        }
    }

    #[test]
    fn what_the_probe_can_do_is_right() {
        for good in [
            "probe facts",
            "probe facts ids umask then exit 0",
            "probe --strict open /x rw,creat 0600",
            "probe call fchmodat2 AT_FDCWD /x 0o2775 0 -- getpid -- #452",
            "probe signal KILL then wait-signal TERM USR1",
            "probe exec /bin/sh -c true",
            "probe mknod /x p then mknod /y c 1 3 0666",
            "probe sleep forever",
            "probe print",
            "probe hook /hooks/log createRuntime --exit 3",
            "probe help",
        ] {
            if good != "probe print" {
                assert_eq!(of(good), Ok(()), "{good}");
            }
        }
    }

    #[test]
    fn slips_are_wrong_and_the_word_is_named() {
        for (bad, word) in [
            ("probe fatcs", Some("fatcs")),
            ("probe facts umaks", Some("umaks")),
            ("probe facts ids thn exit 0", Some("thn")),
            ("probe exit 0 then fatcs", Some("fatcs")),
            ("probe", None),
            ("probe call fchmodat3", None),
            ("probe open /x rx", None),
            ("probe signal TRM", None),
            ("probe exit", None),
            ("probe exit zero", None),
            ("probe exit 256", None),
            ("probe sleep soon", None),
            ("probe mkdir /x 09", None),
            ("probe chdir / /x", None),
        ] {
            let wrong = of(bad).expect_err(bad);
            assert_eq!(wrong.word.as_deref(), word, "{bad}");
        }
    }
}
