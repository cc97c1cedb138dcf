//! A version that no registry has: built from a folder with its sources, by its own make or cargo, and put into the
//! store.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Draft, Event, InstallError, Job, job, settle};
use crate::ask::Ask;
use crate::facts::FactCache;
use crate::machine::Machine;
use crate::manifest::Manifest;
use crate::select::find_manifest;
use crate::store::{Installed, Store};

/// Builds the sources in a folder and puts the program into the store, under the version that it prints.
///
/// # Errors
/// No manifest has the name, or it does not say how it is built; a tool is missing; a command of the build fails; the
/// program does not print a version, or one that is in the store from elsewhere.
pub fn build(
    name: &str,
    folder: &Path,
    manifests: &[Manifest],
    store: &Store,
    (machine, ask): (&Machine, &dyn Ask),
    progress: &mut dyn FnMut(&Event),
) -> Result<Installed, InstallError> {
    let manifest = find_manifest(manifests, name)?;
    let source = manifest
        .install
        .as_ref()
        .and_then(|install| install.source.as_ref());
    let source = source.ok_or_else(|| InstallError::NoSource {
        label: name.to_owned(),
        how: format!(
            "its manifest does not say how it is built from sources (install.source); build it, and name it as --runtime {name}=PATH"
        ),
    })?;
    let folder = folder.canonicalize().map_err(|source| InstallError::Sources {
        label: name.to_owned(),
        path: folder.to_owned(),
        source,
    })?;
    let missing: Vec<&str> = source
        .needs
        .iter()
        .map(String::as_str)
        .filter(|tool| machine.tool(tool).is_none())
        .collect();
    if !missing.is_empty() {
        return Err(InstallError::NoCompiler {
            label: name.to_owned(),
            missing: missing.join(", "),
            packages: source.debian_build_needs.join(" "),
        });
    }
    let _lock = store.lock(|| progress(&Event::Waiting))?;
    let stage = store.make(Path::new("stage").join(format!("{name}.{}", std::process::id())))?;
    let mut job = Job {
        machine,
        store,
        manifest,
        wanted: None,
        stage: stage.clone(),
        ask,
        progress,
    };
    let built = run(&mut job, source, &folder).and_then(|draft| settle(&mut job, draft));
    let _ = fs::remove_dir_all(&stage);
    built
}

fn run(
    job: &mut Job<'_>,
    source: &crate::manifest::SourceBuild,
    folder: &Path,
) -> Result<Draft, InstallError> {
    let log = job.stage.join("log");
    for words in &source.build {
        let Some((program, args)) = words.split_first() else {
            continue;
        };
        // A script from the sources, or a tool of the machine.
        let path = if program.contains('/') {
            folder.join(program)
        } else {
            PathBuf::from(program)
        };
        job.say(words.join(" "));
        let mut command = job.machine.command(&path);
        command.args(args).current_dir(folder);
        job::run(&mut command, &log, &mut |line| job.output(line))?;
    }
    let built = folder.join(&source.program);
    let program = PathBuf::from("bin").join(&job.manifest.name);
    let copy = job.stage.join(&program);
    fs::create_dir_all(job.stage.join("bin"))
        .and_then(|()| fs::copy(&built, &copy))
        .map_err(|error| InstallError::io(&built, error))?;
    let mut facts = FactCache::open(job.store);
    let version = facts.of(job.manifest, &copy, job.ask)?.version;
    let there = job.store.installed();
    let other = there.iter().find(|one| {
        one.name == job.manifest.name
            && one.version.as_str() == version.as_str()
            && !one.from.starts_with(FROM)
    });
    if let Some(other) = other {
        return Err(InstallError::Taken {
            label: format!("{}@{version}", other.name),
            from: other.from.clone(),
            name: job.manifest.name.clone(),
            path: built,
        });
    }
    Ok(Draft {
        version,
        program,
        from: format!("{FROM}{}", folder.display()),
        packages: Vec::new(),
    })
}

/// How the store describes where it came from.
const FROM: &str = "built from ";
