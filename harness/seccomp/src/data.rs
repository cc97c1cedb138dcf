//! What a filter can see of a call: `struct seccomp_data`, and the architectures in it.

use std::fmt;

/// Bytes of `struct seccomp_data`.
pub const DATA_SIZE: u32 = 64;

/// One call, as a filter sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SeccompData {
    /// Number of the call.
    pub nr: u32,
    /// Architecture, an `AUDIT_ARCH_*` value.
    pub arch: u32,
    /// Where the call was made from.
    pub instruction_pointer: u64,
    /// The arguments, whole registers.
    pub args: [u64; 6],
}

impl SeccompData {
    /// A call without the rest, which filters rarely look at.
    pub const fn new(arch: u32, nr: u32, args: [u64; 6]) -> Self {
        Self {
            nr,
            arch,
            instruction_pointer: 0,
            args,
        }
    }

    /// The 32-bit word at a byte offset; `None` when there is none there.
    pub fn word(&self, offset: u32) -> Option<u32> {
        let field = Field::at(offset)?;
        Some(match field {
            Field::Nr => self.nr,
            Field::Arch => self.arch,
            Field::Ip { high } => half(self.instruction_pointer, high),
            Field::Arg { index, high } => half(*self.args.get(usize::from(index))?, high),
        })
    }
}

fn half(value: u64, high: bool) -> u32 {
    if high {
        (value >> 32) as u32
    } else {
        (value & 0xffff_ffff) as u32
    }
}

/// A word of [`SeccompData`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Number of the call.
    Nr,
    /// Architecture.
    Arch,
    /// Half of the instruction pointer.
    Ip {
        /// The upper half.
        high: bool,
    },
    /// Half of an argument.
    Arg {
        /// 0 to 5.
        index: u8,
        /// The upper half.
        high: bool,
    },
}

impl Field {
    /// The field at a byte offset of the struct; `None` outside it or between words.
    pub const fn at(offset: u32) -> Option<Self> {
        if offset >= DATA_SIZE || !offset.is_multiple_of(4) {
            return None;
        }
        // Which half comes first depends on the machine's byte order.
        let high = (offset % 8 == 4) == cfg!(target_endian = "little");
        Some(match offset {
            0 => Self::Nr,
            4 => Self::Arch,
            8 | 12 => Self::Ip { high },
            _ => Self::Arg {
                index: ((offset - 16) / 8) as u8,
                high,
            },
        })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let half = |high| if high { "high" } else { "low" };
        match *self {
            Self::Nr => out.write_str("nr"),
            Self::Arch => out.write_str("arch"),
            Self::Ip { high } => write!(out, "ip {}", half(high)),
            Self::Arg { index, high } => write!(out, "args[{index}] {}", half(high)),
        }
    }
}

/// `AUDIT_ARCH_X86_64`.
pub const ARCH_X86_64: u32 = 0xc000_003e;
/// `AUDIT_ARCH_I386`.
pub const ARCH_I386: u32 = 0x4000_0003;
/// `AUDIT_ARCH_AARCH64`.
pub const ARCH_AARCH64: u32 = 0xc000_00b7;
/// `AUDIT_ARCH_ARM`.
pub const ARCH_ARM: u32 = 0x4000_0028;
/// `AUDIT_ARCH_RISCV64`.
pub const ARCH_RISCV64: u32 = 0xc000_00f3;
/// The bit that marks an x32 call, which has the architecture of x86_64.
pub const X32_BIT: u32 = 0x4000_0000;

/// Architectures that filters of engines test for.
const ARCHES: &[(u32, &str)] = &[
    (ARCH_X86_64, "AUDIT_ARCH_X86_64"),
    (ARCH_I386, "AUDIT_ARCH_I386"),
    (ARCH_AARCH64, "AUDIT_ARCH_AARCH64"),
    (ARCH_ARM, "AUDIT_ARCH_ARM"),
    (ARCH_RISCV64, "AUDIT_ARCH_RISCV64"),
    (0x0000_0008, "AUDIT_ARCH_MIPS"),
    (0x4000_0008, "AUDIT_ARCH_MIPSEL"),
    (0x8000_0008, "AUDIT_ARCH_MIPS64"),
    (0xc000_0008, "AUDIT_ARCH_MIPSEL64"),
    (0xa000_0008, "AUDIT_ARCH_MIPS64N32"),
    (0xe000_0008, "AUDIT_ARCH_MIPSEL64N32"),
    (0x0000_0014, "AUDIT_ARCH_PPC"),
    (0x8000_0015, "AUDIT_ARCH_PPC64"),
    (0xc000_0015, "AUDIT_ARCH_PPC64LE"),
    (0x0000_0016, "AUDIT_ARCH_S390"),
    (0x8000_0016, "AUDIT_ARCH_S390X"),
    (0xc000_0102, "AUDIT_ARCH_LOONGARCH64"),
];

/// The constant's name for an architecture.
pub fn arch_name(arch: u32) -> Option<&'static str> {
    ARCHES
        .iter()
        .find(|(value, _)| *value == arch)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_call() {
        let call = SeccompData {
            nr: 452,
            arch: ARCH_X86_64,
            instruction_pointer: 0x1_0000_0002,
            args: [0xaaaa_bbbb_cccc_dddd, 1, 2, 3, 4, 5],
        };
        let words = [
            (0, 452),
            (4, ARCH_X86_64),
            (8, 2),
            (12, 1),
            (16, 0xcccc_dddd),
            (20, 0xaaaa_bbbb),
            (56, 5),
        ];
        for (offset, value) in words {
            assert_eq!(call.word(offset), Some(value), "offset {offset}");
        }
        assert_eq!(call.word(64), None);
        assert_eq!(call.word(2), None);
    }
}
