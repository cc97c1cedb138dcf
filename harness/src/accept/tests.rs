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
    assert_eq!(found[0].values["crun"], Value::Int(5));
    assert_eq!(found[0].cause.as_deref(), Some("because"));
    assert!(after.starts_with("# What people wrote.\n"));
    assert!(after.ends_with("  values: {runc: 1, crun: 3}\n  impact: cosmetic\n"));
}

#[test]
fn what_is_gone_goes_and_what_is_new_comes() {
    let gone = Observed {
        gone: true,
        ..seen("process.exit", None, &[])
    };
    let new = seen("proc.cwd", None, &[("runc", 1), ("youki", 2)]);
    let found = entries(&here(WRITTEN, &[gone, new]).expect("rewrite"));
    let facts: Vec<_> = found.iter().map(|entry| entry.fact.as_str()).collect();
    assert_eq!(facts, ["proc.umask", "proc.cwd"]);
    assert_eq!(found[1].impact, Impact::MayBreak);
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
                    impact: security, link: [l], remedy: 'r: s', violates: [crun], when: {kernel: '>=6'}}";
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
