use std::fs;
use std::path::Path;

use super::config::own_stand_ins;
use super::*;
use crate::corpus::config::text as config_text;
use crate::corpus::{files, load_shared};
use crate::workload::tame::tame;

fn corpus() -> Corpus {
    load_shared(&files::built_in("cases")).expect("the corpus")
}

fn container(config: &str) -> Container {
    Container {
        name: "the container web".to_owned(),
        image: Some("nginx:1".to_owned()),
        config: config.to_owned(),
        layers: vec![PathBuf::from("/")],
        without: Vec::new(),
    }
}

fn captive(config: &Value, wanted: &Wanted) -> Captive {
    capture(
        &container(&config.to_string()),
        wanted,
        &corpus(),
        &Limits::default(),
    )
    .unwrap_or_else(|error| panic!("{error}: {config}"))
}

/// The config that the case results in: read anew, without this module.
fn given(text: &str, corpus: &Corpus) -> Value {
    let case = corpus::load_one(text, corpus).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let config = config_text(&case, corpus, MAIN, None).expect("a config");
    serde_json::from_str(&config).expect("JSON")
}

fn configs(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            configs(&path, found);
        } else if path.extension().is_some_and(|end| end == "json") && !of_a_lone_container(&path) {
            found.push(fs::read_to_string(path).expect("a config"));
        }
    }
}

/// Whether an engine without pods has made it.
fn of_a_lone_container(config: &Path) -> bool {
    let name = config.file_name().map(|name| name.to_string_lossy().into_owned());
    name.is_some_and(|name| name.starts_with("docker-") || name.starts_with("podman-"))
}

/// Without what belongs to the probe, and private data.
fn compared(mut config: Value) -> Value {
    let all = config.as_object_mut().expect("a config");
    if all["process"]["env"].is_array() {
        all["process"]["env"] = json!("compared by name");
    }
    all["process"]["args"] = json!([]);
    if all.get("annotations").is_some_and(|all| *all == json!({})) {
        all.shift_remove("annotations");
    }
    config
}

#[test]
fn every_pod_is_said_exactly() {
    let corpus = corpus();
    let mut pods = Vec::new();
    configs(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pods"),
        &mut pods,
    );
    assert_eq!(pods.len(), 22);
    let limits = [Limits::default(), Limits::of_machine()];
    let wanted = [None, Some("probe"), Some("debian-trixie-tar")];
    for config in &pods {
        for limits in &limits {
            let own = limits.clone().with_own_processes();
            let mut tamed = tame(config, &[PathBuf::from("/")], &own).expect("a config");
            own_stand_ins(&mut tamed.config, &tamed.stand_ins);
            for recipe in wanted {
                for command in [false, true] {
                    let wanted = Wanted {
                        recipe: recipe.map(str::to_owned),
                        command,
                    };
                    let captive = capture(&container(config), &wanted, &corpus, limits).expect("a case");
                    let given = given(&captive.text, &corpus);
                    assert_eq!(given, captive.config, "{}", captive.text);
                    assert_eq!(
                        compared(given),
                        compared(tamed.config.clone()),
                        "{}",
                        captive.text
                    );
                    // Where a cell puts things must not show.
                    assert!(!captive.text.contains("/run/ocidiff"), "{}", captive.text);
                    let told = captive.text.contains("invented-");
                    assert!(!told || command, "{}", captive.text);
                }
            }
        }
    }
}

#[test]
fn a_shipped_profile_is_said_by_its_name() {
    let corpus = corpus();
    for (name, profile) in &corpus.profiles {
        let config = json!({"process": {"args": ["x"]}, "linux": {"seccomp": profile}});
        let text = captive(&config, &Wanted::default()).text;
        assert!(
            text.contains("$profile: ") && text.lines().count() < 60,
            "{name}: {text}"
        );
    }
    // An engine adds rules for capabilities.
    let mut more = corpus.profiles["docker-20.10.24"].clone();
    let rules = more["syscalls"].as_array_mut().expect("rules");
    rules.insert(1, json!({"names": ["bpf"], "action": "SCMP_ACT_ALLOW"}));
    let config = json!({"process": {}, "linux": {"seccomp": more}});
    let text = captive(&config, &Wanted::default()).text;
    assert!(
        text.contains("$profile: docker-20.10.24") && text.contains("syscalls+") && text.len() < 4000,
        "{text}"
    );
    let own = json!({"process": {}, "linux": {"seccomp": {"defaultAction": "SCMP_ACT_LOG"}}});
    let text = captive(&own, &Wanted::default()).text;
    assert!(text.contains("defaultAction: SCMP_ACT_LOG"), "{text}");
}

#[test]
fn no_secret_is_in_it() {
    let config = json!({
        "ociVersion": "1.0.2",
        "process": {"args": ["serve", "--token=hunter2"], "env": ["PASSWORD=hunter2", "hunter2", "PATH=/bin"], "cwd": "/srv"},
        "hooks": {"prestart": [{"path": "/hunter2"}]},
        "annotations": {"token": "hunter2", "run.oci.x": "kept"},
        "mounts": [{"destination": "/run/secret", "type": "bind", "source": "/var/lib/hunter2", "options": ["rbind", "ro"]},
                   {"destination": "/mnt", "type": "cifs", "source": "//hunter2/x", "options": ["password=hunter2"]}],
        "linux": {"cgroupsPath": "/docker/hunter2", "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/hunter2", "listenerMetadata": "hunter2"}}
    });
    let Captive { text, .. } = captive(&config, &Wanted::default());
    assert!(!text.contains("hunter2"), "{text}");
    for part in [
        "PASSWORD=hidden",
        "PATH=/bin",
        "run.oci.x",
        "${bundle}/rootfs/.ocidiff/folder",
        "/run/secret/: {}",
        "# - its hooks are not run",
        "1 of its annotations",
        "nginx:1",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let odd = json!({"process": {"args": ["x"], "env": "PASSWORD=hunter2"}});
    assert!(!captive(&odd, &Wanted::default()).text.contains("hunter2"));
    let kept = captive(
        &config,
        &Wanted {
            command: true,
            ..Wanted::default()
        },
    );
    assert!(
        kept.text.contains("--token=hunter2") && kept.text.contains("# - its command"),
        "{}",
        kept.text
    );
}

/// What a case would read as its own syntax, and what YAML would.
#[test]
fn hostile_texts_are_said_exactly() {
    let odd = [
        "${bundle}",
        "$%%{x}",
        "%%%",
        "${for}",
        "\u{85}- x",
        "a: b #",
        "~",
        "\n---\n",
        "\u{2028}",
        "*x",
        "\u{0}",
    ];
    let command = Wanted {
        command: true,
        ..Wanted::default()
    };
    for text in odd {
        let config = json!({
            "process": {"args": [text, "${container}"], "cwd": format!("/{text}"), "env": [text, format!("{text}=1")]},
            "hostname": text,
            "annotations": {format!("run.oci.{text}-"): text, "run.oci.+": "1"},
            "mounts": [{"destination": format!("/a{text}"), "type": "bind", "source": text, "options": [text]}],
            "linux": {"sysctl": {format!("{text}+"): text, "$profile": "x"}, "namespaces": [{"type": text, "x-": null}]},
            format!("{text}-"): {"$profile": "docker-20.10.24", "deep": {"mounts+": 3, "gone": null}}
        });
        let captive = captive(&config, &command);
        assert_eq!(
            given(&captive.text, &corpus()),
            captive.config,
            "{}",
            captive.text
        );
        assert_eq!(captive.config["process"]["args"], config["process"]["args"]);
        assert_eq!(captive.config["linux"]["sysctl"], config["linux"]["sysctl"]);
        let all = captive.text.lines();
        assert!(all.clone().filter(|line| line.starts_with("summary")).count() == 1);
    }
}

#[test]
fn what_is_no_config_is_told() {
    for text in ["", "{", "[]", "{}", "{\"process\": 3}"] {
        let error = capture(
            &container(text),
            &Wanted::default(),
            &corpus(),
            &Limits::default(),
        );
        let told = error.expect_err(text).to_string();
        assert!(
            told.starts_with("its config.json") && !told.contains('\n'),
            "{told}"
        );
    }
    let unseen = Container {
        layers: Vec::new(),
        ..container("{\"process\": {\"args\": [\"x\"]}}")
    };
    let of = |command, recipe: Option<&str>| {
        let wanted = Wanted {
            command,
            recipe: recipe.map(str::to_owned),
        };
        capture(&unseen, &wanted, &corpus(), &Limits::default())
    };
    assert!(of(false, None).expect("a case").text.contains("rootfs: probe\n"));
    assert_eq!(of(true, None), Err(Error::Unseen));
    assert!(matches!(of(false, Some("none")), Err(Error::Recipe { .. })));
}

#[test]
fn the_image_s_folders_are_taken_and_not_the_container_s() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| {
        let path = folder.path().join(name).join("diff");
        fs::create_dir_all(&path).expect("a folder");
        path
    };
    let all = [at("c"), at("c-init"), at("b"), at("a")];
    let (found, without) = layers(Some(PathBuf::from("/merged")), &all);
    assert_eq!(found, all[2..]);
    assert_eq!(without.len(), 1);
    let gone = [all[0].clone(), all[2].clone(), PathBuf::from("/no/such")];
    let (found, _) = layers(Some(PathBuf::from("/merged")), &gone);
    assert_eq!(found, [PathBuf::from("/merged")], "all of them, or none");
    assert_eq!(layers(None, &gone), (Vec::new(), Vec::new()));
    let (found, without) = layers(Some(PathBuf::from("/merged")), &[]);
    assert_eq!((found, without.len()), (vec![PathBuf::from("/merged")], 1));
}
