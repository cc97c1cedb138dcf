//! Stands in for the eBPF backend where that was not built: says so when it is asked for.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::record::SetupCall;
use crate::{Error, OnExec, Options, Pid, Recorder, Recording};

/// The loaded programs: there are none.
#[derive(Debug, Clone, Copy)]
pub struct Loaded(());

/// Where one run's events go: nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Index of the run.
    pub slot: u32,
    /// Size of the ring, in bytes.
    pub size: u32,
}

/// What would bar devices and sysctls for a cgroup.
#[derive(Debug)]
pub struct Wall(());

/// The role in which a process is enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The harness.
    Harness,
    /// A runtime.
    Runtime,
}

/// Records nothing, since the backend is not there.
#[derive(Debug, Clone)]
pub struct EbpfRecorder(());

fn absent<T>() -> Result<T, Error> {
    Err(Error::Ebpf {
        doing: "load the programs",
        why: "this ocidiff was built without clang, or without the feature `ebpf`".to_owned(),
    })
}

impl Loaded {
    /// Fails.
    ///
    /// # Errors
    /// Always.
    pub fn load() -> Result<Self, Error> {
        absent()
    }

    /// How long loading took.
    #[must_use]
    pub fn took(&self) -> Duration {
        Duration::ZERO
    }

    /// Makes a place for one run at a time.
    ///
    /// # Errors
    /// Always.
    pub fn place(&self, _slot: u32, _size: u32) -> Result<Place, Error> {
        absent()
    }
}

impl Wall {
    /// Fails.
    ///
    /// # Errors
    /// Always.
    pub fn raise(_cgroup: &Path, _sysctls: &[&str]) -> Result<Self, Error> {
        absent()
    }

    /// Fails.
    ///
    /// # Errors
    /// Always.
    pub fn allow(&self, _devices: &[(u32, u32)]) -> Result<(), Error> {
        absent()
    }
}

impl EbpfRecorder {
    /// Fails.
    ///
    /// # Errors
    /// Always.
    pub fn open(_place: Place) -> Result<Self, Error> {
        absent()
    }

    /// Fails.
    ///
    /// # Errors
    /// Always.
    pub fn enrol(_place: &Place, _role: Role) -> Result<(), Error> {
        absent()
    }

    /// What has been done so far belongs to the previous steps.
    pub fn phase(&self, _label: &str) {}

    /// What runtimes have done since this was last asked.
    #[must_use]
    pub fn take_setup(&self) -> Vec<SetupCall> {
        Vec::new()
    }

    /// How many events were lost.
    ///
    /// # Errors
    /// Always.
    pub fn lost(&self) -> Result<u64, Error> {
        absent()
    }
}

impl Recorder for EbpfRecorder {
    fn attach(&self, _init: Pid, _options: Options, _on_exec: OnExec) -> Result<Box<dyn Recording>, Error> {
        absent()
    }
}
