//! What several tests need: seeded dice, real filters, and whether a class contains a call.

use ocidiff_seccomp::data::{ARCH_AARCH64, ARCH_ARM, ARCH_I386, ARCH_X86_64, X32_BIT};
use ocidiff_seccomp::decide::partition::{Abi, Class};
use ocidiff_seccomp::opcode::{Op, Source};
use ocidiff_seccomp::profile::Rule;
use ocidiff_seccomp::{Decider, Filter, Profile, SeccompData};

/// Numbers that look random and are the same in each run (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to one less than `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.roll() % end.max(1) as u64) as usize
    }

    /// True one time in `many`.
    pub(crate) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// These files are shared with the tests of harness/trace, which is next to this crate.
const FILTERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../seccomp/tests/filters");

/// A filter as it was read back from the kernel under a runtime.
pub(crate) fn real(name: &str) -> Filter {
    let path = format!("{FILTERS}/{name}.hex");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    from_hex(&text)
}

/// The names of all of them.
pub(crate) fn real_names() -> Vec<String> {
    let entries = std::fs::read_dir(FILTERS).expect("the filters are there");
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(".hex")?.to_owned()))
        .collect();
    names.sort();
    assert!(names.len() > 1, "no filters in {FILTERS}");
    names
}

fn from_hex(text: &str) -> Filter {
    let bytes: Vec<u8> = text
        .lines()
        .flat_map(|line| line.trim().as_bytes().chunks_exact(2))
        .map(|pair| {
            let pair = std::str::from_utf8(pair).expect("ASCII");
            u8::from_str_radix(pair, 16).expect("hexadecimal digits")
        })
        .collect();
    Filter::from_bytes(&bytes).expect("whole instructions")
}

/// The constants in a filter's instructions.
pub(crate) fn constants(filter: &Filter) -> Vec<u32> {
    let constant = |op| match op {
        Op::Branch {
            source: Source::K(k), ..
        }
        | Op::Math(_, Source::K(k))
        | Op::LoadConstant(_, k) => Some(k),
        _ => None,
    };
    let ops = filter.0.iter().filter_map(|one| Op::decode(*one));
    let mut constants: Vec<u32> = ops.filter_map(constant).collect();
    constants.sort_unstable();
    constants.dedup();
    constants
}

/// A call close to what a filter asks about: its words are the filter's constants, neighbours of those, or anything.
pub(crate) fn call_near(dice: &mut Dice, constants: &[u32]) -> SeccompData {
    let mut word = |usual: &[u32]| match dice.below(8) {
        0..4 => dice.pick(usual),
        4..7 if !constants.is_empty() => {
            let by = dice.pick(&[0, 0, 0, 1, u32::MAX]);
            dice.pick(constants).wrapping_add(by)
        }
        4..7 => 0,
        _ => dice.roll() as u32,
    };
    let arches = [ARCH_X86_64, ARCH_X86_64, ARCH_I386, ARCH_AARCH64, ARCH_ARM];
    let arch = word(&arches);
    let nr = word(&[0, 1, 39, 56, 59, 101, 435, 452, X32_BIT, X32_BIT | 59]);
    let mut long = || {
        let usual = [0, 0, 0, 1, 8, 0xffff_ffff, 0x8000_0000, 0x7e02_0000];
        u64::from(word(&usual)) << 32 | u64::from(word(&usual))
    };
    SeccompData {
        nr,
        arch,
        args: [long(), long(), long(), long(), long(), long()],
        instruction_pointer: long(),
    }
}

/// Whether a call is one of a class.
pub(crate) fn has(decider: &Decider, class: &Class, call: &SeccompData) -> bool {
    let x32 = call.nr & (X32_BIT << 1 | X32_BIT) == X32_BIT;
    let by_abi = match &class.abi {
        Abi::X86_64 => call.arch == ARCH_X86_64 && !x32,
        Abi::X32 => call.arch == ARCH_X86_64 && x32,
        Abi::I386 => call.arch == ARCH_I386,
        Abi::Arch(arch) => call.arch == *arch,
        Abi::Other(ranges) => ranges
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&call.arch)),
    };
    by_abi && class.has_number(call.nr) && decider.contains(class.arguments, call)
}

/// A call that can be made on its architecture: on 32-bit ones the upper halves of registers are zero, except for i386.
pub(crate) fn possible(mut call: SeccompData) -> SeccompData {
    const SIXTY_FOUR_BIT: u32 = 0x8000_0000;
    if call.arch & SIXTY_FOUR_BIT == 0 && call.arch != ARCH_I386 {
        call.args = call.args.map(|arg| arg & 0xffff_ffff);
    }
    call
}

/// A profile that denies what its rules do not allow.
pub(crate) fn profile(architectures: &[&str], rules: Vec<Rule>) -> Profile {
    Profile {
        default_action: "SCMP_ACT_ERRNO".to_owned(),
        architectures: architectures
            .iter()
            .map(|name| format!("SCMP_ARCH_{name}"))
            .collect(),
        syscalls: rules,
        ..Profile::default()
    }
}
