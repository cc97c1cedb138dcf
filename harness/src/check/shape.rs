//! Workloads of the same shape: what a runtime is asked for is the same, so one check speaks for all.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::Workload;
use super::tame::{Limits, Tamed, tame};
use crate::bundle::of_text;

/// Some workloads, and the probe's config for one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// A digest of what a runtime is asked for.
    pub digest: String,
    /// Their names, in the order in which they were found.
    pub workloads: Vec<String>,
    /// The probe's config.
    pub tamed: Tamed,
    /// The rootfs of the first of them.
    pub rootfs: PathBuf,
}

/// A workload whose config cannot be read, and why, in one line.
pub type Unreadable = (String, String);

/// Puts workloads of the same shape together.
#[must_use]
pub fn shapes(workloads: Vec<Workload>, limits: &Limits) -> (Vec<Shape>, Vec<Unreadable>) {
    let mut shapes: Vec<Shape> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for workload in workloads {
        let tamed = match tame(&workload.config, limits) {
            Ok(tamed) => tamed,
            Err(why) => {
                unreadable.push((workload.name, why));
                continue;
            }
        };
        if !workload.rootfs.is_dir() {
            let why = format!("the rootfs is gone: {} is no folder", workload.rootfs.display());
            unreadable.push((workload.name, why));
            continue;
        }
        let digest = digest(&tamed.config);
        if let Some(at) = places.get(&digest) {
            shapes[*at].workloads.push(workload.name);
            continue;
        }
        places.insert(digest.clone(), shapes.len());
        shapes.push(Shape {
            digest,
            workloads: vec![workload.name],
            tamed,
            rootfs: workload.rootfs,
        });
    }
    (shapes, unreadable)
}

/// Of the tamed config, without the environment, which no runtime looks at; members in any order.
fn digest(config: &Value) -> String {
    let mut shape = config.clone();
    if let Some(process) = shape.get_mut("process").and_then(Value::as_object_mut) {
        process.shift_remove("env");
    }
    of_text(&sorted(&shape).to_string())[..12].to_owned()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members = members
                .into_iter()
                .map(|(name, value)| (name.clone(), sorted(value)));
            Value::Object(members.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workload(name: &str, config: &Value) -> Workload {
        Workload {
            name: name.to_owned(),
            config: config.to_string(),
            rootfs: PathBuf::from("/"),
        }
    }

    #[test]
    fn names_and_values_make_no_shape() {
        let config = |host: &str, env: &str, cgroup: &str, nnp: bool| {
            json!({"hostname": host, "process": {"args": [host], "env": [env], "noNewPrivileges": nnp},
                   "linux": {"cgroupsPath": cgroup}})
        };
        let (shapes, unreadable) = shapes(
            vec![
                workload("a", &config("a", "A=1", "/docker/a", true)),
                workload("b", &config("b", "B=2", "/docker/b", true)),
                workload("c", &config("c", "A=1", "/docker/c", false)),
                workload("d", &json!([])),
            ],
            &Limits::default(),
        );
        let names: Vec<&[String]> = shapes.iter().map(|shape| &shape.workloads[..]).collect();
        assert_eq!(names, [&["a".to_owned(), "b".to_owned()][..], &["c".to_owned()]]);
        assert_eq!(unreadable.len(), 1);
    }
}
