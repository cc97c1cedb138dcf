//! A runtime from a Debian suite: its package with its own libc, loader and libraries.

use std::fs;
use std::path::{Path, PathBuf};

use crate::facts::sha256;
use crate::install::apt::{Apt, Planned};
use crate::install::{Draft, InstallError, Job, elf};
use crate::manifest::DebianSource;
use crate::store::InstalledPackage;
use crate::unpack::unpack_package;
use ocidiff_confine::Root;
use ocidiff_model::version::Version;

/// Puts a package's program into the stage folder of a job.
pub(crate) fn bring(
    job: &mut Job<'_>,
    source: &DebianSource,
    suites: &[String],
) -> Result<Draft, InstallError> {
    elf::patchelf(job.machine)?;
    let (suite, plan) = find(job, source, suites)?;
    let apt = Apt::open(job.machine, job.store, &suite)?;
    let bytes: u64 = plan.iter().map(|one| one.size).sum();
    job.say(format!(
        "fetching {} packages of Debian's {suite}, {} kB",
        plan.len(),
        bytes / 1000
    ));
    apt.fetch(std::slice::from_ref(&source.package), &mut |line| {
        job.output(line);
    })?;
    job.say("unpacking".to_owned());
    let root = job.stage.join("root");
    let packages = unpack_all(job, &apt, &plan, &root)?;
    let program = PathBuf::from("bin").join(&job.manifest.name);
    let copy = job.stage.join(&program);
    fs::create_dir_all(job.stage.join("bin")).map_err(|source| InstallError::io(&copy, source))?;
    let version = package_version(source, &plan).ok_or_else(|| odd_version(source, &plan))?;
    let settled = job.store.folder_of(&job.manifest.name, &version).join("root");
    elf::settle(job.machine, &root.join(&source.program), &copy, &root, &settled)?;
    prune(&root, &source.program).map_err(|source| InstallError::io(&root, source))?;
    Ok(Draft {
        version,
        program,
        from: format!("debian {suite}"),
        packages,
    })
}

/// The first suite that has the wanted version, and what it would fetch.
fn find(
    job: &mut Job<'_>,
    source: &DebianSource,
    suites: &[String],
) -> Result<(String, Vec<Planned>), InstallError> {
    let mut there = Vec::new();
    let mut failed = None;
    for suite in suites {
        match ask(job, source, suite) {
            Ok((has, plan)) if job.wanted.as_ref().is_none_or(|wanted| *wanted == has) => {
                return Ok((suite.clone(), plan));
            }
            Ok((has, _)) => there.push((suite.clone(), has)),
            // If the archive no longer has one suite, it still has the others.
            Err(err) => failed = Some(err),
        }
    }
    match failed {
        Some(err) if there.is_empty() => Err(err),
        _ => Err(moved(job, &there)),
    }
}

/// The version that a suite has; if the lists do not contain the wanted one, they are fetched again before that
/// is believed.
fn ask(
    job: &mut Job<'_>,
    source: &DebianSource,
    suite: &str,
) -> Result<(Version, Vec<Planned>), InstallError> {
    job.say(format!("asking Debian's {suite}"));
    let apt = Apt::open(job.machine, job.store, suite)?;
    let mut fresh = apt.update(false, &mut |line| job.output(line))?;
    loop {
        let plan = apt.plan(std::slice::from_ref(&source.package))?;
        let has = package_version(source, &plan).ok_or_else(|| odd_version(source, &plan))?;
        if fresh || job.wanted.as_ref().is_none_or(|wanted| *wanted == has) {
            return Ok((has, plan));
        }
        fresh = apt.update(true, &mut |line| job.output(line))?;
    }
}

fn moved(job: &Job<'_>, there: &[(String, Version)]) -> InstallError {
    let name = &job.manifest.name;
    let has: Vec<_> = there
        .iter()
        .map(|(suite, version)| format!("{suite} now has {version}"))
        .collect();
    let take: Vec<_> = there
        .iter()
        .map(|(_, version)| format!("{name}@{version}"))
        .collect();
    InstallError::Moved {
        wanted: job.label(),
        has: has.join(", "),
        take: take.join(" or "),
    }
}

/// The program's version, derived from the package's: `1.0.0~rc93+ds1-5` is 1.0.0-rc93.
pub(super) fn package_version(source: &DebianSource, plan: &[Planned]) -> Option<Version> {
    let full = &plan.iter().find(|one| one.name == source.package)?.version;
    let upstream = match &source.version_regex {
        Some(regex) => regex.capture(full)?,
        None => {
            let no_epoch = full.split_once(':').map_or(full.as_str(), |(_, rest)| rest);
            no_epoch.split(['+', '-']).next()?
        }
    };
    Version::parse(upstream).ok()
}

fn odd_version(source: &DebianSource, plan: &[Planned]) -> InstallError {
    let full = plan
        .iter()
        .find(|one| one.name == source.package)
        .map(|one| one.version.as_str());
    InstallError::Odd(format!(
        "read the version of Debian's package {}: apt prints `{}`; a `version-regex` in the manifest can read it",
        source.package,
        full.unwrap_or_default()
    ))
}

fn unpack_all(
    job: &Job<'_>,
    apt: &Apt<'_>,
    plan: &[Planned],
    root: &Path,
) -> Result<Vec<InstalledPackage>, InstallError> {
    let mut packages = Vec::new();
    for one in plan {
        let file = apt.archives().join(&one.file);
        let sha256 = sha256(&file).map_err(|source| InstallError::io(&file, source))?;
        unpack_package(job.machine, &file, root)?;
        packages.push(InstalledPackage {
            name: one.name.clone(),
            version: one.version.clone(),
            sha256,
        });
    }
    Ok(packages)
}

/// Removes what no runtime reads: documents, tables, and the program itself, which has been copied by now.
fn prune(folder: &Path, program: &str) -> std::io::Result<()> {
    let root = Root::open(folder)?;
    root.remove(Path::new(program))?;
    root.remove(Path::new("usr/share"))?;
    for lib in ["usr/lib", "lib"] {
        // Whatever links show here, what is removed is below the root.
        for entry in fs::read_dir(folder.join(lib)).into_iter().flatten().flatten() {
            let _ = root.remove(&Path::new(lib).join(entry.file_name()).join("gconv"));
        }
    }
    Ok(())
}
