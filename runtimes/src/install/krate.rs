//! A runtime that is a crate: built by `cargo install`, with the crate's own lock file.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ask::LIMIT;
use crate::install::{Draft, InstallError, Job, job};
use crate::machine::Machine;
use crate::manifest::CrateSource;
use crate::process;
use crate::store::InstalledPackage;
use ocidiff_model::version::Version;

/// What a build of ours must not inherit from the build that started it.
const NOT_OURS: [&str; 5] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET",
    "RUSTC_WRAPPER",
];

/// Puts a crate's program, once built, into the stage folder of a job.
pub(crate) fn bring(
    job: &mut Job<'_>,
    source: &CrateSource,
    version: &Version,
) -> Result<Draft, InstallError> {
    let cargo = job.machine.tool("cargo").ok_or(InstallError::NoCargo {
        how: "install a Rust toolchain, so that cargo is on PATH",
    })?;
    let lacking = lacking(job.machine, &source.debian_build_needs);
    if !lacking.is_empty() {
        return Err(InstallError::BuildNeeds {
            label: job.label(),
            packages: lacking.join(" "),
        });
    }
    let build = job
        .store
        .make(Path::new("build").join(format!("{}-{version}", source.name)))?;
    let log = build.join("log");
    let mut command = job.machine.command(&cargo);
    write_command(&mut command, source, version, &job.stage, &build.join("target"));
    command.current_dir(&build);
    job.say(format!(
        "building the crate {} {version} (some minutes)",
        source.name
    ));
    job::run(&mut command, &log, &mut |line| job.output(line))?;
    // An interrupted build continues from here; a finished one is not needed again.
    let _ = std::fs::remove_dir_all(&build);
    let package = InstalledPackage {
        name: source.name.clone(),
        version: version.to_string(),
        sha256: String::new(),
    };
    Ok(Draft {
        version: version.clone(),
        program: PathBuf::from("bin").join(&source.program),
        from: format!("crate {}", source.name),
        packages: vec![package],
    })
}

fn write_command(command: &mut Command, source: &CrateSource, version: &Version, root: &Path, target: &Path) {
    for name in NOT_OURS {
        command.env_remove(name);
    }
    // Cargo reads two numbers as a range.
    let exact = version.semver().to_string();
    command.args([
        "install",
        &source.name,
        "--version",
        &exact,
        "--locked",
        "--no-track",
    ]);
    if !source.features.is_empty() {
        command.args(["--features", &source.features.join(",")]);
    }
    command.arg("--root").arg(root).arg("--target-dir").arg(target);
}

/// The packages of a build that Debian's package manager does not have; on other systems this is not known.
fn lacking(machine: &Machine, needs: &[String]) -> Vec<String> {
    let (Some(query), true) = (machine.tool("dpkg-query"), machine.suite.is_some()) else {
        return Vec::new();
    };
    let there = |package: &String| {
        let mut command = machine.command(&query);
        command.args(["-W", "-f", "${Status}", package]);
        let ended = process::run(&mut command, LIMIT, process::CAP);
        ended.is_ok_and(|ended| ended.stdout.contains("ok installed"))
    };
    needs.iter().filter(|package| !there(package)).cloned().collect()
}
