use std::sync::LazyLock;

use super::*;
use crate::corpus::{Corpus, files, load};

/// Cases are laid over the standard corpus's default config.
static CORPUS: LazyLock<Corpus> =
    LazyLock::new(|| load(&files::standard("cases").expect("the corpus")).expect("the corpus"));

fn translate(yaml: &str) -> Result<Value, String> {
    let corpus = &*CORPUS;
    let body = serde_yaml::from_str(yaml).expect("a case");
    let case = Case {
        name: "t/c".into(),
        source: String::new(),
        member: None,
        body,
    };
    let text = crate::corpus::config::text(&case, corpus, ocidiff_model::step::MAIN, None).expect("a config");
    let config = serde_json::from_str(&text).expect("JSON");
    body_of(&case, &config, &corpus.default_config)
}

fn body_of(case: &Case, config: &Value, default: &Value) -> Result<Value, String> {
    body(case, config, default).map_err(|why| why.to_string())
}

#[test]
fn the_default_config_is_a_container_of_an_engine() {
    let body = translate("summary: s").expect("a container");
    assert_eq!(body["Entrypoint"], json!(["/bin/probe"]));
    assert_eq!(body["Cmd"], json!(["exit", "0"]));
    assert_eq!(body["User"], "0:0");
    assert_eq!(body["Hostname"], "container");
    let host = &body["HostConfig"];
    assert_eq!(host["CapDrop"], json!(["ALL"]));
    assert_eq!(host["CapAdd"].as_array().map(Vec::len), Some(14));
    assert_eq!(
        host["SecurityOpt"],
        json!(["no-new-privileges", "seccomp=unconfined"])
    );
    assert_eq!(host["NetworkMode"], "none");
    assert_eq!(host["MaskedPaths"].as_array().map(Vec::len), Some(6));
}

#[test]
fn each_part_has_its_setting() {
    let body = translate(
        "{summary: s, config: {root: {readonly: true}, mounts+: [{destination: /tmp, type: tmpfs, source: tmpfs, options: [nosuid, size=1m]}],
          process: {user: {uid: 5, gid: 6, additionalGids: [7]}, oomScoreAdj: 9, noNewPrivileges: false,
                    rlimits: [{type: RLIMIT_NOFILE, soft: 1, hard: 2}]},
          linux: {sysctl: {net.core.somaxconn: '3'}, resources: {memory: {limit: 8388608}, pids: {limit: 4}, cpu: {cpus: '0'}},
                  namespaces+: [{type: cgroup}], seccomp: {defaultAction: SCMP_ACT_ALLOW, syscalls: [{names: [sync], action: SCMP_ACT_ERRNO}]}}}}",
    )
    .expect("a container");
    let host = &body["HostConfig"];
    assert_eq!(body["User"], "5:6");
    for (name, value) in [
        ("ReadonlyRootfs", json!(true)),
        ("Tmpfs", json!({"/tmp": "nosuid,size=1m"})),
        ("GroupAdd", json!(["7"])),
        ("OomScoreAdj", json!(9)),
        ("Ulimits", json!([{"Name": "nofile", "Soft": 1, "Hard": 2}])),
        ("Sysctls", json!({"net.core.somaxconn": "3"})),
        ("Memory", json!(8_388_608)),
        ("PidsLimit", json!(4)),
        ("CpusetCpus", json!("0")),
        ("CgroupnsMode", json!("private")),
    ] {
        assert_eq!(host[name], value, "{name}");
    }
    let options = host["SecurityOpt"].as_array().expect("options");
    let [profile] = options.as_slice() else {
        panic!("{options:?}")
    };
    let text = profile.as_str().and_then(|text| text.strip_prefix("seccomp="));
    let profile: Value = serde_json::from_str(text.expect("a profile")).expect("JSON");
    assert_eq!(profile["syscalls"][0]["names"], json!(["sync"]));
}

#[test]
fn what_has_no_setting_says_so() {
    for (yaml, why) in [
        (
            "{summary: s, steps: [create, start, {kill: {}}, wait, delete]}",
            "it takes the step kill",
        ),
        (
            "{summary: s, steps: [create, delete]}",
            "its steps are not create, start, wait, delete",
        ),
        (
            "{summary: s, config_file: other.json}",
            "it is about the text of config.json",
        ),
        (
            "{summary: s, caller: {nice: 5}}",
            "it is about the runtime's caller",
        ),
        (
            "{summary: s, needs: {recorder: ebpf}}",
            "it needs the recorder ebpf",
        ),
        ("{summary: s, config: {hooks: {}}}", "no setting for config.hooks"),
        (
            "{summary: s, config: {ociVersion: 1.1.0}}",
            "writes ociVersion itself",
        ),
        (
            "{summary: s, config: {annotations: {a: b}}}",
            "no setting for annotations",
        ),
        (
            "{summary: s, config: {root: {path: other}}}",
            "chooses root.path itself",
        ),
        ("{summary: s, config: {hostname: null}}", "always sets a hostname"),
        ("{summary: s, config: {process: {args: []}}}", "wants a program"),
        ("{summary: s, config: {process: {env: [A=1]}}}", "adds PATH"),
        (
            "{summary: s, config: {process: {env: [PATH=/, A]}}}",
            "odd entries of process.env",
        ),
        (
            "{summary: s, config: {process: {cwd: tmp}}}",
            "makes process.cwd absolute",
        ),
        (
            "{summary: s, config: {process: {user: {umask: 18}}}}",
            "no setting for process.user.umask",
        ),
        (
            "{summary: s, config: {process: {user: {uid: -1}}}}",
            "process.user.uid is not a number",
        ),
        (
            "{summary: s, config: {process: {capabilities: null}}}",
            "always writes process.capabilities",
        ),
        (
            "{summary: s, config: {process: {capabilities: {effective: []}}}}",
            "the same capabilities to all sets",
        ),
        (
            "{summary: s, config: {process: {capabilities: {ambient: [CAP_KILL]}}}}",
            "inheritable and ambient",
        ),
        (
            "{summary: s, config: {mounts: null}}",
            "always has mounts of its own",
        ),
        (
            "{summary: s, config: {mounts+: [{destination: /x, type: bind, source: /y}]}}",
            "of type bind",
        ),
        (
            "{summary: s, config: {mounts+: [{destination: /x, type: tmpfs, source: /y, options: [ro, rbind]}]}}",
            "a bind mount",
        ),
        (
            "{summary: s, config: {mounts+: [{destination: /proc/x, type: tmpfs}]}}",
            "a tmpfs at /proc/x",
        ),
        (
            "{summary: s, config: {linux: {cgroupsPath: /other}}}",
            "chooses linux.cgroupsPath",
        ),
        (
            "{summary: s, config: {linux: {namespaces: [{type: pid}]}}}",
            "chooses the namespaces",
        ),
        (
            "{summary: s, config: {linux: {namespaces+: [{type: uts, path: /x}]}}}",
            "new namespaces",
        ),
        (
            "{summary: s, config: {linux: {resources: {unified: {}}}}}",
            "no setting for linux.resources.unified",
        ),
        (
            "{summary: s, config: {linux: {resources: {pids: {limit: 0}}}}}",
            "takes 0 in linux.resources.pids.limit",
        ),
        (
            "{summary: s, config: {linux: {seccomp: {defaultAction: X, flags: [A]}}}}",
            "no setting for linux.seccomp.flags",
        ),
        (
            "{summary: s, config: {linux: {devices: [{path: /dev/x, type: c, major: 4000, minor: 1}]}}}",
            "no device 4000:1",
        ),
    ] {
        let said = translate(yaml).expect_err(yaml);
        assert!(said.contains(why), "{yaml}: {said}");
    }
}
