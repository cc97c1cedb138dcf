//! What of the machine decides whether a case can run.

use std::path::Path;

use ocidiff_model::known::Machine;
use ocidiff_model::{Case, Needs};

use super::controllers::{unseen, used};
use crate::cell::pin::needs::{Unpinned, lacking_for, unpinned};
use crate::corpus::config::is_engines_own;
use crate::machine::cgroup::Layout;

/// What of the machine decides whether a case can run.
#[derive(Debug, Clone)]
pub struct Abilities {
    /// Kernel, cgroup version, architecture.
    pub machine: Machine,
    /// Controllers that a container can use.
    pub controllers: Vec<String>,
    /// The harness's own effective capabilities, as a mask.
    pub capabilities: u64,
    /// What cells inherit from the process that started the harness, and cannot be made the same everywhere.
    pub unpinned: Vec<Unpinned>,
}

impl Abilities {
    /// Looks at the machine.
    ///
    /// # Errors
    /// The kernel's version or the cgroups cannot be read.
    pub fn probe() -> std::io::Result<Self> {
        let uname = rustix::system::uname();
        let release = uname.release().to_string_lossy().into_owned();
        let kernel = release.parse().map_err(std::io::Error::other)?;
        let arch = uname.machine().to_string_lossy().into_owned();
        let layout = Layout::of_machine()?;
        let status = std::fs::read_to_string("/proc/self/status")?;
        let effective = status
            .lines()
            .find_map(|line| line.strip_prefix("CapEff:"))
            .unwrap_or_default();
        Ok(Self {
            machine: Machine {
                kernel,
                cgroup: layout.version(),
                arch,
                via: None,
            },
            controllers: layout.controllers(),
            capabilities: u64::from_str_radix(effective.trim(), 16).unwrap_or(0),
            unpinned: unpinned(),
        })
    }

    /// What a case needs but is not there: its needs, and the folders of its rootfs.
    #[must_use]
    pub fn missing_of(&self, case: &Case) -> Option<String> {
        let rootfs = &case.body.rootfs;
        let unpinned = || self.unpinned.iter().find(|one| one.concerns(case));
        let unpinned = || unpinned().map(|one| format!("needs {}", one.why));
        let caller = || lacking_for(&case.body.caller, |name| self.has(name));
        let caller = || caller().map(|name| format!("needs {name}"));
        let engine = || {
            let seccomp = &case.body.config["linux"]["seccomp"];
            let is_lost = self.machine.via.is_none() && is_engines_own(seccomp);
            is_lost
                .then(|| "needs an engine with its own seccomp profile: --via cri, --via docker".to_owned())
        };
        let controller = || {
            let mut used = used(case, self.machine.cgroup).into_iter();
            let missing = used.find(|name| !self.controllers.iter().any(|there| there == name));
            missing.map(|name| format!("needs the cgroup controller {name}"))
        };
        self.missing(&case.body.needs)
            .or_else(controller)
            .or_else(|| unseen(case, self.machine.cgroup, &self.controllers))
            .or_else(unpinned)
            .or_else(caller)
            .or_else(engine)
            .or_else(|| {
                let gone = rootfs.layers().iter().find(|layer| !Path::new(layer).is_dir())?;
                Some(if rootfs.name() == gone {
                    format!("needs the rootfs {gone}")
                } else {
                    format!("needs the rootfs of {}, which is gone: {gone}", rootfs.name())
                })
            })
    }

    /// The first need that is not met, such as `needs cgroup v2`.
    #[must_use]
    pub fn missing(&self, needs: &Needs) -> Option<String> {
        let machine = &self.machine;
        if let Some(arch) = needs.arch.as_ref().filter(|arch| **arch != machine.arch) {
            return Some(format!("needs {arch}"));
        }
        if let Some(range) = needs
            .kernel
            .as_ref()
            .filter(|range| !range.holds(&machine.kernel))
        {
            return Some(format!("needs kernel {range}"));
        }
        if let Some(cgroup) = needs.cgroup.filter(|cgroup| *cgroup != machine.cgroup) {
            return Some(format!("needs cgroup {cgroup}"));
        }
        let controller = needs
            .controllers
            .iter()
            .find(|name| !self.controllers.contains(name));
        if let Some(name) = controller {
            return Some(format!("needs the cgroup controller {name}"));
        }
        if let Some(name) = needs.capabilities.iter().find(|name| !self.has(name)) {
            return Some(format!("needs {name}"));
        }
        if let Some(path) = needs.paths.iter().find(|path| !Path::new(path).exists()) {
            return Some(format!("needs {path}"));
        }
        let namespace = needs
            .namespaces
            .iter()
            .find(|kind| !Path::new(&format!("/proc/self/ns/{kind}")).exists());
        if let Some(kind) = namespace {
            return Some(format!("needs {kind} namespaces"));
        }
        let online = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        needs
            .cpus
            .filter(|cpus| *cpus as usize > online)
            .map(|cpus| format!("needs {cpus} CPUs"))
    }

    /// Whether the harness has a capability, named with `CAP_`.
    #[must_use]
    pub fn has(&self, capability: &str) -> bool {
        crate::machine::names::capability_number(capability)
            .is_some_and(|bit| self.capabilities >> bit & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_that_is_not_met_says_what_is_missing() {
        let machine = Machine {
            kernel: "6.1".parse().expect("version"),
            cgroup: ocidiff_model::CgroupVersion::V1,
            arch: "x86_64".into(),
            via: None,
        };
        let able = Abilities {
            machine,
            controllers: vec!["pids".into()],
            capabilities: 1,
            unpinned: Vec::new(),
        };
        let missing = |yaml: &str| able.missing(&serde_yaml::from_str(yaml).expect("needs"));
        for (yaml, expected) in [
            (
                "{arch: x86_64, kernel: '>=5', cgroup: v1, controllers: [pids], capabilities: [CAP_CHOWN]}",
                None,
            ),
            ("{kernel: '>=6.6'}", Some("needs kernel >=6.6")),
            ("{cgroup: v2}", Some("needs cgroup v2")),
            (
                "{controllers: [pids, rdma]}",
                Some("needs the cgroup controller rdma"),
            ),
            (
                "{capabilities: [CAP_SYS_RESOURCE]}",
                Some("needs CAP_SYS_RESOURCE"),
            ),
            ("{paths: [/no/such/thing]}", Some("needs /no/such/thing")),
            ("{cpus: 4096}", Some("needs 4096 CPUs")),
        ] {
            assert_eq!(missing(yaml).as_deref(), expected, "{yaml}");
        }
        let with = |rest: &str| {
            let body: ocidiff_model::CaseFile =
                serde_yaml::from_str(&format!("{{summary: s, {rest}}}")).expect("a case");
            able.missing_of(&Case {
                name: "t/c".to_owned(),
                source: String::new(),
                member: None,
                body,
            })
        };
        let of = |rootfs: &str| with(&format!("rootfs: {rootfs}"));
        // With no engine, there is no engine's profile either.
        let own = with("config: {linux: {seccomp: {$profile: RuntimeDefault}}}");
        assert!(own.is_some_and(|why| why.contains("needs an engine with its own seccomp profile")));
        for (rest, controller) in [
            (
                "config: {linux: {resources: {memory: {limit: 1}, pids: {limit: 1}}}}",
                Some("memory"),
            ),
            ("config: {linux: {resources: {cpu: {cpus: '0'}}}}", Some("cpuset")),
            (
                "config: {linux: {resources: {memory: {}, cpu: {shares: null}, devices: []}}}",
                None,
            ),
            ("steps: [create, start, pause, resume, wait]", Some("freezer")),
            (
                "steps: [create, {update: {resources: {cpu: {shares: 2}}}}]",
                Some("cpu"),
            ),
        ] {
            let needed = controller.map(|name| format!("needs the cgroup controller {name}"));
            assert_eq!(with(rest), needed, "{rest}");
        }
        for (rest, missing) in [
            ("watch: {cgroup: [pids.max]}", None),
            ("watch: {cgroup: [path.memory, '*', inside.pids]}", None),
            ("watch: {cgroup: [cgroup.freeze]}", None),
            (
                "watch: {cgroup: [pids.max, memory.high]}",
                Some("needs cgroup v2 (for cgroup.memory.high)"),
            ),
            (
                "expect: {cgroup.cpu.weight: (absent)}",
                Some("needs cgroup v2 (for cgroup.cpu.weight)"),
            ),
            ("watch: {cgroup: [io]}", Some("needs cgroup v2 (for cgroup.io)")),
            (
                "watch: {cgroup: [cpu]}",
                Some("needs the cgroup controller cpu (for cgroup.cpu)"),
            ),
        ] {
            assert_eq!(with(rest).as_deref(), missing, "{rest}");
        }
        assert_eq!(of("{layers: [/usr, /]}"), None);
        let gone = of("{image: 'web:1', layers: [/usr, /no/such]}");
        assert_eq!(
            gone.as_deref(),
            Some("needs the rootfs of web:1, which is gone: /no/such")
        );
        assert_eq!(
            of("{layers: [/no/such]}").as_deref(),
            Some("needs the rootfs /no/such")
        );
    }
}
