//! `ocidiff matrix run`: each cell is a separate run of the program, so that none takes the others down with it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use ocidiff_model::{Counts, ExitStatus, Verdict};
use ocidiff_reports::{count, safe};

use super::{MatrixRunArgs, cell, output, planned};
use crate::cli::{files, signals};
use crate::error::Error;
use crate::machine::root;
use crate::matrix::{Cell, Plan, ci};
use crate::run::suite;

/// How often a cell is started again if it ends before its last case, provided that it gets further each time.
const BEGINNINGS: usize = 8;
/// How often to check whether a cell has ended.
const LOOK: std::time::Duration = std::time::Duration::from_millis(200);

/// Longer than what a run prints that does not begin.
const SAID: u64 = 1 << 20;

/// How a cell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Every case has a result.
    Whole,
    /// Not every case has one: the machine, or the program in it, died.
    Short,
    /// Not every case has one, because a signal asked for the end.
    Interrupted,
    /// It could not even begin.
    Never(ExitStatus),
}

/// Runs the plan.
pub(super) fn run(args: &MatrixRunArgs) -> Result<ExitStatus, Error> {
    root::need_root()?;
    let (plan, times) = planned(&args.of)?;
    open(&args.out, &plan, args.resume)?;
    let stop = signals::stop();
    let began = Instant::now();
    let whole: f64 = plan.cells.iter().map(|one| times.of_cell(one)).sum();
    let (mut foretold, mut status) = (0.0, ExitStatus::Ok);
    for (number, one) in plan.cells.iter().enumerate() {
        if stop.stop.is_asked() {
            return Ok(ExitStatus::Broken);
        }
        let spent = began.elapsed().as_secs_f64();
        // The prediction for the finished cells, compared with the time that they took.
        let pace = if foretold > 0.0 { spent / foretold } else { 1.0 };
        output::complain(&format!(
            "[{}/{}] {}: {}, about {}; {} left",
            number + 1,
            plan.cells.len(),
            one.axis,
            count(one.cases.len(), "case"),
            ci::lasting(times.of_cell(one) * pace),
            ci::lasting((whole - foretold) * pace)
        ));
        let ended = all_of(args, one, &stop.stop)?;
        foretold += times.of_cell(one);
        let told = told(&args.out, one, ended)?;
        status = if status.code() >= told.code() {
            status
        } else {
            told
        };
    }
    Ok(status)
}

/// A new folder, or the folder of this very plan.
fn open(out: &Path, plan: &Plan, resume: bool) -> Result<(), Error> {
    let shown = safe(&out.to_string_lossy());
    match cell::plan_of(out)? {
        Some(there) if !resume => Err(Error::usage(format!(
            "{shown} has a matrix already ({} cells); --resume goes on with it",
            there.cells.len()
        ))),
        Some(there) if there != *plan => Err(Error::usage(format!(
            "{shown} has another matrix: its plan, its cases or its part are not these; name another --out"
        ))),
        Some(_) => Ok(()),
        None => {
            fs::create_dir_all(out)
                .map_err(|error| Error::usage(format!("failed to make {shown}: {error}")))?;
            let text = serde_json::to_string(plan).map_err(Error::broken)?;
            files::write(&out.join(cell::PLAN), &text, files::PRIVATE)
        }
    }
}

/// Runs what is left of a cell, and repeats that as long as it gets further.
fn all_of(args: &MatrixRunArgs, one: &Cell, stop: &crate::run::stop::Stop) -> Result<Ended, Error> {
    let folder = cell::place(&args.out, one);
    fs::create_dir_all(&folder).map_err(|error| {
        Error::broken(format!(
            "failed to make {}: {error}",
            safe(&folder.to_string_lossy())
        ))
    })?;
    for _ in 0..BEGINNINGS {
        let done = cell::done(&folder);
        let left: Vec<&String> = one.cases.iter().filter(|case| !done.contains(*case)).collect();
        if left.is_empty() {
            return Ok(Ended::Whole);
        }
        let status = begin(args, one, &folder, &left, stop)?;
        let now = cell::done(&folder);
        if stop.is_asked() {
            return Ok(Ended::Interrupted);
        }
        if now.len() == done.len() {
            return Ok(if now.is_empty() {
                Ended::Never(status)
            } else {
                Ended::Short
            });
        }
    }
    let done = cell::done(&folder);
    Ok(if one.cases.iter().all(|case| done.contains(case)) {
        Ended::Whole
    } else {
        Ended::Short
    })
}

/// One run of the program.
fn begin(
    args: &MatrixRunArgs,
    one: &Cell,
    folder: &Path,
    cases: &[&String],
    stop: &crate::run::stop::Stop,
) -> Result<ExitStatus, Error> {
    let number = cell::next(folder);
    let broken = |error: std::io::Error| Error::broken(format!("failed to run a cell: {error}"));
    let text = File::create(folder.join(format!("{number}.txt"))).map_err(broken)?;
    let said = text.try_clone().map_err(broken)?;
    // util-linux is on every Debian system; it makes the cell end with us, whatever ends us: a cell that runs on would
    // write beside the one that --resume begins. The thread that starts it is the one that waits for it.
    let mut child = Command::new("setpriv")
        .args(["--pdeathsig", "KILL"])
        .arg(suite::program()?)
        .args(words(args, one, &folder.join(format!("{number}.jsonl"))))
        .args(cases)
        .stdin(Stdio::null())
        .stdout(text)
        .stderr(said)
        .spawn()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::broken(
                "failed to run a cell: there is no setpriv; `apt-get install util-linux` installs it",
            ),
            _ => broken(error),
        })?;
    let mut asked = false;
    loop {
        if let Some(status) = child.try_wait().map_err(broken)? {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return Ok(code.map_or(ExitStatus::Broken, of_code));
        }
        if stop.is_asked() && !asked {
            asked = true;
            let pid = rustix::process::Pid::from_child(&child);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        std::thread::sleep(LOOK);
    }
}

fn of_code(code: u8) -> ExitStatus {
    [ExitStatus::Ok, ExitStatus::Differs, ExitStatus::Usage]
        .into_iter()
        .find(|status| status.code() == code)
        .unwrap_or(ExitStatus::Broken)
}

fn words(args: &MatrixRunArgs, one: &Cell, json: &Path) -> Vec<String> {
    let mut words = vec!["run".to_owned(), "--json".to_owned(), json.display().to_string()];
    for runtime in &one.runtimes {
        words.extend(["--runtime".to_owned(), runtime.clone()]);
    }
    if let Some(cases) = &args.of.cases {
        words.extend(["--cases".to_owned(), absolute(cases)]);
    }
    if let Some(cgroup) = one.axis.cgroup {
        for (name, value) in [
            ("--isolate", "vm"),
            ("--kernel", &one.axis.kernel),
            ("--cgroup", cgroup.name()),
        ] {
            words.extend([name.to_owned(), value.to_owned()]);
        }
    }
    words.push("--".to_owned());
    words
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| PathBuf::from(path))
        .display()
        .to_string()
}

/// The last line of what a cell printed: why it did not begin.
fn why(text: &Path) -> String {
    let said = ocidiff_confine::read_text(text, SAID).unwrap_or_default();
    let last = said.trim().lines().next_back().unwrap_or_default();
    match last.trim_start_matches("ocidiff: ") {
        "" => String::new(),
        last => format!(": {}", safe(last)),
    }
}

/// A line for a cell that has ended, and the status that it contributes to the matrix.
fn told(out: &Path, one: &Cell, ended: Ended) -> Result<ExitStatus, Error> {
    let folder = cell::place(out, one);
    let mut counts = Counts::default();
    let results = cell::results(&folder);
    results.values().for_each(|verdict| counts.add(*verdict));
    let done = results.len();
    let verdicts: Vec<String> = Verdict::ALL
        .into_iter()
        .filter(|verdict| counts.of(*verdict) > 0)
        .map(|verdict| format!("{} {verdict}", counts.of(verdict)))
        .collect();
    let (line, status) = match ended {
        Ended::Whole => (verdicts.join(" · "), counts.exit(false)),
        Ended::Short | Ended::Interrupted => (
            format!(
                "{}: {done} of {} cases, {}; --resume runs the rest",
                if ended == Ended::Short {
                    "died"
                } else {
                    "interrupted"
                },
                one.cases.len(),
                verdicts.join(" · ")
            ),
            ExitStatus::Broken,
        ),
        Ended::Never(status) => {
            let text = folder.join(format!("{}.txt", cell::next(&folder).saturating_sub(1).max(1)));
            (
                format!(
                    "did not begin{}; {} has it all",
                    why(&text),
                    safe(&text.to_string_lossy())
                ),
                status,
            )
        }
    };
    output::print(&format!("{:22} {line}\n", one.axis.to_string()))?;
    Ok(if matches!(ended, Ended::Never(_)) {
        ExitStatus::Broken
    } else {
        status
    })
}
