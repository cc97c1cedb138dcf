//! Checks of a few nodes, as the tests of their reports share them.

use ocidiff_model::check::{CheckReport, Finding, NodeCheck, ShapeReport, Unchecked};
use ocidiff_model::{Impact, RuntimeId};

pub(crate) const TIME: u64 = 1_767_225_600;

pub(crate) fn runtime(name: &str, version: &str) -> RuntimeId {
    RuntimeId {
        name: name.into(),
        version: version.parse().expect("a version"),
        label: name.into(),
    }
}

pub(crate) fn finding(impact: Impact, what: &str) -> Finding {
    Finding {
        depth: ocidiff_model::check::Depth::Probe,
        impact,
        what: what.into(),
        from: "ERRNO(ENOSYS)".into(),
        to: "ERRNO(EPERM)".into(),
        reason: "tar calls fchmodat2 and falls back on ENOSYS only".into(),
        remedy: Some("ocidiff seccomp --fix enosys".into()),
        link: vec!["https://github.com/containers/crun/issues/1600".into()],
        case: Some("seccomp/tar-setgid".into()),
        id: Some("runc/enosys-stub".parse().expect("an id")),
        accounts: Vec::new(),
        ignored: None,
        before: false,
    }
}

pub(crate) fn shape(digest: &str, workloads: &[&str], findings: &[(Impact, &str)]) -> ShapeReport {
    ShapeReport {
        digest: digest.into(),
        workloads: workloads.iter().map(|&name| name.to_owned()).collect(),
        from: None,
        changes: vec!["hooks are not run".into()],
        findings: findings
            .iter()
            .map(|(impact, what)| finding(*impact, what))
            .collect(),
    }
}

/// A node without workloads.
pub(crate) fn node(name: &str) -> CheckReport {
    CheckReport {
        ocidiff: "0.1.0".into(),
        time: TIME,
        node: name.into(),
        ..CheckReport::new(runtime("runc", "1.1.5"), runtime("crun", "1.8.1"))
    }
}

/// Three nodes: one is safe, one is not, and on one a workload was not checked.
pub(crate) fn three() -> [CheckReport; 3] {
    let web = "aaaaaaaaaaaaaaaaaaaa";
    let plain = "bbbbbbbbbbbbbbbbbbbb";
    let mut nodes = ["node-a", "node-b", "node-c"].map(node);
    nodes[0].shapes = vec![
        shape(
            web,
            &["web-1", "web-2"],
            &[(Impact::Breaks, "fchmodat2"), (Impact::Cosmetic, "proc.umask")],
        ),
        shape(plain, &["cron"], &[]),
    ];
    nodes[1].shapes = vec![shape(
        plain,
        &["cron", "log"],
        &[(Impact::Cosmetic, "proc.umask")],
    )];
    nodes[2].shapes = vec![shape(plain, &["cron"], &[])];
    nodes[2].unchecked = vec![Unchecked {
        workload: "gone".into(),
        why: "the rootfs is gone".into(),
        before: false,
        uncounted: false,
    }];
    nodes
}

/// A check that finished.
pub(crate) fn whole(report: CheckReport) -> NodeCheck {
    let exit = Some(report.exit());
    NodeCheck { report, exit }
}

/// The events of reports, one after the other.
pub(crate) fn lines<'a>(reports: impl IntoIterator<Item = &'a CheckReport>) -> String {
    let text = |report: &CheckReport| ocidiff_reports::events::lines_of(&report.events()).expect("events");
    reports.into_iter().map(text).collect()
}
