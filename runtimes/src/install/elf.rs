//! A program from another suite that coexists with this machine's libraries: a copy with its own loader and
//! library folders.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ask::{End, LIMIT};
use crate::install::InstallError;
use crate::machine::Machine;
use crate::process;

/// Copies a program out of an unpacked root, and binds the copy to that root's loader and libraries.
///
/// The root is at `staged` now and will be at `settled`. Running the loader with the program as its argument would
/// not do: `/proc/self/exe` is then the loader, and runc re-executes itself.
pub(crate) fn settle(
    machine: &Machine,
    program: &Path,
    copy: &Path,
    staged: &Path,
    settled: &Path,
) -> Result<(), InstallError> {
    fs::copy(program, copy).map_err(|source| InstallError::io(program, source))?;
    let patchelf = patchelf(machine)?;
    let Some(loader) = interpreter(machine, &patchelf, copy)? else {
        return Ok(());
    };
    let folders = library_folders(staged);
    let name = Path::new(&loader).file_name().unwrap_or_default();
    let home = folders
        .iter()
        .find(|folder| folder.join(name).exists())
        .ok_or_else(|| {
            InstallError::Odd(format!(
                "find the loader {loader} in the packages of {}",
                program.display()
            ))
        })?;
    let moved = |path: &Path| settled.join(path.strip_prefix(staged).unwrap_or(path));
    let rpath = folders
        .iter()
        .map(|path| moved(path).display().to_string())
        .collect::<Vec<_>>()
        .join(":");
    let mut command = machine.command(&patchelf);
    command.arg("--set-interpreter").arg(moved(&home.join(name)));
    command.args(["--force-rpath", "--set-rpath", &rpath]).arg(copy);
    ask(command).map(drop)
}

/// The tool; checked before anything is fetched.
pub(crate) fn patchelf(machine: &Machine) -> Result<PathBuf, InstallError> {
    let tool = "patchelf";
    machine
        .tool(tool)
        .ok_or(InstallError::NoTool { tool, package: tool })
}

/// The loader that a program asks for; `None` for a static one.
fn interpreter(machine: &Machine, patchelf: &Path, program: &Path) -> Result<Option<String>, InstallError> {
    let mut command = machine.command(patchelf);
    command.arg("--print-interpreter").arg(program);
    match ask(command) {
        Ok(output) => Ok(Some(output.trim().to_owned()).filter(|loader| !loader.is_empty())),
        Err(InstallError::Odd(why)) if why.contains("cannot find section") => Ok(None),
        Err(err) => Err(err),
    }
}

fn ask(mut command: Command) -> Result<String, InstallError> {
    let ended = process::run(&mut command, LIMIT, process::CAP)
        .map_err(|source| InstallError::io(Path::new(command.get_program()), source))?;
    if ended.end == End::Code(0) {
        return Ok(ended.stdout);
    }
    Err(InstallError::Odd(format!("run patchelf: it {}", ended.tell())))
}

/// The folders of a root that contain shared libraries. Links are not followed: in an unpacked root an absolute
/// link leads outside.
fn library_folders(root: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for base in ["lib", "usr/lib", "lib64", "usr/lib64"] {
        let base = root.join(base);
        let mut inner = real_folders(&base).unwrap_or_default();
        inner.retain(|path| path.to_string_lossy().contains("-linux-gnu"));
        inner.sort();
        folders.extend(inner);
        folders.push(base);
    }
    folders.retain(|folder| !folder.is_symlink() && has_library(folder));
    folders
}

fn real_folders(path: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(path)?.flatten();
    Ok(entries
        .filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect())
}

/// A library that is a file, or a link that leads to one in the same folder.
fn has_library(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        let inside = fs::read_link(entry.path()).map_or(true, |target| target.is_relative());
        entry.file_name().to_string_lossy().contains(".so") && inside && entry.path().is_file()
    })
}
