//! Everything that a container or a runtime can put into a report is text, in every format.

use ocidiff_model::difference::Standing;
use ocidiff_model::event::CaseReport;
use ocidiff_model::{Event, Value, Verdict};
use ocidiff_reports::{Format, Style, render, terminal};
use quick_xml::events::Event as Xml;

use crate::story;

pub(crate) const EVIL: &str =
    "\u{1b}[2J\u{1b}]8;;http://evil\u{7}\r\n\u{202e}\u{9b}31m\0\u{ffff}]]>&<script>|`@you`\u{b}";

/// The worst of everything, in every place that is not ours.
fn evil(verdict: Verdict) -> CaseReport {
    let mut case = story::new_list();
    case.verdict = verdict;
    case.case = format!("evil/'{EVIL}'");
    case.summary = EVIL.into();
    case.source = EVIL.into();
    case.why = Some(EVIL.into());
    case.unsupported = vec![(EVIL.into(), EVIL.into())];
    for difference in &mut case.differences {
        difference.fact = format!("file./{EVIL}");
        difference.groups[0].value = Some(EVIL.into());
        difference.groups[1].value = Some(Value::List(vec![EVIL.into(); 5]));
        difference.groups[1].runtimes = vec![EVIL.into()];
        difference.against = vec![EVIL.into()];
        difference.expected = Some(EVIL.into());
        if verdict == Verdict::Known {
            difference.standing = Standing::Known;
        }
    }
    let advice = story::Advice {
        impact: None,
        cause: Some(EVIL.into()),
        link: vec![format!("https://{EVIL}"), EVIL.into()],
        remedy: Some(EVIL.into()),
    };
    let mut case = story::known(case, advice);
    for card in case.findings.values_mut() {
        card.title = EVIL.into();
        card.versions = EVIL.into();
    }
    for requirement in &mut case.requirements {
        requirement.id = EVIL.into();
        requirement.section = EVIL.into();
        requirement.says = EVIL.into();
    }
    for (label, step) in &mut case.failures {
        *label = EVIL.into();
        step.label = EVIL.into();
        step.text = EVIL.into();
    }
    case
}

pub(crate) fn events() -> Vec<Event> {
    let mut events = story::run(Verdict::ALL.map(evil).to_vec());
    if let Some(Event::RunStarted {
        runtimes, recorder, ..
    }) = events.first_mut()
    {
        runtimes[0].runtime.label = EVIL.into();
        runtimes[0].origin = EVIL.into();
        *recorder = EVIL.into();
    }
    events
}

fn assert_harmless(text: &str, what: &str) {
    let bad = text
        .chars()
        .find(|c| (c.is_control() && *c != '\n') || "\u{202e}\u{ffff}".contains(*c));
    assert_eq!(bad, None, "{what}:\n{text}");
}

#[test]
fn no_format_lets_a_control_character_through() {
    for format in [Format::Terminal, Format::Markdown, Format::Junit] {
        let text = render(format, &events(), &Style::default()).expect("render");
        assert_harmless(&text, format.name());
        assert!(text.contains(r"\x1b") || text.contains("&#92;x1b"));
    }
    let ascii = Style {
        unicode: false,
        ..Style::default()
    };
    assert!(terminal::render(&events(), &ascii).is_ascii());
    for verdict in Verdict::ALL {
        let text = terminal::explain(&evil(verdict), &terminal::ExplainInput::default(), &ascii);
        assert_harmless(&text, "explain");
    }
}

#[test]
fn no_html_and_no_table_cell_comes_from_hostile_text() {
    let text = render(Format::Markdown, &events(), &Style::default()).expect("render");
    let (mut in_diff, mut columns) = (false, 0);
    for line in text.lines() {
        if line.starts_with("```") {
            in_diff = !in_diff;
        }
        if in_diff {
            continue;
        }
        assert!(!line.contains("<script"), "{line}");
        assert!(!line.contains("@you"), "{line}");
        assert!(!line.contains("http://evil"), "{line}");
        if line.starts_with("|--") {
            columns = line.matches('|').count();
        }
        if line.starts_with("| <code>") {
            assert_eq!(line.matches('|').count(), columns, "{line}");
        }
    }
    assert!(!in_diff, "every fence is closed");
}

#[test]
fn junit_is_xml_and_says_what_the_terminal_says() {
    for events in [story::whole(), story::all_known(), events()] {
        let text = render(Format::Junit, &events, &Style::default()).expect("render");
        let mut reader = quick_xml::Reader::from_str(&text);
        let mut tags = Vec::new();
        loop {
            match reader.read_event().expect("well-formed") {
                Xml::Eof => break,
                Xml::Start(tag) | Xml::Empty(tag) => {
                    for attribute in tag.attributes() {
                        attribute
                            .expect("attribute")
                            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                            .expect("attribute value");
                    }
                    tags.push(String::from_utf8_lossy(tag.name().as_ref()).into_owned());
                }
                Xml::Text(text) => drop(
                    text.xml_content(quick_xml::XmlVersion::Implicit1_0)
                        .expect("text"),
                ),
                _ => {}
            }
        }
        let count = |name: &str| tags.iter().filter(|tag| *tag == name).count();
        let of = |wanted: &[Verdict]| {
            let verdict = |event: &Event| match event {
                Event::CaseFinished(case) => Some(case.verdict),
                _ => None,
            };
            events
                .iter()
                .filter_map(verdict)
                .filter(|it| wanted.contains(it))
                .count()
        };
        assert_eq!(count("testcase"), of(&Verdict::ALL));
        assert_eq!(
            count("failure"),
            of(&[
                Verdict::New,
                Verdict::Gone,
                Verdict::Violation,
                Verdict::Unexpected
            ])
        );
        assert_eq!(count("error"), of(&[Verdict::Broken]));
        assert_eq!(count("skipped"), of(&[Verdict::Skipped, Verdict::Unsupported]));
        assert_eq!(
            count("system-out"),
            of(&[Verdict::Known, Verdict::Fixed, Verdict::Unstable])
        );
    }
}
