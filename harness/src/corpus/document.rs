//! A YAML file that is being checked: where its keys stand, so that an error names line and column.

use std::cell::OnceCell;

use marked_yaml::types::Node;
use marked_yaml::{LoadError, LoaderOptions};
use ocidiff_confine::in_plain_words;
use ocidiff_confine::yaml::{TooMuch, twice, weigh};
use ocidiff_model::near::near;
use ocidiff_reports::safe_to;
use serde::de::DeserializeOwned;

use super::diagnostic::Diagnostic;

/// How much of a message is shown, in characters: names in it can be of any length.
const MESSAGE: usize = 1000;

/// A file that is being checked: it knows where its keys stand.
#[derive(Debug)]
pub struct Document<'a> {
    /// The name of the file in messages.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
    /// Its keys with their places, computed once an error asks for them: the root, and how many lines come before it.
    places: OnceCell<Option<(Node, usize)>>,
}

impl<'a> Document<'a> {
    /// A file with that name and that text.
    #[must_use]
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            places: OnceCell::new(),
        }
    }

    /// Its content, if no map in it has a key twice.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Diagnostic> {
        if let Some(key) = twice(self.text) {
            let place = second_key(self.text).or_else(|| self.last_line_of(&key));
            let message = format!("`{key}` is written twice in one map");
            let help = "remove one of the two: only the second would count".to_owned();
            return Err(self.error(place.unwrap_or((1, 1)), &message, Some(help)));
        }
        serde_yaml::from_str(self.text).map_err(|error| self.syntax(&error))
    }

    /// An error of the parser, at the place that the parser gives.
    fn syntax(&self, error: &serde_yaml::Error) -> Diagnostic {
        let text = error.to_string();
        let mut place = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        // For a key that is there twice, or whose value is refused as a whole, the parser gives the place of the map.
        if place == (1, 1)
            && let Some(key) = text.split('`').nth(1)
        {
            place = self.last_line_of(key).unwrap_or(place);
        }
        // The parser repeats the position at the end of its text.
        let message = in_plain_words(text.split(" at line ").next().unwrap_or(&text));
        self.error(place, &message, meant(&message))
    }

    /// A text that is not passed to the parser.
    #[must_use]
    pub fn too_much(&self, error: TooMuch) -> Diagnostic {
        self.error((error.line, 1), &error.why, None)
    }

    /// An error of the parser in a member of a family: at the place of the name that it does not know, if it gives one.
    #[must_use]
    pub fn of_member(&self, member: &str, error: String) -> Diagnostic {
        let name = error.split('`').nth(1).unwrap_or_default();
        let place = self.search(&["for", member], &[name], None);
        let place = place.unwrap_or_else(|| self.position(&["for", member]));
        let error = in_plain_words(&error);
        self.error(place, &error, meant(&error))
    }

    /// The last line that starts with the key.
    fn last_line_of(&self, key: &str) -> Option<(usize, usize)> {
        let opens = |line: &str| {
            line.trim_start()
                .strip_prefix(key)
                .is_some_and(|rest| rest.starts_with(':'))
        };
        let (index, line) = self
            .text
            .lines()
            .enumerate()
            .filter(|(_, line)| opens(line))
            .last()?;
        Some((index + 1, line.len() - line.trim_start().len() + 1))
    }

    /// An error at a key, given as the keys that lead to it; at the nearest existing key, if it does not exist.
    #[must_use]
    pub fn at(
        &self,
        keys: &[&str],
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) -> Diagnostic {
        self.error(self.position(keys), &message.into(), help.into())
    }

    /// An error at a line and column of the file.
    #[must_use]
    pub fn error(&self, place: (usize, usize), message: &str, help: Option<String>) -> Diagnostic {
        Diagnostic::new(self.file, place, safe_to(message, MESSAGE), help).within(self.text)
    }

    /// Whether there is such a key.
    #[must_use]
    pub fn has(&self, keys: &[&str]) -> bool {
        let Some(mut node) = self.tree() else {
            return false;
        };
        keys.iter().all(|key| {
            step(node, key).is_some_and(|(_, child)| {
                node = child;
                true
            })
        })
    }

    /// Where a chain of names is found below some keys, whatever lists lie between: its last name, or, for names
    /// in a list, the entry with this value.
    #[must_use]
    pub fn search(
        &self,
        within: &[&str],
        names: &[&str],
        value: Option<&serde_json::Value>,
    ) -> Option<(usize, usize)> {
        let mut node = self.tree()?;
        for key in within {
            node = step(node, key)?.1;
        }
        find(node, names, value, None).or_else(|| find(node, names, None, None))
    }

    /// The text with places, if it is a map.
    fn tree(&self) -> Option<&Node> {
        let (root, before) = self.places.get_or_init(|| places(self.text)).as_ref()?;
        (*before == 0).then_some(root)
    }

    /// Line and column of a key.
    #[must_use]
    pub fn position(&self, keys: &[&str]) -> (usize, usize) {
        if keys.is_empty() {
            return (1, 1);
        }
        match self.places.get_or_init(|| places(self.text)) {
            None => (1, 1),
            Some((root, 0)) => walk(root, keys),
            Some((root, before)) => {
                let (line, column) = walk(root, &[&["list"], keys].concat());
                (line.saturating_sub(*before).max(1), column)
            }
        }
    }
}

/// The text with places. The parser accepts only a map at the top: a list is put under a key, on a line of its own
/// before it.
fn places(text: &str) -> Option<(Node, usize)> {
    // It descends into lists recursively, so only what the other parser accepted is passed to it.
    weigh(text).ok()?;
    serde_yaml::from_str::<serde::de::IgnoredAny>(text).ok()?;
    let list = || tree(&format!("list:\n{text}")).map(|root| (root, 1));
    tree(text).map(|root| (root, 0)).or_else(list)
}

/// The name that was meant by a name that the parser does not know: `unknown field `x`, expected one of `y`, `z``.
fn meant(message: &str) -> Option<String> {
    let (head, tail) = message.split_once("expected")?;
    let name = head.contains("unknown").then(|| head.split('`').nth(1))??;
    let listed: Vec<&str> = match tail.contains('`') {
        true => tail.split('`').skip(1).step_by(2).collect(),
        false => tail.trim_start_matches(" one of ").split(", ").collect(),
    };
    near(name, listed).map(|meant| format!("did you mean `{meant}`?"))
}

/// The text with places. The parser does not know anchors, so they are blanked out if there are any.
fn tree(text: &str) -> Option<Node> {
    let parsed = marked_yaml::parse_yaml(0, text).ok();
    parsed.or_else(|| marked_yaml::parse_yaml(0, without_anchors(text)).ok())
}

/// Where a map first has a key for the second time.
fn second_key(text: &str) -> Option<(usize, usize)> {
    let options = || LoaderOptions::default().error_on_duplicate_keys(true);
    match marked_yaml::parse_yaml_with_options(0, text, options()) {
        Err(LoadError::DuplicateKey(keys)) => {
            let start = keys.key.span().start().copied()?;
            Some((start.line(), start.column()))
        }
        _ => None,
    }
}

/// `&name` as blanks, `*name` as an empty value of the same length.
fn without_anchors(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '*']) {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let name = tail[1..].find(|c| !is_name(c)).map_or(tail.len(), |end| end + 1);
        let begins = out.is_empty() || out.ends_with([' ', '[', '{', ',', '\n']);
        if begins && name > 1 {
            let blank = if tail.starts_with('*') { '~' } else { ' ' };
            out.push(blank);
            out.extend(std::iter::repeat_n(' ', name - 1));
        } else {
            out.push_str(&tail[..name]);
        }
        rest = &tail[name..];
    }
    out.push_str(rest);
    out
}

/// The place of the last key in the chain that exists.
fn walk(root: &Node, keys: &[&str]) -> (usize, usize) {
    let mut best = (1, 1);
    let mut node = root;
    for key in keys {
        let Some((found, child)) = step(node, key) else {
            return best;
        };
        best = found.unwrap_or(best);
        node = child;
    }
    best
}

/// A chain of names below a node; `mounts+` is `mounts` too.
fn find(
    node: &Node,
    names: &[&str],
    value: Option<&serde_json::Value>,
    here: Option<(usize, usize)>,
) -> Option<(usize, usize)> {
    match (node, names) {
        (_, []) if value.is_none() => here,
        (Node::Sequence(items), _) => items.iter().find_map(|item| {
            let mark = item.span().start().map(|at| (at.line(), at.column()));
            find(item, names, value, if names.is_empty() { mark } else { here })
        }),
        (Node::Scalar(text), []) => value
            .is_none_or(|value| is_written(text.as_str(), value))
            .then_some(here)?,
        (_, []) => here,
        (Node::Mapping(map), [first, rest @ ..]) => {
            let of = |is: &dyn Fn(&str) -> bool| {
                map.iter()
                    .filter(|(key, _)| is(key.as_str()))
                    .find_map(|(key, child)| {
                        let mark = key.span().start().map(|at| (at.line(), at.column()));
                        find(child, rest, value, mark)
                    })
            };
            let plain = |name: &str| name.trim_end_matches(['+', '-']) == first.trim_end_matches(['+', '-']);
            of(&|name| name == *first).or_else(|| of(&plain))
        }
        (Node::Scalar(_), _) => None,
    }
}

/// Whether a text in the file has that value.
fn is_written(text: &str, value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(wanted) => {
            text == wanted || wanted.starts_with(text.split("${").next().unwrap_or(text))
        }
        other => {
            let printed = other.to_string();
            text == printed
        }
    }
}

/// The child of a key or index, and the place of the key (or the entry).
fn step<'n>(node: &'n Node, key: &str) -> Option<(Option<(usize, usize)>, &'n Node)> {
    match node {
        Node::Mapping(map) => map
            .iter()
            .find(|(name, _)| name.as_str() == key)
            .map(|(name, child)| (name.span().start().map(|at| (at.line(), at.column())), child)),
        Node::Sequence(items) => {
            let child = items.get(key.parse::<usize>().ok()?)?;
            // A map's own mark is after its first key.
            let mark = match child {
                Node::Mapping(map) => map.iter().next().and_then(|(name, _)| name.span().start()),
                _ => child.span().start(),
            };
            Some((mark.map(|at| (at.line(), at.column())), child))
        }
        Node::Scalar(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_where_they_stand() {
        let text = "summary: s\nwatch:\n  proc: [a]\n  list:\n    - x\n    - y: 1\n";
        let document = Document::new("x.yaml", text);
        assert_eq!(document.position(&["watch", "proc"]), (3, 3));
        assert_eq!(document.position(&["watch", "list", "1"]), (6, 7));
        assert_eq!(
            document.position(&["watch", "missing"]),
            (2, 1),
            "the nearest that is there"
        );
    }

    #[test]
    fn places_are_right_behind_anchors() {
        let text = "summary: s\nsteps: &all [create, start]\nfor:\n  a: {steps: *all, watch: {proc: ['a&b', \"*c\"]}}\n  b: {}\n";
        let document = Document::new("x.yaml", text);
        assert_eq!(document.position(&["for", "b"]), (5, 3));
        assert_eq!(document.position(&["for", "a", "watch", "proc", "1"]), (4, 42));
    }

    #[test]
    fn a_chain_of_names_is_found_through_lists_and_changes() {
        let text = "config:\n  mounts+:\n    - {type: tmpfs}\n    - {type: x, optons: []}\n  process: {args: [a, bad]}\n";
        let document = Document::new("x.yaml", text);
        let search = |names: &[&str], value: Option<&str>| {
            document.search(&["config"], names, value.map(serde_json::Value::from).as_ref())
        };
        assert_eq!(search(&["mounts", "optons"], None), Some((4, 17)));
        assert_eq!(search(&["mounts", "type"], Some("x")), Some((4, 8)));
        assert_eq!(search(&["process", "args"], Some("bad")), Some((5, 23)));
        assert_eq!(search(&["nothing"], None), None);
    }
}
