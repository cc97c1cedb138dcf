//! Reports of a realistic run, compared with files. `UPDATE_GOLDEN=1 cargo test -p ocidiff-reports` rewrites them.

use std::path::Path;

use ocidiff_model::Event;
use ocidiff_reports::terminal::{ExplainInput, explain};
use ocidiff_reports::{Format, Style, render};

use crate::story;

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).expect("write golden file");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == expected,
        "{name} is not as written; UPDATE_GOLDEN=1 rewrites it. It is now:\n{text}"
    );
}

fn drawn(format: Format, events: &[Event]) -> String {
    render(format, events, &Style::default()).expect("render")
}

#[test]
fn terminal() {
    golden("terminal.txt", &drawn(Format::Terminal, &story::whole()));
}

#[test]
fn terminal_where_all_is_known() {
    golden("known.txt", &drawn(Format::Terminal, &story::all_known()));
}

#[test]
fn terminal_in_narrow_ascii() {
    let style = Style {
        width: 72,
        unicode: false,
        ..Style::default()
    };
    let text = ocidiff_reports::terminal::render(&story::all_known(), &style);
    assert!(text.is_ascii());
    golden("narrow.txt", &text);
}

#[test]
fn markdown() {
    golden("report.md", &drawn(Format::Markdown, &story::whole()));
}

/// Without its styles and its script, which are separate files.
#[test]
fn page() {
    let page = drawn(Format::Html, &story::whole());
    let (_, body) = page.split_once("<body>\n").expect("a body");
    golden("page.html", body.split_once("<script>").expect("a script").0);
}

#[test]
fn junit() {
    golden("junit.xml", &drawn(Format::Junit, &story::whole()));
}

#[test]
fn one_case_explained() {
    let input = ExplainInput {
        rootfs: vec!["debian-trixie-tar".into(), "/data.tar, an archive".into()],
        config: "process:\n  args: [/usr/bin/tar, -C, /tmp, -xpf, /data.tar]\nlinux:\n  seccomp: {$profile: docker-20.10.24}\n".into(),
        steps: ["create", "start", "wait", "delete"].map(Into::into).to_vec(),
        watch: vec!["syscall fchmodat2, fchmodat".into()],
        expect: Vec::new(),
    };
    golden(
        "explain.txt",
        &explain(&story::tar_setgid(), &input, &Style::default()),
    );
}
