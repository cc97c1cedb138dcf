//! Hostile and careless inputs: untrusted data is refused or read within limits, whatever it is. Nothing is written
//! outside its place, nothing is waited for, and the program's memory stays below 200 MiB.

#[path = "inputs/causes.rs"]
mod causes;
#[path = "inputs/cures.rs"]
mod cures;
#[path = "inputs/honest.rs"]
mod honest;
#[path = "inputs/moves.rs"]
mod moves;
#[path = "inputs/odd.rs"]
mod odd;
#[path = "inputs/published.rs"]
mod published;
#[path = "inputs/refusals.rs"]
mod refusals;
#[path = "inputs/shown.rs"]
mod shown;
#[path = "inputs/starts.rs"]
mod starts;

use crate::support;
use crate::support::needs;

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use support::{Output, Ran, Scene};

/// In KiB.
const MEMORY: u64 = 200 << 10;
const LIMIT: Duration = Duration::from_secs(120);

/// Runs it, and watches its memory meanwhile.
fn measured(scene: &Scene, args: &[&str]) -> Ran {
    let output = Output::new(scene.path());
    let child = output
        .try_spawn(&mut scene.command(args))
        .expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let watcher = std::thread::spawn(move || {
        let mut peak = 0;
        // Once it has ended, there is no VmHWM any more.
        while let Some(now) = fs::read_to_string(&status).ok().as_deref().and_then(peak_of) {
            peak = now;
            std::thread::sleep(Duration::from_millis(5));
        }
        peak
    });
    let ran = output.wait(child, LIMIT);
    let peak = watcher.join().expect("the watcher");
    assert!(peak < MEMORY, "{args:?}: {peak} KiB");
    ran
}

fn peak_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// It ends with 2, soon, and reports this.
#[track_caller]
fn refused(ran: &Ran, says: &[&str]) {
    ran.ends_with(2).within(100);
    for text in says {
        assert!(ran.stderr.contains(text), "no `{text}` in:\n{}", ran.stderr);
    }
    assert!(ran.stderr.len() < 200_000, "{} bytes of errors", ran.stderr.len());
}

fn pipe(scene: &Scene, name: &str) {
    let path = scene.path().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
}

#[test]
fn a_case_whose_files_lead_out_of_its_root_is_an_error_at_its_place() {
    let scene = Scene::new();
    let canary = scene.path().join("host");
    fs::create_dir(&canary).expect("a folder");
    let host = canary.display();
    for (files, place) in [
        (
            format!("  /a: {{symlink: {host}}}\n  /a/x: {{text: hi}}\n"),
            "4:3",
        ),
        ("  /a: {symlink: ../../host}\n  /a/x/: {}\n".to_owned(), "4:3"),
        ("  /../x: {text: hi}\n".to_owned(), "3:3"),
        (
            format!("  /a: {{symlink: b}}\n  /a/x: {{probe: true}}\n  /b: {{symlink: {host}}}\n"),
            "4:3",
        ),
        ("  /a: {tar: {../x: {text: hi}}}\n".to_owned(), "3:3"),
    ] {
        scene.write("cases/topic/bad.yaml", format!("summary: s\nfiles:\n{files}"));
        let place = format!("cases/topic/bad.yaml:{place}: ");
        for command in ["list", "run"] {
            refused(&scene.run(&[command, "--cases", "cases"]), &[&place]);
        }
        fs::remove_file(scene.path().join("cases/topic/bad.yaml")).expect("removed");
        // A recipe is made in the same way.
        scene.write("cases/rootfs/bad.yaml", format!("summary: s\nfiles:\n{files}"));
        scene.write("cases/topic/good.yaml", "summary: s\nrootfs: bad\n");
        refused(
            &scene.run(&["list", "--cases", "cases"]),
            &["cases/rootfs/bad.yaml:"],
        );
        fs::remove_file(scene.path().join("cases/rootfs/bad.yaml")).expect("removed");
        fs::remove_file(scene.path().join("cases/topic/good.yaml")).expect("removed");
    }
    assert_eq!(fs::read_dir(&canary).expect("a folder").count(), 0);
}

#[test]
fn pins_that_are_paths_or_options() {
    let scene = Scene::new();
    let digest = "0".repeat(64);
    for (package, says) in [
        (
            format!("{{name: '-oDir=/x', version: '1', sha256: {digest}}}"),
            "package's name",
        ),
        (
            format!("{{name: a, version: '1 -x', sha256: {digest}}}"),
            "package's version",
        ),
        (
            "{name: a, version: '1', sha256: ../../../x}".to_owned(),
            "package's sha256",
        ),
    ] {
        scene.write(
            "cases/rootfs/r.yaml",
            format!("summary: s\nsuite: sid\npackages: [{package}]\n"),
        );
        scene.write("cases/t/a.yaml", "summary: s\nrootfs: r\n");
        refused(
            &scene.run(&["list", "--cases", "cases"]),
            &["cases/rootfs/r.yaml:3:", says],
        );
    }
}

#[test]
fn a_case_folder_with_what_is_not_a_file() {
    let scene = Scene::new();
    scene.write("cases/a/one.yaml", "summary: s\n");
    pipe(&scene, "cases/a/pipe.yaml");
    pipe(&scene, "cases/a/pipe.known.yaml");
    pipe(&scene, "cases/profiles/p.json");
    symlink("/dev/zero", scene.path().join("cases/a/zero.yaml")).expect("a link");
    symlink("loop.yaml", scene.path().join("cases/a/loop.yaml")).expect("a link");
    symlink(".", scene.path().join("cases/a/here")).expect("a link");
    let name = std::os::unix::ffi::OsStringExt::from_vec(b"b\xff.yaml".to_vec());
    let name: std::ffi::OsString = name;
    fs::write(scene.path().join("cases/a").join(name), "summary: s\n").expect("a file");
    refused(
        &measured(&scene, &["list", "--cases", "cases"]),
        &[
            "pipe.yaml:1:1: failed to read it: it is a pipe",
            "p.json",
            "a device",
            "loop.yaml",
            "not UTF-8",
        ],
    );
}

#[test]
fn cases_without_end() {
    let list = |files: &[(&str, String)], says: &[&str]| {
        let scene = Scene::new();
        for (name, text) in files {
            scene.write(&format!("cases/t/{name}"), text);
        }
        refused(&measured(&scene, &["list", "--cases", "cases"]), says);
    };
    let numbers = |count: usize| format!("summary: s\nconfig: {{a: [{}]}}\n", "1,".repeat(count));
    let steps = |count: usize| format!("summary: s\nsteps: [{}create]\n", "state, ".repeat(count));
    let facts: String = (0..1900).map(|number| format!("  x{number}: 0\n")).collect();
    let members: Vec<String> = (0..900).map(|number| format!("m{number}")).collect();
    let members = members.join(", ");
    let long = format!(
        "summary: s\nconfig: {{x: &x {}, a: [{}]}}\n",
        "y".repeat(50_000),
        vec!["*x"; 5000].join(", ")
    );
    let names: Vec<(String, String)> = (0..60).map(|n| (format!("{n}.yaml"), numbers(100_000))).collect();
    let many: Vec<(&str, String)> = names
        .iter()
        .map(|(name, text)| (name.as_str(), text.clone()))
        .collect();
    list(
        &[("a.yaml", "x".repeat(1 << 20))],
        &["a.yaml:1:1", "1048576 bytes", "262144", "OCIDIFF_LIMITS"],
    );
    list(
        &[("a.yaml", steps(5000))],
        &["a.yaml:2:1: 5001 steps: at most 100", "OCIDIFF_LIMITS"],
    );
    list(&[("a.yaml", long)], &["aliases"]);
    list(&[("a.yaml", "{a: ".repeat(60_000))], &["brackets"]);
    list(&[("a.yaml", "- ".repeat(100_000))], &["a.yaml:1:1"]);
    list(
        &[("a.yaml", format!("summary: s\nexpect:\n{facts}"))],
        &["`x1` belongs to no channel", "more errors"],
    );
    list(
        &[(
            "a.yaml",
            format!("summary: s\nfor: [{members}]\nexpect:\n{facts}"),
        )],
        &["MiB of memory"],
    );
    list(
        &[("a.yaml", format!("summary: s\nfor: [{}]\n", "x, ".repeat(5000)))],
        &["5000 members"],
    );
    list(&many, &["MiB of memory"]);
}

#[test]
fn a_folder_of_too_many_files_is_not_read_to_its_end() {
    let scene = Scene::new();
    fs::create_dir(scene.path().join("cases/t")).expect("a folder");
    for number in 0..10_500 {
        fs::write(
            scene.path().join(format!("cases/t/{number}.yaml")),
            "summary: s\n",
        )
        .expect("a file");
    }
    refused(
        &measured(&scene, &["list", "--cases", "cases"]),
        &["more than 10000", "OCIDIFF_LIMITS"],
    );
}

#[test]
fn limits_can_be_raised() {
    let scene = Scene::new();
    scene.write(
        "cases/t/a.yaml",
        format!("summary: s\nsteps: [create, {}delete]\n", "state, ".repeat(150)),
    );
    refused(&scene.run(&["list", "--cases", "cases"]), &["152 steps"]);
    let output = Output::new(scene.path());
    let mut command = scene.command(&["list", "--cases", "cases"]);
    let child = output.spawn(command.env("OCIDIFF_LIMITS", "2"));
    output.wait(child, LIMIT).ends_with(0);
    for wrong in ["abc", "0", "-1", "1001", ""] {
        let output = Output::new(scene.path());
        let child = output.spawn(scene.command(&["facts"]).env("OCIDIFF_LIMITS", wrong));
        refused(&output.wait(child, LIMIT), &["OCIDIFF_LIMITS", "from 1 to 1000"]);
    }
}

/// Every command that reads a bundle; `None` if the runtimes are missing.
fn commands(bundle: &str) -> Option<[Vec<String>; 3]> {
    let [runc, crun] =
        ["runc", "crun"].map(|name| Some(format!("{name}={}", needs::runtime(name)?.display())));
    let (runc, crun) = (runc?, crun?);
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Some([
        words(&["run", "--bundle", bundle]),
        words(&["capture", "--bundle", bundle]),
        words(&["check", "--from", &runc, "--to", &crun, "--bundle", bundle]),
    ])
}

fn as_texts(command: &[String]) -> Vec<&str> {
    command.iter().map(String::as_str).collect()
}

#[test]
fn a_config_that_is_not_a_file_is_not_waited_for() {
    if !needs::root() {
        return;
    }
    let scene = Scene::new();
    pipe(&scene, "pipe/config.json");
    fs::create_dir_all(scene.path().join("zero")).expect("a folder");
    symlink("/dev/zero", scene.path().join("zero/config.json")).expect("a link");
    scene.write("secret", "{}");
    fs::create_dir_all(scene.path().join("out")).expect("a folder");
    symlink("../secret", scene.path().join("out/config.json")).expect("a link");
    let large = fs::File::create(scene.write("large/config.json", "")).expect("a file");
    large.set_len(1 << 40).expect("a hole");
    for (bundle, says) in [
        ("pipe", "a pipe"),
        ("zero", "leads out"),
        ("out", "leads out"),
        ("large", "at most"),
    ] {
        let Some(commands) = commands(bundle) else { return };
        for command in &commands {
            let ran = measured(&scene, &as_texts(command));
            assert!(matches!(ran.status, Some(2 | 3)), "{command:?}: {ran:?}");
            ran.within(60);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(
                said.contains(says) && said.contains(bundle),
                "{command:?}: {said}"
            );
        }
    }
}

#[test]
fn the_machine_s_files_are_not_taken_for_a_bundle_s() {
    if !needs::root() {
        return;
    }
    let scene = Scene::new();
    scene.write("host/secret", "hunter2");
    let host = scene.path().join("host").display().to_string();
    for (name, root) in [
        ("absolute", host.as_str()),
        ("up", "../host"),
        ("link", "rootfs"),
        ("top", "/"),
    ] {
        let config = serde_json::json!({"ociVersion": "1.0.2", "process": {"args": ["x"], "cwd": "/"}, "root": {"path": root}});
        scene.write(&format!("{name}/config.json"), config.to_string());
        if name == "link" {
            symlink(&host, scene.path().join("link/rootfs")).expect("a link");
        }
        let Some(commands) = commands(name) else { return };
        for command in &commands[..2] {
            refused(
                &scene.run(&as_texts(command)),
                &["leads out of the bundle", "--outside-root"],
            );
        }
        if ["up", "link"].contains(&name) {
            let ran = scene.run(&as_texts(&commands[2]));
            assert!(ran.stdout.contains("leads out"), "{ran:?}");
            ran.ends_with(3).leaves_nothing();
        }
    }
    let captured = scene.run(&["capture", "--bundle", "link", "--outside-root"]);
    assert!(captured.ends_with(0).stdout.contains(&host));
}

#[test]
fn events_without_end() {
    let scene = Scene::new();
    let endless = fs::File::create(scene.path().join("line")).expect("a file");
    endless.set_len(2 << 30).expect("a hole");
    refused(
        &measured(&scene, &["report", "line"]),
        &["line 1: more than", "OCIDIFF_LIMITS"],
    );
    let start = r#"{"event":"run-started","ocidiff":"0.1.0","time":0,"runtimes":[],"machine":{"kernel":"6.1","cgroup":"v1","arch":"x86_64"},"recorder":"none","cases":1}"#;
    let empty = vec![r#"["",""]"#; 150_000].join(",");
    let case = format!(
        r#"{{"event":"case-finished","case":"a/b","summary":"s","source":"x","verdict":"agree","unsupported":[{empty}],"seconds":0.1}}"#
    );
    scene.write("many", format!("{start}\n{}", format!("{case}\n").repeat(20)));
    refused(&measured(&scene, &["report", "many"]), &["MiB of memory"]);
    pipe(&scene, "pipe");
    refused(&scene.run(&["report", "pipe"]), &["no recorded run"]);
    refused(&scene.run(&["report", "/dev/zero"]), &["a device"]);
}

#[test]
fn profiles_without_end() {
    if needs::runtime("runc").is_none() || needs::runtime("crun").is_none() {
        return;
    }
    let scene = Scene::new();
    let profile = |rules: usize| {
        let rule = r#"{"names":["read"],"action":"SCMP_ACT_ALLOW"}"#;
        format!(
            r#"{{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{}]}}"#,
            vec![rule; rules].join(",")
        )
    };
    scene.write("large.json", profile(1_000_000));
    scene.write("rules.json", profile(20_000));
    pipe(&scene, "pipe.json");
    for (name, says) in [
        ("large.json", "bytes, and at most"),
        ("rules.json", "20000 rules: at most 10000"),
        ("pipe.json", "a pipe"),
        ("/dev/zero", "a device"),
    ] {
        refused(&measured(&scene, &["seccomp", name]), &[says]);
    }
}

#[test]
fn what_a_runtime_leaves_is_told_in_part_and_counted() {
    let (Some(runc), Some(crun)) = (needs::runtime("runc"), needs::runtime("crun")) else {
        return;
    };
    let scene = Scene::new();
    scene.write("cases/t/a.yaml", "summary: s\n");
    let untidy = scene.program(
        "untidy",
        &format!(
            "#!/bin/sh\n{} \"$@\"\nstatus=$?\ncase \"$*\" in *delete*)\n  n=0; while [ $n -lt 3000 ]; do n=$((n+1)); : >/run/$n; done;;\nesac\nexit $status\n",
            runc.display()
        ),
    );
    let [untidy, crun] =
        [("runc", untidy), ("crun", crun)].map(|(name, path)| format!("{name}={}", path.display()));
    let ran = scene.run(&[
        "run",
        "--cases",
        "cases",
        "--runtime",
        &crun,
        "--runtime",
        &untidy,
        "--json",
        "events",
    ]);
    ran.ends_with(1).leaves_nothing();
    let events = fs::read_to_string(scene.path().join("events")).expect("events");
    assert!(
        events.contains("\"and 2800 more, digest ") && events.contains("/run/1"),
        "{}",
        ran.stdout
    );
    assert!(events.len() < 100_000, "{} bytes of events", events.len());
}
