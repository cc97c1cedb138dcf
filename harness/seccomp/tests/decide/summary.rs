//! Where a filter is not what its profile says, by reason and class of calls.

use ocidiff_seccomp::explain::Summary;
use ocidiff_seccomp::profile::{Condition, For, Rule};
use ocidiff_seccomp::{Decider, Filter, Instruction, Profile};

use crate::support::{profile, real};

const NATIVE: &str = "SCMP_ARCH_X86_64";

fn rule(names: &[&str], action: &str) -> Rule {
    Rule {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        action: format!("SCMP_ACT_{action}"),
        ..Rule::default()
    }
}

/// A rule with conditions: argument, value, operator.
fn rule_if(name: &str, action: &str, conditions: &[(u32, u64, &str)]) -> Rule {
    let condition = |(index, value, op): &(u32, u64, &str)| Condition {
        index: *index,
        value: *value,
        op: format!("SCMP_CMP_{op}"),
        ..Condition::default()
    };
    Rule {
        args: conditions.iter().map(condition).collect(),
        ..rule(&[name], action)
    }
}

/// A filter that does what another profile says, compared with a profile.
fn as_if(meant: &Profile, made: &Profile) -> Summary {
    let mut decider = Decider::default();
    let made = decider.written(made, NATIVE).expect("few rules").decision();
    let written = decider.written(meant, NATIVE).expect("few rules");
    decider.summary(meant, &written, made).expect("few classes")
}

fn of_filters(profile: &Profile, filters: &[Filter]) -> Summary {
    let mut decider = Decider::default();
    let made = decider.stack(filters).expect("a filter");
    let written = decider.written(profile, NATIVE).expect("few rules");
    decider.summary(profile, &written, made).expect("few classes")
}

fn docker() -> Profile {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../cases/profiles/docker-20.10.24.json"
    );
    let text = std::fs::read_to_string(path).expect("the profile is there");
    let container = For {
        goarch: "amd64".to_owned(),
        capabilities: std::collections::BTreeSet::new(),
        kernel: (6, 1),
    };
    Profile::read(&text, &container).expect("a profile").0
}

#[test]
fn real_filters_of_a_real_profile() {
    let docker = docker();
    let stub = [
        "newer than the profile: ERRNO(ENOSYS) [x86_64, i386, x32]",
        "negative numbers: ERRNO(ENOSYS) [x86_64, i386]",
    ];
    let rows: [(&str, &[&str]); 3] = [
        ("runc@1.1.5", &stub),
        ("crun@1.28", &[]),
        (
            "youki@0.7.0",
            &["conditions ignored for clone: ALLOW [x86_64, i386, x32]"],
        ),
    ];
    for (runtime, expected) in rows {
        let found = of_filters(&docker, &[real(&format!("docker-20.10.24.{runtime}"))]);
        let (halves, others): (Vec<String>, Vec<String>) = found
            .departures
            .into_iter()
            .partition(|line| line.starts_with("lower half only compared for "));
        assert_eq!(others, expected, "{runtime}");
        assert_eq!(
            halves,
            ["lower half only compared for personality: ALLOW [x32]"],
            "{runtime}"
        );
        assert_eq!(found.unlisted, ["every call: KILL_THREAD [other]"], "{runtime}");
    }
}

#[test]
fn a_filter_that_does_what_is_written() {
    let same = profile(
        &["X86_64", "X86", "X32"],
        vec![rule(&["read", "fchmodat2"], "ALLOW")],
    );
    assert_eq!(as_if(&same, &same).departures, [""; 0]);
}

/// One thing is written, and the filter does another; on x86_64 alone.
#[test]
fn reasons() {
    let is_one = || rule_if("personality", "ALLOW", &[(0, 1, "EQ")]);
    let is_two = || rule_if("personality", "TRAP", &[(0, 2, "EQ")]);
    let read = || rule(&["read"], "ALLOW");
    let table: Vec<(Vec<Rule>, Vec<Rule>, &[&str])> = vec![
        (
            vec![read(), rule(&["cachestat", "fchmodat2"], "ALLOW")],
            vec![read()],
            &["rule left out for cachestat, fchmodat2: ERRNO(EPERM) [x86_64]"],
        ),
        (
            vec![is_one()],
            vec![rule(&["personality"], "ALLOW")],
            &["conditions ignored for personality: ALLOW [x86_64]"],
        ),
        // One of two rules must be distinguished from both.
        (
            vec![is_one(), is_two()],
            vec![is_one()],
            &["rule left out for personality (args[0] = 2): ERRNO(EPERM) [x86_64]"],
        ),
        (
            vec![is_one(), is_two()],
            vec![],
            &[
                "rule left out for personality (args[0] = 1): ERRNO(EPERM) [x86_64]",
                "rule left out for personality (args[0] = 2): ERRNO(EPERM) [x86_64]",
            ],
        ),
        (
            vec![is_one()],
            vec![rule_if("personality", "ALLOW", &[(0, 3, "EQ")])],
            &[
                "conditions differ for personality (args[0] = 1): ERRNO(EPERM) [x86_64]",
                "conditions differ for personality (args[0] = 3): ALLOW [x86_64]",
            ],
        ),
        (
            vec![rule_if("personality", "ALLOW", &[(0, 3, "LE")])],
            vec![rule_if("personality", "ALLOW", &[(0, 2, "LE")])],
            &["conditions differ for personality (args[0] = 3): ERRNO(EPERM) [x86_64]"],
        ),
        (
            vec![is_one(), rule(&["personality"], "TRAP")],
            vec![is_one()],
            &[
                "rule left out for personality (args[0] != 1): ERRNO(EPERM) [x86_64]",
                "contradicting rules for personality: ALLOW [x86_64]",
            ],
        ),
        (
            vec![read()],
            vec![read(), rule(&["mount", "umount2"], "ALLOW")],
            &["no rule names mount, umount2: ALLOW [x86_64]"],
        ),
        (
            vec![read()],
            vec![rule(&["read"], "LOG")],
            &["another answer for read: LOG [x86_64]"],
        ),
        (
            vec![is_one()],
            vec![is_one(), rule_if("personality", "LOG", &[(0, 5, "EQ")])],
            &["no rule holds for personality (args[0] = 5): LOG [x86_64]"],
        ),
    ];
    for (meant, made, expected) in table {
        // The newest call is the same everywhere.
        let with = |rules: &[Rule]| {
            let mut rules = rules.to_vec();
            rules.push(rule(&["mseal"], "ALLOW"));
            profile(&["X86_64"], rules)
        };
        let found = as_if(&with(&meant), &with(&made));
        assert_eq!(found.departures, expected, "{meant:?} made {made:?}");
    }
}

#[test]
fn another_default_action_is_one_line() {
    let rules = || {
        vec![
            rule(&["read"], "ALLOW"),
            rule_if("personality", "ALLOW", &[(0, 1, "EQ")]),
        ]
    };
    let meant = Profile {
        default_errno_ret: Some(38),
        ..profile(&["X86_64", "X86"], rules())
    };
    let made = profile(&["X86_64", "X86"], rules());
    let line = "whatever no rule matches: ERRNO(EPERM) [x86_64, i386]";
    assert_eq!(as_if(&meant, &made).departures, [line]);
    // A rule that is also left out has a line of its own.
    let without = profile(&["X86_64", "X86"], vec![rules().remove(1)]);
    let left_out = "rule left out for read: ERRNO(EPERM) [x86_64, i386]";
    assert_eq!(as_if(&meant, &without).departures, [line, left_out]);
    // One call that gets the right answer is enough to read differently.
    let mut but_one = rules();
    but_one.push(Rule {
        errno_ret: Some(38),
        ..rule(&["mount"], "ERRNO")
    });
    let found = as_if(&meant, &profile(&["X86_64", "X86"], but_one)).departures;
    assert!(!found.contains(&line.to_owned()), "{found:?}");
}

/// A filter before all others: numbers from one on return ENOSYS.
fn stub(first: u32, last: u32) -> Filter {
    let (allow, enosys) = (
        Instruction::plain(0x06, 0x7fff_0000),
        Instruction::plain(0x06, 0x0005_0026),
    );
    Filter(vec![
        Instruction::plain(0x20, 0),
        Instruction::test(0x35, first, 0, 2),
        Instruction::test(0x25, last, 1, 0),
        enosys,
        allow,
    ])
}

#[test]
fn stubs_that_begin_elsewhere_read_the_same_or_not() {
    // Allowed by default, so that the stub's errno takes precedence.
    let profile = |names: &[&str]| Profile {
        default_action: "SCMP_ACT_ALLOW".to_owned(),
        ..profile(&["X86_64"], vec![rule(names, "LOG")])
    };
    let last = 0x3fff_ffff;
    let newer = "newer than the profile: ERRNO(ENOSYS) [x86_64]";
    let table: [(&[&str], Filter, &[&str]); 5] = [
        // 452 is fchmodat2, 449 futex_waitv.
        (&["fchmodat2"], stub(453, last), &[newer]),
        (&["futex_waitv"], stub(450, last), &[newer]),
        // The library does not know the profile's newest call.
        (
            &["openat2", "fchmodat2"],
            stub(449, last),
            &[
                newer,
                "rule left out for fchmodat2: ERRNO(ENOSYS) [x86_64]",
                "no rule names cachestat, futex_waitv, set_mempolicy_home_node: ERRNO(ENOSYS) [x86_64]",
            ],
        ),
        (
            &["futex_waitv", "fchmodat2"],
            stub(449, last),
            &[
                newer,
                "newer than the names in the filter: ERRNO(ENOSYS) [x86_64]",
                "rule left out for fchmodat2, futex_waitv: ERRNO(ENOSYS) [x86_64]",
            ],
        ),
        (
            &["fchmodat2"],
            stub(460, 462),
            &["newer than the profile (lsm_set_self_attr, lsm_list_modules, mseal): ERRNO(ENOSYS) [x86_64]"],
        ),
    ];
    for (names, stub, expected) in table {
        let log = profile(names);
        let mut decider = Decider::default();
        let made = decider.stack(&[stub]).expect("a filter");
        let written = decider.written(&log, NATIVE).expect("few rules");
        let found = decider.summary(&log, &written, made).expect("few classes");
        let found: Vec<&String> = found
            .departures
            .iter()
            .filter(|line| !line.starts_with("another answer for ") && !line.contains(": ALLOW "))
            .collect();
        assert_eq!(found, expected, "{names:?}");
    }
}

#[test]
fn architectures_that_are_not_listed() {
    let meant = profile(&["X86_64"], vec![rule(&["read"], "ALLOW")]);
    // Every call is denied, and on i386 two are not.
    let made = profile(&["X86_64", "X86"], vec![rule(&["read"], "ALLOW")]);
    let found = as_if(&meant, &made);
    assert_eq!(found.departures, [""; 0]);
    let i386: Vec<&String> = found
        .unlisted
        .iter()
        .filter(|line| line.contains("i386"))
        .collect();
    assert_eq!(
        i386,
        [
            "calls that rules name: ALLOW [i386]",
            "newer than the profile: ERRNO(EPERM) [i386]",
            "negative numbers: ERRNO(EPERM) [i386]",
            "calls that no rule names: ERRNO(EPERM) [i386]",
        ]
    );
}

#[test]
fn lists_that_are_long_are_cut_and_told_apart() {
    let names: Vec<String> = (0..100)
        .filter_map(|nr| ocidiff_seccomp::syscall::syscall_name(0xc000_003e, nr))
        .map(str::to_owned)
        .collect();
    let with = |names: &[String]| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        profile(
            &["X86_64"],
            vec![rule(&names, "ALLOW"), rule(&["mseal"], "ALLOW")],
        )
    };
    let none = profile(&["X86_64"], vec![rule(&["mseal"], "ALLOW")]);
    let line = |names: &[String]| as_if(&with(names), &none).departures;
    let (all, but_last) = (line(&names), line(&names[..99]));
    assert_eq!(all.len(), 1);
    assert!(all[0].len() < 280, "{}", all[0]);
    assert_ne!(all, but_last);
    assert_eq!(all, line(&names));
}

/// Each instruction of a real filter is changed a little: a filter that answers differently reads differently.
#[test]
fn filters_that_differ_do_not_read_the_same() {
    let docker = docker();
    let base = real("docker-20.10.24.crun@1.28");
    let (mut told, mut same) = (0, Vec::new());
    let mut decider = Decider::default();
    let mut written = decider.written(&docker, NATIVE).expect("few rules");
    let mut decision = decider.filter(&base).expect("simple");
    let mut before = decider.summary(&docker, &written, decision).expect("few classes");
    for at in (0..base.len()).step_by(3) {
        if decider.nodes() > 200_000 {
            decider = Decider::default();
            written = decider.written(&docker, NATIVE).expect("few rules");
            decision = decider.filter(&base).expect("simple");
            before = decider.summary(&docker, &written, decision).expect("few classes");
        }
        let one = base.0[at];
        let mutants = [
            Instruction { k: one.k ^ 1, ..one },
            Instruction {
                k: one.k ^ 0x4000_0000,
                ..one
            },
            Instruction {
                jt: one.jf,
                jf: one.jt,
                ..one
            },
        ];
        for mutant in mutants {
            let mut changed = base.clone();
            changed.0[at] = mutant;
            let Ok(other) = decider.filter(&changed) else {
                continue;
            };
            if other == decision {
                continue;
            }
            let after = decider.summary(&docker, &written, other).expect("few classes");
            told += 1;
            if after == before {
                let rows = decider.compare(&[decision, other]).expect("few rows");
                let rows: Vec<String> = rows
                    .iter()
                    .map(|row| ocidiff_seccomp::explain::subject(row, ""))
                    .collect();
                same.push(format!("{at} {mutant:?}: {rows:?}"));
            }
        }
    }
    assert!(told > 400, "{told}");
    assert_eq!(same, [""; 0], "of {told}");
}
