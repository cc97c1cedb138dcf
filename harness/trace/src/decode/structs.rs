//! Arguments that are small structures in a tracee's memory. All have the same layout on every architecture.

use super::Source;
use super::flags;
use super::memory::{Memory, pointer};
use super::words::octal;
use crate::signals::signal_name;

/// `struct open_how`: `{flags, mode, resolve}`.
pub(super) fn open_how(memory: &Memory, source: &dyn Source, at: u64) -> String {
    let word = |index: u64| memory.word(source, at.checked_add(index * 8)?);
    let (Some(open), Some(mode), Some(resolve)) = (word(0), word(1), word(2)) else {
        return pointer(at);
    };
    let mut text = format!("{{{}", flags::OPEN.text(open));
    if mode != 0 {
        text.push_str(&format!(", mode={}", octal(mode)));
    }
    if resolve != 0 {
        text.push_str(&format!(", resolve={}", flags::RESOLVE.text(resolve)));
    }
    text + "}"
}

/// `struct clone_args`: its flags and signal; the rest are addresses.
pub(super) fn clone_args(memory: &Memory, source: &dyn Source, at: u64) -> String {
    let word = |index: u64| memory.word(source, at.checked_add(index * 8)?);
    let (Some(clone), Some(signal)) = (word(0), word(4)) else {
        return pointer(at);
    };
    match i32::try_from(signal) {
        Ok(0) | Err(_) => format!("{{{}}}", flags::CLONE.text(clone)),
        Ok(signal) => format!("{{{}, {}}}", flags::CLONE.text(clone), signal_name(signal)),
    }
}

/// A socket's address: its family, and the path of a local one or the address and port of an inet one.
pub(super) fn address(memory: &Memory, source: &dyn Source, at: u64, length: u64) -> String {
    let (Some(first), Some(second)) = (
        memory.half(source, at),
        at.checked_add(4).and_then(|at| memory.half(source, at)),
    ) else {
        return pointer(at);
    };
    let [family_low, family_high, port_high, port_low] = first.to_ne_bytes();
    let family = u16::from_ne_bytes([family_low, family_high]);
    let name = flags::FAMILY.text(family.into());
    match i32::from(family) {
        libc::AF_UNIX => format!(
            "{{{name}, {}}}",
            local(memory, source, at + 2, length.saturating_sub(2))
        ),
        libc::AF_INET => {
            let [a, b, c, d] = second.to_ne_bytes();
            format!(
                "{{{name}, {a}.{b}.{c}.{d}:{}}}",
                u16::from_be_bytes([port_high, port_low])
            )
        }
        _ => format!("{{{name}}}"),
    }
}

/// A local socket's name: a path, or an abstract name that starts with a zero.
fn local(memory: &Memory, source: &dyn Source, at: u64, length: u64) -> String {
    match memory.half(source, at) {
        Some(start) if start.to_ne_bytes()[0] == 0 => memory.bytes(source, at, length),
        _ => memory.string(source, at),
    }
}
