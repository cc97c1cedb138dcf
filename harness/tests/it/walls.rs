//! Which of the machine's files a container can have without being able to harm them: mounts of every kind, layers
//! that are shared, and what a cell does not see at all.

use crate::support;
use crate::support::{contained, events, needs, outside};

use std::path::Path;

use contained::{alone, contained, given, malicious};
use ocidiff_model::Verdict;
use outside::Outside;
use support::Scene;

/// The layers of a rootfs belong to the machine, and are shared by all runs: an engine's image, or the session's own.
#[test]
fn the_layers_of_a_rootfs_stay_as_they_are() {
    let Some(runc) = needs::runtime("runc") else {
        return;
    };
    let _alone = alone();
    let mut outside = Outside::watch();
    let scene = Scene::new();
    let fake = malicious(&scene, &runc, &outside);
    // A layer of an image, as an engine keeps it: read-only by a flag at most.
    let layer = outside.folders().nth(5).expect("a canary on a mount of its own");
    let hook = "{path: '${probe}', args: [probe, hook, '${hooks}/log', prestart]}";
    scene.write(
        "cases/attack/image.yaml",
        format!(
            "{{summary: it, rootfs: {{image: it, layers: ['{}']}}, files: {{/bin/probe: {{probe: true}}, /proc/: {{}}, /sys/: {{}}, /dev/: {{}}}}, config: {{annotations: {{attack: layers}}, hooks: {{prestart: [{hook}]}}}}}}",
            layer.display()
        ),
    );
    // The same layers, one run after the other: what the first does to them would show in the second.
    let session = format!(
        "{{summary: it, config: {{annotations: {{attack: layers}}, hooks: {{prestart: [{hook}]}}, process: {{args: [/bin/probe, list, /, then, list, /bin]}}}}}}"
    );
    for index in 0..4 {
        scene.write(&format!("cases/attack/session-{index}.yaml"), &session);
    }
    let events = contained(
        &scene,
        &mut outside,
        &[given("runc", &runc), given("crun", &fake)],
    );
    for report in events.cases() {
        let case = events::Case(report);
        let text = case.text();
        println!("{text}");
        assert!(text.contains("root/attacked"), "the attack was not made: {text}");
        assert!(!text.contains("reached"), "{text}");
        for folder in ["/", "/bin"] {
            let seen = case.shows("crun", &format!("proc.list.{folder}"));
            assert_eq!(seen, None, "{folder}: {text}");
        }
    }
}

/// Options of a bind mount that change what can be written, or how the mount is made.
const OPTIONS: [&str; 12] = [
    "rw", "ro", "nosuid", "nodev", "noexec", "rprivate", "rshared", "rslave", "remount", "suid", "dev",
    "exec",
];

/// With many pairs of options, honest runtimes remove the read-only flag of a mount.
#[test]
fn a_workload_writes_to_every_mount_with_each_pair_of_options() {
    let runtimes = ["runc", "crun", "youki"].map(|name| Some((name, needs::runtime(name)?)));
    let runtimes: Vec<_> = runtimes.into_iter().flatten().collect();
    if runtimes.len() < 2 {
        return;
    }
    let _alone = alone();
    let mut outside = Outside::watch();
    let scene = Scene::new();
    let mut mounts = String::new();
    let mut acts = Vec::new();
    // The cell has its own /run, without the canary: nothing could be mounted from there.
    let folders = outside.folders().filter(|folder| !folder.starts_with("/run"));
    for (index, folder) in folders.enumerate() {
        let at = format!("/m/{index}");
        mounts += &format!(
            "{{destination: {at}, type: bind, source: '{}', options: [${{for}}]}}, ",
            folder.display()
        );
        acts.push(format!(
            "chmod, {at}/canary, '0777', then, write, {at}/canary, x, then, open, {at}/canary, 'w,trunc', then, \
             mknod, {at}/attacked, p, '0', '0', then, put, {at}/more, x, then, rename, {at}/canary, {at}/gone, then, \
             unlink, {at}/gone"
        ));
    }
    // A few of each kind of bind: all would take minutes.
    let mut pairs: Vec<String> = ["bind", "rbind", "bind, rw", "rbind, rw", "rbind, rw, nosuid"]
        .map(str::to_owned)
        .into();
    for (at, kind) in ["bind", "rbind"].into_iter().enumerate() {
        let firsts = OPTIONS.iter().enumerate();
        let all = firsts.flat_map(|(index, one)| {
            let others = OPTIONS.iter().skip(index + 1);
            others.map(move |other| format!("{kind}, {one}, {other}"))
        });
        pairs.extend(all.skip(at * 4).step_by(9));
    }
    for (index, options) in pairs.iter().enumerate() {
        scene.write(
            &format!("cases/pair/p{index}.yaml"),
            format!(
                "{{summary: it, config: {{process: {{args: [/bin/probe, {}]}}, mounts+: [{}]}}}}",
                acts.join(", then, "),
                mounts.replace("${for}", options)
            ),
        );
    }
    let given: Vec<_> = runtimes.iter().map(|(name, path)| given(name, path)).collect();
    let events = contained(&scene, &mut outside, &given);
    let created = |report: &&ocidiff_model::event::CaseReport| {
        !report.failures.iter().any(|(_, step)| step.label == "create")
    };
    let (tried, all) = (events.cases().filter(created).count(), events.cases().count());
    assert!(
        tried * 2 > all,
        "only {tried} of {all} cases had a container under every runtime:\n{}",
        events
            .cases()
            .map(|report| events::Case(report).text())
            .collect::<String>()
    );
}

/// A filesystem that may wait for others is an empty folder in a cell; what is mounted below it is still visible.
#[test]
fn what_a_cell_does_not_see_is_said() {
    let (Some(runc), Some(crun)) = (needs::runtime("runc"), needs::runtime("crun")) else {
        return;
    };
    let _alone = alone();
    let mut outside = Outside::watch();
    let scene = Scene::new();
    let mut folders = outside.folders();
    let below = folders.find(|folder| folder.ends_with("hidden/below/here"));
    let Some(below) = below.map(Path::to_owned) else {
        return;
    };
    let hidden = below.ancestors().nth(2).expect("two folders above").to_owned();
    drop(folders);
    for (name, source) in [("hidden", &hidden), ("below", &below)] {
        scene.write(
            &format!("cases/it/{name}.yaml"),
            format!(
                "{{summary: it, config: {{process: {{args: [/bin/probe, read, /m/canary]}}, mounts+: [{{destination: /m, type: bind, source: '{}', options: [bind]}}]}}}}",
                source.display()
            ),
        );
    }
    let events = contained(
        &scene,
        &mut outside,
        &[given("runc", &runc), given("crun", &crun)],
    );
    let seen = events.case("it/below");
    assert_eq!(seen.verdict(), Verdict::Agree, "{}", seen.text());
    let runtimes = [given("runc", &runc), given("crun", &crun)];
    let mut show = vec!["show", "--cases", "cases", "it/below"];
    show.extend(runtimes.iter().flat_map(|runtime| ["--runtime", runtime]));
    let shown = scene.run(&show).stdout;
    assert!(shown.contains("proc.read./m/canary = sings"), "{shown}");
    assert!(
        shown.contains(&format!("mount.unseen = [{} (hugetlbfs: ", hidden.display())),
        "{shown}"
    );
    let unseen = events.case("it/hidden");
    assert_eq!(unseen.verdict(), Verdict::Broken, "{}", unseen.text());
    assert!(unseen.text().contains("a cell does not see"), "{}", unseen.text());
}
