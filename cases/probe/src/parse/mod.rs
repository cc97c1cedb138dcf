//! Parses the kernel's text files and what runtimes send, without reading them.

pub mod json;
pub mod mountinfo;
pub mod number;
pub mod status;

/// The words of a text, at any white space.
pub fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
}

/// The lines of a text; an empty one at the end does not count.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// The text without the newline that files of the kernel end with.
pub fn trimmed(text: &[u8]) -> &[u8] {
    text.trim_ascii_end()
}
