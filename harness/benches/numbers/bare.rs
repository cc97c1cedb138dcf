//! The bare loop: a shell that makes the same calls on the same bundles, a few at a time, and observes nothing.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ocidiff::bundle::{Builder, Bundle, merge_layers};
use ocidiff::cell::job::JobStep;
use ocidiff::cells::participants::Contender;
use ocidiff::error::Error;
use ocidiff::paths;
use ocidiff::run::suite;
use ocidiff_model::{Case, Op};
use tempfile::TempDir;

/// Scripts, one for each case and runtime, and their bundles.
pub(crate) struct Loop {
    folder: TempDir,
    runs: usize,
    cases: Vec<String>,
}

/// One round of the loop.
pub(crate) struct Round {
    /// Wall time.
    pub(crate) took: Duration,
    /// How many calls of a runtime were made, and how many of them failed. A loop that fails where ocidiff does
    /// not is fast and measures nothing.
    pub(crate) calls: usize,
    pub(crate) failed: usize,
}

impl Loop {
    /// Writes every case that is selected and that this machine can run, for each runtime.
    pub(crate) fn write(contenders: &[Contender], wanted: impl Fn(&str) -> bool) -> Result<Self, Error> {
        let corpus = suite::corpus(None)?;
        let abilities = suite::abilities()?;
        let folder = tempfile::Builder::new()
            .prefix("ocidiff-bench.")
            .tempdir()
            .map_err(Error::broken)?;
        let scratch = tempfile::tempdir().map_err(Error::broken)?;
        let builder = Builder::new(scratch.path(), suite::store()?);
        let probe = builder.probe().map_err(Error::broken)?;
        fs::copy(&probe, folder.path().join("probe")).map_err(Error::broken)?;
        let mut runs = 0;
        let mut cases = Vec::new();
        for entry in &corpus.entries {
            let can = abilities.missing_of(&entry.case).is_none() && is_safe_outside(&entry.case);
            if !can || !wanted(&entry.case.name) {
                continue;
            }
            cases.push(entry.case.name.clone());
            let bundle = builder.build(&entry.case, &corpus).map_err(Error::broken)?;
            for contender in contenders {
                // A runtime that lacks a step is not called by ocidiff either.
                let Ok(steps) = contender.steps(&entry.case, &bundle.configs) else {
                    continue;
                };
                write_run(
                    &folder.path().join(format!("{runs:05}")),
                    runs,
                    &entry.case,
                    &bundle,
                    &steps,
                )
                .map_err(Error::broken)?;
                runs += 1;
            }
        }
        fs::write(folder.path().join("loop.sh"), LOOP).map_err(Error::broken)?;
        Ok(Self { folder, runs, cases })
    }

    /// The names of the cases in it.
    pub(crate) fn cases(&self) -> &[String] {
        &self.cases
    }

    /// How many scripts there are.
    pub(crate) fn runs(&self) -> usize {
        self.runs
    }

    /// Runs them all, in private namespaces, this many at a time. Bundles are copied beforehand.
    pub(crate) fn run(&self, width: usize) -> Result<Round, Error> {
        let copy = tempfile::Builder::new()
            .prefix("ocidiff-bench.")
            .tempdir()
            .map_err(Error::broken)?;
        let status = Command::new("cp")
            .arg("-a")
            .arg(self.folder.path().join("."))
            .arg(copy.path())
            .status();
        status.map_err(Error::broken)?;
        let started = Instant::now();
        let status = Command::new("unshare")
            .args([
                "-m",
                "-p",
                "-f",
                "-i",
                "-u",
                "-n",
                "--kill-child",
                "--mount-proc",
                "bash",
            ])
            .arg(copy.path().join("loop.sh"))
            .arg(copy.path())
            .arg(width.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(Error::broken)?;
        let took = started.elapsed();
        // What a runtime left running kept its cgroup until the namespace ended.
        let _ = Command::new("unshare")
            .args(["-m", "sh", "-c", SWEEP, "sh", "/bare-loop"])
            .stderr(Stdio::null())
            .status();
        // Made by the loop as a mount point; the mount went with its namespace.
        let _ = fs::remove_dir("/run/bare-loop");
        if !status.success() {
            return Err(Error::broken(format!("the bare loop ended with {status}")));
        }
        let (calls, failed) = count(copy.path()).map_err(Error::broken)?;
        Ok(Round { took, calls, failed })
    }
}

/// The calls that the scripts made, and how many of them failed.
fn count(folder: &Path) -> std::io::Result<(usize, usize)> {
    let (mut calls, mut failed) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let statuses = fs::read_to_string(entry?.path().join("calls")).unwrap_or_default();
        calls += statuses.lines().count();
        failed += statuses.lines().filter(|status| *status != "0").count();
    }
    Ok((calls, failed))
}

/// Cases about odd cgroup paths and ids are for cells only: under some runtimes they end every visible process,
/// or remove folders. They are left out on both sides.
fn is_safe_outside(case: &Case) -> bool {
    let odd_cgroup = case.body.config.pointer("/linux/cgroupsPath").is_some();
    // Nothing in the loop listens for a terminal.
    let terminal = case.body.config.pointer("/process/terminal").is_some();
    !odd_cgroup && !terminal && case.body.steps.iter().all(|step| step.options.id.is_none())
}

fn write_run(
    folder: &Path,
    number: usize,
    case: &Case,
    bundle: &Bundle,
    steps: &[JobStep],
) -> std::io::Result<()> {
    let moved = |text: &str| {
        text.replace(paths::BUNDLES, &format!("{}/bundle", folder_in_loop(number)))
            .replace(paths::PROBE, "/run/bare-loop/probe")
            .replace(paths::CELL, &folder_in_loop(number))
    };
    for (name, config) in &bundle.configs {
        let target = folder.join("bundle").join(name);
        merge_layers(&bundle.layers, &target.join("rootfs"))?;
        // All run in one cgroup namespace: each needs a cgroup with its own name.
        let config = moved(config).replace(
            "\"cgroupsPath\": \"/",
            &format!("\"cgroupsPath\": \"/bare-loop/{number}"),
        );
        fs::write(target.join(&case.body.config_file), config)?;
    }
    for name in ["pid", "input", "hooks", "state/of/the/runtime/here/root"] {
        fs::create_dir_all(folder.join(name))?;
    }
    let mut script = format!("cd {}\n", folder_in_loop(number));
    for step in steps {
        if let Some((path, text)) = &step.input {
            fs::write(
                folder.join("input").join(path.file_name().unwrap_or_default()),
                text,
            )?;
        }
        // Writing to a string cannot fail.
        let _ = match step.op {
            Op::Wait => writeln!(script, "wait_end {}", step.container),
            Op::Await => writeln!(
                script,
                "wait_text {}",
                quote(step.stdout.as_deref().unwrap_or_default())
            ),
            op => {
                let words: Vec<String> = step.argv.iter().map(|word| quote(&moved(word))).collect();
                let stop = if op == Op::Create {
                    "; [ $status = 0 ] || exit 0"
                } else {
                    ""
                };
                let out = if op == Op::Create { "out" } else { "said" };
                writeln!(
                    script,
                    "timeout -k 1 {} {} </dev/null >{out} 2>&1; status=$?; echo $status >>calls{stop}",
                    step.limit_ms.div_ceil(1000),
                    words.join(" ")
                )
            }
        };
    }
    fs::write(folder.join("run.sh"), script)?;
    fs::set_permissions(folder.join("run.sh"), fs::Permissions::from_mode(0o755))
}

fn folder_in_loop(number: usize) -> String {
    format!("/run/bare-loop/{number:05}")
}

fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Removes cgroups, including those in a hierarchy that only the loop had mounted.
const SWEEP: &str = include_str!("../../../runtimes/engines/tests/support/sweep.sh");

/// Waiting does not take a process: it is a read with a time limit on a pipe that is never written to.
const LOOP: &str = r#"
mount --make-rprivate /
if [ -d /sys/fs/cgroup/unified ] && grep -qs hugetlb /sys/fs/cgroup/unified/cgroup.controllers; then
  mkdir -p /sys/fs/cgroup/hugetlb
  mount -t cgroup -o hugetlb hugetlb /sys/fs/cgroup/hugetlb || rmdir /sys/fs/cgroup/hugetlb
fi
mkdir -p /run/bare-loop && mount --bind "$1" /run/bare-loop && cd /run/bare-loop || exit 1
for d in vm fs dev debug abi user; do
  [ -d /proc/sys/$d ] && mount --bind /proc/sys/$d /proc/sys/$d && mount -o remount,bind,ro /proc/sys/$d
done
mkfifo /run/bare-loop/tick
exec 9<>/run/bare-loop/tick
wait_end() {
  local pid; read -r pid < pid/$1 || return
  for _ in $(seq 3000); do
    [ -d /proc/$pid ] || return
    read -r _ _ state _ < /proc/$pid/stat 2>/dev/null || return
    [ "$state" = Z ] && return
    read -t 0.002 -u 9
  done
}
wait_text() {
  local line
  for _ in $(seq 3000); do
    grep -qF -- "$1" out 2>/dev/null && return
    read -t 0.005 -u 9
  done
}
export -f wait_end wait_text
running=0
for run in 0*; do
  bash $run/run.sh &
  running=$((running + 1))
  if [ $running -ge $2 ]; then wait -n; running=$((running - 1)); fi
done
wait
find /sys/fs/cgroup -depth -type d -path '*/bare-loop*' -exec rmdir {} \; 2>/dev/null
rmdir /sys/fs/cgroup/*/bare-loop 2>/dev/null
umount /sys/fs/cgroup/hugetlb 2>/dev/null && rmdir /sys/fs/cgroup/hugetlb 2>/dev/null
exit 0
"#;
