//! `ocidiff report --merge` over the event files of a large cluster.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ocidiff::error::Error;
use serde_json::{Value, json};

use super::{ROUNDS, memory, program, say};

/// The cluster: workloads of a node, and shapes of all.
const NODES: usize = 1000;
const WORKLOADS: usize = 50;
const SHAPES: usize = 40;

/// Merges the nodes' files, and draws them as Markdown.
pub(crate) fn fleet() -> Result<bool, Error> {
    let folder = tempfile::tempdir().map_err(Error::broken)?;
    for node in 0..NODES {
        let name = format!(
            "ip-10-0-{}-{}.eu-central-1.compute.internal",
            node / 256,
            node % 256
        );
        let lines: String = events(&name, node)
            .iter()
            .map(|event| format!("{event}\n"))
            .collect();
        std::fs::write(folder.path().join(format!("{node:04}.jsonl")), lines).map_err(Error::broken)?;
    }
    let (mut peak, mut took) = (memory::Peak::default(), Duration::MAX);
    let report = folder.path().join("report.md");
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let mut child = merge(folder.path(), &report)?;
        peak.watch(&mut child)?;
        took = took.min(started.elapsed());
    }
    let bytes = std::fs::metadata(&report).map_err(Error::broken)?.len();
    let (memory, _) = peak.mebibytes();
    let holds = took < Duration::from_secs(10) && memory < 500.0 && (1..200_000).contains(&bytes);
    Ok(say(
        "1,000 nodes' checks merged, as Markdown",
        &format!(
            "{:.1} s, {memory:.0} MiB, {} kB",
            took.as_secs_f64(),
            bytes / 1000
        ),
        "10 s, 500 MB, 200 kB",
        holds,
    ))
}

fn merge(folder: &Path, report: &Path) -> Result<std::process::Child, Error> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .map_err(Error::broken)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .collect();
    files.sort();
    Command::new(program())
        .args(["report", "--merge", "--format", "markdown", "--output"])
        .arg(report)
        .args(files)
        .stdout(Stdio::null())
        .spawn()
        .map_err(Error::broken)
}

/// The events of one node.
fn events(name: &str, node: usize) -> Vec<Value> {
    let runtime = |name: &str, version: &str| json!({"name": name, "version": version, "label": name});
    let mut events = vec![
        json!({"event": "check-started", "ocidiff": "0.1.0", "time": 1_790_000_000 + node,
        "node": name, "from": runtime("runc", "1.1.5"), "to": runtime("crun", "1.28")}),
    ];
    for shape in 0..SHAPES {
        // A workload that has more than one has a different one on each node.
        let of_it = 1 + usize::from((shape + node) % SHAPES < WORKLOADS - SHAPES);
        let workloads: Vec<String> = (0..of_it)
            .map(|at| format!("shop-{}/deployment-{shape}-{node:010x}-{at:05x}/web", shape % 7))
            .collect();
        let findings: Vec<Value> = (0..shape % 6).map(|at| finding(shape, at)).collect();
        events.push(
            json!({"event": "shape-checked", "digest": format!("{shape:012x}"), "workloads": workloads,
            "changes": ["the host's devices are left out"], "findings": findings}),
        );
    }
    if node.is_multiple_of(7) {
        events.push(
            json!({"event": "workload-unchecked", "workload": format!("shop/vault-{node}/vault"),
            "why": "joins a network namespace that is not there"}),
        );
    }
    events.push(json!({"event": "check-finished", "exit": "differs"}));
    events
}

fn finding(shape: usize, at: usize) -> Value {
    let impact = ["security", "breaks", "may-break", "cosmetic"][(shape + at) % 4];
    json!({"impact": impact, "what": format!("lifecycle.step{at}.fact{}", shape % 12), "from": "0", "to": "2",
        "reason": "the runtime does something else here, and says so in a sentence of the usual length of such sentences",
        "remedy": "give the container a cured profile: ocidiff seccomp CONFIG.JSON --fix enosys", "depth": "read",
        "id": format!("crun/finding-{at}-{}", shape % 12)})
}
