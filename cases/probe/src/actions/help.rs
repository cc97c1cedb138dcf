//! The help text, generated from the tables that the program works with.

use alloc::format;
use alloc::string::String;

use super::ACTIONS;
use crate::facts::TOPICS;
use crate::outcome::Outcome;
use crate::report::Report;
use crate::sys;
use crate::sys::words::Words;

const HEAD: &str = "\
The probe tells what a container sees, as one JSON object a line: {\"fact\":\"ids.uid\",\"value\":0}.
A value is a string, a number, a boolean or a list of strings; what cannot be seen is an errno: \"ENOENT\".

usage: probe [--strict] ACTION ARG... [then ACTION ARG...]...

Status: 0, what `exit` says, 2 for wrong use. An action that fails is a fact, and with --strict status 1.
An action's facts are ACTION.ARGUMENT: open./x, stat./dev/null, sysctl.kernel.shmmax.

Arguments of `call`: numbers (12, -1, 0x1f, 0o755), AT_FDCWD, NULL, buf (4096 zeroed bytes), s:TEXT, and any
other word as a string. A result that is a descriptor, an id or an address is told as ok.
";

/// The whole text.
pub fn text() -> String {
    let mut text = String::from(HEAD);
    text += "\nactions:\n";
    for action in ACTIONS {
        let usage = format!("{} {}", action.name, action.usage);
        text += format!("  {usage:<36} {}", action.about).trim_end();
        text.push('\n');
    }
    text += "\ntopics of `facts`, and the facts of each:\n";
    for topic in TOPICS {
        text += &format!("  {:<12} {}\n", topic.name, topic.facts);
    }
    text
}

/// The action `help`.
pub fn run(_: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    report.flush();
    sys::write_all(1, text().as_bytes());
    Ok(())
}
