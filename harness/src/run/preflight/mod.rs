//! Before the first case: can this machine make containers at all, and does each runtime? What is missing is reported
//! once, in one sentence, and not as a difference in every case.

mod limits;

use ocidiff_model::CgroupVersion;
use ocidiff_model::{Case, CaseFile, Machine, Op, Record, Value, last_words};
use ocidiff_runtimes::{CgroupNeed, Needs};

use crate::cells::abilities::Abilities;
use crate::cells::runner::CellRunner;
use crate::error::Error;

pub use limits::low;

/// Capabilities that the harness itself needs, besides those that its containers get: to make cells, to look at what
/// runs in them, and to see their network.
const OWN: [&str; 3] = ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_NET_ADMIN"];

/// How much of a runtime's own words is shown.
const WORDS: usize = 300;

/// What to do when the kernel refuses something, by the end of the error as it is printed.
const CURES: [(&str, &str); 5] = [
    (
        "(os error 11)",
        "more processes are needed: raise pids.max of the cgroup that ocidiff is started in, or ulimit -u",
    ),
    ("(os error 12)", "more memory is needed"),
    ("(os error 24)", "more open files are needed: raise ulimit -n"),
    (
        "(os error 28)",
        "more room is needed under /run, or under the folder that TMPDIR names",
    ),
    (
        "/sys/fs/cgroup",
        "ocidiff makes cgroups, so /sys/fs/cgroup must be there and writable (in a container: --privileged)",
    ),
];

/// The capabilities that are missing, as one sentence that says what to do.
///
/// Without one of these, runtimes fail, or see less, for reasons that are not theirs; `default_config` is the config
/// that every case is laid over, whose capabilities a container must be able to get.
#[must_use]
pub fn lacks(abilities: &Abilities, default_config: &serde_json::Value) -> Option<String> {
    let bounding = default_config["process"]["capabilities"]["bounding"].as_array();
    let of_containers = bounding.into_iter().flatten().filter_map(|name| name.as_str());
    let missing: Vec<&str> = OWN
        .into_iter()
        .chain(of_containers.filter(|name| !OWN.contains(name)))
        .filter(|name| !abilities.has(name))
        .collect();
    if missing.is_empty() {
        return None;
    }
    Some(format!(
        "ocidiff does not have {} here, so runtimes would fail for reasons that are not theirs: run it as root with all \
         capabilities (in a container: --privileged; in a service: no CapabilityBoundingSet)",
        missing.join(", ")
    ))
}

/// Starts one plain container under each runtime; a runtime that cannot do it is taken out of the run, with a
/// sentence for each.
///
/// # Errors
/// No runtime starts it, or only one does: the machine is at fault, or there is nothing left to compare.
pub async fn plain(runner: &mut CellRunner) -> Result<Vec<String>, Error> {
    let mut left_out = leave_out(runner)?;
    left_out.extend(plain_ones(runner).await?);
    Ok(left_out)
}

/// Takes out the runtimes whose needs this machine does not meet: they would fail in every case.
fn leave_out(runner: &mut CellRunner) -> Result<Vec<String>, Error> {
    let machine = &runner.machine;
    let unmet: Vec<(String, String)> = runner
        .contenders
        .iter()
        .filter_map(|one| Some((one.id.label.clone(), unmet(&one.runtime.manifest.needs, machine)?)))
        .collect();
    if unmet.is_empty() {
        return Ok(Vec::new());
    }
    let words = told(&unmet);
    if runner.contenders.len() - unmet.len() < 2 {
        return Err(Error::broken(format!(
            "there is nothing to compare, since this machine does not have what is needed by {}",
            words.join("; ")
        )));
    }
    runner.retain(|label| unmet.iter().all(|(who, _)| who != label));
    let sentence =
        |words: String| format!("left out, since this machine does not have what is needed by {words}");
    Ok(words.into_iter().map(sentence).collect())
}

/// What a runtime needs and the machine does not have. A hybrid machine does not count as one in a cell, which shows
/// only the v1 trees.
fn unmet(needs: &Needs, machine: &Machine) -> Option<String> {
    if let Some(kernel) = needs.kernel.as_ref().filter(|kernel| machine.kernel < **kernel) {
        return Some(format!(
            "kernel {kernel} or newer, and this is {}",
            machine.kernel
        ));
    }
    match needs.cgroup {
        Some(CgroupNeed::V2) if machine.cgroup != CgroupVersion::V2 => {
            Some(format!("cgroup v2, and this is {}", machine.cgroup))
        }
        _ => None,
    }
}

async fn plain_ones(runner: &mut CellRunner) -> Result<Vec<String>, Error> {
    let records = runner.observe(&plain_case()).await.map_err(Error::broken)?;
    let failed: Vec<(String, String)> = records
        .iter()
        .filter_map(|record| Some((record.runtime.label.clone(), failure(record)?)))
        .collect();
    if failed.is_empty() {
        return Ok(Vec::new());
    }
    let words = told(&failed);
    if failed.len() == records.len() {
        return Err(Error::broken(with_cure(&format!(
            "no runtime starts a plain container on this machine: {}",
            words.join("; ")
        ))));
    }
    if records.len() - failed.len() < 2 {
        return Err(Error::broken(with_cure(&format!(
            "there is nothing to compare, since this runtime does not start a plain container on this machine: {}",
            words.join("; ")
        ))));
    }
    runner.retain(|label| failed.iter().all(|(who, _)| who != label));
    let sentence = |words: String| {
        format!("left out, since it does not start a plain container on this machine: {words}")
    };
    Ok(words.into_iter().map(sentence).collect())
}

/// Which runtimes failed and why; the same reason only once.
fn told(failed: &[(String, String)]) -> Vec<String> {
    let mut reasons: Vec<(Vec<&str>, &str)> = Vec::new();
    for (who, why) in failed {
        match reasons.iter_mut().find(|(_, known)| known == why) {
            Some((all, _)) => all.push(who),
            None => reasons.push((vec![who], why)),
        }
    }
    let line = |(who, why): (Vec<&str>, &str)| format!("{}: {why}", who.join(", "));
    reasons.into_iter().map(line).collect()
}

/// Adds what to do about it, where the kernel's own words indicate that.
pub(crate) fn with_cure(sentence: &str) -> String {
    match CURES.iter().find(|(sign, _)| sentence.contains(sign)) {
        Some((_, cure)) => format!("{sentence}; {cure}"),
        None => sentence.to_owned(),
    }
}

fn plain_case() -> Case {
    Case {
        name: "preflight/plain".to_owned(),
        source: String::new(),
        member: None,
        body: CaseFile::new("a plain container"),
    }
}

/// Why a plain container did not reach its end, if it did not.
fn failure(record: &Record) -> Option<String> {
    if let Some(why) = record.outcome.why() {
        return Some(ocidiff_reports::words_to(&why, WORDS));
    }
    let failed = record
        .steps
        .iter()
        .find(|step| step.result != ocidiff_model::record::CallResult::Ok);
    if let Some(step) = failed.filter(|step| step.op != Op::Delete) {
        let said = &last_words(&step.text);
        let ended = format!("{} ended with {}", step.label, step.result.value());
        return Some(if said.is_empty() {
            ended
        } else {
            format!("{ended}: {}", ocidiff_reports::words_to(said, WORDS))
        });
    }
    match record.value("process.exit") {
        Some(Value::Int(0)) => None,
        Some(other) => Some(format!("its process ended with {}", other.line())),
        None => Some("its process was not seen".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_runtime_needs_is_held_against_the_machine() {
        let machine = |kernel: &str, cgroup| Machine {
            kernel: kernel.parse().expect("a version"),
            cgroup,
            arch: "x86_64".to_owned(),
            via: None,
        };
        let needs = |yaml: &str| serde_yaml::from_str::<Needs>(yaml).expect(yaml);
        for (yaml, kernel, cgroup, expected) in [
            ("{}", "5.10.0-30-cloud-amd64", CgroupVersion::V1, None),
            (
                "{kernel: '5.12'}",
                "5.10.0-30-cloud-amd64",
                CgroupVersion::V1,
                Some("kernel 5.12 or newer, and this is 5.10.0-30-cloud-amd64"),
            ),
            ("{kernel: '5.12'}", "5.12.0", CgroupVersion::V1, None),
            ("{kernel: '5.12'}", "6.1.0-18", CgroupVersion::V2, None),
            (
                "{cgroup: v2}",
                "6.1",
                CgroupVersion::V1,
                Some("cgroup v2, and this is v1"),
            ),
            ("{cgroup: v2}", "6.1", CgroupVersion::V2, None),
            ("{cgroup: not-hybrid}", "6.1", CgroupVersion::V1, None),
        ] {
            assert_eq!(
                unmet(&needs(yaml), &machine(kernel, cgroup)).as_deref(),
                expected,
                "{yaml} {kernel}"
            );
        }
    }
}
