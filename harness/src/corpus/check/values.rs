//! Values of facts: the table of facts knows what many of them can be, so that a number in quotes or a misspelt word is
//! an error and not a value that nobody ever shows.

use std::sync::LazyLock;

use ocidiff_model::facts::{Form, Kind};
use ocidiff_model::pattern::{alternatives, glob};
use ocidiff_model::{Value, fact, near};
use ocidiff_seccomp::action::errno_name;

use super::entries;
use super::slip::Slip;
use crate::corpus::names;
use crate::machine::names::{capability_names, capability_number};

/// What is wrong with a value that is given for one of the facts of some rows: that no row can have it.
pub(super) fn slip(path: &str, kinds: &[&Kind], value: &Value) -> Option<Slip> {
    wrong(path, kinds, value, admits)
}

/// The same for a value that was observed, and is written down: a runtime may have words of its own for some.
pub(super) fn observed(path: &str, kinds: &[&Kind], value: &Value) -> Option<Slip> {
    let has_own_words = kinds.iter().any(|kind| kind.own_words);
    wrong(
        path,
        kinds,
        value,
        if has_own_words { is_of_kind } else { admits },
    )
}

/// An entry that a list can never have, where all rows are lists of known words.
pub(super) fn entry(path: &str, kinds: &[&Kind], entry: &str) -> Option<Slip> {
    let is_known = |kind: &&Kind| kind.values.iter().any(Form::is_list_of_names);
    if kinds.is_empty() || !kinds.iter().all(is_known) {
        return None;
    }
    slip(path, kinds, &Value::List(vec![entry.to_owned()]))
}

/// A pattern of lines for facts that have none.
pub(super) fn lines(path: &str, kinds: &[&Kind], text: &str) -> Option<Slip> {
    let can_match = |form: &Form| match form {
        Form::Number | Form::Bool => false,
        form if form.is_list_of_names() => alternatives(text).iter().any(|one| entries::can_have(form, one)),
        _ => true,
    };
    let is_open = |kind: &&Kind| kind.values.is_empty() || kind.values.iter().any(can_match);
    if kinds.is_empty() || kinds.iter().any(is_open) {
        return None;
    }
    let help = "names have no CAP_ and no SIG, and numbers have `above` and `below`".to_owned();
    Some((format!("no value of `{path}` matches `{text}`"), Some(help)))
}

fn wrong(path: &str, kinds: &[&Kind], value: &Value, fits: fn(&[Form], &Value) -> bool) -> Option<Slip> {
    if let Some(slip) = errno_of_call(path, kinds, value) {
        return Some(slip);
    }
    let is_absent = *value == Value::from(fact::ABSENT);
    let can_be = |kind: &&Kind| kind.values.is_empty() || fits(&kind.values, value);
    if is_absent || kinds.is_empty() || kinds.iter().any(can_be) {
        return None;
    }
    let mut forms: Vec<&Form> = Vec::new();
    for form in kinds.iter().flat_map(|kind| &kind.values) {
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    let says: Vec<String> = forms.iter().map(|form| form.says()).collect();
    let message = format!(
        "`{path}` is never {}: it is {}",
        value.quoted(),
        says.join(" or ")
    );
    Some((message, meant(&forms, value)))
}

/// Whether the value is of one of the forms; `*` in a text stands for anything.
fn admits(forms: &[Form], value: &Value) -> bool {
    let has = |form: Form| forms.contains(&form);
    match value {
        Value::Int(_) => has(Form::Number),
        Value::Bool(_) => has(Form::Bool),
        Value::List(items) => forms.iter().any(|form| match form {
            Form::List => true,
            Form::Capabilities => are_capabilities(items),
            form => form.is_list_of_names() && items.iter().all(|item| entries::can_have(form, item)),
        }),
        Value::Text(text) => forms.iter().any(|form| match form {
            Form::Word(word) => glob(text, word),
            Form::Signal => is_signal(text),
            Form::Errno => is_errno(text),
            // What can be a number is one wherever it is a number.
            Form::Text | Form::Words => !(has(Form::Number) && text.parse::<i64>().is_ok()),
            _ => false,
        }),
    }
}

/// Whether a value of that kind can be there, whatever its words.
fn is_of_kind(forms: &[Form], value: &Value) -> bool {
    forms.iter().any(|form| match (form, value) {
        (Form::Number, Value::Int(_)) | (Form::Bool, Value::Bool(_)) => true,
        (form, Value::List(_)) => form.is_list(),
        // What can be a number is one, and so is what can be true or false.
        (Form::Text | Form::Words | Form::Errno | Form::Signal | Form::Word(_), Value::Text(text)) => {
            let is_number = forms.contains(&Form::Number) && text.parse::<i64>().is_ok();
            let is_bool = forms.contains(&Form::Bool) && text.parse::<bool>().is_ok();
            !is_number && !is_bool
        }
        _ => false,
    })
}

/// What looks like an error that a call gave, and is none.
fn errno_of_call(path: &str, kinds: &[&Kind], value: &Value) -> Option<Slip> {
    let Value::Text(text) = value else { return None };
    let is_call = |kind: &&Kind| kind.fact.contains("<call>");
    if kinds.is_empty() || !kinds.iter().all(is_call) || !looks_like_errno(text) || is_known_errno(text) {
        return None;
    }
    let help = near::help(text, ERRNOS.iter().map(String::as_str));
    Some((
        format!("`{path}` is never `{text}`: there is no such error"),
        help,
    ))
}

/// The names of errors, as the recorder writes them.
static ERRNOS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let names = (1..=LAST_ERRNO).map(errno_name);
    names.filter(|name| looks_like_errno(name)).collect()
});

/// The last of the kernel's own, which only a tracer sees; those of errno(3) come before.
const LAST_ERRNO: u16 = 530;

fn is_known_errno(text: &str) -> bool {
    ERRNOS.iter().any(|name| name == text)
}

fn looks_like_errno(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit();
    let name = text.strip_prefix('E');
    name.is_some_and(|rest| rest.len() >= 2 && rest.chars().all(is_letter))
}

fn is_open(text: &str) -> bool {
    text.contains('*')
}

fn is_signal(text: &str) -> bool {
    let name = text.strip_prefix("signal ");
    name.is_some_and(names::is_shown_signal) || (is_open(text) && could_begin(text, "signal "))
}

fn is_errno(text: &str) -> bool {
    (looks_like_errno(text) && is_known_errno(text)) || (is_open(text) && could_begin(text, "E"))
}

/// Whether a pattern leaves room for a text that begins like this.
fn could_begin(pattern: &str, head: &str) -> bool {
    let literal = pattern.split('*').next().unwrap_or_default();
    literal.starts_with(head) || head.starts_with(literal)
}

/// Whether a list can be that of a capability set.
fn are_capabilities(items: &[String]) -> bool {
    if items.iter().any(|item| is_open(item)) {
        return items
            .iter()
            .all(|item| entries::can_have(&Form::Capabilities, item));
    }
    let bits: Option<Vec<usize>> = items.iter().map(|item| bit(item)).collect();
    bits.is_some_and(|bits| bits.is_sorted_by(|one, next| one < next))
}

/// A capability's bit by its name without `CAP_`, or by its number where it has no name.
fn bit(item: &str) -> Option<usize> {
    let number = || item.parse().ok().filter(|bit| *bit >= capability_names().len());
    let named = capability_number(item).filter(|_| !item.starts_with("CAP_"));
    named.or_else(number)
}

/// What to write in its place.
fn meant(forms: &[&Form], value: &Value) -> Option<String> {
    let has = |form: Form| forms.contains(&&form);
    let written = match value {
        Value::Text(text) if has(Form::Number) && text.parse::<i64>().is_ok() => text.clone(),
        Value::Text(text) if has(Form::Bool) && text.parse::<bool>().is_ok() => text.clone(),
        Value::Text(text) if has(Form::Signal) && text.starts_with("signal ") => {
            let name = text.trim_start_matches("signal ");
            return names::signal_help(name).map(|meant| format!("did you mean `signal {meant}`?"));
        }
        Value::Text(text) => {
            let words: Vec<&str> = forms
                .iter()
                .filter_map(|form| match form {
                    Form::Word(word) => Some(word.as_str()),
                    _ => None,
                })
                .collect();
            return near::near(text, words).map(|meant| format!("did you mean `{meant}`?"));
        }
        Value::Int(_) | Value::Bool(_) if has(Form::Text) => format!("\"{}\"", value.line()),
        Value::List(items) if has(Form::Capabilities) => sorted(items)?,
        Value::List(items) => {
            let form = forms.iter().find(|form| form.is_list_of_names())?;
            let wrong = items.iter().find(|item| !entries::can_have(form, item))?;
            return entries::meant(form, wrong).map(|meant| format!("did you mean `{meant}`?"));
        }
        _ => return None,
    };
    Some(format!("write {written}"))
}

/// The capabilities of a list in their order, if all of them are known.
fn sorted(items: &[String]) -> Option<String> {
    let mut bits: Vec<usize> = items
        .iter()
        .map(|item| capability_number(item))
        .collect::<Option<_>>()?;
    bits.sort_unstable();
    bits.dedup();
    let names: Vec<&str> = bits.iter().map(|bit| capability_names()[*bit]).collect();
    Some(format!("[{}]", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use ocidiff_model::facts;

    use super::*;

    fn told(path: &str, yaml: &str) -> String {
        let value: Value = serde_yaml::from_str(yaml).expect(yaml);
        match slip(path, &facts::named(path), &value) {
            None => String::new(),
            Some((message, help)) => format!("{message}; {}", help.unwrap_or_default()),
        }
    }

    #[test]
    fn a_value_that_a_fact_can_have_passes() {
        for (path, value) in [
            ("process.exit", "0"),
            ("process.exit", "signal TERM"),
            ("process.exit", "signal 34"),
            ("process.exit", "'signal *'"),
            ("process.exit", "'*'"),
            ("process.exit", "still running"),
            ("process.exit", "(absent)"),
            ("process.exec.exit", "1"),
            ("lifecycle.kill#2.result", "error"),
            ("lifecycle.state.status", "cre*"),
            ("lifecycle.state.pid", "'0'"),
            ("proc.init.caps.eff", "[CHOWN, KILL]"),
            ("proc.init.caps.eff", "[CHOWN, '41']"),
            ("proc.init.caps.eff", "['*', KILL]"),
            ("proc.init.caps.eff", "[]"),
            ("proc.init.no_new_privs", "true"),
            ("proc.init.ns.net", "E*"),
            ("cgroup.pids.max", "max"),
            ("cgroup.pids.max", "7"),
            ("proc.call.mkdir", "'0'"),
            ("proc.call.mkdir", "0"),
            ("proc.umask", "'0022'"),
            ("lifecycle.*.result", "ok"),
        ] {
            assert_eq!(told(path, value), "", "{path}: {value}");
        }
    }

    #[test]
    fn a_value_that_a_fact_never_has_is_told_with_what_was_meant() {
        for (path, value, expected) in [
            (
                "process.exit",
                "'0'",
                "`process.exit` is never \"0\": it is a whole number or `signal NAME` or",
            ),
            ("process.exit", "'0'", "write 0"),
            ("process.exit", "true", "is never true"),
            ("process.exit", "signal TRM", "did you mean `signal TERM`?"),
            ("process.exit", "signal SIGTERM", "did you mean `signal TERM`?"),
            ("process.exit", "SIGTERM", "is never \"SIGTERM\""),
            ("process.exit", "'sgnal *'", "is never"),
            ("process.stdout", "hello", "it is a list of texts"),
            ("lifecycle.create.result", "okay", "it is `ok` or `error`"),
            ("lifecycle.state.status", "creatd", "did you mean `created`?"),
            ("proc.init.no_new_privs", "'true'", "write true"),
            ("proc.umask", "22", "write \"22\""),
            (
                "proc.init.caps.eff",
                "[CAP_KILL, CAP_CHOWN]",
                "write [CHOWN, KILL]",
            ),
            ("proc.init.caps.eff", "[KILL, CHOWN]", "write [CHOWN, KILL]"),
            ("proc.init.caps.eff", "['CAP_*']", "without CAP_"),
            ("proc.init.caps.eff", "[KIL]", "without CAP_"),
            ("cgroup.pids.max", "'7'", "write 7"),
            ("proc.init.ns.net", "shard", "did you mean `shared`?"),
            ("lifecycle.*.result", "eror", "did you mean `error`?"),
        ] {
            let told = told(path, value);
            assert!(told.contains(expected), "{path}: {value}: {told}");
        }
    }

    #[test]
    fn a_runtime_s_own_words_can_be_written_down_and_other_kinds_of_values_cannot() {
        let told = |path, value: Value| observed(path, &facts::named(path), &value).is_some();
        assert!(!told("lifecycle.state.status", "half made".into()));
        assert!(told("lifecycle.state.status", Value::Int(3)));
        assert!(
            told("lifecycle.create.result", "okk".into()) && !told("lifecycle.create.result", "ok".into())
        );
        assert!(told("process.exit", Value::List(Vec::new())));
        assert!(told("cgroup.pids.max", "7".into()));
        assert!(told("process.exit", "1".into()) && told("proc.nnp", "true".into()));
        let entry = |path, item| entry(path, &facts::named(path), item).is_some();
        assert!(entry("proc.init.caps.eff", "CAP_KILL") && !entry("proc.init.caps.eff", "KI*"));
        assert!(entry("syscall.denied", "CAP_KILL") && !entry("process.stdout", "CAP_KILL"));
    }
}
