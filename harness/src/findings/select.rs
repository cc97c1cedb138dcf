//! Which findings concern a user: by runtime, by a move from one to another, by workload.

use std::cmp::Reverse;
use std::str::FromStr;

use ocidiff_model::Range;
use ocidiff_model::finding::{Card, Kind, Reported};
use ocidiff_model::known::Impact;
use ocidiff_model::version::Version;
use ocidiff_model::{Finding, FindingId, RuntimeId, near};
use ocidiff_reports::findings::Row;
use ocidiff_reports::safe;
use serde_json::Value as Json;

use crate::corpus::Corpus;

/// A runtime as it is typed, `crun` or `crun@1.21`: it need not be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Its name.
    pub name: String,
    /// Its version; `None` means all.
    pub version: Option<Version>,
}

/// What cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// Not a runtime.
    #[error("`{0}` is not a runtime: write NAME@VERSION, such as crun@1.21")]
    NotARuntime(String),
    /// A version without a name.
    #[error("`{0}` is a version: say of which runtime, such as crun@{0}")]
    NoName(String),
    /// There is no version where one is needed.
    #[error("`{0}` has no version: write {0}@VERSION")]
    NoVersion(String),
    /// Nothing is known about it.
    #[error("no finding is about `{name}`{}", help.as_ref().map_or_else(String::new, |help| format!("; {help}")))]
    Unknown {
        /// What was typed.
        name: String,
        /// What may have been meant.
        help: Option<String>,
    },
}

impl FromStr for Who {
    type Err = AskError;

    fn from_str(text: &str) -> Result<Self, AskError> {
        let not = || AskError::NotARuntime(safe(text));
        let (name, version) = match text.split_once('@') {
            None if text.starts_with(|c: char| c.is_ascii_digit()) && text.parse::<Version>().is_ok() => {
                return Err(AskError::NoName(safe(text)));
            }
            None => (text, None),
            Some((name, version)) => (name, Some(Version::typed(version).map_err(|_| not())?)),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            return Err(not());
        }
        Ok(Self {
            name: name.to_owned(),
            version,
        })
    }
}

impl Who {
    /// The runtime in its version.
    ///
    /// # Errors
    /// No version was typed.
    pub fn exact(&self) -> Result<RuntimeId, AskError> {
        let version = self.version.clone();
        Ok(RuntimeId {
            label: self.name.clone(),
            name: self.name.clone(),
            version: version.ok_or_else(|| AskError::NoVersion(self.name.clone()))?,
        })
    }

    fn does(&self, id: &FindingId, finding: &Finding) -> bool {
        id.component() == self.name && self.version.as_ref().is_none_or(|version| finding.holds(version))
    }
}

/// What is asked for; all of it must apply.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// What this runtime does.
    pub runtime: Option<Who>,
    /// What changes in a move from one to another.
    pub moving: Option<(RuntimeId, RuntimeId)>,
    /// What an earlier version of this runtime did, and this one does not.
    pub fixed_in: Option<RuntimeId>,
    /// What has not been reported upstream.
    pub unreported: bool,
    /// What has this impact.
    pub impact: Option<Impact>,
    /// What belongs to this component.
    pub component: Option<String>,
    /// What a workload with this config.json can meet.
    pub config: Option<Json>,
}

impl Question {
    /// The findings, the worst first.
    ///
    /// # Errors
    /// A name is neither a runtime nor a component of a finding.
    pub fn ask(&self, corpus: &Corpus) -> Result<Vec<Row>, AskError> {
        self.check_names(corpus)?;
        let catalogue = &corpus.findings;
        let all = catalogue
            .0
            .iter()
            .filter(|(id, finding)| self.concerns(id, finding));
        let mut rows: Vec<Row> = all
            .filter_map(|(id, finding)| {
                let matters = match &self.moving {
                    Some((from, to)) => catalogue.impact(id, from, to)?,
                    None => finding.impact.worst(),
                };
                let is_meant = self.impact.is_none_or(|impact| impact == matters);
                is_meant.then(|| Row {
                    id: id.clone(),
                    matters,
                    card: Card::from(finding),
                })
            })
            .collect();
        rows.sort_by(|a, b| (Reverse(a.matters), &a.id).cmp(&(Reverse(b.matters), &b.id)));
        Ok(rows)
    }

    /// The question in words.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        if let Some(Who { name, version }) = &self.runtime {
            words.push(match version {
                Some(version) => format!("{name} {version}"),
                None => format!("{name}, all versions"),
            });
        }
        if let Some((from, to)) = &self.moving {
            let (name, version) = (&from.name, &from.version);
            words.push(format!("{name} {version} to {} {}", to.name, to.version));
        }
        if let Some(fixed) = &self.fixed_in {
            words.push(format!("fixed in {} {}", fixed.name, fixed.version));
        }
        words.extend(self.component.clone());
        if self.unreported {
            words.push("not reported".to_owned());
        }
        words.extend(self.impact.map(|impact| impact.to_string()));
        if self.config.is_some() {
            words.push("for this bundle".to_owned());
        }
        words.join(", ")
    }

    fn concerns(&self, id: &FindingId, finding: &Finding) -> bool {
        let config = finding
            .applies
            .as_ref()
            .and_then(|applies| applies.config.as_ref());
        self.runtime.as_ref().is_none_or(|who| who.does(id, finding))
            && self.fixed_in.as_ref().is_none_or(|to| is_fixed(id, finding, to))
            && self.component.as_ref().is_none_or(|name| id.component() == name)
            && (!self.unreported || is_unreported(finding))
            && match (&self.config, config) {
                (Some(given), Some(pattern)) => pattern.fits(given),
                _ => true,
            }
    }

    fn check_names(&self, corpus: &Corpus) -> Result<(), AskError> {
        let runtimes = self.runtime.iter().map(|who| &who.name);
        let moving = self.moving.iter().flat_map(|(from, to)| [&from.name, &to.name]);
        let fixed = self.fixed_in.iter().map(|to| &to.name);
        let components = || corpus.findings.0.keys().map(FindingId::component);
        for name in runtimes.chain(moving).chain(fixed).chain(&self.component) {
            let mut all: Vec<&str> = corpus
                .runtimes
                .iter()
                .map(String::as_str)
                .chain(components())
                .collect();
            all.sort_unstable();
            all.dedup();
            if !all.contains(&name.as_str()) {
                return Err(AskError::Unknown {
                    name: safe(name),
                    help: near::help(name, all),
                });
            }
        }
        Ok(())
    }
}

/// Whether some earlier version did it, and this one does not.
fn is_fixed(id: &FindingId, finding: &Finding, to: &RuntimeId) -> bool {
    if id.component() != to.name || finding.holds(&to.version) {
        return false;
    }
    let Some(range) = finding.range().filter(|range| !range.is_all()) else {
        return false;
    };
    // A build after a version (`1.8.1.24-cdd5`) counts as that version.
    let below = format!("<{}", to.version.semver()).parse::<Range>();
    below.is_ok_and(|below| range.clone().and(&below).can_hold())
}

/// Whether something that upstream would want to know has not been reported.
fn is_unreported(finding: &Finding) -> bool {
    match finding.upstream() {
        Some(reported) => *reported == Reported::No,
        None => matches!(finding.kind, Kind::Bug | Kind::Missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rest: &str) -> Finding {
        serde_yaml::from_str(&format!(
            "{{title: t, cause: c, kind: bug, impact: {{entering: security, leaving: cosmetic}}, {rest}}}"
        ))
        .expect(rest)
    }

    fn corpus() -> Corpus {
        let mut corpus = Corpus::default();
        for (id, rest) in [
            ("crun/old", "affects: '<1.21', reported: no"),
            ("crun/new", "affects: '>=1.21', reported: containers/crun#1"),
            (
                "crun/always",
                "affects: '*', reported: no, applies: {config: {linux: {seccomp: '*'}}}",
            ),
            ("runc/seen", "seen: '>=1.0, <1.2', reported: no"),
        ] {
            corpus.findings.0.insert(id.parse().expect(id), finding(rest));
        }
        corpus
    }

    fn ids(question: &Question) -> Vec<String> {
        let rows = question.ask(&corpus()).expect("rows");
        rows.iter()
            .map(|row| format!("{} {}", row.id, row.matters))
            .collect()
    }

    fn exact(text: &str) -> RuntimeId {
        text.parse::<Who>().expect(text).exact().expect(text)
    }

    #[test]
    fn each_question_has_its_answer() {
        let runtime = |text: &str| Question {
            runtime: Some(text.parse().expect(text)),
            ..Question::default()
        };
        let moving = |from: &str, to: &str| Question {
            moving: Some((exact(from), exact(to))),
            ..Question::default()
        };
        let fixed = |text: &str| Question {
            fixed_in: Some(exact(text)),
            ..Question::default()
        };
        let with = |json: Json| Question {
            config: Some(json),
            ..runtime("crun@1.20")
        };
        for (question, expected) in [
            (
                runtime("crun@1.20"),
                vec!["crun/always security", "crun/old security"],
            ),
            (
                runtime("crun"),
                vec!["crun/always security", "crun/new security", "crun/old security"],
            ),
            (
                moving("crun@1.20", "crun@1.21"),
                vec!["crun/new security", "crun/old cosmetic"],
            ),
            (
                moving("runc@1.1.5", "crun@1.28"),
                vec!["crun/always security", "crun/new security", "runc/seen cosmetic"],
            ),
            (fixed("crun@1.21"), vec!["crun/old security"]),
            (fixed("crun@1.20"), vec![]),
            (fixed("runc@1.2"), vec!["runc/seen security"]),
            (fixed("runc@0.9"), vec![]),
            (with(serde_json::json!({"linux": {}})), vec!["crun/old security"]),
            (
                Question {
                    unreported: true,
                    ..runtime("crun@1.21")
                },
                vec!["crun/always security"],
            ),
            (
                Question {
                    impact: Some(Impact::Cosmetic),
                    ..moving("crun@1.20", "crun@1.21")
                },
                vec!["crun/old cosmetic"],
            ),
        ] {
            assert_eq!(ids(&question), expected, "{}", question.words());
        }
    }

    #[test]
    fn a_version_alone_is_no_runtime() {
        for (text, expected) in [
            (
                "1.23",
                "`1.23` is a version: say of which runtime, such as crun@1.23",
            ),
            ("1.0.0-rc93", "`1.0.0-rc93` is a version: say of which"),
            ("crun@", "`crun@` is not a runtime: write NAME@VERSION"),
            ("@1.23", "`@1.23` is not a runtime"),
            ("1.23@1", "no finding is about `1.23`"),
        ] {
            let told = match text.parse::<Who>() {
                Err(error) => error.to_string(),
                Ok(who) => {
                    let runtime = Some(who);
                    let question = Question {
                        runtime,
                        ..Question::default()
                    };
                    question.ask(&corpus()).expect_err(text).to_string()
                }
            };
            assert!(told.contains(expected), "{text}: {told}");
        }
    }

    #[test]
    fn a_name_that_is_not_there_is_told() {
        let question = Question {
            runtime: Some("cron@1".parse().expect("read")),
            ..Question::default()
        };
        let told = question.ask(&corpus()).expect_err("unknown").to_string();
        assert!(told.contains("did you mean `crun`?"), "{told}");
        for text in ["", "@1", "crun@", "crun@x y", "a b"] {
            assert!(text.parse::<Who>().is_err(), "{text}");
        }
        assert!("crun".parse::<Who>().expect("a name").exact().is_err());
    }
}
