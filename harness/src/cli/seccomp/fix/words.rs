//! What is reported about a cure.

use std::collections::BTreeSet;

use ocidiff_seccomp::cure::Cured;

use super::super::args::FixArg;
use super::begins::Stopped;
use crate::judge::changes::Change;
use crate::judge::filters::Filters;

pub(super) const ALIKE: &str = "every runtime answers every call alike";
pub(super) const LEFT: &str = "left as it was, since it does not come from what the profile does not know";
pub(super) const UNHEARD: &str = "left: the profile allows them, and a runtime that does not know them answers ENOSYS, as an older kernel does";
pub(super) const FOREIGN: &str =
    "left: programs of another architecture, whose calls libraries do not tell apart";

/// Lines about runtimes, by their names.
pub(super) struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    pub(super) fn of(filters: &'a Filters) -> Self {
        Self(filters.runtimes().collect())
    }

    /// A line for each change.
    pub(super) fn lines(&self, what: &str, changes: &[&Change]) -> Vec<String> {
        let line = |change: &&Change| format!("{what}: {}", self.said(change));
        changes.iter().map(line).collect()
    }

    fn said(&self, change: &Change) -> String {
        let answers = self.0.iter().zip(&change.answers);
        let answers: Vec<String> = answers
            .map(|(who, (before, after))| match before == after {
                true => format!("{who} {after}"),
                false => format!("{who} {after} (was {before})"),
            })
            .collect();
        format!("{}: {}", change.calls, answers.join(", "))
    }
}

/// Which runtimes do not begin a workload; and, if nothing more was to be allowed, what would let them.
pub(super) fn stopped(all: &[Stopped<'_>], how: FixArg, own: &BTreeSet<String>) -> Vec<String> {
    let mut lines: Vec<String> = all
        .iter()
        .map(|one| format!("{} {}", one.label, one.how))
        .collect();
    if how == FixArg::Enosys && !own.is_empty() {
        lines.push(format!(
            "--fix allow allows what runtimes call themselves once the filter is loaded, here {} and perhaps more",
            list(own)
        ));
    }
    lines
}

/// What a profile under which nothing began allows now.
pub(super) fn opened(own: &BTreeSet<String>) -> String {
    format!(
        "no workload begins under the profile as it is: allowed now, to the workload too, since runtimes call them \
         themselves once the filter is loaded, or for its execve: {}",
        list(own)
    )
}

pub(super) fn unknown(names: &BTreeSet<String>) -> String {
    format!(
        "left to the default action, ENOSYS, since not every runtime knows them: {}",
        list(names)
    )
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

pub(super) fn summary(cured: &Cured) -> Vec<String> {
    let mut lines = vec![format!(
        "calls that the profile does not know answer ENOSYS; {} that it denied on purpose stay denied as they were",
        cured.denied.len() + cured.completed.len()
    )];
    if !cured.changed.is_empty() {
        lines.push(format!(
            "denied with ENOSYS where their conditions do not hold, since these cannot be turned round: {}",
            cured.changed.join(", ")
        ));
    }
    if !cured.without_errno.is_empty() {
        lines.push(format!(
            "errnoRet is left out of rules whose action takes none, since some runtimes refuse it: {} calls",
            cured.without_errno.len()
        ));
    }
    let newer: Vec<&str> = cured.allowed.iter().map(String::as_str).collect();
    let newer: Vec<&str> = newer
        .into_iter()
        .filter(|name| !cured.own.iter().any(|own| own == name))
        .collect();
    if !newer.is_empty() {
        lines.push(format!("allowed now: {}", newer.join(", ")));
    }
    if !cured.own.is_empty() {
        lines.push(format!(
            "allowed now, to the workload too, since runtimes call them themselves once the filter is loaded: {}",
            cured.own.join(", ")
        ));
    }
    lines
}
