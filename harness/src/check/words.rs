//! A runtime's own words on why a call failed, complete and on one line: what matters may be in the first line of a
//! log, while the last line may be general.

use crate::workload::PROBE;

/// The most that is shown, in characters.
const MOST: usize = 1200;

/// Each of its messages, once; from a log line, only the message.
pub(super) fn words(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| without_probe(&without_dumps(&message(line))))
        .filter(|line| !line.is_empty())
        .collect();
    let mut said: Vec<&str> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let again = |other: &String| other.contains(plain(line)) && (other.len() > line.len());
        let passes_on = lines[..at].iter().any(|before| says_more(before, line));
        let repeated = lines.iter().any(again) || lines[..at].contains(line) || passes_on;
        if !repeated {
            said.push(line);
        }
    }
    let said = said.join("; ");
    match said.char_indices().nth(MOST) {
        _ if said.is_empty() => "it says nothing".to_owned(),
        Some((end, _)) => format!("{} ...", &said[..end]),
        None => said,
    }
}

/// Whether a line has the end of a later one, and goes on from there: the later one only passes the failure on.
fn says_more(before: &str, later: &str) -> bool {
    let end = later.rsplit(": ").next().unwrap_or(later);
    end.contains(' ') && before.split_once(end).is_some_and(|(_, more)| !more.is_empty())
}

/// Rust's dump of a value, `Mount { destination: "/data", typ: None }`, shortened to what is essential: the message in
/// it, or its first text, as in `Mount "/data"`.
fn without_dumps(line: &str) -> String {
    let Some((at, end)) = dump(line) else {
        return line.to_owned();
    };
    let inside = &line[at + OPENS.len()..end];
    let from = inside.rfind("message: \"").or_else(|| inside.find('"'));
    let text = from.and_then(|from| inside[from..].split('"').nth(1));
    let text = text.map_or_else(|| " ...".to_owned(), |text| format!(" \"{text}\""));
    format!("{}{text}{}", &line[..at], without_dumps(&line[end + 1..]))
}

const OPENS: &str = " { ";

/// Where a dump opens, behind the name of its type, and where it closes.
fn dump(line: &str) -> Option<(usize, usize)> {
    let is_dump = |at: usize| {
        let name = line[..at].ends_with(|end: char| end.is_ascii_alphanumeric());
        let member = line[at + OPENS.len()..].split_once(": ");
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        name && member.is_some_and(|(member, _)| member.chars().all(plain))
    };
    let (at, _) = line.match_indices(OPENS).find(|(at, _)| is_dump(*at))?;
    let (mut depth, mut quoted) = (0, false);
    for (end, letter) in line[at..].char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted && depth == 1 => return Some((at, at + end)),
            '}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    None
}

/// A line without the probe, which stands where a workload's program does: neither its path nor its arguments are what
/// the workload has.
fn without_probe(line: &str) -> String {
    let mut rest = line;
    let mut said = String::new();
    while let Some((before, after)) = rest.split_once(PROBE) {
        // A list of the arguments begins with the program: `["/program", ...]`, with quotes that may be escaped.
        let head = before.trim_end_matches(['"', '\\']);
        match head.strip_suffix('[').filter(|_| head.len() < before.len()) {
            Some(list) => {
                said.push_str(&format!("{list}[its arguments]"));
                rest = after.find(']').map_or("", |end| &after[end + 1..]);
            }
            None => {
                said.push_str(&format!("{before}its program"));
                rest = after;
            }
        }
    }
    said.push_str(rest);
    said
}

/// What follows the level and the module, or the word error.
fn plain(line: &str) -> &str {
    let rest = line.strip_prefix("ERROR ").unwrap_or(line);
    rest.split_once(": ").map_or(rest, |(_, rest)| rest)
}

/// The message of `time="..." level=error msg="..."`; otherwise the line.
fn message(line: &str) -> String {
    let line = line.trim();
    let quoted = line
        .split_once("msg=")
        .filter(|(head, _)| head.contains("level="))
        .and_then(|(_, rest)| serde_json::from_str::<String>(rest.trim()).ok());
    quoted.unwrap_or_else(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_matters_is_lost_and_nothing_is_told_twice() {
        for (text, said) in [
            ("", "it says nothing"),
            ("a\nb\na\n", "a; b"),
            (
                "time=\"2026\" level=error msg=\"mounting \\\"x\\\": denied\"\n",
                "mounting \"x\": denied",
            ),
            (
                "ERROR lib::mount: EEXIST\nERROR lib: failed to wait: failed\nError: failed to wait: failed\n",
                "ERROR lib::mount: EEXIST; ERROR lib: failed to wait: failed",
            ),
            (
                "ERROR lib::mount: failed to mount Mount { destination: \"/a { b\", typ: None }: create failed\n\
                 ERROR lib::init: failed to prepare err=Mount(Error { operation: \"create\", source: Os { code: 17, message: \"File exists\" } })\n\
                 ERROR lib: failed to wait: error : failed to prepare\n",
                "ERROR lib::mount: failed to mount Mount \"/a { b\": create failed; \
                 ERROR lib::init: failed to prepare err=Mount(Error \"File exists\")",
            ),
            (
                "an open Mount { destination: \"/a\"",
                "an open Mount { destination: \"/a\"",
            ),
            ("a { b } and {\"c\": 1}", "a { b } and {\"c\": 1}"),
            (
                "ERROR lib: failed filename=\"/.ocidiff/probe\" args=[\"/.ocidiff/probe\", \"facts\"]; later",
                "ERROR lib: failed filename=\"its program\" args=[its arguments]; later",
            ),
            (
                r#"executing '\"/.ocidiff/probe\"' with args '[\"/.ocidiff/probe\", \"access\", \"/\"]'"#,
                r#"executing '\"its program\"' with args '[its arguments]'"#,
            ),
            (
                "exec /.ocidiff/probe: permission denied",
                "exec its program: permission denied",
            ),
            // Two failures of the same kind.
            (
                "stat /a: not there here\nexec /b: not there here",
                "stat /a: not there here; exec /b: not there here",
            ),
        ] {
            assert_eq!(words(text), said);
        }
        assert!(words(&"x".repeat(5000)).len() < 1300);
    }
}
