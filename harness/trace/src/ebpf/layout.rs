//! What both sides of the recorder share: numbers and layouts of `recorder.bpf.c`, which says what they mean.

use crate::Pid;

pub(super) const MAX_RUNS: u32 = 256;
pub(super) const MAX_NUMBERS: usize = 1024;
/// The addresses under which an execve's parts are sent.
pub(super) const ENVIRONMENT: u64 = 1;
pub(super) const FILENAME: u64 = 2;
pub(super) const ARGUMENTS: u64 = 3;

pub(super) const SILENT: u32 = 1;
pub(super) const SETUP: u32 = 3;

pub(super) const OF_WORKLOAD: u32 = 1;
pub(super) const COMPAT: u32 = 2;
pub(super) const GROUP_DEAD: u32 = 4;

pub(super) const STRING: u32 = 1;
pub(super) const BUFFER: u32 = 2;
pub(super) const WORDS3: u32 = 3;
pub(super) const WORDS5: u32 = 4;
pub(super) const DESCRIPTOR: u32 = 5;
pub(super) const RETURNS_DESCRIPTOR: u32 = 1 << 24;
pub(super) const IS_SETUP: u32 = 1 << 25;
pub(super) const ALWAYS: u32 = 1 << 26;

/// The entry that makes the calling process a member of a run: its numbers are learned by the kernel's side.
pub(super) fn member(slot: u32, state: u32) -> Vec<u8> {
    [slot, state, 0, 0, 0, 0, 0, 0]
        .iter()
        .flat_map(|word| word.to_ne_bytes())
        .collect()
}

/// `struct run`.
#[derive(Debug, Clone, Default)]
pub(super) struct Run {
    pub(super) armed: Pid,
    pub(super) everything: bool,
    pub(super) lost: u64,
    pub(super) keep: u64,
    pub(super) wanted: [[u64; MAX_NUMBERS / 64]; 2],
}

impl Run {
    pub(super) fn want(&mut self, compat: bool, nr: usize) {
        if let Some(word) = self.wanted[usize::from(compat)].get_mut(nr / 64) {
            *word |= 1 << (nr % 64);
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(self.armed.to_ne_bytes());
        bytes.extend(u32::from(self.everything).to_ne_bytes());
        bytes.extend(self.lost.to_ne_bytes());
        // What was sent: nothing so far.
        bytes.extend([0; 16]);
        bytes.extend(self.keep.to_ne_bytes());
        bytes.extend(self.wanted.iter().flatten().flat_map(|word| word.to_ne_bytes()));
        bytes
    }

    /// How many events were lost, from the bytes of a run.
    pub(super) fn lost_of(bytes: &[u8]) -> u64 {
        word(bytes, 8)
    }
}

/// Calls that were only counted: the key, and the sum over all CPUs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count {
    pub(super) slot: u32,
    pub(super) compat: bool,
    pub(super) nr: u32,
    /// 0, or the errno.
    pub(super) error: u16,
}

impl Count {
    pub(super) fn parse(key: &[u8]) -> Self {
        Self {
            slot: half(key, 0),
            compat: half(key, 4) != 0,
            nr: half(key, 8),
            error: u16::try_from(half(key, 12)).unwrap_or(u16::MAX),
        }
    }

    pub(super) fn sum(values: &[Vec<u8>]) -> u64 {
        values.iter().map(|value| word(value, 0)).sum()
    }
}

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Call,
    Enter,
    Fork,
    Exec,
    End,
    Trap,
}

/// An event as it lies in the ring.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event<'ring> {
    pub(super) kind: Kind,
    pub(super) flags: u32,
    pub(super) tid: Pid,
    pub(super) tgid: Pid,
    pub(super) nr: u32,
    pub(super) other: i32,
    pub(super) ret: i64,
    pub(super) args: [u64; 6],
    chunks: &'ring [u8],
}

const HEAD: usize = 80;

impl<'ring> Event<'ring> {
    pub(super) fn parse(bytes: &'ring [u8]) -> Option<Self> {
        let (head, chunks) = bytes.split_at_checked(HEAD)?;
        let kind = match half(head, 0) {
            1 => Kind::Call,
            2 => Kind::Enter,
            3 => Kind::Fork,
            4 => Kind::Exec,
            5 => Kind::End,
            6 => Kind::Trap,
            _ => return None,
        };
        Some(Self {
            kind,
            flags: half(head, 4),
            tid: half(head, 8).cast_signed(),
            tgid: half(head, 12).cast_signed(),
            nr: half(head, 16),
            other: half(head, 20).cast_signed(),
            ret: word(head, 24).cast_signed(),
            args: std::array::from_fn(|at| word(head, 32 + 8 * at)),
            chunks,
        })
    }

    pub(super) fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// The chunks: address, whether it is a descriptor's, and bytes.
    pub(super) fn chunks(&self) -> impl Iterator<Item = (u64, bool, &'ring [u8])> {
        let mut rest = self.chunks;
        std::iter::from_fn(move || {
            let (head, tail) = rest.split_at_checked(16)?;
            let len = half(head, 8) as usize;
            let bytes = tail.get(..len)?;
            rest = tail.get(len.next_multiple_of(8)..).unwrap_or_default();
            Some((word(head, 0), half(head, 12) != 0, bytes))
        })
    }

    /// The bytes at an address, or those of a descriptor.
    pub(super) fn chunk(&self, address: u64) -> Option<&'ring [u8]> {
        self.chunks()
            .find(|(at, descriptor, _)| *at == address && !descriptor)
            .map(|(_, _, bytes)| bytes)
    }
}

fn half(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at + 4)
        .and_then(|part| part.try_into().ok())
        .map_or(0, u32::from_ne_bytes)
}

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at + 8)
        .and_then(|part| part.try_into().ok())
        .map_or(0, u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_the_size_of_the_kernels() {
        assert_eq!(Run::default().to_bytes().len(), 40 + 2 * MAX_NUMBERS / 8);
        assert_eq!(member(1, SETUP).len(), 32);
    }

    #[test]
    fn garbage_is_no_event() {
        assert!(Event::parse(&[1; 40]).is_none());
        assert!(Event::parse(&[9; 200]).is_none());
        let mut bytes = vec![0; HEAD];
        bytes[0] = 1;
        // A chunk that claims to be longer than what is there.
        bytes.extend([0; 8]);
        bytes.extend(100_u32.to_ne_bytes());
        bytes.extend([0; 4]);
        assert_eq!(Event::parse(&bytes).expect("an event").chunks().count(), 0);
    }
}
