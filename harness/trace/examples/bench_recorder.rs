//! What recording adds to a workload of 100,000 getppid and 20,000 openat: plain, under our recorder, under
//! `strace -f -o FILE`, one after the other in one run. The best of three rounds each.
//!
//! `bench_recorder [--json]`; the ratio is what we add divided by what strace adds. Without strace only ours
//! is measured.

use std::ffi::OsString;
use std::fs::File;
use std::hint::black_box;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use ocidiff_trace::{Options, PtraceRecorder, Recorder as _};

const GETPPID: u32 = 100_000;
const OPENAT: u32 = 20_000;
const ROUNDS: usize = 3;
const LIMIT: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("--workload") => workload(),
        Some("--init") => {
            // Stands like a runtime's init: waits for its input to end, and becomes the workload.
            let _ = std::io::stdin().read(&mut [0]);
            eprintln!("failed to exec: {}", Command::new(me()).arg("--workload").exec());
            return ExitCode::FAILURE;
        }
        argument => report(argument == Some("--json")),
    }
    ExitCode::SUCCESS
}

fn workload() {
    for _ in 0..GETPPID {
        black_box(std::os::unix::process::parent_id());
    }
    for _ in 0..OPENAT {
        black_box(File::open("/dev/null").is_ok());
    }
}

fn report(json: bool) {
    let plain = best(plain);
    let ours = best(ours);
    let strace = Command::new("strace")
        .arg("-V")
        .output()
        .is_ok()
        .then(|| best(strace));
    let ratio = strace.map(|strace| (ours - plain) / (strace - plain));
    if json {
        let number = |value: Option<f64>| value.map_or("null".to_owned(), |value| format!("{value:.3}"));
        println!(
            "{{\"bench\":\"recorder\",\"getppid\":{GETPPID},\"openat\":{OPENAT},\"plain_s\":{plain:.3},\
             \"ours_s\":{ours:.3},\"strace_s\":{},\"added_ratio\":{},\"limit\":0.8}}",
            number(strace),
            number(ratio)
        );
        return;
    }
    println!("{GETPPID} getppid and {OPENAT} openat, seconds, best of {ROUNDS}");
    println!("  plain          {plain:8.3}");
    println!("  our recorder   {ours:8.3}");
    match (strace, ratio) {
        (Some(strace), Some(ratio)) => {
            println!("  strace -f      {strace:8.3}");
            println!("  what we add is {ratio:.3} of what strace adds (limit 0.8)");
        }
        _ => println!("  strace -f      not installed"),
    }
}

fn best(measure: fn() -> f64) -> f64 {
    (0..ROUNDS).map(|_| measure()).fold(f64::INFINITY, f64::min)
}

fn me() -> OsString {
    OsString::from("/proc/self/exe")
}

fn timed(command: &mut Command) -> f64 {
    let start = Instant::now();
    let status = command.status().expect("the command starts");
    assert!(status.success());
    start.elapsed().as_secs_f64()
}

fn plain() -> f64 {
    timed(Command::new(me()).arg("--workload"))
}

fn strace() -> f64 {
    let file = std::env::temp_dir().join(format!("bench_recorder.{}", std::process::id()));
    // strace would take its own link for the program's.
    let program = std::env::current_exe().expect("this program has a path");
    let seconds = timed(
        Command::new("strace")
            .args(["-f", "-o"])
            .arg(&file)
            .arg(program)
            .arg("--workload"),
    );
    let _ = std::fs::remove_file(file);
    seconds
}

#[expect(clippy::zombie_processes, reason = "the recorder reaps it")]
fn ours() -> f64 {
    let mut init = Command::new(me())
        .arg("--init")
        .stdin(Stdio::piped())
        .spawn()
        .expect("init starts");
    let pid = i32::try_from(init.id()).expect("a pid fits");
    let options = Options {
        watch: vec!["fchmodat2".to_owned()],
        ..Options::default()
    };
    let mut recording = PtraceRecorder
        .attach(pid, options, Box::new(|_| ()))
        .expect("attach");
    let start = Instant::now();
    drop(init.stdin.take());
    let trace = recording.wait(LIMIT).expect("a trace").expect("it ends in time");
    let seconds = start.elapsed().as_secs_f64();
    assert!(
        trace.total >= u64::from(GETPPID + 2 * OPENAT),
        "all calls are seen"
    );
    seconds
}
