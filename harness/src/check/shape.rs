//! Workloads of the same shape: the runtime is asked for the same thing, so one check covers all of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::libc::Libc;
use super::read::{Read, Reader};
use super::usual;
use crate::cell::stand_in::StandIn;
use crate::digest::of_text;
use crate::workload::env::form;
use crate::workload::ground::ground;
use crate::workload::program;
use crate::workload::tame::{Limits, NO_NET_DEVICES, Tamed, tame};
use crate::workload::{UNCHECKED, Workload};

/// Some workloads, and the probe's config for one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// A digest of what a runtime is asked for.
    pub digest: String,
    /// Their names, in the order in which they were found.
    pub workloads: Vec<String>,
    /// The probe's config.
    pub tamed: Tamed,
    /// The workload's own command, if that should be run too.
    pub own: Option<Own>,
    /// What the config alone shows.
    pub read: Vec<Read>,
    /// Which C library their files have.
    pub libc: Libc,
    /// The layers of the rootfs of the first workload.
    pub layers: Vec<PathBuf>,
}

/// Whether the workload's own command is run too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// It is.
    pub run: bool,
    /// Another command, in place of its own.
    pub command: Option<Vec<String>>,
}

/// What a workload runs. It holds secrets: none of it is reported.
#[derive(Clone, PartialEq, Eq)]
pub struct Own {
    /// The program and its arguments.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<String>,
    /// What stands in for the host's files, without the probe in place of its program.
    pub stand_ins: Vec<StandIn>,
}

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Own({} arguments, {} variables)",
            self.args.len(),
            self.env.len()
        )
    }
}

impl Own {
    fn of(config: &Value, command: Option<&[String]>, stand_ins: &[StandIn]) -> Self {
        Self {
            args: command.map_or_else(|| texts(config, "/process/args"), <[String]>::to_vec),
            env: texts(config, "/process/env"),
            stand_ins: stand_ins.to_vec(),
        }
    }
}

fn texts(config: &Value, pointer: &str) -> Vec<String> {
    let list = config.pointer(pointer).and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// A workload whose config cannot be read, and why, in one line.
pub type Unreadable = (String, String);

/// Groups workloads of the same shape.
#[must_use]
pub fn shapes(
    workloads: Vec<Workload>,
    limits: &Limits,
    reader: &Reader<'_>,
    options: &RunOptions,
) -> (Vec<Shape>, Vec<Unreadable>) {
    let mut shapes: Vec<Shape> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for workload in workloads {
        let mut tamed = match tame(&workload.config, &workload.layers, limits) {
            Ok(tamed) => tamed,
            Err(why) => {
                unreadable.push((workload.name, why));
                continue;
            }
        };
        if let Some(gone) = workload.layers.iter().find(|layer| !layer.is_dir()) {
            let why = format!("the rootfs is gone: {} is not a folder", gone.display());
            unreadable.push((workload.name, why));
            continue;
        }
        // What is not checked is not so for another workload of the shape either.
        let (doubts, without) = doubts(workload.without);
        tamed.changes.extend(doubts);
        let config = serde_json::from_str(&workload.config).unwrap_or_default();
        if reader.neither_knows("linux.netDevices", &config) {
            tamed.changes.retain(|line| !line.ends_with(NO_NET_DEVICES));
        }
        tamed.network_is_not_its_own |= usual::network_comes_later(&config);
        let own = options
            .run
            .then(|| Own::of(&config, options.command.as_deref(), &tamed.stand_ins));
        let args = own
            .as_ref()
            .map_or_else(|| texts(&config, "/process/args"), |own| own.args.clone());
        let tried = match args.first() {
            Some(program) => program::place(&mut tamed, &config, program, &workload.layers),
            None => tamed.config.clone(),
        };
        let read = reader.read(&config, &tried);
        let libc = Libc::of(&workload.layers);
        let ground = ground(&config, &workload.layers);
        let digest = digest(&tamed, &libc, &read, own.as_ref(), (&ground, &workload.layers));
        if let Some(at) = places.get(&digest) {
            shapes[*at].workloads.push(workload.name);
            continue;
        }
        places.insert(digest.clone(), shapes.len());
        shapes.push(Shape {
            digest,
            workloads: vec![workload.name],
            tamed: Tamed {
                changes: tamed.changes.into_iter().chain(without).collect(),
                ..tamed
            },
            own,
            read,
            libc,
            layers: workload.layers,
        });
    }
    (shapes, unreadable)
}

/// Of what is said about a workload, what is not checked, and the rest.
fn doubts(all: Vec<String>) -> (Vec<String>, Vec<String>) {
    all.into_iter().partition(|line| line.starts_with(UNCHECKED))
}

/// The digest covers what the probe is run with (without the environment, of which a runtime looks only at the form;
/// with members in any order), what it is run without, what was read, and the properties of its files where they
/// matter; if the command is run, also the command and the files that it is run with.
fn digest(
    tamed: &Tamed,
    libc: &Libc,
    read: &[Read],
    own: Option<&Own>,
    (ground, layers): (&str, &[PathBuf]),
) -> String {
    let mut shape = tamed.config.clone();
    let env = form(shape.pointer("/process/env").unwrap_or(&Value::Null));
    if let Some(process) = shape.get_mut("process").and_then(Value::as_object_mut) {
        process.shift_remove("env");
    }
    let read: Vec<&str> = read.iter().map(|read| read.finding.what.as_str()).collect();
    let mut whole = json!([
        sorted(&shape),
        tamed.changes,
        read,
        tamed.stand_ins,
        tamed.files,
        looked_for(&tamed.config),
        env,
        format!("{:?} {libc:?}", tamed.uses),
        ground
    ]);
    if let Some(whole) = whole.as_array_mut() {
        whole.extend(own.map(|own| json!([own.args, own.env])));
        whole.extend((own.is_some() || tamed.alone).then(|| json!(layers)));
    }
    of_text(&whole.to_string())[..12].to_owned()
}

/// Where the copy's program is searched for, if it is.
fn looked_for(config: &Value) -> Option<Vec<String>> {
    let program = config.pointer("/process/args/0").and_then(Value::as_str)?;
    (!program.contains('/')).then(|| {
        let mut all = texts(config, "/process/env");
        all.retain(|one| one.starts_with("PATH="));
        all
    })
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
    use super::super::features::Features;
    use super::super::from_to::Move;
    use super::*;
    use crate::corpus::Corpus;

    fn workload(name: &str, config: &Value) -> Workload {
        Workload {
            name: name.to_owned(),
            config: config.to_string(),
            layers: vec![PathBuf::from("/")],
            without: Vec::new(),
        }
    }

    #[test]
    fn names_and_values_make_no_shape() {
        let config = |host: &str, env: &str, cgroup: &str, nnp: bool| {
            json!({"hostname": host, "process": {"args": ["/bin/sh", host], "env": [env], "noNewPrivileges": nnp},
                   "linux": {"cgroupsPath": cgroup}})
        };
        let who = ocidiff_model::RuntimeId {
            name: "x".to_owned(),
            version: "1.0".parse().expect("a version"),
            label: "x".to_owned(),
        };
        let machine = ocidiff_model::known::Machine {
            kernel: "6.1".parse().expect("a version"),
            cgroup: ocidiff_model::CgroupVersion::V1,
            arch: "x86_64".to_owned(),
            via: None,
        };
        let reader = Reader {
            step: Move { from: &who, to: &who },
            corpus: &Corpus::default(),
            machine: &machine,
            features: &Features::default(),
        };
        let (shapes, unreadable) = shapes(
            vec![
                workload("a", &config("a", "A=1", "/docker/a", true)),
                workload("b", &config("b", "B=2", "/docker/b", true)),
                workload("c", &config("c", "A=1", "/docker/c", false)),
                workload("d", &json!([])),
            ],
            &Limits::default(),
            &reader,
            &RunOptions::default(),
        );
        let names: Vec<&[String]> = shapes.iter().map(|shape| &shape.workloads[..]).collect();
        assert_eq!(names, [&["a".to_owned(), "b".to_owned()][..], &["c".to_owned()]]);
        assert_eq!(unreadable.len(), 1);
    }
}
