//! Signs of findings: facts that there are, values that they can have, members that a config has; and that a sign says
//! something.

use ocidiff_model::Value;
use ocidiff_model::facts::{self, Kind};
use ocidiff_model::finding::{Applies, CALL, Instead, Predicate, SAID, Sign};
use ocidiff_model::names::HOOKS;
use ocidiff_model::pattern::{alternatives, glob};

use super::open::anything;
use crate::corpus::check::machine::{self, At};
use crate::corpus::check::slip::Slip;
use crate::corpus::check::values;
use crate::corpus::names;
use crate::corpus::spec::{self, Into};

/// What a failed step printed, and how it was called, which are not facts: for `where` and `others`.
const ASIDE: [(&str, &str); 2] = [(SAID, "lifecycle.<step>.said"), (CALL, "lifecycle.<step>.call")];

/// The members of `process.user` that are numbers.
const USER: [&str; 3] = ["uid", "gid", "umask"];

/// Everything that is wrong with a sign.
pub(super) fn slips(sign: &Sign, applies: Option<&Applies>) -> Vec<At> {
    let at = |keys: &[&str], slip: Slip| (keys.iter().map(|key| (*key).to_owned()).collect(), slip);
    let mut found = Vec::new();
    let rows = Rows::of(&sign.fact);
    let kinds = rows.kinds();
    found.extend(fact(&rows, false).map(|slip| at(&["fact"], slip)));
    let listed = sign.listed.as_ref().and_then(|path| member(path, true));
    found.extend(listed.map(|slip| at(&["listed"], slip)));
    found.extend(predicate(&sign.fact, &kinds, &sign.shows).map(|(key, slip)| at(&[key], slip)));
    found.extend(instead(sign, &kinds).map(|slip| at(&["instead"], slip)));
    for (key, conditions) in [("where", &sign.beside), ("others", &sign.others)] {
        for (path, condition) in conditions {
            let rows = Rows::of(path);
            let slip = fact(&rows, true).or_else(|| {
                let slip = predicate(path, &rows.kinds(), condition);
                slip.map(|(_, slip)| slip)
            });
            found.extend(slip.map(|slip| at(&[key, path], slip)));
        }
    }
    if found.is_empty() {
        found.extend(anything(sign, applies, &kinds).map(|slip| at(&["fact"], slip)));
    }
    found
}

/// The rows of the facts that a path can name, by its alternatives: to find them takes a fifth of the time of loading.
struct Rows<'p> {
    path: &'p str,
    by_alternative: Vec<(String, Vec<&'static Kind>)>,
}

impl<'p> Rows<'p> {
    fn of(path: &'p str) -> Self {
        let alternatives = alternatives(path).into_iter();
        let named = |one: String| {
            let kinds = facts::named(&one);
            (one, kinds)
        };
        Self {
            path,
            by_alternative: alternatives.map(named).collect(),
        }
    }

    fn kinds(&self) -> Vec<&'static Kind> {
        let kinds = self.by_alternative.iter().flat_map(|(_, kinds)| kinds);
        kinds.copied().collect()
    }
}

/// A path of which one alternative names no fact.
fn fact(rows: &Rows<'_>, is_aside_allowed: bool) -> Option<Slip> {
    let path = rows.path;
    let is_there = |one: &str, kinds: &[&Kind]| {
        !kinds.is_empty() && is_about_calls(one, kinds) && is_about_hooks(one, kinds)
    };
    let is_aside = |one: &str| ASIDE.iter().any(|(_, kind)| facts::can_name(one, kind));
    let is_wrong = |one: &str, kinds: &[&Kind]| !(is_there(one, kinds) || is_aside_allowed && is_aside(one));
    let mut alternatives = rows.by_alternative.iter();
    let (wrong, _) = alternatives.find(|(one, kinds)| is_wrong(one, kinds))?;
    if is_aside(wrong) {
        let message = format!("`{path}` is not compared");
        let help = "it can stand in `where` and `others` only".to_owned();
        return Some((message, Some(help)));
    }
    Some((format!("there is no fact `{path}`"), help_for(wrong)))
}

/// The fact that was meant.
fn help_for(path: &str) -> Option<String> {
    let last = path.rsplit('.').next().unwrap_or_default();
    let aside = ASIDE.iter().map(|(word, _)| *word);
    let call = syscall(path)
        .filter(|call| !names::can_be_call(call))
        .and_then(|call| names::call_help(call.trim_matches('*')));
    let meant = || facts::meant(path).map(|meant| format!("did you mean `{meant}`?"));
    let of_step = || {
        let word = ocidiff_model::near::near(last, aside).filter(|_| path.starts_with("lifecycle."))?;
        let head = &path[..path.len() - last.len()];
        Some(format!("did you mean `{head}{word}`?"))
    };
    let of_hook = || {
        let name = hook(path).filter(|name| !HOOKS.contains(name))?;
        let meant = ocidiff_model::near::near(name, HOOKS)?;
        Some(format!("did you mean `{}`?", path.replacen(name, meant, 1)))
    };
    call.or_else(of_hook).or_else(meant).or_else(of_step)
}

/// The call that a fact of calls is about, or the calls, with `*` for any text.
fn syscall(path: &str) -> Option<&str> {
    let rest = path
        .strip_prefix("syscall.")
        .or_else(|| path.strip_prefix("proc.call."))?;
    let name = rest.split(['(', '#']).next().unwrap_or(rest);
    (!name.is_empty()).then_some(name)
}

/// Whether the call of a fact of calls exists; `kinds` are the rows that the path names.
fn is_about_calls(path: &str, kinds: &[&Kind]) -> bool {
    let is_of_call = |kind: &&Kind| kind.fact.contains("<call>");
    !kinds.iter().all(is_of_call) || syscall(path).is_none_or(names::can_be_call)
}

/// The hook that a fact of hooks is about, or the hooks, with `*` for any text.
fn hook(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("hook.")?;
    rest.split(['.', '#']).next()
}

/// Whether a hook has that name in bundles: what a case calls its own hooks is not known of others.
fn is_about_hooks(path: &str, kinds: &[&Kind]) -> bool {
    let is_of_hook = |kind: &&Kind| kind.fact.contains("<hook>");
    let is_one = |name: &str| name.starts_with('*') || HOOKS.iter().any(|hook| glob(name, hook));
    !kinds.iter().all(is_of_hook) || hook(path).is_none_or(is_one)
}

/// What is wrong with a condition, and the member in which it is.
fn predicate(path: &str, kinds: &[&Kind], condition: &Predicate) -> Option<(&'static str, Slip)> {
    let one = |key, value: &Value| Some((key, values::slip(path, kinds, value)?));
    match condition {
        Predicate::Is(value) => one("is", value),
        Predicate::OneOf(all) => all.iter().find_map(|value| one("one-of", value)),
        Predicate::Has(item) => Some(("has", values::entry(path, kinds, item)?)),
        Predicate::Lacks(item) => Some(("lacks", values::entry(path, kinds, item)?)),
        Predicate::Config(member) => Some(("config", self::member(member, false)?)),
        Predicate::IsUser(name) => Some((
            "is-user",
            machine::one_of("member of `process.user`", name, USER)?,
        )),
        Predicate::Any(false) => {
            let message = "`any: false` never holds".to_owned();
            Some(("any", (message, Some("there is `absent: true`".to_owned()))))
        }
        Predicate::Matches(text) => Some(("matches", values::lines(path, kinds, text)?)),
        Predicate::Any(true) | Predicate::Absent(_) | Predicate::Above(_) | Predicate::Below(_) => None,
    }
}

/// What is wrong with what the others show.
fn instead(sign: &Sign, kinds: &[&Kind]) -> Option<Slip> {
    match sign.instead.as_ref()? {
        Instead::Is(value) => values::slip(&sign.fact, kinds, value),
        Instead::Fits(condition) => predicate(&sign.fact, kinds, condition).map(|(_, slip)| slip),
    }
}

/// A path into the config that it does not have, or that does not lead to a list where one is needed.
fn member(path: &str, is_list: bool) -> Option<Slip> {
    let steps: Vec<Into<'_>> = path.split('.').map(Into::Name).collect();
    match spec::check_path("config", &steps) {
        Err(wrong) => Some((format!("{} in `{path}`", wrong.message), wrong.help)),
        Ok(false) if is_list => Some((format!("`{path}` is not a list of the config"), None)),
        Ok(_) => None,
    }
}
