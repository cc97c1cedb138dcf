//! The little JSON that the probe writes, by hand: objects of strings, numbers, booleans and lists of strings.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::sys::Errno;

/// The longest string that is written; a longer one ends with `...`.
const MAX_STRING: usize = 64 << 10;

/// The value of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text as the kernel gave it; need not be UTF-8.
    Text(Vec<u8>),
    /// A number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
    /// Texts in a meaningful order.
    List(Vec<Vec<u8>>),
    /// What could not be seen, and why.
    Failed(Errno),
}

impl Value {
    /// Appends the value as JSON.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => string(out, text),
            Self::Int(number) => out.push_str(&number.to_string()),
            Self::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
            Self::Failed(errno) => string(out, errno.name().as_bytes()),
            Self::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    out.push(if index == 0 { '[' } else { ',' });
                    string(out, item);
                }
                out.push_str(if items.is_empty() { "[]" } else { "]" });
            }
        }
    }
}

/// Appends a string with its quotes. Bytes that are not UTF-8 become U+FFFD.
pub fn string(out: &mut String, text: &[u8]) {
    out.push('"');
    for c in String::from_utf8_lossy(&text[..text.len().min(MAX_STRING)]).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push_str(if text.len() > MAX_STRING { "...\"" } else { "\"" });
}

/// Appends `"name":value`, with a comma before it unless it is the first of its object.
pub fn member(out: &mut String, name: &[u8], value: &Value) {
    if !out.ends_with('{') {
        out.push(',');
    }
    string(out, name);
    out.push(':');
    value.write(out);
}

impl From<&[u8]> for Value {
    fn from(text: &[u8]) -> Self {
        Self::Text(text.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(text: Vec<u8>) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

/// A call that returns nothing but success.
impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::from("ok")
    }
}

impl From<Vec<Vec<u8>>> for Value {
    fn from(items: Vec<Vec<u8>>) -> Self {
        Self::List(items)
    }
}

impl From<Vec<String>> for Value {
    fn from(items: Vec<String>) -> Self {
        Self::List(items.into_iter().map(String::into_bytes).collect())
    }
}

impl From<Vec<&[u8]>> for Value {
    fn from(items: Vec<&[u8]>) -> Self {
        Self::List(items.into_iter().map(<[u8]>::to_vec).collect())
    }
}

impl<T: Into<Self>> From<Result<T, Errno>> for Value {
    fn from(result: Result<T, Errno>) -> Self {
        result.map_or_else(Self::Failed, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: impl Into<Value>) -> String {
        let mut out = String::new();
        value.into().write(&mut out);
        out
    }

    #[test]
    fn values_become_json() {
        assert_eq!(json("hi"), r#""hi""#);
        assert_eq!(json(-3), "-3");
        assert_eq!(json(true), "true");
        assert_eq!(json(()), r#""ok""#);
        assert_eq!(json(alloc::vec![b"a".as_slice(), b"b"]), r#"["a","b"]"#);
        assert_eq!(json(Vec::<String>::new()), "[]");
        assert_eq!(json(Err::<u32, _>(Errno(libc::EPERM))), r#""EPERM""#);
    }

    #[test]
    fn strings_are_escaped() {
        assert_eq!(
            json("a\"b\\c\n\r\t\u{1}\u{7f}é"),
            "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u007fé\""
        );
        assert_eq!(json(b"\xff\xfe x".as_slice()), "\"\u{fffd}\u{fffd} x\"");
    }

    #[test]
    fn strings_are_bounded() {
        let text = json("x".repeat(MAX_STRING + 1));
        assert_eq!(text.len(), MAX_STRING + 5);
        assert!(text.ends_with("x...\""));
        assert!(json("x".repeat(MAX_STRING)).ends_with("x\""));
    }

    #[test]
    fn members_are_separated() {
        let mut out = String::from("{");
        member(&mut out, b"a", &Value::Int(1));
        member(&mut out, b"b", &Value::from("{"));
        member(&mut out, b"c", &Value::Bool(false));
        assert_eq!(out, r#"{"a":1,"b":"{","c":false"#);
    }
}
