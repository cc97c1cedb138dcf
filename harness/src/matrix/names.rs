//! Whether the runtimes and kernels that a matrix names exist: a slip is found when a plan is made, not when its cell is
//! run.

use ocidiff_model::near::near;
use ocidiff_model::version::Version;
use ocidiff_runtimes::{Selector, Which};

use super::file::{HOST, MatrixError, MatrixFile};

/// What there is.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The runtimes for which there are manifests.
    pub runtimes: &'a [&'a str],
    /// The series of kernels that are installed or offered.
    pub kernels: &'a [&'a str],
}

impl Names<'_> {
    /// Checks every group and every kernel of a matrix, whose file and text are given for the position.
    ///
    /// # Errors
    /// A runtime or a kernel does not exist, or a group has a runtime twice.
    pub fn check(&self, matrix: &MatrixFile, file: &str, text: &str) -> Result<(), MatrixError> {
        let bad = |line: usize, why: String| MatrixError::Bad {
            file: format!("{file}:{line}"),
            why,
        };
        for (group, runtimes) in &matrix.runtimes {
            for (at, runtime) in runtimes.iter().enumerate() {
                let line = line_of(text, &["runtimes", group, runtime]);
                let selector: Selector = runtime
                    .parse()
                    .map_err(|error: ocidiff_runtimes::SelectError| bad(line, error.to_string()))?;
                if !self.runtimes.contains(&selector.name.as_str()) {
                    return Err(bad(line, unknown("runtime", &selector.name, self.runtimes)));
                }
                if runtimes[..at].contains(runtime) {
                    let why = format!("the group {group} has {runtime} twice: nothing could differ");
                    return Err(bad(line, why));
                }
            }
        }
        for (at, kernel) in matrix.kernels.iter().enumerate() {
            let line = line_of(text, &["kernels", kernel]);
            if kernel != HOST && !self.kernels.contains(&kernel.as_str()) {
                return Err(bad(line, unknown("kernel", kernel, self.kernels)));
            }
            if matrix.kernels[..at].contains(kernel) {
                return Err(bad(line, format!("kernels has {kernel} twice")));
            }
        }
        Ok(())
    }
}

impl MatrixFile {
    /// The versions of runtimes that the groups of a plan name, each once.
    #[must_use]
    pub fn versions(&self, plan: &str) -> Vec<(String, Version)> {
        let Some(plan) = self.plans.get(plan) else {
            return Vec::new();
        };
        let excluded = |group: &String| {
            let mut rules = plan.exclude.iter();
            rules.any(|rule| {
                rule.runtimes.as_ref() == Some(group) && rule.kernel.is_none() && rule.cgroup.is_none()
            })
        };
        let groups = self.runtimes.iter().filter(|(group, _)| !excluded(group));
        let selectors = groups
            .flat_map(|(_, all)| all)
            .filter_map(|text| text.parse().ok());
        let mut all: Vec<(String, Version)> = selectors
            .filter_map(|selector: Selector| match selector.which {
                Which::Version(version) => Some((selector.name, version)),
                _ => None,
            })
            .collect();
        all.sort();
        all.dedup();
        all
    }
}

fn unknown(what: &str, name: &str, there: &[&str]) -> String {
    let meant = near(name, there.iter().copied());
    let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
    format!("there is no {what} `{name}`, only {}{meant}", there.join(", "))
}

/// The line on which the last of these words stands, each looked for from where the one before it was found.
fn line_of(text: &str, words: &[&str]) -> usize {
    let at = words.iter().fold(0, |from, word| {
        let is_part = |at: usize| {
            let part =
                |one: Option<char>| one.is_some_and(|c| c.is_ascii_alphanumeric() || "._@".contains(c));
            part(text[..at].chars().next_back()) || part(text[at + word.len()..].chars().next())
        };
        let mut found = text[from..].match_indices(word).map(|(at, _)| from + at);
        found.find(|at| !is_part(*at)).unwrap_or(from)
    });
    text[..at].matches('\n').count() + 1
}
