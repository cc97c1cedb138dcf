//! A runtime's own words on why a call failed, complete and on one line: what matters may be in the first line of a
//! log, while the last line may be general.

/// The most that is shown, in characters.
const MOST: usize = 1200;

/// Each of its messages, once; from a log line, only the message.
pub(super) fn words(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(message)
        .filter(|line| !line.is_empty())
        .collect();
    let mut said: Vec<&str> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let again = |other: &String| other.contains(plain(line)) && (other.len() > line.len());
        let repeated = lines.iter().any(again) || lines[..at].contains(line);
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
        ] {
            assert_eq!(words(text), said);
        }
        assert!(words(&"x".repeat(5000)).len() < 1300);
    }
}
