//! Findings as they are read and queried, on handmade texts.

use serde_json::json;

use super::*;
use crate::fact::{Fact, Value};

fn predicate(yaml: &str) -> Predicate {
    serde_yaml::from_str(yaml).expect(yaml)
}

fn finding(yaml: &str) -> Finding {
    let head = "title: T\nkind: bug\nimpact: {entering: breaks, leaving: cosmetic}\ncause: |\n  C\n";
    serde_yaml::from_str(&format!("{head}{yaml}")).expect(yaml)
}

fn runtime(name: &str, version: &str) -> RuntimeId {
    let text = json!({"name": name, "label": name, "version": version});
    serde_json::from_value(text).expect("a runtime")
}

fn list(items: &[&str]) -> Value {
    Value::List(items.iter().map(|&item| item.to_owned()).collect())
}

#[test]
fn a_condition_fits_what_it_says_and_nothing_else() {
    let config = json!({
        "process": {"oomScoreAdj": 7, "user": {"uid": 9, "umask": 18}, "args": ["sh", "-c"]},
        "hostname": "box",
    });
    let facts: [Fact; 0] = [];
    let context = Context {
        config: &config,
        facts: &facts,
    };
    let text = |word: &str| Some(Value::from(word));
    for (yaml, value, wanted) in [
        ("{is: 3}", Some(Value::Int(3)), true),
        ("{is: 3}", Some(Value::Int(4)), false),
        ("{is: 3}", None, false),
        ("{is: true}", Some(Value::Bool(true)), true),
        ("{is: 'rw,*'}", text("rw,nosuid"), true),
        ("{is: 'rw,*'}", text("ro,nosuid"), false),
        ("{is: (absent)}", None, true),
        ("{is: (absent)}", text("rw"), false),
        ("{is: rw}", None, false),
        ("{is: [a, 'b*']}", Some(list(&["a", "bc"])), true),
        ("{is: [a, 'b*']}", Some(list(&["a"])), false),
        ("{is: [a, 'b*']}", Some(list(&["a", "c"])), false),
        ("{is: [a]}", text("a"), false),
        ("{one-of: [EPERM, EACCES]}", text("EACCES"), true),
        ("{one-of: [EPERM, EACCES]}", text("ENOSYS"), false),
        ("{has: nosuid}", text("rw,nosuid,nodev"), true),
        ("{has: nosuid}", text("rw nosuid"), true),
        ("{has: nosuid}", text("a|nosuid"), true),
        ("{has: 'a b'}", text("a b"), true),
        ("{has: nosu}", text("rw,nosuid"), false),
        ("{has: 'size=*'}", Some(list(&["rw", "size=64k"])), true),
        ("{has: ''}", text("a,,b"), false),
        ("{has: nosuid}", None, false),
        ("{lacks: nosuid}", text("rw"), true),
        ("{lacks: nosuid}", text("rw,nosuid"), false),
        ("{lacks: nosuid}", None, false),
        ("{matches: '{open*,*close}'}", text("openat"), true),
        ("{matches: '{open*,*close}'}", Some(list(&["x", "fclose"])), true),
        ("{matches: '{open*,*close}'}", text("read"), false),
        ("{matches: '*'}", None, false),
        ("{absent: true}", None, true),
        ("{absent: true}", text("x"), false),
        ("{absent: false}", text("x"), true),
        ("{absent: false}", None, false),
        ("{any: true}", None, false),
        ("{any: false}", text("x"), false),
        ("{above: 3}", Some(Value::Int(4)), true),
        ("{above: 3}", Some(Value::Int(3)), false),
        ("{above: -1.5}", text("-1 MiB"), true),
        ("{above: 3}", text("4.5 kB"), true),
        ("{above: 3}", text("4-5"), true),
        ("{above: 3}", text("max"), false),
        ("{above: 3}", None, false),
        ("{below: 3}", Some(Value::Int(2)), true),
        ("{below: 3}", Some(Value::Int(3)), false),
        ("{below: 3}", None, false),
        ("{config: process.oomScoreAdj}", Some(Value::Int(7)), true),
        ("{config: process.oomScoreAdj}", Some(Value::Int(8)), false),
        ("{config: hostname}", text("box"), true),
        ("{config: domainname}", text("box"), false),
        ("{config: hostname}", None, false),
        ("{config: process.args}", Some(list(&["sh", "-c"])), true),
        ("{config: process.args}", Some(list(&["sh"])), false),
        ("{config: process.args}", Some(list(&["sh", "-e"])), false),
        ("{is-user: uid}", Some(Value::Int(9)), true),
        ("{is-user: umask}", text("0022"), true),
        ("{is-user: gid}", Some(Value::Int(0)), true),
        ("{is-user: gid}", Some(Value::Int(9)), false),
        ("{is-user: gid}", None, false),
    ] {
        let fits = predicate(yaml).fits(value.as_ref(), &context);
        assert_eq!(fits, wanted, "{yaml} of {value:?}");
    }
}

#[test]
fn a_condition_is_one_thing_and_is_written_as_it_was_read() {
    for yaml in [
        "{is: 3}",
        "{one-of: [a, b]}",
        "{has: a}",
        "{lacks: a}",
        "{matches: a}",
        "{absent: true}",
        "{any: true}",
        "{above: 3.5}",
        "{below: 3.5}",
        "{config: a}",
        "{is-user: uid}",
    ] {
        let there: serde_yaml::Value = serde_yaml::from_str(yaml).expect(yaml);
        assert_eq!(
            serde_yaml::to_value(predicate(yaml)).expect(yaml),
            there,
            "{yaml}"
        );
    }
    for yaml in ["{}", "{is: 3, has: a}", "{iz: 3}"] {
        assert!(serde_yaml::from_str::<Predicate>(yaml).is_err(), "{yaml}");
    }
}

#[test]
fn the_one_that_asks_for_more_weighs_more() {
    let weight = |yaml: &str| serde_yaml::from_str::<Applies>(yaml).expect(yaml).weight();
    for (yaml, wanted) in [
        ("{}", 0),
        ("{steps: [exec]}", 1),
        ("{steps: [exec, kill], when: {cgroup: v1}}", 3),
        ("{config: {hostname: a}}", 1),
        ("{config: {hostname: {$any: [a, b]}}}", 1),
        ("{config: {linux: {}}}", 1),
        ("{config: {linux: {seccomp: {a: 1, b: [2, 3]}}}}", 3),
        ("{config: {process: {args: []}}}", 1),
    ] {
        assert_eq!(weight(yaml), wanted, "{yaml}");
    }
}

#[test]
fn all_that_applies_says_must_hold() {
    let machine: Machine =
        serde_json::from_value(json!({"kernel": "6.1.0", "cgroup": "v1", "arch": "x86_64"}))
            .expect("a machine");
    let config = json!({"hostname": "a"});
    let finding = finding("applies: {config: {hostname: a}, steps: [exec, kill], when: {cgroup: v1}}");
    let steps = [Op::Create, Op::Exec, Op::Kill];
    assert!(finding.fits(&config, &steps, &machine));
    assert!(!finding.fits(&json!({}), &steps, &machine));
    assert!(!finding.fits(&config, &[Op::Exec], &machine));
    let v2 = Machine {
        cgroup: crate::machine::CgroupVersion::V2,
        ..machine
    };
    assert!(!finding.fits(&config, &steps, &v2));
}

#[test]
fn versions_are_what_the_source_says_or_else_what_was_seen() {
    let of = |yaml: &str| {
        let finding = finding(yaml);
        let holds = finding.holds(&"1.2".parse().expect("a version"));
        (finding.versions(), holds)
    };
    for (yaml, text, holds) in [
        ("affects: '*'", "all versions", true),
        ("affects: '<1.2'", "<1.2", false),
        ("seen: '*'", "seen in all versions that were run", true),
        ("seen: '>=1.2'", "seen in >=1.2", true),
        ("affects: '<1.2'\nseen: '*'", "<1.2", false),
        ("", "", true),
    ] {
        assert_eq!(of(yaml), (text.to_owned(), holds), "{yaml}");
    }
}

#[test]
fn a_finding_is_of_its_component_and_matters_by_direction() {
    let id: FindingId = "crun/umask".parse().expect("an id");
    let held = finding("affects: '<1.2'");
    let catalogue = Catalogue([(id.clone(), held.clone())].into());
    let [old, new, runc] =
        [("crun", "1.1"), ("crun", "1.2"), ("runc", "1.1")].map(|(name, version)| runtime(name, version));
    assert!(held.is_of(&id, &old));
    assert!(!held.is_of(&id, &new));
    assert!(!held.is_of(&id, &runc));
    let impact = |from, to| catalogue.impact(&id, from, to);
    assert_eq!(impact(&runc, &old), Some(Impact::Breaks));
    assert_eq!(impact(&old, &runc), Some(Impact::Cosmetic));
    assert_eq!(impact(&old, &old), None);
    assert_eq!(impact(&runc, &new), None);
    let other: FindingId = "crun/other".parse().expect("an id");
    assert_eq!(catalogue.impact(&other, &runc, &old), None);
    assert_eq!(held.impact.worst(), Impact::Breaks);
}

#[test]
fn addresses_begin_with_the_thread_and_come_once() {
    let finding = finding(concat!(
        "reported: containers/crun#2237\n",
        "links: {source: ['containers/crun@1.8:src/libcrun/seccomp.c#L3'], fixed: [containers/crun#2240], discussed: [containers/crun#2237]}\n",
    ));
    let all = finding.addresses();
    assert_eq!(all.len(), 3, "{all:?}");
    assert!(all[0].ends_with("/2237"), "{all:?}");
    let kinds: Vec<_> = finding.links.all().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["source", "fixed", "discussed"]);
    let card = Card::from(&finding);
    assert_eq!((card.cause.as_str(), card.reported), ("C", Some(true)));
    assert_eq!(card.link, all);
}

#[test]
fn who_was_told_is_no_or_a_thread() {
    let no: Reported = "no".parse().expect("the word");
    assert!(!no.is_reported());
    assert_eq!(no.to_string(), "no");
    let thread: Reported = "containers/crun#2237".parse().expect("a thread");
    assert!(thread.is_reported());
    assert_eq!(thread.to_string(), "containers/crun#2237");
    assert!("perhaps".parse::<Reported>().is_err());
}

#[test]
fn a_name_has_a_component_and_a_slug() {
    for good in ["crun/umask", "runc/a-1", "unexplained"] {
        let id: FindingId = good.parse().expect(good);
        assert_eq!(id.as_str(), good);
        assert_eq!(id.is_unexplained(), good == "unexplained");
        assert_eq!(id.component(), good.split_once('/').map_or("", |(head, _)| head));
    }
    for bad in [
        "", "crun", "crun/", "/a", "crun/A", "crun/-a", "crun/a-", "crun/a_b", "crun/a/b", "Crun/a",
    ] {
        let error = bad.parse::<FindingId>().expect_err(bad).to_string();
        assert!(error.contains("COMPONENT/SLUG"), "{error}");
    }
}

#[test]
fn ranges_are_kept_as_written_and_joined() {
    let range = |text: &str| text.parse::<Range>().expect(text);
    let (all, old, new) = (Range::all(), range(" <1.2 "), range(">=1.4"));
    assert_eq!(old.to_string(), "<1.2");
    assert!(all.is_all() && range("*").is_all() && !old.is_all());
    assert_eq!(all.clone().and(&old), old);
    assert_eq!(old.clone().and(&all), old);
    let none = old.clone().and(&new);
    assert_eq!(none.to_string(), "<1.2, >=1.4");
    assert!(!none.can_hold() && old.can_hold());
    let version = "1.3".parse().expect("a version");
    assert!(all.holds(&version) && !old.holds(&version) && !new.holds(&version));
    assert_ne!(old, new);
    assert!(
        old < new && old.partial_cmp(&new) == Some(std::cmp::Ordering::Less),
        "by the text"
    );
}

#[test]
fn an_impact_is_a_word_or_one_each_way() {
    let impacts = |yaml: &str| serde_yaml::from_str::<Impacts>(yaml);
    let same = impacts("breaks").expect("a word");
    assert_eq!((same.entering, same.leaving), (Impact::Breaks, Impact::Breaks));
    let each = impacts("{entering: cosmetic, leaving: security}").expect("both");
    assert_eq!(each.worst(), Impact::Security);
    for (bad, text) in [
        ("3", "an impact, or"),
        ("{entering: breaks}", "leaving"),
        ("bad", "may-break"),
    ] {
        let error = impacts(bad).expect_err(bad).to_string();
        assert!(error.contains(text), "{bad}: {error}");
    }
}

#[test]
fn words_are_those_that_are_written() {
    for kind in [
        Kind::Bug,
        Kind::Design,
        Kind::Missing,
        Kind::Unspecified,
        Kind::Wording,
    ] {
        assert_eq!(serde_json::to_value(kind).expect("a word"), kind.name());
    }
    for impact in [
        Impact::Cosmetic,
        Impact::MayBreak,
        Impact::Breaks,
        Impact::Security,
    ] {
        assert_eq!(serde_json::to_value(impact).expect("a word"), impact.name());
        assert_eq!(impact.to_string(), impact.name());
    }
}

#[test]
fn a_word_of_a_text_is_the_same_wherever_it_stands() {
    for (text, expected) in [
        ("tmpfs nodev,ro private (rw)", "tmpfs nodev ro private (rw"),
        ("tmpfs ro private (dirsync,rw)", "tmpfs ro private (dirsync (rw"),
        (
            "tmpfs rw,nodev | rw,mode=700 | private",
            "tmpfs rw nodev (rw (mode=700 private",
        ),
        ("up, loopback", "up loopback"),
        ("(a b) c", "(a (b c"),
        ("tmpfs ro | (a),(b) | private", "tmpfs ro (a (b private"),
        ("(a (b c", "(a (b (c"),
        ("", ""),
    ] {
        assert_eq!(words(text).join(" "), expected, "{text}");
    }
}
