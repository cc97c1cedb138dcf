use ocidiff_model::record::{BundleDigest, CallResult, RunOutcome, RuntimeId, StepRecord};
use ocidiff_model::{Fact, Op};

use super::*;

fn of(config: &str) -> Secrets {
    Secrets::of([&config.to_owned()])
}

const CONFIG: &str = r#"{"process": {"env": ["TOKEN=hunter2-and-more", "PIN=42", "WORD=blue", "NOTHING=", "ALONEWITHOUTNAME"]},
  "hooks": {"poststart": [{"path": "/x", "env": ["KEY=s3cr3t\"q"]}]}}"#;

#[test]
fn a_value_is_found_where_it_stands() {
    let secrets = of(CONFIG);
    let token = digest("hunter2-and-more");
    for (text, expected) in [
        ("TOKEN=hunter2-and-more", format!("TOKEN={token}")),
        ("a=hunter2-and-more; b", format!("a=sha256:{token}; b")),
        ("xxhunter2-and-morexx", format!("xxsha256:{token}xx")),
        (
            r#"execve("/x", ["x"], ["TOKEN=hunter2..."])"#,
            format!(r#"execve("/x", ["x"], ["TOKEN={token}..."])"#),
        ),
        (
            r#"write(1, "it is hunter2-a...", 400)"#,
            format!(r#"write(1, "it is sha256:{token}...", 400)"#),
        ),
        ("PIN=42 of 42", format!("PIN={} of 42", digest("42"))),
        ("OPIN=42", "OPIN=42".to_owned()),
        ("blue, bluebird", format!("sha256:{}, bluebird", digest("blue"))),
        (
            "ALONEWITHOUTNAME",
            format!("sha256:{}", digest("ALONEWITHOUTNAME")),
        ),
        (
            r#"KEY=s3cr3t"q and "s3cr3t\"q""#,
            format!(r#"KEY={0} and "sha256:{0}""#, digest("s3cr3t\"q")),
        ),
        ("NOTHING=", "NOTHING=".to_owned()),
    ] {
        assert_eq!(secrets.text(text), expected);
    }
}

#[test]
fn a_value_of_several_lines_is_found_line_by_line() {
    let secrets = Secrets::of_entries(["KEY=-----BEGIN-----\nMIIEpAIB\r\n-----END-----\n".to_owned()]);
    assert_eq!(secrets.text("MIIEpAIB"), format!("sha256:{}", digest("MIIEpAIB")));
}

#[test]
fn values_are_found_in_configs_that_are_broken_or_odd() {
    for config in [
        r#"{"process": {"env": ["A=verysecret"]}"#,
        r#"{"process": {"env": ["A=verysecret", oops]}}"#,
        r#"{"process": {"env": ["A=verysecret"], "env": []}}"#,
        r#"{"process": {"ENV": ["A=verysecret"]}}"#,
        r#"{"process": {"\u0065nv": ["A=verysecret"]}}"#,
        r#"{"process": {"env": "A=verysecret"}}"#,
    ] {
        assert_eq!(
            of(config).text("verysecret"),
            format!("sha256:{}", digest("verysecret")),
            "{config}"
        );
    }
    assert_eq!(of("{}").text("anything"), "anything");
}

#[test]
fn nothing_of_a_record_has_a_value() {
    let text = || "it says hunter2-and-more".to_owned();
    let mut record = Record {
        case: "bundle/x".to_owned(),
        runtime: RuntimeId {
            name: "a".to_owned(),
            version: "1".parse().expect("a version"),
            label: "a".to_owned(),
        },
        bundle: BundleDigest::default(),
        recorder: "none".to_owned(),
        outcome: RunOutcome::Broken(text()),
        ran: true,
        steps: vec![StepRecord {
            label: "create".to_owned(),
            op: Op::Create,
            argv: vec![text()],
            result: CallResult::Ok,
            exit: None,
            text: text(),
            seconds: 0.0,
        }],
        facts: vec![
            Fact::new(
                "proc.init.env",
                vec!["TOKEN=hunter2-and-mor".to_owned(), "HOME=/root".to_owned()],
            ),
            Fact::new("process.stdout", vec![text()]),
            Fact::new("file./data/hunter2-and-more", text()),
            Fact::new("syscall.openat(/hunter2-and-more)", text()),
        ],
        filters: Vec::new(),
        setup: vec![text()],
        calls: vec![text()],
        total_calls: 1,
        seconds: 0.0,
    };
    of(CONFIG).hide(&mut record);
    let written = serde_json::to_string(&record).expect("a record");
    assert!(!written.contains("hunter2"), "{written}");
    // What a runtime made of it differs from what it was.
    let changed = format!("TOKEN={}", digest("hunter2-and-mor"));
    let expected = vec![changed, "HOME=/root".to_owned()].into();
    assert_eq!(record.value("proc.init.env"), Some(&expected));
}

#[test]
fn a_value_in_quotes_of_quotes_is_found_too() {
    for (value, shown) in [
        ("S3C\"RET", r#"level=error msg="bind \"/x/S3C\\\"RET\" failed""#),
        ("S3C\\RET", r#"msg="bind \"/x/S3C\\\\RET\" failed""#),
        ("S3C\tRET", r#"msg="bind \"/x/S3C\\tRET\" failed""#),
        ("S3C\u{202e}RET", r#"msg="bind \"/x/S3C\\u202eRET\" failed""#),
        ("S3C\u{1b}RET", r#"msg="bind \"/x/S3C\x1bRET\" failed""#),
        ("S3C\"RET", r#"Os { path: "/x/S3C\"RET" }"#),
    ] {
        let secrets = Secrets::of_entries([format!("Q={value}")]);
        let text = secrets.text(shown);
        assert!(
            !text.contains("S3C") && !text.contains("RET"),
            "{value:?}: {text}"
        );
    }
}
