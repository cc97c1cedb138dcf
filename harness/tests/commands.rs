//! Every command, end to end, on small corpora of a test's own and on the shipped one.

#[path = "support/events.rs"]
mod events;
#[path = "support/needs.rs"]
mod needs;
#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use events::Events;
use ocidiff_model::Verdict;
use serde_json::Value as Json;
use support::{Output, Ran, Scene};

/// The story in one call: a profile that does not know fchmodat2, and what each runtime makes of it.
const STORY: &str = "\
summary: fchmodat2 is newer than the profile
config:
  process: {args: [/bin/probe, call, fchmodat2, AT_FDCWD, 's:/tmp', '0o755', '0']}
  linux: {seccomp: {$profile: docker-20.10.24}}
";
const FACT: &str = "proc.call.fchmodat2";

/// runc and crun, as arguments.
fn both() -> Option<[String; 4]> {
    let runc = needs::runtime("runc")?;
    let crun = needs::runtime("crun")?;
    let [runc, crun] =
        [("runc", runc), ("crun", crun)].map(|(name, path)| format!("{name}={}", path.display()));
    Some(["--runtime".to_owned(), runc, "--runtime".to_owned(), crun])
}

impl Scene {
    /// A command on the scene's cases with these runtimes.
    fn with(&self, args: &[&str], runtimes: &[String]) -> Ran {
        let runtimes = runtimes.iter().map(String::as_str);
        self.run(
            &args
                .iter()
                .copied()
                .chain(["--cases", "cases"])
                .chain(runtimes)
                .collect::<Vec<_>>(),
        )
    }
}

fn shipped(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder)
}

fn yaml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of cases").flatten() {
        let path = entry.path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(path);
        }
    }
}

#[test]
#[ignore = "the schema of Expectation knows its long form only; model/src/case.rs"]
fn the_schemas_accept_every_shipped_file() {
    let scene = Scene::new();
    let schema = |name| {
        let ran = scene.run(&["schema", name]);
        let text: Json = serde_json::from_str(&ran.ends_with(0).stdout).expect("a schema is JSON");
        jsonschema::validator_for(&text).unwrap_or_else(|error| panic!("schema {name}: {error}"))
    };
    let schemas = [schema("case"), schema("known"), schema("rootfs")];
    let top = shipped("cases");
    let mut files = Vec::new();
    yaml_files(&top, &mut files);
    let (mut counts, mut errors) = ([0; 3], Vec::new());
    for path in files {
        let name = path
            .strip_prefix(&top)
            .expect("below")
            .to_string_lossy()
            .into_owned();
        let kind = match name.as_str() {
            name if name.starts_with("probe/") || !name.contains('/') => continue,
            name if name.starts_with("rootfs/") => 2,
            name if name.ends_with(".known.yaml") => 1,
            _ => 0,
        };
        let text = fs::read_to_string(&path).expect("a case");
        let value: Json = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let wrong = schemas[kind].iter_errors(&value);
        errors.extend(wrong.map(|error| format!("{name}: {}: {error}", error.instance_path())));
        counts[kind] += 1;
    }
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(
        counts.iter().all(|count| *count > 2),
        "{counts:?} cases, known files, recipes"
    );
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let scene = Scene::new();
    let ran = scene.run(&["schema", "case"]);
    let schema: Json = serde_json::from_str(&ran.stdout).expect("a schema is JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    for text in [
        "{}",
        "{summary: s, rootfz: x}",
        "{summary: s, steps: [crate]}",
        "{summary: 3}",
        "{summary: s, needs: {kernal: x}}",
    ] {
        let value: Json = serde_yaml::from_str(text).expect("YAML");
        assert!(!schema.is_valid(&value), "{text}");
    }
}

/// Without root and without runtimes; the built-in corpus and a checkout's are the same.
#[test]
fn list_names_every_case() {
    let scene = Scene::new();
    let built_in = scene.run(&["list"]);
    let cases = shipped("cases");
    let folder = scene.run(&["list", "--cases", &cases.to_string_lossy()]);
    let names = |ran: &Ran| {
        ran.ends_with(0)
            .stdout
            .lines()
            .filter_map(|line| line.split(' ').next().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert!(names(&built_in).contains(&"seccomp/tar-setgid".to_owned()));
    assert_eq!(names(&built_in), names(&folder));
    let some = scene.run(&["list", "seccomp/*"]);
    assert!(names(&some).iter().all(|name| name.starts_with("seccomp/")));
}

#[test]
fn a_report_from_the_file_is_what_run_printed() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    scene.write("cases/some/plain.yaml", "summary: plain\n");
    scene.write(
        "cases/some/skipped.yaml",
        "{summary: skipped, needs: {arch: pdp11}}\n",
    );
    let ran = scene.with(&["run", "--json", "events"], &runtimes);
    ran.ends_with(1).leaves_nothing();
    let file = fs::read_to_string(scene.path().join("events")).expect("the events");
    let report = |format: &str| {
        scene
            .run(&["report", "events", "--format", format])
            .ends_with(0)
            .stdout
            .clone()
    };
    assert_eq!(report("terminal"), ran.stdout);
    assert_eq!(report("json"), file);
    assert!(report("markdown").contains("some/story"));
    assert!(report("junit").starts_with("<?xml"));
    for format in ["terminal", "markdown", "junit", "json"] {
        scene
            .run(&["report", "events", "--format", format, "--output", "out"])
            .ends_with(0);
        assert_eq!(
            fs::read_to_string(scene.path().join("out")).expect("the report"),
            report(format),
            "{format}"
        );
    }
    let events = Events::read(&scene.path().join("events"));
    assert_eq!(events.end(), Some((1, false)));
    assert_eq!(events.cases().count(), 3);
}

#[test]
fn accept_writes_once_and_keeps_what_people_wrote() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    let known = scene.path().join("cases/some/story.known.yaml");
    let verdict = |status| {
        scene
            .with(&["run", "--json", "events"], &runtimes)
            .ends_with(status)
            .leaves_nothing();
        Events::read(&scene.path().join("events"))
            .case("some/story")
            .verdict()
    };
    assert_eq!(verdict(1), Verdict::New);

    scene
        .with(&["accept", "some/story"], &runtimes)
        .ends_with(0)
        .leaves_nothing();
    let written = fs::read_to_string(&known).expect("a known file");
    assert!(written.contains(FACT), "{written}");
    assert_eq!(verdict(0), Verdict::Known);

    let by_hand = format!("# By hand.\n{written}").replace(
        "impact: may-break",
        "impact: breaks   # tar fails\n  cause: a stub before the filter\n  remedy: take a newer profile",
    );
    fs::write(&known, &by_hand).expect("write by hand");
    for _ in 0..2 {
        scene.with(&["accept", "some/story"], &runtimes).ends_with(0);
        assert_eq!(fs::read_to_string(&known).expect("the known file"), by_hand);
    }
    assert_eq!(verdict(0), Verdict::Known);

    scene.write(
        "cases/some/story.yaml",
        STORY.replace("$profile: docker-20.10.24", "defaultAction: SCMP_ACT_ALLOW"),
    );
    assert_eq!(verdict(1), Verdict::Gone);
    scene.with(&["accept", "some/story"], &runtimes).ends_with(0);
    assert!(!known.exists(), "nothing of it shows any more");
    assert_eq!(verdict(0), Verdict::Agree);
}

/// What accept would overwrite by mistake: nothing, where the case cannot be judged.
#[test]
fn accept_takes_no_broken_case() {
    let Some(runc) = needs::runtime("runc") else {
        return;
    };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    let by_hand = "- {fact: proc.call.fchmodat2, values: {runc: ENOSYS, crun: EPERM}, impact: breaks}\n";
    let known = scene.write("cases/some/story.known.yaml", by_hand);
    let fake = scene.program("fake", "#!/bin/sh\n[ \"$1\" = --version ] && echo 'crun version 1.8.1' && exit\nrm -rf /run/ocidiff/*\nkill -9 -1\n");
    let runtimes = [
        format!("runc={}", runc.display()),
        format!("crun={}", fake.display()),
    ];
    let ran = scene.with(
        &[
            "accept",
            "some/story",
            "--runtime",
            &runtimes[0],
            "--runtime",
            &runtimes[1],
        ],
        &[],
    );
    ran.leaves_nothing();
    assert!(matches!(ran.status, Some(0 | 3)), "{ran:?}");
    if ran.status == Some(3) {
        assert_eq!(fs::read_to_string(&known).expect("the known file"), by_hand);
    }
}

/// The folder shows the difference without ocidiff.
#[test]
fn a_repro_shows_the_difference() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    for (runtime, shown) in [(&runtimes[1], "ENOSYS"), (&runtimes[3], "EPERM")] {
        let folder = format!("repro-{}", runtime.split('=').next().unwrap_or_default());
        scene
            .run(&[
                "repro",
                "some/story",
                "--runtime",
                runtime,
                "--cases",
                "cases",
                "--output",
                &folder,
            ])
            .ends_with(0);
        let folder = scene.path().join(folder);
        let script = fs::read_to_string(folder.join("repro.sh")).expect("the script");
        // The test runs it: it must take its namespaces before it calls anything.
        let (before, after) = script
            .split_once("exec unshare -m -p -f -i -u -n --kill-child")
            .expect("private namespaces");
        assert!(!before.contains("\nmount") && after.contains("mount --make-rprivate /"));
        let mut command = Command::new(folder.join("repro.sh"));
        command.stdin(std::process::Stdio::null()).current_dir(&folder);
        let output = Output::new(scene.path());
        let child = output.spawn(&mut command);
        let ran = output.wait(child, Duration::from_secs(60));
        ran.ends_with(0);
        assert!(
            ran.stdout.contains(shown),
            "{runtime} does not show {shown}:\n{}\n{}",
            ran.stdout,
            ran.stderr
        );
    }
    // What is there already is not overwritten, and a failure leaves no half of a folder.
    scene
        .run(&[
            "repro",
            "some/story",
            "--runtime",
            &runtimes[1],
            "--cases",
            "cases",
            "--output",
            "repro-runc",
        ])
        .ends_with(2);
    scene
        .run(&[
            "repro",
            "some/nothing",
            "--runtime",
            &runtimes[1],
            "--cases",
            "cases",
            "--output",
            "other",
        ])
        .ends_with(2);
    assert!(!scene.path().join("other").exists());
}

#[test]
fn a_runtime_does_not_differ_from_itself() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    let ran = scene.with(&["control", "some/story"], &runtimes);
    ran.ends_with(0).within(60).leaves_nothing();
}

#[test]
fn explain_tells_who_what_and_where() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    scene.write(
        "cases/some/story.known.yaml",
        format!("- fact: {FACT}\n  values: {{runc: ENOSYS, crun: EPERM}}\n  impact: breaks\n  cause: THE CAUSE\n  link: [https://example.org/link]\n  remedy: THE REMEDY\n"),
    );
    let ran = scene.with(&["explain", "some/story"], &runtimes);
    ran.leaves_nothing();
    for text in [
        "some/story",
        "fchmodat2",
        "runc",
        "crun",
        "ENOSYS",
        "EPERM",
        "THE CAUSE",
        "https://example.org/link",
        "THE REMEDY",
        "seccomp",
    ] {
        assert!(
            ran.stdout.contains(text),
            "no `{text}` in:\n{}\n{}",
            ran.stdout,
            ran.stderr
        );
    }
}

#[test]
fn show_prints_everything_that_was_recorded() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    let all = scene.with(&["show", "some/story"], &runtimes);
    all.ends_with(0).leaves_nothing();
    for text in [
        "lifecycle.create.result = ok",
        "process.exit = ",
        "filter.count = 1",
        "leftover.processes",
        "proc.init.",
        "cgroup.",
        "mount.",
        "fchmodat2",
    ] {
        assert!(all.stdout.contains(text), "no `{text}` in:\n{}", all.stdout);
    }
    let one = scene.with(&["show", "some/story", "--channel", "leftover"], &runtimes);
    assert!(one.ends_with(0).stdout.contains("leftover.mounts"));
    assert!(!one.stdout.contains("lifecycle.create"));
}

#[test]
fn records_are_written_a_file_each() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/plain.yaml", "summary: plain\n");
    scene
        .with(&["run", "--records", "records"], &runtimes)
        .ends_with(0);
    let digests = ["runc", "crun"].map(|name| {
        let text = fs::read_to_string(scene.path().join(format!("records/some/plain/{name}.json")))
            .expect("a record");
        serde_json::from_str::<ocidiff_model::Record>(&text)
            .expect("a record")
            .bundle
    });
    assert_eq!(digests[0], digests[1], "every runtime gets the same bytes");
}

/// The quickest way for a stranger: a folder with config.json and rootfs.
#[test]
fn any_bundle_can_be_run() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    scene
        .run(&[
            "repro",
            "some/story",
            "--runtime",
            &runtimes[1],
            "--cases",
            "cases",
            "--output",
            "bundle",
        ])
        .ends_with(0);
    fs::rename(
        scene.path().join("bundle/main.json"),
        scene.path().join("bundle/config.json"),
    )
    .expect("a config");
    let before = tree(&scene.path().join("bundle"));

    let args = ["run", "--bundle", "bundle", "--json", "events"];
    let differ: Vec<&str> = args
        .into_iter()
        .chain(runtimes.iter().map(String::as_str))
        .collect();
    scene.run(&differ).ends_with(1).leaves_nothing();
    let events = Events::read(&scene.path().join("events"));
    let report = events.cases().next().expect("a verdict");
    let case = events.case(&report.case);
    assert_eq!(
        case.shows("runc", FACT).as_deref(),
        Some("ENOSYS"),
        "{}",
        case.text()
    );
    assert_eq!(
        case.shows("crun", FACT).as_deref(),
        Some("EPERM"),
        "{}",
        case.text()
    );

    // runc by another name.
    let real = runtimes[1].strip_prefix("runc=").expect("a path");
    let twin = scene.program(
        "twin",
        &format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && echo 'crun version 1.8.1' && exit\nexec {real} \"$@\"\n"
        ),
    );
    let twin = format!("crun={}", twin.display());
    let agree: Vec<&str> = args
        .into_iter()
        .chain(["--runtime", &runtimes[1], "--runtime", &twin])
        .collect();
    scene.run(&agree).ends_with(0).leaves_nothing();
    assert_eq!(tree(&scene.path().join("bundle")), before, "it runs on a copy");
}

/// Every entry of a folder, with its size and times.
fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let metadata = entry.metadata().expect("an entry");
        found.push(format!(
            "{} {} {:?}",
            entry.path().display(),
            metadata.len(),
            metadata.modified().ok()
        ));
        if metadata.is_dir() {
            found.extend(tree(&entry.path()));
        }
    }
    found.sort();
    found
}
