//! Which differences that do not show may be fixed, as a table.

use ocidiff_model::known::{RuntimeKey, Written};
use ocidiff_model::record::{BundleDigest, RunOutcome};
use ocidiff_model::{Fact, RuntimeId, Value};

use super::*;
use crate::judge::compare::{difference, groups};

fn record(name: &str, version: &str, exit: i64) -> Record {
    Record {
        case: "t/c".into(),
        runtime: RuntimeId {
            name: name.into(),
            version: match version {
                "local" => Version::local(),
                version => version.parse().expect("a version"),
            },
            label: name.into(),
        },
        bundle: BundleDigest::default(),
        recorder: "ptrace".into(),
        outcome: RunOutcome::Complete,
        ran: true,
        steps: Vec::new(),
        facts: vec![Fact::new("process.exit", Value::Int(exit))],
        filters: Vec::new(),
        setup: Vec::new(),
        calls: Vec::new(),
        total_calls: 0,
        seconds: 0.0,
    }
}

fn entry(written: &[(&str, &str, i64)]) -> KnownEntry {
    let item = |(id, who, shows): &(&str, &str, i64)| Written {
        because: vec![id.parse().expect("an id")],
        who: vec![who.parse::<RuntimeKey>().expect("who")],
        when: Vec::new(),
        shows: Value::Int(*shows),
    };
    KnownEntry {
        fact: "process.exit".into(),
        members: Vec::new(),
        when: None,
        rate: None,
        written: written.iter().map(item).collect(),
        otherwise: Some(Value::Int(0)),
        by_signs: false,
    }
}

fn newest() -> Newest {
    let version = |text: &str| text.parse().expect("a version");
    Newest(
        [
            ("crun".to_owned(), version("1.28")),
            ("youki".to_owned(), version("0.7.0")),
        ]
        .into(),
    )
}

fn marked(written: &[(&str, &str, i64)], records: &[Record]) -> Difference {
    let records: Vec<&Record> = records.iter().collect();
    let mut found = difference("process.exit", groups("process.exit", &records));
    found.standing = Standing::Gone;
    newest().mark(&mut found, &entry(written), &records);
    found
}

#[test]
fn what_shows_no_more_in_a_newer_version_than_was_known_may_be_fixed() {
    for (id, who, version, exit, standing) in [
        ("crun/a", "crun >=1.8", "1.30", 0, Standing::Fixed),
        ("crun/a", "crun", "1.29", 0, Standing::Fixed),
        // A version that was examined: the file is wrong.
        ("crun/a", "crun", "1.28", 0, Standing::Gone),
        ("crun/a", "crun", "1.21", 0, Standing::Gone),
        // The range ends: that it does not show is not news, and an end that was written beyond it is wrong.
        ("crun/a", "crun <2", "1.30", 0, Standing::Gone),
        // A value that no runtime should show.
        ("crun/a", "crun", "1.30", 7, Standing::Gone),
        // How new it is is not known.
        ("crun/a", "crun", "local", 0, Standing::Gone),
        ("unexplained", "crun", "1.30", 0, Standing::Gone),
    ] {
        let found = marked(
            &[(id, who, 2)],
            &[record("runc", "1.1.5", 0), record("crun", version, exit)],
        );
        assert_eq!(found.standing, standing, "{id} {who} {version} {exit}");
        assert_eq!(found.fixed.is_empty(), standing == Standing::Gone);
    }
    let found = marked(
        &[("crun/a", "crun", 2)],
        &[record("runc", "1.1.5", 0), record("crun", "1.30", 0)],
    );
    let fixed = &found.fixed[0];
    assert_eq!((fixed.who.as_str(), fixed.until.as_str()), ("crun", "1.28"));
    assert_eq!(
        (fixed.version.as_str(), fixed.because[0].as_str()),
        ("1.30", "crun/a")
    );
}

#[test]
fn others_that_are_as_written_stay_known() {
    let written = [("crun/a", "crun", 2), ("youki/b", "youki", 3)];
    let records = [
        record("runc", "1.1.5", 0),
        record("crun", "1.30", 0),
        record("youki", "0.7.0", 3),
    ];
    let found = marked(&written, &records);
    assert_eq!(found.standing, Standing::Known);
    assert_eq!(found.fixed.len(), 1);
    let who: Vec<&str> = found
        .accounts
        .iter()
        .map(|account| account.who.as_str())
        .collect();
    assert_eq!(who, ["youki"]);
    assert_eq!(
        crate::judge::verdict::verdict(&[found]),
        ocidiff_model::Verdict::Fixed
    );
    // One of them shows what has not been written down.
    let records = [
        record("runc", "1.1.5", 0),
        record("crun", "1.30", 0),
        record("youki", "0.7.0", 4),
    ];
    assert_eq!(marked(&written, &records).standing, Standing::Gone);
}

#[test]
fn the_newest_versions_are_those_of_the_manifests() {
    let newest = Newest::of(&crate::run::suite::manifests().expect("manifests"));
    assert!(
        ["runc", "crun", "youki"]
            .iter()
            .all(|name| newest.0.contains_key(*name)),
        "{newest:?}"
    );
}
