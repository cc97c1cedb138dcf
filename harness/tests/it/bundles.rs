//! Bundles that go out and come in: `repro` writes one that shows a case without ocidiff, `run --bundle` takes any.

use crate::support;
use crate::support::{corpus, events, story};

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use events::Events;
use story::{FACT, STORY, both};
use support::{Output, Scene};

/// The folder shows the difference without ocidiff.
#[test]
fn a_repro_shows_the_difference() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    scene.write(
        "cases/some/story.known.yaml",
        format!("- facts: {{{FACT}: [{{because: unexplained, who: [runc], shows: ENOSYS}}, {{otherwise: EPERM}}]}}\n"),
    );
    let says = |is: &str| format!("{FACT} {is}");
    for (runtime, shown, answer, told) in [
        (
            &runtimes[1],
            "ENOSYS",
            1,
            format!("DIFFERS: {}", says("should be \"EPERM\", and is \"ENOSYS\"")),
        ),
        (
            &runtimes[3],
            "EPERM",
            0,
            format!("as expected: {}", says("is \"EPERM\"")),
        ),
    ] {
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
            .split_once("unshare -m -p -f -i -u -n --kill-child")
            .expect("private namespaces");
        assert!(!before.contains("\nmount") && after.contains("mount --make-rprivate /"));
        let mut command = Command::new(folder.join("repro.sh"));
        command.stdin(std::process::Stdio::null()).current_dir(&folder);
        let output = Output::new(scene.path());
        let child = output.spawn(&mut command);
        let ran = output.wait(child, Duration::from_secs(60));
        ran.ends_with(answer);
        assert!(
            ran.stdout.contains(shown) && ran.stdout.contains(&told),
            "{runtime} does not show {shown}:\n{}\n{}",
            ran.stdout,
            ran.stderr
        );
    }
    // What is already there is not overwritten, and a failure does not leave half a folder.
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

/// The quickest way for a newcomer: a folder with config.json and rootfs.
#[test]
fn any_bundle_can_be_run() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    let bundle = corpus::bundle_of(&scene, "some/story", &runtimes[1]);
    fs::rename(bundle.join("main.json"), bundle.join("config.json")).expect("a config");
    let before = tree(&bundle);

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

    // runc under another name.
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

/// The folder has another name, or a link leads to it, which not every runtime takes.
#[test]
fn a_bundle_is_run_with_its_rootfs_where_it_is() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    let bundle = corpus::bundle_of(&scene, "some/story", &runtimes[1]);
    fs::rename(bundle.join("rootfs"), bundle.join("files")).expect("a rootfs");
    std::os::unix::fs::symlink("files", bundle.join("link")).expect("a link");
    let text = fs::read_to_string(bundle.join("main.json")).expect("a config");
    let config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for (path, refused) in [("files", None), ("link", Some("or a symlink"))] {
        let mut config = config.clone();
        config["root"]["path"] = path.into();
        fs::write(bundle.join("config.json"), config.to_string()).expect("a config");
        let args = ["run", "--bundle", "bundle"].into_iter();
        let args: Vec<&str> = args.chain(runtimes.iter().map(String::as_str)).collect();
        let ran = scene.run(&args);
        ran.ends_with(1).leaves_nothing();
        assert!(!ran.stdout.contains("BROKEN    bundle"), "{path}: {}", ran.stdout);
        let says = refused.is_none_or(|words| ran.stdout.replace("\n        ", " ").contains(words));
        assert!(says, "{path}: {}", ran.stdout);
    }
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
