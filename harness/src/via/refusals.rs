//! Whose failure it is that an engine does not start a container: the runtime's, the request's or the machine's. Only
//! what the request itself rules out cannot be expressed; what the machine lacks says nothing about the case.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use ocidiff_engines::remote::CallError;
use ocidiff_model::Op;
use serde::Deserialize;

/// What engines say (`refusals.yaml`).
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    runtime: BTreeMap<String, Op>,
    of_runtime: String,
    request: Vec<String>,
    machine: Vec<String>,
    unexecuted: String,
}

static WORDS: LazyLock<Words> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("refusals.yaml")).unwrap_or_default());

/// Whose failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The runtime's, in this step.
    Runtime(Op),
    /// The request's: the engine does not take it.
    Request,
    /// The engine's or the machine's, as far as anybody can tell.
    Machine,
}

/// Whose failure a refusal is.
pub(super) fn whose(error: &CallError) -> Whose {
    let why = error.words();
    if let Some((_, op)) = WORDS
        .runtime
        .iter()
        .find(|(words, _)| why.contains(words.as_str()))
    {
        return Whose::Runtime(*op);
    }
    let is_of_request = matches!(error, CallError::Declined(_))
        || WORDS.request.iter().any(|words| why.contains(words.as_str()));
    if is_of_request && !is_of_machine(why) {
        Whose::Request
    } else {
        Whose::Machine
    }
}

/// Whether an engine's words say that the machine lacks something. What a runtime says in them may be what the case is
/// about.
pub(super) fn is_of_machine(why: &str) -> bool {
    let lower = why.to_lowercase();
    let is_of_runtime = why.contains(&WORDS.of_runtime);
    !is_of_runtime && WORDS.machine.iter().any(|words| lower.contains(words.as_str()))
}

/// Why a runtime's program was not even called, if that is so: it has gone, or the engine could not execute it.
pub(super) fn uncalled(program: &Path, why: &str) -> Option<String> {
    let path = program.display();
    if !program.exists() {
        return Some(format!("its program {path} is gone"));
    }
    let cause = why.split_once(&format!("{}{path}: ", WORDS.unexecuted))?.1;
    Some(format!("its program {path} cannot be executed: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_can_be_read() {
        assert!(serde_yaml::from_str::<Words>(include_str!("refusals.yaml")).is_ok());
    }

    #[test]
    fn only_what_the_request_rules_out_is_the_requests() {
        let refused = |why: &str| CallError::Refused(why.to_owned());
        let declined = |why: &str| CallError::Declined(why.to_owned());
        for (error, whose_it_is) in [
            (
                refused("failed to create shim task: OCI runtime create failed: runc: no such file"),
                Whose::Runtime(Op::Create),
            ),
            (
                declined("OCI runtime start failed: exec: not found"),
                Whose::Runtime(Op::Start),
            ),
            (declined("invalid CapAdd: unknown capability"), Whose::Request),
            (
                refused("failed to generate container \"a\" spec: unknown capability"),
                Whose::Request,
            ),
            (
                refused("failed to start shim: write /run/s/config.json: no space left on device"),
                Whose::Machine,
            ),
            (
                declined("write /var/lib/c: No space left on device"),
                Whose::Machine,
            ),
            (
                refused("failed to generate container \"a\" spec: open /x: too many open files"),
                Whose::Machine,
            ),
            (refused("context deadline exceeded"), Whose::Machine),
            (refused("invalid tmpfs option [\"bogus\"]"), Whose::Request),
            (refused("shares: invalid argument"), Whose::Request),
            (
                refused("uids and gids must be in range 0-2147483647"),
                Whose::Request,
            ),
            (
                refused("mount callback failed on /m: read /m/etc/passwd: is a directory"),
                Whose::Request,
            ),
            (
                refused("Cannot mkdir: /bin/probe is not a directory"),
                Whose::Request,
            ),
            (
                refused("workdir \"/no\" does not exist on container 11cf"),
                Whose::Request,
            ),
            (
                refused("workdir \"/x\" exists on container 11cf, but is not a directory"),
                Whose::Request,
            ),
            (
                refused("mount callback failed on /m: read /m/etc/passwd: input/output error"),
                Whose::Machine,
            ),
            // Nobody knows: the case was not run.
            (refused("boom"), Whose::Machine),
        ] {
            assert_eq!(whose(&error), whose_it_is, "{error}");
        }
    }

    #[test]
    fn a_program_that_was_not_called_is_named_with_the_cause() {
        let here = std::env::current_exe().expect("a program");
        let path = here.display().to_string();
        for (program, why, said) in [
            (
                "/no/such/runc",
                "anything".to_owned(),
                Some("its program /no/such/runc is gone".to_owned()),
            ),
            (
                path.as_str(),
                format!("open log.json: no such file: fork/exec {path}: text file busy: unknown"),
                Some(format!(
                    "its program {path} cannot be executed: text file busy: unknown"
                )),
            ),
            (
                path.as_str(),
                "fork/exec /bin/hook: permission denied".to_owned(),
                None,
            ),
        ] {
            assert_eq!(uncalled(Path::new(program), &why), said, "{program}: {why}");
        }
    }
}
