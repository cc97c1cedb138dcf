//! The profile that was named: a file, stdin, or one from the corpus.

use std::collections::BTreeSet;
use std::path::Path;

use ocidiff_confine::limit::{Hint, raised_count};
use ocidiff_confine::read::{capped, text_of};
use ocidiff_confine::{in_plain_words, raised, read_text};
use ocidiff_model::filter::DEPARTURES;
use ocidiff_model::known::Machine;
use ocidiff_model::{Finding, FindingId, Op, RuntimeId};
use ocidiff_seccomp::Profile;
use ocidiff_seccomp::profile::{For, ProfileError, Source, goarch};
use serde_json::{Value, json};

use super::args::SeccompArgs;
use super::spelling;
use crate::corpus::{Corpus, limits};
use crate::error::Error;

/// The largest profile that is read, in bytes.
const MOST_BYTES: u64 = 1 << 20;
/// How many names all rules may have; the kernel knows some 500 calls.
const NAMES: usize = 100_000;

/// A profile, ready to be loaded.
pub(super) struct Given {
    /// As it was named.
    pub(super) name: String,
    /// What it says.
    pub(super) profile: Profile,
    /// The `linux.seccomp` object, with everything else that it has.
    pub(super) value: Value,
    /// What format it had.
    pub(super) source: Source,
    /// The annotations beside it, if it came in a config: only `linux.seccomp` is loaded.
    pub(super) annotations: Value,
}

impl Given {
    /// A line for each finding of one of the runtimes by which an annotation beside the profile counts for the filter.
    pub(super) fn said_by_annotations(
        &self,
        corpus: &Corpus,
        machine: &Machine,
        runtimes: &[RuntimeId],
    ) -> Vec<String> {
        let config = json!({"annotations": self.annotations});
        let is_about_filters = |known: &Finding| known.shows.iter().any(|sign| sign.is_about(DEPARTURES));
        let all = corpus.findings.0.iter().filter(|(id, known)| {
            is_about_filters(known)
                && runtimes.iter().any(|who| known.is_of(id, who))
                && known.fits(&config, &[Op::Create], machine)
                && !known.fits(&json!({}), &[Op::Create], machine)
        });
        let line = |(id, known): (&FindingId, &Finding)| {
            let remedy = known.remedy.as_deref().unwrap_or_default();
            format!(
                "{}, which is not tried here: only linux.seccomp is loaded ({id}). {remedy}",
                known.title
            )
        };
        all.map(line).collect()
    }
}

/// Reads it, and resolves an engine's.
pub(super) fn read(args: &SeccompArgs, corpus: &Corpus, kernel: &str) -> Result<Given, Error> {
    let (name, text) = text(&args.profile, corpus)?;
    let container = container(args, corpus, kernel)?;
    spelling::check(&name, &text)?;
    let (profile, source) = Profile::read(&text, &container).map_err(|error| wrong(&name, &error))?;
    within(&name, &profile)?;
    let look = || serde_json::from_str::<Value>(&text).unwrap_or_default();
    let value = match &source {
        Source::Config => look().pointer("/linux/seccomp").cloned().unwrap_or_default(),
        Source::Object => look(),
        Source::Engine => profile.to_json(),
    };
    Ok(Given {
        name,
        profile,
        value,
        annotations: match &source {
            Source::Config => look()["annotations"].take(),
            _ => Value::Null,
        },
        source,
    })
}

fn text(named: &str, corpus: &Corpus) -> Result<(String, String), Error> {
    let path = Path::new(named);
    if named == "-" {
        let text = capped(std::io::stdin(), raised(MOST_BYTES)).and_then(text_of);
        let text = text.map_err(|error| Error::usage(format!("failed to read stdin: {error}")))?;
        return Ok(("stdin".to_owned(), text));
    }
    if path.exists() {
        let text = read_text(path, raised(MOST_BYTES));
        let text = text.map_err(|error| Error::usage(format!("failed to read {named}: {error}")))?;
        return Ok((named.to_owned(), text));
    }
    let plain = named.strip_suffix(".json").unwrap_or(named);
    if let Some(profile) = corpus.profiles.get(plain) {
        return Ok((plain.to_owned(), profile.to_string()));
    }
    let names: Vec<&str> = corpus.profiles.keys().map(String::as_str).collect();
    Err(Error::usage(format!(
        "there is no file {named}, and no profile of that name; there are\n  {}",
        names.join("\n  ")
    )))
}

/// Whether a filter could be made from it at all: the kernel accepts 4096 instructions.
fn within(name: &str, profile: &Profile) -> Result<(), Error> {
    let rules = profile.syscalls.iter();
    let names = rules.clone().map(|rule| rule.names.len()).sum();
    let conditions = rules.map(|rule| rule.args.len()).sum();
    for (count, most, what) in [
        (profile.syscalls.len(), limits::RULES, "rules"),
        (names, NAMES, "names"),
        (conditions, limits::RULES, "conditions"),
    ] {
        let most = raised_count(most);
        if count > most {
            let why = format!("{name}: {count} {what}: at most {most} are taken; {Hint}");
            return Err(Error::usage(why));
        }
    }
    Ok(())
}

fn wrong(name: &str, error: &ProfileError) -> Error {
    match error {
        ProfileError::Json(json) if json.line() > 0 => Error::usage(format!(
            "{name}:{}:{}: failed to {}",
            json.line(),
            json.column(),
            in_plain_words(&error.to_string())
        )),
        other => Error::usage(format!("{name}: failed to {other}")),
    }
}

/// The container for which an engine's profile is resolved.
fn container(args: &SeccompArgs, corpus: &Corpus, kernel: &str) -> Result<For, Error> {
    let capabilities = match &args.caps {
        Some(list) => list
            .iter()
            .map(|name| name.trim().to_uppercase())
            .filter(|name| !name.is_empty())
            .map(|name| {
                if name.starts_with("CAP_") {
                    name
                } else {
                    format!("CAP_{name}")
                }
            })
            .collect(),
        None => default_capabilities(corpus),
    };
    let kernel = args.kernel.as_deref().unwrap_or(kernel);
    let numbers: Vec<u32> = kernel
        .split(|c: char| !c.is_ascii_digit())
        .take(2)
        .map_while(|number| number.parse().ok())
        .collect();
    let [major, minor] = numbers[..] else {
        return Err(Error::usage(format!(
            "--kernel {kernel}: a version is X.Y, such as 6.12"
        )));
    };
    Ok(For {
        goarch: goarch(std::env::consts::ARCH).to_owned(),
        capabilities,
        kernel: (major, minor),
    })
}

/// The capabilities in the corpus's default config, which are Docker's.
fn default_capabilities(corpus: &Corpus) -> BTreeSet<String> {
    let list = corpus.default_config.pointer("/process/capabilities/bounding");
    list.and_then(|list| serde_json::from_value(list.clone()).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::suite;

    #[test]
    fn an_annotation_that_counts_for_the_filter_is_named() {
        let corpus = suite::corpus(None).expect("the corpus");
        let machine = Machine {
            kernel: "6.1".parse().expect("a version"),
            cgroup: ocidiff_model::CgroupVersion::V1,
            arch: "x86_64".to_owned(),
            via: None,
        };
        let who = |name: &str| RuntimeId {
            name: name.to_owned(),
            version: "1.21".parse().expect("a version"),
            label: name.to_owned(),
        };
        for (annotations, runtime, lines) in [
            (json!({"run.oci.seccomp_bpf_data": "BgAAAAAA/38="}), "crun", 1),
            (json!({"run.oci.seccomp_bpf_data": "BgAAAAAA/38="}), "runc", 0),
            (json!({"org.example": "x"}), "crun", 0),
            (Value::Null, "crun", 0),
        ] {
            let given = Given {
                name: "config.json".to_owned(),
                profile: serde_json::from_value(json!({"defaultAction": "SCMP_ACT_ALLOW"}))
                    .expect("a profile"),
                value: Value::Null,
                source: Source::Config,
                annotations: annotations.clone(),
            };
            let told = given.said_by_annotations(&corpus, &machine, &[who(runtime)]);
            assert_eq!(told.len(), lines, "{annotations} {runtime}: {told:?}");
        }
    }
}
