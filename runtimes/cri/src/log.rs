//! A container's log, as containerd and CRI-O write it: `TIME stdout|stderr F|P TEXT`, one line per piece.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// More is not read.
const MOST_BYTES: u64 = 8 << 20;

/// What a container printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// On stdout.
    pub stdout: Vec<u8>,
    /// On stderr.
    pub stderr: Vec<u8>,
    /// How many bytes of the log were not read.
    pub lost: u64,
}

/// Reads the log of a container that was started.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> io::Result<Output> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    let mut output = parse(&bytes);
    output.lost = size.saturating_sub(MOST_BYTES);
    Ok(output)
}

fn parse(bytes: &[u8]) -> Output {
    let mut output = Output::default();
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        let mut parts = piece.splitn(4, |byte| *byte == b' ');
        let (Some(_time), Some(stream), Some(tag), Some(text)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let to = match stream {
            b"stdout" => &mut output.stdout,
            b"stderr" => &mut output.stderr,
            _ => continue,
        };
        // The line end of a piece belongs to the log: for a whole line (F) it belongs to the program as well.
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        to.extend_from_slice(text);
        if !tag.starts_with(b"P") {
            to.push(b'\n');
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_put_together_by_stream() {
        let log = b"2026-01-01T00:00:00Z stdout P half \n2026-01-01T00:00:00Z stderr F err\n\
            2026-01-01T00:00:00Z stdout F a line\n\nodd\n2026-01-01T00:00:00Z stdout F \n";
        let output = parse(log);
        assert_eq!(output.stdout, b"half a line\n\n");
        assert_eq!(output.stderr, b"err\n");
    }
}
