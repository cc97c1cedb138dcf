//! What a case says about the process that calls the runtime.

use ocidiff_model::Caller;
use ocidiff_model::names::RLIMITS;

use super::place::Place;
use crate::corpus::diagnostic::Diagnostic;
use crate::machine::names::signal_number;

/// Members of `caller` with impossible values.
pub(super) fn check(place: Place<'_>, caller: &Caller) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = caller
        .wrong()
        .into_iter()
        .map(|(member, message)| place.at(&["caller", member], message, None))
        .collect();
    for name in &caller.ignored {
        let message = match name.trim_start_matches("SIG") {
            "PIPE" | "CHLD" => format!("`{name}` cannot be ignored by the process that calls a runtime"),
            "KILL" | "STOP" => format!("`{name}` cannot be ignored"),
            _ if signal_number(name).is_none() => format!("no signal is called `{name}`"),
            _ => continue,
        };
        found.push(place.at(&["caller", "ignored"], message, None));
    }
    for name in caller
        .limits
        .keys()
        .filter(|name| !RLIMITS.contains(&name.as_str()))
    {
        let message = format!("no limit is called `{name}`");
        let help = "write the name as in setrlimit(2), in lower case: `nofile`".to_owned();
        found.push(place.at(&["caller", "limits", name], message, Some(help)));
    }
    found
}
