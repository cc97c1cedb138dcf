//! Programs that do nothing, for rootfs folders: before a move, it is checked whether a workload's own program
//! is there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

/// The smallest program for a machine with that number: a header, one segment, and no loader.
pub(crate) fn elf(machine: u16) -> Vec<u8> {
    let mut bytes = vec![0; 0x88];
    bytes[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
    let numbers: [(usize, &[u8]); 10] = [
        (16, &[2]),
        (18, &machine.to_le_bytes()),
        (20, &[1]),
        (24, &[0x78, 0, 0x40]),
        (32, &[64]),
        (52, &[64, 0, 56, 0, 1]),
        (64, &[1, 0, 0, 0, 5]),
        (64 + 18, &[0x40]),
        (64 + 32, &[0x88, 0, 0, 0, 0, 0, 0, 0, 0x88]),
        // exit(0)
        (0x78, b"\x31\xff\x6a\x3c\x58\x0f\x05"),
    ];
    for (at, number) in numbers {
        bytes[at..at + number.len()].copy_from_slice(number);
    }
    bytes
}

/// The machine that tests run on.
pub(crate) const NATIVE: u16 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };

/// A file that may be executed.
pub(crate) fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    fs::write(path, bytes).expect("a program");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
}

/// The program that a config starts, if the rootfs does not have it.
pub(crate) fn of_config(rootfs: &Path, config: &Value) {
    let Some(program) = config["process"]["args"][0]
        .as_str()
        .filter(|name| !name.is_empty())
    else {
        return;
    };
    let env = config["process"]["env"].as_array().into_iter().flatten();
    let mut paths = env.filter_map(|one| one.as_str()?.strip_prefix("PATH="));
    let folder = match (program.contains('/'), paths.next()) {
        (true, _) => config["process"]["cwd"].as_str().unwrap_or("/").to_owned(),
        (false, path) => path
            .and_then(|path| path.split(':').next())
            .unwrap_or("/bin")
            .to_owned(),
    };
    let below = Path::new("/").join(folder).join(program);
    let path = rootfs.join(below.strip_prefix("/").expect("an absolute path"));
    if !path.exists() {
        put(&path, &elf(NATIVE));
    }
}
