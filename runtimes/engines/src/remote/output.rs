//! What a container printed, up to a limit.

use bollard::container::LogOutput;

/// How much of each stream is kept, in bytes.
const MOST_OUTPUT: usize = 1 << 20;

/// What a container printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// To stdout, or to its terminal.
    pub stdout: Vec<u8>,
    /// To stderr.
    pub stderr: Vec<u8>,
    /// How many bytes of each were discarded.
    pub lost: [u64; 2],
}

impl Output {
    /// One more part.
    pub(super) fn add(&mut self, part: LogOutput) {
        let (stream, lost) = match &part {
            LogOutput::StdErr { .. } => (&mut self.stderr, &mut self.lost[1]),
            _ => (&mut self.stdout, &mut self.lost[0]),
        };
        let bytes = part.as_ref();
        let room = MOST_OUTPUT.saturating_sub(stream.len()).min(bytes.len());
        stream.extend_from_slice(&bytes[..room]);
        *lost += (bytes.len() - room) as u64;
    }
}
