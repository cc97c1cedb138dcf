//! Strings that a program has in its file and has not touched yet.
//!
//! The kernel's side can read only what is in memory. A call that a filter answers never touches its path, and a
//! constant that has not been read yet is not there; nor does a child have what its parent had brought in from a
//! file. So everything constant in the program is copied at its execve, up to a limit. What is in libraries that
//! are mapped later is read while the caller is still alive: it cannot have changed.

use std::fs;

use crate::Pid;
use crate::ptrace::sys::read_memory;

/// An address below which nothing lies.
const LOWEST: u64 = 4096;
/// How much of a program is copied, in bytes.
const MAX_COPY: usize = 16 << 20;

/// What a program has in its file: address and bytes.
#[derive(Debug, Default)]
pub(super) struct Constants(Vec<(u64, Vec<u8>)>);

impl Constants {
    /// Copies everything that is mapped from files and cannot be written, from a task that stands still.
    pub(super) fn of(pid: Pid) -> Self {
        let mut room = MAX_COPY;
        let copy = |(begin, end): (u64, u64)| {
            let length = usize::try_from(end - begin).unwrap_or(usize::MAX).min(room);
            let mut bytes = vec![0; length];
            let count = read_memory(pid, begin, &mut bytes);
            bytes.truncate(count);
            room -= count;
            (begin, bytes)
        };
        Self(mappings(pid).into_iter().map(copy).collect())
    }

    /// Fills the buffer from this address on.
    pub(super) fn read(&self, address: u64, buffer: &mut [u8]) -> usize {
        for (begin, bytes) in &self.0 {
            let skip = address
                .checked_sub(*begin)
                .and_then(|skip| usize::try_from(skip).ok());
            if let Some(rest) = skip
                .and_then(|skip| bytes.get(skip..))
                .filter(|rest| !rest.is_empty())
            {
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                return count;
            }
        }
        0
    }
}

/// Reads from such a mapping of a task that lives, if the address lies in one.
pub(super) fn read_live(tid: Pid, address: u64, buffer: &mut [u8]) -> usize {
    // Addresses at which nothing can be are frequent: no need to look them up.
    if address < LOWEST {
        return 0;
    }
    let Some((_, end)) = mappings(tid)
        .into_iter()
        .find(|(begin, end)| (*begin..*end).contains(&address))
    else {
        return 0;
    };
    let room = usize::try_from(end - address).unwrap_or(usize::MAX);
    let count = buffer.len().min(room);
    read_memory(tid, address, &mut buffer[..count])
}

/// `55d0c0a00000-55d0c0a21000 r--p 00000000 08:01 1234 /usr/bin/x`
fn mappings(tid: Pid) -> Vec<(u64, u64)> {
    let table = fs::read_to_string(format!("/proc/{tid}/maps")).unwrap_or_default();
    table.lines().filter_map(constant).collect()
}

fn constant(line: &str) -> Option<(u64, u64)> {
    let mut fields = line.split_ascii_whitespace();
    let (range, rights) = (fields.next()?, fields.next()?);
    let inode = fields.nth(2)?;
    if inode == "0" || !rights.starts_with('r') || rights.contains('w') {
        return None;
    }
    let (begin, end) = range.split_once('-')?;
    Some((
        u64::from_str_radix(begin, 16).ok()?,
        u64::from_str_radix(end, 16).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_from_a_file_and_stays_as_it_is() {
        let table = [
            (
                "1000-3000 r--p 00000000 08:01 12 /usr/bin/x",
                Some((0x1000, 0x3000)),
            ),
            (
                "1000-3000 r-xp 00000000 08:01 12 /usr/bin/x",
                Some((0x1000, 0x3000)),
            ),
            ("1000-3000 rw-p 00000000 08:01 12 /usr/bin/x", None),
            ("1000-3000 r--p 00000000 00:00 0 [vvar]", None),
            ("garbage", None),
        ];
        for (line, range) in table {
            assert_eq!(constant(line), range, "{line}");
        }
    }

    #[test]
    fn a_constant_of_ones_own() {
        static TEXT: &[u8] = b"a constant of this program";
        let me = Pid::try_from(std::process::id()).expect("a pid fits");
        let mut buffer = [0; 10];
        let at = TEXT.as_ptr() as u64;
        assert_eq!(read_live(me, at, &mut buffer), 10);
        assert_eq!(&buffer, b"a constant");
        let constants = Constants::of(me);
        assert_eq!(constants.read(at + 2, &mut buffer[..8]), 8);
        assert_eq!(&buffer, b"constantnt");
        let heap = b"written".to_vec();
        assert_eq!(read_live(me, heap.as_ptr() as u64, &mut buffer), 0);
        assert_eq!(constants.read(heap.as_ptr() as u64, &mut buffer), 0);
    }
}
