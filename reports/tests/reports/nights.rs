//! Two nights compared with each other: new, fixed, changed, unstable, slower; and which versions are not accused.

use ocidiff_model::difference::Standing;
use ocidiff_model::event::CaseReport;
use ocidiff_model::{Event, Value, Verdict};
use ocidiff_reports::nights::{Became, Diff, LastRun, Trend, page, render, render_trend};
use ocidiff_reports::{Format, Style};

use crate::changes::versions;
use crate::story::{agree, case, difference, some};

const OLD: &str = "crun@1.8.1";
const MID: &str = "crun@1.21";
const NEW: &str = "crun@1.28";
const THREE: [&str; 3] = [OLD, MID, NEW];

/// A case in which a fact has these values, in the order of the names.
fn with(name: &str, verdict: Verdict, names: &[&'static str], values: &[i64]) -> CaseReport {
    let mut case = case(name, verdict);
    let mut groups: Vec<(Vec<&str>, i64)> = Vec::new();
    for (who, value) in names.iter().zip(values) {
        match groups.iter_mut().find(|(_, other)| other == value) {
            Some((all, _)) => all.push(who),
            None => groups.push((vec![who], *value)),
        }
    }
    let of: Vec<(&[&str], Option<Value>)> = groups
        .iter()
        .map(|(who, value)| (&who[..], some(*value)))
        .collect();
    let standing = match verdict {
        Verdict::Known => Standing::Known,
        Verdict::Unstable => Standing::Unstable { shown: 1, runs: 3 },
        _ => Standing::New { runs: 3 },
    };
    case.differences.push(difference("process.exit", &of, standing));
    case
}

fn diff(old: Vec<CaseReport>, new: Vec<CaseReport>) -> Diff {
    Diff::of(&[versions(&THREE, old)], &[versions(&THREE, new)])
}

fn told(diff: &Diff) -> Vec<(Became, Vec<&str>)> {
    let who = |case: &'_ ocidiff_reports::nights::CaseDiff| -> Vec<String> {
        case.versions
            .iter()
            .map(|change| change.version.clone())
            .collect()
    };
    diff.cases
        .iter()
        .map(|case| {
            let names = who(case);
            let all = THREE
                .into_iter()
                .filter(|name| names.iter().any(|other| other == name));
            (case.became, all.collect())
        })
        .collect()
}

#[test]
fn each_case_becomes_what_its_verdicts_and_values_say() {
    use Verdict::{Agree, Broken, Known, New as Fails, Skipped, Unstable};
    let of = |verdict, values: [i64; 3]| match verdict {
        Agree => agree("a/it"),
        Broken | Skipped => case("a/it", verdict),
        _ => with("a/it", verdict, &THREE, &values),
    };
    let none: [i64; 3] = [0; 3];
    for (old, new, expected) in [
        ((Agree, none), (Agree, none), None),
        ((Known, [0, 0, 1]), (Known, [0, 0, 1]), None),
        ((Fails, [0, 0, 1]), (Fails, [0, 0, 1]), None),
        ((Agree, none), (Fails, [0, 0, 1]), Some((Became::New, vec![NEW]))),
        (
            (Known, [0, 1, 0]),
            (Fails, [0, 1, 1]),
            Some((Became::New, vec![NEW])),
        ),
        (
            (Fails, [0, 0, 1]),
            (Agree, none),
            Some((Became::Fixed, vec![NEW])),
        ),
        (
            (Known, [0, 0, 1]),
            (Known, [0, 0, 2]),
            Some((Became::Changed, vec![NEW])),
        ),
        (
            (Known, [0, 0, 1]),
            (Agree, none),
            Some((Became::Changed, vec![NEW])),
        ),
        (
            (Agree, none),
            (Known, [5, 1, 1]),
            Some((Became::Changed, vec![OLD])),
        ),
        (
            (Agree, none),
            (Unstable, [0, 0, 1]),
            Some((Became::Unstable, vec![])),
        ),
        ((Unstable, [0, 0, 1]), (Unstable, [0, 1, 0]), None),
        ((Unstable, [0, 0, 1]), (Agree, none), None),
        ((Agree, none), (Broken, none), Some((Became::NotCompared, vec![]))),
        (
            (Known, [0, 0, 1]),
            (Skipped, none),
            Some((Became::NotCompared, vec![])),
        ),
        ((Broken, none), (Agree, none), Some((Became::Fixed, vec![]))),
        ((Broken, none), (Fails, [0, 0, 1]), Some((Became::New, vec![]))),
        ((Skipped, none), (Skipped, none), None),
    ] {
        let found = diff(vec![of(old.0, old.1)], vec![of(new.0, new.1)]);
        assert_eq!(
            told(&found),
            expected.into_iter().collect::<Vec<_>>(),
            "{old:?} {new:?}"
        );
    }
}

#[test]
fn who_took_part_in_one_night_only_is_listed_and_accused_of_nothing() {
    let two = [OLD, MID];
    let old = versions(&two, vec![agree("a/it"), agree("a/gone")]);
    let new = versions(
        &THREE,
        vec![with("a/it", Verdict::New, &THREE, &[0, 0, 1]), agree("a/come")],
    );
    let found = Diff::of(std::slice::from_ref(&old), &[new]);
    assert!(found.cases.is_empty(), "{found:?}");
    let on = "kernel 6.18.44, cgroup v1, x86_64";
    assert_eq!(found.only_new, [format!("{NEW} on {on}")]);
    assert!(found.only_old.is_empty());
    assert_eq!(
        (&found.cases_only_old[..], &found.cases_only_new[..]),
        (&["a/gone".to_owned()][..], &["a/come".to_owned()][..])
    );
    assert!(
        found.not_checked.is_empty(),
        "it was left out on purpose: {found:?}"
    );
    let mut cut = versions(&two, vec![agree("a/it")]);
    if let Some(Event::RunFinished { interrupted, .. }) = cut.last_mut() {
        *interrupted = true;
    }
    let found = Diff::of(std::slice::from_ref(&old), &[cut]);
    assert_eq!(found.not_checked, ["a/gone"]);
    assert!(
        found
            .cut
            .iter()
            .any(|line| line == "not checked: 1 case of the earlier run"),
        "{found:?}"
    );
    // Nothing is compared with a run on another kernel.
    let mut other = versions(&two, vec![with("a/it", Verdict::New, &two, &[0, 1])]);
    if let Some(Event::RunStarted { machine, .. }) = other.first_mut() {
        machine.kernel = "6.1.0".parse().expect("a version");
    }
    let found = Diff::of(&[old], &[other]);
    assert_eq!(
        (
            found.compared,
            found.cases.len(),
            found.only_old.len(),
            found.only_new.len()
        ),
        (0, 0, 2, 2)
    );
}

#[test]
fn a_case_is_slower_where_the_whole_run_is_not() {
    let timed = |name: &str, seconds| CaseReport {
        seconds,
        ..agree(name)
    };
    let night = |times: [f64; 6]| {
        let names = ["a/1", "a/2", "a/3", "a/4", "a/5", "a/6"];
        names
            .iter()
            .zip(times)
            .map(|(name, seconds)| timed(name, seconds))
            .collect::<Vec<_>>()
    };
    let usual = [0.2, 0.2, 0.2, 0.2, 0.2, 0.5];
    for (times, expected) in [
        ([0.2, 0.2, 0.2, 0.2, 0.2, 4.0], vec!["a/6"]),
        // The machine is busy.
        ([2.0, 2.0, 2.0, 2.0, 2.0, 5.0], vec![]),
        ([0.7, 0.2, 0.2, 0.2, 0.2, 1.2], vec![]),
    ] {
        let found = diff(night(usual), night(times));
        let slower: Vec<&str> = found.slower.iter().map(|one| one.case.as_str()).collect();
        assert_eq!(slower, expected, "{times:?}");
        // That everything is slower is said, though no case is accused.
        let text = render(Format::Terminal, &found, &Style::default()).expect("drawn");
        let is_slowed = times[1] > 1.0;
        assert_eq!(
            text.contains("the whole run took 10.0 times as long"),
            is_slowed,
            "{text}"
        );
        assert!(found.cases.is_empty());
    }
}

#[test]
fn nights_are_drawn_in_every_format_and_harmless() {
    let mut evil = with("a/\u{1b}[2J|<b>", Verdict::New, &THREE, &[0, 0, 1]);
    evil.why = Some("`x`\u{7}".into());
    let mut before = agree("a/\u{1b}[2J|<b>");
    before.seconds = 0.1;
    let found = diff(vec![before], vec![evil]);
    for format in [Format::Terminal, Format::Markdown, Format::Json] {
        let text = render(format, &found, &Style::default()).expect("drawn");
        assert!(text.contains("1.28") && text.contains("process.exit"), "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{format}");
        assert!(format != Format::Markdown || !text.contains("<b>"));
    }
    assert!(render(Format::Html, &found, &Style::default()).is_err());
}

#[test]
fn a_trend_has_a_line_a_night_in_order_of_time() {
    let at = |time: u64, cases: Vec<CaseReport>| {
        let mut events = versions(&THREE, cases);
        if let Some(Event::RunStarted { time: when, .. }) = events.first_mut() {
            *when = time;
        }
        vec![events]
    };
    let day = 86_400;
    let nights = [
        (
            "b".to_owned(),
            at(20 * day, vec![with("a/it", Verdict::New, &THREE, &[0, 0, 1])]),
        ),
        ("a".to_owned(), at(19 * day, vec![agree("a/it")])),
        (
            "c".to_owned(),
            at(21 * day, vec![with("a/it", Verdict::New, &THREE, &[0, 0, 1])]),
        ),
    ];
    let trend = Trend::of(&nights);
    let text = render_trend(&trend, false, &Style::default()).expect("drawn");
    let lines: Vec<&str> = text.lines().collect();
    for (line, says) in lines.iter().zip([
        ["1970-01-20", "1 agree", "(first)"],
        ["1970-01-21", "1 new", "since the night before: 1 new"],
        ["1970-01-22", "1 new", "as the night before"],
    ]) {
        assert!(says.iter().all(|word| line.contains(word)), "{line}");
    }
    let json = render_trend(&trend, true, &Style::default()).expect("drawn");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["nights"][1]["new"][0], "a/it");
}

#[test]
fn the_page_of_nights_has_the_news_first_and_is_text_only() {
    let hostile = "a/<script>alert(1)</script>";
    let old = vec![versions(&THREE, vec![agree(hostile), agree("b/it")])];
    let new = vec![versions(
        &THREE,
        vec![with(hostile, Verdict::New, &THREE, &[0, 0, 1]), agree("b/it")],
    )];
    let trend = Trend::of(&[("one".to_owned(), old), ("<b>two".to_owned(), new.clone())]);
    let last = [LastRun {
        events: &new[0],
        page: "run-1.html",
    }];
    let drawn = page(&trend, &last);
    assert!(
        !drawn.contains("<script>") && !drawn.contains("<b>two"),
        "text stays text"
    );
    assert!(drawn.contains("&lt;script&gt;alert(1)") && drawn.contains("&lt;b&gt;two"));
    assert!(drawn.contains("href=\"run-1.html\""), "each run has its page");
    let place = |what: &str| drawn.find(what).unwrap_or_else(|| panic!("{what}: {drawn}"));
    assert!(place("id=\"news\"") < place("id=\"grid\"") && place("id=\"grid\"") < place("id=\"nights\""));
    // The version that changed has a row, and the others do not.
    let news = &drawn[place("By version")..place("Case by case")];
    assert!(news.contains(NEW) && !news.contains(OLD), "{news}");
    // A name other than the program's own does not become a link.
    let named = [LastRun {
        events: &new[0],
        page: "//elsewhere",
    }];
    assert!(!page(&trend, &named).contains("href=\"//"));
}
