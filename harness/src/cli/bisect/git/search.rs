//! The search itself: the script's answer for both ends, then `git bisect run` between them.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use ocidiff_model::FindingId;
use ocidiff_reports::safe;
use rustix::process::{Pid, Signal, kill_process_group};

use super::super::super::{files, output};
use super::{Asked, no_git};
use crate::error::Error;
use crate::run::stop::Stop;

/// How often to look at a command.
const PAUSE: Duration = Duration::from_millis(50);

/// What `git bisect` does for each commit: build it, and answer. `$3` is the answer of the earlier commit.
///
/// An answer counts once it came twice in a row: git believes each one, and a single call that failed on a busy machine
/// would make it name the wrong commit.
const STEP: &str = r#"#!/bin/sh
# $1: how it is built  $2: the program  $3: what the script of repro answers for the earlier commit
cd "$OCIDIFF_CHECKOUT" || exit 125
rm -f "$OCIDIFF_FOLDER/build.failed" "$OCIDIFF_FOLDER/repro.log"
sh -c "$1" >"$OCIDIFF_FOLDER/build.log" 2>&1 </dev/null || { echo $? >"$OCIDIFF_FOLDER/build.failed"; exit 125; }
answer= last=
for _ in 1 2 3 4 5 6; do
  "$OCIDIFF_FOLDER/repro/repro.sh" "$OCIDIFF_CHECKOUT/$2" >"$OCIDIFF_FOLDER/repro.log" 2>&1 </dev/null
  answer=$?
  [ "$answer" = "$last" ] && break
  last=$answer answer=125
done
case "$answer" in 0 | 1) ;; *) exit 125 ;; esac
[ -n "$3" ] || exit "$answer"
[ "$answer" = "$3" ]
"#;

/// A search through the commits of a checkout.
pub(super) struct Search<'a> {
    pub(super) asked: &'a Asked,
    /// What an answer says: that a finding shows, or that something differs from what is expected.
    pub(super) finding: Option<&'a FindingId>,
    pub(super) folder: &'a Path,
    pub(super) program: &'a Path,
    pub(super) stop: &'a Stop,
}

impl Search<'_> {
    /// Asks the two ends, then lets git ask the commits between them.
    pub(super) fn run(&self, ends: [String; 2]) -> Result<String, Error> {
        let asked = self.asked;
        let step = self.folder.join("step");
        files::write(&step, STEP, files::SHARED)?;
        fs::set_permissions(&step, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .map_err(|error| files::failed(&step, &error))?;
        let [old, new] = ends.map(|commit| {
            asked.quiet(&["checkout", "-q", "--detach", &commit])?;
            let answer = self.ask(&commit)?;
            let short = &commit[..commit.len().min(12)];
            output::progress(&format!("{short}: {}", self.words(answer)));
            Ok::<_, Error>((commit, answer))
        });
        let ((old, before), (new, after)) = (old?, new?);
        if before == after {
            return Err(Error::usage(format!(
                "{} and {} answer alike ({}): there is nothing to search between them",
                safe(&asked.old),
                safe(&asked.new),
                self.words(before)
            )));
        }
        asked.quiet(&[
            "bisect",
            "start",
            "--term-old",
            "before",
            "--term-new",
            "after",
            &new,
            &old,
        ])?;
        let mut run = asked.git(&["bisect", "run"]);
        run.arg(&step)
            .arg(&asked.build)
            .arg(self.program)
            .arg(before.to_string());
        self.to_its_end(&mut run).map_err(|error| no_git(&error))?;
        let said = fs::read(self.folder.join("said")).unwrap_or_default();
        let log = asked.says(&["bisect", "log"])?;
        let answers = [before, after].map(|answer| self.words(answer));
        told(&String::from_utf8_lossy(&said), &log, answers)
    }

    /// Runs a command that may take long, in its own process group; what it starts is ended with it if a signal asks
    /// for that.
    fn to_its_end(&self, command: &mut Command) -> io::Result<ExitStatus> {
        command
            .env("OCIDIFF_CHECKOUT", &self.asked.checkout)
            .env("OCIDIFF_FOLDER", self.folder)
            .stdin(Stdio::null())
            .stdout(fs::File::create(self.folder.join("said"))?)
            .stderr(Stdio::null())
            .process_group(0);
        let mut child = command.spawn()?;
        let group = Pid::from_child(&child);
        let mut asked = false;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if self.stop.is_asked() && !asked {
                asked = true;
                // It may have ended just now.
                let _ = kill_process_group(group, Signal::TERM);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// What the script answers for the commit that is checked out: 0 or 1.
    fn ask(&self, commit: &str) -> Result<i32, Error> {
        let mut step = Command::new(self.folder.join("step"));
        step.arg(&self.asked.build).arg(self.program).arg("");
        let ended = self
            .to_its_end(&mut step)
            .map_err(|error| Error::broken(format!("failed to start the build: {error}")))?;
        if let Some(answer @ (0 | 1)) = ended.code() {
            return Ok(answer);
        }
        let said = |name: &str| {
            let text = fs::read(self.folder.join(name)).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            let lines: Vec<&str> = text.trim().lines().collect();
            match lines[lines.len().saturating_sub(3)..].join("; ") {
                nothing if nothing.is_empty() => "said nothing".to_owned(),
                lines => format!("said `{}`", safe(&lines)),
            }
        };
        let failed = fs::read_to_string(self.folder.join("build.failed"));
        let why = match failed {
            Ok(status) => format!(
                "the build ended with {} and {}",
                safe(status.trim()),
                said("build.log")
            ),
            Err(_) => format!("the script of `repro` {}", said("repro.log")),
        };
        Err(Error::broken(format!(
            "failed to get an answer for the commit {}: {why}",
            safe(commit)
        )))
    }

    /// An answer in words.
    fn words(&self, answer: i32) -> String {
        match (self.finding, answer) {
            (None, 0) => "is as expected".to_owned(),
            (None, 1) => "differs from what is expected".to_owned(),
            (Some(id), 0) => format!("does not show {id}"),
            (Some(id), 1) => format!("shows {id}"),
            _ => "cannot tell".to_owned(),
        }
    }
}

/// What git found: the first commit that behaves like the later one.
fn told(said: &str, log: &str, [before, after]: [String; 2]) -> Result<String, Error> {
    let first = log
        .lines()
        .find_map(|line| line.strip_prefix("# first after commit: "));
    if let Some(first) = first {
        return Ok(format!(
            "{before}; from this commit on it {after}:\n  {}\n",
            safe(first)
        ));
    }
    let open: Vec<&str> = log
        .lines()
        .filter_map(|line| line.strip_prefix("# possible first after commit: "))
        .collect();
    if open.is_empty() {
        let last = said.trim().lines().next_back().unwrap_or_default();
        return Err(Error::broken(format!(
            "failed to find the commit: git said `{}`",
            safe(last)
        )));
    }
    let open: Vec<String> = open
        .into_iter()
        .map(|commit| format!("  {}\n", safe(commit)))
        .collect();
    Ok(format!(
        "{before}, then {after}; the others could not be built or judged, so it is one of\n{}",
        open.concat()
    ))
}
