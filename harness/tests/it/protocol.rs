//! What passes between the harness and its cells, and what else could speak or listen: a runtime's forged results,
//! versions that are asked for on the machine, attributes of the user's shell, hooks of an untrusted bundle.

use crate::support;
use crate::support::{binary, corpus, events, needs};

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use events::Events;
use ocidiff_model::{Record, Value, Verdict};
use support::{Output, Ran, Scene};

const PLAIN: &str = "{summary: it}";

fn has(tool: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()));
    if !found {
        needs::skip(tool, false);
    }
    found
}

/// Runs the real runc, compared with one that speaks as the cell before it creates.
fn spoken(what: &str) -> Option<(Scene, Ran)> {
    let runc = needs::runtime("runc")?;
    if !has("perl") {
        return None;
    }
    let scene = Scene::new();
    scene.write(
        "cases/some/it.yaml",
        "{summary: it, config: {annotations: {speak: 'yes'}}}",
    );
    let script = include_str!("fakes/speaker.sh")
        .replace("@REAL@", &runc.to_string_lossy())
        .replace("@WHAT@", what);
    let fake = scene.program("speaker", &script);
    let [runc, fake] =
        [("runc", runc), ("crun", fake)].map(|(name, path)| format!("{name}={}", path.display()));
    let ran = scene.run(&[
        "run",
        "--cases",
        "cases",
        "--json",
        "events",
        "--records",
        "records",
        "--runtime",
        &runc,
        "--runtime",
        &fake,
    ]);
    Some((scene, ran))
}

/// Nothing that is a file of process 1 leads to the harness.
#[test]
fn what_is_written_to_the_files_of_process_one_is_no_result() {
    let Some((scene, ran)) = spoken("paths") else {
        return;
    };
    ran.leaves_nothing();
    let events = Events::read(&scene.path().join("events"));
    // The pipe of its own output is among the files: that shows as what it printed, and nothing else does.
    let case = events.case("some/it");
    let facts: Vec<&str> = case.0.differences.iter().map(|it| it.fact.as_str()).collect();
    assert!(
        facts.iter().all(|fact| *fact == "lifecycle.create.stdout"),
        "{}",
        case.text()
    );
}

/// Root in the same pid namespace can take a descriptor. What it says lacks the secret.
#[test]
fn who_takes_the_cell_s_descriptor_is_not_believed() {
    let Some((scene, ran)) = spoken("descriptor") else {
        return;
    };
    ran.ends_with(3).leaves_nothing();
    let events = Events::read(&scene.path().join("events"));
    let case = events.case("some/it");
    assert_eq!(case.verdict(), Verdict::Broken, "{}", case.text());
    assert!(case.text().contains("another process spoke"), "{}", case.text());
}

#[test]
fn a_line_without_end_is_cut_off() {
    let Some((scene, ran)) = spoken("line") else {
        return;
    };
    ran.ends_with(3).leaves_nothing();
    let events = Events::read(&scene.path().join("events"));
    let case = events.case("some/it");
    assert_eq!(case.verdict(), Verdict::Broken, "{}", case.text());
    assert!(
        case.text().contains("said more than 16 MiB in one line"),
        "{}",
        case.text()
    );
}

/// Asked for its version, a program writes to the machine, and leaves something running.
#[test]
fn a_program_is_asked_for_its_version_in_a_cell() {
    let Some(runc) = needs::runtime("runc") else {
        return;
    };
    let scene = Scene::new();
    scene.write("cases/some/it.yaml", PLAIN);
    let (canary, touched) = (scene.write("canary", "sings"), scene.path().join("touched"));
    let mark = format!("9{}", std::process::id());
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then rm -f {canary}; echo hello >{touched}\n\
         setsid sleep {mark} </dev/null >/dev/null 2>&1 &\necho crun version 1.8.1; exit 0; fi\nexec {runc} \"$@\"\n",
        canary = canary.display(),
        touched = touched.display(),
        runc = runc.display()
    );
    let fake = scene.program("fake", &script);
    let [runc, fake] =
        [("runc", &runc), ("crun", &fake)].map(|(name, path)| format!("{name}={}", path.display()));
    let with = ["--cases", "cases", "--runtime", &runc, "--runtime", &fake];
    let run = [&["run", "--json", "events"], &with[..]].concat();
    let control = [&["control"], &with[..]].concat();
    let repro = ["repro", "some/it", "--cases", "cases", "--runtime", &fake];
    let check = ["check", "--from", &runc, "--to", &fake, "--bundle", "."];
    for args in [
        &run[..],
        &control,
        &repro,
        &check,
        &[
            "seccomp",
            "docker-20.10.24",
            "--runtime",
            &runc,
            "--runtime",
            &fake,
        ],
    ] {
        // Nothing is remembered from earlier queries.
        let _ = fs::remove_dir_all(scene.path().join("home"));
        let ran = scene.run(args);
        ran.leaves_nothing();
        assert!(canary.exists(), "{args:?} removed a file of the machine's");
        assert!(!touched.exists(), "{args:?} wrote a file to the machine");
        assert_eq!(running(&mark), 0, "{args:?} left a process");
    }
    assert_eq!(
        Events::read(&scene.path().join("events"))
            .case("some/it")
            .verdict(),
        Verdict::Agree
    );
}

/// How many processes have this word among their arguments.
fn running(word: &str) -> usize {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| line.split(|byte| *byte == 0).any(|arg| arg == word.as_bytes()))
        .count()
}

/// Without root no program is called; what is already known is reported.
#[test]
fn without_root_no_runtime_is_called() {
    if !needs::root() || !has("setpriv") {
        return;
    }
    let scene = Scene::new();
    let fake = scene.program(
        "bin/crun",
        "#!/bin/sh\necho >>/tmp/ocidiff-was-called.$$; echo crun version 1.8.1\n",
    );
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    command.arg(binary()).arg("runtimes");
    command
        .env("PATH", scene.path().join("bin"))
        .env("OCIDIFF_HOME", "/nonexistent/home");
    fs::set_permissions(scene.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("open it");
    let output = command.current_dir("/").stdin(Stdio::null()).output();
    let Ok(output) = output else {
        return needs::skip("setpriv on another user's PATH", false);
    };
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(126) || text.contains("Permission denied") {
        return needs::skip("a build that others may execute", false);
    }
    assert!(text.contains("need root"), "{} of {text}", fake.display());
    assert!(text.contains("could not be asked"), "{text}");
}

type Facts = BTreeMap<String, Value>;

/// The facts of every case by runtime, except for what differs from run to run.
fn facts(folder: &Path) -> BTreeMap<String, Facts> {
    let mut all = BTreeMap::new();
    for topic in fs::read_dir(folder).expect("records").flatten() {
        for case in fs::read_dir(topic.path()).expect("a topic").flatten() {
            for file in fs::read_dir(case.path()).expect("a case").flatten() {
                let text = fs::read(file.path()).expect("a record");
                let record: Record = serde_json::from_slice(&text).expect("a record");
                let kept = record.facts.into_iter().filter(|fact| {
                    fact.path.starts_with("proc.") && !fact.path.starts_with("proc.created.threads")
                });
                let name = format!("{} {}", record.case, record.runtime.label);
                all.insert(name, kept.map(|fact| (fact.path, fact.value)).collect());
            }
        }
    }
    all
}

/// The same cases from a plain shell and from one that has changed everything that a process inherits.
#[test]
fn what_the_shell_had_changes_no_fact() {
    let (Some(runc), Some(youki)) = (needs::runtime("runc"), needs::runtime("youki")) else {
        return;
    };
    let tools = [
        "nice", "ionice", "setarch", "chrt", "prlimit", "taskset", "choom", "bash",
    ];
    if !tools.iter().all(|tool| has(tool)) {
        return;
    }
    let scene = Scene::new();
    let topics = [
        "sched",
        "ioprio",
        "personality",
        "oom",
        "rlimits",
        "signals",
        "umask",
        "session",
        "fds",
        "ids",
        "nnp",
        "caps",
    ];
    scene.write(
        "cases/some/it.yaml",
        format!(
            "{{summary: it, config: {{process: {{args: [/bin/probe, facts, '${{for}}']}}}}, watch: {{proc: [init]}}, for: [{}]}}",
            topics.join(", ")
        ),
    );
    let [runc, youki] =
        [("runc", runc), ("youki", youki)].map(|(name, path)| format!("{name}={}", path.display()));
    let plain = [
        "run",
        "--cases",
        "cases",
        "--runtime",
        &runc,
        "--runtime",
        &youki,
        "--records",
    ];
    let in_shell = |prefix: &[&str], records: &str| {
        let ocidiff = scene.command(&[&plain[..], &[records]].concat());
        let mut command = Command::new(prefix[0]);
        command
            .args(&prefix[1..])
            .arg(ocidiff.get_program())
            .args(ocidiff.get_args());
        command.current_dir(scene.path()).stdin(Stdio::null());
        command.env("OCIDIFF_HOME", scene.path().join("home"));
        let output = Output::new(scene.path());
        let child = output.spawn(&mut command);
        output.wait(child, Duration::from_secs(120)).leaves_nothing();
        facts(&scene.path().join(records))
    };
    let before = in_shell(&["env"], "plain");
    assert_eq!(before.len(), topics.len() * 2);
    let changed = [
        &[
            "nice", "-n", "5", "ionice", "-c", "3", "setarch", "-R", "chrt", "-b", "0", "taskset", "1",
            "choom", "-n", "300", "--",
        ][..],
        &[
            "prlimit",
            "--stack=8388608:16777216",
            "--core=4096:unlimited",
            "--nofile=512:20000",
            "--",
        ],
        // Without CAP_SYS_PTRACE and the like nothing works; the rest of what is inherited may be lost by runtimes.
        &[
            "bash",
            "-c",
            "umask 077; trap '' INT HUP TERM; exec 7</etc/passwd; exec \"$@\"",
            "_",
        ],
    ]
    .concat();
    let after = in_shell(&changed, "changed");
    for (name, facts) in &before {
        for (path, value) in facts {
            assert_eq!(after[name].get(path), Some(value), "{path} of {name}");
        }
        assert_eq!(after[name].len(), facts.len(), "{name}");
    }
}

/// What cannot be reset is reported once, and cases that look at it are skipped.
#[test]
fn what_cannot_be_pinned_is_a_need() {
    let (Some(runc), Some(crun)) = (needs::runtime("runc"), needs::runtime("crun")) else {
        return;
    };
    if !["nice", "setpriv"].iter().all(|tool| has(tool)) {
        return;
    }
    let scene = Scene::new();
    for topic in ["sched", "env"] {
        scene.write(
            &format!("cases/some/{topic}.yaml"),
            format!("{{summary: it, config: {{process: {{args: [/bin/probe, facts, {topic}]}}}}}}"),
        );
    }
    // What the harness itself may not read says nothing about a runtime, and a caller that it cannot make is not made.
    for (name, rest) in [
        ("slack", "watch: {proc: [init.timerslack_ns]}"),
        ("lower", "caller: {nice: -5}"),
        ("whole", "watch: {proc: [init]}"),
    ] {
        scene.write(
            &format!("cases/some/{name}.yaml"),
            format!("{{summary: it, {rest}}}"),
        );
    }
    let [runc, crun] =
        [("runc", runc), ("crun", crun)].map(|(name, path)| format!("{name}={}", path.display()));
    let ocidiff = scene.command(&[
        "run",
        "--cases",
        "cases",
        "--json",
        "events",
        "--runtime",
        &runc,
        "--runtime",
        &crun,
    ]);
    // Above 0 wherever this test itself is.
    let mut command = Command::new("nice");
    command.args([
        "-n",
        "19",
        "setpriv",
        "--bounding-set",
        "-sys_nice",
        "--inh-caps",
        "-sys_nice",
    ]);
    command
        .arg(ocidiff.get_program())
        .args(ocidiff.get_args())
        .current_dir(scene.path());
    command
        .env("OCIDIFF_HOME", scene.path().join("home"))
        .stdin(Stdio::null());
    let output = Output::new(scene.path());
    let child = output.spawn(&mut command);
    let ran = output.wait(child, Duration::from_secs(60));
    ran.ends_with(0).leaves_nothing();
    assert_eq!(
        ran.stderr.matches("they need a nice of 0").count(),
        1,
        "{}",
        ran.stderr
    );
    let events = Events::read(&scene.path().join("events"));
    for skipped in ["sched", "slack", "lower"] {
        assert_eq!(
            events.case(&format!("some/{skipped}")).verdict(),
            Verdict::Skipped,
            "{skipped}"
        );
    }
    for agrees in ["env", "whole"] {
        assert_eq!(
            events.case(&format!("some/{agrees}")).verdict(),
            Verdict::Agree,
            "{agrees}"
        );
    }
}

/// Hooks of an untrusted bundle run if that is asked for, and then reach nothing on the machine.
#[test]
fn hooks_of_a_bundle_run_only_when_that_is_said() {
    let (Some(runc), Some(crun)) = (needs::runtime("runc"), needs::runtime("crun")) else {
        return;
    };
    let scene = Scene::new();
    let touched = scene.path().join("touched");
    let hook = |kind: &str| {
        let line = format!(
            "echo {kind} >>{}; echo >>/run/ocidiff/hooks/log",
            touched.display()
        );
        serde_json::json!([{"path": "/bin/sh", "args": ["sh", "-c", line]}])
    };
    scene.write(
        "cases/some/it.yaml",
        "{summary: it, config: {process: {args: [/bin/probe, exit, '0']}}}",
    );
    let [runc, crun] =
        [("runc", runc), ("crun", crun)].map(|(name, path)| format!("{name}={}", path.display()));
    let bundle = corpus::bundle_of(&scene, "some/it", &runc);
    let config = fs::read(bundle.join("main.json")).expect("a config");
    let mut config: serde_json::Value = serde_json::from_slice(&config).expect("a config");
    config["Hooks"] = serde_json::json!({"poststop": hook("poststop")});
    config["hooks"] = serde_json::json!({"prestart": hook("prestart"), "poststart": hook("poststart")});
    scene.write("bundle/config.json", config.to_string());
    let run = [
        "run",
        "--bundle",
        "bundle",
        "--json",
        "events",
        "--records",
        "records",
        "--runtime",
        &runc,
        "--runtime",
        &crun,
    ];

    // Everything in a bundle is compared, so it does not end with 0.
    let ran = scene.run(&run);
    ran.leaves_nothing();
    assert!(
        ran.stderr
            .contains("hooks: 3 not run (--hooks runs them in the cell)"),
        "{}",
        ran.stderr
    );
    let wrote = |scene: &Scene| {
        let text =
            fs::read_to_string(scene.path().join("records/bundle/bundle/runc.json")).expect("a record");
        text.contains("touched")
            && text.contains("leftover.machine")
            && serde_json::from_str::<Record>(&text)
                .expect("a record")
                .facts
                .iter()
                .any(|fact| {
                    fact.path == "leftover.machine" && format!("{:?}", fact.value).contains("touched")
                })
    };
    assert!(!wrote(&scene), "a hook ran");

    let ran = scene.run(&[&run[..], &["--hooks"]].concat());
    ran.leaves_nothing();
    assert!(ran.stderr.contains("hooks: 3 run in the cell"), "{}", ran.stderr);
    assert!(wrote(&scene), "no hook ran:\n{}", ran.stdout);
    assert!(!touched.exists(), "a hook wrote to the machine");
}
