//! Tests.

use super::*;
use ocidiff_model::{CgroupVersion, Finding};

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
        expected: None,
        values: values
            .iter()
            .map(|(name, value)| (id(name), Some(Value::Int(*value))))
            .collect(),
    }
}

fn groups(text: &str) -> Vec<Group> {
    serde_yaml::from_str::<KnownFile>(text).expect("known").0
}

fn machine(cgroup: CgroupVersion) -> Machine {
    Machine {
        kernel: "6.18".parse().expect("version"),
        cgroup,
        arch: "x86_64".into(),
        via: None,
    }
}

fn on(cgroup: CgroupVersion, before: &str, observed: &[Observed]) -> Result<String, Error> {
    let finding: Finding = serde_yaml::from_str(
        "{title: t, affects: '*', kind: bug, impact: {entering: breaks, leaving: cosmetic}, cause: c}",
    )
    .expect("a finding");
    let catalogue = Catalogue([("crun/it".parse().expect("an id"), finding)].into());
    let knowledge = Knowledge {
        machine: &machine(cgroup),
        catalogue: &catalogue,
        runtimes: &["runc", "crun", "youki"].map(str::to_owned),
        members: &["a", "b", "b2"].map(str::to_owned),
    };
    rewrite(before, observed, knowledge)
}

fn here(before: &str, observed: &[Observed]) -> Result<String, Error> {
    on(CgroupVersion::V1, before, observed)
}

/// What the items say about a fact, as they are printed.
fn of(text: &str, fact: &str) -> String {
    let all = groups(text);
    let items = all.iter().find_map(|group| group.facts.get(fact)).expect(fact);
    let group = Group {
        facts: [(fact.to_owned(), items.clone())].into(),
        ..Group::default()
    };
    print::group(&group)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

const WRITTEN: &str = "\
# What people wrote.
- facts:
    process.exit: [{because: crun/it, shows: 2}, {otherwise: 0}]
- when: {cgroup: v1}   # a machine
  facts: {proc.umask: [{because: unexplained, who: [crun], shows: 3}, {otherwise: 1}]}
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
fn new_values_stand_before_what_is_written_and_the_other_groups_stay() {
    let new = seen("process.exit", None, &[("runc", 0), ("crun", 5)]);
    let after = here(WRITTEN, &[new]).expect("rewrite");
    assert_eq!(
        of(&after, "process.exit"),
        "- facts: process.exit: - {because: unexplained, who: [crun =1.2], shows: 5} - {because: crun/it, shows: 2} \
         - {otherwise: 0}"
    );
    assert!(after.starts_with("# What people wrote.\n"));
    assert!(after.contains("- when: {cgroup: v1}   # a machine\n"), "{after}");
}

#[test]
fn what_is_gone_goes_and_what_is_new_comes() {
    let gone = Observed {
        gone: true,
        ..seen("proc.umask", None, &[("runc", 1), ("crun", 1)])
    };
    let new = seen("proc.cwd", None, &[("runc", 1), ("youki", 2)]);
    let error = here(WRITTEN, &[gone.clone(), new.clone()]).expect_err("a comment would be lost");
    assert_eq!(error, Error::Comment(4), "{error}");
    let after = here(&WRITTEN.replace("   # a machine", ""), &[gone, new]).expect("rewrite");
    assert!(!after.contains("proc.umask"), "{after}");
    assert_eq!(
        of(&after, "proc.cwd"),
        "- facts: proc.cwd: [{because: unexplained, who: [youki =1.2], shows: 2}, {otherwise: 1}]"
    );
}

#[test]
fn what_a_run_could_not_have_shown_stays() {
    let gone = |fact: &str| Observed {
        gone: true,
        ..seen(fact, None, &[("runc", 0), ("crun", 0)])
    };
    let after = here(WRITTEN, &[gone("process.exit")]).expect("rewrite");
    let said = of(&after, "process.exit");
    assert!(
        said.contains("who: [crun =1.2], shows: 0} - {because: crun/it, shows: 2}"),
        "{said}"
    );
    let not_all =
        "- facts: {process.exit: [{because: unexplained, who: [youki], shows: 4}, {otherwise: 0}]}\n";
    let after = here(not_all, &[gone("process.exit")]).expect("rewrite");
    assert!(
        of(&after, "process.exit").contains("who: [youki], shows: 4"),
        "youki did not take part: {after}"
    );
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
fn what_nobody_has_explained_is_written_anew() {
    let after = here("", &[seen("process.exit", None, &[("runc", 0), ("crun", 1)])]).expect("rewrite");
    let again = seen("process.exit", None, &[("runc", 0), ("crun", 2)]);
    let after = here(&after, &[again]).expect("rewrite");
    assert_eq!(
        of(&after, "process.exit"),
        "- facts: process.exit: [{because: unexplained, who: [crun =1.2], shows: 2}, {otherwise: 0}]"
    );
}

#[test]
fn what_most_show_is_what_everybody_else_shows() {
    let all = seen("process.exit", None, &[("runc", 0), ("crun", 2), ("youki", 2)]);
    let after = here("", &[all]).expect("rewrite");
    assert_eq!(
        of(&after, "process.exit"),
        "- facts: process.exit: [{because: unexplained, who: [runc =1.2], shows: 0}, {otherwise: 2}]"
    );
}

/// The members of each group, and whether they show 3.
fn parts(text: &str) -> Vec<(Vec<String>, bool)> {
    let part = |group: Group| {
        let shows = print::group(&group).contains("shows: 3");
        (group.members, shows)
    };
    groups(text).into_iter().map(part).collect()
}

#[test]
fn a_pattern_of_members_ends_where_one_of_them_shows_something_else() {
    let before = "- for: [\"b*\"]\n  facts:\n    process.exit:\n      - {because: unexplained, who: [crun], shows: 2}\n      - {otherwise: 1}\n";
    let other = seen("process.exit", Some("b2"), &[("runc", 1), ("crun", 3)]);
    let parted = here(before, &[other]).expect("rewrite");
    assert_eq!(
        parts(&parted),
        [(vec!["b".to_owned()], false), (vec!["b2".to_owned()], true)],
        "{parted}"
    );
}

#[test]
fn members_that_show_the_same_share_a_group_and_part_when_they_do_not() {
    let both = ["a", "b"].map(|member| seen("process.exit", Some(member), &[("runc", 1), ("crun", 2)]));
    let shared = here("", &both).expect("rewrite");
    assert_eq!(groups(&shared)[0].members, ["a", "b"]);
    let other = seen("process.exit", Some("b"), &[("runc", 1), ("crun", 3)]);
    let parted = here(&shared, &[other]).expect("rewrite");
    assert_eq!(
        parts(&parted),
        [(vec!["a".to_owned()], false), (vec!["b".to_owned()], true)],
        "{parted}"
    );
}

#[test]
fn a_new_group_holds_where_others_about_the_same_fact_do_not() {
    for elsewhere in [
        "kernel: '<6'",
        "kernel: '>=7', arch: x86_64",
        "cgroup: v2",
        "arch: aarch64",
    ] {
        let before = format!("- when: {{{elsewhere}}}\n  facts: {{process.exit: [{{otherwise: 1}}]}}\n");
        let new = seen("process.exit", None, &[("runc", 0), ("crun", 1)]);
        let after = groups(&here(&before, &[new]).expect(elsewhere));
        let [old, new] = [0, 1].map(|at| after[at].when.clone().expect(elsewhere));
        assert!(!old.competes_with(&new), "{old:?} {new:?}");
        assert!(new.holds(&machine(CgroupVersion::V1)), "{new:?}");
    }
}

#[test]
fn print_and_parse_are_inverses() {
    let yaml = "- {for: [a, '1'], when: {kernel: '>=6'}, rate: 0.05, facts: {a.b: [{because: [crun/it, runc/it], \
                who: ['crun >=1.21'], shows: ['x: y', '', '1', plain, 'true', '- a', '#', \"a\\nb\"], reason: 'why: so'}, \
                {because: crun/it, shows: '*', reason: it varies}, {otherwise: '(absent)'}]}}";
    let group = groups(yaml).remove(0);
    assert_eq!(groups(&print::group(&group))[0], group);
}

#[test]
fn groups_on_one_line_are_refused_and_not_lost() {
    assert_eq!(
        here("[{facts: {process.exit: [{otherwise: 0}]}}]", &[]),
        Err(Error::Layout)
    );
}

#[test]
fn groups_about_other_machines_stay_and_the_new_one_says_where_it_holds() {
    let before = "\
- when: {cgroup: v1}
  facts: {cgroup.pids.max: [{because: unexplained, who: [crun], shows: 2}, {otherwise: 1}]}
";
    let new = seen("cgroup.pids.max", None, &[("runc", 5), ("crun", 6)]);
    let after = on(CgroupVersion::V2, before, &[new]).expect("rewrite");
    assert!(after.starts_with(before), "{after}");
    let found = groups(&after);
    assert_eq!(found.len(), 2);
    let when = found[1].when.as_ref();
    assert_eq!(when.and_then(|when| when.cgroup), Some(CgroupVersion::V2));
    let gone = Observed {
        gone: true,
        ..seen("cgroup.pids.max", None, &[])
    };
    assert_eq!(on(CgroupVersion::V2, before, &[gone]).expect("rewrite"), before);
}

#[test]
fn what_is_expected_is_what_everybody_else_shows() {
    let all = Observed {
        expected: Some(Value::Int(7)),
        ..seen("process.exit", None, &[("runc", 0), ("crun", 0)])
    };
    assert_eq!(
        of(&here("", &[all]).expect("rewrite"), "process.exit"),
        "- facts: process.exit: - {because: unexplained, who: [runc =1.2], shows: 0} \
         - {because: unexplained, who: [crun =1.2], shows: 0} - {otherwise: 7}"
    );
}

#[test]
fn nothing_is_said_of_every_version_because_one_has_no_number() {
    let mut one = seen("process.exit", None, &[("runc", 0), ("crun", 1)]);
    one.values[1].0.version = ocidiff_model::version::Version::local();
    let error = here("", &[one]).expect_err("a build without a version");
    assert!(matches!(error, Error::Versionless { .. }), "{error}");
}

#[test]
fn what_is_added_stands_in_lines_of_its_own() {
    let new = || [seen("proc.cwd", Some("a"), &[("runc", 0), ("crun", 1)])];
    let before =
        "- facts: {process.exit: [{because: unexplained, who: [crun =1.2], shows: 2}, {otherwise: 0}]}";
    let after = here(before, &new()).expect("rewrite");
    assert!(after.starts_with(&format!("{before}\n- for: [a]\n")), "{after}");
    for other in ["[]", "null", "{}", "---\n[]\n"] {
        let error = here(other, &new()).expect_err(other);
        assert!(
            matches!(error, Error::Layout | Error::Parse(_)),
            "{other}: {error}"
        );
    }
    assert!(here("# Nothing yet.\n", &new()).is_ok());
}

#[test]
fn what_findings_say_is_not_written_over() {
    let before = "- facts: {proc.cwd: crun/it}\n";
    let error = here(before, &[seen("proc.cwd", None, &[("runc", 0), ("crun", 1)])]).expect_err("findings");
    assert!(matches!(error, Error::ByFindings(_)), "{error}");
}
