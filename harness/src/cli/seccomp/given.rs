//! The profile that was named: a file, stdin, or one from the corpus.

use std::collections::BTreeSet;
use std::path::Path;

use ocidiff_confine::limit::{Hint, raised_count};
use ocidiff_confine::read::{capped, text_of};
use ocidiff_confine::{in_plain_words, raised, read_text};
use ocidiff_seccomp::Profile;
use ocidiff_seccomp::profile::{For, ProfileError, Source, goarch};
use serde_json::Value;

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
