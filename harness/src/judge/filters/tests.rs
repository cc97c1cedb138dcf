//! Small filters, by hand: what they are compared with, and what is said of them.

use ocidiff_seccomp::Action;

use super::*;
use crate::judge::changes::{Change, Scope};
use crate::judge::recognise::tests::record;

pub(crate) const CONFIG: &str = r#"{"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
    "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}}}"#;

const ALLOW: &str = "060000000000ff7f";
const EPERM: &str = "0600000001000500";
const ENOSYS: &str = "0600000026000500";
const KILL: &str = "0600000000000000";

/// A filter that answers to a call of x86_64 by its number, and to all others, each with one instruction.
fn filter(nr: u32, hit: &str, others: &str) -> FilterRecord {
    let number: String = nr
        .to_le_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // The architecture, else it kills; the number.
    let code = format!("2000000004000000150001003e0000c0{KILL}200000000000000015000001{number}{hit}{others}");
    FilterRecord {
        instructions: code.len() / 16,
        digest: String::new(),
        code,
    }
}

const MKDIR: u32 = 83;

pub(crate) fn as_written() -> FilterRecord {
    filter(MKDIR, EPERM, ALLOW)
}

/// One that allows what is written to fail.
pub(crate) fn open() -> FilterRecord {
    filter(MKDIR, ALLOW, ALLOW)
}

fn cut() -> FilterRecord {
    FilterRecord {
        code: ALLOW[..14].to_owned(),
        ..as_written()
    }
}

fn of(made: &[(&str, FilterRecord)]) -> Filters {
    let mut all = Filters::of_config(CONFIG).expect("a profile");
    for (who, filter) in made {
        all.add(who, std::slice::from_ref(filter)).expect("a filter");
    }
    all
}

#[test]
fn instructions_are_read_byte_by_byte() {
    let read = instructions(&as_written()).expect("whole");
    assert_eq!(read.len(), 7);
    let again: String = read.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(again, as_written().code);
    assert!(instructions(&cut()).is_err());
    assert_eq!(native_arch(), "SCMP_ARCH_X86_64");
}

#[test]
fn filters_that_answer_otherwise_are_told_with_who_does() {
    let mut all = of(&[("runc", as_written()), ("crun", open()), ("youki", as_written())]);
    let rows = all.differences().expect("few rows");
    assert_eq!(
        rows.iter().map(|row| row.calls.as_str()).collect::<Vec<_>>(),
        ["x86_64 mkdir"]
    );
    let answers: Vec<_> = rows[0]
        .answers
        .iter()
        .map(|answer| {
            (
                answer.action.as_str(),
                answer.runtimes.join(" "),
                answer.reason.is_some(),
            )
        })
        .collect();
    assert_eq!(
        answers,
        [
            ("ERRNO(EPERM)", "runc youki".to_owned(), false),
            ("ALLOW", "crun".to_owned(), true)
        ]
    );
    assert_eq!(rows[0].written.as_deref(), Some("ERRNO(EPERM)"));
    assert!(!rows[0].unlisted && rows[0].witness.nr == MKDIR);
    assert_eq!(rows[0].named[0].name, "mkdir");
    assert!(
        of(&[("runc", as_written()), ("crun", as_written())])
            .differences()
            .expect("few rows")
            .is_empty()
    );
}

#[test]
fn one_that_loaded_nothing_can_stand_like_the_first() {
    let mut all = of(&[("runc", as_written())]);
    all.add_like_the_first("crun");
    assert_eq!(all.runtimes().collect::<Vec<_>>(), ["runc", "crun"]);
    assert!(all.differences().expect("few rows").is_empty());
    let mut none = of(&[]);
    none.add_like_the_first("crun");
    assert_eq!(none.runtimes().count(), 0);
}

#[test]
fn what_departs_from_the_profile_is_of_the_runtime_that_is_asked_about() {
    let mut all = of(&[("runc", as_written()), ("crun", open())]);
    let calls = |rows: Vec<FilterRow>| rows.into_iter().map(|row| row.calls).collect::<Vec<_>>();
    assert!(calls(all.departures("crun").expect("few rows")).contains(&"x86_64 mkdir".to_owned()));
    assert!(!calls(all.departures("runc").expect("few rows")).contains(&"x86_64 mkdir".to_owned()));
    assert!(calls(all.departures("youki").expect("few rows")).is_empty());
}

#[test]
fn who_does_not_get_over_an_answer_is_named_with_the_runtimes_that_give_it() {
    // fchmodat2: glibc goes on where it is not there, and fails where it is not permitted.
    let mut all = of(&[
        ("runc", filter(452, ENOSYS, ALLOW)),
        ("crun", filter(452, EPERM, ALLOW)),
    ]);
    let rows = all.differences().expect("few rows");
    let hit = rows
        .iter()
        .flat_map(|row| &row.hits)
        .find(|hit| hit.syscall == "fchmodat2");
    assert_eq!(hit.map(|hit| hit.runtimes.join(" ")).as_deref(), Some("crun"));
}

#[test]
fn filters_in_records_are_compared_where_there_are_any() {
    let with = |who: &str, filters: &[FilterRecord]| Record {
        filters: filters.to_vec(),
        ..record(who, &[])
    };
    let allow = open();
    let records = [
        with("runc", &[as_written()]),
        with("crun", &[allow]),
        with("youki", &[]),
    ];
    assert_eq!(between(CONFIG, &records).len(), 1);
    assert!(between("{}", &records).is_empty());
    assert!(between(CONFIG, &[with("runc", &[as_written()]), with("crun", &[cut()])]).is_empty());
}

#[test]
fn a_record_s_filters_are_facts_and_so_is_that_they_cannot_be_decided() {
    assert!(facts(CONFIG, &[]).is_empty());
    let paths = |filters: &[FilterRecord]| {
        facts(CONFIG, filters)
            .into_iter()
            .map(|fact| fact.path)
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(&[as_written()]), [DEPARTURES, UNLISTED]);
    assert_eq!(paths(&[cut()]), ["filter.undecided"]);
    let of = |filter: FilterRecord| facts(CONFIG, &[filter]).swap_remove(0).value;
    let Value::List(departures) = of(open()) else {
        panic!("a list")
    };
    assert!(
        departures.iter().any(|line| line.contains("mkdir")),
        "{departures:?}"
    );
    // Of two filters, the stricter answer counts.
    let both = facts(CONFIG, &[open(), as_written()]);
    assert_eq!(both, facts(CONFIG, &[as_written()]));
}

#[test]
fn a_row_is_a_difference_by_which_findings_are_recognised() {
    let mut all = of(&[("runc", as_written()), ("crun", open())]);
    let rows = all.differences().expect("few rows");
    let difference = as_difference(&rows[0]);
    assert_eq!(
        (difference.fact.as_str(), difference.groups.len()),
        (DEPARTURES, 2)
    );
    assert_eq!(difference.groups[1].runtimes, ["crun"]);
    let departure = rows[0].answers[1].departure.clone().into_iter().collect();
    assert_eq!(difference.groups[1].value, Some(Value::List(departure)));
}

fn changed(before: &[FilterRecord], after: &[FilterRecord]) -> Vec<Change> {
    let made: Vec<(&str, FilterRecord)> = ["runc", "crun"].into_iter().zip(before.iter().cloned()).collect();
    let after: Vec<&[FilterRecord]> = after.iter().map(std::slice::from_ref).collect();
    of(&made).changes(&after).expect("few classes")
}

#[test]
fn a_changed_profile_answers_calls_otherwise_than_before() {
    let errno = Action::Errno(1);
    let all = changed(&[as_written(), as_written()], &[open(), as_written()]);
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].calls.as_str(), all[0].scope),
        ("x86_64 mkdir", Scope::Native)
    );
    assert_eq!(all[0].named, ["mkdir"]);
    assert_eq!(all[0].answers, [(errno, Action::Allow), (errno, errno)]);
    assert!(all[0].differs() && !all[0].is_as_before());

    let all = changed(&[as_written()], &[filter(MKDIR, ENOSYS, ALLOW)]);
    assert_eq!(all[0].answers, [(errno, Action::Errno(38))]);
    assert!(!all[0].differs() && !all[0].is_as_before());
    // The runtimes differ, as they did before.
    let all = changed(&[as_written(), open()], &[as_written(), open()]);
    assert!(all[0].differs() && all[0].is_as_before());
    assert!(changed(&[as_written()], &[as_written()]).is_empty());
}

#[test]
fn what_makes_a_class_of_calls_is_the_machine_s_programs_others_or_nobody() {
    let scopes = |nr: u32| -> Vec<Scope> {
        let all = changed(&[filter(nr, ALLOW, ALLOW)], &[filter(nr, EPERM, ALLOW)]);
        all.iter().map(|change| change.scope).collect()
    };
    assert_eq!(scopes(MKDIR), [Scope::Native]);
    // mkdir of x32; rt_sigaction, for which x32 has another number; a number that is negative for a kernel.
    assert_eq!(scopes(0x4000_0000 + MKDIR), [Scope::Foreign]);
    assert_eq!(scopes(0x4000_0000 + 13), [Scope::Nobody]);
    assert_eq!(scopes(0x8000_0001), [Scope::Nobody]);
}
