//! A path of the table: literals and holes.

use crate::names;
use crate::pattern::alternatives;
use crate::step::{MAIN, Op};

/// A part of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(&'static str),
    Hole(&'static str),
}

/// A path without alternatives, as its parts after the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) channel: &'static str,
    pub(super) parts: Vec<Part>,
}

type Holes<'p> = Vec<(&'static str, &'p str)>;

/// Each alternative of a path as a pattern of its own. The table lives as long as the program.
pub(super) fn all(text: &str) -> Vec<Pattern> {
    alternatives(text)
        .into_iter()
        .map(|text| Pattern::of(Box::leak(text.into_boxed_str())))
        .collect()
}

fn parts(mut rest: &'static str) -> Vec<Part> {
    let mut parts = Vec::new();
    while let Some((text, (hole, tail))) = rest
        .split_once('<')
        .and_then(|(text, tail)| Some((text, tail.split_once('>')?)))
    {
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        parts.push(Part::Hole(hole));
        rest = tail;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

impl Pattern {
    /// A path without alternatives.
    pub(super) fn of(text: &'static str) -> Self {
        let (channel, rest) = text.split_once('.').unwrap_or((text, ""));
        Self {
            channel,
            parts: parts(rest),
        }
    }

    /// What stands in the holes, if the path is of this kind.
    pub(super) fn fits<'p>(&self, channel: &str, rest: &'p str) -> Option<Holes<'p>> {
        (self.channel == channel)
            .then(|| walk(&self.parts, rest, false))
            .flatten()
    }

    /// The same for the beginning of a path that ends where a name does.
    pub(super) fn opens_with<'p>(&self, channel: &str, rest: &'p str) -> Option<Holes<'p>> {
        (self.channel == channel)
            .then(|| walk(&self.parts, rest, true))
            .flatten()
    }

    /// Whether it has a hole for any text.
    pub(super) fn takes_any(&self) -> bool {
        self.parts.contains(&Part::Hole("any"))
    }

    /// A path of this kind.
    pub(super) fn example(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => *text,
            Part::Hole(hole) => sample(hole),
        });
        format!("{}.{}", self.channel, parts.collect::<String>())
    }

    /// The path of this kind with the holes filled from another path, name by name.
    pub(super) fn filled_like(&self, path: &str) -> Option<String> {
        let pattern: String = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => (*text).to_owned(),
                Part::Hole(hole) => format!("<{hole}>"),
            })
            .collect();
        let mut theirs = path.split('.').skip(1);
        let mut out = vec![self.channel.to_owned()];
        for name in pattern.split('.') {
            let found = theirs.next().unwrap_or_default();
            out.push(fill(name, found, &mut theirs)?);
        }
        Some(out.join("."))
    }
}

/// One name of a pattern, with its hole filled by what is written in its place.
fn fill<'p>(name: &str, found: &'p str, rest: &mut impl Iterator<Item = &'p str>) -> Option<String> {
    let Some(hole) = name.strip_prefix('<').and_then(|name| name.strip_suffix('>')) else {
        return (!name.contains('<')).then(|| name.to_owned());
    };
    let whole = || std::iter::once(found).chain(rest).collect::<Vec<_>>().join(".");
    match hole {
        "step" | "run" => crate::near::near(found, Op::ALL.map(Op::name)).map(str::to_owned),
        "setting" => {
            let whole = whole();
            crate::near::near(&whole, names::CGROUP_SETTINGS).map(str::to_owned)
        }
        "hierarchy" => {
            let all = names::CONTROLLERS.into_iter().chain(names::HIERARCHIES);
            crate::near::near(found, all).map(str::to_owned)
        }
        "limit" => crate::near::near(found, names::RLIMITS).map(str::to_owned),
        "ns" => crate::near::near(found, names::NAMESPACE_LINKS).map(str::to_owned),
        "path" | "any" => {
            let whole = whole();
            holds(hole, &whole).then_some(whole)
        }
        _ => holds(hole, found).then(|| found.to_owned()),
    }
}

/// Takes the parts one after the other; `open` may end before the last one, at the end of a name.
fn walk<'p>(parts: &[Part], text: &'p str, open: bool) -> Option<Holes<'p>> {
    let Some((first, others)) = parts.split_first() else {
        return text.is_empty().then(Vec::new);
    };
    match first {
        Part::Text(literal) => match text.strip_prefix(literal) {
            Some(rest) if rest.is_empty() && open => Some(Vec::new()),
            Some(rest) => walk(others, rest, open),
            None => (open && ends_a_name(text, literal.strip_prefix(text)?)).then(Vec::new),
        },
        Part::Hole(hole) => (1..=text.len())
            .rev()
            .filter(|at| text.is_char_boundary(*at))
            .find_map(|at| {
                let (inside, rest) = text.split_at(at);
                if rest.is_empty() && open && !others.is_empty() {
                    return open_hole(hole, inside).then(|| vec![(*hole, inside)]);
                }
                if !(holds(hole, inside) || rest.is_empty() && open && open_hole(hole, inside)) {
                    return None;
                }
                let mut holes = walk(others, rest, open)?;
                holes.insert(0, (*hole, inside));
                Some(holes)
            }),
    }
}

fn ends_a_name(text: &str, next: &str) -> bool {
    text.ends_with(['.', '/']) || next.starts_with(['.', '(', '[', '/', '#'])
}

/// Whether a hole can begin with this text, up to the end of a name.
fn open_hole(hole: &str, text: &str) -> bool {
    let all = |names: &[&str]| {
        names.iter().any(|name| {
            name.strip_prefix(text)
                .is_some_and(|next| next.is_empty() || ends_a_name(text, next))
        })
    };
    match hole {
        "setting" => all(&names::CGROUP_SETTINGS),
        // All steps of another container: `lifecycle: [second]`.
        "step" => holds(hole, text) || is_name(text.trim_end_matches('.')),
        _ => holds(hole, text.trim_end_matches('.')),
    }
}

/// Something that can stand in a hole.
fn sample(hole: &str) -> &'static str {
    match hole {
        "step" => "state",
        "run" => "exec",
        "path" => "/a/path",
        "setting" => "pids.max",
        "limit" => "nofile",
        "ns" => "uts",
        "hierarchy" => "memory",
        "number" => "7",
        _ => "any",
    }
}

/// Whether a text can stand in a hole.
fn holds(hole: &str, text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match hole {
        "step" => operation(text).is_some(),
        "run" => matches!(operation(text), Some(Op::Exec | Op::Run)),
        "path" => text.starts_with('/'),
        "call" => {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        }
        "setting" => names::CGROUP_SETTINGS.contains(&text),
        "hierarchy" => text.split(',').all(is_hierarchy),
        "limit" => names::RLIMITS.contains(&text),
        "ns" => names::NAMESPACE_LINKS.contains(&text),
        "hook" => is_name(text),
        "number" => digits(text),
        "any" => !text.is_empty(),
        _ => false,
    }
}

fn is_hierarchy(name: &str) -> bool {
    name.starts_with("name=") || names::CONTROLLERS.contains(&name) || names::HIERARCHIES.contains(&name)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The operation of a step's label.
fn operation(label: &str) -> Option<Op> {
    let label = without_count(label);
    let (container, op) = label.rsplit_once('.').unwrap_or((MAIN, label));
    is_name(container).then(|| Op::of(op)).flatten()
}

/// Whether a text is the label of an exec.
pub(super) fn is_exec(text: &str) -> bool {
    operation(text) == Some(Op::Exec)
}

/// Whether a text is the name of a container, or the label of an exec: what follows the channel.
pub(super) fn is_label(text: &str) -> bool {
    is_exec(text) || is_name(text)
}

/// A path without its counts, of which a second life adds one: `call.mkdir#1#2`.
#[must_use]
pub fn without_counts(text: &str) -> &str {
    without_count(without_count(text))
}

/// `kill#2` is the second `kill`, and `call.#83` a call.
#[must_use]
pub fn without_count(text: &str) -> &str {
    let is_number = |count: &str| !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    match text.rsplit_once('#') {
        Some((head, count)) if !head.ends_with('.') && is_number(count) => head,
        _ => text,
    }
}
