//! Which cases run, by patterns.

use ocidiff_model::near;
use ocidiff_model::pattern::glob;

use crate::corpus::Entry;

/// The cases that a pattern chooses, in order of their names; all cases if there is no pattern.
///
/// # Errors
/// A sentence for a pattern that chooses nothing.
pub fn select<'c>(entries: &'c [Entry], patterns: &[String]) -> Result<Vec<&'c Entry>, String> {
    if entries.is_empty() {
        return Err("there are no cases".to_owned());
    }
    for pattern in patterns {
        if !entries.iter().any(|entry| chosen(pattern, entry)) {
            let names = entries
                .iter()
                .flat_map(|entry| [entry.case.name.as_str(), entry.case.file_name()]);
            let meant = near::near(pattern, names).map(|meant| format!("did you mean `{meant}`? "));
            return Err(format!(
                "no case is named `{pattern}`; {}`ocidiff list` shows them all",
                meant.unwrap_or_default()
            ));
        }
    }
    let wanted =
        |entry: &&Entry| patterns.is_empty() || patterns.iter().any(|pattern| chosen(pattern, entry));
    Ok(entries.iter().filter(wanted).collect())
}

/// A name, the file of a family, a topic, or a pattern with `*`.
fn chosen(pattern: &str, entry: &Entry) -> bool {
    let name = &entry.case.name;
    name == pattern
        || entry.case.file_name() == pattern
        || entry.case.topic() == pattern.trim_end_matches('/')
        || (pattern.contains('*') && glob(pattern, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_brackets_are_brackets() {
        for (pattern, name, expected) in [
            ("seccomp/*", "seccomp/tar-setgid", true),
            ("*[nofile]", "process/rlimit[nofile]", true),
            ("process/rlimit[*]", "process/rlimit[nofile]", true),
            ("*x*", "seccomp/y", false),
            ("*", "anything", true),
        ] {
            assert_eq!(glob(pattern, name), expected, "{pattern} on {name}");
        }
    }
}
