//! Rows in words.

use crate::data::X32_BIT;
use crate::decide::partition::{Abi, Class, Numbers};

/// Numbers by name where a call has one, ranges as `first..last`, `first..` to the end. Those of x32 are given without bit 30.
pub fn numbers(abi: &Abi, numbers: &[Numbers]) -> String {
    if numbers
        == [Numbers {
            first: 0,
            last: u32::MAX,
        }]
    {
        return "every call".to_owned();
    }
    let list: Vec<String> = numbers.iter().map(|range| one(abi, *range)).collect();
    list.join(", ")
}

fn one(abi: &Abi, Numbers { first, last }: Numbers) -> String {
    let plain = |nr: u32| if *abi == Abi::X32 { nr & !X32_BIT } else { nr };
    if first == last {
        return abi
            .syscall_name(first)
            .map_or_else(|| plain(first).to_string(), str::to_owned);
    }
    let names: Option<Vec<&str>> = (last - first < MOST_NAMES)
        .then(|| (first..=last).map(|nr| abi.syscall_name(nr)).collect())
        .flatten();
    match names {
        Some(names) => names.join(", "),
        None if is_end(abi, last) => format!("{}..", plain(first)),
        None => format!("{}..{}", plain(first), plain(last)),
    }
}

/// Longer ranges are not spelled out.
const MOST_NAMES: u32 = 64;

/// Whether it is the last number that an ABI has. After those of x86_64 come those of x32, then negative ones.
fn is_end(abi: &Abi, last: u32) -> bool {
    match abi {
        Abi::X86_64 => last == X32_BIT - 1 || last == u32::MAX,
        Abi::X32 => last == X32_BIT | (X32_BIT - 1),
        _ => last == u32::MAX,
    }
}

/// The calls of a class: `x86_64 fchmodat2`, `i386 clone[args[0] & 0x7e020000 != 0]`.
pub fn subject(class: &Class, arguments: &str) -> String {
    let calls = numbers(&class.abi, &class.numbers);
    if arguments.is_empty() {
        format!("{} {calls}", class.abi)
    } else {
        format!("{} {calls}[{arguments}]", class.abi)
    }
}
