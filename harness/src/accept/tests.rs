//! Tests.

use super::*;

fn seen(fact: &str, member: Option<&str>, values: &[(&str, i64)]) -> Observed {
    let id = |name: &str| RuntimeId {
        name: name.into(),
        version: "1.2".parse().expect("version"),
        label: name.into(),
    };
    Observed {
        fact: fact.into(),
        member: member.map(str::to_owned),
        gone: false,
        known: false,
        requirement: None,
        values: values
            .iter()
            .map(|(name, value)| (id(name), Some(Value::Int(*value))))
            .collect(),
    }
}

fn entries(text: &str) -> Vec<KnownEntry> {
    serde_yaml::from_str::<Known>(text).expect("known").0
}

fn machine(cgroup: &str) -> Machine {
    Machine {
        kernel: "6.18".parse().expect("version"),
        cgroup: cgroup.into(),
        arch: "x86_64".into(),
        via: None,
    }
}

fn here(before: &str, observed: &[Observed]) -> Result<String, Error> {
    rewrite(before, observed, &machine("v1"))
}

const WRITTEN: &str = "\
# What people wrote.
- fact: process.exit   # the exit
  values: {runc: 0, crun: 2}
  impact: breaks
  cause: because
- fact: proc.umask
  values: {runc: 1, crun: 3}
  impact: cosmetic
";

#[test]
fn what_still_shows_is_not_touched() {
    let known = Observed {
        known: true,
        ..seen("process.exit", None, &[("runc", 0), ("crun", 2)])
    };
    assert_eq!(here(WRITTEN, &[known]).expect("rewrite"), WRITTEN);
}

#[test]
fn new_values_keep_the_words_and_the_other_entries() {
    let after = here(
        WRITTEN,
        &[seen("process.exit", None, &[("runc", 0), ("crun", 5)])],
    )
    .expect("rewrite");
    let found = entries(&after);
    assert_eq!(found[0].values["crun =1.2"], Value::Int(5));
    assert_eq!(
        found[0].values["crun"],
        Value::Int(2),
        "other versions were not run"
    );
    assert_eq!(found[0].cause.as_deref(), Some("because"));
    assert!(after.starts_with("# What people wrote.\n"));
    assert!(after.ends_with("  values: {runc: 1, crun: 3}\n  impact: cosmetic\n"));
}

#[test]
fn what_is_gone_goes_and_what_is_new_comes() {
    let gone = Observed {
        gone: true,
        ..seen("proc.umask", None, &[("runc", 1), ("crun", 1)])
    };
    let new = seen("proc.cwd", None, &[("runc", 1), ("youki", 2)]);
    let found = entries(&here(WRITTEN, &[gone, new]).expect("rewrite"));
    let facts: Vec<_> = found.iter().map(|entry| entry.fact.as_str()).collect();
    assert_eq!(facts, ["process.exit", "proc.cwd"]);
    assert_eq!(found[1].impact, Impact::MayBreak);
}

#[test]
fn what_a_run_could_not_have_shown_stays() {
    let before = "\
- fact: process.exit
  values: {runc: 0, 'crun <1.21': 2, 'crun >=1.21': 3, youki: 4}
  impact: breaks
  cause: crun does it so
  link: [https://example.org]
";
    let gone = Observed {
        gone: true,
        ..seen("process.exit", None, &[("runc", 0), ("crun", 0)])
    };
    let found = entries(&here(before, &[gone]).expect("rewrite"));
    let keys: Vec<_> = found[0]
        .values
        .iter()
        .map(|(key, value)| (key.as_str(), value.line()))
        .collect();
    let expected = [
        ("crun <1.21", "2"),
        ("crun =1.2", "0"),
        ("crun >=1.21", "3"),
        ("runc", "0"),
        ("youki", "4"),
    ];
    assert_eq!(keys, expected.map(|(key, value)| (key, value.to_owned())));
    assert_eq!(found[0].cause.as_deref(), Some("crun does it so"));
    let not_all = "- fact: process.exit\n  values: {runc: 0, crun: 2, youki: 4}\n  impact: breaks\n";
    let gone = Observed {
        gone: true,
        ..seen("process.exit", None, &[("runc", 0), ("crun", 0)])
    };
    let found = entries(&here(not_all, &[gone]).expect("rewrite"));
    assert_eq!(found[0].values["youki"], Value::Int(4), "youki did not take part");
}

#[test]
fn two_programs_of_one_version_cannot_be_told_apart() {
    let twins = seen("process.exit", None, &[("runc", 0), ("runc", 1)]);
    let error = here("", &[twins]).expect_err("nothing to write");
    assert!(
        error.to_string().contains("runc 1.2 show different values"),
        "{error}"
    );
}

#[test]
fn a_new_entry_has_a_place_for_its_cause() {
    let after = here("", &[seen("process.exit", None, &[("runc", 0), ("crun", 1)])]).expect("rewrite");
    assert!(after.contains("  cause:   # why they differ"), "{after}");
    assert_eq!(entries(&after)[0].cause, None);
    let again = seen("process.exit", None, &[("runc", 0), ("crun", 2)]);
    let after = here(&after, &[again]).expect("rewrite");
    assert_eq!(
        entries(&after)[0].values["crun"],
        Value::Int(2),
        "nobody has said why: {after}"
    );
}

#[test]
fn members_that_show_the_same_share_an_entry_and_part_when_they_do_not() {
    let both = [
        seen("process.exit", Some("a"), &[("runc", 1)]),
        seen("process.exit", Some("b"), &[("runc", 1)]),
    ];
    let shared = here("", &both).expect("rewrite");
    assert_eq!(entries(&shared)[0].members, ["a", "b"]);
    let parted = here(&shared, &[seen("process.exit", Some("b"), &[("runc", 2)])]).expect("rewrite");
    let found = entries(&parted);
    assert_eq!(
        (found[0].members.clone(), found[0].values["runc"].clone()),
        (vec!["a".into()], Value::Int(1))
    );
    assert_eq!(
        (found[1].members.clone(), found[1].values["runc"].clone()),
        (vec!["b".into()], Value::Int(2))
    );
}

#[test]
fn print_and_parse_are_inverses() {
    let yaml = "- {fact: 'a.b', values: {'crun >=1.21': ['x: y', '', '1', plain], runc: \"a\\nb\", youki: '(absent)'}, \
                    impact: security, rate: 0.05, link: [l], remedy: 'r: s', violates: [crun], when: {kernel: '>=6'}}";
    let entry = entries(yaml).remove(0);
    assert_eq!(entries(&print(&entry).expect("print"))[0], entry);
}

#[test]
fn entries_on_one_line_are_refused_and_not_lost() {
    assert_eq!(
        here("[{fact: process.exit, values: {}, impact: breaks}]", &[]),
        Err(Error::Layout)
    );
}

#[test]
fn entries_about_other_machines_stay_and_the_new_one_says_where_it_holds() {
    let before =
        "- fact: cgroup.pids.max\n  values: {runc: 1, crun: 2}\n  when: {cgroup: v1}\n  impact: breaks\n";
    let new = seen("cgroup.pids.max", None, &[("runc", 5), ("crun", 6)]);
    let after = rewrite(before, &[new], &machine("v2")).expect("rewrite");
    assert!(after.starts_with(before), "{after}");
    let found = entries(&after);
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[1].when.as_ref().and_then(|when| when.cgroup.clone()),
        Some("v2".to_owned())
    );
    let gone = Observed {
        gone: true,
        ..seen("cgroup.pids.max", None, &[])
    };
    assert_eq!(rewrite(before, &[gone], &machine("v2")).expect("rewrite"), before);
}
