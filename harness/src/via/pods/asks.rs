//! What the plugin is asked for: a pod, and the container in it.

use std::path::Path;

use ocidiff_cri::messages as m;
use ocidiff_cri::node::spec;
use ocidiff_engines::remote::{CallError, PLACE, RUN};
use ocidiff_model::step::MAIN;

use super::translate::{Body, Network};
use super::{LOG, Pods};
use crate::digest::of_text;
use crate::via::makes::Ask;

/// The namespace of pods; each has a uid of its own.
const NAMESPACE: &str = "ocidiff";
const POD: &str = "case";
/// Where pods without a setting are, if the runtimes leave cgroups to systemd: having no slice is not possible.
const SLICE: &str = "/system.slice";

impl Pods {
    /// The pod in which one of our containers is alone.
    pub(super) fn sandbox(
        &self,
        (handler, body): (&str, &Body),
        (name, logs): (&str, &Path),
    ) -> m::PodSandboxConfig {
        let options = m::NamespaceOption {
            network: match self.network {
                Network::Pod => m::NamespaceMode::Pod.into(),
                Network::Node => m::NamespaceMode::Node.into(),
            },
            pid: m::NamespaceMode::Container.into(),
            ..m::NamespaceOption::default()
        };
        let default = m::SecurityProfile {
            profile_type: m::security_profile::ProfileType::RuntimeDefault.into(),
            localhost_ref: String::new(),
        };
        let labels = [(RUN, &self.labels.run), (PLACE, &self.labels.place)];
        m::PodSandboxConfig {
            metadata: Some(m::PodSandboxMetadata {
                name: POD.to_owned(),
                uid: uid(&self.labels.run, name),
                namespace: NAMESPACE.to_owned(),
                attempt: 0,
            }),
            hostname: self.hostname_of_pod(body),
            log_directory: logs.display().to_string(),
            labels: labels
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .into(),
            linux: Some(m::LinuxPodSandboxConfig {
                cgroup_parent: self.parent(handler),
                sysctls: body.sysctls.clone(),
                security_context: Some(m::LinuxSandboxSecurityContext {
                    namespace_options: Some(options),
                    seccomp: Some(default),
                    ..m::LinuxSandboxSecurityContext::default()
                }),
                ..m::LinuxPodSandboxConfig::default()
            }),
            ..m::PodSandboxConfig::default()
        }
    }

    /// The container in it.
    pub(super) fn container(
        &self,
        ask: &Ask<'_, Body>,
        sandbox: &m::PodSandboxConfig,
    ) -> Result<m::ContainerConfig, CallError> {
        let mut config = ask.body.container.clone();
        config.metadata = Some(m::ContainerMetadata {
            name: MAIN.to_owned(),
            attempt: 0,
        });
        config.image = Some(spec(ask.image));
        LOG.clone_into(&mut config.log_path);
        let linux = sandbox
            .linux
            .as_ref()
            .and_then(|linux| linux.security_context.clone());
        let own = config
            .linux
            .as_mut()
            .and_then(|linux| linux.security_context.as_mut());
        if let Some(own) = own {
            own.namespace_options = linux.and_then(|linux| linux.namespace_options);
            if let Some(profile) = &ask.body.profile
                && let Some(seccomp) = &mut own.seccomp
            {
                let path = self.profiles.path(profile);
                let path = path.map_err(|error| CallError::Failed(format!("write a profile: {error}")))?;
                seccomp.localhost_ref = path.display().to_string();
            }
        }
        Ok(config)
    }

    /// The node's network comes with its hostname: a pod that names one does not start then.
    pub(super) fn hostname_of_pod(&self, body: &Body) -> String {
        match self.network {
            Network::Pod => body.hostname.clone(),
            Network::Node => String::new(),
        }
    }

    /// The parent of a pod's cgroup: runtimes that use systemd do not accept an empty one.
    fn parent(&self, handler: &str) -> String {
        let by_systemd = |one: &&ocidiff_cri::node::Handler| one.name == handler && one.systemd_cgroup;
        let default = self
            .node
            .handlers
            .iter()
            .find(by_systemd)
            .map(|_| SLICE.to_owned());
        self.cgroup.clone().or(default).unwrap_or_default()
    }
}

/// New for each pod, and made of digits that records remove.
fn uid(run: &str, name: &str) -> String {
    of_text(&format!("{run} {name}")).chars().take(32).collect()
}
