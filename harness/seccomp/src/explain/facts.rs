//! What is known about calls: since when the kernel has them, and what makes them. The facts are in
//! `harness/seccomp/data/`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::action::{Action, errno_name};
use crate::decide::partition::Class;

/// Something that makes a call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// A library function or a program, with the versions that do.
    pub who: String,
    /// The errnos on which it continues without the call.
    pub fallback: Vec<String>,
    /// What happens on any other.
    pub otherwise: String,
    /// A link to the evidence.
    pub link: String,
}

/// A call, and what makes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meets {
    /// The call's name.
    pub syscall: String,
    /// What makes it.
    pub callers: Vec<Caller>,
    /// Older calls of the same power: a profile that allows them all loses nothing by allowing this one.
    #[serde(default)]
    pub like: Vec<String>,
}

/// The file with the versions.
#[derive(Deserialize)]
struct Since {
    since: BTreeMap<String, String>,
}

static CALLERS: LazyLock<Vec<Meets>> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("../../data/callers.yaml")).unwrap_or_default());

static SINCE: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    serde_yaml::from_str(include_str!("../../data/since.yaml"))
        .map(|file: Since| file.since)
        .unwrap_or_default()
});

/// The version of Linux that introduced a call, `X.Y`. `None`: it existed before 2.6.12, or has no name.
pub fn since(name: &str) -> Option<&'static str> {
    SINCE.get(name).map(String::as_str)
}

/// All calls that are known to be made by something that may not cope with an answer.
pub fn callers() -> impl Iterator<Item = &'static Meets> {
    CALLERS.iter()
}

/// The calls of a class whose callers cannot cope with one of the answers, but can with another.
///
/// A call that every filter lets through or that every filter refuses in the same way does not affect anything
/// when it changes.
pub(super) fn hits(class: &Class) -> Vec<Meets> {
    CALLERS
        .iter()
        .filter(|one| class.named().any(|(_, name)| name == one.syscall))
        .filter_map(|one| {
            let hit = |caller: &&Caller| {
                let over = class
                    .answers
                    .iter()
                    .filter(|answer| caller.gets_over(**answer))
                    .count();
                over > 0 && over < class.answers.len()
            };
            let callers: Vec<Caller> = one.callers.iter().filter(hit).cloned().collect();
            (!callers.is_empty()).then(|| Meets {
                syscall: one.syscall.clone(),
                callers,
                like: one.like.clone(),
            })
        })
        .collect()
}

impl Caller {
    /// Whether it works with an answer: either the call is made, or it continues without the call.
    pub fn gets_over(&self, answer: Action) -> bool {
        match answer {
            Action::Allow | Action::Log => true,
            Action::Errno(errno) => self.fallback.contains(&errno_name(errno)),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_can_be_read() {
        let _: Since = serde_yaml::from_str(include_str!("../../data/since.yaml")).expect("since.yaml");
        let callers: Vec<Meets> =
            serde_yaml::from_str(include_str!("../../data/callers.yaml")).expect("callers.yaml");
        for one in &callers {
            assert!(
                crate::syscall::is_known(&one.syscall),
                "no architecture has {}",
                one.syscall
            );
            assert!(!one.callers.is_empty(), "{} has no caller", one.syscall);
            for caller in &one.callers {
                assert!(
                    caller.link.starts_with("https://"),
                    "{}: {}",
                    one.syscall,
                    caller.link
                );
                for errno in &caller.fallback {
                    assert!(
                        (1..4096).any(|number| errno_name(number) == *errno),
                        "{}: {errno}",
                        one.syscall
                    );
                }
            }
        }
    }

    #[test]
    fn calls_have_a_version() {
        assert_eq!(since("fchmodat2"), Some("6.6"));
        assert_eq!(since("read"), None);
        assert_eq!(
            callers()
                .find(|meets| meets.syscall == "fchmodat2")
                .map(|meets| meets.callers.is_empty()),
            Some(false)
        );
    }
}
