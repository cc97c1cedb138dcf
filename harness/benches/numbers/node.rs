//! `ocidiff check` on a node with a real Docker that runs many containers.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ocidiff::error::Error;
use ocidiff_model::check::CheckReport;

use super::dockerd::{Dockerd, sleeper};
use super::kinds::kinds;
use super::{memory, program, say};

/// How many shapes there are, and how many containers of each.
const SHAPES: usize = 10;
const OF_EACH: usize = 5;

/// Fifty containers in ten shapes.
pub(crate) fn node() -> Result<bool, Error> {
    let docker = Dockerd::start(&[]).ok_or_else(|| Error::broken("no dockerd"))?;
    docker.box_image().ok_or_else(|| Error::broken("no busybox"))?;
    for (kind, host) in kinds(&docker.scratch()).into_iter().take(SHAPES) {
        for number in 0..OF_EACH {
            let id = docker.create(&format!("{kind}-{number}"), sleeper(host.clone()));
            docker.post(&format!("/containers/{id}/start"));
        }
    }
    let report = tempfile::NamedTempFile::new().map_err(Error::broken)?;
    let mut peak = memory::Peak::default();
    let mut took = Duration::MAX;
    for _ in 0..super::ROUNDS {
        let started = Instant::now();
        let mut child = Command::new(program())
            .args([
                "check", "--to", "crun", "--format", "json", "--engine", "docker", "--socket",
            ])
            .arg(docker.socket())
            .arg("--exec-root")
            .arg(docker.exec_root())
            .stdin(Stdio::null())
            .stdout(report.reopen().map_err(Error::broken)?)
            .spawn()
            .map_err(Error::broken)?;
        peak.watch(&mut child)?;
        took = took.min(started.elapsed());
    }
    let text = std::fs::read_to_string(report.path()).map_err(Error::broken)?;
    let told: CheckReport = serde_json::from_str(&text).map_err(Error::broken)?;
    let workloads: usize = told.shapes.iter().map(|shape| shape.workloads.len()).sum();
    if (told.shapes.len(), workloads) != (SHAPES, SHAPES * OF_EACH) {
        return Err(Error::broken(format!(
            "{workloads} containers in {} shapes were checked",
            told.shapes.len()
        )));
    }
    let seconds = took.as_secs_f64();
    let fast = say(
        "a node of 50 containers in 10 shapes, checked",
        &format!("{seconds:.1} s"),
        "under 6 s",
        seconds < 6.0,
    );
    let (own, tree) = peak.mebibytes();
    let small = say(
        "memory of that",
        &format!("ocidiff {own:.0} MiB, with its cells {tree:.0} MiB"),
        "under 150 MiB",
        tree < 150.0,
    );
    Ok(fast && small)
}
