//! Fetches a series' kernel through a private apt state, and keeps its image and some modules.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::modules::Modules;
use super::{Kernel, KernelError, Offered, folder, read};
use crate::install::Apt;
use crate::machine::Machine;
use crate::store::{Store, StoreError, write_whole};
use crate::unpack::unpack_package;

/// The beginnings of the names of a kernel's packages; a release follows.
const PARTS: [&str; 3] = ["linux-image-", "linux-binary-", "linux-modules-"];

/// Fetches a series into the store, if it is not there.
///
/// # Errors
/// Debian has no such series; apt fails; a tool is missing.
pub fn bring(
    series: &str,
    store: &Store,
    machine: &Machine,
    watch: &mut dyn FnMut(&str),
) -> Result<Kernel, KernelError> {
    let offered = Offered::load()?;
    if std::env::consts::ARCH != "x86_64" {
        let arch = std::env::consts::ARCH.to_owned();
        return Err(KernelError::Arch { arch });
    }
    let Some(suite) = offered.series.get(series) else {
        return Err(KernelError::Unknown {
            series: series.to_owned(),
            has: offered.in_order().join(", "),
        });
    };
    let place = folder(store, series);
    if let Some(there) = read(&place) {
        return Ok(there);
    }
    let _lock = store.lock(|| watch("another ocidiff is installing; waiting for it"))?;
    if let Some(there) = read(&place) {
        return Ok(there);
    }
    let stage = store.make(Path::new("stage").join(format!("kernel-{series}.{}", std::process::id())))?;
    let brought = fetch(&offered, (series, suite), store, machine, (&stage, watch));
    let brought = brought.and_then(|kernel| settle(kernel, store, &stage.join("kept")));
    let _ = fs::remove_dir_all(&stage);
    brought
}

fn fetch(
    offered: &Offered,
    (series, suite): (&str, &str),
    store: &Store,
    machine: &Machine,
    (stage, watch): (&Path, &mut dyn FnMut(&str)),
) -> Result<Kernel, KernelError> {
    watch(&format!("asking Debian's {suite}"));
    let apt = Apt::open(machine, store, suite)?;
    apt.update(false, watch)?;
    let mut plan = apt.plan(std::slice::from_ref(&offered.package))?;
    plan.retain(|one| is_part(&one.name));
    let names: Vec<String> = plan.iter().map(|one| one.name.clone()).collect();
    let bytes: u64 = plan.iter().map(|one| one.size).sum();
    watch(&format!(
        "fetching {}, {} MB",
        names.join(", "),
        bytes / 1_000_000
    ));
    if names.is_empty() {
        let package = &offered.package;
        return Err(KernelError::Odd(format!(
            "find a kernel behind Debian's {package} in {suite}"
        )));
    }
    apt.fetch_alone(&names, watch)?;
    let root = stage.join("root");
    for one in &plan {
        let file = apt.archives().join(&one.file);
        unpack_package(machine, &file, &root)?;
        let _ = fs::remove_file(file);
    }
    let odd = |why: String| KernelError::Odd(format!("read Debian's kernel of {suite}: {why}"));
    let modules = ["usr/lib/modules", "lib/modules"]
        .into_iter()
        .find_map(|folder| only(&root.join(folder)))
        .ok_or_else(|| odd("its packages have no folder of modules".to_owned()))?;
    let release = modules
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if !release.starts_with(series) {
        return Err(odd(format!(
            "it is {release} now, and no longer {series}; change kernels.yaml"
        )));
    }
    let image = [
        modules.join("vmlinuz"),
        root.join(format!("boot/vmlinuz-{release}")),
    ];
    let image = image.iter().find(|path| path.is_file());
    let image = image.ok_or_else(|| odd("its packages have no vmlinuz".to_owned()))?;
    let kept = stage.join("kept");
    let into = kept.join("modules");
    let io = |error: io::Error| odd(error.to_string());
    fs::create_dir_all(&into).map_err(io)?;
    fs::copy(image, kept.join("vmlinuz")).map_err(io)?;
    let from = plan
        .iter()
        .map(|one| format!("{} {}", one.name, one.version))
        .collect::<Vec<_>>();
    Ok(Kernel {
        series: series.to_owned(),
        release,
        from: format!("debian {suite}: {}", from.join(", ")),
        modules: Modules::new(machine, &modules, &into).write(&offered.modules)?,
    })
}

/// Puts a staged kernel in its place; its record, which is what counts, comes with it.
fn settle(kernel: Kernel, store: &Store, staged: &Path) -> Result<Kernel, KernelError> {
    let text = serde_json::to_string_pretty(&kernel).unwrap_or_default();
    write_whole(&staged.join("kernel.json"), &text)?;
    let place = folder(store, &kernel.series);
    store.make("kernels")?;
    let _ = fs::remove_dir_all(&place);
    fs::rename(staged, &place).map_err(StoreError::at(&place))?;
    Ok(kernel)
}

/// `linux-image-6.12.117+deb13-cloud-amd64`, and not a package that only depends on one.
fn is_part(name: &str) -> bool {
    PARTS.iter().any(|part| {
        name.strip_prefix(part)
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    })
}

/// The only entry of a folder.
fn only(folder: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(folder).ok()?.flatten();
    let first = entries.next()?.path();
    entries.next().is_none().then_some(first)
}
