//! The cases of the run: each verdict, and the setgid story among the known differences.

use ocidiff_model::difference::{Seen, Standing};
use ocidiff_model::event::CaseReport;
use ocidiff_model::record::CallResult;
use ocidiff_model::{Difference, Impact, Level, Op, Requirement, StepRecord, Value, Verdict};

use crate::story::{Advice, case, difference, groups, known, some};

fn requirement(id: &str, level: Level, section: &str, says: &str) -> Requirement {
    Requirement {
        id: id.into(),
        level,
        since: "1.0.0".into(),
        section: section.into(),
        says: says.into(),
        runtime_tools: None,
        observable: None,
    }
}

fn failure(label: &str, step: &str, op: Op, text: &str) -> (String, StepRecord) {
    let record = StepRecord {
        label: step.into(),
        op,
        argv: Vec::new(),
        result: CallResult::Error,
        exit: Some(1),
        text: text.into(),
        seconds: 0.01,
    };
    (label.to_owned(), record)
}

fn list(items: &str) -> Option<Value> {
    some(
        items
            .split_whitespace()
            .map(ToOwned::to_owned)
            .collect::<Vec<_>>(),
    )
}

const RUNC: &[&str] = &["runc"];
const CRUN: &[&str] = &["crun"];
const YOUKI: &[&str] = &["youki"];
const RUNC_CRUN: &[&str] = &["runc", "crun"];
const CRUN_YOUKI: &[&str] = &["crun", "youki"];
const ALL: &[&str] = &["runc", "crun", "youki"];

pub(crate) fn agree(name: &str) -> CaseReport {
    case(name, Verdict::Agree)
}

/// The story that the project is about.
pub(crate) fn tar_setgid() -> CaseReport {
    let advice = Advice {
        impact: Some(Impact::Breaks),
        cause: Some(
            "fchmodat2 is newer than the profile. runc puts a stub before the filter that answers ENOSYS for syscalls newer than any the \
             profile names; crun and youki apply the profile's EPERM to the letter. glibc 2.39 falls back on ENOSYS only."
                .into(),
        ),
        link: [
            "https://github.com/containers/crun/issues/1600",
            "https://github.com/opencontainers/runc/pull/2750",
            "https://github.com/containers/crun/issues/646",
        ]
        .map(Into::into)
        .to_vec(),
        remedy: Some("add fchmodat2 to the profile's allowed syscalls, or set its defaultErrnoRet to ENOSYS".into()),
    };
    let written = |fact, groups: &[_]| Difference {
        requirement: Some("seccomp-default-action".into()),
        ..difference(fact, groups, Standing::Known)
    };
    let case = CaseReport {
        summary: "GNU tar restores a setgid directory under Docker's default seccomp profile".into(),
        differences: vec![
            written(
                "syscall.fchmodat2(/tmp/data)",
                &[(RUNC, some("ENOSYS")), (CRUN_YOUKI, some("EPERM"))],
            ),
            written("process.exit", &[(RUNC, some(0)), (CRUN_YOUKI, some(2))]),
            written(
                "process.stderr",
                &[
                    (RUNC, some("")),
                    (
                        CRUN_YOUKI,
                        some("tar: data: Cannot change mode to rwxrwsr-x: Operation not permitted"),
                    ),
                ],
            ),
        ],
        requirements: vec![requirement(
            "seccomp-default-action",
            Level::Must,
            "config-linux.md#seccomp",
            "the default action applies to every syscall that no rule names",
        )],
        ..case("seccomp/tar-setgid", Verdict::Known)
    };
    known(case, advice)
}

/// A new difference in a sequence, and one in a single value next to it.
pub(crate) fn new_list() -> CaseReport {
    let new = Standing::New { runs: 2 };
    CaseReport {
        summary: "supplementary groups are those of the config".into(),
        differences: vec![
            difference(
                "proc.umask",
                &[(RUNC_CRUN, some("0022")), (YOUKI, some("0027"))],
                new.clone(),
            ),
            difference(
                "proc.groups",
                &[
                    (RUNC_CRUN, list("5 10 20 30 40 50")),
                    (YOUKI, list("5 10 20 27 30 40 50 60")),
                ],
                new,
            ),
            difference(
                "proc.oom",
                &[(RUNC_CRUN, some(0)), (YOUKI, some(100))],
                Standing::Known,
            ),
        ],
        requirements: vec![requirement(
            "user-groups",
            Level::May,
            "config.md#posix-platform-user",
            "groups",
        )],
        failures: vec![failure(
            "youki",
            "start",
            Op::Start,
            "WARN: \u{1b}[31mno such group\u{1b}[0m\n",
        )],
        ..case("process/groups[many]", Verdict::New)
    }
}

pub(crate) fn gone() -> CaseReport {
    let advice = Advice {
        impact: Some(Impact::MayBreak),
        cause: Some("crun starts a stopped container's hooks".into()),
        link: vec!["https://github.com/containers/crun/issues/1700".into()],
        ..Advice::default()
    };
    let case = CaseReport {
        summary: "poststop hooks run once".into(),
        differences: vec![Difference {
            ..difference("hook.poststop.count", &[(ALL, some(1))], Standing::Gone)
        }],
        ..case("hooks/poststop", Verdict::Gone)
    };
    known(case, advice)
}

pub(crate) fn violation() -> CaseReport {
    CaseReport {
        summary: "a state of a container that is not there is an error".into(),
        differences: vec![Difference {
            expected: some("error"),
            requirement: Some("state-unknown-id".into()),
            against: ALL.iter().map(|label| (*label).to_owned()).collect(),
            ..difference(
                "lifecycle.state.result",
                &[(ALL, some("ok"))],
                Standing::New { runs: 2 },
            )
        }],
        requirements: vec![requirement(
            "state-unknown-id",
            Level::Must,
            "runtime.md#query-state",
            "querying a container that does not exist must generate an error",
        )],
        ..case("lifecycle/state-unknown", Verdict::Violation)
    }
}

/// The case's own expectation, without a clause; what is written about it does not match.
pub(crate) fn unexpected() -> CaseReport {
    CaseReport {
        summary: "a null device is character device 1:3".into(),
        differences: vec![Difference {
            expected: some("1:3"),
            against: ALL.iter().map(|label| (*label).to_owned()).collect(),
            written: vec![("runc".into(), "1:5".into()), ("crun".into(), "1:4".into())],
            ..difference("proc.dev.null", &[(ALL, some("1:5"))], Standing::New { runs: 3 })
        }],
        again: [
            "--runtime",
            "runc",
            "--runtime",
            "crun=./my crun",
            "--cases",
            "mine",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..case("devices/null", Verdict::Unexpected)
    }
}

pub(crate) fn unstable() -> CaseReport {
    CaseReport {
        summary: "run of a short-lived command ends".into(),
        differences: vec![Difference {
            seen: vec![
                Seen {
                    groups: groups(&[(RUNC_CRUN, some("ok")), (YOUKI, some("timeout"))]),
                    times: 2,
                },
                Seen {
                    groups: groups(&[(ALL, some("ok"))]),
                    times: 1,
                },
            ],
            ..difference(
                "lifecycle.run.result",
                &[(RUNC_CRUN, some("ok")), (YOUKI, some("timeout"))],
                Standing::Unstable { shown: 2, runs: 3 },
            )
        }],
        runs: 3,
        ..case("lifecycle/run-short", Verdict::Unstable)
    }
}

pub(crate) fn broken() -> CaseReport {
    CaseReport {
        summary: "a rootfs on tmpfs".into(),
        why: Some("mount tmpfs on the bundle's upper layer: No space left on device".into()),
        ..case("mounts/tmpfs-root", Verdict::Broken)
    }
}

pub(crate) fn skipped(name: &str, why: &str) -> CaseReport {
    CaseReport {
        why: Some(why.into()),
        ..case(name, Verdict::Skipped)
    }
}

pub(crate) fn unsupported() -> CaseReport {
    CaseReport {
        why: Some("fewer than two runtimes support it".into()),
        unsupported: [CRUN, YOUKI]
            .map(|label| (label[0].to_owned(), "unknown mount option idmap".to_owned()))
            .to_vec(),
        ..case("mounts/idmap", Verdict::Unsupported)
    }
}

pub(crate) fn cosmetic() -> CaseReport {
    let case = CaseReport {
        unsupported: vec![("youki".into(), "features: no personality".into())],
        differences: vec![Difference {
            ..difference(
                "lifecycle.create.error",
                &[(RUNC, some("invalid")), (CRUN, None)],
                Standing::Known,
            )
        }],
        ..case("lifecycle/bad-version", Verdict::Known)
    };
    known(
        case,
        Advice {
            impact: Some(Impact::Cosmetic),
            ..Advice::default()
        },
    )
}

pub(crate) fn security() -> CaseReport {
    let case = CaseReport {
        differences: vec![Difference {
            ..difference(
                "mount./proc/kcore.read",
                &[
                    (RUNC_CRUN, some("EACCES: the path is masked by a device node")),
                    (YOUKI, some("ok")),
                ],
                Standing::Known,
            )
        }],
        ..case("mounts/masked-paths", Verdict::Known)
    };
    known(
        case,
        Advice {
            impact: Some(Impact::Security),
            link: vec!["https://github.com/youki-dev/youki/issues/3000".into()],
            remedy: Some("name the paths as mounts".into()),
            ..Advice::default()
        },
    )
}

/// A known difference that breaks workloads, with a remedy and some links.
pub(crate) fn breaks(name: &str, links: usize) -> CaseReport {
    let link = |number| format!("https://github.com/containers/crun/issues/{number}");
    let case = CaseReport {
        differences: vec![Difference {
            ..difference(
                "process.exit",
                &[(RUNC, some(0)), (CRUN_YOUKI, some(1))],
                Standing::Known,
            )
        }],
        ..case(name, Verdict::Known)
    };
    known(
        case,
        Advice {
            impact: Some(Impact::Breaks),
            link: (1..=links).map(link).collect(),
            remedy: Some("ask for it in the config".into()),
            ..Advice::default()
        },
    )
}
