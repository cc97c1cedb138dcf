//! A real containerd: pods under each handler, and every bad answer.

#[path = "../../engines/tests/support/private.rs"]
mod private;
#[path = "support/containerd.rs"]
mod support;

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ocidiff_cri::messages as m;
use ocidiff_cri::{Client, Error, log, node};
use support::{BOX, Containerd, wait};

const SHORT: Duration = Duration::from_millis(500);

fn on_path(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = std::env::split_paths(&path).map(|folder| folder.join(program));
    all.find(|path| path.is_file()).expect("it is on PATH")
}

fn containerd() -> Option<Containerd> {
    private::needs(&["runc"])?;
    let runc = on_path("runc");
    let new = Containerd::start(&[("runc", &runc), ("other", &runc)])?;
    new.images()?;
    Some(new)
}

fn pod(at: &Containerd, name: &str) -> m::PodSandboxConfig {
    let options = m::NamespaceOption {
        network: m::NamespaceMode::Node.into(),
        pid: m::NamespaceMode::Container.into(),
        ..m::NamespaceOption::default()
    };
    m::PodSandboxConfig {
        metadata: Some(m::PodSandboxMetadata {
            name: name.to_owned(),
            uid: name.to_owned(),
            namespace: "tests".to_owned(),
            attempt: 0,
        }),
        log_directory: at.path("logs").display().to_string(),
        labels: [("a".to_owned(), name.to_owned())].into(),
        linux: Some(m::LinuxPodSandboxConfig {
            cgroup_parent: at.cgroup(),
            security_context: Some(m::LinuxSandboxSecurityContext {
                namespace_options: Some(options),
                ..m::LinuxSandboxSecurityContext::default()
            }),
            ..m::LinuxPodSandboxConfig::default()
        }),
        ..m::PodSandboxConfig::default()
    }
}

fn container(image: &str, script: &str) -> m::ContainerConfig {
    m::ContainerConfig {
        metadata: Some(m::ContainerMetadata {
            name: "main".to_owned(),
            attempt: 0,
        }),
        image: Some(node::spec(image)),
        command: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
        log_path: "main.log".to_owned(),
        ..m::ContainerConfig::default()
    }
}

#[test]
fn a_pod_runs_under_each_handler_and_nothing_is_left() {
    let Some(containerd) = containerd() else { return };
    wait(async {
        let client = containerd.client().await;
        assert_eq!(client.name, "containerd");
        assert!(
            client.version.starts_with(|c: char| c.is_ascii_digit()),
            "{}",
            client.version
        );
        let node = client.node().await.expect("it says");
        for name in ["runc", "other"] {
            let handler = node
                .handlers
                .iter()
                .find(|one| one.name == name)
                .expect("it is there");
            assert_eq!(handler.program.as_deref(), Some(on_path("runc").as_path()));
        }
        assert_eq!(node.default_handler.as_deref(), Some("runc"));
        let mounts = containerd.mounts();
        for name in ["runc", "other"] {
            let sandbox = pod(&containerd, name);
            let pod = client.run_pod(sandbox.clone(), name).await.expect("it starts");
            let made = client.create(&pod, container(BOX, "echo out; echo err >&2; exit 3"), sandbox);
            let id = made.await.expect("it is made");
            client.start(&id).await.expect("it starts");
            let ended = client
                .wait(&id, Duration::from_secs(60))
                .await
                .expect("it answers");
            assert_eq!(ended.expect("it ends").exit_code, 3);
            let told = client.told(&id).await.expect("it says");
            let config: serde_json::Value =
                serde_json::from_str(&told.config.expect("a config")).expect("JSON");
            assert_eq!(config["process"]["args"][0], "/bin/sh");
            let output = log::read(&containerd.path("logs/main.log")).expect("a log");
            assert_eq!(
                (output.stdout.as_slice(), output.stderr.as_slice()),
                (&b"out\n"[..], &b"err\n"[..])
            );
            let listed = client.pods().await.expect("a list");
            assert_eq!(listed[0].runtime_handler, name);
            client.remove(&id, Duration::ZERO).await.expect("it goes");
            client.remove_pod(&pod).await.expect("it goes");
            // And once more: it is not an error if it is gone.
            client.remove_pod(&pod).await.expect("it is gone");
            std::fs::remove_file(containerd.path("logs/main.log")).expect("a log");
        }
        assert_eq!(client.containers().await.expect("a list"), []);
        assert_eq!(client.pods().await.expect("a list"), []);
        assert_eq!(containerd.mounts(), mounts);
        assert!(
            !containerd.log().contains("PullImage \\\""),
            "{}",
            containerd.log()
        );
        let labels = client.image_labels(BOX).await.expect("it says");
        assert_eq!(labels.expect("it is there")["of"], "tests");
        client.remove_image(BOX).await.expect("it goes");
        assert_eq!(client.image_labels(BOX).await.expect("it says"), None);
    });
}

#[test]
fn exec_update_and_stop_reach_a_container() {
    let Some(containerd) = containerd() else { return };
    wait(async {
        let client = containerd.client().await;
        let sandbox = pod(&containerd, "calls");
        let pod = client.run_pod(sandbox.clone(), "other").await.expect("it starts");
        let id = client
            .create(&pod, container(BOX, "sleep 1000"), sandbox)
            .await
            .expect("it is made");
        client.start(&id).await.expect("it starts");
        let cmd = ["/bin/sh", "-c", "echo in; exit 4"].map(str::to_owned).to_vec();
        let answer = client
            .exec(&id, cmd, Duration::from_secs(30))
            .await
            .expect("it runs");
        assert_eq!((answer.stdout.as_slice(), answer.exit_code), (&b"in\n"[..], 4));
        let linux = m::LinuxContainerResources {
            cpu_shares: 512,
            ..m::LinuxContainerResources::default()
        };
        let update = m::UpdateContainerResourcesRequest {
            container_id: id.clone(),
            linux: Some(linux),
            ..m::UpdateContainerResourcesRequest::default()
        };
        client.call(update).await.expect("it is updated");
        assert_eq!(client.wait(&id, Duration::ZERO).await.expect("it answers"), None);
        client.remove(&id, Duration::ZERO).await.expect("it goes");
        client.remove_pod(&pod).await.expect("it goes");
    });
}

#[test]
fn what_a_node_does_not_have_is_said() {
    let Some(containerd) = containerd() else { return };
    wait(async {
        let client = containerd.client().await;
        let sandbox = pod(&containerd, "absent");
        let error = client
            .run_pod(sandbox.clone(), "kata")
            .await
            .expect_err("no handler");
        assert!(matches!(error, Error::Handler { .. }), "{error:?}");
        assert!(
            error
                .to_string()
                .starts_with("the node has no runtime handler `kata`: add it"),
            "{error}"
        );
        let pod = client.run_pod(sandbox.clone(), "runc").await.expect("it starts");
        let absent = container("localhost/nobody:1", "true");
        let error = client.create(&pod, absent, sandbox).await.expect_err("no image");
        assert!(
            error
                .to_string()
                .contains("does not have the image localhost/nobody:1"),
            "{error}"
        );
        let error = client.start("nobody").await.expect_err("no container");
        assert!(error.is_gone(), "{error:?}");
        client.remove_pod(&pod).await.expect("it goes");
        let pause = "localhost/pause:1";
        client.remove_image(pause).await.expect("it goes");
        let sandbox = self::pod(&containerd, "no-pause");
        let error = client.run_pod(sandbox, "runc").await.expect_err("no image");
        assert!(matches!(error, Error::SandboxImage(_)), "{error:?}");
    });
}

#[test]
fn a_plugin_that_is_disabled_is_said() {
    let Some(containerd) = Containerd::without_plugin() else {
        return;
    };
    let error = wait(Client::connect(&containerd.socket(), SHORT * 20)).expect_err("no plugin");
    assert!(matches!(error, Error::Disabled(_)), "{error:?}");
    assert!(error.to_string().contains("disabled_plugins"), "{error}");
}

/// What is at a socket, and what is reported about it.
#[test]
fn a_socket_that_is_no_runtime_s_is_said_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("file"), "").expect("a file");
    drop(UnixListener::bind(at("deaf")).expect("a socket"));
    let _silent = UnixListener::bind(at("silent")).expect("a socket");
    let answering = |name: &str, words: &'static [u8]| {
        let listener = UnixListener::bind(at(name)).expect("a socket");
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.write_all(words);
            }
        });
    };
    answering("garbage", b"\x1b[31mhello, who is there?\n\0\0\0\xff");
    answering("http", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    answering("closes", b"");
    for (name, said) in [
        ("absent", "there is no CRI socket at "),
        ("file", "nothing listens at "),
        ("deaf", "nothing listens at "),
        (
            "silent",
            "silent accepts connections, and does not answer within 0.5 s: restart ",
        ),
        ("garbage", "does not answer as a CRI runtime does"),
        ("http", "does not answer as a CRI runtime does"),
        ("closes", "does not answer as a CRI runtime does"),
    ] {
        let error = wait(Client::connect(&at(name), SHORT)).expect_err(name);
        let text = error.to_string();
        assert!(text.contains(said), "{name}: {text}");
        assert!(
            !text.chars().any(char::is_control) && text.len() < 1000,
            "{name}: {text:?}"
        );
    }
    let error = wait(Client::connect(Path::new(""), SHORT)).expect_err("no path");
    assert!(error.to_string().contains("--socket"), "{error}");
}
