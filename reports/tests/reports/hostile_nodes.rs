//! What a workload, a node or a file of events can put into the report of a check is text, in every format.

use ocidiff_model::Impact;
use ocidiff_model::check::{CheckReport, FleetReport, SetAside, Unchecked, VersionReport};
use ocidiff_reports::{Format, Style, draw};
use quick_xml::events::{BytesStart, Event as Xml};

use crate::nodes::{node, shape, three, whole};

const EVIL: &str = "\u{1b}[2J\u{1b}]8;;http://evil\u{7}\r\n\u{202e}\0\u{ffff}\u{200b}--></style></title></td><script>alert(1)</script>\
    <img src=x onerror=\"alert(1)\">' onclick='x' \" onclick=\"x|`@you`&lt;&#60;{{7}}\u{b}";

fn evil() -> CheckReport {
    let mut report = node(EVIL);
    report.ocidiff = EVIL.into();
    report.from.label = EVIL.into();
    report.to.label = EVIL.into();
    for impact in [Impact::Security, Impact::Cosmetic] {
        let mut shape = shape(EVIL, &[EVIL; 10], &[(impact, EVIL)]);
        shape
            .digest
            .insert(0, if impact == Impact::Security { 'a' } else { 'b' });
        shape.changes = vec![EVIL.into()];
        let finding = &mut shape.findings[0];
        for text in [&mut finding.from, &mut finding.to, &mut finding.reason] {
            *text = EVIL.into();
        }
        finding.remedy = Some(EVIL.into());
        finding.case = Some(EVIL.into());
        finding.link = vec![
            EVIL.into(),
            format!("https://{EVIL}"),
            "javascript:alert(1)".into(),
        ];
        report.shapes.push(shape);
    }
    report.unchecked = vec![Unchecked {
        workload: EVIL.into(),
        why: EVIL.into(),
        before: false,
        uncounted: false,
    }];
    report.target = Some(EVIL.into());
    report.set_aside = vec![SetAside {
        why: EVIL.into(),
        workloads: vec![EVIL.into()],
    }];
    report.versions = vec![VersionReport {
        runtime: report.to.clone(),
        safe: 0,
        at_risk: vec![EVIL.into()],
        worst: Some(Impact::Breaks),
        unchecked: Vec::new(),
        why_not: Some(EVIL.into()),
    }];
    report.shapes[0].from = Some(report.to.clone());
    report
}

/// Alone; among others of another move; on two nodes; twice.
fn drawn(format: Format) -> Vec<String> {
    let style = Style::default();
    let mut later = evil();
    later.time += 1;
    let mut elsewhere = evil();
    elsewhere.node.push('2');
    let mut all: Vec<_> = three()
        .into_iter()
        .chain([evil(), later, elsewhere.clone()])
        .map(whole)
        .collect();
    all[4].exit = None;
    let two = vec![whole(evil()), whole(elsewhere)];
    let mut texts = vec![draw::check(format, &evil(), &style).expect("a report")];
    // These are for one node only.
    let fleets = if [Format::Junit, Format::Sarif].contains(&format) {
        Vec::new()
    } else {
        vec![all, two]
    };
    for checks in fleets {
        texts.push(draw::fleet(format, &FleetReport::of(checks), &style).expect("a report"));
    }
    texts
}

#[test]
fn no_format_lets_a_control_character_through() {
    for format in Format::ALL {
        for text in drawn(format) {
            let bad = |c: &char| c.is_control() && *c != '\n';
            assert_eq!(text.chars().find(bad), None, "{format}:\n{text}");
            let hidden = text.chars().find(|c| "\u{202e}\u{ffff}\u{200b}".contains(*c));
            // JSON is for programs; what they display is their responsibility.
            let is_json = [Format::Json, Format::Sarif].contains(&format);
            assert!(hidden.is_none() || is_json, "{format}:\n{text}");
        }
    }
    let ascii = Style {
        unicode: false,
        ..Style::default()
    };
    let mut report = evil();
    report.node.push('é');
    report.shapes[0].workloads[0].insert(0, 'é');
    let fleet = FleetReport::of(vec![whole(report.clone())]);
    for text in [
        draw::check(Format::Terminal, &report, &ascii),
        draw::fleet(Format::Terminal, &fleet, &ascii),
    ] {
        let text = text.expect("a report");
        assert!(text.is_ascii(), "{text}");
    }
}

#[test]
fn no_markup_comes_from_hostile_text_in_markdown() {
    for text in drawn(Format::Markdown) {
        for bad in ["<script", "<img", "@you", "http://evil", "`"] {
            assert!(!text.contains(bad), "{bad}:\n{text}");
        }
        let mut columns = 0;
        for line in text.lines() {
            let here = line.matches('|').count();
            assert!(columns == 0 || here == 0 || here == columns, "{line}");
            columns = here;
        }
    }
}

/// Every element and attribute of the page, read as XML: our own pages are valid XML except for a few tags.
fn elements(page: &str) -> Vec<BytesStart<'static>> {
    let (_, rest) = page.split_once("</head>").expect("a head");
    let body = rest
        .trim_start()
        .trim_end()
        .strip_suffix("</html>")
        .expect("an end");
    let mut reader = quick_xml::Reader::from_str(body);
    let mut found = Vec::new();
    loop {
        match reader.read_event().expect("well-formed") {
            Xml::Eof => return found,
            Xml::Start(tag) | Xml::Empty(tag) => found.push(tag.into_owned()),
            Xml::End(_) | Xml::Text(_) | Xml::GeneralRef(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn no_markup_comes_from_hostile_text_in_html() {
    let tags = [
        "body", "main", "section", "h1", "h2", "h3", "ul", "li", "p", "div", "table", "caption", "thead",
        "tbody", "tr", "th", "td", "span", "code", "a", "details", "summary",
    ];
    let attributes = ["class", "role", "tabindex", "aria-label", "scope", "href", "rel"];
    for page in drawn(Format::Html) {
        let head = page.split_once("</head>").expect("a head").0;
        assert_eq!(head.matches("</title>").count(), 1, "{head}");
        assert_eq!(head.matches("</style>").count(), 1, "{head}");
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        for element in elements(&page) {
            let name = String::from_utf8_lossy(element.name().as_ref()).into_owned();
            assert!(tags.contains(&name.as_str()), "{name}");
            for attribute in element.attributes() {
                let attribute = attribute.expect("an attribute");
                let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
                assert!(attributes.contains(&name.as_str()), "{name}");
                let value = attribute
                    .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                    .expect("a value");
                assert!(
                    name != "href" || value.starts_with("https://github.com/"),
                    "{value}"
                );
            }
        }
    }
}

#[test]
fn a_page_loads_nothing_and_can_be_read_aloud() {
    let report = FleetReport::of(three().into_iter().map(whole).collect());
    let page = draw::fleet(Format::Html, &report, &Style::default()).expect("a page");
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
    assert!(page.contains("default-src 'none'"));
    for bad in ["url(", "@import", " src=", "<link"] {
        assert!(!page.contains(bad), "{bad}");
    }
    let elements = elements(&page);
    let count = |name: &str| {
        let named = elements
            .iter()
            .filter(|element| element.name().as_ref() == name.as_bytes());
        named.count()
    };
    assert_eq!((count("h1"), count("main")), (1, 1));
    assert_eq!((count("table"), count("caption"), count("thead")), (4, 4, 4));
    for heading in elements.iter().filter(|element| element.name().as_ref() == b"th") {
        assert!(
            heading
                .attributes()
                .flatten()
                .any(|one| one.key.as_ref() == b"scope")
        );
    }
}
