//! Strings and words from a caller's memory.

use super::Source;
use super::words::escape;
use crate::arch::is_narrow;
use crate::record::Arch;

/// The smallest page of any architecture: a read that does not cross one is whole or fails.
const PAGE: u64 = 4096;
/// How much to read at once: most paths are shorter.
const CHUNK: u64 = 256;
/// How many members of a list of strings are kept.
const MAX_LIST: usize = 32;

/// Reads from a caller's memory, with a limit on strings.
#[derive(Debug)]
pub(super) struct Memory {
    max_string: usize,
}

impl Memory {
    pub(super) fn new(max_string: usize) -> Self {
        Self { max_string }
    }

    /// A terminated string, quoted as text; `NULL`, or `ptr` where it cannot be read.
    pub(super) fn string(&self, source: &dyn Source, address: u64) -> String {
        match self.plain_string(source, address) {
            Some(text) => format!("\"{text}\""),
            None if address == 0 => "NULL".to_owned(),
            None => "ptr".to_owned(),
        }
    }

    /// The same without quotes.
    pub(super) fn plain_string(&self, source: &dyn Source, address: u64) -> Option<String> {
        let mut bytes = Vec::new();
        while bytes.len() <= self.max_string {
            let at = address.checked_add(bytes.len() as u64)?;
            let mut chunk = [0u8; CHUNK as usize];
            let count = (PAGE - at % PAGE).min(CHUNK) as usize;
            let count = source.read(at, &mut chunk[..count]);
            if count == 0 {
                return None;
            }
            let read = &chunk[..count];
            match read.iter().position(|byte| *byte == 0) {
                Some(end) => {
                    bytes.extend_from_slice(&read[..end]);
                    break;
                }
                None => bytes.extend_from_slice(read),
            }
        }
        Some(self.escape(&bytes))
    }

    /// This many bytes, quoted.
    pub(super) fn bytes(&self, source: &dyn Source, address: u64, length: u64) -> String {
        let wanted = usize::try_from(length)
            .unwrap_or(usize::MAX)
            .min(self.max_string + 1);
        let mut bytes = vec![0u8; wanted];
        let count = source.read(address, &mut bytes);
        if count == 0 && wanted > 0 {
            return pointer(address);
        }
        bytes.truncate(count);
        format!("\"{}\"", self.escape(&bytes))
    }

    /// A list of strings that ends with a null pointer: an argument vector.
    pub(super) fn strings(&self, source: &dyn Source, arch: Arch, address: u64) -> String {
        if address == 0 {
            return "NULL".to_owned();
        }
        let width = if is_narrow(arch) { 4 } else { 8 };
        let mut items = Vec::new();
        for at in 0..=MAX_LIST as u64 {
            let Some(item) = self.pointer(source, arch, address + at * width) else {
                break;
            };
            match item {
                0 => break,
                _ if items.len() == MAX_LIST => items.push("...".to_owned()),
                item => items.push(self.string(source, item)),
            }
        }
        format!("[{}]", items.join(", "))
    }

    /// How many members a list of strings has.
    pub(super) fn count(&self, source: &dyn Source, arch: Arch, address: u64) -> String {
        const MANY: u64 = 4096;
        if address == 0 {
            return "NULL".to_owned();
        }
        let width = if is_narrow(arch) { 4 } else { 8 };
        let is_end = |at: &u64| matches!(self.pointer(source, arch, address + at * width), None | Some(0));
        format!("[{} strings]", (0..MANY).find(is_end).unwrap_or(MANY))
    }

    fn pointer(&self, source: &dyn Source, arch: Arch, address: u64) -> Option<u64> {
        if is_narrow(arch) {
            self.half(source, address).map(u64::from)
        } else {
            self.word(source, address)
        }
    }

    pub(super) fn word(&self, source: &dyn Source, address: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        (source.read(address, &mut bytes) == 8).then(|| u64::from_ne_bytes(bytes))
    }

    pub(super) fn half(&self, source: &dyn Source, address: u64) -> Option<u32> {
        let mut bytes = [0; 4];
        (source.read(address, &mut bytes) == 4).then(|| u32::from_ne_bytes(bytes))
    }

    fn escape(&self, bytes: &[u8]) -> String {
        let kept = bytes.get(..self.max_string).unwrap_or(bytes);
        let mut text = escape(kept);
        if kept.len() < bytes.len() {
            text.push_str("...");
        }
        text
    }
}

/// A pointer, without where it points.
pub(super) fn pointer(address: u64) -> String {
    if address == 0 {
        "NULL".to_owned()
    } else {
        "ptr".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> &'static dyn Source {
        Box::leak(Box::new(crate::ptrace::Live(
            crate::Pid::try_from(std::process::id()).expect("a pid fits"),
        )))
    }

    #[test]
    fn strings_are_cut_and_escaped() {
        let table: [(&[u8], usize, &str); 5] = [
            (b"/etc/passwd\0", 256, "\"/etc/passwd\""),
            (b"/etc/passwd\0", 4, "\"/etc...\""),
            (b"abcd\0", 4, "\"abcd\""),
            (b"a\nb\x1b\"\\\0", 256, "\"a\\nb\\u{1b}\\\"\\\\\""),
            (b"\xffx\xc3\xa9\0", 256, "\"\\xffx\u{e9}\""),
        ];
        for (bytes, max, text) in table {
            assert_eq!(Memory::new(max).string(me(), bytes.as_ptr() as u64), text);
        }
    }

    #[test]
    fn long_strings_cross_chunks() {
        let mut long = vec![b'x'; 10_000];
        long.push(0);
        let text = Memory::new(20_000).plain_string(me(), long.as_ptr() as u64);
        assert_eq!(text.map(|text| text.len()), Some(10_000));
    }

    #[test]
    fn what_cannot_be_read_is_only_a_pointer() {
        let memory = Memory::new(256);
        assert_eq!(memory.string(me(), 0), "NULL");
        assert_eq!(memory.string(me(), 8), "ptr");
        assert_eq!(memory.string(me(), u64::MAX - 3), "ptr");
        assert_eq!(memory.bytes(me(), 8, 100), "ptr");
    }

    #[test]
    fn lists_of_strings() {
        let list = [c"a".as_ptr(), c"b c".as_ptr(), std::ptr::null()];
        let memory = Memory::new(256);
        assert_eq!(
            memory.strings(me(), crate::arch::NATIVE, list.as_ptr() as u64),
            "[\"a\", \"b c\"]"
        );
        assert_eq!(
            memory.count(me(), crate::arch::NATIVE, list.as_ptr() as u64),
            "[2 strings]"
        );
    }
}
