//! What a case asks for: programs that there are, facts that somebody looks at, and no more than is taken.

use super::errors;

const PROBE: &str =
    "{summary: p, files: {/bin/probe: {probe: true}, /bin/tool: {text: x}, /link: {symlink: /bin}}}";

/// What is said of a case whose process is the probe, if nothing else is written.
fn told(case: &str) -> String {
    let config = "{ociVersion: 1.0.2, root: {path: rootfs}, mounts: [{destination: /mnt, type: tmpfs}], \
                  process: {args: [/bin/probe, facts], cwd: /bin, env: ['PATH=/x:/bin'], user: {uid: 0, gid: 0}}}";
    let case = format!("{{summary: s, {case}}}");
    errors(&[
        (super::DEFAULT_CONFIG, config),
        ("rootfs/probe.yaml", PROBE),
        ("t/a.yaml", &case),
    ])
    .join("\n")
}

fn all_told(rows: &[(&str, &str)]) {
    for (case, expected) in rows {
        let told = told(case);
        assert!(
            told.contains(expected) && (!expected.is_empty() || told.is_empty()),
            "{case}: {told}"
        );
    }
}

#[test]
fn a_program_is_one_that_the_rootfs_has() {
    let of = |args: &str, rest: &str| format!("config: {{process: {{args: {args}}}}}{rest}");
    for (args, rest, expected) in [
        ("[/bin/tool]", "", ""),
        ("[tool]", "", ""),
        ("[./tool]", "", ""),
        ("[/bin/../bin/./tool]", "", ""),
        ("[/bin/tol]", "", "the rootfs has no program `/bin/tol`"),
        ("[tol]", "", "did you mean `/bin/tool`?"),
        ("[../tool]", "", "the rootfs has no program `../tool`"),
        // A folder is asked for.
        ("[/bin/tool/]", "", "the rootfs has no program `/bin/tool/`"),
        // Nobody knows what lies behind a mount or a link, or what an edit of the text makes of it.
        ("[/mnt/tol]", "", ""),
        ("[/mnt]", "", ""),
        ("[/mntx]", "", "the rootfs has no program `/mntx`"),
        ("[/link/tol]", "", ""),
        ("[/bin/tol]", ", config_text: [{replace: tol, with: tool}]", ""),
        ("[$program]", "", "the rootfs has no program"),
    ] {
        all_told(&[(&of(args, rest), expected)]);
    }
    all_told(&[(
        "config: {root: {path: /elsewhere}, process: {args: [/bin/tol]}}",
        "",
    )]);
}

#[test]
fn the_probe_is_asked_for_what_it_knows() {
    for (args, expected) in [
        ("[/bin/probe, facts]", ""),
        ("[/bin/probe, fatcs]", "the probe cannot do this"),
        (
            "[/bin/probe, facts, then, exec, /bin/probe, fatcs]",
            "the probe cannot do this",
        ),
        ("[/bin/probe, facts, then, exec, /bin/tool, fatcs]", ""),
    ] {
        all_told(&[(&format!("config: {{process: {{args: {args}}}}}"), expected)]);
    }
    let hook =
        |path: &str| format!("config: {{hooks: {{prestart: [{{path: '{path}', args: [probe, fatcs]}}]}}}}");
    all_told(&[
        (&hook("${probe}"), "the probe cannot do this"),
        (&hook("/bin/true"), ""),
    ]);
}

#[test]
fn a_fact_that_is_expected_is_one_that_the_probe_is_asked_for() {
    let of = |args: &str, fact: &str| format!("config: {{process: {{args: {args}}}}}, expect: {{{fact}}}");
    for (args, fact, expected) in [
        ("[/bin/probe, facts, ids]", "proc.ids.uid: 0", ""),
        (
            "[/bin/probe, facts, ids]",
            "proc.umask: '0022'",
            "the probe is not asked for `proc.umask`",
        ),
        ("[/bin/tool]", "proc.umask: '0022'", ""),
        (
            "[/bin/probe, facts, ids, then, exec, /bin/probe, facts, umask]",
            "proc.ids.uid: 0",
            "",
        ),
        (
            "[/bin/probe, facts, ids, then, exec, /bin/probe, facts, umask]",
            "proc.umask: '0022'",
            "",
        ),
        (
            "[/bin/probe, facts, ids, then, exec, /bin/probe, facts, umask]",
            "proc.caps.effective: []",
            "the probe is not asked for `proc.caps.effective`",
        ),
    ] {
        all_told(&[(&of(args, fact), expected)]);
    }
    all_told(&[(
        "config: {process: {args: [/bin/probe, facts, ids]}}, config_text: [{replace: ids, with: umask}], expect: {proc.umask: '0022'}",
        "",
    )]);
}

#[test]
fn what_nobody_looks_at_is_neither_expected_nor_watched() {
    all_told(&[
        ("expect: {process.exit#2: 0}", "`main` is made once"),
        (
            "steps: [create, start, wait, delete, create, start, wait], expect: {process.exit#2: 0}",
            "",
        ),
        (
            "steps: [create, start, wait, delete, create, start, wait], expect: {process.exit#3: 0}",
            "`main` is made 2 times",
        ),
        (
            "steps: [create, delete], expect: {process.exit: 0}",
            "if no step starts the main container",
        ),
        (
            "steps: [create, {create: {as: b}}, start, wait], expect: {process.b.exit: 0}",
            "if no step starts `b`",
        ),
        (
            "expect: {syscall.mkdir: EPERM}",
            "no calls of `mkdir` are recorded",
        ),
        ("watch: {syscall: [mkdir]}, expect: {syscall.mkdir: EPERM}", ""),
        ("watch: {syscall: [only]}", "`only` leaves out all calls"),
        ("watch: {syscall: [only, mkdir]}", ""),
        ("watch: {process: [exit#2]}", "`main` is made once"),
        (
            "steps: [create, start, {exec: {process: {args: [/bin/probe, facts, ids]}}}, delete], expect: {proc.exec.umask: '0022'}",
            "the probe is not asked for `proc.exec.umask`",
        ),
        (
            "steps: [create, start, {exec: {process: {args: [/bin/probe, facts, umask]}}}, delete], expect: {proc.exec.umask: '0022'}",
            "",
        ),
    ]);
}

#[test]
fn more_than_is_taken_is_refused_and_as_much_is_not() {
    let list = |count: usize, item: &str| vec![item; count].join(", ");
    for (key, limit, item, what) in [
        ("steps", 100, "state", "101 steps: at most 100"),
        ("requirement", 2000, "r", "2001 requirements: at most 2000"),
    ] {
        let of = |count| told(&format!("{key}: [{}]", list(count, item)));
        assert!(of(limit + 1).contains(what), "{key}: {}", of(limit + 1));
        assert!(!of(limit).contains("at most"), "{key}");
    }
    let mounts = |count| {
        let mounts = list(count, "{destination: /a, type: tmpfs}");
        told(&format!("config: {{mounts+: [{mounts}]}}"))
    };
    assert!(mounts(501).contains("501 mounts: at most 500") && !mounts(500).contains("at most"));
    let waits = |limit: u32| told(&format!("steps: [create, start, {{wait: {{limit: {limit}}}}}]"));
    assert!(waits(3601).contains("come to more than 3600 seconds") && !waits(3600).contains("come to"));
}
