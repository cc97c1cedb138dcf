//! Bad input of any kind: exit status 2, where and what to do, no panic, no half-written file. Nothing here needs
//! a runtime; what needs root says so.

use crate::support;
use crate::support::needs;

use std::fs;
use std::os::unix::fs::symlink;

use support::{Ran, Scene};

/// It ends with 2 and reports this; nothing is printed on stdout.
#[track_caller]
fn refused(ran: &Ran, texts: &[&str]) {
    ran.ends_with(2).within(30);
    assert_eq!(ran.stdout, "", "an error is not a result");
    for text in texts {
        assert!(ran.stderr.contains(text), "no `{text}` in:\n{}", ran.stderr);
    }
}

/// A case file with this text is refused at this place, by `list` as by `run`.
#[track_caller]
fn case(text: &str, place: &str, says: &[&str]) {
    let scene = Scene::new();
    scene.write("cases/topic/bad.yaml", text);
    let place = format!("cases/topic/bad.yaml:{place}: ");
    let texts: Vec<&str> = std::iter::once(place.as_str())
        .chain(says.iter().copied())
        .collect();
    refused(&scene.run(&["list", "--cases", "cases"]), &texts);
    refused(&scene.run(&["run", "--cases", "cases"]), &texts);
}

/// The name, the case's text, where the error is, and what is reported.
macro_rules! cases {
    ($($(#[$ignore:meta])? $name:ident: $text:expr, $place:literal, $says:expr;)*) => {
        $(#[test] $(#[$ignore])? fn $name() { case($text, $place, &$says); })*
    };
}

cases! {
    no_yaml: "summary: s\nconfig: {a: [\n", "3:1", [];
    a_tab_for_spaces: "summary: s\nconfig:\n\thostname: x\n", "3:1", [];
    a_list_for_a_case: "- summary: s\n", "1:1", [];
    an_empty_file: "", "1:1", ["summary"];
    no_summary: "rootfs: probe\n", "1:1", ["summary"];
    an_unknown_key: "summary: s\nrootfz: probe\n", "2:1", ["unknown field `rootfz`", "`rootfs`"];
    an_unknown_need: "summary: s\nneeds:\n  kernal: '>=5'\n", "3:3", ["unknown field `kernal`", "`kernel`"];
    a_key_twice: "summary: s\nsummary: t\n", "2:1", ["`summary` is written twice"];
    a_key_twice_below: "summary: s\nexpect:\n  process.exit: 0\n  process.exit: 1\n", "4:3", ["`process.exit` is written twice"];
    an_unknown_step: "summary: s\nsteps:\n  - crate\n", "3:5", ["unknown step `crate`", "create"];
    an_unknown_option: "summary: s\nsteps:\n  - kill: {sginal: TERM}\n", "3:12", ["unknown field `sginal`", "`signal`"];
    a_number_for_a_text: "summary: [a]\n", "1:10", ["expected a text, not a list"];
    a_text_for_a_number: "summary: s\nsteps:\n  - create: {limit: soon}\n", "3:21", ["soon"];
    a_text_for_a_config: "summary: s\nconfig: nothing\n", "2:1", [];
    an_unknown_requirement: "summary: s\nrequirement: [no-such-clause]\n", "2:15", ["no-such-clause", "requirements.yaml"];
    an_unknown_rootfs: "summary: s\nrootfs: debain\n", "2:1", ["debain"];
    folders_without_layers: "summary: s\nrootfs: {image: x}\n", "2:1", ["layers: [DIR", "missing field `layers`"];
    a_rootfs_without_a_layer: "summary: s\nrootfs: {layers: []}\n", "2:10", ["at least one layer"];
    a_relative_layer: "summary: s\nrootfs:\n  layers: [/a, b]\n", "3:16", ["`b` is not an absolute path"];
    an_unknown_profile: "summary: s\nconfig:\n  linux:\n    seccomp: {$profile: dokcer}\n", "4:5", ["dokcer"];
    a_changed_profile_of_the_engine: "summary: s\nconfig:\n  linux:\n    seccomp: {$profile: RuntimeDefault, defaultErrnoRet: 38}\n", "4:5", ["is the engine's own"];
    an_unknown_channel: "summary: s\nwatch:\n  syscalls: [x]\n", "3:3", ["syscalls"];
    a_fact_of_no_channel: "summary: s\nexpect:\n  prozess.exit: 0\n", "3:3", ["prozess.exit", "process"];
    nothing_for_a_value: "summary: s\nexpect:\n  process.exit: null\n", "3:17", ["expected a value", "not null", "{is: VALUE"];
    a_map_for_a_value: "summary: s\nexpect:\n  process.exit: {iss: 3}\n", "3:18", ["unknown field `iss`", "`is`"];
    a_number_in_a_list: "summary: s\nexpect:\n  process.stdout: [5]\n", "3:20", ["a list holds texts only"];
    a_number_for_a_path: "summary: s\nwatch: {filter: [5]}\n", "2:18", ["the text of a path"];
    a_text_for_paths: "summary: s\nwatch: {proc: caps}\n", "2:8", ["a list of paths"];
    a_family_of_nothing: "summary: s\nfor: 3\n", "2:1", ["`for` takes"];
    a_limit_below_zero: "summary: s\nsteps:\n  - create: {limit: -1}\n", "3:5", ["limit"];
    a_limit_without_end: "summary: s\nsteps:\n  - create: {limit: .inf}\n", "3:5", ["limit"];
    a_range_that_is_none: "summary: s\nneeds: {kernel: 'newest'}\n", "2:17", ["newest"];
    a_mode_that_is_none: "summary: s\nfiles:\n  /x: {text: hi, mode: '9z'}\n", "3:3", ["9z"];
    a_relative_file: "summary: s\nfiles:\n  x/y: {text: hi}\n", "3:3", ["x/y"];
    a_file_outside_of_the_rootfs: "summary: s\nfiles:\n  /../../etc/x: {text: hi}\n", "3:3", ["/../../etc/x"];
    a_container_name_with_a_slash: "summary: s\nsteps:\n  - create: {as: ../x, config: {}}\n", "3:5", ["../x"];
}

#[test]
fn all_errors_of_all_files_are_told_at_once() {
    let scene = Scene::new();
    scene.write("cases/a/one.yaml", "summary: s\nrootfz: x\n");
    scene.write("cases/b/two.yaml", "summary: [\n");
    scene.write("cases/c/three.yaml", "summary: fine\n");
    scene.write("cases/c/three.known.yaml", "- {fact: 3}\n");
    scene.write("cases/d/four.yaml", "summary: s\nrequirement: [a, b]\n");
    let ran = scene.run(&["list", "--cases", "cases"]);
    refused(
        &ran,
        &[
            "a/one.yaml:2:1",
            "b/two.yaml:1:10",
            "c/three.known.yaml:1:",
            "d/four.yaml:2:1",
        ],
    );
}

#[test]
fn a_known_file_of_no_case() {
    let scene = Scene::new();
    scene.write("cases/a/one.yaml", "summary: s\n");
    scene.write(
        "cases/a/other.known.yaml",
        "- facts: {process.exit: [{otherwise: 0}]}\n",
    );
    refused(
        &scene.run(&["list", "--cases", "cases"]),
        &["a/other.known.yaml:1:1"],
    );
}

#[test]
fn bytes_that_are_no_text() {
    let scene = Scene::new();
    scene.write("cases/a/one.yaml", b"summary: \xff\xfe\n");
    refused(
        &scene.run(&["list", "--cases", "cases"]),
        &["cases/a/one.yaml", "UTF-8"],
    );
}

#[test]
fn bytes_that_are_no_text_hide_no_other_error() {
    let scene = Scene::new();
    scene.write("cases/a/one.yaml", b"summary: \xff\xfe\n");
    scene.write("cases/b/two.yaml", "summary: [\n");
    refused(
        &scene.run(&["list", "--cases", "cases"]),
        &["a/one.yaml:1:10", "b/two.yaml:1:10"],
    );
}

#[test]
fn a_directory_with_a_case_s_name_is_a_folder() {
    let scene = Scene::new();
    scene.write("cases/a/one.yaml/two.yaml", "summary: s\n");
    scene.write("cases/b/three.yaml", "summary: s\n");
    scene.run(&["list", "--cases", "cases"]).ends_with(0);
}

#[test]
fn a_folder_that_leads_to_itself() {
    let scene = Scene::new();
    scene.write("cases/a/one.yaml", "summary: s\n");
    symlink("..", scene.path().join("cases/a/up")).expect("a link");
    let ran = scene.run(&["list", "--cases", "cases"]);
    assert!(matches!(ran.status, Some(0 | 2)), "{ran:?}");
    ran.within(10);
}

#[test]
fn nothing_to_run() {
    let scene = Scene::new();
    fs::create_dir(scene.path().join("empty")).expect("a folder");
    scene.write("cases/a/one.yaml", "summary: s\n");
    for args in [
        &["list", "--cases", "empty"][..],
        &["run", "--cases", "empty"],
        &["run", "--cases", "missing"],
        &["run", "--cases", "cases/a/one.yaml"],
        &["run", "--cases", "cases", "b"],
        &["run", "--cases", "cases", "a/*x"],
        &["run", "--cases", "cases", "a", "b"],
        &["list", "--cases", "cases", ""],
        &["explain", "--run", "--cases", "cases", "b"],
        &["accept", "--cases", "cases"],
    ] {
        refused(&scene.run(args), &[]);
    }
}

#[test]
fn wrong_use() {
    let scene = Scene::new();
    for args in [
        &["run", "--jobs", "0"][..],
        &["run", "--jobs", "many"],
        &["run", "--jobs", "100000"],
        &["run", "--recorder", "video"],
        &["run", "--bundle", ".", "pattern"],
        &["rum"],
        &["report"],
        &["schema", "cake"],
        &["show", "a", "--channel", "nose"],
        &["control", "--rounds", "0"],
    ] {
        refused(&scene.run(args), &["error"]);
    }
    // Without a command, the user wants the help.
    refused(&scene.run(&[]), &["run", "report"]);
}

#[test]
fn runtimes_that_are_none() {
    if !needs::root() {
        return;
    }
    let scene = Scene::new();
    scene.write("cases/a/one.yaml", "summary: s\n");
    let empty = scene.program("empty", "");
    let text = scene.write("text", "no program");
    let silent = scene.program("silent", "#!/bin/sh\n");
    let other = scene.program("other", "#!/bin/sh\necho 'other version 1'\n");
    let paths = [&empty, &text, &silent, &other].map(|path| format!("runc={}", path.display()));
    let plain = [
        "rumc",
        "runc@99.99",
        "runc@",
        "=x",
        "",
        "runc=/no/such/file",
        "runc=/",
        "runc=/dev/null",
    ];
    for runtime in plain.into_iter().chain(paths.iter().map(String::as_str)) {
        let ran = scene.run(&[
            "run",
            "--cases",
            "cases",
            "--json",
            "events",
            "--runtime",
            runtime,
        ]);
        refused(&ran, &[]);
        assert!(!ran.stderr.trim().is_empty());
        assert!(
            !scene.path().join("events").exists(),
            "nothing ran, so there are no events"
        );
    }
}

#[test]
fn one_runtime_is_not_enough() {
    let Some(runc) = needs::runtime("runc") else {
        return;
    };
    let scene = Scene::new();
    scene.write("cases/a/one.yaml", "summary: s\n");
    let runc = format!("runc={}", runc.display());
    let run = |args: &[&str]| scene.run(&[&["run", "--cases", "cases"], args].concat());
    refused(&run(&["--runtime", &runc]), &["two runtimes", "runtimes install"]);
    refused(&run(&["--runtime", &runc, "--runtime", &runc]), &["runc"]);
    refused(
        &run(&["--runtime", &runc, "--runtime", "crun", "--reference", "youki"]),
        &[],
    );
}

#[test]
fn a_bundle_that_is_none() {
    if !needs::root() {
        return;
    }
    let scene = Scene::new();
    scene.write("bundle/other.json", "{}");
    scene.write("file", "{}");
    for bundle in ["bundle", "missing", "file"] {
        refused(&scene.run(&["run", "--bundle", bundle]), &[bundle, "config.json"]);
    }
}

#[test]
fn a_report_of_no_events() {
    let scene = Scene::new();
    let started = r#"{"event":"run-started","ocidiff":"0.1.0","time":0,"runtimes":[],"machine":{"kernel":"6.1","cgroup":"v1","arch":"x86_64"},"recorder":"none","cases":1}"#;
    scene.write("text", "hello\n");
    scene.write("empty", "");
    scene.write("bytes", b"\xff\xfe\n");
    scene.write("middle", format!("{started}\nhello\n{started}\n"));
    scene.write("other", "{\"event\":\"coffee\"}\n");
    for file in ["text", "empty", "bytes", "middle", "other", "missing", "."] {
        refused(&scene.run(&["report", file]), &[]);
        let ran = scene.run(&["report", file, "--format", "junit", "--output", "out"]);
        refused(&ran, &[]);
        assert!(
            !scene.path().join("out").exists(),
            "a half-written report of {file}"
        );
    }
    refused(&scene.run(&["report", "text", "--format", "pdf"]), &["pdf"]);
}

#[test]
fn files_that_cannot_be_written() {
    let Some(runc) = needs::runtime("runc") else {
        return;
    };
    let Some(crun) = needs::runtime("crun") else {
        return;
    };
    let scene = Scene::new();
    scene.write("cases/a/one.yaml", "summary: s\n");
    scene.write("file", "");
    let [runc, crun] =
        [("runc", runc), ("crun", crun)].map(|(name, path)| format!("{name}={}", path.display()));
    for (option, path) in [
        ("--json", "missing/events"),
        ("--json", "cases"),
        ("--json", "/proc/nope"),
        ("--records", "file"),
    ] {
        let ran = scene.run(&[
            "run",
            "--cases",
            "cases",
            "--runtime",
            &runc,
            "--runtime",
            &crun,
            option,
            path,
        ]);
        ran.ends_with(2).leaves_nothing();
        assert!(ran.stderr.contains(path), "{}", ran.stderr);
    }
}

/// A folder that the program takes for a checkout: its manifests are read, and none of them may be wrong.
#[test]
fn manifests_with_errors() {
    for (text, place) in [
        ("name: x\nsummary: [\n", "runtimes/x.yaml:"),
        ("name: x\nsummary: s\ncolour: red\n", "runtimes/x.yaml:3:1"),
        ("name: x\n", "runtimes/x.yaml:1:1"),
        ("", "runtimes/x.yaml:1:1"),
    ] {
        let scene = Scene::new();
        scene.write("cases/requirements.yaml", "[]\n");
        scene.write("cases/default-config.yaml", "ociVersion: 1.0.2\n");
        scene.write("cases/rootfs/probe.yaml", "summary: s\n");
        scene.write("cases/a/one.yaml", "summary: s\n");
        scene.write("runtimes/x.yaml", text);
        refused(&scene.run(&["runtimes"]), &[place]);
        if needs::root() {
            refused(&scene.run(&["run"]), &[place]);
        }
    }
}

#[test]
fn without_root_it_says_so() {
    if !needs::root() {
        return;
    }
    let scene = Scene::new();
    scene.write("cases/a/one.yaml", "summary: s\n");
    let mut command = scene.command(&["run", "--cases", "cases"]);
    std::os::unix::process::CommandExt::uid(&mut command, 65534);
    // The test's unprivileged user must be able to reach the case and the program.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(scene.path(), open).expect("open the folder");
    let output = support::Output::new(scene.path());
    let Some(child) = output.try_spawn(&mut command) else {
        needs::skips::skipped("the program cannot be started as nobody here");
        return;
    };
    refused(&output.wait(child, std::time::Duration::from_secs(20)), &["root"]);
}

/// What a part of a matrix, or a build, could not read is named before anything is done with it.
#[test]
fn paths_that_mean_nothing_are_named() {
    let scene = Scene::new();
    let matrix = "{runtimes: {a: [crun@1.21, crun@1.28]}, kernels: [host], plans: {p: {cases: {host: all}}}}";
    scene.write("m.yaml", matrix);
    let plan = ["matrix", "plan", "p", "--file", "m.yaml", "--case", "hostname/*"];
    let ran = scene.run(&[&plan[..], &["--format", "kubernetes"]].concat());
    refused(&ran, &["--file m.yaml", "a pod reads what its image has"]);
    let github = scene.run(&[&plan[..], &["--format", "github", "--parts", "1"]].concat());
    let options = "--file m.yaml --case 'hostname/*'";
    assert!(github.ends_with(0).stdout.contains(options), "{github:?}");
    if needs::root() {
        let ran = scene.run(&["runtimes", "build", "crun", "no-such-folder"]);
        refused(
            &ran,
            &["build crun: its sources in no-such-folder cannot be read"],
        );
    }
}
