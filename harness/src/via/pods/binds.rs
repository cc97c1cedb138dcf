//! Binds of the case's own files: CRI binds folders of the node, so a pod gets its own copy of the bundle's rootfs.
//!
//! The container sees the image as its root; what it writes to a bind does not appear there.

use std::io;
use std::path::{Path, PathBuf};

use ocidiff_cri::messages as m;
use ocidiff_model::step::MAIN;
use serde_json::Value;

use crate::bundle::{Bundle, merge_layers};
use crate::paths;
use crate::via::express::{Refusal, only, refuse, texts};

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Bind {
    /// Below the bundle.
    from: PathBuf,
    to: String,
    readonly: bool,
    propagation: m::MountPropagation,
}

/// The binds among a config's mounts, the first of which are the default ones.
///
/// # Errors
/// The first mount that CRI has no setting for.
pub(super) fn of(mounts: &Value, default: &Value) -> Result<Vec<Bind>, Refusal> {
    let all = |list: &Value| list.as_array().cloned().unwrap_or_default();
    let (mounts, default) = (all(mounts), all(default));
    match mounts.strip_prefix(default.as_slice()) {
        Some(more) => more.iter().filter(|mount| !is_cgroups(mount)).map(bind).collect(),
        None => refuse("the engine makes its own mounts"),
    }
}

/// The plugin always mounts the cgroups like this; whether it does shows in what it writes.
fn is_cgroups(mount: &Value) -> bool {
    mount["type"] == "cgroup" && mount["destination"] == "/sys/fs/cgroup"
}

fn bind(mount: &Value) -> Result<Bind, Refusal> {
    only(mount, "mounts", &["destination", "type", "source", "options"])?;
    let options = texts(&mount["options"], "the options of a mount")?.unwrap_or_default();
    let is_bind = |option: &String| option == "bind" || option == "rbind";
    if mount["type"] != "bind" || !options.iter().any(is_bind) {
        return refuse("CRI has no setting for mounts but binds");
    }
    let mut bind = Bind {
        from: below_bundle(&mount["source"])?,
        to: match mount["destination"].as_str() {
            Some(place) if place.starts_with('/') => place.to_owned(),
            _ => return refuse("the engine wants an absolute destination of a mount"),
        },
        readonly: false,
        propagation: m::MountPropagation::PropagationPrivate,
    };
    for option in &options {
        match option.as_str() {
            "bind" | "rbind" | "rprivate" => {}
            "rw" => bind.readonly = false,
            "ro" => bind.readonly = true,
            "rslave" => bind.propagation = m::MountPropagation::PropagationHostToContainer,
            "rshared" => bind.propagation = m::MountPropagation::PropagationBidirectional,
            other => return refuse(format!("CRI has no setting for the mount option {other}")),
        }
    }
    Ok(bind)
}

/// Nothing of the node itself is bound.
fn below_bundle(source: &Value) -> Result<PathBuf, Refusal> {
    let bundle = paths::bundle(MAIN);
    let below = Path::new(source.as_str().unwrap_or_default()).strip_prefix(&bundle);
    match below {
        Ok(below)
            if below
                .components()
                .all(|part| matches!(part, std::path::Component::Normal(_))) =>
        {
            Ok(below.to_owned())
        }
        _ => refuse("it binds what is not of its bundle"),
    }
}

/// The binds as the node is asked for them, from a copy of the bundle in a folder, which must not exist yet.
///
/// # Errors
/// The bundle cannot be copied.
pub(super) fn place(binds: &[Bind], bundle: &Bundle, folder: &Path) -> io::Result<Vec<m::Mount>> {
    if binds.is_empty() {
        return Ok(Vec::new());
    }
    std::fs::create_dir_all(folder)?;
    merge_layers(&bundle.layers, &folder.join("rootfs"))?;
    let mount = |bind: &Bind| m::Mount {
        container_path: bind.to.clone(),
        host_path: folder.join(&bind.from).display().to_string(),
        readonly: bind.readonly,
        propagation: bind.propagation.into(),
        ..m::Mount::default()
    };
    Ok(binds.iter().map(mount).collect())
}

/// The first source that is not in the copy: the plugin would create a folder there.
pub(super) fn missing<'b>(binds: &'b [Bind], folder: &Path) -> Option<&'b Path> {
    let mut sources = binds.iter().map(|bind| bind.from.as_path());
    sources.find(|path| !folder.join(path).exists())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(mount: Value) -> Result<Bind, String> {
        let default = json!([{"destination": "/proc", "type": "proc", "source": "proc"}]);
        let mut mounts = default.clone();
        mounts.as_array_mut().expect("a list").push(mount);
        let binds = of(&mounts, &default).map_err(|why| why.to_string())?;
        assert_eq!(binds.len(), 1);
        Ok(binds[0].clone())
    }

    #[test]
    fn a_bind_of_the_bundle_is_one_of_the_node_s() {
        let mount = |options: &[&str]| {
            json!({"destination": "/mnt", "type": "bind", "source": format!("{}/rootfs/src", paths::bundle(MAIN)),
                "options": options})
        };
        let plain = Bind {
            from: PathBuf::from("rootfs/src"),
            to: "/mnt".to_owned(),
            readonly: false,
            propagation: m::MountPropagation::PropagationPrivate,
        };
        let slave = Bind {
            propagation: m::MountPropagation::PropagationHostToContainer,
            readonly: true,
            ..plain.clone()
        };
        assert_eq!(told(mount(&["bind"])), Ok(plain.clone()));
        assert_eq!(told(mount(&["rbind", "rw", "rprivate"])), Ok(plain));
        assert_eq!(told(mount(&["rbind", "rslave", "ro"])), Ok(slave));
        for (options, why) in [
            (
                &["bind", "noexec"][..],
                "CRI has no setting for the mount option noexec",
            ),
            (&["rprivate"], "CRI has no setting for mounts but binds"),
        ] {
            assert_eq!(told(mount(options)), Err(why.to_owned()));
        }
    }

    #[test]
    fn the_cgroups_are_mounted_anyway() {
        let mount =
            json!({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]});
        let elsewhere = json!({"destination": "/cgroup", "type": "cgroup", "source": "cgroup"});
        let told = |mount: Value| of(&json!([mount]), &json!([])).map_err(|why| why.to_string());
        assert_eq!(told(mount), Ok(Vec::new()));
        let why = "CRI has no setting for mounts but binds";
        assert_eq!(told(elsewhere), Err(why.to_owned()));
    }

    #[test]
    fn nothing_of_the_node_is_bound() {
        let bundle = paths::bundle(MAIN);
        for source in [
            "/etc".to_owned(),
            "rootfs/src".to_owned(),
            format!("{bundle}/../../x"),
            format!("{bundle}x"),
            String::new(),
        ] {
            let mount = json!({"destination": "/m", "type": "bind", "source": source, "options": ["bind"]});
            assert_eq!(
                told(mount),
                Err("it binds what is not of its bundle".to_owned()),
                "{source}"
            );
        }
        let refused = of(&json!([]), &json!([{"destination": "/proc"}])).map_err(|why| why.to_string());
        assert_eq!(refused, Err("the engine makes its own mounts".to_owned()));
    }
}
