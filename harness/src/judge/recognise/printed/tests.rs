//! Whose output shows what is explained.

use super::*;
use crate::judge::compare::difference;
use crate::judge::recognise::tests::{record, said};

#[test]
fn an_output_is_explained_by_what_differs_in_the_process_that_prints_it() {
    let umask = [("a/umask", "shows: [{fact: 'proc*.umask*', is: 77, instead: 22}]")];
    for (output, fact, is_explained) in [
        ("process.stdout", "proc.umask", true),
        ("process.stdout", "proc.second.umask", false),
        ("process.stdout", "proc.exec.umask", false),
        ("process.stdout", "proc.umask#1#2", false),
        ("process.stdout#2", "proc.umask#1#2", true),
        ("process.second.stdout", "proc.second.umask", true),
        ("process.second.stdout", "proc.umask", false),
        ("process.exec.stdout", "proc.exec.umask", true),
        ("process.stderr", "proc.umask", false),
    ] {
        let of = |label: &str, value: &str| {
            let printed = format!("[umask {value}]");
            record(label, &[(fact, value), (output, printed.as_str())])
        };
        let told = said(&umask, &[of("a", "77"), of("b", "22")], &[fact, output]);
        let expected = if is_explained { "a: a/umask (Follows)" } else { "" };
        assert_eq!(told, ["a: a/umask (Recognised)", expected], "{output} by {fact}");
    }
}

/// A fact of which two runtimes have values of their own.
fn two(fact: &str, one: &str, other: &str) -> Difference {
    let group = |(value, who): (&str, &str)| Group {
        value: Some(value.into()),
        runtimes: vec![who.to_owned()],
    };
    difference(fact, [(one, "a"), (other, "b")].map(group).to_vec())
}

#[test]
fn an_output_is_explained_if_all_that_it_differs_by_is() {
    let account = Account {
        who: "a".to_owned(),
        because: vec!["a/x".parse().expect("an id")],
        how: How::Recognised,
    };
    for (outputs, fact, values, is_explained) in [
        // By the name of what is printed.
        (["limit 77", "limit 22"], "cgroup.limit", ["77", "22"], true),
        (["limit 77 a", "limit 22 b"], "cgroup.limit", ["77", "22"], false),
        (["limit 77", "limit 22"], "cgroup.limit", ["77", "33"], false),
        (["limit 77", "limit 22"], "leftover.limit", ["77", "22"], false),
        // Without it, by more than a digit or two.
        (["x 777", "x 222"], "cgroup.limit", ["777", "222"], true),
        (["x 77", "x 22"], "cgroup.limit", ["77", "22"], false),
        (["x 777 y", "x 222 z"], "cgroup.limit", ["777", "222"], false),
        // The same words in another order.
        (
            ["rw,nosuid", "nosuid,rw"],
            "mount./x",
            ["rw,nosuid", "nosuid,rw"],
            true,
        ),
        (
            ["rw,nosuid", "nosuid,rw"],
            "mount./x",
            ["rw,nosuid", "rw,nosuid"],
            false,
        ),
        (
            ["rw,nosuid", "nosuid,rw"],
            "mount./x",
            ["rw,nodev", "nodev,rw"],
            false,
        ),
        (
            ["rw,nosuid", "nosuid,rw"],
            "mount./x",
            ["rw,nosuid", "nosuid,rw,nodev"],
            false,
        ),
        (["rw,nosuid", "nosuid,rw"], "mount./x", ["()", ""], false),
    ] {
        let output = two("process.stdout", outputs[0], outputs[1]);
        let known = [two(fact, values[0], values[1])];
        let shown = |accounts: &[Account]| printed(&output, &known, &[accounts.to_vec()]);
        let told = shown(std::slice::from_ref(&account));
        assert_eq!(
            told.len(),
            usize::from(is_explained),
            "{outputs:?} by {fact} {values:?}"
        );
        assert!(told.iter().all(|account| account.how == How::Follows));
        assert!(shown(&[]).is_empty());
    }
}

#[test]
fn a_value_is_words_and_how_often_each_is_there() {
    for (text, expected) in [
        ("rw,mode=755 rw", vec!["755 1", "mode 1", "rw 2"]),
        ("5:1 name:/path", vec!["/path 1", "5:1 1", "name 1"]),
        ("c 5:* rwm", vec!["5:* 1", "c 1", "rwm 1"]),
        // The number of a peer group is different in each run.
        ("shared:12 (master:3)", vec!["master 1", "shared 1"]),
        ("- *", vec![]),
    ] {
        let words = words_of(Some(&Value::from(text)));
        let told: Vec<String> = words
            .iter()
            .map(|(word, number)| format!("{word} {number}"))
            .collect();
        assert_eq!(told, expected, "{text}");
    }
    let (one, two) = (words_of(Some(&"a".into())), words_of(Some(&"a a".into())));
    assert_eq!(
        (beyond(&two, &one), beyond(&one, &two)),
        (vec!["a".to_owned()], vec![])
    );
    assert!(beyond(&one, &one).is_empty());
}

#[test]
fn a_fact_is_printed_under_its_last_name() {
    for (path, name) in [
        ("cgroup.cpu.idle", "idle"),
        ("proc.umask#2", "umask"),
        ("mount./data#2", "/data"),
        ("mount./a.b", "/a.b"),
        ("mount./", "mount./"),
    ] {
        assert_eq!(printed_name(path), name);
    }
}
