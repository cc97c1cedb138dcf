//! However much there is to report, the Markdown fits in a comment, the terminal's report on a screen, and its text on
//! a line.

use ocidiff_model::difference::{Account, How, Standing};
use ocidiff_model::event::CaseReport;
use ocidiff_model::{Event, FindingId, Impact, Verdict};
use ocidiff_reports::{Format, Style, markdown, render, terminal};

use crate::story::{Advice, case, difference, known, run, some};

/// What a job summary's comment can hold, with some room to spare.
const COMMENT: usize = 60_000;

/// A case with its own finding, one of `findings`.
fn of_finding(number: usize, findings: usize, verdict: Verdict) -> CaseReport {
    let standing = match verdict {
        Verdict::Known => Standing::Known,
        _ => Standing::New { runs: 3 },
    };
    let fact = format!("mount./a/rather/long/path/{number}.options");
    let groups: [(&[&str], _); 2] = [
        (&["runc"], some("rw,nosuid,nodev,noexec,relatime")),
        (&["crun", "youki"], some("rw")),
    ];
    let raw = CaseReport {
        summary: format!("what happens in case number {number} of a generated corpus of many cases"),
        differences: vec![difference(&fact, &groups, standing); 3],
        ..case(
            &format!("topic-{}/a-case-with-a-long-name-{number}", number % 17),
            verdict,
        )
    };
    let impacts = [
        Impact::Security,
        Impact::Breaks,
        Impact::MayBreak,
        Impact::Cosmetic,
    ];
    let advice = Advice {
        impact: Some(impacts[number % 4]),
        cause: Some("It does so because of a reason that takes a sentence or two to tell. ".repeat(4)),
        link: vec![format!("https://github.com/containers/crun/issues/{number}"); 4],
        remedy: Some("Do something about it, or do not.".into()),
    };
    let mut case = known(raw, advice);
    let id: FindingId = format!(
        "crun/a-finding-with-a-name-as-long-as-they-get-{}",
        number % findings
    )
    .parse()
    .expect("an id");
    case.findings = case
        .findings
        .into_values()
        .map(|card| (id.clone(), card))
        .collect();
    for difference in &mut case.differences {
        difference.accounts = vec![Account {
            who: "crun".into(),
            because: vec![id.clone()],
            how: How::Recognised,
        }];
    }
    case
}

/// 3,000 cases, of which 1,400 are known and 300 new.
fn many() -> Vec<Event> {
    let cases = (0..3000).map(|number| match number % 30 {
        0..14 => of_finding(number, 600, Verdict::Known),
        14..17 => of_finding(number, 600, Verdict::New),
        17 => CaseReport {
            why: Some(format!("needs a thing called {number}")),
            ..case(&format!("other/{number}"), Verdict::Skipped)
        },
        _ => case(&format!("other/{number}"), Verdict::Agree),
    });
    run(cases.collect())
}

#[test]
fn markdown_fits_a_comment_and_says_what_it_left_out() {
    let text = render(Format::Markdown, &many(), &Style::default()).expect("render");
    assert!(text.len() < COMMENT, "{}", text.len());
    assert!(text.contains("## ocidiff: 300 new"), "{text}");
    let told = text.matches("### NEW").count();
    let named = text.matches("\n- NEW <code>").count();
    assert!(told > 5 && named > 20, "{told} {named}");
    assert!(
        text.contains(&format!("… {} more: --full", 300 - told - named)),
        "{text}"
    );
    let rows = text.matches("| <code>crun/a-finding").count();
    assert!(rows > 40, "{rows}");
    assert!(
        text.contains("### Known: 420 findings behind 1400 cases") || text.contains("behind 1400 cases"),
        "{text}"
    );
    assert!(
        text.lines()
            .any(|line| line.starts_with("… ") && line.ends_with("cosmetic): --full")),
        "{text}"
    );
    assert!(
        text.contains("skipped: ") && text.contains(" more: --full\n"),
        "{text}"
    );
    let full = markdown::full(&many());
    assert_eq!(full.matches("### NEW").count(), 300);
    assert_eq!(full.matches("\n| <code>topic-").count(), 1400);
    assert!(!full.contains("--full"));
}

#[test]
fn markdown_is_whole_where_there_is_room() {
    let events = run((0..20)
        .map(|number| of_finding(number, 5, Verdict::New))
        .collect());
    let text = render(Format::Markdown, &events, &Style::default()).expect("render");
    assert_eq!(text.matches("### NEW").count(), 20);
    assert!(text.len() < COMMENT && !text.contains("--full"));
}

#[test]
fn one_case_that_is_larger_than_a_comment_is_named() {
    let mut case = of_finding(0, 1, Verdict::New);
    for card in case.findings.values_mut() {
        card.link = vec!["https://example.org/".to_owned() + &"x".repeat(300); 400];
    }
    let text = render(Format::Markdown, &run(vec![case]), &Style::default()).expect("render");
    assert!(text.len() < COMMENT, "{}", text.len());
    assert!(text.contains("- NEW <code>topic-0/"), "{text}");
}

#[test]
fn what_is_known_fits_a_screen() {
    let known = |number| of_finding(number, 400, Verdict::Known);
    let events = run((0..1400).map(known).collect());
    for (width, unicode) in [(110, true), (80, false), (60, true), (40, true)] {
        let style = Style {
            width,
            unicode,
            ..Style::default()
        };
        let text = terminal::render(&events, &style);
        if width >= 80 {
            assert!(text.lines().count() < 40, "{text}");
        }
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&text).contains("`ocidiff findings` lists them"), "{text}");
        let id = "security crun/a-finding-with-a-name-as-long-as-they-get-0";
        assert!(words(&text).contains(id), "{text}");
        holds_its_width(&text, width);
        let full = terminal::full(&events, &style);
        assert!(words(&full).contains("400 findings behind 1400 known cases"));
        assert_eq!(
            full.lines()
                .filter(|line| line.starts_with("known topic-"))
                .count(),
            1400
        );
        holds_its_width(&full, width);
    }
}

#[test]
fn what_is_new_holds_its_width() {
    for width in [110, 80, 60] {
        let style = Style {
            width,
            ..Style::default()
        };
        holds_its_width(&terminal::render(&many(), &style), width);
        holds_its_width(&terminal::render(&crate::story::whole(), &style), width);
    }
}

/// Only a line that is nothing but a name, a link or a command is longer: these are useless in part.
fn holds_its_width(text: &str, width: usize) {
    for line in text.lines().filter(|line| line.chars().count() > width) {
        let rest = line.trim_start();
        let rest = [
            "link",
            "next",
            "known",
            "finding",
            "security",
            "breaks",
            "may-break",
            "cosmetic",
            "spec",
            "case",
        ]
        .iter()
        .find_map(|name| rest.strip_prefix(name))
        .unwrap_or(rest)
        .trim_start();
        let whole = rest.starts_with("ocidiff ") || !rest.contains(' ');
        assert!(whole, "longer than {width}: {line}");
    }
}

#[test]
fn names_and_links_are_whole_or_not_there() {
    let long = "crun/a-finding-with-a-name-as-long-as-they-get-7";
    let mut case = of_finding(7, 400, Verdict::Known);
    let link = "https://github.com/containers/crun/blob/1.28/src/libcrun/a/file/that/lies/deep/down.c#L1234";
    for card in case.findings.values_mut() {
        card.link = vec![link.into()];
    }
    let short = "containers/crun@1.28:src/libcrun/a/file/that/lies/deep/down.c#L1234";
    for width in 40..160 {
        let style = Style {
            width,
            ..Style::default()
        };
        let text = terminal::case(&case, &style);
        let parts = text
            .split_whitespace()
            .filter(|word| word.contains("crun/a-") || word.contains("crun@"));
        for part in parts {
            assert!(part == long || part == short, "{width}: {text}");
        }
        holds_its_width(&text, width);
    }
}
