//! What a YAML text becomes once it is read: many times its size, and without any limit where names stand for parts
//! (`&a`, `*a`). Here it is counted by the parser that will read it, before anything is kept.

use std::cell::Cell;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use crate::limit::{Hint, raised, raised_count};

/// What a value takes besides its text, in bytes: approximately.
const VALUE: u64 = 100;
/// What a file may become, in bytes.
const MOST: u64 = 32 << 20;
/// How deep brackets may be nested, as far as single lines show.
const NESTED: usize = 200;
/// Brackets in all. For each token, the parser looks at all brackets that are open, so time grows with their square.
const BRACKETS: usize = 10_000;

/// Why a text is not passed to the parser.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct TooMuch {
    /// What is wrong.
    pub why: String,
    /// Line, from 1.
    pub line: usize,
}

/// What a text becomes, in bytes, approximately.
///
/// # Errors
/// It is more than a file may become, or nested deeper than anything that people write.
pub fn weigh(text: &str) -> Result<u64, TooMuch> {
    nesting(text)?;
    let plain = text.len() as u64 + VALUE * separators(text);
    if !has_aliases(text) {
        return Ok(plain);
    }
    let left = Cell::new(raised(MOST));
    match Weight(&left).deserialize(serde_yaml::Deserializer::from_str(text)) {
        Err(_) if left.get() == 0 => Err(TooMuch {
            why: format!(
                "with its aliases (`*name`) written out it has more than {} MiB; write less, or fewer aliases; {Hint}",
                raised(MOST) >> 20
            ),
            line: 1,
        }),
        // The reader has a better message for whatever else is wrong.
        _ => Ok(plain.max(raised(MOST) - left.get())),
    }
}

/// The first key that a map has twice: a reader would take one and silently lose the other. `None` if the text is
/// otherwise wrong, for which its reader has a better message.
#[must_use]
pub fn twice(text: &str) -> Option<String> {
    // YAML's own value type refuses such a map, and the parser reports that only through its message.
    let said = serde_yaml::from_str::<serde_yaml::Value>(text).err()?.to_string();
    let (_, key) = said.split_once("duplicate entry with key ")?;
    let key = key.split(" at line ").next().unwrap_or(key);
    Some(key.trim_matches('"').to_owned())
}

/// Every value except the first has one of these before it.
fn separators(text: &str) -> u64 {
    let separates = |byte: &&u8| matches!(byte, b',' | b':' | b'[' | b'{' | b'\n' | b'-' | b'?');
    text.as_bytes().iter().filter(separates).count() as u64
}

/// Whether there may be a `&name` and a `*name`.
fn has_aliases(text: &str) -> bool {
    let names = |mark: u8| {
        let next =
            |pair: &[u8]| pair[0] == mark && (pair[1].is_ascii_alphanumeric() || b"_-".contains(&pair[1]));
        text.as_bytes().windows(2).any(next)
    };
    names(b'&') && names(b'*')
}

/// Refuses deeply nested brackets.
fn nesting(text: &str) -> Result<(), TooMuch> {
    let most = raised_count(BRACKETS);
    let mut scan = Scan::default();
    for (index, line) in text.lines().enumerate() {
        scan.line(line);
        let why = if scan.most > NESTED {
            format!("more than {NESTED} brackets are open at once")
        } else if scan.all > most {
            format!("it has more than {most} brackets `[` and `{{`; {Hint}")
        } else {
            continue;
        };
        let line = index + 1;
        return Err(TooMuch { why, line });
    }
    Ok(())
}

/// Brackets that are open, as far as one line at a time shows.
#[derive(Debug, Default)]
struct Scan {
    all: usize,
    open: usize,
    most: usize,
}

impl Scan {
    /// Quoted text and comments neither open nor close anything.
    fn line(&mut self, line: &str) {
        self.all += line.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count();
        let mut quote = None;
        let mut before = b' ';
        for byte in line.bytes() {
            match (quote, byte) {
                (None, b'#') if before.is_ascii_whitespace() => return,
                (None, b'"' | b'\'') if matches!(before, b' ' | b'\t' | b'[' | b'{' | b',' | b':') => {
                    quote = Some(byte);
                }
                (Some(b'"'), b'"') if before == b'\\' => {}
                (Some(mark), byte) if mark == byte => quote = None,
                (None, b'[' | b'{') => self.open += 1,
                (None, b']' | b'}') => self.open = self.open.saturating_sub(1),
                _ => {}
            }
            self.most = self.most.max(self.open);
            before = byte;
        }
    }
}

/// Counts down by what it is given, to zero.
#[derive(Clone, Copy)]
struct Weight<'a>(&'a Cell<u64>);

impl Weight<'_> {
    fn take<E: Error>(self, text: usize) -> Result<(), E> {
        let left = self.0.get().saturating_sub(VALUE + text as u64);
        self.0.set(left);
        if left == 0 {
            return Err(E::custom("too much"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Weight<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Weight<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.take(0)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.take(0)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.take(0)
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<(), E> {
        self.take(0)
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<(), E> {
        self.take(0)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.take(0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.take(text.len())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.take(0)
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.take(0)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.take(0)?;
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.take(0)?;
        while entries.next_key_seed(self)?.is_some() {
            entries.next_value_seed(self)?;
        }
        Ok(())
    }

    /// A value with a tag, `!name value`.
    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<(), A::Error> {
        let ((), value) = tagged.variant_seed(self)?;
        value.newtype_variant_seed(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_there_twice_is_found_at_any_depth() {
        for (text, key) in [
            ("a: 1\nb: 2\na: 3\n", Some("a")),
            ("- {x: [{k: 1, k: 2}]}\n", Some("k")),
            ("a: {1: x, 1: y}\n", Some("1")),
            ("a: &x {k: 1}\nb: {c: *x, d: *x}\n", None),
            ("a: {k: 1}\nb: {k: 1}\n", None),
            ("a: [k: 1, k: 2]\n", None),
            ("a: !tag {k: 1, k: 2}\n", Some("k")),
            ("a: 'x: 1, x: 2'\n", None),
            ("a: {", None),
        ] {
            assert_eq!(twice(text).as_deref(), key, "{text}");
        }
    }

    #[test]
    fn names_for_parts_are_counted_as_often_as_they_are_used() {
        let one = weigh("a: &x [1, 2, 3]\nb: *x\nc: !tag *x\n").expect("fine");
        assert!(one < 10_000, "{one}");
        let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let below = vec![format!("*a{}", level - 1); 9].join(", ");
            laughs += &format!("a{level}: &a{level} [{below}]\n");
        }
        let long = format!(
            "a: &x {}\nb: [{}]\n",
            "y".repeat(100_000),
            vec!["*x"; 1000].join(", ")
        );
        let error = weigh(&long).expect_err("too much");
        assert!(error.why.contains("aliases"), "{error}");
        // Here the parser itself stops.
        assert!(weigh(&laughs).is_ok_and(|weight| weight < MOST));
        let error = serde_yaml::from_str::<serde_yaml::Value>(&laughs).expect_err("too much");
        assert!(error.to_string().contains("repetition limit"), "{error}");
    }

    #[test]
    fn what_nobody_writes_by_hand_is_not_parsed() {
        for text in [
            "[".repeat(300),
            "{a: ".repeat(300),
            "[ #]\n".repeat(300),
            "[ ']'\n,".repeat(300),
            "[\"\n]\", ".repeat(10_001),
        ] {
            let error = weigh(&text).expect_err("too deep");
            assert!(error.why.contains("brackets"), "{error}");
        }
        let said =
            "cause: it says [ and [ and {\n".repeat(50) + "#".repeat(10).as_str() + &" # [".repeat(1000);
        weigh(&said).expect("text with brackets");
        weigh(&format!("a: '{}'", "[".repeat(1000))).expect("a text of brackets");
    }
}
