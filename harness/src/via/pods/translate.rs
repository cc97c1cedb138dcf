//! From a case's config.json to the pod and the container that a CRI runtime is asked for.
//!
//! We do the kubelet's part here: masked and read-only paths, capabilities, limits and the seccomp profile are given
//! in full, so that the node's defaults do not show where the case says something else.

use std::collections::BTreeMap;

use ocidiff_cri::messages as m;
use ocidiff_model::Case;
use serde_json::Value;

use super::binds::{self, Bind};
use super::resources;
use crate::via::acts::{self, Act, Deed};
use crate::via::express::{self, Capabilities, Part, Refusal, env_of, flag, only, refuse, texts, user};

/// A case as a pod with one container.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Body {
    /// The container.
    pub container: m::ContainerConfig,
    /// What belongs to the pod: its hostname.
    pub hostname: String,
    /// And the pod's sysctls.
    pub sysctls: BTreeMap<String, String>,
    /// The case's own profile, which the node reads from a file.
    pub profile: Option<String>,
    /// The container's mounts that are bound from the bundle: these have no source yet.
    pub binds: Vec<Bind>,
    /// What is done with the container until it ends.
    pub acts: Vec<Act>,
}

/// Where a pod's network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Its own: the node has a network for pods.
    Pod,
    /// The node's own, and with it its hostname.
    Node,
}

const PROCESS: [&str; 8] = [
    "terminal",
    "user",
    "args",
    "env",
    "cwd",
    "noNewPrivileges",
    "capabilities",
    "oomScoreAdj",
];
const LINUX: [&str; 8] = [
    "cgroupsPath",
    "namespaces",
    "resources",
    "maskedPaths",
    "readonlyPaths",
    "seccomp",
    "sysctl",
    "devices",
];
/// Capabilities with which a container can change what it shares with the node.
const FAR: [&str; 2] = ["SYS_ADMIN", "NET_ADMIN"];

/// The pod and the container, without what is new each time: names, image, logs.
///
/// # Errors
/// The first part that CRI has no setting for.
pub fn body(case: &Case, config: &Value, default: &Value, network: Network) -> Result<Body, Refusal> {
    let acts = acts::of(case, &config["process"])?;
    let keys = [
        "ociVersion",
        "process",
        "root",
        "hostname",
        "mounts",
        "linux",
        "annotations",
    ];
    express::config(config, default, &keys)?;
    for act in &acts {
        if let Deed::Update(limits) = &act.deed {
            resources::changed(limits)?;
        }
    }
    let mut body = Body {
        binds: binds::of(&config["mounts"], &default["mounts"])?,
        acts,
        ..Body::default()
    };
    let annotations = express::map_of_texts(&config["annotations"], "annotations")?;
    body.container.annotations = annotations.unwrap_or_default();
    let mut security = security(config)?;
    process(&mut body, &config["process"], &mut security)?;
    hostname(&mut body, &config["hostname"], &default["hostname"], network)?;
    linux(&mut body, &config["linux"], &default["linux"], &mut security)?;
    if network == Network::Node {
        keeps_to_itself(&body, &security)?;
    }
    let resources = resources::of(
        &config["linux"]["resources"],
        &default["linux"]["resources"],
        &config["process"],
    )?;
    body.container.linux = Some(m::LinuxContainerConfig {
        resources: Some(resources),
        security_context: Some(security),
    });
    Ok(body)
}

/// What the config says about the security context.
fn security(config: &Value) -> Result<m::LinuxContainerSecurityContext, Refusal> {
    let root = &config["root"];
    only(root, "root", &["path", "readonly"])?;
    if root["path"] != "rootfs" {
        return refuse("the engine chooses root.path itself");
    }
    Ok(m::LinuxContainerSecurityContext {
        readonly_rootfs: flag(root, "readonly", "root.readonly")?.unwrap_or(false),
        ..m::LinuxContainerSecurityContext::default()
    })
}

fn process(body: &mut Body, process: &Value, security: &mut m::LinuxContainerSecurityContext) -> Part {
    only(process, "process", &PROCESS)?;
    body.container.command = match texts(&process["args"], "process.args")? {
        Some(args) if args.first().is_some_and(|program| !program.is_empty()) => args,
        _ => return refuse("the engine wants a program in process.args"),
    };
    let env = env_of(&process["env"])?;
    let pairs = env.iter().filter_map(|entry| entry.split_once('='));
    body.container.envs = pairs
        .map(|(key, value)| m::KeyValue {
            key: key.to_owned(),
            value: value.to_owned(),
        })
        .collect();
    body.container.working_dir = match process["cwd"].as_str() {
        Some(path) if path.starts_with('/') => path.to_owned(),
        _ => return refuse("the engine makes process.cwd absolute"),
    };
    body.container.tty = flag(process, "terminal", "process.terminal")?.unwrap_or(false);
    security.no_new_privs = flag(process, "noNewPrivileges", "process.noNewPrivileges")?.unwrap_or(false);
    let user = user(&process["user"])?;
    security.run_as_user = Some(m::Int64Value { value: user.uid });
    security.run_as_group = Some(m::Int64Value { value: user.gid });
    security.supplemental_groups = user.groups;
    let Capabilities(names) = Capabilities::of(&process["capabilities"])?;
    security.capabilities = Some(m::Capability {
        add_capabilities: names,
        drop_capabilities: vec!["ALL".to_owned()],
        ..m::Capability::default()
    });
    Ok(())
}

fn hostname(body: &mut Body, name: &Value, default: &Value, network: Network) -> Part {
    match name.as_str() {
        Some(_) if network == Network::Node && name != default => {
            refuse("a pod has the node's hostname where the node has no network for pods")
        }
        Some(name) if !name.is_empty() => {
            name.clone_into(&mut body.hostname);
            Ok(())
        }
        _ => refuse("the engine always sets a hostname"),
    }
}

fn linux(
    body: &mut Body,
    linux: &Value,
    default: &Value,
    security: &mut m::LinuxContainerSecurityContext,
) -> Part {
    only(linux, "linux", &LINUX)?;
    let path = linux["cgroupsPath"].as_str().unwrap_or_default();
    let own = default["cgroupsPath"].as_str().unwrap_or_default();
    if path != own.replace("${container}", ocidiff_model::step::MAIN) {
        return refuse("the engine chooses linux.cgroupsPath itself");
    }
    if linux["namespaces"] != default["namespaces"] {
        return refuse("the engine chooses the namespaces itself");
    }
    security.masked_paths = texts(&linux["maskedPaths"], "linux.maskedPaths")?.unwrap_or_default();
    security.readonly_paths = texts(&linux["readonlyPaths"], "linux.readonlyPaths")?.unwrap_or_default();
    sysctls(body, &linux["sysctl"])?;
    devices(body, &linux["devices"])?;
    let kind = profile(body, &linux["seccomp"])?;
    security.seccomp = Some(m::SecurityProfile {
        profile_type: kind.into(),
        localhost_ref: String::new(),
    });
    Ok(())
}

/// A profile of the case goes to the node in a file, verbatim.
fn profile(body: &mut Body, seccomp: &Value) -> Result<m::security_profile::ProfileType, Refusal> {
    use m::security_profile::ProfileType;
    if seccomp.is_null() {
        return Ok(ProfileType::Unconfined);
    }
    if crate::corpus::config::is_engines_own(seccomp) {
        return Ok(ProfileType::RuntimeDefault);
    }
    if !seccomp.is_object() {
        return refuse("linux.seccomp is not an object");
    }
    body.profile = Some(seccomp.to_string());
    Ok(ProfileType::Localhost)
}

fn sysctls(body: &mut Body, sysctl: &Value) -> Part {
    body.sysctls = express::sysctls(sysctl)?.unwrap_or_default();
    Ok(())
}

fn devices(body: &mut Body, devices: &Value) -> Part {
    let all = express::devices(devices)?.unwrap_or_default();
    body.container
        .devices
        .extend(all.into_iter().map(|one| m::Device {
            container_path: one.inside,
            host_path: one.here,
            permissions: "rwm".to_owned(),
        }));
    Ok(())
}

/// Sysctls of the namespace that has the hostname, in one of their two spellings.
const OF_HOSTNAME: [&str; 2] = ["kernel.domainname", "kernel.hostname"];

/// On the node's network, and with its hostname, nothing may change them.
fn keeps_to_itself(body: &Body, security: &m::LinuxContainerSecurityContext) -> Part {
    let is_nodes =
        |name: &&String| name.starts_with("net") || OF_HOSTNAME.contains(&name.replace('/', ".").as_str());
    if let Some(name) = body.sysctls.keys().find(is_nodes) {
        return refuse(format!(
            "{name} would be set for the whole node, which has no network for pods"
        ));
    }
    let names = security.capabilities.iter().flat_map(|all| &all.add_capabilities);
    match names.into_iter().find(|name| FAR.contains(&name.as_str())) {
        Some(name) => refuse(format!(
            "CAP_{name} would reach the node's own network, since the node has none for pods"
        )),
        None => Ok(()),
    }
}
