//! What there is to report about a case, before it is drawn: which runtimes differ, in which order, with what advice.

use std::path::Path;

use ocidiff_model::difference::Standing;
use ocidiff_model::event::CaseReport;
use ocidiff_model::{Difference, Group, Value, Verdict};

use crate::accounts;
use crate::in_order::{once, ordered};
use crate::news;
use crate::run::LeftOut;
use crate::style::count;

/// The differences that give the case its verdict, and how many others are as written.
pub(crate) fn telling(case: &CaseReport) -> (Vec<&Difference>, usize) {
    let all = ordered(case);
    let total = all.len();
    let failing: Vec<_> = all
        .iter()
        .copied()
        .filter(|difference| difference.standing != Standing::Known)
        .collect();
    if failing.is_empty() {
        (all, 0)
    } else {
        let known = total - failing.len();
        (failing, known)
    }
}

/// The runtimes that did not do what a clause requires, in this run. What is written about other versions does not
/// accuse any of them.
pub(crate) fn violating<'a>(case: &'a CaseReport, clause: &str) -> Vec<&'a str> {
    let named = case
        .differences
        .iter()
        .filter(|difference| difference.requirement.as_deref() == Some(clause));
    once(named.flat_map(|difference| difference.against.iter().map(String::as_str)))
}

/// The runtimes that are not as the reference, over the differences that are reported.
pub(crate) fn differing(case: &CaseReport) -> Vec<&str> {
    let (told, _) = telling(case);
    once(
        told.into_iter()
            .flat_map(|difference| difference.groups.iter().skip(1))
            .flat_map(|group| group.runtimes.iter().map(String::as_str)),
    )
}

/// The runtimes that are not as the case expects.
pub(crate) fn against(case: &CaseReport) -> Vec<&str> {
    let (told, _) = telling(case);
    once(
        told.into_iter()
            .flat_map(|difference| difference.against.iter().map(String::as_str)),
    )
}

/// The runtime to reproduce it with: the first that is not as expected, otherwise the first that differs.
pub(crate) fn suspect(case: &CaseReport) -> Option<&str> {
    let against = against(case).into_iter();
    against.chain(differing(case)).next()
}

/// One phrase: which runtimes differ, or why there is no verdict.
pub(crate) fn who(case: &CaseReport) -> String {
    let differing = differing(case);
    let against = against(case);
    match case.verdict {
        Verdict::Gone => "a known difference did not show".to_owned(),
        Verdict::Fixed => news::of(case),
        Verdict::Broken | Verdict::Skipped | Verdict::Unsupported => case.why.clone().unwrap_or_default(),
        Verdict::Violation | Verdict::Unexpected if against.is_empty() => "not as expected".to_owned(),
        Verdict::Violation | Verdict::Unexpected if differing.is_empty() => {
            format!("{}: not as expected, and all agree on it", against.join(", "))
        }
        Verdict::Violation | Verdict::Unexpected => format!("{}: not as expected", against.join(", ")),
        _ if differing.is_empty() => String::new(),
        _ => format!("{}{}", differ(case), how_often(case)),
    }
}

/// `youki differs`, `crun, youki differ`.
pub(crate) fn differ(case: &CaseReport) -> String {
    let differing = differing(case);
    let verb = if differing.len() == 1 { "differs" } else { "differ" };
    format!("{} {verb}", differing.join(", "))
}

fn how_often(case: &CaseReport) -> String {
    let (told, _) = telling(case);
    match told.first().map(|difference| &difference.standing) {
        Some(Standing::New { runs }) if *runs > 1 => format!(", in each of {runs} runs"),
        Some(Standing::Unstable { shown, runs }) => format!(", in {}", share(*shown, *runs)),
        _ => String::new(),
    }
}

/// `3 of 20 runs (5 to 36 %)`: how often, and the bounds of the rate with 95 % confidence (Wilson's interval).
pub(crate) fn share(shown: u32, runs: u32) -> String {
    const Z: f64 = 1.96;
    let (shown_f, runs_f) = (f64::from(shown), f64::from(runs.max(1)));
    let rate = shown_f / runs_f;
    let scale = 1.0 + Z * Z / runs_f;
    let middle = (rate + Z * Z / (2.0 * runs_f)) / scale;
    let half = Z * (rate * (1.0 - rate) / runs_f + Z * Z / (4.0 * runs_f * runs_f)).sqrt() / scale;
    let percent = |part: f64| (part.clamp(0.0, 1.0) * 100.0).round();
    format!(
        "{shown} of {runs} runs ({} to {} %)",
        percent(middle - half),
        percent(middle + half)
    )
}

/// What each runtime showed in one of the ways in which a fact showed: `runc 0 · crun 2`.
pub(crate) fn way(groups: &[Group], dot: &str) -> String {
    match groups {
        [] => "no runtime shows it".to_owned(),
        [one] => format!("all {}", value(one)),
        several => several
            .iter()
            .map(|group| format!("{} {}", group.runtimes.join(", "), value(group)))
            .collect::<Vec<_>>()
            .join(dot),
    }
}

/// Where something other than what is written showed: the runtime, what is written, what was seen.
pub(crate) fn off(difference: &Difference) -> Vec<(&str, String, String)> {
    let seen = |who: &str| {
        let mut groups = difference.groups.iter();
        let group = groups.find(|group| group.runtimes.iter().any(|name| name == who))?;
        Some(group)
    };
    difference
        .written
        .iter()
        .filter_map(|(who, written)| {
            let group = seen(who)?;
            let fits = ocidiff_model::known::stands_for(written, group.value.as_ref());
            let seen = || line(difference, group.value.as_ref());
            (!fits).then(|| (who.as_str(), line(difference, Some(written)), seen()))
        })
        .collect()
}

/// How a fact deviates from what the case's first line says.
pub(crate) fn remark(case: &CaseReport, difference: &Difference) -> String {
    match &difference.standing {
        Standing::Gone => "written down, did not show".to_owned(),
        Standing::Fixed => "written down, shows no more".to_owned(),
        // The first line has the counts if there is only one.
        Standing::Unstable { .. } if case.verdict == Verdict::Unstable && case.differences.len() == 1 => {
            String::new()
        }
        Standing::Unstable { shown, runs } => format!("showed in {}", share(*shown, *runs)),
        Standing::New { .. }
            if !matches!(
                case.verdict,
                Verdict::New | Verdict::Violation | Verdict::Unexpected
            ) =>
        {
            "new".to_owned()
        }
        // A finding is named above its facts; a consequence, or a choice, is mentioned with each.
        Standing::Known => Some(accounts::because(&difference.accounts))
            .filter(|told| told.contains(' '))
            .unwrap_or_default(),
        _ => String::new(),
    }
}

/// Whether a difference is reported by the rows of the filters, which say more than its values.
pub(crate) fn in_rows(case: &CaseReport, difference: &Difference) -> bool {
    difference.fact == ocidiff_model::filter::DEPARTURES && !case.filters.is_empty()
}

/// What the case expects of a fact that is not as expected.
pub(crate) fn unmet(difference: &Difference) -> Option<(String, String)> {
    let expected = line(difference, Some(difference.expected.as_ref()?));
    let all: usize = difference.groups.iter().map(|group| group.runtimes.len()).sum();
    match difference.against.len() {
        0 => None,
        number if number == all => Some((expected, "any runtime".to_owned())),
        _ => Some((expected, difference.against.join(", "))),
    }
}

/// A value of a difference on one line: in quotes where another of its values reads alike and is not the same, as `"0"`
/// beside 0.
pub(crate) fn line(difference: &Difference, value: Option<&Value>) -> String {
    let Some(own) = value else { return shown(None) };
    let mut others = difference
        .groups
        .iter()
        .filter_map(|group| group.value.as_ref())
        .chain(&difference.expected)
        .chain(difference.written.iter().map(|(_, value)| value));
    match others.any(|other| other.is_only_read_like(own)) {
        true => own.quoted(),
        false => own.line(),
    }
}

/// The value of a group on one line.
pub(crate) fn value(group: &Group) -> String {
    shown(group.value.as_ref())
}

/// A value that may be missing, on one line.
pub(crate) fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| ocidiff_model::known::ABSENT.to_owned(), Value::line)
}

/// A link as people write it: `containers/crun#1600` for an issue or a pull request of GitHub.
pub(crate) fn short_link(link: &str) -> String {
    let plain = link
        .trim_start_matches("https://")
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let Some(path) = plain.strip_prefix("github.com/") else {
        return plain.to_owned();
    };
    let parts: Vec<_> = path.split(['/', '#', '?']).collect();
    match parts[..] {
        [owner, name, "issues" | "pull" | "discussions", number, ..] => format!("{owner}/{name}#{number}"),
        [owner, name, "blob", tag, ..] => {
            // The line stays after its mark.
            let path = path.split_once(&format!("/blob/{tag}/"));
            format!("{owner}/{name}@{tag}:{}", path.map_or("", |(_, path)| path))
        }
        [owner, name, "commit", id, ..] => format!("{owner}/{name}@{}", id.get(..12).unwrap_or(id)),
        _ => plain.to_owned(),
    }
}

/// Whether a link is a web link, and nothing else.
pub(crate) fn is_web(link: &str) -> bool {
    let web = link.starts_with("https://") || link.starts_with("http://");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'*+,;=%".contains(c);
    web && link.chars().all(plain)
}

/// A word for the shell, between quotes.
pub(crate) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Reasons with their counts, `needs cgroup v2 (2)`.
pub(crate) fn reason((reason, number): &(&str, usize)) -> String {
    format!("{reason} ({number})")
}

/// How many cases that a runtime sat out are named.
const NAMED: usize = 3;

/// Runtimes that sat cases out, `youki in 2 cases: it has no such step (a/one, a/two)`.
pub(crate) fn sat_out(out: &LeftOut<'_>) -> String {
    let LeftOut { label, why, cases } = out;
    let named = cases[..cases.len().min(NAMED)].join(", ");
    let more = match cases.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", {more} more"),
    };
    format!("{label} in {}: {why} ({named}{more})", count(cases.len(), "case"))
}

/// The options of the run that another command takes too, as words for the shell.
pub(crate) fn again(case: &CaseReport) -> String {
    case.again
        .iter()
        .map(|option| format!(" {}", word(option)))
        .collect()
}

/// The folder of the cases, as an option for commands that read only.
pub(crate) fn folder(case: &CaseReport) -> String {
    let named = case.again.windows(2).find(|pair| pair[0] == "--cases");
    named.map_or_else(String::new, |pair| format!(" --cases {}", word(&pair[1])))
}

/// The name of a runtime of the run for `--runtime`.
pub(crate) fn selector(case: &CaseReport, label: &str) -> String {
    let named = case
        .again
        .windows(2)
        .filter(|pair| pair[0] == "--runtime")
        .map(|pair| &pair[1]);
    let called = |selector: &&String| {
        **selector == label
            || selector.replacen('=', " ", 1) == label
            || selector.split_once('=').is_some_and(|(name, _)| name == label)
            || selector.split_once('@').is_some_and(|(name, _)| name == label)
    };
    let in_folder = |selector: &String| selector.split_once('=').is_some_and(|named| is_in(label, named));
    match named.clone().find(called) {
        Some(selector) => selector.clone(),
        None if named.clone().any(in_folder) => label.replacen(' ', "=", 1),
        None => as_selector(label),
    }
}

/// Whether a label, `crun builds/a`, is of a build in a folder that was named.
fn is_in(label: &str, (name, folder): (&str, &str)) -> bool {
    let program = label.split_once(' ').filter(|(of, _)| *of == name);
    program.is_some_and(|(_, program)| Path::new(program).parent() == Some(Path::new(folder)))
}

/// A label that contains a path, if the runtime was not named by it: `youki /x/youki` becomes `youki=/x/youki`.
fn as_selector(label: &str) -> String {
    match label.split_once(' ') {
        Some((name, path)) if path.starts_with('/') => format!("{name}={path}"),
        _ => label.to_owned(),
    }
}

/// A word for the shell, quoted only if necessary.
#[must_use]
pub fn word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@._+=/-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        quoted(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_told_as_people_write_them() {
        for (link, short) in [
            (
                "https://github.com/containers/crun/issues/1600",
                "containers/crun#1600",
            ),
            (
                "https://github.com/opencontainers/runc/pull/2750#issuecomment-1",
                "opencontainers/runc#2750",
            ),
            (
                "https://github.com/containers/crun/commit/0123456789abcdef0123",
                "containers/crun@0123456789ab",
            ),
            (
                "https://github.com/containers/crun/blob/1.28/src/a.c#L3",
                "containers/crun@1.28:src/a.c#L3",
            ),
            (
                "https://github.com/containers/crun/blob/1.28/src/a.c",
                "containers/crun@1.28:src/a.c",
            ),
            ("https://example.org/page/", "example.org/page"),
            ("containers/crun#646", "containers/crun#646"),
        ] {
            assert_eq!(short_link(link), short);
        }
    }

    #[test]
    fn a_share_says_between_what_the_rate_lies() {
        for (shown, runs, text) in [
            (1, 20, "1 of 20 runs (1 to 24 %)"),
            (3, 20, "3 of 20 runs (5 to 36 %)"),
            (2, 3, "2 of 3 runs (21 to 94 %)"),
            (0, 10, "0 of 10 runs (0 to 28 %)"),
            (10, 10, "10 of 10 runs (72 to 100 %)"),
        ] {
            assert_eq!(share(shown, runs), text);
        }
    }

    #[test]
    fn a_build_in_a_folder_is_named_by_its_own_path() {
        for (folder, label, whether) in [
            ("crun=builds", "crun builds/a", true),
            ("crun=builds/", "crun builds/a", true),
            ("crun=./builds", "crun ./builds/a b", true),
            ("runc=builds", "crun builds/a", false),
            ("crun=builds", "crun builds/a/b", false),
            ("crun=builds", "crun", false),
        ] {
            let named = folder.split_once('=').expect("a path");
            assert_eq!(is_in(label, named), whether, "{folder} {label}");
        }
    }

    #[test]
    fn names_are_quoted_for_the_shell() {
        assert_eq!(quoted("a[b]"), "'a[b]'");
        assert_eq!(quoted("a'b"), r"'a'\''b'");
    }
}
