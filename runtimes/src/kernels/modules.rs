//! Modules of a kernel in the order in which they are loaded, as plain files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::KernelError;
use crate::machine::Machine;
use crate::process::spawn;

/// Folders of modules are a few deep.
const DEPTH: usize = 12;

/// The modules of an unpacked kernel.
pub(super) struct Modules<'a> {
    machine: &'a Machine,
    /// Each module's file by its name.
    files: BTreeMap<String, PathBuf>,
    into: &'a Path,
    seen: BTreeSet<String>,
    written: Vec<String>,
}

impl<'a> Modules<'a> {
    /// The modules below a folder, to be written into another.
    pub(super) fn new(machine: &'a Machine, below: &Path, into: &'a Path) -> Self {
        let mut files = BTreeMap::new();
        collect(below, DEPTH, &mut files);
        Self {
            machine,
            files,
            into,
            seen: BTreeSet::new(),
            written: Vec::new(),
        }
    }

    /// Writes what is named and everything that it depends on; returns the names of the files in order. A module for
    /// which there is no file is built in, or this kernel does not have it.
    pub(super) fn write(mut self, names: &[String]) -> Result<Vec<String>, KernelError> {
        names.iter().try_for_each(|name| self.one(name))?;
        Ok(self.written)
    }

    fn one(&mut self, name: &str) -> Result<(), KernelError> {
        let name = name.replace('-', "_");
        let Some(file) = self.files.get(&name).cloned() else {
            return Ok(());
        };
        if !self.seen.insert(name.clone()) {
            return Ok(());
        }
        let plain = self.into.join(&name);
        let bytes = self
            .plain(&file, &plain)
            .map_err(|error| KernelError::Odd(format!("unpack the module {}: {error}", file.display())))?;
        for needed in depends(&bytes) {
            self.one(&needed)?;
        }
        let placed = format!("{:02}-{name}.ko", self.written.len());
        fs::rename(&plain, self.into.join(&placed))
            .map_err(|error| KernelError::Odd(format!("keep the module {name}: {error}")))?;
        self.written.push(placed);
        Ok(())
    }

    /// A small machine has nothing that reads compressed modules.
    fn plain(&self, file: &Path, to: &Path) -> io::Result<Vec<u8>> {
        let tool = match file.extension().and_then(|end| end.to_str()) {
            Some("xz") => "xz",
            Some("zst") => "zstd",
            Some("gz") => "gzip",
            _ => {
                fs::copy(file, to)?;
                return fs::read(to);
            }
        };
        let program = self.machine.tool(tool).ok_or_else(|| {
            io::Error::other(format!(
                "there is no {tool} on PATH; `apt-get install {tool}` installs it"
            ))
        })?;
        let mut command = self.machine.command(&program);
        command
            .arg("-dc")
            .arg(file)
            .stdin(Stdio::null())
            .stdout(File::create(to)?)
            .stderr(Stdio::null());
        let status = spawn(&mut command)?.wait()?;
        if !status.success() {
            return Err(io::Error::other(format!("{tool} ended with {status}")));
        }
        fs::read(to)
    }
}

fn collect(folder: &Path, depth: usize, files: &mut BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth > 0 {
            collect(&path, depth - 1, files);
        } else if kind.is_file()
            && let Some((name, _)) = entry.file_name().to_string_lossy().split_once(".ko")
        {
            files.insert(name.replace('-', "_"), path);
        }
    }
}

/// What a module says it depends on: `depends=a,b` in its section .modinfo.
fn depends(bytes: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = bytes.windows(KEY.len()).position(|window| window == KEY) else {
        return Vec::new();
    };
    let list = bytes[at + KEY.len()..].split(|byte| *byte == 0).next();
    String::from_utf8_lossy(list.unwrap_or_default())
        .split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_comes_after_what_it_depends_on_and_once() {
        let from = tempfile::tempdir().expect("a folder");
        let into = tempfile::tempdir().expect("a folder");
        let below = from.path().join("drivers/virtio");
        fs::create_dir_all(&below).expect("a folder");
        for (name, depends) in [
            ("virtio-ring.ko", ""),
            ("virtio.ko", "virtio_ring"),
            ("virtio_pci.ko", "virtio_ring,virtio"),
            ("round.ko", "round"),
        ] {
            let text = format!("ELF\0license=GPL\0depends={depends}\0name=x\0");
            fs::write(below.join(name), text).expect("a file");
        }
        let machine = Machine::this();
        let modules = Modules::new(&machine, from.path(), into.path());
        let names = ["virtio_pci", "built_in", "virtio", "round"].map(str::to_owned);
        let written = modules.write(&names).expect("modules");
        assert_eq!(
            written,
            [
                "00-virtio_ring.ko",
                "01-virtio.ko",
                "02-virtio_pci.ko",
                "03-round.ko"
            ]
        );
        assert!(into.path().join("02-virtio_pci.ko").is_file());
    }
}
