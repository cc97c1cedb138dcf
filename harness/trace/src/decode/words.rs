//! Bytes as text.

use std::fmt::Write as _;

/// Bytes as text that is safe to show: quotes, backslashes, control characters and what is not UTF-8 escaped.
pub(super) fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '"' | '\\' => text.extend(['\\', letter]),
                letter if letter.is_control() => text.extend(letter.escape_default()),
                letter => text.push(letter),
            }
        }
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// A string up to its zero, cut and escaped.
#[cfg(ebpf)]
pub(crate) fn text(bytes: &[u8], max_string: usize) -> String {
    let string = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let kept = string.get(..max_string).unwrap_or(string);
    let more = if kept.len() < string.len() { "..." } else { "" };
    format!("{}{more}", escape(kept))
}

/// Strings with a zero after each, as a list: arguments, an environment.
#[cfg(ebpf)]
pub(crate) fn list(block: &[u8], max_string: usize) -> String {
    let block = block.strip_suffix(&[0]).unwrap_or(block);
    let items = block
        .split(|byte| *byte == 0)
        .map(|item| format!("\"{}\"", text(item, max_string)));
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A file mode as people write it: `02775`.
pub(super) fn octal(mode: u64) -> String {
    format!("0{:03o}", mode & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes() {
        for (mode, text) in [(0o2775, "02775"), (0o640, "0640"), (0o7, "0007"), (0, "0000")] {
            assert_eq!(octal(mode), text);
        }
    }
}
