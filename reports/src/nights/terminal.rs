//! Two nights compared with each other, for people.

use super::{Became, CaseDiff, Diff, Slowed, VersionChange};
use crate::changes::{FactChange, names};
use crate::sheet::Sheet;
use crate::style::{Ink, Style, count, pad};
use crate::telling;

/// How long a value may be.
const VALUE: usize = 50;
/// Lines of one case.
const FACTS: usize = 6;
/// How many slower cases are shown.
const SLOWER: usize = 20;

pub(super) fn render(diff: &Diff, style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    for case in &diff.cases {
        told(&mut sheet, case, style);
    }
    for slow in diff.slower.iter().take(SLOWER) {
        sheet.hanging(
            0,
            &format!(
                "{}  {}  {:.1} s, was {:.1} s ({:.1} times)",
                style.paint(Ink::Warn, &pad("slower", 12)),
                style.words(&slow.case),
                slow.to,
                slow.from,
                slow.ratio
            ),
        );
    }
    if !sheet.is_empty() {
        sheet.line("");
    }
    for (name, all) in lists(diff) {
        if !all.is_empty() {
            sheet.hanging(0, &format!("{name}: {}", style.words(&names(all))));
        }
    }
    for slowed in &diff.slowed {
        sheet.hanging(0, &style.paint(Ink::Warn, &style.words(&slowed.told())));
    }
    diff.cut
        .iter()
        .for_each(|line| sheet.hanging(0, &style.paint(Ink::Fail, &style.words(line))));
    sheet.hanging(0, &diff.counts());
    sheet.text()
}

/// What is in one of the nights only.
fn lists(diff: &Diff) -> [(&'static str, &[String]); 4] {
    [
        ("only before", &diff.only_old),
        ("only now", &diff.only_new),
        ("cases only before", &diff.cases_only_old),
        ("cases only now", &diff.cases_only_new),
    ]
}

/// What else there is to report, one line each: what is in one night only, what is slower, what was cut short.
pub(super) fn remarks(diff: &Diff) -> Vec<String> {
    let lists = lists(diff).into_iter().filter(|(_, all)| !all.is_empty());
    let lists = lists.map(|(name, all)| format!("{name}: {}", names(all)));
    let slower = diff.slower.iter().take(SLOWER).map(|slow| {
        format!(
            "slower: {} takes {:.1} s, was {:.1} s",
            slow.case, slow.to, slow.from
        )
    });
    let slowed = diff.slowed.iter().map(Slowed::told);
    lists
        .chain(slower)
        .chain(slowed)
        .chain(diff.cut.iter().cloned())
        .collect()
}

fn told(sheet: &mut Sheet<'_>, case: &CaseDiff, style: &Style) {
    let ink = match case.became {
        Became::New => Ink::Fail,
        Became::NotCompared | Became::Unstable | Became::Changed => Ink::Warn,
        Became::Fixed => Ink::Good,
    };
    let verdicts = if case.from == case.to {
        case.to.to_string()
    } else {
        format!("{}, was {}", case.to, case.from)
    };
    let why = case
        .why
        .as_ref()
        .map_or_else(String::new, |why| format!(": {}", style.words(why)));
    sheet.hanging(
        0,
        &format!(
            "{}  {}  {verdicts}{why}  {}",
            style.paint(ink, &pad(&case.became.to_string(), 12)),
            style.paint(Ink::Name, &style.words(&case.case)),
            style.paint(Ink::Quiet, &style.words(&case.machine)),
        ),
    );
    for change in case.versions.iter().take(FACTS) {
        sheet.entered(&line(change, |text, limit| style.brief(text, limit)));
    }
    let more = case.versions.len().saturating_sub(FACTS);
    if more > 0 {
        sheet.indented(0, &format!("+{}", count(more, "more fact")));
    }
}

/// `crun@1.28: process.exit  0 -> 2  (crun/it now)`; hostile text through `safe`.
pub(super) fn line(change: &VersionChange, safe: impl Fn(&str, usize) -> String) -> String {
    let value = |value: &Option<ocidiff_model::Value>, is_known: bool| {
        if is_known {
            safe(&telling::shown(value.as_ref()), VALUE)
        } else {
            "as all others".to_owned()
        }
    };
    let FactChange { fact, from, to } = &change.fact;
    let because: Vec<String> = change
        .come
        .iter()
        .map(|id| format!("{id} now"))
        .chain(change.gone.iter().map(|id| format!("{id} no more")))
        .collect();
    let because = if because.is_empty() {
        String::new()
    } else {
        format!("  ({})", safe(&because.join(", "), 200))
    };
    format!(
        "{}: {}  {} -> {}{because}",
        safe(&change.version, VALUE),
        safe(fact, VALUE),
        value(from, change.from_known),
        value(to, change.to_known),
    )
}
