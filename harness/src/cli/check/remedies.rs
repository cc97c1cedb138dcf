//! Remedies that were tested: a cured profile is loaded under both runtimes before it is recommended, and what is not
//! tested is reported as such.

use std::collections::BTreeMap;

use ocidiff_model::Impact;
use ocidiff_model::check::{Finding, NodeEngine};
use ocidiff_reports::word;
use ocidiff_runtimes::Origin;
use serde_json::Value;
use tokio::sync::Mutex;

use super::super::seccomp;
use super::super::seccomp::args::FixArg;
use crate::cells::participants::Contender;
use crate::cells::runner::CellRunner;
use crate::check::calls::CURE;
use crate::check::usual::drops;
use crate::digest::of_text;
use crate::error::Error;

/// What an engine must pass on for a profile in which unknown calls return ENOSYS.
const MEMBER: &str = "defaultErrnoRet";

/// The results of cures, by profile and runtimes: many workloads share them.
#[derive(Default)]
pub(super) struct Cures(Mutex<BTreeMap<String, bool>>);

impl Cures {
    /// Replaces the advice to make a cure with what was found out about it.
    pub(super) async fn try_out(
        &self,
        runner: &CellRunner,
        findings: &mut [Finding],
        config: &Value,
        engine: Option<&NodeEngine>,
    ) -> Result<(), Error> {
        let Some(profile) = config.pointer("/linux/seccomp") else {
            return Ok(());
        };
        let mut asking = findings
            .iter_mut()
            .filter(|one| one.remedy.as_deref() == Some(CURE))
            .peekable();
        if asking.peek().is_none() {
            return Ok(());
        }
        let dropped = engine.is_some_and(|engine| drops(&engine.name, &engine.version, MEMBER));
        let (how, name) = if dropped {
            (FixArg::Allow, "allow")
        } else {
            (FixArg::Enosys, "enosys")
        };
        let helps = self.helps(runner, profile, how).await?;
        let text = said(
            helps,
            &format!("{name}{}", selectors(runner)),
            dropped,
            engine,
            &labels(runner),
        );
        asking.for_each(|one| one.remedy = Some(text.clone()));
        Ok(())
    }

    async fn helps(&self, runner: &CellRunner, profile: &Value, how: FixArg) -> Result<bool, Error> {
        let programs = runner.contenders.iter().map(|one| one.runtime.digest.as_str());
        let programs = programs.collect::<Vec<_>>().join(" ");
        let key = of_text(&format!("{how:?} {programs} {profile}"));
        // Held until the result is known: others with the same profile wait for it.
        let mut known = self.0.lock().await;
        if let Some(helps) = known.get(&key) {
            return Ok(*helps);
        }
        let helps = seccomp::helps(runner, profile, how).await?;
        known.insert(key, helps);
        Ok(helps)
    }
}

fn labels(runner: &CellRunner) -> String {
    let labels = runner.contenders.iter().map(|one| one.id.label.as_str());
    labels.collect::<Vec<_>>().join(" and ")
}

/// The two runtimes in the form that another command takes.
fn selectors(runner: &CellRunner) -> String {
    let selector = |one: &Contender| {
        let runtime = &one.runtime;
        match runtime.origin {
            Origin::Store(_) | Origin::Path if !runtime.version.is_local() => runtime.label(),
            _ => format!("{}={}", runtime.name(), runtime.path.display()),
        }
    };
    let all = runner.contenders.iter().map(selector);
    all.map(|one| format!(" --runtime {}", word(&one))).collect()
}

fn said(helps: bool, how: &str, dropped: bool, engine: Option<&NodeEngine>, who: &str) -> String {
    if !helps {
        return format!(
            "allow in its profile the newer calls that it makes; none of the profiles that ocidiff makes of it \
                does what it is for (ocidiff seccomp CONFIG.JSON --fix {how} says why)"
        );
    }
    let mut text = format!(
        "give the container a cured profile: ocidiff seccomp CONFIG.JSON --fix {how} (proven here: {who} load it and \
         answer alike"
    );
    if let Some(engine) = engine {
        let engine = match engine.version.as_str() {
            "unknown" => engine.name.clone(),
            version => format!("{} {version}", engine.name),
        };
        if dropped {
            text.push_str(&format!(
                "; {engine} leaves {MEMBER} out, so that --fix enosys does not help"
            ));
        }
        text.push_str(&format!("; through {engine} it was not tried here"));
    }
    text.push(')');
    text
}

/// Pods can stay where they are, one by one: that too is a remedy.
pub(super) fn stay_in_place(findings: &mut [Finding], handler: &str) {
    let stay = format!("let its pods keep {handler} through a RuntimeClass with this handler");
    for finding in findings.iter_mut().filter(|one| one.impact > Impact::Cosmetic) {
        finding.remedy = Some(match finding.remedy.take() {
            Some(remedy) => format!("{}; or {stay}", remedy.trim_end_matches(['.', ' '])),
            None => stay.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_is_the_engines_and_says_what_was_tried() {
        let engine = |version: &str| NodeEngine {
            name: "docker".to_owned(),
            version: version.to_owned(),
            default_runtime: None,
            runtimes: Vec::new(),
        };
        for (version, dropped) in [("20.10.24+dfsg1", true), ("26.1.5", false), ("unknown", false)] {
            assert_eq!(drops("docker", version, MEMBER), dropped, "{version}");
        }
        assert!(!drops("podman", "4.3.1", MEMBER));
        let old = said(true, "allow", true, Some(&engine("20.10.24")), "a and b");
        assert!(
            old.contains("--fix allow") && old.contains("docker 20.10.24 leaves defaultErrnoRet out"),
            "{old}"
        );
        let bundle = said(true, "enosys", false, None, "a and b");
        assert!(
            bundle.ends_with("(proven here: a and b load it and answer alike)"),
            "{bundle}"
        );
        assert!(!said(false, "enosys", false, None, "a and b").contains("proven"));
    }
}
