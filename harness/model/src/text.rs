//! Types that are written as one text: a range, a link, a runtime's versions.

/// Serialises by `Display` and reads by `FromStr`, so that an error has the position of the text.
macro_rules! written_as_text {
    ($type:ident, $description:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($description)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "description": $description})
            }
        }
    };
}

pub(crate) use written_as_text;

/// What a program printed last, in one line: why it crashed, if it did, and not where in its code.
#[must_use]
pub fn last_words(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let crash = lines.iter().position(|line| {
        ["panic: ", "fatal error: "]
            .iter()
            .any(|head| line.starts_with(head))
            || line.contains("panicked at")
    });
    match crash {
        // Rust says where in a line that ends like this, and why in the next one.
        Some(at) if lines[at].ends_with(':') => {
            let why = lines.get(at + 1).copied().unwrap_or_default();
            format!("{} {why}", lines[at])
        }
        Some(at) => lines[at].to_owned(),
        None => lines.last().copied().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_told_by_its_reason() {
        for (text, expected) in [
            ("", ""),
            ("first\nlast\n\n", "last"),
            (
                "time=x level=info\npanic: runtime error: invalid memory address\n[signal SIGSEGV: segmentation violation]\n\n\
                 goroutine 1 [running]:\nmain.main()\n\t/build/main.go:3 +0x1d\n",
                "panic: runtime error: invalid memory address",
            ),
            (
                "fatal error: all goroutines are asleep\n\tx.go:3 +0x1d",
                "fatal error: all goroutines are asleep",
            ),
            (
                "thread 'main' panicked at src/main.rs:3:5:\nindex out of bounds\nnote: run with `RUST_BACKTRACE=1`\n",
                "thread 'main' panicked at src/main.rs:3:5: index out of bounds",
            ),
            (
                "thread 'main' panicked at 'no', src/x.rs:1\nnote: run with",
                "thread 'main' panicked at 'no', src/x.rs:1",
            ),
        ] {
            assert_eq!(last_words(text), expected, "{text}");
        }
    }
}
