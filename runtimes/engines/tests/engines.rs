//! The containers of a node: what its files and its sockets say, and what they say when they are broken.

#[path = "support/place.rs"]
mod place;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ocidiff_engines::{Options, Which};
use place::{Answer, Place, docker, is_line, named, why};
use serde_json::json;

const ID: &str = "0a1b2c3d4e5f";
const TASKS: &str = "run/containerd/io.containerd.runtime.v2.task";
const LASTING: &str = "var/lib/containers/storage/overlay-containers";
const OF_BOOT: &str = "run/containers/storage/overlay-containers";

fn list(names: &[(&str, &str)]) -> Answer {
    let all: Vec<_> = names
        .iter()
        .map(|(id, name)| json!({"Id": id, "Names": [format!("/{name}")], "Image": "web:1", "State": "running"}))
        .collect();
    Answer::Json(200, json!(all))
}

#[test]
fn words_are_engines() {
    for (word, which) in Which::WORDS {
        assert_eq!(word.parse(), Ok(which));
    }
    let error = "rkt\n".parse::<Which>().expect_err("no engine").to_string();
    assert!(error.contains("`rkt`") && error.contains("containerd"), "{error}");
    assert_eq!(Options::default().root, PathBuf::from("/"));
}

#[test]
fn a_node_without_engines_has_none() {
    let found = Place::new().find();
    assert_eq!(
        (found.engines.len(), found.workloads.len(), found.notes.len()),
        (0, 0, 0)
    );
    for (which, part) in [
        (Which::Docker, "run/docker.sock"),
        (Which::Podman, "run/podman/podman.sock"),
        (Which::Containerd, "run/containerd"),
        (Which::Crio, "run/crio"),
    ] {
        let error = Place::asking(which)
            .try_find()
            .expect_err("it is not there")
            .to_string();
        assert!(is_line(&error) && error.contains(part), "{error}");
    }
    let mut place = Place::asking(Which::None);
    place.options.names = vec!["web".to_owned()];
    let found = place.find();
    assert!(
        found.missing[0].name == "web" && found.missing[0].others.is_empty(),
        "{found:?}"
    );
}

#[test]
fn a_socket_where_nobody_listens_is_a_note_and_by_name_an_error() {
    let mut place = Place::new();
    drop(place.listen("run/docker.sock"));
    let notes = place.find().notes;
    assert!(
        notes.len() == 1 && notes[0].contains("docker.sock: no engine listens there"),
        "{notes:?}"
    );
    let check = |place: &Place| {
        let error = place.try_find().expect_err("nobody listens").to_string();
        assert!(
            is_line(&error) && error.contains("docker.sock: no engine listens there"),
            "{error}"
        );
    };
    place.options.which = Which::Docker;
    check(&place);
    let socket = place.path("run/docker.sock");
    place.options.docker_host = Some(format!("unix://{}", socket.display()));
    check(&place);
    place.options.docker_host = None;
    place.options.which = Which::Auto;
    place.options.socket = Some(socket);
    check(&place);
    place.options.socket = Some(place.path("nowhere.sock"));
    let error = place.try_find().expect_err("it is not there").to_string();
    assert!(error.contains("nowhere.sock: there is no such socket"), "{error}");
}

#[test]
fn an_engine_on_another_node_is_refused() {
    for host in ["tcp://10.0.0.1:2375", "ssh://node", "10.0.0.1", "unix://relative"] {
        let mut place = Place::asking(Which::Docker);
        place.options.docker_host = Some(host.to_owned());
        let error = place.try_find().expect_err("not this node").to_string();
        assert!(
            is_line(&error) && error.contains(host) && error.contains("only an engine on this node"),
            "{error}"
        );
        place.options.which = Which::Auto;
        assert_eq!(place.find().notes, [format!("failed to {error}")]);
    }
}

#[test]
fn garbage_is_no_engine() {
    for garbage in [
        "\x1b[2J\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n<html>\n\n\n",
        "",
    ] {
        let place = Place::new();
        place.serve("run/docker.sock", move |_| Answer::Raw(garbage.to_owned()));
        let notes = place.find().notes;
        assert!(
            notes.len() == 1
                && is_line(&notes[0])
                && notes[0].contains("it does not answer as an engine does"),
            "{notes:?}"
        );
    }
    let place = Place::new();
    place.serve("run/docker.sock", |_| {
        Answer::Json(500, json!({"message": "out of\norder"}))
    });
    let notes = place.find().notes;
    assert!(
        notes[0].contains("500") && notes[0].contains("out of order"),
        "{notes:?}"
    );
}

#[test]
fn an_answer_that_does_not_end_is_cut() {
    let mut place = Place::new();
    place.options.call_limit = Duration::from_secs(30);
    place.options.engine_limit = Duration::from_secs(30);
    place.serve("run/docker.sock", |_| {
        let body = " ".repeat(65 * 1024 * 1024);
        Answer::Raw(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}"))
    });
    let notes = place.find().notes;
    assert!(
        notes.len() == 1 && notes[0].contains("its answer has more than 67108864 bytes"),
        "{notes:?}"
    );
}

#[test]
fn a_slow_engine_is_held_to_the_limits() {
    let place = Place::new();
    place.serve("run/docker.sock", |_| Answer::Never);
    let began = Instant::now();
    let notes = place.find().notes;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(
        notes.len() == 1 && notes[0].contains("it does not answer within 0.5 s"),
        "{notes:?}"
    );

    // One that slows down: what it listed is still reported, until all its time is used up.
    let place = Place::new();
    let many: Vec<String> = (0..20).map(|at| format!("{ID}{at}")).collect();
    place.serve("run/docker.sock", move |path| match docker(path) {
        Some(answer) => answer,
        None if path.contains("/containers/json") => list(
            &many
                .iter()
                .map(|id| (id.as_str(), id.as_str()))
                .collect::<Vec<_>>(),
        ),
        None => Answer::Never,
    });
    let began = Instant::now();
    let found = place.find();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert!(
        why(&found.workloads[0]).contains("does not answer within 0.5 s"),
        "{found:#?}"
    );
    assert!(
        found
            .notes
            .iter()
            .any(|note| note.contains("docker: 2 s were not enough")),
        "{found:#?}"
    );
}

#[test]
fn a_container_that_vanishes_does_not_stop_the_others() {
    let mut place = Place::new();
    place.bundle(&format!("{TASKS}/moby/{ID}"), json!({}));
    place.serve("run/docker.sock", |path| match docker(path) {
        Some(answer) => answer,
        None if path.contains("/containers/json") => {
            list(&[("dead00", "gone"), ("../../etc", "evil"), (ID, "web")])
        }
        None if path.contains(ID) => {
            let data = json!({"LowerDir": "/s/2:/s/1", "UpperDir": "/s/3", "MergedDir": "/nowhere"});
            Answer::Json(
                200,
                json!({
                    "Id": ID, "Name": "/web", "State": {"Status": "running"}, "Config": {"Image": "web:1"},
                    "HostConfig": {"Runtime": "crun"}, "GraphDriver": {"Name": "overlay2", "Data": data},
                }),
            )
        }
        None => Answer::Json(404, json!({"message": "No such container: gone"})),
    });
    let found = place.find();
    assert_eq!(why(named(&found, "gone")), "it vanished during the check");
    assert!(
        found.notes.iter().any(|note| note.contains("without an id")),
        "{:?}",
        found.notes
    );
    let web = named(&found, "web");
    assert!(
        web.config
            .as_ref()
            .is_ok_and(|config| config.path.ends_with(format!("moby/{ID}/config.json")))
    );
    assert_eq!(web.layers, ["/s/3", "/s/2", "/s/1"].map(PathBuf::from));
    assert_eq!(
        (web.runtime.as_deref(), web.image.as_deref(), web.state.as_str()),
        (Some("crun"), Some("web:1"), "running")
    );
    let engine = &found.engines[0];
    assert_eq!(
        (engine.name.as_str(), engine.version.as_str()),
        ("docker", "20.10.24")
    );
    assert_eq!(engine.runtimes, ["crun=/usr/bin/crun", "runc=runc"]);
    // Docker reported it: containerd's folder does not report it again.
    assert_eq!(found.workloads.iter().filter(|one| one.id == ID).count(), 1);

    place.options.names = vec!["web".to_owned(), "0a1b".to_owned(), "none".to_owned()];
    let found = place.find();
    assert_eq!(
        (
            found.workloads.len(),
            found.missing.iter().map(|one| one.name.as_str()).collect()
        ),
        (1, vec!["none"])
    );
}

#[test]
fn an_engine_of_a_users_names_folders_of_the_user_only() {
    let place = Place::new();
    place.bundle("root/secret", json!({}));
    place.bundle("home/own", json!({}));
    let socket = "run/user/1000/podman/podman.sock";
    let beside = |folder: &str| place.path(folder).join("resolv.conf");
    let (theirs, own) = (beside("root/secret"), beside("home/own"));
    let layer = place.path("root/secret");
    place.serve(socket, move |path| {
        let path_of = |beside: &std::path::Path| {
            let data = json!({"LowerDir": layer, "UpperDir": layer});
            let told = json!({"State": {"Status": "running"}, "ResolvConfPath": beside, "GraphDriver": {"Name": "overlay", "Data": data}});
            Answer::Json(200, told)
        };
        match docker(path) {
            _ if path.ends_with("/version") => Answer::Json(
                200,
                json!({"Version": "4.3.1", "ApiVersion": "1.41", "Components": [{"Name": "Podman Engine", "Version": "4.3.1"}]}),
            ),
            Some(answer) => answer,
            None if path.contains("/containers/json") => list(&[("aaaa", "theirs"), ("bbbb", "own")]),
            None if path.contains("aaaa") => path_of(&theirs),
            None => path_of(&own),
        }
    });
    if std::os::unix::fs::chown(place.path(socket), Some(1000), None).is_err() {
        return;
    }
    for path in ["home/own", "home/own/config.json", "home/own/rootfs"] {
        std::os::unix::fs::chown(place.path(path), Some(1000), None).expect("we are root");
    }
    let found = place.find();
    assert_eq!(named(&found, "own").engine, "podman");
    assert!(named(&found, "own").config.is_ok(), "{found:#?}");
    assert!(why(named(&found, "theirs")).contains("in none of the usual places"));
    assert!(
        found.workloads.iter().all(|one| one.layers.is_empty()),
        "{found:#?}"
    );
}

#[test]
fn containerds_tasks_are_found_without_its_socket() {
    let mut place = Place::new();
    let of_pod = json!({
        "io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.container-name": "app\n\u{1b}[31m",
        "io.kubernetes.cri.sandbox-name": "web-1", "io.kubernetes.cri.sandbox-namespace": "shop",
        "io.kubernetes.cri.image-name": "registry/app:2",
    });
    place.bundle(&format!("{TASKS}/k8s.io/aaa"), of_pod);
    place.write(&format!("{TASKS}/k8s.io/aaa/runtime"), "/usr/bin/crun");
    place.write(
        &format!("{TASKS}/k8s.io/aaa/init.pid"),
        std::process::id().to_string(),
    );
    let sandbox = json!({
        "io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-name": "web-1",
        "io.kubernetes.cri.sandbox-namespace": "shop",
    });
    place.bundle(&format!("{TASKS}/k8s.io/bbb"), sandbox);
    place.bundle(&format!("{TASKS}/default/plain"), json!({}));
    place.write(
        &format!("{TASKS}/default/cut/config.json"),
        "{\"ociVersion\": \"1.0.2\", \"proc",
    );
    place.write(&format!("{TASKS}/default/list/config.json"), "[]");
    place.write(&format!("{TASKS}/default/bytes/config.json"), [0xff, 0xfe]);
    fs::create_dir_all(place.path(&format!("{TASKS}/default/folder/config.json"))).expect("a folder");
    fs::create_dir_all(place.path(&format!("{TASKS}/default/empty"))).expect("a folder");
    let large = place.path(&format!("{TASKS}/default/large"));
    fs::create_dir_all(&large).expect("a folder");
    let file = fs::File::create(large.join("config.json")).expect("a file");
    file.set_len(17 * 1024 * 1024).expect("a large file");

    place.options.names = vec!["web-1".to_owned(), "other".to_owned()];
    let [web, other] = &place.find().missing[..] else {
        panic!("two names")
    };
    assert_eq!(web.others, ["shop/web-1/app [31m", "shop/web-1/pause"]);
    assert_eq!(other.others.len(), 8);
    place.options.names.clear();
    let found = place.find();
    let app = named(&found, "shop/web-1/app [31m");
    assert_eq!(
        (app.engine.as_str(), app.state.as_str(), app.runtime.as_deref()),
        ("containerd", "running", Some("/usr/bin/crun"))
    );
    assert_eq!(app.image.as_deref(), Some("registry/app:2"));
    assert_eq!(
        app.rootfs,
        Some(place.path(&format!("{TASKS}/k8s.io/aaa/rootfs")))
    );
    assert!(named(&found, "shop/web-1/pause").config.is_ok());
    assert!(named(&found, "plain").config.is_ok());
    for (name, part) in [
        ("cut", "EOF while parsing"),
        ("list", "not a JSON object"),
        ("bytes", "not UTF-8"),
        ("folder", "not a regular file"),
        ("large", "bytes, and at most"),
    ] {
        let why = why(named(&found, name));
        assert!(
            why.contains(part) && why.contains("config.json cannot be read"),
            "{name}: {why}"
        );
    }
    assert_eq!(found.workloads.len(), 8, "{found:#?}");
    assert_eq!(found.engines.len(), 1);
}

#[test]
fn crio_and_podman_share_a_storage() {
    let mut place = Place::new();
    let of_pod = |kind: &str| {
        json!({
            "io.kubernetes.cri-o.ContainerType": kind, "io.kubernetes.container.name": "app", "io.kubernetes.pod.name": "web-1",
            "io.kubernetes.pod.namespace": "shop", "io.kubernetes.cri-o.ImageName": "registry/app:2",
            "io.kubernetes.cri-o.RuntimeHandler": "crun",
        })
    };
    place.bundle(&format!("{OF_BOOT}/c1/userdata"), of_pod("container"));
    place.bundle(&format!("{OF_BOOT}/c2/userdata"), of_pod("sandbox"));
    place.bundle(
        &format!("{LASTING}/p1/userdata"),
        json!({"io.container.manager": "libpod"}),
    );
    place.write(
        &format!("{OF_BOOT}/p1/userdata/pidfile"),
        std::process::id().to_string(),
    );
    place.write(&format!("{LASTING}/p2/userdata/config.json"), "{");
    place.write(
        &format!("{LASTING}/containers.json"),
        json!([
            {"id": "p1", "names": ["db"], "layer": "top", "image": "x", "created": "2026"},
            {"id": "p2", "names": ["cut"], "layer": "../../etc"},
            {"id": "p3", "names": ["made"], "metadata": "{\"image-name\": \"db:15\"}"},
            {"id": "../p4", "names": ["evil"]},
        ])
        .to_string(),
    );
    let overlay = "var/lib/containers/storage/overlay";
    fs::create_dir_all(place.path(&format!("{overlay}/top/diff"))).expect("a layer");
    fs::create_dir_all(place.path(&format!("{overlay}/base/diff"))).expect("a layer");
    fs::create_dir_all(place.path(&format!("{overlay}/l"))).expect("links");
    std::os::unix::fs::symlink("../base/diff", place.path(&format!("{overlay}/l/BASE"))).expect("a link");
    std::os::unix::fs::symlink("/etc", place.path(&format!("{overlay}/l/EVIL"))).expect("a link");
    place.write(&format!("{overlay}/top/lower"), "l/BASE:l/EVIL:../../etc");

    let found = place.find();
    let app = named(&found, "shop/web-1/app");
    assert_eq!(
        (app.engine.as_str(), app.runtime.as_deref()),
        ("crio", Some("crun"))
    );
    assert_eq!(named(&found, "shop/web-1/pause").engine, "crio");
    let db = named(&found, "db");
    assert_eq!((db.engine.as_str(), db.state.as_str()), ("podman", "running"));
    let real = fs::canonicalize(place.path(&format!("{overlay}/base/diff"))).expect("a layer");
    assert_eq!(db.layers, [place.path(&format!("{overlay}/top/diff")), real]);
    assert!(why(named(&found, "cut")).contains("EOF"));
    let made = named(&found, "made");
    assert_eq!(
        (made.state.as_str(), made.image.as_deref()),
        ("created", Some("db:15"))
    );
    assert!(why(made).starts_with("it was not started: "));
    let engines: Vec<&str> = found.engines.iter().map(|engine| engine.name.as_str()).collect();
    assert_eq!(engines, ["crio", "podman"]);

    place.options.which = Which::Crio;
    assert_eq!(place.find().workloads.len(), 2);
    place.options.which = Which::Podman;
    assert_eq!(place.find().workloads.len(), 3);
    place.write(&format!("{LASTING}/containers.json"), "[{");
    let found = place.find();
    assert!(
        is_line(&found.notes[0]) && found.notes[0].contains("containers.json"),
        "{found:#?}"
    );
    assert_eq!(named(&found, "p1").engine, "podman");
}

#[test]
fn a_runtimes_state_tells_what_no_engine_told() {
    let place = Place::new();
    place.bundle("bundles/one", json!({}));
    let label = format!("bundle={}", place.path("bundles/one").display());
    place.write(
        "run/runc/one/state.json",
        json!({"config": {"labels": ["x=y", label]}}).to_string(),
    );
    let status = json!({"bundle": place.path("bundles/two")});
    place.write("run/crun/two/status", status.to_string());
    place.write("run/runc/three/state.json", "{");
    let found = place.find();
    assert!(named(&found, "one").config.is_ok());
    assert_eq!(named(&found, "one").runtime.as_deref(), Some("runc"));
    assert!(why(named(&found, "two")).contains("there is no config.json in"));
    assert_eq!(found.workloads.len(), 2);
}

#[test]
fn a_containerds_container_runs_under_what_its_shim_has_noted() {
    let place = Place::new();
    let elsewhere = "run/private/io.containerd.runtime.v2.task/k8s.io";
    let rows = [
        (
            "both",
            Some("/opt/crun"),
            Some(r#"{"binary_name": "/opt/crun"}"#),
            Some("/opt/crun"),
        ),
        ("alone", Some("/opt/crun"), None, Some("/opt/crun")),
        (
            "options",
            None,
            Some(r#"{"binary_name": "youki"}"#),
            Some("youki"),
        ),
        ("default", Some(""), Some("{}"), Some("runc")),
        ("default-alone", Some(""), None, Some("runc")),
        ("not-json", None, Some("{"), None),
        ("list", None, Some("[]"), None),
        ("nothing", None, None, None),
    ];
    for tasks in [TASKS, elsewhere] {
        for (name, runtime, options, _) in rows {
            let id = if tasks == TASKS {
                name.to_owned()
            } else {
                format!("other-{name}")
            };
            let task = match tasks == TASKS {
                true => format!("{tasks}/default/{id}"),
                false => format!("{tasks}/{id}"),
            };
            place.bundle(&task, json!({}));
            for (file, text) in [("runtime", runtime), ("options.json", options)] {
                if let Some(text) = text {
                    place.write(&format!("{task}/{file}"), text);
                }
            }
            // The root has the same name under every runtime, and each one notes the bundle in its own way.
            let bundle = place.path(&task);
            let root = format!("run/containerd/runc/k8s.io/{id}");
            match name {
                "both" => place.write(&format!("{root}/status"), json!({"bundle": bundle}).to_string()),
                "options" => place.write(
                    &format!("{root}/state.json"),
                    json!({"bundle": bundle}).to_string(),
                ),
                _ => {
                    let labels = [format!("bundle={}", bundle.display())];
                    let state = json!({"config": {"labels": labels}});
                    place.write(&format!("{root}/state.json"), state.to_string());
                }
            }
        }
    }
    let found = place.find();
    for (name, _, _, expected) in rows {
        for id in [name.to_owned(), format!("other-{name}")] {
            assert_eq!(named(&found, &id).runtime.as_deref(), expected, "{id}");
        }
    }
    assert_eq!(found.workloads.len(), 2 * rows.len());
}
