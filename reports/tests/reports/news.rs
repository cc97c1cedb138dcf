//! What no longer shows in a version that had not been examined is news, and not a failure.

use ocidiff_model::difference::{Fixed, Standing};
use ocidiff_model::event::CaseReport;
use ocidiff_model::{Event, ExitStatus, Verdict};
use ocidiff_reports::{Format, Style, render};

use crate::story;

fn fixed(name: &str) -> CaseReport {
    let mut case = story::breaks(name, 1);
    case.verdict = Verdict::Fixed;
    for difference in &mut case.differences {
        difference.groups = story::groups(&[(&["runc", "crun", "youki"], story::some(0))]);
        difference.standing = Standing::Fixed;
        difference.fixed = vec![Fixed {
            who: "crun".into(),
            version: "1.30".parse().expect("a version"),
            because: vec!["crun/it".parse().expect("an id")],
            until: "1.28".parse().expect("a version"),
        }];
    }
    case
}

#[test]
fn what_may_be_fixed_is_told_once_with_its_cases() {
    let mut events = story::run(vec![fixed("a/b"), fixed("c/d"), story::agree("e/f")]);
    let news = "crun/it does not show in crun 1.30: was seen until 1.28 (2 cases)";
    for format in [Format::Terminal, Format::Markdown] {
        let text = render(format, &events, &Style::default()).expect("render");
        assert!(
            text.contains(news) && text.contains("2 fixed"),
            "{format}\n{text}"
        );
        assert!(!text.contains("FIXED"), "{format}\n{text}");
    }
    let junit = render(Format::Junit, &events, &Style::default()).expect("render");
    assert!(
        !junit.contains("<failure") && junit.contains("fixed? crun/it in crun 1.30: was seen until 1.28")
    );
    assert!(matches!(
        events.last(),
        Some(Event::RunFinished {
            exit: ExitStatus::Ok,
            ..
        })
    ));
    if let Some(Event::RunFinished { exit, .. }) = events.last_mut() {
        *exit = ExitStatus::Differs;
    }
    let strict = render(Format::Junit, &events, &Style::default()).expect("render");
    assert_eq!(strict.matches("<failure").count(), 2);
}
