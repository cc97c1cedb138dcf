//! What loads, and what is reported about what does not.

mod asked;
mod conditions;
mod known;
mod shapes;

use super::*;

/// What these texts make, laid over the least that a corpus needs.
fn loaded(texts: &[(&str, &str)]) -> Result<Corpus, Diagnostics> {
    let base = [
        (
            REQUIREMENTS,
            "[{id: r, level: must, since: '1', section: s, says: x}]",
        ),
        (
            DEFAULT_CONFIG,
            "{ociVersion: 1.0.2, process: {args: [a], cwd: /, user: {uid: 0, gid: 0}}, mounts: []}",
        ),
        ("rootfs/probe.yaml", "summary: the probe"),
    ];
    load(&sources(&[&base, texts].concat()))
}

fn errors(texts: &[(&str, &str)]) -> Vec<String> {
    match loaded(texts) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.0.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_good_corpus_loads() {
    assert_eq!(
        errors(&[
            ("t/a.yaml", "{summary: 's ${for}', requirement: [r], for: [x, y]}"),
            (
                "t/a.known.yaml",
                "[{for: [x], facts: {process.exit: [{because: unexplained, who: ['crun <2'], shows: 2}, {otherwise: 1}]}}]"
            ),
        ]),
        Vec::<String>::new()
    );
}

#[test]
fn members_that_are_the_same_case_are_refused() {
    for (family, expected) in [
        ("{a: {}, b: {}}", true),
        ("{a: {summary: x}, b: {}, c: {summary: x}}", true),
        ("{a: {summary: x}, b: {}}", false),
        ("{a: {}}", false),
        ("{a: {summary: '${for}'}, b: {summary: '${for}'}}", false),
    ] {
        let told = errors(&[("t/a.yaml", &format!("{{summary: s, for: {family}}}"))]);
        let is_told = told.iter().any(|error| error.contains("are the same case"));
        assert_eq!(is_told, expected, "{family}: {told:?}");
    }
}

/// What is wrong in what all cases start from is reported once, where it is.
#[test]
fn the_default_config_is_checked_by_itself() {
    let told = errors(&[
        (
            DEFAULT_CONFIG,
            "ociVersion: 1.0.2\nprocess: {args: [a], cwd: /, user: {uid: 0}}\nhostnam: x\n",
        ),
        ("t/a.yaml", "{summary: s, config: {hostname: x}}"),
        ("t/b.yaml", "{summary: s, config: {process: {cwd: null}}}"),
    ]);
    let first: Vec<&str> = told.iter().filter_map(|error| error.lines().next()).collect();
    assert_eq!(
        first,
        [
            "cases/default-config.yaml:2:30: without `gid`, which is required in `process.user`",
            "cases/default-config.yaml:3:1: unknown member `hostnam` in the config",
            "cases/t/b.yaml:1:33: without `cwd`, which is required in `process`",
        ]
    );
}

#[test]
fn a_case_is_found_by_its_name() {
    let corpus = loaded(&[("t/a.yaml", "{summary: 'the ${for}', for: [x, y]}")]).expect("a corpus");
    let summary = |name: &str| corpus.find(name).map(|entry| entry.case.body.summary.clone());
    assert_eq!(summary("t/a[y]").as_deref(), Some("the y"));
    assert_eq!(summary("t/a[z]"), None);
}

#[test]
fn a_clause_that_is_not_there_is_named_with_the_one_that_was_meant() {
    let clauses = "[{id: hooks-state-on-stdin, level: must, since: '1', section: s, says: x},
                    {id: hostname-set, level: must, since: '1', section: s, says: x}]";
    let told = |id: &str| {
        let case = format!("{{summary: s, requirement: [{id}]}}");
        errors(&[(REQUIREMENTS, clauses), ("t/a.yaml", &case)]).join("\n")
    };
    let meant = "did you mean `hooks-state-on-stdin`?";
    // By letters, and by its first words.
    assert!(told("hooks-state-on-stdim").contains(meant));
    assert!(told("hooks-state-read-by-hooks").contains(meant));
    let none = told("devices-major");
    assert!(
        none.contains("the ids are in cases/requirements.yaml") && !none.contains("did you mean"),
        "{none}"
    );
}

#[test]
fn what_can_only_be_green_is_an_error() {
    for (case, said) in [
        ("{summary: s, for: []}", "a family without members"),
        ("{summary: s, for: {}}", "a family without members"),
        (
            "{summary: s, steps: [create, start, {await: {stdout: ''}}, wait]}",
            "await needs a text",
        ),
    ] {
        let told = errors(&[("t/a.yaml", case)]).join("\n");
        assert!(told.contains(said), "{case}: {told}");
    }
}

#[test]
fn a_sign_of_a_finding_is_about_facts_that_there_are() {
    let finding = |sign: &str, rest: &str| {
        let text = format!(
            "{{title: runc does it, affects: '*', kind: design, impact: cosmetic, {rest}shows: [{sign}], cause: c}}"
        );
        errors(&[("findings/runc/a.yaml", &text)]).join("\n")
    };
    let none = "there is no fact `lifecycel.*.result`";
    assert!(finding("{fact: 'lifecycel.*.result', is: error}", "").contains(none));
    for (sign, rest) in [
        ("{fact: 'lifecycle.*.result', is: error}", ""),
        ("{fact: 'proc*.env', any: true}", "applies: {steps: [exec]}, "),
        (
            "{fact: '{proc,hook}.*', any: true}",
            "applies: {config: {hooks: '*'}}, ",
        ),
        ("{fact: process.exit, any: true, instead: signal PIPE}", ""),
        ("{fact: proc.init.caps.eff, lacks: KILL}", ""),
        ("{fact: 'proc.init.caps.*', matches: 'SYS_*'}", ""),
        ("{fact: process.exit, above: 100}", ""),
        ("{fact: 'syscall.open*', is: ENOSYS}", ""),
        ("{fact: mount.order, lacks: /proc}", ""),
        (
            "{fact: process.exit, is: 1}",
            "applies: {config: {linux: {rootfsPropagation: rshared}}}, invalid: [linux.rootfsPropagation], ",
        ),
        ("{fact: '*', any: true, where: {process.exit: {is: 3}}}", ""),
        (
            "{fact: 'lifecycle.exec*.result', is: error, where: {'lifecycle.exec*.said': {has: x}, lifecycle.kill.call: {has: x}}}",
            "",
        ),
        (
            "{fact: 'mount.*', any: true, listed: linux.maskedPaths, instead: {config: process.cwd}}",
            "",
        ),
        (
            "{fact: 'proc.stat.*', mounted: {type: tmpfs, options: ['mode=*']}, any: true}",
            "",
        ),
        ("accepts", ""),
        (
            "{fact: 'proc*.ids.groups', is: ['0']}",
            "applies: {config: {process: {user: {additionalGids: {$twice: '*'}}}}}, ",
        ),
    ] {
        assert_eq!(finding(sign, rest), "", "{sign}");
    }
    for (sign, rest, expected) in [
        ("", "", "`shows` has no sign"),
        (
            "{fact: 'lifecycel.exec*.exot', is: 255}",
            "",
            "there is no fact `lifecycel.exec*.exot`",
        ),
        ("{fact: 'proces.*', is: 1}", "", "there is no fact `proces.*`"),
        (
            "{fact: 'process.exo*', is: 1}",
            "",
            "did you mean `process.exit`?",
        ),
        (
            "{fact: 'lifecycle.{craete,run}.result', is: error}",
            "",
            "did you mean `lifecycle.create.result`?",
        ),
        (
            "{fact: process.exit, is: 1, where: {'proc.*.umaks': {any: true}}}",
            "",
            "there is no fact `proc.*.umaks`",
        ),
        (
            "{fact: process.exit, is: 1, others: {lifecycle.craete.said: {has: x}}}",
            "",
            "there is no fact",
        ),
        (
            "{fact: lifecycle.create.said, has: x}",
            "",
            "in `where` and `others` only",
        ),
        (
            "{fact: 'syscall.fchmodat3(*)', is: EPERM}",
            "",
            "did you mean `fchmodat2`?",
        ),
        (
            "{fact: 'lifecycle.*.result', is: eror}",
            "",
            "did you mean `error`?",
        ),
        (
            "{fact: process.exit, one-of: [0, 'signal TRM']}",
            "",
            "did you mean `signal TERM`?",
        ),
        ("{fact: process.exit, is: 1, instead: '0'}", "", "write 0"),
        (
            "{fact: 'proc.{init,created}.caps.eff', lacks: CAP_KILL}",
            "",
            "write [KILL]",
        ),
        (
            "{fact: process.exit, config: process.oomScoreAjd}",
            "",
            "did you mean `oomScoreAdj`?",
        ),
        (
            "{fact: process.exit, is: 1, instead: {is-user: uidd}}",
            "",
            "did you mean `uid`?",
        ),
        (
            "{fact: 'mount.*', any: true, listed: linux.maskdPaths}",
            "",
            "did you mean `maskedPaths`?",
        ),
        (
            "{fact: 'proc.stat.*', mounted: {typ: tmpfs}, is: 'dir *'}",
            "",
            "did you mean `type`?",
        ),
        (
            "{fact: 'mount.*', any: true, listed: process.cwd}",
            "",
            "is not a list of the config",
        ),
        (
            "{fact: process.exit, is: 1}",
            "applies: {config: {mounts: {$twice: destnation}}}, ",
            "did you mean `destination`?",
        ),
        ("{fact: process.exit, any: false}", "", "never holds"),
        (
            "{fact: process.exit, is: 1}",
            "applies: {config: {linux: {namespaces: [{type: netwrk}]}}}, ",
            "did you mean `network`?",
        ),
        (
            "{fact: process.exit, is: 1}",
            "applies: {config: {process: {capabilities: {bounding: {$any: [[CAP_CHOWNN]]}}}}}, ",
            "did you mean `CAP_CHOWN`?",
        ),
        ("{fact: 'syscall.mkdri*', is: EPERM}", "", "did you mean `mkdir`?"),
        ("{fact: 'syscall.mkdir*', is: EPRM}", "", "did you mean `EPERM`?"),
        (
            "{fact: proc.init.caps.eff, matches: 'CAP_*'}",
            "",
            "no value of `proc.init.caps.eff` matches",
        ),
        ("{fact: filter.count, matches: '1*'}", "", "no value of"),
        ("{fact: process.exit, lacks: foo}", "", "whatever differs"),
        ("{fact: '*', above: -1}", "", "whatever differs"),
        ("{fact: '*.exit', below: 1000}", "", "whatever differs"),
        (
            "{fact: process.exit, any: true}",
            "applies: {config: {process: {args: '*'}}}, ",
            "whatever differs",
        ),
        (
            "{fact: proc.init.no_new_privs, one-of: [true, false]}",
            "",
            "whatever differs",
        ),
        ("{fact: '*', any: true}", "", "whatever differs"),
        (
            "{fact: '*', any: true}",
            "applies: {steps: [exec]}, ",
            "whatever differs",
        ),
        ("{fact: process.exit, any: true}", "", "whatever differs"),
        (
            "{fact: 'process.*', matches: '*'}",
            "applies: {steps: [create]}, ",
            "whatever differs",
        ),
        (
            "{fact: 'process.*', absent: false, instead: {any: true}}",
            "applies: {when: {arch: x86_64}}, ",
            "whatever differs",
        ),
    ] {
        let told = finding(sign, rest);
        assert!(told.contains(expected), "{sign}: {told}");
    }
}

#[test]
fn all_errors_of_all_files_are_told_with_their_places() {
    let told = errors(&[
        ("t/a.yaml", "summary: s\nrequirement: [nope]\nrootfs: none\n"),
        ("t/b.yaml", "summary: s\nwatsch: {}\n"),
        (
            "t/c.yaml",
            "summary: s\nexpect:\n  prozess.exit: 0\nsteps:\n  - create\n  - {start: {as: other}}\n",
        ),
        ("t/d.known.yaml", "[]"),
        (
            "t/e.yaml",
            "summary: s\nconfig:\n  linux: {seccomp: {$profile: gone}}\n",
        ),
        ("t/f.yaml", "summary: s\n"),
        (
            "t/f.known.yaml",
            "- facts:\n    process.exit: [{because: unexplained, who: [runc one], shows: 1}]\n",
        ),
    ]);
    let all = told.join("\n");
    for expected in [
        "cases/t/a.yaml:2:15: unknown requirement `nope`",
        "cases/t/a.yaml:3:1: unknown rootfs `none`",
        "cases/t/b.yaml:2:1: unknown field `watsch`",
        "cases/t/c.yaml:3:3: there is no fact `prozess.exit`",
        "cases/t/c.yaml:6:",
        "cases/t/d.known.yaml:1:1: there is no case `t/d`",
        "cases/t/e.yaml:3:11: unknown profile `gone`",
        "cases/t/f.known.yaml:2:",
    ] {
        assert!(all.contains(expected), "{expected}\nnot in\n{all}");
    }
}

#[test]
fn nothing_is_written_that_nobody_would_look_at() {
    for (text, expected) in [
        (
            "summary: s\nexpect:\n  process.exit: 1\n  process.exit: 0\n",
            "t/a.yaml:4:3: `process.exit` is written twice in one map",
        ),
        (
            "summary: s\nconfig: {process: {cwd: /, cwd: /tmp}}\n",
            "t/a.yaml:2:28: `cwd` is written twice",
        ),
        (
            "summary: s ${for}\nfor: [a, b, a]\n",
            "the member `a` is there twice",
        ),
        ("summary: s\nfor: [a, b]\n", "`${for}` stands nowhere in the case"),
        (
            "summary: s\nfor: {a: {for: [x, y]}, b: {rootfs: busybox}}\n",
            "t/a.yaml:2:11: a member is not a family of its own",
        ),
        (
            "summary: s\nneeds: {paths: [proc]}\n",
            "`proc` is not an absolute path",
        ),
        (
            "summary: s\nconfig: {ociVersion: 1.o.2}\n",
            "`ociVersion` takes a version as SemVer 2.0 has it",
        ),
        (
            "summary: s\nconfig: {linux: {resources: {devices: [{allow: true, access: rwx}]}}}\n",
            "`access` takes some of the letters r, w and m",
        ),
        (
            "summary: s\nconfig: {linux: {seccomp: {defaultAction: SCMP_ACT_ALLOW, syscalls: [{names: [], action: SCMP_ACT_LOG}]}}}\n",
            "`names` takes at least one call",
        ),
        (
            "summary: s\nconfig: {mounts: [{destination: /x, source: /, options: [bind, nosiud]}]}\n",
            "did you mean `nosuid`?",
        ),
        (
            "summary: s\nexpect: {syscall.mkdir(x): ok}\n",
            "no calls of `mkdir` are recorded",
        ),
        (
            "summary: s\nwatch: {filter: false}\nexpect: {proc.init.cwd: /}\n",
            "`proc.init.cwd` is not looked at if `filter` is false",
        ),
    ] {
        let told = errors(&[("t/a.yaml", text)]).join("\n");
        assert!(told.contains(expected), "{text}: {told}");
    }
    for (fact, said, expected) in [
        (
            "lifecycle.create.exit",
            "[{because: unexplained, who: [runc], shows: 1}, {otherwise: 0}]",
            "the case does not compare",
        ),
        (
            "process.exit",
            "[{because: unexplained, who: [runc], shows: 0}, {otherwise: 0}]",
            "all runtimes show the same",
        ),
    ] {
        let known = format!("- facts:\n    {fact}: {said}\n");
        let told = errors(&[("t/a.yaml", "summary: s"), ("t/a.known.yaml", &known)]).join("\n");
        assert!(told.contains(expected), "{fact}: {told}");
    }
    let expecting = errors(&[
        ("t/a.yaml", "summary: s\nexpect: {process.exit: 7}\n"),
        ("t/a.known.yaml", "- facts:\n    process.exit: [{otherwise: 0}]\n"),
    ]);
    assert_eq!(expecting, Vec::<String>::new());
}

#[test]
fn a_slip_in_a_known_file_is_told_with_its_place_and_what_was_meant() {
    let finding = "title: t\naffects: '*'\nkind: wording\nimpact: cosmetic\ncause: c\n";
    for (fact, expected) in [
        (
            "[{becuase: runc/a, shows: 0}, {otherwise: 1}]",
            "exit[0]: unknown field `becuase`, expected one of `because`, `who`, `shows`, `otherwise`, `reason`\n  |\n\
             3 |      [{becuase: runc/a, shows: 0}, {otherwise: 1}]\n  |        ^^^^^^^\n  |\n  \
             = help: did you mean `because`?",
        ),
        (
            "[{because: runc/a, shwos: 0}, {otherwise: 1}]",
            "help: did you mean `shows`?",
        ),
        (
            "[{because: runc/a, shows: 0}, {othewise: 1}]",
            "help: did you mean `otherwise`?",
        ),
        ("[{because: runc/a}, {otherwise: 1}]", "cases/t/a.known.yaml:3:"),
        (
            "[{shows: 0}, {otherwise: 1}]",
            "an item is {because: ID, shows: VALUE} or {otherwise: VALUE}",
        ),
        (
            "[runc/a, {otherwise: 1}]",
            "a list holds findings, or items, not both",
        ),
        ("runc/b", "a.known.yaml:2:5: there is no finding `runc/b`"),
        ("[runc/b]", "there is no finding `runc/b`"),
        (
            "runc/a",
            "`runc/a` has no `shows` that could say how the fact differs",
        ),
        (
            "{because: runc/a}",
            "a finding, a list of findings, or a list of items",
        ),
    ] {
        let told = errors(&[
            ("findings/runc/a.yaml", finding),
            ("t/a.yaml", "summary: s"),
            (
                "t/a.known.yaml",
                &format!("- facts:\n    process.exit:\n     {fact}\n"),
            ),
        ])
        .join("\n");
        assert!(told.contains(expected), "{fact}: {told}");
    }
}

#[test]
fn the_built_in_corpus_is_good_and_is_the_same_as_its_yaml_files_say() {
    let built_in = crate::corpus::files::built_in("cases");
    for (name, source) in &built_in {
        assert!(source.parsed.is_some(), "{name}");
    }
    let mut written = built_in.clone();
    written.values_mut().for_each(|source| source.parsed = None);
    // Here, every check is made that the program leaves out at its start.
    let written = load(&written).expect("the corpus");
    let read = load(&built_in).expect("the corpus");
    for (read, written) in read.entries.iter().zip(&written.entries) {
        assert_eq!(read, written);
    }
    assert!(read == written);
}

#[test]
fn what_lies_over_the_built_in_files_is_checked_with_them() {
    let mut mixed = crate::corpus::files::built_in("cases");
    mixed.retain(|name, _| is_shared(name));
    mixed.extend(sources(&[("t/a.yaml", "summary: s\nrequirement: [nope]\n")]));
    let told = load(&mixed).expect_err("unknown").to_string();
    assert!(
        told.contains("cases/t/a.yaml:2:15: unknown requirement `nope`"),
        "{told}"
    );
}
