//! What the probe's copy cannot show of a workload's config: what is wrong with it, or can be read in more than one
//! way, is corrected on the way to the copy, and a verdict must not rest on that.

use std::collections::BTreeSet;
use std::fmt;

use ocidiff_model::names::is_alike;
use ocidiff_reports::first_of;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::UNCHECKED;
use crate::corpus::spec::in_other_capitals;

/// The most bytes of an argument or a variable with its zero byte (MAX_ARG_STRLEN of Linux with pages of 4 KiB).
const LONGEST: usize = 32 * 4096;

/// A line for each, after [`UNCHECKED`].
pub(super) fn doubts(text: &str, config: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if let Err(error) = serde_json::from_str::<Once>(text) {
        // Without the position, which is part of serde_json's message.
        let said = error.to_string();
        found.push(said.split(" at line").next().unwrap_or_default().to_owned());
    }
    found.extend(some_in_other_capitals(config));
    let text_at = |at: &str| config.pointer(at).and_then(Value::as_str);
    if text_at("/root/path").is_none_or(str::is_empty) {
        found.push("the config has no root.path, and the copy has one".to_owned());
    }
    let args = config.pointer("/process/args").and_then(Value::as_array);
    if args.is_none_or(Vec::is_empty) {
        found.push("the config has no process.args, and the copy has the probe's".to_owned());
    }
    let zero = |arg: &Value| arg.as_str().is_some_and(|arg| arg.contains('\0'));
    if args.is_some_and(|args| args.iter().any(zero)) {
        found.push("an argument has a zero byte, which not all runtimes take for its end".to_owned());
    }
    let env = config.pointer("/process/env").and_then(Value::as_array);
    let mut texts = args.into_iter().chain(env).flatten();
    if texts.any(|one| one.as_str().is_some_and(|text| text.len() >= LONGEST)) {
        found.push("an argument or a variable is longer than the kernel takes".to_owned());
    }
    if args.is_some_and(|args| !args.iter().all(Value::is_string)) {
        found.push("an argument is not a text, and not all runtimes refuse that".to_owned());
    }
    if let Some(path) = text_at("/linux/cgroupsPath")
        && (path.trim_matches('/').is_empty() || path.split('/').any(|part| part == ".."))
    {
        found.push("its linux.cgroupsPath is an unusual one, and the copy's is not".to_owned());
    }
    found
        .into_iter()
        .map(|line| format!("{UNCHECKED}{line}"))
        .collect()
}

/// What some runtimes take for a member of the spec's, and others for an unknown one; hooks are spoken of elsewhere.
pub(crate) fn some_in_other_capitals(config: &Value) -> Option<String> {
    let all = in_other_capitals(config);
    let is_hook = |path: &str| path.split('.').next().is_some_and(|name| is_alike(name, "hooks"));
    // Members of several items of a list have one path.
    let mut met = BTreeSet::new();
    let others = all.iter().filter(|path| !is_hook(path) && met.insert(*path));
    let names = first_of(others.map(|path| path.chars().take(60).collect::<String>()), 5);
    (!names.is_empty()).then(|| {
        format!("{names}: written in other capitals than the spec has, and not all runtimes read that")
    })
}

/// JSON in which no object has a member twice: if there are two, some runtimes take the first, and some the last.
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Once;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Once, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            map.next_value::<Once>()?;
            if names.contains(&name) {
                let name: String = name.chars().take(60).collect();
                return Err(A::Error::custom(format!(
                    "the config says the member {name} twice, and not all runtimes take the same one"
                )));
            }
            names.insert(name);
        }
        Ok(Once)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Once, A::Error> {
        while list.next_element::<Once>()?.is_some() {}
        Ok(Once)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_str<E>(self, _: &str) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_unit<E>(self) -> Result<Once, E> {
        Ok(Once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_several_items_is_named_once() {
        let namespaces = serde_json::json!([{"Type": "pid"}, {"Type": "ipc"}]);
        let named = some_in_other_capitals(&serde_json::json!({"linux": {"namespaces": namespaces}}));
        let names = named.as_deref().and_then(|line| line.split(": ").next());
        assert_eq!(names, Some("linux.namespaces.Type"));
    }

    #[test]
    fn what_the_copy_puts_right_is_doubted() {
        let good =
            r#"{"root": {"path": "rootfs"}, "process": {"args": ["a"]}, "linux": {"cgroupsPath": "/a/b"}}"#;
        let of = |text: &str| doubts(text, &serde_json::from_str(text).expect("JSON"));
        assert!(of(good).is_empty(), "{:?}", of(good));
        for (from, to, says) in [
            (
                r#""args": ["a"]"#,
                r#""args": ["a"], "args": ["b"]"#,
                "the member args twice",
            ),
            (r#""path": "rootfs""#, "", "no root.path"),
            (r#"["a"]"#, "[]", "no process.args"),
            (r#"["a"]"#, r#"["a", "b\u0000c"]"#, "zero byte"),
            ("/a/b", "/", "cgroupsPath"),
            ("/a/b", "../../x", "cgroupsPath"),
        ] {
            let found = of(&good.replace(from, to));
            assert!(
                found.len() == 1 && found[0].starts_with(UNCHECKED) && found[0].contains(says),
                "{says}: {found:?}"
            );
        }
    }
}
