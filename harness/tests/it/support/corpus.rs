//! A corpus with one difference and some slow cases, a bundle with a secret, and events of a run.

use std::fs;
use std::path::PathBuf;

use super::story::{FACT, STORY, both};
use crate::support::Scene;

/// A case that takes a while and ends with its whole cell.
const SLOW: &str = "{summary: it, config: {process: {args: [/bin/probe, sleep, '0.2']}}}";
/// What a user's config contains.
pub(crate) const SECRET: &str = "hunter2-correct-horse";

/// The catalogue recognises the story: what is written about it here is not what shows, so it is still new.
pub(crate) fn write_known(scene: &Scene) {
    scene.write(
        "cases/some/story.known.yaml",
        format!("- facts: {{{FACT}: [{{because: unexplained, who: [crun], shows: ENOENT}}, {{otherwise: ENOSYS}}]}}\n"),
    );
}

/// A case's bundle as `repro` writes it, in `bundle`; its config is still called `main.json`.
pub(crate) fn bundle_of(scene: &Scene, case: &str, runtime: &str) -> PathBuf {
    let repro = [
        "repro",
        case,
        "--cases",
        "cases",
        "--output",
        "bundle",
        "--runtime",
        runtime,
    ];
    scene.run(&repro).ends_with(0);
    scene.path().join("bundle")
}

/// The folder, and runc and crun as arguments.
pub(crate) fn scene() -> Option<(Scene, [String; 4])> {
    let runtimes = both()?;
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    write_known(&scene);
    for index in 0..20 {
        scene.write(&format!("cases/slow/case-{index}.yaml"), SLOW);
    }
    let bundle = bundle_of(&scene, "some/story", &runtimes[1]);
    let text = fs::read_to_string(bundle.join("main.json")).expect("a config");
    let mut config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    config["process"]["args"] = serde_json::json!(["/bin/probe", "facts", "env"]);
    config["process"]["env"] = serde_json::json!([format!("TOKEN={SECRET}"), "PATH=/bin"]);
    fs::write(bundle.join("config.json"), config.to_string()).expect("a config");
    let events = [
        &["run", "some/story", "--cases", "cases", "--json", "events"][..],
        &words(&runtimes),
    ]
    .concat();
    scene.run(&events).ends_with(1);
    Some((scene, runtimes))
}

pub(crate) fn words(runtimes: &[String; 4]) -> Vec<&str> {
    runtimes.iter().map(String::as_str).collect()
}
