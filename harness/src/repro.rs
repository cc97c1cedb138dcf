//! A folder with a case's bundle and a shell script that shows it without ocidiff, for a bug report.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ocidiff_model::caller::{IoClass, Policy};
use ocidiff_model::{Caller, Case, Op};

use crate::bundle::{Bundle, merge_layers};
use crate::cell::job::JobStep;
use crate::cells::participants::Contender;
use crate::paths;

/// Writes the folder: aside first, so that it is whole or not there.
///
/// # Errors
/// What the system answers; or that the runtime lacks a step of the case.
pub fn write(
    folder: &Path,
    case: &Case,
    contender: &Contender,
    bundle: &Bundle,
    probe: &Path,
) -> io::Result<()> {
    let steps = contender
        .steps(case, &bundle.configs)
        .map_err(|lacks| io::Error::other(lacks.0))?;
    let parent = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let aside = tempfile::Builder::new()
        .prefix(".ocidiff-repro.")
        .tempdir_in(parent)?;
    merge_layers(&bundle.layers, &aside.path().join("rootfs"))?;
    for (name, config) in &bundle.configs {
        fs::write(aside.path().join(format!("{name}.json")), config)?;
    }
    fs::copy(probe, aside.path().join("probe"))?;
    for (path, text) in steps.iter().filter_map(|step| step.input.as_ref()) {
        let name = path.file_name().unwrap_or_default();
        fs::create_dir_all(aside.path().join("input"))?;
        fs::write(aside.path().join("input").join(name), text)?;
    }
    let script = aside.path().join("repro.sh");
    fs::write(&script, text(case, contender, &steps))?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    fs::set_permissions(aside.path(), fs::Permissions::from_mode(0o755))?;
    fs::rename(aside.path(), folder)?;
    // It has its name, and is nobody's to remove.
    let _ = aside.keep();
    Ok(())
}

/// The script. It takes private namespaces first, as ocidiff does: a runtime under test is not trusted.
fn text(case: &Case, contender: &Contender, steps: &[JobStep]) -> String {
    let mut calls = String::new();
    for step in steps {
        // Writing to a string cannot fail.
        let _ = match step.op {
            Op::Wait => writeln!(calls, "wait_end {}", step.container),
            Op::Await => writeln!(
                calls,
                "sleep 1   # until it has printed {:?}",
                step.stdout.clone().unwrap_or_default()
            ),
            _ => writeln!(
                calls,
                "call {} {} {}",
                step.label,
                step.container,
                words(&step.argv)
            ),
        };
    }
    TEMPLATE
        .replace("@CASE@", &case.name)
        .replace("@SUMMARY@", &case.body.summary.replace('\n', " "))
        .replace("@RUNTIME@", &contender.runtime.label())
        .replace("@PROGRAM@", &quote(&contender.runtime.path.to_string_lossy()))
        .replace("@CONFIG@", &case.body.config_file)
        .replace("@CELL@", paths::CELL)
        .replace("@ROOT@", paths::ROOT)
        .replace("@HOOKS@", paths::HOOKS)
        .replace("@BUNDLES@", paths::BUNDLES)
        .replace("@PIDS@", paths::PIDS)
        .replace("@TMP@", paths::TMP)
        .replace("@CALLER@", &caller(&case.body.caller))
        .replace("@CALLS@", &calls)
}

/// What the shell that calls the runtime takes on first, with the tools of util-linux.
fn caller(caller: &Caller) -> String {
    let mut lines = Vec::new();
    if let Some(policy) = caller.scheduler {
        let policy = match policy {
            Policy::Other => "other",
            Policy::Batch => "batch",
            Policy::Idle => "idle",
        };
        lines.push(format!("chrt --{policy} --pid 0 $$"));
    }
    lines.extend(
        caller
            .nice
            .map(|nice| format!("renice -n {nice} -p $$ >/dev/null")),
    );
    if let Some(priority) = caller.io_priority {
        lines.push(match priority.class {
            IoClass::RealTime => format!("ionice -c 1 -n {} -p $$", priority.level),
            IoClass::BestEffort => format!("ionice -c 2 -n {} -p $$", priority.level),
            IoClass::Idle => "ionice -c 3 -p $$".to_owned(),
        });
    }
    lines.extend(
        caller
            .oom_score_adj
            .map(|adj| format!("echo {adj} >/proc/self/oom_score_adj")),
    );
    lines.extend(
        caller
            .timer_slack
            .map(|slack| format!("echo {slack} >/proc/$$/timerslack_ns")),
    );
    for (name, limit) in &caller.limits {
        lines.push(format!("prlimit --pid $$ --{name}={}:{}", limit.soft, limit.hard));
    }
    lines.extend(caller.umask.as_ref().map(|umask| format!("umask {umask}")));
    if !caller.ignored.is_empty() {
        lines.push(format!("trap '' {}", caller.ignored.join(" ")));
    }
    // personality(2) has no tool that takes all of its bits, and is only had with an exec.
    lines.extend(caller.personality.map(|bits| {
        format!(
            "# ocidiff also gives the caller the personality {bits:#x} (0x40000: run this under `setarch -R`)"
        )
    }));
    lines.into_iter().map(|line| line + "\n").collect()
}

/// The call's words; the program is whatever the script was given.
fn words(argv: &[String]) -> String {
    let rest = argv.iter().skip(1).map(|word| quote(word));
    std::iter::once("\"$RUNTIME\"".to_owned())
        .chain(rest)
        .collect::<Vec<_>>()
        .join(" ")
}

fn quote(word: &str) -> String {
    let plain = !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-=:@".contains(c));
    if plain {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

const TEMPLATE: &str = r#"#!/bin/bash
# @CASE@ under @RUNTIME@: @SUMMARY@
# Run as root: ./repro.sh [/path/to/another/runtime]. Everything happens in private pid, uts, ipc, net and mount
# namespaces, and under cgroups of its own, which are removed at the end.
set -u
here=$(cd "$(dirname "$0")" && pwd)
export RUNTIME=${1:-@PROGRAM@} HERE=$here
if [ -z "${INSIDE-}" ]; then
  export INSIDE=1
  exec unshare -m -p -f -i -u -n --kill-child --mount-proc "$0" "$RUNTIME"
fi

mount --make-rprivate /
for d in vm fs dev debug abi user; do
  [ -d /proc/sys/$d ] && mount --bind /proc/sys/$d /proc/sys/$d && mount -o remount,bind,ro /proc/sys/$d
done
# crun refuses a hybrid v1 machine as long as the v2 tree owns a controller.
if [ -d /sys/fs/cgroup/unified ] && grep -qs hugetlb /sys/fs/cgroup/unified/cgroup.controllers; then
  mkdir -p /sys/fs/cgroup/hugetlb && mount -t cgroup -o hugetlb hugetlb /sys/fs/cgroup/hugetlb
fi
mkdir -p /run && keep=$(mktemp -d) && mount --bind "$HERE" "$keep"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p @CELL@/bin @CELL@/input @HOOKS@ @PIDS@ @ROOT@ @TMP@
cp "$keep/probe" @CELL@/bin/probe
[ -d "$keep/input" ] && cp "$keep"/input/* @CELL@/input/
for config in "$keep"/*.json; do
  name=$(basename "$config" .json)
  mkdir -p "@BUNDLES@/$name" && cp -a "$keep/rootfs" "@BUNDLES@/$name/rootfs"
  cp "$config" "@BUNDLES@/$name/@CONFIG@"
done
umount "$keep" && rmdir "$keep"
cd /

# The container's init inherits the output of create: a file, never a pipe.
call() {
  local label=$1 container=$2; shift 2
  timeout -k 2 20 "$@" </dev/null >"/run/out.$label" 2>&1
  echo "$label: exit status $?"
  [ "$label" = create ] || sed 's/^/    /' "/run/out.$label"
}
wait_end() {
  local pid; pid=$(cat "@PIDS@/$1" 2>/dev/null) || return
  for _ in $(seq 100); do
    [ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null || break
    sleep 0.1
  done
  echo "what create and the container printed:"
  sed 's/^/    /' /run/out.create
}

@CALLER@@CALLS@
[ -s @HOOKS@/log ] && echo "hooks:" && cat @HOOKS@/log
exit 0
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_what_the_case_says() {
        assert_eq!(caller(&Caller::default()), "");
        let said = "{nice: 5, scheduler: batch, ignored: [INT, HUP], umask: '0077', limits: {core: {soft: 0, hard: 1}}}";
        let said: Caller = serde_yaml::from_str(said).expect("a caller");
        assert_eq!(
            caller(&said),
            "chrt --batch --pid 0 $$\nrenice -n 5 -p $$ >/dev/null\nprlimit --pid $$ --core=0:1\numask 0077\n\
             trap '' INT HUP\n"
        );
    }
}
