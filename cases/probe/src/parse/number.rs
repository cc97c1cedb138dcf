//! Numbers as people write them.

/// Decimal, `0x` hexadecimal or `0o` octal; with a sign, the value is what the kernel's register would hold.
pub fn word(text: &[u8]) -> Option<usize> {
    let text = core::str::from_utf8(text).ok()?;
    match text.strip_prefix('-') {
        Some(digits) => Some(usize::wrapping_neg(magnitude(digits)?)),
        None => magnitude(text),
    }
}

fn magnitude(text: &str) -> Option<usize> {
    // The standard parsers accept a plus sign, which is a file name here.
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
        (Some(digits), _) => usize::from_str_radix(digits, 16).ok(),
        (_, Some(digits)) => usize::from_str_radix(digits, 8).ok(),
        _ => text.parse().ok(),
    }
}

/// A file mode: octal, as for chmod.
pub fn mode(text: &[u8]) -> Option<u32> {
    let text = core::str::from_utf8(text).ok()?;
    u32::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8).ok()
}

/// A count.
pub fn count(text: &[u8]) -> Option<u64> {
    word(text)
        .filter(|_| !text.starts_with(b"-"))
        .and_then(|number| u64::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_three_bases() {
        assert_eq!(word(b"12"), Some(12));
        assert_eq!(word(b"0x1f"), Some(31));
        assert_eq!(word(b"0o2775"), Some(0o2775));
        assert_eq!(word(b"-100"), Some(usize::MAX - 99));
        for text in [&b""[..], b"-", b"+1", b"1x", b"/x", b"0x", b"\xff"] {
            assert_eq!(word(text), None);
        }
    }

    #[test]
    fn modes_are_octal() {
        assert_eq!(mode(b"2775"), Some(0o2775));
        assert_eq!(mode(b"0o644"), Some(0o644));
        assert_eq!(mode(b"9"), None);
    }

    #[test]
    fn counts_have_no_sign() {
        assert_eq!(count(b"7"), Some(7));
        assert_eq!(count(b"-7"), None);
    }
}
