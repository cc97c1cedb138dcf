//! A filter as the kernel keeps it: a list of instructions of eight bytes each.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of one instruction in the kernel's `struct sock_filter`.
pub const INSTRUCTION_SIZE: usize = 8;

/// One instruction, `struct sock_filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Instruction {
    /// Operation; see [`crate::opcode`].
    pub code: u16,
    /// Instructions to skip when a test holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// The operation's constant.
    pub k: u32,
}

impl Instruction {
    /// An instruction that is not a test.
    pub const fn plain(code: u16, k: u32) -> Self {
        Self {
            code,
            jt: 0,
            jf: 0,
            k,
        }
    }

    /// A test with its two branches.
    pub const fn test(code: u16, k: u32, jt: u8, jf: u8) -> Self {
        Self { code, jt, jf, k }
    }
}

/// A whole filter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Filter(pub Vec<Instruction>);

/// The bytes are not a whole number of instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("read a filter: {0} bytes are not a whole number of instructions")]
pub struct NotWhole(pub usize);

impl Filter {
    /// Reads the kernel's layout, in the machine's byte order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotWhole> {
        if !bytes.len().is_multiple_of(INSTRUCTION_SIZE) {
            return Err(NotWhole(bytes.len()));
        }
        Ok(Self(
            bytes
                .chunks_exact(INSTRUCTION_SIZE)
                .filter_map(instruction)
                .collect(),
        ))
    }

    /// Writes the kernel's layout: the inverse of [`Filter::from_bytes`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len() * INSTRUCTION_SIZE);
        for one in &self.0 {
            bytes.extend(one.code.to_ne_bytes());
            bytes.extend([one.jt, one.jf]);
            bytes.extend(one.k.to_ne_bytes());
        }
        bytes
    }

    /// Number of instructions.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no instruction at all (which no kernel accepts).
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// SHA-256 of the bytes, in hex: equal digests mean equal filters, word for word.
    pub fn digest(&self) -> String {
        Sha256::digest(self.to_bytes())
            .iter()
            .fold(String::with_capacity(64), |mut hex, byte| {
                // Writing to a string cannot fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            })
    }

    /// The first 12 characters of [`Filter::digest`]: enough to distinguish filters in a report.
    pub fn short_digest(&self) -> String {
        let mut digest = self.digest();
        digest.truncate(12);
        digest
    }
}

fn instruction(bytes: &[u8]) -> Option<Instruction> {
    let &[c0, c1, jt, jf, k0, k1, k2, k3] = bytes else {
        return None;
    };
    Some(Instruction {
        code: u16::from_ne_bytes([c0, c1]),
        jt,
        jf,
        k: u32::from_ne_bytes([k0, k1, k2, k3]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_instructions_are_inverses() {
        let filter = Filter(vec![
            Instruction::plain(0x20, 4),
            Instruction::test(0x15, 0xc000_003e, 0, 1),
            Instruction::plain(0x06, 0x7fff_0000),
        ]);
        let bytes = filter.to_bytes();
        assert_eq!(bytes.len(), 24);
        assert_eq!(Filter::from_bytes(&bytes), Ok(filter));
    }

    #[test]
    fn half_an_instruction_is_refused() {
        assert_eq!(Filter::from_bytes(&[0; 12]), Err(NotWhole(12)));
        assert_eq!(Filter::from_bytes(&[]), Ok(Filter::default()));
    }

    #[test]
    fn digest_is_sha256_of_the_bytes() {
        let empty = Filter::default();
        assert_eq!(
            empty.digest(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(empty.short_digest(), "e3b0c44298fc");
    }
}
