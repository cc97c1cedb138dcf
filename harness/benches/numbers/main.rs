//! The numbers that the project commits itself to, side by side, from one run: `make bench`.
//!
//! Needs root, the default runtimes and strace. What is compared runs in turn, never at the same time.
//!
//! `cargo bench --package ocidiff --bench numbers -- filters` measures only seccomp, and needs no strace; `-- node`
//! measures a node with an engine, `-- pods` pods, and `-- fleet` many nodes.

mod bare;
#[path = "../../tests/it/support/binary.rs"]
mod binary;
#[expect(dead_code, reason = "the bench needs few of the helpers")]
#[path = "../../../runtimes/cri/tests/support/containerd.rs"]
mod containerd;
#[expect(dead_code, reason = "the bench needs few of the helpers")]
#[path = "../../../runtimes/engines/tests/support/dockerd.rs"]
mod dockerd;
mod filters;
mod fleet;
#[path = "../../tests/it/support/kinds.rs"]
mod kinds;
mod memory;
#[path = "../../tests/it/support/needs.rs"]
mod needs;
mod node;
#[path = "../../tests/it/support/pod.rs"]
mod pod;
mod pods;
use dockerd::private;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use ocidiff::cells::participants::{Contender, contenders};
use ocidiff::error::Error;
use ocidiff::machine::root;
use ocidiff::run::suite;
use ocidiff_model::Event;
use ocidiff_trace::ebpf::Loaded;

/// The program that users get (`make dist`), or the one that cargo built.
fn program() -> String {
    std::env::var("OCIDIFF_DIST").unwrap_or_else(|_| env!("CARGO_BIN_EXE_ocidiff").to_owned())
}

/// Containers at a time.
const WIDTH: usize = 4;
/// The best of this many rounds counts: other activity of the machine only ever adds.
const ROUNDS: usize = 3;
/// The corpus takes minutes.
const CORPUS_ROUNDS: usize = 2;

fn main() -> ExitCode {
    // `cargo bench` and `cargo test --benches` pass flags that mean nothing here; the latter does not run benches.
    if std::env::args().any(|arg| arg == "--test") || !std::env::args().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    let outcome = if std::env::args().any(|arg| arg == "filters") {
        only_filters()
    } else if std::env::args().any(|arg| arg == "fleet") {
        fleet::fleet()
    } else if std::env::args().any(|arg| arg == "node") {
        root::need_root().and_then(|()| node::node())
    } else if std::env::args().any(|arg| arg == "pods") {
        root::need_root().and_then(|()| pods::pods())
    } else {
        run()
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::from(error.status().code())
        }
    }
}

/// Whether every number holds.
fn run() -> Result<bool, Error> {
    root::need_root()?;
    let store = suite::store()?;
    let runtimes = suite::runtimes(&[], &store)?;
    suite::need_two(&runtimes)?;
    let contenders = contenders(runtimes, None).map_err(Error::usage)?;
    let mut all = true;
    all &= start_up()?;
    all &= filters::filters()?;
    all &= profile(&contenders)?;
    all &= loading()?;
    all &= recorder()?;
    all &= whole_case()?;
    all &= node::node()?;
    all &= fleet::fleet()?;
    all &= pods::pods()?;
    all &= corpus(&contenders)?;
    Ok(all)
}

/// The numbers about seccomp, without the rest.
fn only_filters() -> Result<bool, Error> {
    root::need_root()?;
    let contenders = contenders(suite::runtimes(&[], &suite::store()?)?, None).map_err(Error::usage)?;
    Ok(filters::filters()? & profile(&contenders)?)
}

/// `ocidiff seccomp` on a profile, compared with a bare loop that only makes and removes the containers with it.
fn profile(contenders: &[Contender]) -> Result<bool, Error> {
    let bare = bare::Loop::write(contenders, |name| name == "seccomp/profiles[docker-20.10.24]")?;
    let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
    for _ in 0..PROFILE_ROUNDS {
        theirs = theirs.min(bare.run(contenders.len())?.took);
        let started = Instant::now();
        let status = Command::new(program())
            .args(["seccomp", "docker-20.10.24"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(Error::broken)?;
        ours = ours.min(started.elapsed());
        if status.code() != Some(1) {
            return Err(Error::broken(format!("ocidiff seccomp ended with {status}")));
        }
    }
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    let millis = |took: Duration| took.as_secs_f64() * 1e3;
    Ok(say(
        "one profile under all runtimes, explained",
        &format!(
            "{:.0} ms, bare loop {:.0} ms ({} runs): {ratio:.2}",
            millis(ours),
            millis(theirs),
            bare.runs()
        ),
        "at most 1.20",
        ratio <= 1.2,
    ))
}

/// A round of one profile takes a tenth of a second.
const PROFILE_ROUNDS: usize = 12;

fn say(name: &str, measured: &str, limit: &str, holds: bool) -> bool {
    println!(
        "{name:44} {measured:44} {limit:20} {}",
        if holds { "holds" } else { "MISSED" }
    );
    holds
}

fn best(mut measure: impl FnMut() -> Result<Duration, Error>) -> Result<Duration, Error> {
    let mut best = measure()?;
    for _ in 1..ROUNDS {
        best = best.min(measure()?);
    }
    Ok(best)
}

fn timed(command: &mut Command) -> Result<Duration, Error> {
    let started = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.map_err(Error::broken)?;
    Ok(started.elapsed())
}

/// Reads the first line of every case, the way a shell does it: what `list` prints, except what it checks and sorts.
const LIST_IN_SHELL: &str = "for case in $(find cases -name '*.yaml'); do read -r line <$case; printf '%s  %s\\n' $case \"$line\"; done";

fn start_up() -> Result<bool, Error> {
    let program = std::path::absolute(program()).map_err(Error::broken)?;
    // Outside the checkout, whose files it would read in place of the built-in ones.
    let built_in = best(|| timed(Command::new(&program).arg("list").current_dir("/")))?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let checkout = best(|| timed(Command::new(&program).arg("list").current_dir(&root)))?;
    let shell = best(|| {
        let mut shell = Command::new("sh");
        timed(shell.args(["-c", LIST_IN_SHELL]).current_dir(&root))
    })?;
    let millis = built_in.as_secs_f64() * 1e3;
    Ok(say(
        "start-up (ocidiff list)",
        &format!(
            "{millis:.1} ms, in a checkout {:.0}, a shell's loop over its files {:.0}",
            checkout.as_secs_f64() * 1e3,
            shell.as_secs_f64() * 1e3
        ),
        "under 50 ms",
        millis < 50.0,
    ))
}

/// The whole corpus, compared with a bare shell loop over the same bundles and calls.
fn corpus(contenders: &[Contender]) -> Result<bool, Error> {
    let runtimes: Vec<String> = contenders
        .iter()
        .map(|contender| {
            format!(
                "--runtime={}={}",
                contender.id.name,
                contender.runtime.path.display()
            )
        })
        .collect();
    let bare = bare::Loop::write(contenders, |_| true)?;
    let events = tempfile::NamedTempFile::new().map_err(Error::broken)?;
    let mut peak = memory::Peak::default();
    let mut ours = Duration::MAX;
    let mut theirs = Duration::MAX;
    for _ in 0..CORPUS_ROUNDS {
        let round = bare.run(WIDTH)?;
        theirs = theirs.min(round.took);
        let started = Instant::now();
        let mut child = Command::new(program())
            .arg("run")
            .args(bare.cases())
            .args(&runtimes)
            .arg(format!("--jobs={WIDTH}"))
            .arg("--json")
            .arg(events.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::broken)?;
        peak.watch(&mut child)?;
        ours = ours.min(started.elapsed());
        did_the_same(&round, events.path())?;
    }
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    let measured = format!(
        "{:.2} s, bare loop {:.2} s ({} runs): {ratio:.2}",
        ours.as_secs_f64(),
        theirs.as_secs_f64(),
        bare.runs()
    );
    let fast = say(
        &format!("corpus, {WIDTH} at a time, syscalls recorded"),
        &measured,
        "at most 1.25",
        ratio <= 1.25,
    );
    let (own, tree) = peak.mebibytes();
    let small = say(
        "memory of a whole run",
        &format!("ocidiff {own:.0} MiB, with its cells {tree:.0} MiB"),
        "under 100 MiB",
        tree < 100.0,
    );
    Ok(fast && small)
}

/// Whether the loop really ran the containers: as many calls of a runtime must fail in it as in cells, except
/// for a few of the corpus that depend on where they run.
fn did_the_same(round: &bare::Round, events: &Path) -> Result<(), Error> {
    let text = std::fs::read_to_string(events).map_err(Error::broken)?;
    let mut failed = 0;
    for line in text.lines() {
        if let Event::CaseFinished(report) = serde_json::from_str(line).map_err(Error::broken)? {
            failed += report.failures.len();
        }
    }
    if failed.abs_diff(round.failed) * 50 > round.calls {
        return Err(Error::broken(format!(
            "the bare loop did something else: {} of its {} calls failed, and {failed} in cells",
            round.failed, round.calls
        )));
    }
    Ok(())
}

/// 100,000 getppid and 20,000 openat: plain, under each recorder, under strace. The recorders' own bench measures.
fn recorder() -> Result<bool, Error> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args([
            "run",
            "--release",
            "--quiet",
            "--package",
            "ocidiff-trace",
            "--example",
            "bench_recorder",
        ])
        .args(["--", "--json"])
        .stdin(Stdio::null())
        .output()
        .map_err(Error::broken)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let json: serde_json::Value = serde_json::from_str(text.trim()).map_err(|error| {
        Error::broken(format!(
            "the recorder's bench printed no figures: {error}: {text}"
        ))
    })?;
    let seconds = |name: &str| json[name].as_f64().unwrap_or(f64::NAN);
    let (plain, strace) = (seconds("plain_s"), seconds("strace_s"));
    let mut all = true;
    for (name, key, limit) in [
        ("ptrace adds, against strace -f", "ours_s", 0.8),
        ("eBPF adds, against strace -f", "ebpf_s", 0.04),
        ("the same with every call kept", "ebpf_all_s", 0.04),
    ] {
        let ratio = (seconds(key) - plain) / (strace - plain);
        let measured = format!(
            "plain {plain:.2} s, ours {:.2} s, strace {strace:.2} s: {ratio:.3}",
            seconds(key)
        );
        all &= say(name, &measured, &format!("at most {limit:.2}"), ratio <= limit);
    }
    Ok(all)
}

/// Loading the kernel's programs, once for a run.
fn loading() -> Result<bool, Error> {
    let took = best(|| {
        let loaded = Loaded::load().map_err(|error| Error::broken(format!("failed to {error}")))?;
        Ok(loaded.took())
    })?;
    let millis = took.as_secs_f64() * 1e3;
    Ok(say(
        "eBPF: load and attach",
        &format!("{millis:.1} ms"),
        "under 50 ms",
        millis < 50.0,
    ))
}

/// Whole cases with the set-up recorded, compared with the same without a recorder except for the visit at the execve.
fn whole_case() -> Result<bool, Error> {
    let run = |recorder: &str| {
        timed(
            Command::new(program())
                .args(["run", "process/user*", "--jobs=1", "--recorder"])
                .arg(recorder),
        )
    };
    let (mut with, mut without) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        with = with.min(run("ebpf")?);
        without = without.min(run("none")?);
    }
    let ratio = with.as_secs_f64() / without.as_secs_f64();
    let measured = format!(
        "{:.2} s, unrecorded {:.2} s: {ratio:.2}",
        with.as_secs_f64(),
        without.as_secs_f64()
    );
    Ok(say(
        "whole cases, eBPF, set-up too",
        &measured,
        "at most 1.10",
        ratio <= 1.10,
    ))
}
