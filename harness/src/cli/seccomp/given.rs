//! The profile that was named: a file, stdin, or one of the corpus.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

use ocidiff_seccomp::Profile;
use ocidiff_seccomp::profile::{For, ProfileError, Source, goarch};
use serde_json::Value;

use super::super::args::SeccompArgs;
use crate::corpus::Corpus;
use crate::error::Error;

/// The largest profile that is read, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// A profile, ready to be loaded.
pub(super) struct Given {
    /// As it was named.
    pub(super) name: String,
    /// What it says.
    pub(super) profile: Profile,
    /// The `linux.seccomp` object, with whatever else it has.
    pub(super) value: Value,
    /// What format it had.
    pub(super) source: Source,
}

/// Reads it, and resolves an engine's.
pub(super) fn read(args: &SeccompArgs, corpus: &Corpus, kernel: &str) -> Result<Given, Error> {
    let (name, text) = text(&args.profile, corpus)?;
    let container = container(args, corpus, kernel)?;
    let (profile, source) = Profile::read(&text, &container).map_err(|error| wrong(&name, &error))?;
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
        let text = capped(std::io::stdin(), "stdin")?;
        return Ok(("stdin".to_owned(), text));
    }
    if path.is_file() {
        let file = std::fs::File::open(path)
            .map_err(|error| Error::usage(format!("failed to open {named}: {error}")))?;
        return Ok((named.to_owned(), capped(file, named)?));
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

fn capped(from: impl std::io::Read, name: &str) -> Result<String, Error> {
    let mut text = String::new();
    from.take(MOST_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| Error::usage(format!("failed to read {name}: {error}")))?;
    if text.len() as u64 > MOST_BYTES {
        let most = MOST_BYTES >> 20;
        return Err(Error::usage(format!(
            "{name} has more than {most} MiB, which is no profile"
        )));
    }
    Ok(text)
}

fn wrong(name: &str, error: &ProfileError) -> Error {
    match error {
        ProfileError::Json(json) if json.line() > 0 => Error::usage(format!(
            "{name}:{}:{}: failed to {error}",
            json.line(),
            json.column()
        )),
        other => Error::usage(format!("{name}: failed to {other}")),
    }
}

/// The container that an engine's profile is resolved for.
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

/// The ones of the corpus's default config, which are Docker's.
fn default_capabilities(corpus: &Corpus) -> BTreeSet<String> {
    let list = corpus.default_config.pointer("/process/capabilities/bounding");
    list.and_then(|list| serde_json::from_value(list.clone()).ok())
        .unwrap_or_default()
}
