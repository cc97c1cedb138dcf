//! Entries of lists of which every entry is known: capabilities, signals, denied calls, classes of calls.

use std::sync::LazyLock;

use ocidiff_model::facts::Form;
use ocidiff_model::names::DENIALS;
use ocidiff_model::near;
use ocidiff_model::pattern::glob;
use ocidiff_seccomp::explain::Summary;

use crate::corpus::names;
use crate::machine::names::{capability_names, signal_name};

/// What lines about classes of calls begin with.
static HEADS: LazyLock<Vec<String>> = LazyLock::new(Summary::heads);

/// Names of signals: the recorder's, and the probe's for real-time ones.
static SIGNALS: LazyLock<Vec<String>> = LazyLock::new(|| {
    (1..=64)
        .flat_map(|number| [signal_name(number), format!("RT{number}")])
        .collect()
});

/// Whether a list of that form can have an entry that fits; `*` stands for any text.
pub(super) fn can_have(form: &Form, entry: &str) -> bool {
    match form {
        Form::Capabilities => capability_names().iter().any(|name| glob(entry, name)),
        Form::Signals => SIGNALS.iter().any(|name| glob(entry, name)),
        Form::Denials => is_denial(entry),
        Form::Departures => {
            let literal = entry.split('*').next().unwrap_or_default();
            let is_open = literal.len() < entry.len();
            let begins = |head: &String| literal.starts_with(head.as_str());
            HEADS
                .iter()
                .any(|head| begins(head) || (is_open && head.starts_with(literal)))
        }
        _ => false,
    }
}

/// `mkdir EPERM`, or a pattern of that.
fn is_denial(entry: &str) -> bool {
    match entry.split_once(' ') {
        Some((call, answer)) => names::can_be_call(call) && DENIALS.iter().any(|known| glob(answer, known)),
        // `mk*` can be about the answer too.
        None => entry.contains('*') && names::can_be_call(&format!("{}*", entry.trim_end_matches('*'))),
    }
}

/// What may have been meant by an entry that no such list has.
pub(super) fn meant(form: &Form, entry: &str) -> Option<String> {
    match form {
        Form::Signals => names::signal_help(entry).map(str::to_owned),
        Form::Denials => {
            let (call, answer) = entry.split_once(' ')?;
            if !names::can_be_call(call) {
                let meant = names::call_meant(call)?;
                return Some(format!("{meant} {answer}"));
            }
            near::near(answer, DENIALS).map(|meant| format!("{call} {meant}"))
        }
        Form::Departures => near::near(
            entry.trim_end_matches(['*', ' ']),
            HEADS.iter().map(String::as_str),
        )
        .map(str::to_owned),
        _ => None,
    }
}
