//! One argument as text.

use super::memory::{Memory, pointer};
use super::signature::Kind;
use super::{Caller, descriptor, structs, words};
use crate::Pid;
use crate::record::Arch;
use crate::signals::signal_name;

/// All that there is to look at when a call is put into words.
pub(super) struct Look<'call> {
    pub(super) memory: &'call Memory,
    pub(super) caller: &'call Caller<'call>,
    pub(super) arch: Arch,
    pub(super) args: &'call [u64; 6],
    pub(super) watched: bool,
}

impl Look<'_> {
    /// An argument as text; `None` for one that does not count.
    ///
    /// Unwatched calls get their strings and cheap numbers; whatever needs a further look at the tracee or a
    /// table is for the watched ones.
    pub(super) fn arg(&self, at: usize, kind: Kind) -> Option<String> {
        let value = self.args.get(at).copied().unwrap_or(0);
        let source = self.caller.source;
        Some(match kind {
            Kind::Path | Kind::Text => self.memory.string(source, value),
            Kind::Texts => self.memory.strings(source, self.arch, value),
            Kind::Pointer => pointer(value),
            Kind::Process => self.process(value),
            Kind::Int | Kind::Id => low(value).to_string(),
            Kind::Long => (value as i64).to_string(),
            Kind::Size => value.to_string(),
            Kind::Directory if low(value) == libc::AT_FDCWD => "AT_FDCWD".to_owned(),
            Kind::Mode => words::octal(value),
            Kind::NewMode => return self.new_mode(at, value),
            Kind::Environment if self.watched => self.memory.count(source, self.arch, value),
            Kind::Bytes if self.watched => self.memory.bytes(source, value, self.next(at)),
            Kind::OpenHow if self.watched => structs::open_how(self.memory, source, value),
            Kind::CloneArgs if self.watched => structs::clone_args(self.memory, source, value),
            Kind::Address if self.watched => structs::address(self.memory, source, value, self.next(at)),
            Kind::Environment | Kind::Bytes | Kind::OpenHow | Kind::CloneArgs | Kind::Address => {
                pointer(value)
            }
            Kind::Descriptor | Kind::Directory if self.watched => {
                descriptor::name(self.caller, low(value).into())
            }
            Kind::Descriptor | Kind::Directory => low(value).to_string(),
            Kind::Signal => signal_name(low(value)),
            Kind::Device => {
                let device = value & 0xffff_ffff;
                format!("{}:{}", libc::major(device), libc::minor(device))
            }
            Kind::Named(names) if self.watched => names.text(value & 0xffff_ffff),
            Kind::Named(_) => format!("{:#x}", value & 0xffff_ffff),
            Kind::Hex => word(value),
        })
    }

    /// What the call is about, as far as this argument shows.
    pub(super) fn subject(&self, at: usize, kind: Kind, text: &str) -> Option<String> {
        match kind {
            Kind::Path => self.path(at),
            Kind::Descriptor if self.watched => Some(text.strip_prefix('<')?.strip_suffix('>')?.to_owned()),
            _ => None,
        }
    }

    /// A path argument without its quotes; `None` for an empty one, as with `AT_EMPTY_PATH`.
    pub(super) fn path(&self, at: usize) -> Option<String> {
        let path = self
            .memory
            .plain_string(self.caller.source, *self.args.get(at)?)?;
        (!path.is_empty()).then_some(path)
    }

    fn next(&self, at: usize) -> u64 {
        self.args.get(at + 1).copied().unwrap_or(0)
    }

    fn process(&self, value: u64) -> String {
        let pid: Pid = low(value);
        // A negative pid means a group of processes.
        match (self.caller.known)(pid.saturating_abs()) {
            Some(ordinal) if pid < -1 => format!("-{ordinal}"),
            Some(ordinal) if pid > 0 => ordinal.to_string(),
            _ => pid.to_string(),
        }
    }

    fn new_mode(&self, at: usize, value: u64) -> Option<String> {
        let flags = low(*self.args.get(at.checked_sub(1)?)?);
        let counts = flags & libc::O_CREAT != 0 || flags & libc::O_TMPFILE == libc::O_TMPFILE;
        counts.then(|| words::octal(value))
    }
}

/// A word of unknown meaning: small ones are shown as they are, others may be addresses.
pub(super) fn word(value: u64) -> String {
    const SMALL: u64 = 0xffff_ffff;
    match value as i64 {
        negative @ -4096..0 => negative.to_string(),
        _ if value <= SMALL => format!("{value:#x}"),
        _ => "ptr".to_owned(),
    }
}

/// The low half, with its sign: what the kernel uses of an `int`.
#[expect(clippy::cast_possible_truncation, reason = "the kernel cuts it so")]
fn low(value: u64) -> i32 {
    value as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_without_addresses() {
        let table = [
            (0, "0x0"),
            (0x1234, "0x1234"),
            (u64::MAX, "-1"),
            (0x7ffc_1234_5678, "ptr"),
        ];
        for (value, text) in table {
            assert_eq!(word(value), text);
        }
    }
}
