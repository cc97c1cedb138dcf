//! What a runtime reads about each container of a case: its config.json, and the process of each exec.

use std::collections::BTreeMap;

use ocidiff_model::merge::merge;
use ocidiff_model::step::{MAIN, container_of, labels};
use ocidiff_model::{Case, Channel, Op, Step, facts};
use serde_json::Value as Json;

use super::Corpus;
use super::config::{self, ConfigError};

/// The text of each container's config.json.
///
/// # Errors
/// A change of the case cannot be made.
pub(crate) fn texts(case: &Case, corpus: &Corpus) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut texts = BTreeMap::from([(MAIN.to_owned(), config::text(case, corpus, MAIN, None)?)]);
    for step in case.body.steps.iter().filter(|step| step.op.makes_container()) {
        let name = step.container();
        let text = config::text(case, corpus, name, step.options.config.as_ref())?;
        texts.insert(name.to_owned(), text);
    }
    Ok(texts)
}

/// The process that an exec starts in a container with this config: the step's, laid over the config's own.
pub(crate) fn process_of(step: &Step, config: &Json) -> Json {
    let mut process = config["process"].clone();
    if let Some(changes) = &step.options.process {
        // The checks at loading saw that it is a map; a list key that is not one stays as it is.
        let _ = merge(&mut process, changes);
    }
    process
}

/// The configs of a case's containers. For an exec, the process in the config is the one that it starts.
#[derive(Debug, Clone, Default)]
pub struct Configs {
    main: Json,
    /// By the name of the container.
    others: BTreeMap<String, Json>,
    /// By the label of the step.
    execs: BTreeMap<String, Json>,
    /// The steps in their order.
    steps: Vec<Taken>,
}

/// A step, as far as it says whose config a fact can be due to.
#[derive(Debug, Clone)]
struct Taken {
    label: String,
    container: String,
    op: Op,
}

impl Configs {
    /// From the texts that the runtime was given; what is not JSON has nothing that could be asked for.
    #[must_use]
    pub fn new(case: &Case, texts: &BTreeMap<String, String>) -> Self {
        let parsed = |text: &String| serde_json::from_str(text).unwrap_or_default();
        let mut others: BTreeMap<String, Json> = texts
            .iter()
            .map(|(name, text)| (name.clone(), parsed(text)))
            .collect();
        let main = others.remove(MAIN).unwrap_or_default();
        Self {
            main,
            others,
            ..Self::default()
        }
        .with_steps(case)
    }

    /// The same where something other than the case wrote the main container's config.
    #[must_use]
    pub fn with_main(self, case: &Case, main: Json) -> Self {
        Self { main, ..self }.with_steps(case)
    }

    fn with_steps(mut self, case: &Case) -> Self {
        let steps = || labels(&case.body.steps).into_iter().zip(&case.body.steps);
        let taken = |(label, step): (String, &Step)| Taken {
            label,
            container: step.container().to_owned(),
            op: step.op,
        };
        self.steps = steps().map(taken).collect();
        let execs = steps().filter(|(_, step)| step.op == Op::Exec);
        self.execs = execs
            .map(|(label, step)| {
                let mut config = self.of_container(step.container()).clone();
                let process = process_of(step, &config);
                if let Some(members) = config.as_object_mut() {
                    members.insert("process".to_owned(), process);
                }
                (label, config)
            })
            .collect();
        self
    }

    /// Those of containers by their names, in a case with these steps.
    #[cfg(test)]
    pub(crate) fn of(steps: &str, configs: &[(&str, Json)]) -> Self {
        let case = Case {
            name: "t/c".to_owned(),
            source: String::new(),
            member: None,
            body: serde_yaml::from_str(&format!("{{summary: s, steps: {steps}}}")).expect("a case"),
        };
        let texts = configs
            .iter()
            .map(|(name, config)| ((*name).to_owned(), config.to_string()));
        Self::new(&case, &texts.collect())
    }

    fn of_container(&self, name: &str) -> &Json {
        self.others.get(name).unwrap_or(&self.main)
    }

    /// The configs that a fact can be due to, with the names of their containers: that of its container, then those of
    /// others that were made while it ran, as an agent that waits for them does; or any, if the fact is about the whole
    /// run.
    #[must_use]
    pub fn behind<'a>(&'a self, fact: &'a str) -> Vec<(&'a str, &'a Json)> {
        let main = || (MAIN, &self.main);
        let others = || self.others.iter().map(|(name, config)| (name.as_str(), config));
        let all = || std::iter::once(main()).chain(others());
        if self.others.is_empty() && self.execs.is_empty() {
            return vec![main()];
        }
        match Channel::of(fact) {
            None | Some(Channel::Leftover | Channel::Hook) => all().collect(),
            Some(Channel::Lifecycle) => {
                let at = self.step_of(fact);
                let step = at.and_then(|at| self.steps.get(at));
                step.map_or_else(|| vec![main()], |step| self.by_label(&step.label, at))
            }
            Some(_) => {
                let found = facts::find(fact).and_then(|found| found.of);
                self.by_label(found.unwrap_or(MAIN), None)
            }
        }
    }

    /// Those behind what is seen of a container, of an exec, or of a step with this label at its place among the steps.
    fn by_label<'a>(&'a self, label: &'a str, at: Option<usize>) -> Vec<(&'a str, &'a Json)> {
        if let Some(exec) = self.execs.get(label) {
            return vec![(container_of(label), exec)];
        }
        let step = at.and_then(|at| self.steps.get(at));
        let container = step.map_or(label, |step| step.container.as_str());
        let heard = self.heard(container, at.unwrap_or(self.steps.len()));
        std::iter::once(container)
            .chain(heard)
            .map(|name| (name, self.of_container(name)))
            .collect()
    }

    /// The containers that were made before a step while this one ran: it was started before, and something was done
    /// with it after.
    fn heard<'a>(&'a self, container: &'a str, before: usize) -> impl Iterator<Item = &'a str> {
        let of_it = move |step: &&Taken| step.container == container;
        let others = self.steps.iter().enumerate().take(before);
        let others = others.filter(move |(_, step)| step.op.makes_container() && step.container != container);
        let ran = move |at: usize| {
            let mut earlier = self.steps[..at].iter().filter(of_it);
            earlier.any(|step| matches!(step.op, Op::Start | Op::Run))
                && self.steps[at..].iter().any(|step| of_it(&step))
        };
        others
            .filter(move |(at, _)| ran(*at))
            .map(|(_, step)| step.container.as_str())
    }

    /// The place of the step that a fact of the lifecycle is about.
    fn step_of(&self, fact: &str) -> Option<usize> {
        let rest = fact.split_once('.').map_or("", |(_, rest)| rest);
        let is_of = |step: &Taken| {
            let rest = rest.strip_prefix(step.label.as_str());
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        self.steps.iter().position(is_of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A case with these steps; in the containers' configs the user is 1 for the main one and 2 for the second.
    fn configs(steps: &str) -> (Case, Configs) {
        let case = Case {
            name: "t/c".to_owned(),
            source: String::new(),
            member: None,
            body: serde_yaml::from_str(&format!("{{summary: s, steps: {steps}}}")).expect("a case"),
        };
        let config = |uid: u32| format!("{{\"process\": {{\"user\": {{\"uid\": {uid}}}}}}}");
        let texts = BTreeMap::from([(MAIN.to_owned(), config(1)), ("second".to_owned(), config(2))]);
        let configs = Configs::new(&case, &texts);
        (case, configs)
    }

    fn uids(configs: &Configs, fact: &str) -> Vec<u64> {
        let behind = configs.behind(fact).into_iter();
        behind
            .filter_map(|(_, config)| config["process"]["user"]["uid"].as_u64())
            .collect()
    }

    #[test]
    fn what_a_container_shows_can_be_due_to_another_that_was_made_while_it_ran() {
        let agent = "[{create: {as: second}}, {start: {as: second}}, {await: {as: second, stdout: x}}, create, start, wait, {wait: {as: second}}]";
        let (_, configs) = configs(agent);
        for (fact, expected) in [
            ("lifecycle.second.create.result", &[2][..]),
            ("lifecycle.second.await.result", &[2]),
            ("lifecycle.second.wait.result", &[2, 1]),
            ("proc.second.listen.pid", &[2, 1]),
            ("process.second.exit", &[2, 1]),
            ("process.exit", &[1]),
            ("lifecycle.create.result", &[1]),
        ] {
            assert_eq!(uids(&configs, fact), expected, "{fact}");
        }
    }

    #[test]
    fn a_fact_is_due_to_the_config_of_its_container_or_to_the_process_of_its_exec() {
        let steps =
            "[create, {create: {as: second}}, {exec: {process: {user: {uid: 5}}}}, {exec: {as: second}}]";
        let (case, configs) = configs(steps);
        for (fact, expected) in [
            ("process.exit", &[1][..]),
            ("mount.inside.dev#2", &[1]),
            ("syscall.mkdir", &[1]),
            ("lifecycle.create.result", &[1]),
            ("lifecycle.list.containers", &[1]),
            ("lifecycle.second.create.result", &[2]),
            ("process.second.exit", &[2]),
            ("proc.second.created.umask", &[2]),
            ("mount.second.inside.dev", &[2]),
            ("proc.exec.umask", &[5]),
            ("process.exec.stderr", &[5]),
            ("lifecycle.exec.exit", &[5]),
            ("lifecycle.second.exec.exit", &[2]),
            ("proc.second.exec.umask", &[2]),
            ("leftover.cgroups", &[1, 2]),
            ("hook.order", &[1, 2]),
        ] {
            assert_eq!(uids(&configs, fact), expected, "{fact}");
        }
        let written = configs.with_main(
            &case,
            serde_json::json!({"process": {"user": {"uid": 7}, "cwd": "/"}}),
        );
        let uid = |fact: &str| written.behind(fact)[0].1["process"]["user"]["uid"].clone();
        assert_eq!(
            (uid("process.exit"), uid("proc.exec.umask")),
            (7.into(), 5.into())
        );
        assert_eq!(written.behind("proc.exec.umask")[0].1["process"]["cwd"], "/");
    }
}
