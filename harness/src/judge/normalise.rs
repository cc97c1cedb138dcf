//! Filters that remove what differs from run to run and means nothing. They are small, named, and applied to
//! every record alike. There are few: a cell has the same paths, ids and names each time.

use ocidiff_model::{Fact, Value};

/// A filter: a text in which what comes from the machine, and not from the runtime, is replaced.
type Filter = fn(&str) -> String;

/// The filters, in the order in which they are applied.
const FILTERS: [(&str, Filter); 5] = [
    ("inodes", inodes),
    ("overlay", overlay),
    ("addresses", addresses),
    ("times", times),
    ("tmpfs", tmpfs),
];

/// Applies every filter to every value.
pub fn normalise(facts: &mut [Fact]) {
    for fact in facts.iter_mut() {
        match &mut fact.value {
            Value::Text(text) => *text = apply(text),
            Value::List(items) => {
                stacks(items);
                items.iter_mut().for_each(|item| *item = apply(item));
            }
            Value::Bool(_) | Value::Int(_) => {}
        }
    }
    facts.sort_by(|a, b| a.path.cmp(&b.path));
}

fn apply(text: &str) -> String {
    FILTERS
        .iter()
        .fold(text.to_owned(), |text, (_, filter)| filter(&text))
}

/// The stack of a crash names places in the program's code, and values: that it crashed, and why, comes before it.
fn stacks(lines: &mut Vec<String>) {
    let opens = |line: &String| line.starts_with("goroutine ") && line.ends_with("]:");
    let Some(from) = lines.iter().position(opens) else {
        return;
    };
    let goes_on = |line: &&String| {
        let is_call = line.ends_with(')') && line.contains('(') && line.contains('.');
        let heads = ["\t", "goroutine ", "created by "];
        line.is_empty() || is_call || heads.iter().any(|head| line.starts_with(head))
    };
    let length = lines[from..].iter().take_while(goes_on).count();
    lines.splice(from..from + length, ["(stack)".to_owned()]);
}

/// `mnt:[4026532223]`, `pipe:[12345]`: the number comes from the kernel.
fn inodes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(":[") {
        let (head, tail) = rest.split_at(at + 2);
        out.push_str(head);
        let digits = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 && tail[digits..].starts_with(']') {
            out.push('N');
            rest = &tail[digits..];
        } else {
            rest = tail;
        }
    }
    out.push_str(rest);
    out
}

/// The rootfs's layers come from the harness.
fn overlay(text: &str) -> String {
    let keep = |option: &&str| {
        !["lowerdir=", "upperdir=", "workdir="]
            .iter()
            .any(|head| option.starts_with(head))
    };
    if text.contains("lowerdir=") {
        text.split(',').filter(keep).collect::<Vec<_>>().join(",")
    } else {
        text.to_owned()
    }
}

/// `0x7f...`: twelve digits or more are an address.
fn addresses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("0x") {
        let (head, tail) = rest.split_at(at + 2);
        let digits = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_hexdigit()).len();
        out.push_str(head);
        if digits >= 11 {
            out.push_str("ADDRESS");
            rest = &tail[digits..];
        } else {
            rest = tail;
        }
    }
    out.push_str(rest);
    out
}

/// `2026-11-24T21:48:00.123Z` in a runtime's own output.
fn times(text: &str) -> String {
    let bytes = text.as_bytes();
    let shape = b"dddd-dd-ddTdd:dd:dd";
    let fits = |at: usize| {
        bytes.get(at..at + shape.len()).is_some_and(|window| {
            window.iter().zip(shape).all(|(byte, shape)| match shape {
                b'd' => byte.is_ascii_digit(),
                other => byte == other,
            })
        })
    };
    let Some(at) = (0..bytes.len()).find(|at| fits(*at)) else {
        return text.to_owned();
    };
    let tail = &text[at + shape.len()..];
    let tail = tail.trim_start_matches(|c: char| c.is_ascii_digit() || ".:+Z".contains(c));
    format!("{}TIME{}", &text[..at], times(tail))
}

/// A tmpfs shows `inode64` if the kernel was built so that it is the default (CONFIG_TMPFS_INODE64).
fn tmpfs(text: &str) -> String {
    const OPTION: &str = "inode64";
    let Some((head, rest)) = text.split_once(OPTION) else {
        return text.to_owned();
    };
    let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '=');
    let is_option = head.ends_with([',', '(', ' ']) && rest.chars().next().is_none_or(ends);
    if !is_option {
        return format!("{head}{OPTION}{}", tmpfs(rest));
    }
    match (head.strip_suffix(','), rest.strip_prefix(',')) {
        (Some(before), _) => format!("{before}{}", tmpfs(rest)),
        (None, Some(after)) => format!("{head}{}", tmpfs(after)),
        (None, None) => format!("{head}{}", tmpfs(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_machine_s_is_taken_away() {
        for (text, expected) in [
            ("mnt:[4026532223] and pipe:[7]", "mnt:[N] and pipe:[N]"),
            ("a:[b]", "a:[b]"),
            ("rw,lowerdir=/a:/b,upperdir=/c,workdir=/d,xino=off", "rw,xino=off"),
            ("at 0x7ffd12345678 of 0xff", "at 0xADDRESS of 0xff"),
            ("time=2026-11-24T21:48:00.123Z level=x", "time=TIME level=x"),
            (
                "tmpfs ro,relatime | rw,size=0k,inode64 | private",
                "tmpfs ro,relatime | rw,size=0k | private",
            ),
            (
                "tmpfs rw private (rw,inode64,mode=755)",
                "tmpfs rw private (rw,mode=755)",
            ),
            ("tmpfs ro private (inode64,rw)", "tmpfs ro private (rw)"),
            ("rw,inode64", "rw"),
            ("inode64 /inode64,b", "inode64 /inode64,b"),
            ("rw,inode64x,inode32", "rw,inode64x,inode32"),
            ("plain", "plain"),
        ] {
            assert_eq!(apply(text), expected);
        }
    }

    #[test]
    fn a_stack_is_left_out() {
        let text = "panic: no\n\ngoroutine 1 [running]:\nmain.f(0xc000012345, {0x1, 0x2})\n\t/a/main.go:3 +0x1d\ncreated by x.y in goroutine 1\n\t/b.go:1\n\ngoroutine 7 [select]:\nx.y()\nexit status 2";
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        stacks(&mut lines);
        assert_eq!(lines, ["panic: no", "", "(stack)", "exit status 2"]);
        let mut plain = vec!["goroutine".to_owned(), "a.b()".to_owned()];
        stacks(&mut plain);
        assert_eq!(plain.len(), 2);
    }

    #[test]
    fn facts_are_sorted_by_path() {
        let mut facts = vec![
            Fact::new("proc.b", "x"),
            Fact::new("proc.a", vec!["net:[3]".to_owned()]),
        ];
        normalise(&mut facts);
        assert_eq!(facts[0], Fact::new("proc.a", vec!["net:[N]".to_owned()]));
    }
}
