//! `check` on configs that one runtime refuses and another accepts: what no longer starts is reported as such, whatever
//! a finding says about its direction; what the copy cannot contain is not called safe.

use std::fs;
use std::path::Path;

use ocidiff_model::Impact;
use ocidiff_model::check::CheckReport;
use serde_json::{Value, json};

use super::moves::{bundle, moved, risk, unstarted};
use super::needs;
use super::support::Scene;

type Change = fn(&mut Value);

/// The move of a bundle with such a config from crun to runc, and back.
fn both_ways(change: Change) -> Option<[CheckReport; 2]> {
    let scene = Scene::new();
    bundle(&scene, change);
    let there = moved(&scene, "crun", "runc", "")?;
    Some([there, moved(&scene, "runc", "crun", "")?])
}

/// crun accepts each of these, and runc none. That it starts after the way back says nothing about what else would
/// differ, and what really runs under runc is not this.
#[test]
fn what_the_other_refuses_breaks_and_the_way_back_is_not_checked() {
    let changes: [Change; 5] = [
        |config| {
            let options = ["bind", "ro"];
            super::moves::mount(
                config,
                json!({"destination": "/proc/cmdline", "type": "bind", "source": "/etc/hostname", "options": options}),
            );
        },
        |config| config["process"]["cwd"] = "tmp".into(),
        |config| config["process"]["env"] = json!(["PATH=/bin", "=nameless"]),
        |config| config["process"]["env"] = json!(["PATH=/bin", "NO_VARIABLE"]),
        |config| config["linux"]["rootfsPropagation"] = "weird".into(),
    ];
    for change in changes {
        let Some([there, back]) = both_ways(change) else {
            return;
        };
        let told = risk(&there, "lifecycle.create.result");
        assert_eq!(told.impact, Impact::Breaks, "{told:#?}");
        unstarted(&back, "runc", "runc create failed: ");
    }
}

/// A workload does not share a shape with one whose environment a runtime refuses.
#[test]
fn one_with_an_environment_of_another_form_is_looked_at_by_itself() {
    let (Some(crun), Some(runc)) = (needs::runtime("crun"), needs::runtime("runc")) else {
        return;
    };
    let scene = Scene::new();
    let mut args = vec![
        "check".to_owned(),
        "--from".to_owned(),
        format!("crun={}", crun.display()),
        "--to".to_owned(),
        format!("runc={}", runc.display()),
        "--format".to_owned(),
        "json".to_owned(),
    ];
    for (name, env) in [
        ("good", json!(["PATH=/bin", "A=1"])),
        ("alike", json!(["PATH=/sbin", "B=2"])),
        ("bad", json!(["PATH=/bin", "=1"])),
    ] {
        bundle(&scene, |config| config["process"]["env"] = env);
        fs::rename(scene.path().join("b"), scene.path().join(name)).expect("a bundle");
        args.extend(["--bundle".to_owned(), name.to_owned()]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ran = scene.run(&args);
    let report: CheckReport = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    let mut shapes: Vec<(&[String], bool)> = report
        .shapes
        .iter()
        .map(|shape| {
            (
                &shape.workloads[..],
                shape.findings.iter().any(|one| one.impact == Impact::Breaks),
            )
        })
        .collect();
    shapes.sort();
    assert_eq!(
        shapes,
        [
            (&["bad".to_owned()][..], true),
            (&["good".to_owned(), "alike".to_owned()], false)
        ]
    );
}

#[test]
fn what_the_copy_has_not_and_a_verdict_rests_on_is_not_checked() {
    let gone: Change = |config| {
        let list = config["linux"]["namespaces"].as_array_mut().expect("namespaces");
        list.retain(|one| one["type"] != "network");
        list.push(json!({"type": "network", "path": "/run/netns/nothing-of-that-name"}));
    };
    let unified: Change =
        |config| config["linux"]["resources"]["unified"] = json!({"memory.max": "100000000"});
    let is_v1 = !Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    for (change, says) in [
        (gone, "it joins a network namespace that is not there"),
        (unified, "left out, since cgroups are v1 here: memory.max"),
    ] {
        if says.contains("v1") && !is_v1 {
            continue;
        }
        let Some([there, _]) = both_ways(change) else {
            return;
        };
        assert!(there.shapes.is_empty(), "{there:#?}");
        assert!(
            there.unchecked.iter().any(|one| one.why.contains(says)),
            "{there:#?}"
        );
    }
}

/// Names and paths are as long, and as hostile, as their authors like.
#[test]
fn every_line_of_the_answer_fits_a_terminal() {
    let (Some(youki), Some(runc)) = (needs::runtime("youki"), needs::runtime("runc")) else {
        return;
    };
    let scene = Scene::new();
    let long = "n".repeat(180);
    for name in [long.as_str(), "a\u{1b}[31mb", "two words"] {
        bundle(&scene, |config| {
            config["hostname"] = "h\u{1b}[31m\nsafe".into();
            config["process"]["cwd"] = format!("/{}", "deep/".repeat(60)).into();
            let at = format!("/\u{1b}]0;x\u{7}{}", "d".repeat(150));
            super::moves::mount(
                config,
                json!({"destination": at, "type": "tmpfs", "source": "tmpfs"}),
            );
        });
        fs::rename(scene.path().join("b"), scene.path().join(name)).expect("a bundle");
        let (from, to) = (
            format!("runc={}", runc.display()),
            format!("youki={}", youki.display()),
        );
        let ran = scene.run(&["check", "--from", &from, "--to", &to, "--bundle", name]);
        let printed = format!("{}{}", ran.stdout, ran.stderr);
        let wide = ran.stdout.lines().find(|line| line.chars().count() > 110);
        assert_eq!(wide, None, "{printed}");
        assert!(!printed.contains(['\u{1b}', '\u{7}']), "{printed}");
    }
}
