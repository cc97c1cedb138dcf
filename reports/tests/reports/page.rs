//! A run as a page: it is complete, its links lead somewhere, it loads nothing, and hostile content is text.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use base64::Engine as _;
use ocidiff_model::difference::Standing;
use ocidiff_model::event::CaseReport;
use ocidiff_model::{Event, Value, Verdict};
use ocidiff_reports::{Format, Style, events, render};
use quick_xml::events::{BytesStart, Event as Xml};
use sha2::Digest as _;

use crate::hostile::{self, EVIL};
use crate::story;

fn drawn(events: &[Event]) -> String {
    render(Format::Html, events, &Style::default()).expect("a page")
}

/// Runs in which the most varied things happened.
fn pages() -> Vec<String> {
    let none = story::run(Vec::new());
    let mut cut = story::whole();
    cut.truncate(5);
    let runs = [
        story::whole(),
        story::all_known(),
        hostile::events(),
        twins(),
        none,
        cut,
    ];
    runs.iter().map(|events| drawn(events)).collect()
}

/// Cases that only a number distinguishes in an address, and labels that the run does not name.
fn twins() -> Vec<Event> {
    let named = |name: &str| CaseReport {
        case: name.into(),
        ..story::security()
    };
    let mut strange = story::new_list();
    strange.differences[0].groups[1].runtimes = vec!["somebody".into()];
    let names = [
        "a/b[c]", "a/b[c]", "a/b:c", "a/b:c~1", "a/b c", "a/b_c", "", "no topic",
    ];
    let mut cases: Vec<CaseReport> = names.into_iter().map(named).collect();
    cases.push(strange);
    story::run(cases)
}

/// What is between the tags of the body, except the script.
fn body(page: &str) -> &str {
    let (_, body) = page.split_once("<body>\n").expect("a body");
    body.split_once("<script>").expect("a script").0
}

/// The start of each element of the body.
fn elements(page: &str) -> Vec<BytesStart<'static>> {
    // A field has no end tag in HTML.
    let body = body(page).replace("type=\"search\">", "type=\"search\"/>");
    let mut reader = quick_xml::Reader::from_str(&body);
    let mut all = Vec::new();
    loop {
        match reader.read_event().expect("tags in their order") {
            Xml::Eof => return all,
            Xml::Start(start) | Xml::Empty(start) => all.push(start.into_owned()),
            Xml::Text(_) | Xml::End(_) | Xml::GeneralRef(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn name(element: &BytesStart<'_>) -> String {
    String::from_utf8_lossy(element.name().as_ref()).into_owned()
}

fn attributes(element: &BytesStart<'_>) -> BTreeMap<String, String> {
    let pair = |attribute: quick_xml::events::attributes::Attribute<'_>| {
        let value = attribute
            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
            .expect("a value");
        let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        (key, value.into_owned())
    };
    let all = element.attributes();
    all.map(|attribute| pair(attribute.expect("an attribute")))
        .collect()
}

#[test]
fn every_id_is_unique_and_every_link_leads_somewhere() {
    for page in pages() {
        let mut ids = BTreeSet::new();
        let mut links = BTreeSet::new();
        for element in elements(&page) {
            let attributes = attributes(&element);
            if let Some(id) = attributes.get("id") {
                assert!(!id.contains(char::is_whitespace), "{id:?}");
                assert!(ids.insert(id.clone()), "two of {id}");
            }
            let target = attributes.get("href").or(attributes.get("for"));
            if let Some(target) = target.filter(|target| !target.starts_with("https://")) {
                links.insert(target.trim_start_matches('#').to_owned());
            }
        }
        assert_eq!(links.difference(&ids).collect::<Vec<_>>(), Vec::<&String>::new());
        assert!(links.len() > 5, "{links:?}");
    }
}

#[test]
fn it_loads_nothing_and_runs_its_own_script_only() {
    for page in pages() {
        assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
        for bad in [
            "url(", "@import", " src=", "<link", "<img", "<iframe", "fetch(", "import(",
        ] {
            assert!(!page.contains(bad), "{bad}");
        }
        let (before, script) = page.split_once("<script>").expect("a script");
        let (script, after) = script.split_once("</script>").expect("its end");
        assert_eq!(after, "\n</body>\n</html>\n", "one script, at the end");
        assert!(!before.contains("</script>"));
        let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(script));
        let policy = format!(
            "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'\""
        );
        assert!(
            page.contains(&policy),
            "write sha256-{digest} to templates/filter.js.sha256"
        );
    }
}

#[test]
fn it_can_be_read_aloud_and_without_a_script() {
    for page in pages() {
        let elements = elements(&page);
        let count = |wanted: &str| elements.iter().filter(|one| name(one) == wanted).count();
        assert_eq!(
            (count("h1"), count("main"), count("header"), count("nav")),
            (1, 1, 1, 1)
        );
        // Headings come in order, and none is skipped.
        let mut last = 1;
        for element in &elements {
            let name = name(element);
            if let Some(level) = name
                .strip_prefix('h')
                .and_then(|level| level.parse::<usize>().ok())
            {
                assert!(level <= last + 1, "{name} after h{last}");
                last = level;
            }
            let attributes = attributes(element);
            assert_eq!(attributes.contains_key("hidden"), name == "form", "{name}");
            if ["input", "select"].contains(&name.as_str()) {
                let label = format!("for=\"{}\"", attributes["id"]);
                assert_eq!(page.matches(&label).count(), 1, "{label}");
            }
        }
    }
}

#[test]
fn what_fails_comes_first_with_its_values() {
    let page = drawn(&story::whole());
    let at = |text: &str| {
        body(&page)
            .find(text)
            .unwrap_or_else(|| panic!("{text} is not on the page"))
    };
    let order = [
        "<b>1</b> <span class=\"badge v-new\">new</span>",
        "<section id=\"fails\">",
        "<section id=\"case/process/groups:many\"",
        "0027",
        "<section id=\"case/hooks/poststop\"",
        "<section id=\"case/lifecycle/state-unknown\"",
        "<section id=\"findings\">",
        "<section id=\"matrix\">",
        "<section id=\"each-finding\"",
        "add fchmodat2 to the profile",
        "<section id=\"differ\"",
        "<section id=\"case/seccomp/tar-setgid\"",
        "EPERM",
        "ocidiff repro &#39;seccomp/tar-setgid&#39; --runtime crun",
        "<section id=\"not-compared\"",
        "<section id=\"agree\"",
        "<li id=\"case/process/args\"",
    ];
    let mut rest = body(&page);
    for text in order {
        at(text);
        let found = rest
            .find(text)
            .unwrap_or_else(|| panic!("{text} is not behind the one before it"));
        rest = &rest[found..];
    }
    let cases = story::whole()
        .iter()
        .filter(|event| matches!(event, Event::CaseFinished(_)))
        .count();
    assert_eq!(
        page.matches(" id=\"case/").count(),
        cases,
        "each case has its place"
    );
}

#[test]
fn colour_is_not_all_that_a_cell_says() {
    let page = drawn(&story::whole());
    let (_, matrix) = page.split_once("<table class=\"matrix\">").expect("a matrix");
    let (matrix, _) = matrix.split_once("</table>").expect("its end");
    for text in [
        "<td class=\"safe\"><span aria-hidden=\"true\">\u{2713}</span><span class=\"spoken\">as the others</span></td>",
        "<td class=\"security\"><span aria-hidden=\"true\">\u{203c}</span><span class=\"spoken\">security: </span>",
        "<td class=\"fails\"><span aria-hidden=\"true\">!</span><span class=\"spoken\">fails: </span>",
        "<td>not compared</td>",
    ] {
        assert!(matrix.contains(text), "{text} is not in\n{matrix}");
    }
}

#[test]
fn hostile_text_is_text() {
    let page = drawn(&hostile::events());
    let bad = page
        .chars()
        .find(|c| (c.is_control() && *c != '\n') || "\u{202e}\u{ffff}\u{1b}".contains(*c));
    assert_eq!(bad, None);
    let tags = [
        "a", "b", "button", "code", "dd", "div", "dl", "dt", "form", "h1", "h2", "h3", "h4", "header", "i",
        "input", "label", "li", "main", "nav", "option", "p", "pre", "section", "select", "span", "table",
        "caption", "tbody", "td", "th", "thead", "tr", "ul",
    ];
    for element in elements(&page) {
        assert!(tags.contains(&name(&element).as_str()), "{}", name(&element));
        for (key, value) in attributes(&element) {
            assert!(!key.starts_with("on") && key != "style", "{key}");
            let leads = value.starts_with('#') || value.starts_with("https://github.com/");
            assert!(key != "href" || leads, "{value}");
        }
    }
    assert!(body(&page).contains(r"&lt;script&gt;"));
    assert!(body(&page).contains(r"\x1b[2J"));
    assert!(body(&page).contains(r"\u{202e}"));
}

#[test]
fn what_a_script_would_end_at_is_text_everywhere() {
    let breaking = "</script></style></title><script>alert(1)</script>\0\u{1b}[31m\u{202e}<!--";
    let mut case = story::new_list();
    case.case = format!("x/{breaking}");
    case.summary = breaking.into();
    case.differences[0].groups[0].value = Some(breaking.into());
    case.differences[0].groups[0].runtimes = vec![breaking.into()];
    let page = drawn(&story::run(vec![case]));
    assert_eq!(page.matches("<script>").count(), 1);
    assert_eq!(page.matches("</script>").count(), 1);
    assert_eq!(
        (page.matches("</style>").count(), page.matches("</title>").count()),
        (1, 1)
    );
    assert!(page.contains("&lt;/script&gt;&lt;/style&gt;"));
    // Bytes that are not UTF-8 are refused or replaced where events are read, and never reach a page as they are.
    let line = String::from_utf8(
        events::lines_of(&story::run(vec![story::new_list()]))
            .expect("lines")
            .into(),
    )
    .expect("text");
    let mut bytes = line.into_bytes();
    let at = bytes
        .windows(4)
        .position(|four| four == b"0027")
        .expect("a value");
    bytes[at] = 0xff;
    if let Ok(read) = events::read(bytes.as_slice()) {
        assert!(drawn(&read.events).contains('\u{fffd}'));
    }
}

#[test]
fn ten_mebibytes_of_output_are_bounded() {
    let long = "x".repeat(10 << 20);
    let many = vec!["<y>".to_owned(); 1 << 17];
    let mut case = story::new_list();
    case.summary = long.clone();
    case.differences[0].groups[0].value = Some(long.as_str().into());
    case.differences[1].groups[1].value = Some(Value::List(many));
    case.failures[0].1.text = long.clone();
    let mut known = story::tar_setgid();
    known.differences[0].fact = long.clone();
    known.differences[0].groups[0].value = Some(long.as_str().into());
    let mut odd = story::agree(&format!("a/{long}"));
    odd.source = long;
    let page = drawn(&story::run(vec![case, known, odd]));
    assert!(page.len() < 100_000, "{} bytes", page.len());
    assert!(page.contains("more characters)"));
}

/// As many cases as the corpus has, with equally many that differ, and equally many facts each.
#[test]
fn a_page_of_the_whole_corpus_is_small_and_quick() {
    let cases = (0..1464).map(|number| match number % 12 {
        0..5 => CaseReport {
            case: format!("topic-{}/some-case-of-the-corpus[{number}]", number % 20),
            ..story::tar_setgid()
        },
        _ => story::agree(&format!(
            "topic-{}/some-case-of-the-corpus[{number}]",
            number % 20
        )),
    });
    let events = story::run(cases.collect());
    let start = Instant::now();
    let page = drawn(&events);
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    // It takes a tenth of this on a quiet machine.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn a_verdict_of_each_kind_has_a_place() {
    for verdict in Verdict::ALL {
        let mut case = story::new_list();
        case.verdict = verdict;
        for difference in &mut case.differences {
            difference.standing = match verdict {
                Verdict::Known => Standing::Known,
                Verdict::Fixed => Standing::Fixed,
                Verdict::Gone => Standing::Gone,
                _ => Standing::New { runs: 1 },
            };
        }
        let page = drawn(&story::run(vec![case]));
        assert_eq!(
            page.matches(" id=\"case/process/groups:many\"").count(),
            1,
            "{verdict}"
        );
        assert!(page.contains(&format!("data-v=\"{verdict}\"")), "{verdict}");
    }
    assert!(EVIL.contains("<script>"), "what hostile runs are made of");
}

#[test]
fn the_full_page_cuts_no_value_of_what_is_known() {
    let mut case = story::tar_setgid();
    let long = "x".repeat(1500);
    case.differences[0].groups[0].value = Some(long.as_str().into());
    let events = story::run(vec![case]);
    assert!(!drawn(&events).contains(&long));
    assert!(ocidiff_reports::page::full(&events).contains(&long));
}

#[test]
fn what_did_not_show_is_of_whom_it_is_written() {
    let page = drawn(&story::run(vec![story::gone()]));
    assert!(page.contains("<section id=\"case/hooks/poststop\" data-v=\"gone\" data-t=\"0\" data-w=\"1\""));
    let (_, row) = page
        .split_once("<a href=\"#fails\">hooks</a></th>")
        .expect("a row of the matrix");
    let (row, _) = row.split_once("</tr>").expect("its end");
    assert_eq!(row.matches("class=\"fails\"").count(), 1, "{row}");
    assert!(page.contains("<dt>Written down, did not show</dt>"), "{page}");
}

/// Topics belong to the run: having as many as there are cases costs no more than their number.
#[test]
fn many_cases_of_as_many_topics_take_no_longer() {
    let cases = (0..20_000).map(|number| CaseReport {
        case: format!("topic-{number}/case"),
        ..story::breaks("a/b", 1)
    });
    let events = story::run(cases.collect());
    let start = Instant::now();
    let page = drawn(&events);
    assert_eq!(page.matches(" id=\"case/").count(), 20_000);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
