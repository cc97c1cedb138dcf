//! What a profile means according to the spec: operators at the edges of words, architectures, rules that meet.

use ocidiff_seccomp::data::{ARCH_AARCH64, ARCH_ARM, ARCH_I386, ARCH_X86_64, X32_BIT};
use ocidiff_seccomp::profile::{Condition, Rule, Ruling};
use ocidiff_seccomp::{Action, Decider, Profile, SeccompData};

use crate::support::profile;

const PERSONALITY: u32 = 135;
const NATIVE: &str = "SCMP_ARCH_X86_64";

fn rule(names: &[&str], action: &str, args: &[(u32, u64, u64, &str)]) -> Rule {
    let condition = |(index, value, value_two, op): &(u32, u64, u64, &str)| Condition {
        index: *index,
        value: *value,
        value_two: *value_two,
        op: format!("SCMP_CMP_{op}"),
    };
    Rule {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        action: format!("SCMP_ACT_{action}"),
        errno_ret: None,
        args: args.iter().map(condition).collect(),
    }
}

/// What decides some calls.
fn rulings(profile: &Profile, calls: &[SeccompData]) -> Vec<Ruling> {
    let mut decider = Decider::default();
    let written = decider.written(profile, NATIVE).expect("few rules");
    calls
        .iter()
        .map(|call| written.ruling(&decider, call).clone())
        .collect()
}

fn one(profile: &Profile, arch: u32, nr: u32, first: u64) -> Ruling {
    let call = SeccompData::new(arch, nr, [first, 0, 0, 0, 0, 0]);
    rulings(profile, &[call]).remove(0)
}

/// An operator, in terms of Rust's own comparisons.
fn holds(op: &str, arg: u64, value: u64, value_two: u64) -> bool {
    match op {
        "NE" => arg != value,
        "LT" => arg < value,
        "LE" => arg <= value,
        "EQ" => arg == value,
        "GE" => arg >= value,
        "GT" => arg > value,
        _ => arg & value == value_two,
    }
}

#[test]
fn operators_at_the_edges_of_words() {
    let edges: Vec<u64> = [0, 1 << 31, 1 << 32, 1 << 63, u64::MAX]
        .iter()
        .flat_map(|edge: &u64| [edge.wrapping_sub(1), *edge, edge.wrapping_add(1)])
        .chain([0xffff_ffff_0000_0000, 0x1_0000_0000_0000])
        .collect();
    let mut checked = 0;
    for op in ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"] {
        for &value in &edges {
            for value_two in [0, 1, value, 1 << 63] {
                if value_two != 0 && op != "MASKED_EQ" {
                    continue;
                }
                let index = (value % 6) as u32;
                let rules = vec![rule(&["personality"], "ALLOW", &[(index, value, value_two, op)])];
                let profile = profile(&["X86_64", "X86"], rules);
                let mut decider = Decider::default();
                let written = decider.written(&profile, NATIVE).expect("few rules");
                for &arg in &edges {
                    for (arch, nr, seen) in [
                        (ARCH_X86_64, PERSONALITY, arg),
                        // i386's call has the lower half, whatever the register is.
                        (ARCH_I386, 136, arg & 0xffff_ffff),
                    ] {
                        let mut args = [7; 6];
                        args[index as usize] = arg;
                        let ruling = written.ruling(&decider, &SeccompData::new(arch, nr, args));
                        let rule = *ruling == Ruling::Rule(0);
                        assert_eq!(
                            rule,
                            holds(op, seen, value, value_two),
                            "{arch:#x}: {arg:#x} {op} {value:#x} {value_two:#x}"
                        );
                        checked += 1;
                    }
                }
            }
        }
    }
    println!("{checked} comparisons");
}

#[test]
fn all_conditions_of_a_rule_must_hold() {
    let args = [(0, 1, 0, "EQ"), (1, 5, 0, "GT"), (1, 9, 0, "LT")];
    let profile = profile(&[], vec![rule(&["personality"], "ALLOW", &args)]);
    let call = |first, second| SeccompData::new(ARCH_X86_64, PERSONALITY, [first, second, 0, 0, 0, 0]);
    let calls = [call(1, 6), call(1, 8), call(1, 9), call(1, 5), call(2, 6)];
    assert_eq!(
        rulings(&profile, &calls),
        [
            Ruling::Rule(0),
            Ruling::Rule(0),
            Ruling::Default,
            Ruling::Default,
            Ruling::Default
        ]
    );
}

#[test]
fn architectures_that_are_listed() {
    let read = |architectures: &[&str]| {
        let profile = profile(architectures, vec![rule(&["read"], "ALLOW", &[])]);
        [
            one(&profile, ARCH_X86_64, 0, 0),
            one(&profile, ARCH_I386, 3, 0),
            one(&profile, ARCH_X86_64, X32_BIT, 0),
            one(&profile, ARCH_X86_64, X32_BIT << 1, 0),
            one(&profile, ARCH_AARCH64, 63, 0),
            one(&profile, ARCH_X86_64, 1, 0),
        ]
    };
    let (rule, none, default) = (Ruling::Rule(0), Ruling::Unlisted, Ruling::Default);
    let rows: [(&[&str], [&Ruling; 6]); 8] = [
        // None listed: the machine's own.
        (&[], [&rule, &none, &none, &default, &none, &default]),
        (&["X86_64"], [&rule, &none, &none, &default, &none, &default]),
        (&["X86"], [&none, &rule, &none, &none, &none, &none]),
        // Numbers from 2^31 on are not calls of x32.
        (&["X32"], [&none, &none, &rule, &none, &none, &none]),
        (
            &["X86_64", "X32"],
            [&rule, &none, &rule, &default, &none, &default],
        ),
        (
            &["X86_64", "X86", "X32"],
            [&rule, &rule, &rule, &default, &none, &default],
        ),
        (&["AARCH64"], [&none, &none, &none, &none, &rule, &none]),
        // Listed, but its calls are unknown here, or it does not exist.
        (&["S390X", "NO_SUCH"], [&none, &none, &none, &none, &none, &none]),
    ];
    for (architectures, expected) in rows {
        assert_eq!(read(architectures).each_ref(), expected, "{architectures:?}");
    }
}

#[test]
fn names_that_only_some_architectures_have() {
    let names = ["socketcall", "no_such_call", "execve", "arm_fadvise64_64"];
    let profile = profile(&["X86_64", "X86", "X32", "ARM"], vec![rule(&names, "ALLOW", &[])]);
    let allowed = |arch, nr| one(&profile, arch, nr, 0) == Ruling::Rule(0);
    assert!(allowed(ARCH_I386, 102), "socketcall is i386's");
    assert!(!allowed(ARCH_X86_64, 102), "and x86_64 has another call there");
    assert!(allowed(ARCH_X86_64, 59) && allowed(ARCH_I386, 11) && allowed(ARCH_ARM, 11));
    assert!(allowed(ARCH_X86_64, X32_BIT | 520) && !allowed(ARCH_X86_64, X32_BIT | 59));
    assert!(allowed(ARCH_ARM, 270));
}

#[test]
fn rules_that_meet() {
    let eight = [(0, 8, 0, "EQ")];
    let rows: [(Vec<Rule>, [Ruling; 2]); 7] = [
        // Twice the same: the first.
        (
            vec![
                rule(&["personality"], "ALLOW", &[]),
                rule(&["personality"], "ALLOW", &[]),
            ],
            [Ruling::Rule(0), Ruling::Rule(0)],
        ),
        (
            vec![
                rule(&["personality"], "ALLOW", &eight),
                rule(&["personality"], "ALLOW", &[]),
            ],
            [Ruling::Rule(0), Ruling::Rule(1)],
        ),
        (
            vec![
                rule(&["personality"], "ALLOW", &[]),
                rule(&["personality"], "KILL", &eight),
            ],
            [Ruling::Conflict(0, 1), Ruling::Rule(0)],
        ),
        // The third contradicts too: the first two are named.
        (
            vec![
                rule(&["personality"], "ALLOW", &[]),
                rule(&["personality"], "LOG", &eight),
                rule(&["personality"], "TRAP", &[]),
            ],
            [Ruling::Conflict(0, 1), Ruling::Conflict(0, 2)],
        ),
        // KILL is KILL_THREAD.
        (
            vec![
                rule(&["personality"], "KILL", &[]),
                rule(&["personality"], "KILL_THREAD", &[]),
            ],
            [Ruling::Rule(0), Ruling::Rule(0)],
        ),
        // An operator or an argument that does not exist: the rule has no meaning.
        (
            vec![
                rule(&["personality"], "ALLOW", &[(0, 8, 0, "SOMETIMES")]),
                rule(&["personality"], "ALLOW", &[(6, 8, 0, "EQ")]),
            ],
            [Ruling::Default, Ruling::Default],
        ),
        // A name twice in one rule.
        (
            vec![rule(&["personality", "personality"], "ALLOW", &eight)],
            [Ruling::Rule(0), Ruling::Default],
        ),
    ];
    for (rules, expected) in rows {
        let profile = profile(&[], rules);
        let found = [8, 9].map(|arg| one(&profile, ARCH_X86_64, PERSONALITY, arg));
        assert_eq!(found, expected, "{:?}", profile.syscalls);
    }
}

#[test]
fn what_a_ruling_answers() {
    let mut rules: Vec<Rule> = [
        "ALLOW",
        "ERRNO",
        "TRACE",
        "TRAP",
        "NOTIFY",
        "KILL_PROCESS",
        "NO_SUCH",
    ]
    .iter()
    .map(|action| rule(&["personality"], action, &[]))
    .collect();
    for errno in [0, 38, 4095, 4096, 65535, 65536] {
        rules.push(Rule {
            errno_ret: Some(errno),
            ..rule(&["personality"], "ERRNO", &[])
        });
    }
    let profile = Profile {
        default_errno_ret: Some(38),
        ..profile(&[], rules)
    };
    let answers: Vec<Option<Action>> = (0..profile.syscalls.len())
        .map(|at| profile.answer(&Ruling::Rule(at)))
        .collect();
    let errno = |errno| Some(Action::Errno(errno));
    let named = [
        Some(Action::Allow),
        errno(1),
        Some(Action::Trace(1)),
        Some(Action::Trap(0)),
        Some(Action::UserNotif),
        Some(Action::KillProcess),
        None,
    ];
    assert_eq!(answers[..7], named);
    // The kernel returns none above 4095, and a filter has no room for one above 65535.
    assert_eq!(
        answers[7..],
        [errno(0), errno(38), errno(4095), errno(4095), errno(4095), None]
    );
    assert_eq!(profile.answer(&Ruling::Default), errno(38));
    assert_eq!(profile.answer(&Ruling::Conflict(0, 1)), None);
    assert_eq!(profile.answer(&Ruling::Unlisted), None);
}
