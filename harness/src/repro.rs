//! A folder with a case's bundle and a shell script that shows it without ocidiff, for a bug report. The script ends
//! with its answer in the form that `git bisect run` expects: 0 as expected, 1 not as expected, 125 it cannot tell.

mod answer;

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ocidiff_model::caller::{IoClass, Policy};
use ocidiff_model::{Caller, Machine, Op};

use crate::bundle::{Bundle, merge_layers};
use crate::cell::job::JobStep;
use crate::cells::participants::Contender;
use crate::corpus::Entry;
use crate::paths;

pub use answer::{Question, is_by_value, sees};

/// Writes the folder: elsewhere first, so that it is complete or not there.
///
/// # Errors
/// What the system answers; or that the runtime lacks a step of the case.
pub fn write(
    folder: &Path,
    (entry, question): (&Entry, Question<'_>),
    machine: &Machine,
    contender: &Contender,
    bundle: &Bundle,
    probe: &Path,
) -> io::Result<()> {
    let case = &entry.case;
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
    fs::write(&script, text((entry, question), machine, contender, &steps))?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    fs::set_permissions(aside.path(), fs::Permissions::from_mode(0o755))?;
    fs::rename(aside.path(), folder)?;
    // It has its final name, and must not be removed.
    let _ = aside.keep();
    Ok(())
}

/// The script. It first takes private namespaces, as ocidiff does: a runtime under test is not trusted.
fn text(
    (entry, question): (&Entry, Question<'_>),
    machine: &Machine,
    contender: &Contender,
    steps: &[JobStep],
) -> String {
    let case = &entry.case;
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
        .replace("@VERSION@", &shell(&contender.runtime.manifest.version.args))
        .replace("@CHECKS@", &answer::checks(entry, machine, question))
        .replace("@CALLER@", &caller(&case.body.caller))
        .replace("@CALLS@", &calls)
}

/// What the shell that calls the runtime sets up first, with the tools of util-linux.
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
    // personality(2) has no tool that accepts all of its bits, and is only available with an exec.
    lines.extend(caller.personality.map(|bits| {
        format!(
            "# ocidiff also gives the caller the personality {bits:#x} (0x40000: run this under `setarch -R`)"
        )
    }));
    lines.into_iter().map(|line| line + "\n").collect()
}

/// The call's words; the program is whatever the script was given.
fn words(argv: &[String]) -> String {
    format!("\"$RUNTIME\" {}", shell(argv.get(1..).unwrap_or_default()))
}

/// Words quoted for a shell.
pub(crate) fn shell(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
    words.join(" ")
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
# It ends with its answer: 0 it is as expected, 1 it is not, 125 it cannot tell. So it can be given to `git bisect run`.
set -u
here=$(cd "$(dirname "$0")" && pwd)
export RUNTIME=${1:-@PROGRAM@} HERE=$here
if [ -z "${INSIDE-}" ]; then
  answers=$(mktemp -d) && mkfifo "$answers/answer" || exit 125
  export INSIDE=1 ANSWER=$answers/answer
  exec 8<>"$ANSWER"
  # Process 1 reaps nobody: how the container's process ended is read off what is left of it. All ends with this script.
  setpriv --pdeathsig KILL unshare -m -p -f -i -u -n --kill-child --mount-proc \
    sh -c '"$0" "$RUNTIME" & exec sleep 900' "$0" </dev/null 8>&- &
  holder=$!
  trap 'kill -9 $holder 2>/dev/null; wait $holder 2>/dev/null; rm -rf "$answers"' EXIT
  trap 'exit 125' INT TERM HUP
  answer=125
  for _ in $(seq 800); do
    read -r -t 1 answer <&8 && break
    answer=125
    kill -0 $holder 2>/dev/null || break
  done
  exit "$answer"
fi
exec 9>"$ANSWER"
trap 'echo $? >&9' EXIT
cannot_tell() { echo "cannot tell: $*"; exit 125; }

mount --make-rprivate / || cannot_tell "no private mounts"
for d in vm fs dev debug abi user; do
  [ -d /proc/sys/$d ] && mount --bind /proc/sys/$d /proc/sys/$d && mount -o remount,bind,ro /proc/sys/$d
done
# On a hybrid machine crun refuses to run as long as the v2 tree has a controller, which others' mounts decide.
[ -d /sys/fs/cgroup/unified ] && umount -l /sys/fs/cgroup/unified
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
cd / && "$RUNTIME" @VERSION@ </dev/null >/run/version 2>&1 9>&- || cannot_tell "$RUNTIME does not run here"

# The container's init inherits the output of create: a file, never a pipe.
call() {
  local label=$1 container=$2; shift 2
  timeout -k 2 20 "$@" </dev/null >"/run/out.$label" 2>&1 9>&-
  echo $? >"/run/status.$label"
  echo "$label: exit status $(cat "/run/status.$label")"
  [ "$label" = create ] || sed 's/^/    /' "/run/out.$label"
}
wait_end() {
  local pid; pid=$(cat "@PIDS@/$1" 2>/dev/null) || return
  for _ in $(seq 100); do
    [ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null || break
    sleep 0.1
  done
  # Field 52 of proc_pid_stat(5): what wait(2) would give.
  sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d ' ' -f 50 >"/run/wait.$1"
  echo "what create and the container printed:"
  sed 's/^/    /' /run/out.create
}
# What is seen of a call, of the container's process, of what the probe printed.
status() { cat "/run/status.$1" 2>/dev/null || echo "(absent)"; }
result() { case $(status "$1") in 0) echo ok ;; 124) echo timeout ;; "(absent)") echo "(absent)" ;; *) echo error ;; esac; }
ended() {
  local wait; wait=$(cat "/run/wait.$1" 2>/dev/null)
  [ -n "$wait" ] || { echo "(absent)"; return; }
  if [ $((wait & 127)) = 0 ]; then echo $((wait >> 8)); else echo "signal $((wait & 127))"; fi
}
printed() {
  local head="{\"fact\":\"$2\",\"value\":" line
  line=$(grep -hF -m 1 "$head" "/run/out.$1" 2>/dev/null) || { echo "(absent)"; return; }
  line=${line#*"$head"}; echo "${line%\}}"
}
checked=0 differs=0
told() {
  checked=1
  if [ "$2" = "$3" ]; then echo "as expected: $1 is $2"; else echo "DIFFERS: $1 should be $2, and is $3"; differs=1; fi
}

@CALLER@@CALLS@
[ -s @HOOKS@/log ] && echo "hooks:" && cat @HOOKS@/log
echo
@CHECKS@[ $checked = 1 ] || cannot_tell "nothing that is expected of this case can be seen by a script"
exit $differs
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
