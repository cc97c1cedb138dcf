//! What a container printed: lines of the probe become facts (the second of a name is `NAME#2`), the rest is
//! text.

use ocidiff_model::{Channel, Fact, Value};
use serde::Deserialize;

use crate::cell::observe::Names;
use crate::cell::pump::Lost;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    fact: String,
    value: Value,
}

/// Facts of the probe whose name begins like this belong to the channel, the others to `proc`; the flag says
/// whether the first word is the channel's own and is dropped.
const CHANNELS: [(&str, Channel, bool); 7] = [
    ("mount.", Channel::Mount, true),
    ("mounts", Channel::Mount, false),
    ("masked.", Channel::Mount, false),
    ("readonly.", Channel::Mount, false),
    ("dev", Channel::Mount, false),
    ("cgroup.", Channel::Cgroup, true),
    ("cgroupfs.", Channel::Cgroup, false),
];

/// What one process prints, on both of its streams.
#[derive(Debug)]
pub(crate) struct Printed<'a> {
    /// What comes between the channel and the rest in paths of the process's facts.
    prefix: &'a str,
    seen: Names,
}

impl<'a> Printed<'a> {
    pub(crate) fn by(prefix: &'a str) -> Self {
        Self {
            prefix,
            seen: Names::default(),
        }
    }

    /// The facts of a stream, and the lines that are not facts. What was discarded is reported as a last line.
    pub(crate) fn read(&mut self, bytes: &[u8], lost: Option<&Lost>) -> (Vec<Fact>, Vec<String>) {
        let text = String::from_utf8_lossy(bytes);
        let mut facts = Vec::new();
        let mut lines = Vec::new();
        for line in text.lines() {
            match serde_json::from_str::<Line>(line) {
                Ok(Line { fact, value }) => {
                    let path = self.seen.next(path(&fact, self.prefix));
                    facts.push(Fact::new(path, value));
                }
                Err(_) => lines.push(line.to_owned()),
            }
        }
        lines.extend(lost.map(Lost::to_string));
        (facts, lines)
    }
}

/// `caps.effective` becomes `proc.caps.effective`, or `proc.exec.caps.effective` for an exec'ed process. What
/// is also seen from outside gets `inside`: `mount.inside./proc`.
fn path(fact: &str, prefix: &str) -> String {
    match CHANNELS.iter().find(|(head, _, _)| fact.starts_with(head)) {
        Some((head, channel, own)) => {
            let rest = if *own {
                fact.strip_prefix(head).unwrap_or(fact)
            } else {
                fact
            };
            format!("{channel}.{prefix}inside.{rest}")
        }
        None => format!("{}.{prefix}{fact}", Channel::Proc),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_probe_are_facts_and_all_else_is_text() {
        let out = b"{\"fact\":\"caps.effective\",\"value\":[\"KILL\"]}\nhello\n{\"fact\":1}\n\
                    {\"fact\":\"mount./proc\",\"value\":\"proc\"}\n{\"fact\":\"call.mkdir\",\"value\":\"EPERM\"}";
        let lost = Lost {
            bytes: 3,
            digest: Some("0123456789abcdef0123".to_owned()),
        };
        let mut printed = Printed::by("");
        let (facts, lines) = printed.read(out, Some(&lost));
        let paths: Vec<_> = facts.iter().map(|fact| fact.path.as_str()).collect();
        assert_eq!(
            paths,
            ["proc.caps.effective", "mount.inside./proc", "proc.call.mkdir"]
        );
        assert_eq!(
            lines,
            [
                "hello",
                "{\"fact\":1}",
                "(and 3 more bytes, sha256 0123456789abcdef)"
            ]
        );
        let (facts, _) = printed.read(b"{\"fact\":\"call.mkdir\",\"value\":1}", None);
        assert_eq!(facts[0].path, "proc.call.mkdir#2", "on the other stream");
    }
}
