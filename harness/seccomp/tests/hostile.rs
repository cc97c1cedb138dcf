//! Malicious input: it gets an answer or a clear error, in bounded time and memory.
//!
//! This is one test, so that cases run one after the other and the peak of the process's memory is meaningful.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ocidiff_seccomp::cure::{Cure, Of, cure};
use ocidiff_seccomp::profile::For;
use ocidiff_seccomp::{DecideError, Decider, Filter, Instruction, Invalid, NotWhole, Profile};

/// For each case, in a debug build on a busy machine.
const MOST_TIME: Duration = Duration::from_secs(10);
/// For all of them, together with everything else that the process has.
const MOST_MIB: usize = 300;

const LOAD: u16 = 0x20;
const TAX: u16 = 0x07;
const RETURN: Instruction = Instruction::plain(0x06, 0x7fff_0000);
const DENY: Instruction = Instruction::plain(0x06, 0x0005_0001);

/// Runs a case and says what it took.
fn timed<T>(name: &str, case: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let value = case();
    let took = started.elapsed();
    println!("{name:50} {:6.2} s, peak {} MiB", took.as_secs_f64(), peak());
    assert!(took < MOST_TIME, "{name} took {took:?}");
    value
}

/// The most memory that the process has had, in MiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux machine");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
    kib.expect("VmHWM is there") / 1024
}

#[test]
fn everything_ends_and_stays_small() {
    broken_bytes();
    filters_that_explode();
    numbers_in_many_ranges();
    big_profiles();
    assert!(peak() < MOST_MIB, "{} MiB", peak());
}

fn broken_bytes() {
    assert_eq!(Filter::from_bytes(&[6, 0, 0]), Err(NotWhole(3)));
    let decide = |filter: Filter| Decider::default().filter(&filter).map(|_| ());
    let invalid = |invalid| Err(DecideError::Invalid(invalid));
    assert_eq!(decide(Filter::default()), invalid(Invalid::Length(0)));
    assert_eq!(decide(Filter(vec![RETURN; 4097])), invalid(Invalid::Length(4097)));
    assert_eq!(decide(Filter(vec![RETURN; 4096])), Ok(()));
    let far = Instruction::test(0x15, 0, 255, 255);
    assert_eq!(decide(Filter(vec![far, RETURN])), invalid(Invalid::Jump(0)));
    let unknown = Invalid::Opcode { at: 0, code: 0xffff };
    assert_eq!(
        decide(Filter(vec![Instruction::plain(0xffff, 0), RETURN])),
        invalid(unknown)
    );
    let huge = timed("8 MiB of bytes", || Filter::from_bytes(&vec![6; 8 << 20]));
    assert_eq!(
        huge.map(|filter| filter.validate()),
        Ok(Err(Invalid::Length(1 << 20)))
    );
}

/// A group of instructions, repeated up to the longest filter that the kernel accepts.
fn repeated(group: impl Fn(u32) -> Vec<Instruction>) -> Filter {
    let mut code = Vec::new();
    for at in 0.. {
        let next = group(at);
        if code.len() + next.len() > 4094 {
            break;
        }
        code.extend(next);
    }
    code.extend([RETURN, DENY]);
    Filter(code)
}

fn filters_that_explode() {
    let plain = Instruction::plain;
    let test = Instruction::test;
    let arg = |at: u32| plain(LOAD, 16 + at % 12 * 4);
    let word = |at: u32| plain(LOAD, at % 16 * 4);
    let ending = [test(0x15, 7, 0, 1), RETURN, DENY];
    let with_ending = |mut code: Vec<Instruction>| {
        code.extend(ending);
        Filter(code)
    };
    let cases = [
        (
            "each test doubles the values of A",
            repeated(|at| {
                vec![
                    plain(TAX, 0),
                    arg(at),
                    test(0x45, 1 << (at % 32), 0, 1),
                    plain(0x04, at),
                    plain(0xac, 0),
                ]
            }),
        ),
        ("each test doubles the values of a constant", {
            let mut filter = repeated(|at| {
                let bit = 1 << (at % 32);
                let skip = test(0x45, bit, 0, 3);
                vec![arg(at), skip, plain(0x87, 0), plain(0x04, bit), plain(TAX, 0)]
            });
            filter.0.truncate(4080);
            filter.0.push(plain(0x87, 0));
            filter.0.extend(ending);
            filter
        }),
        (
            "each test doubles the scratch memory",
            repeated(|at| {
                vec![
                    arg(at),
                    test(0x45, 1 << (at % 32), 0, 1),
                    plain(0x02, at % 16),
                    plain(0x02, (at + 1) % 16),
                ]
            }),
        ),
        (
            "states that each are multiplied",
            repeated(|at| {
                vec![
                    arg(at),
                    test(0x45, 1 << (at % 32), 1, 0),
                    plain(0x01, at),
                    arg(at + 1),
                    plain(0x54, 0xf),
                    plain(0x24, u32::MAX),
                    plain(0x0c, 0),
                    plain(TAX, 0),
                ]
            }),
        ),
        (
            "the sum of all words",
            with_ending(
                (0..200)
                    .flat_map(|at| [plain(TAX, 0), word(at), plain(0x0c, 0)])
                    .collect(),
            ),
        ),
        (
            "the product of all words",
            with_ending(
                (0..200)
                    .flat_map(|at| {
                        [
                            plain(TAX, 0),
                            word(at),
                            plain(if at == 0 { 0x0c } else { 0x2c }, 0),
                        ]
                    })
                    .collect(),
            ),
        ),
        (
            "one argument by another",
            with_ending(vec![arg(0), plain(TAX, 0), arg(2), plain(0x3c, 0)]),
        ),
        (
            "one argument shifted by another",
            with_ending(vec![arg(2), plain(TAX, 0), arg(0), plain(0x6c, 0)]),
        ),
        (
            "two arguments that are equal",
            Filter(vec![
                arg(0),
                plain(TAX, 0),
                arg(2),
                test(0x1d, 0, 0, 1),
                RETURN,
                DENY,
            ]),
        ),
        (
            "an argument squared, again and again",
            repeated(|at| {
                if at == 0 {
                    vec![arg(0)]
                } else {
                    vec![plain(TAX, 0), plain(0x2c, 0)]
                }
            }),
        ),
        (
            "multiplied by a constant, again and again",
            repeated(|at| {
                if at == 0 {
                    vec![arg(0)]
                } else {
                    vec![plain(0x24, 3), plain(0xa4, at)]
                }
            }),
        ),
        ("a word as the answer", Filter(vec![arg(0), plain(0x16, 0)])),
        ("a different answer for each of 4,000 numbers", {
            let mut code = vec![plain(LOAD, 0)];
            code.extend((0..2040).flat_map(|at| [test(0x15, at * 7, 0, 1), plain(0x06, 0x0005_0000 + at)]));
            code.push(DENY);
            Filter(code)
        }),
        (
            "tests of scattered bits of all words",
            repeated(|at| {
                vec![
                    word(at),
                    test(0x45, 0x9e37_79b9_u32.rotate_left(at), (at % 2) as u8, 0),
                    plain(0x54, at),
                ]
            }),
        ),
    ];
    for (name, filter) in cases {
        assert_eq!(filter.validate(), Ok(()), "{name}");
        timed(name, || {
            let mut decider = Decider::default();
            let decided = decider.filter(&filter);
            if let Ok(decision) = decided {
                let classes = decider.partition(&[decision]).map(|classes| classes.len());
                println!("    decided: {} nodes, classes {classes:?}", decider.nodes());
            } else {
                println!("    {decided:?}");
            }
        });
    }
}

/// Tests on single bits of a number: decided, but impossible to list.
fn numbers_in_many_ranges() {
    let odd = |answer| {
        let test = Instruction::test(0x45, 1, 0, 1);
        Filter(vec![Instruction::plain(LOAD, 0), test, answer, DENY])
    };
    timed("every odd number", || {
        let mut decider = Decider::default();
        let one = decider.filter(&odd(RETURN)).expect("it is simple");
        let other = decider.filter(&odd(DENY)).expect("it is simple");
        assert_ne!(one, other);
        assert!(decider.compare(&[one, other]).is_err());
        assert_eq!(decider.compare(&[one, one]), Ok(Vec::new()));
    });
}

fn big_profiles() {
    let container = For {
        goarch: "amd64".to_owned(),
        capabilities: BTreeSet::new(),
        kernel: (6, 18),
    };
    let read = |text: &str| Profile::read(text, &container).map(|(profile, _)| profile);
    let with_rules = |rules: &mut dyn Iterator<Item = String>| {
        let rules: Vec<String> = rules.collect();
        format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{}]}}"#,
            rules.join(",")
        )
    };
    let text = with_rules(&mut (0..100_000).map(|value| {
        format!(r#"{{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{{"index": 0, "value": {value}, "op": "SCMP_CMP_EQ"}}]}}"#)
    }));
    let profile = timed("10 MB of JSON, 100,000 rules", || read(&text)).expect("a profile");
    assert!(text.len() > 10_000_000);
    let written = timed("100,000 conditions on one call", || {
        Decider::default()
            .written(&profile, "SCMP_ARCH_X86_64")
            .map(|_| ())
    });
    println!("    {written:?}");
    let text = with_rules(&mut (0..100_000).map(|at| {
        let names = ["read", "write", "clone", "no_such_call", "futex"];
        let action = ["ALLOW", "LOG", "ERRNO"][at % 3];
        format!(
            r#"{{"names": ["{}", "call{at}"], "action": "SCMP_ACT_{action}"}}"#,
            names[at % 5]
        )
    }));
    let profile = read(&text).expect("a profile");
    let written = timed("100,000 rules that contradict each other", || {
        Decider::default()
            .written(&profile, "SCMP_ARCH_X86_64")
            .map(|_| ())
    });
    println!("    {written:?}");
    let cured = timed("a cure for 100,000 rules", || {
        let mut decider = Decider::default();
        cure(
            &mut decider,
            &profile,
            "SCMP_ARCH_X86_64",
            Cure::Allow,
            &Of::default(),
        )
        .map(|_| ())
    });
    println!("    {cured:?}");
    let names: Vec<String> = (0..400_000).map(|at| format!("\"call{at}\"")).collect();
    let rule = format!(
        r#"{{"names": [{}], "action": "SCMP_ACT_ALLOW"}}"#,
        names.join(",")
    );
    let profile = read(&with_rules(&mut [rule].into_iter())).expect("a profile");
    timed("400,000 names that no architecture has", || {
        Decider::default()
            .written(&profile, "SCMP_ARCH_X86_64")
            .map(|_| ())
    })
    .expect("nothing is written");
    let nested = format!("{{\"defaultAction\": {}", "[".repeat(1_000_000));
    let error = timed("a million brackets", || read(&nested)).expect_err("too deep");
    assert!(
        error
            .to_string()
            .contains("recursion limit exceeded at line 1 column"),
        "{error}"
    );
}
