//! Whether a pattern of paths, as a finding's sign has it, can name a fact of the table: whether the two have a text in
//! common.

use super::pattern::{Part, Pattern};
use crate::names;
use crate::step::Op;

/// A part of a path, as far as it is compared with a pattern.
#[derive(Debug, Clone, Copy)]
enum Token {
    Is(u8),
    One(fn(u8) -> bool),
    Many(fn(u8) -> bool),
    /// Any text.
    Open,
    /// `#2`, or nothing.
    Count,
    /// A name that a case gives: nobody can know it, so that only `*` covers it.
    Unnamed,
}

/// A path of the table without alternatives.
#[derive(Debug, Clone)]
pub(super) struct Shape(Vec<Token>);

/// The shapes of some patterns; `per`: there are such facts for each container and exec'ed process.
pub(super) fn shapes(patterns: &[Pattern], per: bool) -> Vec<Shape> {
    let mut found = Vec::new();
    for pattern in patterns {
        let head = [literal(pattern.channel), literal(".")].concat();
        let rests = with_holes(&pattern.parts);
        let mut labels = vec![Vec::new()];
        if per {
            labels.push([vec![Token::Unnamed], literal(".")].concat());
            labels.extend(
                step(&[Op::Exec])
                    .into_iter()
                    .map(|label| [label, literal(".")].concat()),
            );
        }
        for label in &labels {
            let whole = |rest: &Vec<Token>| Shape([&head[..], label, rest].concat());
            found.extend(rests.iter().map(whole));
        }
    }
    found
}

fn literal(text: &str) -> Vec<Token> {
    text.bytes().map(Token::Is).collect()
}

/// Every way to write the parts, in the form of tokens.
fn with_holes(parts: &[Part]) -> Vec<Vec<Token>> {
    let mut all = vec![Vec::new()];
    for part in parts {
        let ways = match part {
            Part::Text(text) => vec![literal(text)],
            Part::Hole(name) => hole(name),
        };
        all = all
            .iter()
            .flat_map(|head| ways.iter().map(move |way| [head.as_slice(), way].concat()))
            .collect();
    }
    all
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_".contains(&byte)
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

/// Every way to fill a hole.
fn hole(name: &str) -> Vec<Vec<Token>> {
    let words = |words: &[&str]| words.iter().map(|word| literal(word)).collect();
    let some = |of: fn(u8) -> bool| vec![vec![Token::One(of), Token::Many(of)]];
    match name {
        "step" => step(&Op::ALL),
        "run" => step(&[Op::Exec, Op::Run]),
        "setting" => words(&names::CGROUP_SETTINGS),
        "limit" => words(&names::RLIMITS),
        "ns" => words(&names::NAMESPACE_LINKS),
        "hierarchy" => hierarchies(),
        "path" => vec![vec![Token::Is(b'/'), Token::Open]],
        "number" => some(is_digit),
        "call" | "hook" => some(is_word),
        _ => vec![vec![Token::Open]],
    }
}

/// The labels of steps, of the first container and of others.
fn step(ops: &[Op]) -> Vec<Vec<Token>> {
    let plain = |op: &Op| [literal(op.name()), vec![Token::Count]].concat();
    let of_other = |op: &Op| [vec![Token::Unnamed], literal("."), plain(op)].concat();
    ops.iter().map(plain).chain(ops.iter().map(of_other)).collect()
}

/// A controller or several, or a hierarchy with a name.
fn hierarchies() -> Vec<Vec<Token>> {
    let known = names::CONTROLLERS.into_iter().chain(names::HIERARCHIES);
    known
        .flat_map(|name| {
            [
                literal(name),
                [literal(name), literal(","), vec![Token::Open]].concat(),
            ]
        })
        .chain([[literal("name="), vec![Token::Open]].concat()])
        .collect()
}

impl Shape {
    /// Whether the pattern can name a path of this shape; `by_name`: without letters of its own where any text can stand.
    pub(super) fn meets(&self, pattern: &str, by_name: bool) -> bool {
        let pattern = pattern.as_bytes();
        let (head, tail) = (
            pattern.iter().zip(&self.0),
            pattern.iter().rev().zip(self.0.iter().rev()),
        );
        clash(head) != Some(true) && clash(tail) != Some(true) && have_common(pattern, &self.0, by_name)
    }
}

/// Whether two ends differ in a letter before something in them is open.
fn clash<'t>(mut pairs: impl Iterator<Item = (&'t u8, &'t Token)>) -> Option<bool> {
    pairs.find_map(|(letter, token)| match (letter, token) {
        (b'*', _) => Some(false),
        (letter, Token::Is(byte)) => (letter != byte).then_some(true),
        _ => Some(false),
    })
}

/// Whether some text fits both. Places in the two are followed in parallel, each pair of places once. Letters stand for
/// any text only behind letters that name the row: `proc.*.umaks` does not name a sysctl.
fn have_common(pattern: &[u8], tokens: &[Token], by_name: bool) -> bool {
    let width = tokens.len() + 1;
    let mut seen = vec![[false; 2]; (pattern.len() + 1) * width];
    let mut open = vec![(0, 0, false)];
    while let Some((at, token, is_named)) = open.pop() {
        if std::mem::replace(&mut seen[at * width + token][usize::from(is_named)], true) {
            continue;
        }
        if (at, token) == (pattern.len(), tokens.len()) {
            return true;
        }
        let letter = pattern.get(at).filter(|letter| **letter != b'*');
        if letter.is_none() && at < pattern.len() {
            open.push((at + 1, token, is_named));
            if token < tokens.len() {
                open.push((at, token + 1, false));
            }
        }
        let Some(next) = tokens.get(token) else { continue };
        if matches!(next, Token::Many(_) | Token::Open | Token::Count) {
            open.push((at, token + 1, is_named));
        }
        match (next, letter) {
            (Token::Is(byte), Some(letter)) if byte == letter => {
                open.push((at + 1, token + 1, is_named || *byte != b'.'));
            }
            (Token::One(of), Some(letter)) if is_named && of(*letter) => open.push((at + 1, token + 1, true)),
            (Token::Many(of), Some(letter)) if of(*letter) => open.push((at + 1, token, is_named)),
            (Token::Open, Some(_)) if is_named && !by_name => open.push((at + 1, token, true)),
            (Token::Count, Some(b'#')) => {
                let digits = pattern[at + 1..].iter().take_while(|byte| byte.is_ascii_digit());
                open.push((at + 1 + digits.count(), token + 1, is_named));
            }
            _ => {}
        }
    }
    false
}
