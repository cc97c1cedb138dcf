//! Which arguments a call has: `calls.table`, parsed once.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::flags::{self, Names};

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A pathname: read whether or not the call is watched.
    Path,
    /// Another string.
    Text,
    /// A list of strings.
    Texts,
    /// A list of strings of which only the number is recorded.
    Environment,
    /// Bytes, with their number in the next argument.
    Bytes,
    /// A descriptor.
    Descriptor,
    /// A descriptor of a directory, or `AT_FDCWD`.
    Directory,
    /// A signed number, 32 bits.
    Int,
    /// A signed number, 64 bits.
    Long,
    /// An unsigned number.
    Size,
    /// Bits without names.
    Hex,
    /// File mode.
    Mode,
    /// File mode that counts only when the flags before it ask for a new file.
    NewMode,
    /// Where something lies or is put.
    Pointer,
    /// A process or thread id.
    Process,
    /// A user or group id: -1 is "leave it".
    Id,
    /// A signal.
    Signal,
    /// A device number.
    Device,
    /// `struct open_how`.
    OpenHow,
    /// `struct clone_args`.
    CloneArgs,
    /// A socket's address.
    Address,
    /// Bits or values with names.
    Named(&'static Names),
}

/// What a call returns when it succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Returns {
    Number,
    Pointer,
    Process,
    Descriptor,
}

/// A call's arguments and result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signature {
    pub(crate) kinds: &'static [Kind],
    pub(crate) returns: Returns,
}

static TABLE: LazyLock<HashMap<&'static str, Signature>> =
    LazyLock::new(|| lines().filter_map(|line| parse(line).ok()).collect());

/// The signature of a call.
pub(crate) fn of(name: &str) -> Option<Signature> {
    TABLE.get(name).copied()
}

fn lines() -> impl Iterator<Item = &'static str> {
    include_str!("calls.table")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn parse(line: &'static str) -> Result<(&'static str, Signature), String> {
    let (left, right) = line.split_once('=').unwrap_or((line, ""));
    let mut words = left.split_ascii_whitespace();
    let name = words.next().ok_or_else(|| format!("no name in {line:?}"))?;
    let kinds = words.map(|word| kind(word).ok_or_else(|| format!("{word:?} in {line:?}")));
    let kinds: Vec<Kind> = kinds.collect::<Result<_, _>>()?;
    let returns = match right.trim() {
        "" => Returns::Number,
        "ptr" => Returns::Pointer,
        "pid" => Returns::Process,
        "fd" => Returns::Descriptor,
        other => return Err(format!("{other:?} in {line:?}")),
    };
    // The table lives as long as the program.
    Ok((
        name,
        Signature {
            kinds: kinds.leak(),
            returns,
        },
    ))
}

fn kind(word: &str) -> Option<Kind> {
    Some(match word {
        "path" => Kind::Path,
        "text" => Kind::Text,
        "texts" => Kind::Texts,
        "env" => Kind::Environment,
        "bytes" => Kind::Bytes,
        "fd" => Kind::Descriptor,
        "dir" => Kind::Directory,
        "int" => Kind::Int,
        "long" => Kind::Long,
        "size" => Kind::Size,
        "hex" => Kind::Hex,
        "mode" => Kind::Mode,
        "newmode" => Kind::NewMode,
        "ptr" => Kind::Pointer,
        "pid" => Kind::Process,
        "id" => Kind::Id,
        "sig" => Kind::Signal,
        "dev" => Kind::Device,
        "how" => Kind::OpenHow,
        "cloneargs" => Kind::CloneArgs,
        "address" => Kind::Address,
        other => Kind::Named(flags::table(other.strip_prefix(':')?)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_line_of_the_table_is_understood() {
        let mut seen = HashSet::new();
        for line in lines() {
            let (name, signature) = parse(line).expect("the line is well formed");
            assert!(seen.insert(name), "{name} is there twice");
            assert!(signature.kinds.len() <= 6, "{name}");
        }
        assert!(seen.len() > 300);
    }

    #[test]
    fn every_name_is_a_call_somewhere() {
        use crate::record::Arch;
        let all: HashSet<_> = [Arch::X86_64, Arch::I386, Arch::Aarch64, Arch::Arm]
            .into_iter()
            .flat_map(|arch| (0..600).filter_map(move |nr| crate::arch::name(arch, nr)))
            .collect();
        let unknown: Vec<_> = TABLE.keys().filter(|name| !all.contains(*name)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
