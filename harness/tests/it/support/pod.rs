//! A pod with one container, requested the way a kubelet does.

use ocidiff_cri::messages as m;
use ocidiff_cri::node::spec;
use ocidiff_cri::{Client, Error};

use super::containerd::{BOX, Containerd};

/// What is special about a pod; its container uses the box.
pub(crate) struct Pod {
    /// Its name, host name and uid.
    pub(crate) name: String,
    /// Its Kubernetes namespace.
    pub(crate) namespace: &'static str,
    /// The program and its arguments.
    pub(crate) command: &'static [&'static str],
    /// Its only variable, if it has one.
    pub(crate) path: Option<&'static str>,
    /// Its seccomp profile.
    pub(crate) seccomp: Option<m::SecurityProfile>,
}

impl Pod {
    /// Makes it and starts its container; returns the ids of the sandbox and of the container.
    pub(crate) async fn start(
        self,
        client: &Client,
        node: &Containerd,
        handler: &str,
    ) -> Result<(String, String), Error> {
        let (sandbox, container) = (self.sandbox(node), self.container());
        let pod = client.run_pod(sandbox.clone(), handler).await?;
        let id = client.create(&pod, container, sandbox).await?;
        client.start(&id).await?;
        Ok((pod, id))
    }

    fn sandbox(&self, node: &Containerd) -> m::PodSandboxConfig {
        m::PodSandboxConfig {
            metadata: Some(m::PodSandboxMetadata {
                name: self.name.clone(),
                uid: self.name.clone(),
                namespace: self.namespace.to_owned(),
                attempt: 0,
            }),
            hostname: self.name.clone(),
            log_directory: node.path("logs").join(&self.name).display().to_string(),
            linux: Some(m::LinuxPodSandboxConfig {
                cgroup_parent: node.cgroup(),
                security_context: Some(m::LinuxSandboxSecurityContext {
                    namespace_options: Some(own()),
                    ..m::LinuxSandboxSecurityContext::default()
                }),
                ..m::LinuxPodSandboxConfig::default()
            }),
            ..m::PodSandboxConfig::default()
        }
    }

    fn container(self) -> m::ContainerConfig {
        let variable = |path: &str| m::KeyValue {
            key: "PATH".to_owned(),
            value: path.to_owned(),
        };
        m::ContainerConfig {
            metadata: Some(m::ContainerMetadata {
                name: "web".to_owned(),
                attempt: 0,
            }),
            image: Some(spec(BOX)),
            command: self.command.iter().map(|&one| one.to_owned()).collect(),
            envs: self.path.map(variable).into_iter().collect(),
            log_path: "log".to_owned(),
            linux: Some(m::LinuxContainerConfig {
                security_context: Some(m::LinuxContainerSecurityContext {
                    namespace_options: Some(own()),
                    seccomp: self.seccomp,
                    ..m::LinuxContainerSecurityContext::default()
                }),
                ..m::LinuxContainerConfig::default()
            }),
            ..m::ContainerConfig::default()
        }
    }
}

/// The pod's network, and processes of the container's own.
fn own() -> m::NamespaceOption {
    m::NamespaceOption {
        network: m::NamespaceMode::Pod.into(),
        pid: m::NamespaceMode::Container.into(),
        ..m::NamespaceOption::default()
    }
}
