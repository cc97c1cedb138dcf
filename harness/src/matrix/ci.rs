//! A plan in the form that a CI service or a cluster takes: these are the engines that run its parts at the same time.

use ocidiff_reports::count;
use serde_json::json;

use super::plan::Plan;
use super::shard::Times;
use crate::repro::shell;

/// A matrix for GitHub Actions: `strategy.matrix: ${{ fromJSON(...) }}`, with an entry for each part. `options` are what
/// each part has to be given besides: the file and the cases of the plan.
#[must_use]
pub fn github(plan: &Plan, parts: usize, options: &[String]) -> String {
    let part = |number: usize| {
        let mut part = json!({"shard": format!("{number}/{parts}"), "plan": plan.name});
        if !options.is_empty() {
            part["options"] = shell(options).into();
        }
        part
    };
    let include: Vec<_> = (1..=parts).map(part).collect();
    format!("{}\n", json!({"include": include}))
}

/// An Indexed Job: part K of N runs in the pod with the index K-1, and leaves its events in the volume.
#[must_use]
pub fn kubernetes(plan: &Plan, parts: usize, image: &str, options: &[String]) -> String {
    let options: String = options
        .iter()
        .map(|word| format!(" {}", shell(std::slice::from_ref(word))))
        .collect();
    let script = format!(
        "exec ocidiff matrix run {}{options} --shard $((JOB_COMPLETION_INDEX + 1))/{parts} --resume --out \
         /events/$JOB_COMPLETION_INDEX",
        plan.name
    );
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": format!("ocidiff-matrix-{}", plan.name.to_lowercase().replace(['_', '.'], "-"))},
        "spec": {
            "completionMode": "Indexed",
            "completions": parts,
            "parallelism": parts,
            "backoffLimitPerIndex": 2,
            "maxFailedIndexes": parts,
            "template": {"spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": false,
                "containers": [{
                    "name": "matrix",
                    "image": image,
                    "command": ["/bin/sh", "-c", script],
                    "securityContext": {"privileged": true},
                    "volumeMounts": [{"name": "events", "mountPath": "/events"}],
                }],
                "volumes": [{
                    "name": "events",
                    "persistentVolumeClaim": {"claimName": "ocidiff-events"},
                }],
            }},
        },
    });
    serde_yaml::to_string(&job).unwrap_or_default()
}

/// A plan for people: one line per cell.
#[must_use]
pub fn text(plan: &Plan, times: &Times) -> String {
    let mut lines = String::new();
    let mut all = 0.0;
    for cell in &plan.cells {
        let seconds = times.of_cell(cell);
        all += seconds;
        let part = if cell.cases.len() < cell.of {
            format!(" of {}", cell.of)
        } else {
            String::new()
        };
        lines.push_str(&format!(
            "{:22} {:4}{part} {:5}  {:>8}  {}\n",
            cell.axis,
            cell.cases.len(),
            if cell.of == 1 { "case" } else { "cases" },
            lasting(seconds),
            cell.runtimes.join(" ")
        ));
    }
    lines.push_str(&format!(
        "{}, about {}\n",
        count(plan.cells.len(), "cell"),
        lasting(all)
    ));
    lines
}

/// A duration, in at most two units.
#[must_use]
pub fn lasting(seconds: f64) -> String {
    let whole = seconds.clamp(0.0, 1e9).round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, _) => format!("{minutes} min"),
        (hours, minutes, _) => format!("{hours} h {minutes:02}"),
    }
}
