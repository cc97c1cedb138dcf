//! What is printed to be pasted is pasted, and works as it stands.

use std::time::Duration;

use crate::support::{Output, Ran, Scene, needs};
use crate::verdicts::{local, pair, run};

/// The printed line that begins with this command.
fn next(ran: &Ran, word: &str) -> String {
    let lines = ran.stdout.lines();
    let found = lines.flat_map(|line| line.split(" · ")).find_map(|part| {
        part.find(&format!("ocidiff {word} "))
            .map(|at| part[at..].trim().to_owned())
    });
    found.unwrap_or_else(|| panic!("no line with {word}:\n{}", ran.stdout))
}

/// The line as printed, in a shell.
fn pasted(scene: &Scene, line: &str) -> Ran {
    let mut shell = scene.command(&[]);
    let program = shell.get_program().to_owned();
    let line = line.replacen("ocidiff", &program.to_string_lossy(), 1);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &line]).current_dir(scene.path());
    for (name, value) in shell.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    shell.args([] as [&str; 0]);
    let output = Output::new(scene.path());
    let child = output.spawn(&mut command);
    output.wait(child, Duration::from_secs(120))
}

#[test]
fn a_build_of_ones_own_is_called_by_its_path_and_what_is_printed_can_be_pasted() {
    let (Some(runc), Some(crun)) = (needs::runtime("runc"), needs::runtime("crun")) else {
        return;
    };
    let scene = Scene::new();
    local(&scene, "my crun", &crun, "crun version UNKNOWN", ("none", ":"));
    local(
        &scene,
        "crun-git",
        &crun,
        "crun version 1.8.1.24-cdd5",
        ("differ", "exit 9"),
    );
    scene.write(
        "cases/a/differs.yaml",
        "{summary: s, config: {annotations: {fault: differ}}}",
    );
    let runtimes = [
        format!("runc={}", runc.display()),
        "crun=./my crun".to_owned(),
        "crun=./crun-git".to_owned(),
    ];
    let ran = run(&scene, &runtimes, &["--cases", "cases"]);
    ran.ends_with(1);
    assert!(ran.stdout.contains("crun ./crun-git"), "{}", ran.stdout);
    assert!(
        !ran.stdout.contains('#') || !ran.stdout.contains("#2"),
        "{}",
        ran.stdout
    );
    for (word, status) in [("explain", 1), ("repro", 0), ("accept", 0)] {
        pasted(&scene, &next(&ran, word)).ends_with(status);
    }
    let known = std::fs::read_to_string(scene.path().join("cases/a/differs.known.yaml")).expect("accepted");
    assert!(known.contains("because: unexplained"), "{known}");
    run(&scene, &runtimes, &["--cases", "cases"]).ends_with(0);
}

#[test]
fn builds_in_a_folder_are_named_one_by_one() {
    let (Some(runc), Some(crun)) = (needs::runtime("runc"), needs::runtime("crun")) else {
        return;
    };
    let scene = Scene::new();
    for (name, fault) in [("my builds/a", "exit 9"), ("my builds/b", "exit 7")] {
        local(&scene, name, &crun, "crun version UNKNOWN", ("differ", fault));
    }
    scene.write(
        "cases/a/differs.yaml",
        "{summary: s, config: {annotations: {fault: differ}}}",
    );
    let runtimes = [format!("runc={}", runc.display()), "crun=./my builds".to_owned()];
    let ran = run(&scene, &runtimes, &["--cases", "cases"]);
    let line = next(ran.ends_with(1), "repro");
    assert!(line.contains("--runtime 'crun=./my builds/a'"), "{line}");
    pasted(&scene, &line).ends_with(0);
    pasted(&scene, &next(&ran, "explain")).ends_with(1);
}

/// Puts another name in place of the config's host name, each time.
const ANOTHER: &str = r#"read u </proc/sys/kernel/random/uuid; sed -i "s/given/n${u%%-*}/" /run/ocidiff/bundle/main/config.json"#;

#[test]
fn what_is_another_value_each_time_is_not_accepted_and_control_shows_it_again() {
    let Some([runc, _]) = pair() else { return };
    let crun = needs::runtime("crun").expect("there a moment ago");
    let scene = Scene::new();
    local(&scene, "crun", &crun, "crun version 1.8.1", ("vary", ANOTHER));
    scene.write(
        "cases/a/varies.yaml",
        "{summary: s, config: {annotations: {fault: vary}, hostname: given, process: {args: [/bin/probe, facts, uts]}}}",
    );
    let ran = run(
        &scene,
        &[runc.clone(), "crun=./crun".to_owned()],
        &["--cases", "cases"],
    );
    let said = &ran.ends_with(1).stdout;
    assert!(
        said.contains("NEW") && said.matches("seen ").count() == 3,
        "{said}"
    );
    assert!(!said.contains("ocidiff accept"), "{said}");
    let accept = format!("ocidiff accept a/varies --cases cases --runtime {runc} --runtime crun=./crun");
    let refused = pasted(&scene, &accept);
    let why = &refused.ends_with(3).stderr;
    assert!(
        why.contains("proc.uts.hostname was not the same in each run"),
        "{why}"
    );
    assert!(!scene.path().join("cases/a/varies.known.yaml").exists());
    let control = scene.run(&[
        "control",
        "a/varies",
        "--cases",
        "cases",
        "--runtime",
        "crun=./crun",
    ]);
    let said = &control.ends_with(1).stdout;
    assert!(said.contains("crun=./crun against itself"), "{said}");
    assert!(said.contains("in 3 of 3 runs"), "{said}");
    let again = pasted(&scene, &next(&control, "control"));
    assert!(again.ends_with(1).stdout.contains("1 false alarms"), "{again:?}");
}
