//! The schemas and the list, checked against everything that is shipped. Neither root nor runtimes are needed.

use crate::support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use support::{Ran, Scene};

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
fn the_schemas_accept_every_shipped_file() {
    let scene = Scene::new();
    let schema = |name| {
        let ran = scene.run(&["schema", name]);
        let text: Json = serde_json::from_str(&ran.ends_with(0).stdout).expect("a schema is JSON");
        jsonschema::validator_for(&text).unwrap_or_else(|error| panic!("schema {name}: {error}"))
    };
    let schemas = [
        schema("case"),
        schema("known"),
        schema("rootfs"),
        schema("finding"),
    ];
    let top = shipped("cases");
    let mut files = Vec::new();
    yaml_files(&top, &mut files);
    let (mut counts, mut errors) = ([0; 4], Vec::new());
    for path in files {
        let name = path
            .strip_prefix(&top)
            .expect("below")
            .to_string_lossy()
            .into_owned();
        let kind = match name.as_str() {
            name if name.starts_with("probe/") || !name.contains('/') => continue,
            name if name.starts_with("rootfs/") => 2,
            name if name.starts_with("findings/") => 3,
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
        "{counts:?} cases, known files, recipes, findings"
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
        "{summary: s, rootfs: {layers: []}}",
        "{summary: s, rootfs: {layers: [/a], folder: /b}}",
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
