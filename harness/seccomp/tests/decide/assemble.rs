//! Reads `table.txt`: a small assembler, and rows of calls.

use ocidiff_seccomp::data::{ARCH_AARCH64, ARCH_I386, ARCH_X86_64};
use ocidiff_seccomp::{Filter, Instruction, SeccompData};

/// A filter, or a stack of filters, and the expected answers.
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Newest first.
    pub(crate) filters: Vec<Filter>,
    pub(crate) rows: Vec<Row>,
}

/// A call, and the answer by its readable name.
pub(crate) struct Row {
    /// Its line in the file.
    pub(crate) line: usize,
    pub(crate) call: SeccompData,
    pub(crate) action: String,
}

pub(crate) fn read(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("filter ") {
            entries.push(Entry {
                name: name.to_owned(),
                filters: vec![Filter::default()],
                rows: Vec::new(),
            });
            continue;
        }
        let entry = entries.last_mut().expect("the file begins with a filter");
        let one = || format!("line {}: {line}", at + 1);
        if line == "over" {
            entry.filters.push(Filter::default());
        } else if let Some((call, action)) = line.split_once(" = ") {
            entry.rows.push(Row {
                line: at + 1,
                call: self::call(call).unwrap_or_else(|| panic!("{}", one())),
                action: action.to_owned(),
            });
        } else {
            let filter = entry.filters.last_mut().expect("there is one");
            filter
                .0
                .push(instruction(line).unwrap_or_else(|| panic!("{}", one())));
        }
    }
    entries
}

fn call(text: &str) -> Option<SeccompData> {
    let (text, ip) = text.split_once(" @").unwrap_or((text, "0"));
    let mut parts = text.split_whitespace();
    let arch = match parts.next()? {
        "x86_64" => ARCH_X86_64,
        "i386" => ARCH_I386,
        "aarch64" => ARCH_AARCH64,
        other => number(other)? as u32,
    };
    let nr = number(parts.next()?)? as u32;
    let mut args = [0; 6];
    let list = parts.next().filter(|list| *list != "-");
    for (arg, text) in args
        .iter_mut()
        .zip(list.into_iter().flat_map(|list| list.split(',')))
    {
        *arg = number(text)?;
    }
    Some(SeccompData {
        instruction_pointer: number(ip)?,
        ..SeccompData::new(arch, nr, args)
    })
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

pub(crate) fn instruction(line: &str) -> Option<Instruction> {
    const X: u16 = 8;
    let parts: Vec<&str> = line.split_whitespace().collect();
    let [name, operands @ ..] = parts.as_slice() else {
        return None;
    };
    let plain = |code, k| Some(Instruction::plain(code, k));
    if let Some(code) = with_value(name) {
        let [value, skips @ ..] = operands else {
            return None;
        };
        let (code, k) = match value.strip_prefix('#') {
            Some(k) => (code, number(k)? as u32),
            None => (code | X, 0),
        };
        return match skips {
            [] => plain(code, k),
            [yes, no] => Some(Instruction::test(code, k, yes.parse().ok()?, no.parse().ok()?)),
            _ => None,
        };
    }
    let (to_x, what) = (
        u16::from(name.ends_with('x')),
        operands.first().copied().unwrap_or(""),
    );
    match (*name, what) {
        ("ld", "len") | ("ldx", "len") => plain(0x80 | to_x, 0),
        ("ld" | "ldx", what) if what.starts_with('#') => plain(to_x, number(&what[1..])? as u32),
        ("ld" | "ldx", what) if what.starts_with('M') => plain(0x60 | to_x, scratch(what)?),
        ("ld", what) => plain(0x20, offset(what)?),
        ("st" | "stx", what) => plain(0x02 | to_x, scratch(what)?),
        ("neg", "") => plain(0x84, 0),
        ("tax", "") => plain(0x07, 0),
        ("txa", "") => plain(0x87, 0),
        ("ja", skip) => plain(0x05, number(skip)? as u32),
        ("ret", "a") => plain(0x16, 0),
        ("ret", what) => plain(0x06, number(what.strip_prefix('#')?)? as u32),
        _ => None,
    }
}

/// The opcodes that take a constant or X.
fn with_value(name: &str) -> Option<u16> {
    Some(match name {
        "add" => 0x04,
        "sub" => 0x14,
        "mul" => 0x24,
        "div" => 0x34,
        "or" => 0x44,
        "and" => 0x54,
        "lsh" => 0x64,
        "rsh" => 0x74,
        "xor" => 0xa4,
        "jeq" => 0x15,
        "jgt" => 0x25,
        "jge" => 0x35,
        "jset" => 0x45,
        _ => return None,
    })
}

fn scratch(what: &str) -> Option<u32> {
    what.strip_prefix("M[")?.strip_suffix(']')?.parse().ok()
}

fn offset(what: &str) -> Option<u32> {
    let (register, high) = match what.split_once('.') {
        Some((register, half)) => (register, u32::from(half == "hi") * 4),
        None => (what, 0),
    };
    Some(match register {
        "nr" => 0,
        "arch" => 4,
        "ip" => 8 + high,
        argument => 16 + argument.strip_prefix('a')?.parse::<u32>().ok()? * 8 + high,
    })
}
