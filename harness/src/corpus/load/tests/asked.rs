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

#[test]
fn names_in_a_case_are_those_of_something() {
    all_told(&[
        (
            "config: {process: {args: [/bin/tool, 'echo ${HOME}']}}",
            "nothing takes the place of `${HOME}`",
        ),
        // A shell's own variables.
        ("config: {process: {args: [/bin/tool, -c, 'echo ${HOME}']}}", ""),
        ("config: {annotations: {a: '${bundle}'}}", ""),
        (
            "config: {annotations: {a: '${bunlde}'}}",
            "nothing takes the place of `${bunlde}`",
        ),
        (
            "config: {annotations: {a: ['${bunlde}']}}",
            "nothing takes the place of `${bunlde}`",
        ),
        ("config: {annotations: {a: '${for}'}}, for: [a, b]", ""),
        (
            "config: {annotations: {a: b}}, for: [a, b]",
            "`${for}` stands nowhere in the case",
        ),
        (
            "config_text: [{replace: '${bunlde}', with: x}]",
            "nothing takes the place of `${bunlde}`",
        ),
        (
            "watch: {file: [only]}",
            "`only` chooses no fact of the channel file",
        ),
        (
            "watch: {lifecycle: [craete.result]}",
            "did you mean `create.result`?",
        ),
        (
            "expect: {lifecycle.wait#2.result: ok}",
            "the case has no step `wait#2`",
        ),
        (
            "steps: [create, start, wait, {wait: {}}], expect: {lifecycle.wait#2.result: ok}",
            "",
        ),
        (
            "expect: {hook.prestart.args: [a]}",
            "the config has no hook that logs as `prestart`",
        ),
        (
            "config: {hooks: {prestart: [{path: /bin/other}]}}, expect: {hook.prestart.args: [a]}",
            "",
        ),
        ("rootfs: nothing", "unknown rootfs `nothing`"),
        (
            "config: {linux: {seccomp: {$profile: nothing}}}",
            "unknown profile `nothing`",
        ),
        ("config: {linux: {seccomp: {$profile: RuntimeDefault}}}", ""),
        (
            "config: {linux: {seccomp: {$profile: RuntimeDefault, defaultAction: SCMP_ACT_ALLOW}}}",
            "profile `RuntimeDefault` is the engine's own, and is taken as it is",
        ),
        (
            "files: {/a/../b: {text: x}}",
            "`/a/../b` is not an absolute path without `..`",
        ),
        (
            "files: {a: {text: x}}",
            "`a` is not an absolute path without `..`",
        ),
        (
            "files: {/a: {zeros: 268435457}}",
            "268435457 zeros: at most 268435456 are written",
        ),
        ("files: {/a: {zeros: 268435456}}", ""),
        (
            "config: {annotations: {a: '${for}'}}, for: ['a*', b]",
            "`a*` is not a member's name",
        ),
        (
            "config: {annotations: {a: '${for}'}}, for: [a, a]",
            "the member `a` is there twice",
        ),
    ]);
    for (bytes, expected) in [(100, ""), (101, "it has more than 100 bytes")] {
        let name = "a".repeat(bytes);
        all_told(&[(
            &format!("config: {{annotations: {{a: '${{for}}'}}}}, for: [{name}, b]"),
            expected,
        )]);
    }
}

#[test]
fn an_option_is_of_a_step_that_takes_it() {
    all_told(&[
        ("steps: [{create: {as: ''}}]", "`` is not a container's name"),
        ("steps: [{create: {as: a.b}}]", "`a.b` is not a container's name"),
        ("steps: [{create: {as: a-1}}, {start: {as: a-1}}]", ""),
        (
            "steps: [create, {start: {as: b}}]",
            "no step before makes the container `b`",
        ),
        (
            "steps: [create, {start: {config: {hostname: x}}}]",
            "`config` is of create and run",
        ),
        ("steps: [{create: {config: {hostname: x}}}]", ""),
        ("steps: [create, {kill: {signal: TRM}}]", "did you mean `TERM`?"),
        ("steps: [create, {kill: {signal: TERM}}]", ""),
        ("steps: [create, start, update]", "update needs `resources`"),
        ("steps: [create, start, {update: {resources: {}}}]", ""),
        (
            "steps: [create, start, {wait: {resources: {}}}]",
            "`resources` is of update, and wait does not take it",
        ),
        (
            "steps: [create, start, {wait: {limit: 0.001}}]",
            "a limit is between 0.01 and 600 seconds",
        ),
        (
            "steps: [create, start, {wait: {limit: 601}}]",
            "a limit is between 0.01 and 600 seconds",
        ),
        ("steps: [create, start, {wait: {limit: 600}}]", ""),
        (
            "steps: [create, start, {wait: {force: true}}]",
            "`force` is of delete",
        ),
        (
            "steps: [create, start, {wait: {stdout: x}}]",
            "`stdout` is of await",
        ),
        ("steps: [create, start, {await: {stdout: x}}]", ""),
        ("steps: [create, start, await]", "await needs"),
        (
            "caller: {ignored: [PIPE]}",
            "`PIPE` cannot be ignored by the process that calls a runtime",
        ),
        ("caller: {ignored: [KILL]}", "`KILL` cannot be ignored"),
        ("caller: {ignored: [TRM]}", "no signal is called `TRM`"),
        ("caller: {ignored: [USR1]}", ""),
        ("caller: {limits: {nofil: {soft: 1, hard: 2}}}", "`nofil`"),
        ("caller: {limits: {nofile: {soft: 1, hard: 2}}}", ""),
    ]);
}

#[test]
fn a_recipe_names_packages_of_a_suite() {
    let digest = "0123456789abcdef".repeat(4);
    let package = |name: &str, version: &str, sha256: &str| {
        format!("suite: bookworm, packages: [{{name: '{name}', version: '{version}', sha256: '{sha256}'}}]")
    };
    let long = "a".repeat(201);
    for (recipe, expected) in [
        (&*package("libc6:i386", "1.34+dfsg-1.2~x", &digest), ""),
        (&package("-tar", "1", &digest), "`-tar` is not a package's name"),
        (&package("", "1", &digest), "`` is not a package's name"),
        (&package("a/b", "1", &digest), "`a/b` is not a package's name"),
        (&package("tar", &long, &digest), "is not a package's version"),
        (&package("tar", &long[1..], &digest), ""),
        (&package("tar", "1", &digest[1..]), "is not a package's sha256"),
        (
            &package("tar", "1", &digest.replace('f', "g")),
            "is not a package's sha256",
        ),
        ("suite: 'book worm'", "`book worm` is not a suite's name"),
        ("suite: bookworm", ""),
    ] {
        let told = errors(&[("rootfs/other.yaml", &format!("{{summary: s, {recipe}}}"))]).join("\n");
        assert!(
            told.contains(expected) && (!expected.is_empty() || told.is_empty()),
            "{recipe}: {told}"
        );
    }
}

#[test]
fn a_recipe_and_a_known_file_have_a_most_too() {
    let files = |count: usize| {
        let files: Vec<String> = (0..count).map(|at| format!("/f{at}: {{text: x}}")).collect();
        let recipe = format!("{{summary: s, files: {{{}}}}}", files.join(", "));
        errors(&[("rootfs/other.yaml", &recipe)]).join("\n")
    };
    assert!(files(1001).contains("1001 files: at most 1000 are taken") && files(1000).is_empty());
    let items = |count: usize| {
        let item = "{because: unexplained, who: [crun], shows: 1}";
        let known = format!(
            "[{{facts: {{process.exit: [{}]}}}}]",
            vec![item; count].join(", ")
        );
        errors(&[("t/a.yaml", "summary: s"), ("t/a.known.yaml", &known)]).join("\n")
    };
    assert!(items(2001).contains("2001 items: at most 2000 are taken") && !items(2000).contains("at most"));
}
