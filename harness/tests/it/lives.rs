//! Two containers, and one that is made twice: each has facts of its own, and none of them is passed over.

use crate::support::events::Events;
use crate::support::{Scene, needs};

use ocidiff_model::Verdict;

/// A runtime that changes the N-th container that it makes, N in the host's name: in its output, its exit status, its
/// privileges. It does not support version 1.99.0.
const OTHER: &str = r#"#!/bin/sh
config=/run/ocidiff/bundle/${BUNDLE:-main}/config.json
case "$*" in *" create "*|*" run "*)
  case "$*" in *second*) config=/run/ocidiff/bundle/second/config.json ;; esac
  echo x >> /run/count
  if grep -q '"1.99.0"' $config; then
    echo 'unknown version specified' >&2
    exit 1
  fi
  if grep -q "evil$(wc -l < /run/count)\"" $config; then
    cp $config /run/kept
    sed -i 's/END 0/END 5/g; s/"noNewPrivileges": *true/"noNewPrivileges":false/' $config
    @REAL@ "$@"; status=$?
    cp /run/kept $config
    exit $status
  fi ;;
esac
exec @REAL@ "$@"
"#;

const WORKLOAD: &str =
    r#"process: {args: [/bin/sh, -c, "echo END 0; mkdir '/END 0'; exit $(echo END 0 | tail -c 2)"]}"#;
const TWICE: &str = "[create, start, wait, delete, create, start, wait, delete]";
const SECOND: &str = "[create, start, {create: {as: second}}, {start: {as: second}}, wait, {wait: {as: second}}, delete, {delete: {as: second}}]";
/// No step starts the main container.
const SECOND_ALONE: &str =
    "[{create: {as: second}}, {start: {as: second}}, {wait: {as: second}}, {delete: {as: second}}]";
const SECOND_BESIDE: &str = "[create, {create: {as: second}}, {start: {as: second}}, {wait: {as: second}}, {delete: {as: second}}, {delete: {force: true}}]";

/// Runs a case on busybox under runc and under crun with another workload in the N-th container.
fn run(case: &str) -> Option<Events> {
    let (runc, crun) = (needs::runtime("runc")?, needs::runtime("crun")?);
    let scene = Scene::new();
    scene.write(
        "cases/t/case.yaml",
        format!("summary: s\nrootfs: busybox\n{case}\n"),
    );
    let other = scene.program("other", &OTHER.replace("@REAL@", &crun.to_string_lossy()));
    let runc = format!("runc={}", runc.display());
    let other = format!("crun={}", other.display());
    let words = ["run", "--cases", "cases", "--json", "events"];
    let runtimes = ["--runtime", &runc, "--runtime", &other];
    let ran = scene.run_at_home(&[&words[..], &runtimes].concat());
    ran.leaves_nothing();
    Some(Events::read(&scene.path().join("events")))
}

#[test]
fn each_life_and_each_container_has_facts_of_its_own() {
    let watch = "watch: {proc: [init.no_new_privs, created.no_new_privs, second.created.no_new_privs], syscall: [mkdir]}";
    let watch_main = watch.replace(", second.created.no_new_privs", "");
    for (evil, steps, facts) in [
        (
            1,
            TWICE,
            &[
                "process.exit",
                "process.stdout",
                "proc.created.no_new_privs",
                "proc.init.no_new_privs",
                "syscall.mkdir(/END 5)",
            ][..],
        ),
        (
            2,
            TWICE,
            &[
                "process.exit#2",
                "process.stdout#2",
                "proc.created.no_new_privs#2",
                "proc.init.no_new_privs#2",
                "syscall.mkdir(/END 5)#1#2",
            ],
        ),
        (
            2,
            SECOND,
            &[
                "process.second.exit",
                "process.second.stdout",
                "proc.second.created.no_new_privs",
            ],
        ),
        (1, SECOND_ALONE, &["process.second.exit", "process.second.stdout"]),
        (
            2,
            SECOND_BESIDE,
            &["process.second.exit", "process.second.stdout"],
        ),
        (
            2,
            "[create, start, wait, {run: {as: second}}, delete]",
            &["process.second.stdout", "lifecycle.second.run.exit"],
        ),
        (1, "[run, run]", &["process.stdout", "lifecycle.run.exit"]),
        (2, "[run, run]", &["process.stdout#2", "lifecycle.run#2.exit"]),
    ] {
        let watch = match steps {
            SECOND => watch,
            TWICE => &watch_main,
            _ => "",
        };
        let case = format!("config: {{hostname: evil{evil}, {WORKLOAD}}}\nsteps: {steps}\n{watch}");
        let Some(events) = run(&case) else { return };
        let case = events.case("t/case");
        assert_eq!(case.verdict(), Verdict::New, "{evil} {steps}: {}", case.text());
        let differs = |fact: &str| case.0.differences.iter().any(|found| found.fact == fact);
        for fact in facts {
            assert!(differs(fact), "{fact} of {evil} {steps}: {}", case.text());
        }
        let of_others = match (evil, steps) {
            (1, _) => "process.stdout#2",
            _ => "process.stdout",
        };
        assert!(
            !differs(of_others),
            "{of_others} of {evil} {steps}: {}",
            case.text()
        );
    }
}

#[test]
fn two_values_for_one_path_are_broken() {
    // What a workload prints like the probe cannot stand for what the harness sees.
    let forged = r#"process: {args: [/bin/sh, -c, "echo '{\"fact\":\"init.umask\",\"value\":\"0\"}'"]}"#;
    let Some(events) = run(&format!("config: {{{forged}}}")) else {
        return;
    };
    let case = events.case("t/case");
    assert_eq!(case.verdict(), Verdict::Broken, "{}", case.text());
    let says = "two values were recorded for proc.init.umask: ";
    assert!(case.text().contains(says), "{}", case.text());
}

#[test]
fn a_container_that_a_runtime_does_not_support_leaves_out_only_its_own_facts() {
    let main_first =
        "[create, start, wait, {create: {as: second}}, {start: {as: second}}, {wait: {as: second}}, delete]";
    let refused_second = main_first.replace(
        "{create: {as: second}}",
        "{create: {as: second, config: {ociVersion: 1.99.0}}}",
    );
    let refused_main = main_first.replace(
        "{create: {as: second}}",
        "{create: {as: second, config: {ociVersion: 1.0.2}}}",
    );
    for (steps, version, evil, gone, differs) in [
        (&refused_second, "1.0.2", 0, "second", None),
        (&refused_second, "1.0.2", 1, "second", Some("process.exit")),
        (&refused_main, "1.99.0", 0, "main", None),
        (&refused_main, "1.99.0", 2, "main", Some("process.second.exit")),
    ] {
        let config = format!("config: {{ociVersion: {version}, hostname: evil{evil}, {WORKLOAD}}}");
        let Some(events) = run(&format!("{config}\nsteps: {steps}")) else {
            return;
        };
        let case = events.case("t/case");
        let verdict = differs.map_or(Verdict::Agree, |_| Verdict::New);
        assert_eq!(case.verdict(), verdict, "{gone} {evil}: {}", case.text());
        let found = &case.0.differences;
        assert_eq!(
            found.iter().any(|found| Some(found.fact.as_str()) == differs),
            differs.is_some()
        );
        let says = format!("only what concerns {gone} or the whole run is left out");
        let unsupported = &case.0.unsupported;
        let is_said = unsupported.iter().any(|(_, why)| why.contains(&says));
        assert!(is_said, "{gone} {evil}: {unsupported:?}");
    }
}
