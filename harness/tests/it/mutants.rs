//! Mutants of real runtimes: what they do is caught, by the case that is about it; the wrapper alone does not show.

use crate::support;
use crate::support::needs;

use serde_json::Value;
use support::{Ran, Scene};

/// A small corpus with a case for each kind of rule.
const CASES: [(&str, &str); 7] = [
    (
        "user",
        "{summary: the uid, requirement: [start-runs-program], config: {process: {args: [/bin/probe, facts, ids], \
         user: {uid: 1000}}}, expect: {proc.ids.uid: 1000}}",
    ),
    (
        "nice",
        "{summary: the priority of the caller, config: {process: {args: [/bin/probe, facts, sched]}}}",
    ),
    (
        "state",
        "{summary: the state, steps: [create, state, start, wait, delete], expect: {lifecycle.state.pid: {is: init, \
         requirement: state-pid}}}",
    ),
    (
        "kill",
        "{summary: a signal, requirement: [kill-sends-signal], config: {process: {args: [/bin/probe, wait-signal, TERM]}}, \
         steps: [create, start, {await: {stdout: waiting}}, {kill: {signal: TERM}}, wait, delete], expect: {process.exit: 0}}",
    ),
    (
        "exec",
        "{summary: the cwd of an exec, requirement: [start-runs-program], config: {process: {args: [/bin/probe, wait-signal, \
         TERM]}}, steps: [create, start, {await: {stdout: waiting}}, {exec: {process: {args: [/bin/probe, facts, cwd], cwd: \
         /tmp}}}, {kill: {signal: TERM}}, wait, delete], expect: {proc.exec.cwd: /tmp}}",
    ),
    (
        "left",
        "{summary: nothing is left, requirement: [delete-removes-created-resources], expect: {leftover.files: []}}",
    ),
    (
        "refused",
        "{summary: no cwd, requirement: [process-cwd-required], invalid: [process.cwd], config: {process: {cwd: null}}, expect: {lifecycle.create.result: error}}",
    ),
];

const MUTANTS: &str = r#"
- {name: uid, summary: root, breaks: [start-runs-program], rule: {config: [{set: process.user.uid, to: 0}]}}
- {name: caller, summary: another priority, topics: [t], rule: {calls: {create: {through: [/bin/sh, -c, 'exec nice -n 5 "$@"', sh]}}}}
- {name: pid, summary: another pid, breaks: [state-pid], rule: {calls: {state: {output: [{plus: pid, by: 1}]}}}}
- {name: signal, summary: another signal, breaks: [kill-sends-signal], rule: {calls: {kill: {with: {signal: KILL}}}}}
- {name: swallowed, summary: no signal, breaks: [kill-sends-signal], rule: {calls: {kill: {answer: {exit: 0}}}}}
- {name: cwd, summary: the cwd of exec, breaks: [start-runs-program], rule: {process: [{drop: cwd}, {add: cwd, to: /}]}}
- {name: file, summary: a file, breaks: [delete-removes-created-resources], rule: {calls: {delete: {after: 'echo x > /run/left'}}}}
- {name: accepted, summary: no cwd, breaks: [process-cwd-required], rule: {config: [{add: process.cwd, to: /}]}}
- {name: early, summary: at once, topics: [t], rule: {calls: {create: {then: [start]}}}}
"#;

fn scene() -> Scene {
    let scene = Scene::new();
    for (name, text) in CASES {
        scene.write(&format!("cases/t/{name}.yaml"), text);
    }
    scene
}

fn run(scene: &Scene, mutants: &str, args: &[&str]) -> Option<Ran> {
    let runc = needs::runtime("runc")?;
    scene.write("mutants/m.yaml", mutants);
    let runc = format!("runc={}", runc.display());
    let all = [
        "mutants",
        "--cases",
        "cases",
        "--mutants",
        "mutants",
        "--runtime",
        &runc,
    ];
    Some(scene.run(&[&all, args].concat()))
}

#[test]
fn every_kind_of_rule_is_caught_by_the_clause_that_it_breaks() {
    let scene = scene();
    let Some(ran) = run(&scene, MUTANTS, &["--json"]) else {
        return;
    };
    ran.ends_with(0).within(110).leaves_nothing();
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let mutants = told["mutants"].as_array().expect("mutants");
    assert_eq!(mutants.len(), 9, "{}", ran.stdout);
    for mutant in mutants {
        assert_eq!(mutant["outcome"], "caught", "{mutant:#}");
        // No case says which priority the caller has, or that nothing starts early.
        if mutant["mutant"] != "m/caller" && mutant["mutant"] != "m/early" {
            assert_eq!(mutant["catch"]["how"], "clause", "{mutant:#}");
            assert_eq!(mutant["catch"]["names_clause"], true, "{mutant:#}");
        }
    }
    let caught_by = |name: &str| {
        let found = mutants.iter().find(|mutant| mutant["mutant"] == name);
        found
            .and_then(|mutant| mutant["catch"]["case"].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(caught_by("m/uid"), "t/user");
    assert_eq!(caught_by("m/caller"), "t/nice");
    assert_eq!(caught_by("m/file"), "t/left");
}

#[test]
fn a_fault_of_all_runtimes_is_caught_by_an_expectation_only() {
    let scene = scene();
    let (Some(crun), Some(ran)) = (needs::runtime("crun"), needs::runtime("runc")) else {
        return;
    };
    let [runc, crun] =
        [("runc", ran), ("crun", crun)].map(|(name, path)| format!("{name}={}", path.display()));
    scene.write(
        "cases/t/free.yaml",
        "{summary: nobody says what the gid is, config: {process: {args: [/bin/probe, facts, ids]}}}",
    );
    scene.write(
        "mutants/m.yaml",
        "- {name: uid, summary: root, breaks: [start-runs-program], rule: {config: [{set: process.user.uid, to: 0}]}}\n\
         - {name: gid, summary: group 7, topics: [t], rule: {config: [{set: process.user.gid, to: 7}]}}\n",
    );
    let all = [
        "mutants",
        "--cases",
        "cases",
        "--mutants",
        "mutants",
        "--runtime",
        &runc,
        "--runtime",
        &crun,
    ];
    let alike = scene.run(&[&all[..], &["--all-alike"]].concat());
    alike.ends_with(1);
    assert!(alike.stdout.contains("MISSED  m/gid"), "{}", alike.stdout);
    assert!(alike.stdout.contains("caught  m/uid"), "{}", alike.stdout);
    let beside = scene.run(&all);
    beside.ends_with(0);
    assert!(beside.stdout.contains("difference only"), "{}", beside.stdout);
    scene.run(&[&all[..], &["--strict"]].concat()).ends_with(1);
}

#[test]
fn the_wrapper_alone_is_not_seen() {
    let scene = scene();
    let mutants = "- {name: none, summary: nothing, topics: [t], unseen: it has no fault}";
    let Some(ran) = run(&scene, mutants, &[]) else {
        return;
    };
    ran.ends_with(0).leaves_nothing();
    assert!(ran.stdout.contains("unseen  m/none"), "{}", ran.stdout);
}

#[test]
fn what_is_called_unseen_and_is_seen_is_an_error() {
    let scene = scene();
    let mutants = "- {name: pid, summary: p, breaks: [state-pid], unseen: nobody looks, rule: {calls: {state: {output: [{drop: pid}]}}}}";
    let Some(ran) = run(&scene, mutants, &[]) else {
        return;
    };
    ran.ends_with(1);
    assert!(
        ran.stdout.contains("SEEN") && ran.stdout.contains("nobody looks"),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_nobody_can_catch_is_missed_and_says_how_many_cases_were_tried() {
    let scene = scene();
    let mutants = "- {name: slow, summary: it waits, topics: [t], rule: {calls: {state: {before: 'sleep 0.1'}}}}\n\
                   - {name: nowhere, summary: devices, topics: [t], rule: {config: [{drop: linux.devices}]}}\n\
                   - {name: elsewhere, summary: crun only, topics: [t], over: [crun], rule: {config: [{drop: process}]}}\n";
    let Some(ran) = run(&scene, mutants, &[]) else {
        return;
    };
    ran.ends_with(1);
    assert!(
        ran.stdout.contains("MISSED  m/slow       it waits; 1 case tried"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("touches no case"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("skipped m/elsewhere  needs crun"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_rule_that_changes_nothing_is_missed_whatever_it_says() {
    let scene = scene();
    let mutants = "- {name: idle, summary: i, topics: [t], unseen: nobody looks, rule: {config: [{set: hostname, to: x, was: never there}]}}";
    let Some(ran) = run(&scene, mutants, &[]) else {
        return;
    };
    ran.ends_with(1);
    assert!(
        ran.stdout.contains("MISSED") && ran.stdout.contains("touches no case"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_script_that_cannot_be_run_is_no_fault_that_is_caught() {
    let scene = scene();
    for (name, rule, words) in [
        ("unknown", "before: 'sedd -i s/x/y/ $BUNDLE/config.json'", "sedd"),
        ("middle", "before: 'nosuchprogram; true'", "nosuchprogram"),
        ("syntax", "before: 'if then'", "is not a script"),
        ("behind", "after: 'nosuchprogram'", "nosuchprogram"),
        (
            "sed",
            "before: 'sed -i s/x/y $BUNDLE/config.json'",
            "the mutant's script failed: sed: ",
        ),
        (
            "absent",
            "before: 'cat < $BUNDLE/nonesuch.json'",
            "the mutant's script failed: ",
        ),
        ("after", "after: 'cat $BUNDLE/nonesuch.json'", "nonesuch.json"),
        ("env", "through: [env, -Z]", "invalid option"),
        ("through", "through: [/usr/bin/envv]", "/usr/bin/envv"),
        (
            "shell",
            "through: [/bin/sh, -c, 'nosuchprogram \"$@\"', sh]",
            "nosuchprogram",
        ),
    ] {
        let mutant =
            format!("- {{name: {name}, summary: s, topics: [t], rule: {{calls: {{create: {{{rule}}}}}}}}}");
        let Some(ran) = run(&scene, &mutant, &[]) else {
            return;
        };
        ran.ends_with(3);
        assert!(
            ran.stdout.contains("broken") && ran.stdout.contains(words),
            "{name}: {}",
            ran.stdout
        );
    }
    let mutant = "- {name: own, summary: s, topics: [t], rule: {calls: {create: {before: 'exit 3'}}}}";
    let Some(ran) = run(&scene, mutant, &[]) else {
        return;
    };
    ran.ends_with(0);
}

#[test]
fn where_every_mutant_is_skipped_nothing_was_caught() {
    let scene = scene();
    let mutants = "- {name: elsewhere, summary: crun only, topics: [t], over: [crun], rule: {config: [{drop: process.cwd}]}}";
    let Some(ran) = run(&scene, mutants, &[]) else {
        return;
    };
    ran.ends_with(3);
    assert!(ran.stderr.contains("every mutant was skipped"), "{}", ran.stderr);
}

#[test]
fn edits_and_scripts_with_a_slip_are_errors_in_their_line() {
    let scene = scene();
    scene.write(
        "m.yaml",
        "- name: a\n  summary: s\n  topics: [t]\n  rule:\n    config:\n      - {set: hostnam, to: foo}\n    calls:\n      create:\n        before: rm $BUNDEL\n",
    );
    let ran = scene.run(&["mutants", "--cases", "cases", "--mutants", "m.yaml", "--list"]);
    ran.ends_with(2);
    for text in [
        "m.yaml:6:",
        "did you mean `hostname`?",
        "m.yaml:9:9",
        "did you mean `BUNDLE`?",
    ] {
        assert!(ran.stderr.contains(text), "{text}: {}", ran.stderr);
    }
}

#[test]
fn wrong_use_ends_with_2_and_says_what_is_wrong() {
    let scene = scene();
    scene.write("m.yaml", "- {name: a, summary: s, breaks: [nosuch]}");
    let ran = scene.run(&["mutants", "--cases", "cases", "--mutants", "m.yaml"]);
    ran.ends_with(2);
    assert!(
        ran.stderr.contains("m.yaml:1:") && ran.stderr.contains("unknown requirement"),
        "{}",
        ran.stderr
    );
    let ran = scene.run(&["mutants", "no-such-*"]);
    ran.ends_with(2);
    assert!(ran.stderr.contains("ocidiff mutants --list"), "{}", ran.stderr);
    scene.run(&["mutants", "--mutants", "/dev/zero"]).ends_with(2);
    scene
        .run(&["mutants", "--mutants", "no-such-file.yaml"])
        .ends_with(2);
}

#[test]
fn the_wrapper_calls_nothing_outside_of_a_cell() {
    let scene = Scene::new();
    let work = r#"{"op":"create","container":"main","file":null,"edits":[],"rule":{},"then":[]}"#;
    let program = scene.program("runtime", "#!/bin/sh\ntouch made\n");
    let ran = scene.run(&["mutant", work, &program.to_string_lossy()]);
    ran.ends_with(125);
    assert!(ran.stderr.contains("outside of a cell"), "{}", ran.stderr);
    assert!(!scene.path().join("made").exists(), "the command was called");
}

#[test]
fn the_program_s_own_mutants_are_read() {
    let scene = Scene::new();
    let ran = scene.run(&["mutants", "--list"]);
    ran.ends_with(0);
    assert!(ran.stdout.lines().count() > 100, "{}", ran.stdout);
}
