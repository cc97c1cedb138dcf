//! Compiles the kernel's side of the eBPF recorder and of the wall, and sets `cfg(ebpf)` where that worked.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

const SOURCES: [&str; 2] = ["recorder", "wall"];

fn main() {
    println!("cargo::rustc-check-cfg=cfg(ebpf)");
    for name in SOURCES {
        println!("cargo::rerun-if-changed={}", source(name));
    }
    if env::var_os("CARGO_FEATURE_EBPF").is_none() {
        return;
    }
    match SOURCES.iter().try_for_each(|name| compile(name)) {
        Ok(()) => println!("cargo::rustc-cfg=ebpf"),
        Err(why) => println!("cargo::warning=built without the eBPF recorder, ptrace is used instead: {why}"),
    }
}

fn source(name: &str) -> String {
    format!("src/ebpf/{name}.bpf.c")
}

fn compile(name: &str) -> Result<(), String> {
    let variable = |name: &str| env::var(name).map_err(|_| format!("{name} is not set"));
    let arch = variable("CARGO_CFG_TARGET_ARCH")?;
    if arch != "x86_64" {
        return Err(format!(
            "it knows the registers of x86_64 only, and this is {arch}"
        ));
    }
    let object = PathBuf::from(variable("OUT_DIR")?).join(format!("{name}.bpf.o"));
    // Where Debian keeps <asm/types.h>; elsewhere the folder is not there, which does not matter.
    let system = format!("/usr/include/{arch}-linux-gnu");
    let status = Command::new("clang")
        .args([
            "-O2",
            "-g",
            "-target",
            "bpf",
            "-D__TARGET_ARCH_x86",
            "-Wall",
            "-Werror",
        ])
        .arg(format!("-I{system}"))
        .arg(format!("-I{}", variable("DEP_BPF_INCLUDE")?))
        .args(["-c", &source(name), "-o"])
        .arg(&object)
        .status()
        .map_err(|error| format!("clang cannot be started: {error}"))?;
    if !status.success() {
        return Err(format!("clang ended with {status}"));
    }
    // The debug sections of DWARF are two thirds of it, and only BTF is needed; best effort.
    let _ = Command::new("llvm-strip").arg("-g").arg(&object).status();
    fs::metadata(&object).map_err(|error| format!("{}: {error}", object.display()))?;
    Ok(())
}
