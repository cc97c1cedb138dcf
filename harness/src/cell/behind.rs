//! Whether a stream holds lines of the probe in what is not kept of it: facts that nobody reads.

/// How the probe begins a line.
const HEAD: &[u8] = b"{\"fact\":";

/// Follows a stream from its first byte on.
#[derive(Debug, Default)]
pub(crate) struct Behind {
    had: Had,
    found: bool,
}

/// How much of [`HEAD`] the line has had so far, unless it begins in another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Had {
    Bytes(usize),
    Other,
}

impl Default for Had {
    fn default() -> Self {
        Self::Bytes(0)
    }
}

impl Behind {
    /// Takes the next bytes, of which the first ones are kept.
    pub(crate) fn read(&mut self, bytes: &[u8], kept: usize) {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            self.had = match self.had {
                _ if *byte == b'\n' => Had::Bytes(0),
                Had::Bytes(had) if HEAD.get(had).is_none_or(|next| next == byte) => {
                    Had::Bytes((had + 1).min(HEAD.len()))
                }
                _ => Had::Other,
            };
            // A line that the cut goes through is not a whole fact either.
            self.found |= at >= kept && self.had == Had::Bytes(HEAD.len());
            at = match self.had {
                Had::Other => {
                    let rest = bytes[at..].iter().position(|byte| *byte == b'\n');
                    rest.map_or(bytes.len(), |rest| at + rest)
                }
                Had::Bytes(_) => at + 1,
            };
        }
    }

    /// Whether there was one.
    pub(crate) fn found(&self) -> bool {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_probe_are_found_behind_the_cut() {
        for (text, kept, expected) in [
            ("a\n{\"fact\":\"x\"}\n", 0_usize, true),
            ("a\n{\"fact\":\"x\"}\n", 2, true),
            ("a\n{\"fact\":\"x\"}\n", 12, true),
            ("a\n{\"fact\":\"x\"}\nb", 14, false),
            ("a\n{\"fact\":\"x\"}\nb", 16, false),
            ("a {\"fact\":\"x\"}\n", 0, false),
            ("{\"fac\n\"t\":", 0, false),
        ] {
            for size in 1..=text.len() {
                let mut behind = Behind::default();
                for (index, part) in text.as_bytes().chunks(size).enumerate() {
                    behind.read(part, kept.saturating_sub(index * size).min(part.len()));
                }
                assert_eq!(behind.found(), expected, "{text:?} {kept} by {size}");
            }
        }
    }
}
