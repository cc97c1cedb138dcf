//! A reader for the JSON that runtimes send.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::json::Value;

/// How deep objects and lists may be nested.
const DEPTH: usize = 16;

/// Every scalar, and every list of strings, by its dotted path (`state.status`); `None` if it is not JSON.
pub fn leaves(text: &[u8]) -> Option<Vec<(String, Value)>> {
    let mut reader = Reader { rest: text };
    let mut leaves = Vec::new();
    reader.value("", DEPTH, &mut leaves)?;
    reader.space();
    reader.rest.is_empty().then_some(leaves)
}

type Leaves = Vec<(String, Value)>;

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn value(&mut self, path: &str, depth: usize, leaves: &mut Leaves) -> Option<()> {
        self.space();
        let scalar = match self.rest.first()? {
            b'{' => return self.object(path, depth.checked_sub(1)?, leaves),
            b'[' => return self.list(path, depth.checked_sub(1)?, leaves),
            b'"' => Value::Text(self.string()?),
            _ => self.bare()?,
        };
        leaves.push((path.to_string(), scalar));
        Some(())
    }

    fn object(&mut self, path: &str, depth: usize, leaves: &mut Leaves) -> Option<()> {
        let mut first = true;
        self.take(b'{')?;
        while self.more(b'}', &mut first)? {
            self.space();
            let name = String::from_utf8_lossy(&self.string()?).into_owned();
            self.space();
            self.take(b':')?;
            let dot = if path.is_empty() { "" } else { "." };
            self.value(&format!("{path}{dot}{name}"), depth, leaves)?;
        }
        Some(())
    }

    fn list(&mut self, path: &str, depth: usize, leaves: &mut Leaves) -> Option<()> {
        let mut first = true;
        let mut items = Leaves::new();
        self.take(b'[')?;
        while self.more(b']', &mut first)? {
            let index = items.len();
            self.value(&format!("{path}.{index}"), depth, &mut items)?;
        }
        let texts = items.iter().map(|(_, value)| match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        });
        match texts.collect::<Option<Vec<_>>>() {
            Some(texts) => leaves.push((path.to_string(), Value::List(texts))),
            None => leaves.append(&mut items),
        }
        Some(())
    }

    /// Whether another member follows, its comma taken.
    fn more(&mut self, end: u8, first: &mut bool) -> Option<bool> {
        self.space();
        if self.take(end).is_some() {
            return Some(false);
        }
        if !core::mem::replace(first, false) {
            self.take(b',')?;
        }
        Some(true)
    }

    fn string(&mut self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        self.take(b'"')?;
        loop {
            match self.next()? {
                b'"' => return Some(text),
                b'\\' => match self.next()? {
                    b'n' => text.push(b'\n'),
                    b'r' => text.push(b'\r'),
                    b't' => text.push(b'\t'),
                    b'b' => text.push(8),
                    b'f' => text.push(12),
                    b'u' => text.extend(self.escaped()?.to_string().bytes()),
                    other => text.push(other),
                },
                byte => text.push(byte),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        let code = u32::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?;
        Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// A number or a word. Null, and anything that is not a whole number, remain text.
    fn bare(&mut self) -> Option<Value> {
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b",:]}".contains(byte);
        let end = self.rest.iter().position(is_end).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        match text {
            b"true" => Some(true.into()),
            b"false" => Some(false.into()),
            b"null" => Some(text.into()),
            _ if !text.first()?.is_ascii_digit() && text[0] != b'-' => None,
            _ => {
                let number = core::str::from_utf8(text).ok()?.parse::<i64>();
                Some(number.map_or_else(|_| text.into(), Value::Int))
            }
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[byte])?;
        Some(())
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_have_their_paths() {
        let text = br#" {"a": {"b": "x\"\u0041", "pid": 12}, "fds": ["one", "two"], "none": [], "mixed": [1, true]} "#;
        let text_of = |text: &str| Value::from(text);
        let expected: Vec<(String, Value)> = [
            ("a.b", text_of("x\"A")),
            ("a.pid", Value::Int(12)),
            (
                "fds",
                Value::from(alloc::vec!["one".to_string(), "two".to_string()]),
            ),
            ("none", Value::List(Vec::new())),
            ("mixed.0", Value::Int(1)),
            ("mixed.1", Value::Bool(true)),
        ]
        .into_iter()
        .map(|(path, value)| (path.to_string(), value))
        .collect();
        assert_eq!(leaves(text), Some(expected));
    }

    #[test]
    fn what_is_no_json_gives_nothing() {
        for text in [
            "",
            "{",
            "hello",
            "{\"a\"}",
            "{\"a\":1} x",
            "[1 2]",
            "\"open",
            "{\"a\":}",
        ] {
            assert_eq!(leaves(text.as_bytes()), None, "{text}");
        }
        assert_eq!(leaves("[".repeat(99).as_bytes()), None);
    }
}
