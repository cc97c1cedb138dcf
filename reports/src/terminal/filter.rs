//! Calls to which the runtimes' seccomp filters give different answers: which runtime answers what, what
//! decided, what it affects.

use ocidiff_model::FilterRow;
use ocidiff_model::filter::{FilterAnswer, NamedCall};

use crate::sheet::Sheet;
use crate::style::{Ink, Style, count};
use crate::telling;

/// How much is shown of rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows {
    /// Groups of rows that have the same answers for the same reasons.
    pub(crate) groups: usize,
    /// Callers of one group.
    pub(crate) hits: usize,
    /// Whether calls are named with their versions, and an example call is given.
    pub(crate) whole: bool,
}

/// Rows that are reported together: they differ only in which calls they are about.
struct Together<'a> {
    first: &'a FilterRow,
    rows: Vec<&'a FilterRow>,
}

/// The rows of a case or of a profile.
pub(crate) fn rows(sheet: &mut Sheet<'_>, rows: &[FilterRow], style: &Style, limits: Rows) {
    let mut groups: Vec<Together<'_>> = Vec::new();
    for row in rows {
        let same = |group: &&mut Together<'_>| {
            group.first.answers == row.answers && group.first.profile == row.profile
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.rows.push(row),
            None => groups.push(Together {
                first: row,
                rows: vec![row],
            }),
        }
    }
    for group in groups.iter().take(limits.groups) {
        one(sheet, group, style, limits);
    }
    if groups.len() > limits.groups {
        let more = count(groups.len() - limits.groups, "more group");
        sheet.indented(0, &format!("+{more} of calls"));
    }
}

fn one(sheet: &mut Sheet<'_>, group: &Together<'_>, style: &Style, limits: Rows) {
    let most = limits.hits;
    for (at, row) in group.rows.iter().enumerate() {
        let calls = style.paint(Ink::Name, &style.text(&row.calls, 400));
        sheet.raw_field(if at == 0 { "filter" } else { "" }, &calls);
    }
    if limits.whole {
        names(sheet, group.first);
    }
    let answers: Vec<String> = group.first.answers.iter().map(answer).collect();
    sheet.field("answers", &answers.join(style.dot()));
    sheet.field("profile", &group.first.profile);
    for answer in &group.first.answers {
        if let Some(reason) = &answer.reason {
            sheet.field("", &format!("{}: {reason}", answer.runtimes.join(", ")));
        }
    }
    let mut hits: Vec<_> = Vec::new();
    for hit in group.rows.iter().flat_map(|row| &row.hits) {
        if !hits.contains(&hit) {
            hits.push(hit);
        }
    }
    for (at, hit) in hits.iter().take(most).enumerate() {
        let name = if at == 0 { "hits" } else { "" };
        sheet.field(
            name,
            &format!(
                "{}, made by {}: {} (under {})  {}",
                with_version(group, &hit.syscall),
                hit.who,
                hit.otherwise,
                hit.runtimes.join(", "),
                telling::short_link(&hit.link)
            ),
        );
    }
    if limits.whole {
        sheet.field("witness", &witness(group.first));
    }
    if hits.len() > most {
        sheet.field(
            "",
            &format!("{} are known", count(hits.len() - most, "more caller")),
        );
    }
}

fn answer(answer: &FilterAnswer) -> String {
    format!("{} {}", answer.runtimes.join(", "), answer.action)
}

/// The calls of a range by name, with the Linux version that introduced each.
fn names(sheet: &mut Sheet<'_>, row: &FilterRow) {
    // A range that is a name has already been named, with its version next to it.
    let known: Vec<String> = row.named.iter().map(versioned).collect();
    if known.len() > 1 || row.named.iter().any(|call| call.since.is_some()) {
        let shown = known.len().min(NAMES);
        let more = match known.len() - shown {
            0 => String::new(),
            more => format!(", {more} more"),
        };
        sheet.field("calls", &format!("{}{more}", known[..shown].join(", ")));
    }
}

/// Calls of a range that are named.
const NAMES: usize = 24;

fn versioned(call: &NamedCall) -> String {
    match &call.since {
        Some(since) => format!("{} (Linux {since})", call.name),
        None => call.name.clone(),
    }
}

fn with_version(group: &Together<'_>, name: &str) -> String {
    let mut named = group.rows.iter().flat_map(|row| &row.named);
    named
        .find(|call| call.name == name)
        .map_or_else(|| name.to_owned(), versioned)
}

/// One call as numbers: `arch 0xc000003e, number 450, arguments 0 0 0 0 0 0`.
fn witness(row: &FilterRow) -> String {
    let call = &row.witness;
    let args: Vec<String> = call.args.iter().map(|arg| format!("{arg:#x}")).collect();
    format!(
        "arch {:#x}, number {}, arguments {}",
        call.arch,
        call.nr,
        args.join(" ")
    )
}
