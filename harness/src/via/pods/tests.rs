use std::sync::LazyLock;

use ocidiff_cri::messages as m;
use ocidiff_model::Case;

use super::translate::{Body, Network, body};
use crate::corpus::{Corpus, files, load};

/// Cases are laid over the standard corpus's default config.
static CORPUS: LazyLock<Corpus> =
    LazyLock::new(|| load(&files::standard("cases").expect("the corpus")).expect("the corpus"));

fn translate(yaml: &str, network: Network) -> Result<Body, String> {
    let case = Case {
        name: "t/c".into(),
        source: String::new(),
        member: None,
        body: serde_yaml::from_str(yaml).expect("a case"),
    };
    let text =
        crate::corpus::config::text(&case, &CORPUS, ocidiff_model::step::MAIN, None).expect("a config");
    let config = serde_json::from_str(&text).expect("JSON");
    body(&case, &config, &CORPUS.default_config, network).map_err(|why| why.to_string())
}

fn security(body: &Body) -> m::LinuxContainerSecurityContext {
    let linux = body.container.linux.clone().expect("linux");
    linux.security_context.expect("a security context")
}

#[test]
fn the_default_config_is_a_pod() {
    for network in [Network::Pod, Network::Node] {
        let body = translate("summary: s", network).expect("a pod");
        assert_eq!(body.container.command, ["/bin/probe", "exit", "0"]);
        assert_eq!(body.hostname, "container");
        let security = security(&body);
        let capabilities = security.capabilities.as_ref().expect("capabilities");
        assert_eq!(capabilities.drop_capabilities, ["ALL"]);
        assert_eq!(capabilities.add_capabilities.len(), 14);
        assert!(security.no_new_privs && !security.readonly_rootfs);
        assert_eq!(
            (security.masked_paths.len(), security.readonly_paths.len()),
            (6, 5)
        );
        let seccomp = security.seccomp.expect("a profile");
        assert_eq!(
            seccomp.profile_type(),
            m::security_profile::ProfileType::Unconfined
        );
    }
}

#[test]
fn each_part_has_its_setting() {
    let body = translate(
        "{summary: s, config: {root: {readonly: true},
          process: {user: {uid: 5, gid: 6, additionalGids: [7]}, oomScoreAdj: 9, noNewPrivileges: false},
          linux: {sysctl: {net.core.somaxconn: '3'},
                  resources: {memory: {limit: 8388608, swap: 8388608}, cpu: {cpus: '0', shares: 512}},
                  seccomp: {defaultAction: SCMP_ACT_ALLOW, defaultErrnoRet: 38, flags: [SECCOMP_FILTER_FLAG_LOG]}}}}",
        Network::Pod,
    )
    .expect("a pod");
    let security = security(&body);
    let id = |value: Option<m::Int64Value>| value.map(|one| one.value);
    assert_eq!(
        (id(security.run_as_user), id(security.run_as_group)),
        (Some(5), Some(6))
    );
    assert_eq!(security.supplemental_groups, [7]);
    assert!(security.readonly_rootfs && !security.no_new_privs);
    let resources = body
        .container
        .linux
        .and_then(|linux| linux.resources)
        .expect("resources");
    assert_eq!(
        (
            resources.memory_limit_in_bytes,
            resources.memory_swap_limit_in_bytes
        ),
        (8_388_608, 8_388_608)
    );
    assert_eq!(
        (
            resources.cpu_shares,
            resources.cpuset_cpus.as_str(),
            resources.oom_score_adj
        ),
        (512, "0", 9)
    );
    assert_eq!(body.sysctls["net.core.somaxconn"], "3");
    // The profile is passed on verbatim: no engine's format is in between.
    let profile = body.profile.expect("a profile");
    assert!(
        profile.contains("\"defaultErrnoRet\":38") && profile.contains("FLAG_LOG"),
        "{profile}"
    );
}

#[test]
fn the_engine_s_own_profile_is_asked_for_by_name() {
    let asked = translate(
        "{summary: s, config: {linux: {seccomp: {$profile: RuntimeDefault}}}}",
        Network::Node,
    );
    let body = asked.expect("a pod");
    let seccomp = security(&body).seccomp.expect("a profile");
    assert_eq!(
        seccomp.profile_type(),
        m::security_profile::ProfileType::RuntimeDefault
    );
    assert_eq!(body.profile, None);
}

#[test]
fn what_cri_has_no_setting_for_is_refused() {
    for (config, why) in [
        (
            "{process: {rlimits: [{type: RLIMIT_NOFILE, soft: 1, hard: 2}]}}",
            "no setting for process.rlimits",
        ),
        ("{hooks: {}}", "no setting for config.hooks"),
        (
            "{mounts+: [{destination: /tmp, type: tmpfs, source: tmpfs}]}",
            "no setting for mounts",
        ),
        (
            "{process: {ioPriority: {class: IOPRIO_CLASS_BE}}}",
            "no setting for process.ioPriority",
        ),
        (
            "{linux: {personality: {domain: LINUX}}}",
            "no setting for linux.personality",
        ),
        (
            "{linux: {namespaces+: [{type: time}]}}",
            "chooses the namespaces itself",
        ),
        (
            "{linux: {resources: {pids: {limit: 4}}}}",
            "no setting for linux.resources.pids",
        ),
        (
            "{linux: {resources: {cpu: {quota: 0}}}}",
            "takes 0 in linux.resources.cpu.quota for nothing",
        ),
        ("{linux: {sysctl: {a: 1}}}", "linux.sysctl is not a map of texts"),
        ("{process: {env: [A=1]}}", "adds PATH to process.env"),
        ("{annotations: {a: 1}}", "annotations is not a map of texts"),
        (
            "{mounts+: [{destination: /m, type: bind, source: /etc, options: [bind]}]}",
            "it binds what is not of its bundle",
        ),
    ] {
        let said = translate(&format!("{{summary: s, config: {config}}}"), Network::Pod);
        let said = said.expect_err(config);
        assert!(said.contains(why), "{config}: {said}");
    }
}

/// What a pod shares with its node must not be changed through the pod.
#[test]
fn without_a_network_for_pods_a_case_keeps_to_itself() {
    let caps = "&c [CAP_NET_ADMIN]";
    for (config, why) in [
        ("{hostname: other}".to_owned(), "has the node's hostname"),
        (
            "{linux: {sysctl: {kernel.domainname: a}}}".to_owned(),
            "for the whole node",
        ),
        (
            "{linux: {sysctl: {kernel/hostname: a}}}".to_owned(),
            "for the whole node",
        ),
        (
            "{linux: {sysctl: {net.core.somaxconn: '3'}}}".to_owned(),
            "for the whole node",
        ),
        (
            format!("{{process: {{capabilities: {{bounding: {caps}, effective: *c, permitted: *c}}}}}}"),
            "CAP_NET_ADMIN would reach the node's own network",
        ),
    ] {
        let case = format!("{{summary: s, config: {config}}}");
        let said = translate(&case, Network::Node).expect_err(&config);
        assert!(said.contains(why), "{config}: {said}");
        translate(&case, Network::Pod).expect(&config);
    }
}
