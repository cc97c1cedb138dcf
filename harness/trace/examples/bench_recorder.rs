//! What recording adds to a workload of 100,000 getppid and 20,000 openat: plain, under each of our recorders, under
//! `strace -f -o FILE`, one after the other in one run. The best of three rounds each.
//!
//! `bench_recorder [--json]`; the ratio is what we add divided by what strace adds. eBPF is measured as it is used
//! (the first 20,000 calls are kept, the others counted), and with every call kept. Without strace only our
//! recorders are measured.

use std::ffi::OsString;
use std::fs::File;
use std::hint::black_box;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use ocidiff_trace::ebpf::{Loaded, Place, Role};
use ocidiff_trace::{Calls, EbpfRecorder, Options, PtraceRecorder, Recorder};

const GETPPID: u32 = 100_000;
const OPENAT: u32 = 20_000;
const ROUNDS: usize = 3;
const LIMIT: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("--workload") => workload(),
        Some("--init") => {
            if let Some(place) = std::env::args().nth(2) {
                let place: Place = serde_json::from_str(&place).expect("a place");
                EbpfRecorder::enrol(&place, Role::Runtime).expect("enrol");
            }
            // Behaves like a runtime's init: waits for its input to end, then becomes the workload.
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
    let ptrace = best(|| recorded(&PtraceRecorder, None, Calls::default().max));
    let loaded = Loaded::load();
    if let Err(error) = &loaded {
        eprintln!("no eBPF here: failed to {error}");
    }
    let ebpf = |max| {
        let loaded = loaded.as_ref().ok()?;
        Some(best(|| {
            let place = loaded.place(0, 64 << 20).expect("a place");
            let recorder = EbpfRecorder::open(place).expect("open");
            recorded(&recorder, Some(&place), max)
        }))
    };
    let (ebpf, all) = (ebpf(Calls::default().max), ebpf(usize::MAX));
    let strace = Command::new("strace")
        .arg("-V")
        .output()
        .is_ok()
        .then(|| best(strace));
    if json {
        let value = serde_json::json!({
            "bench": "recorder", "getppid": GETPPID, "openat": OPENAT, "plain_s": plain, "ours_s": ptrace,
            "ebpf_s": ebpf, "ebpf_all_s": all, "strace_s": strace,
        });
        println!("{value}");
        return;
    }
    println!("{GETPPID} getppid and {OPENAT} openat, seconds, best of {ROUNDS}");
    println!("  plain                   {plain:8.3}");
    let line = |name: &str, seconds: Option<f64>| match (seconds, strace) {
        (Some(seconds), Some(strace)) => {
            let ratio = (seconds - plain) / (strace - plain);
            println!("  {name:22}  {seconds:8.3}  adds {ratio:.4} of what strace adds");
        }
        (Some(seconds), None) => println!("  {name:22}  {seconds:8.3}"),
        (None, _) => println!("  {name:22}  not here"),
    };
    line("ptrace", Some(ptrace));
    line("eBPF", ebpf);
    line("eBPF, every call kept", all);
    line("strace -f", strace);
}

fn best(measure: impl Fn() -> f64) -> f64 {
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
    // strace would mistake its own link for the program's.
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
fn recorded(recorder: &dyn Recorder, place: Option<&Place>, max: usize) -> f64 {
    let mut init = Command::new(me())
        .arg("--init")
        .args(place.map(|place| serde_json::to_string(place).expect("it is written")))
        .stdin(Stdio::piped())
        .spawn()
        .expect("init starts");
    let pid = i32::try_from(init.id()).expect("a pid fits");
    let options = Options {
        calls: Some(Calls {
            watch: vec!["fchmodat2".to_owned()],
            max,
            ..Calls::default()
        }),
        ..Options::default()
    };
    // Enrolling takes a moment, and a runtime's init is enrolled before it becomes the init.
    std::thread::sleep(Duration::from_millis(100));
    let mut recording = recorder.attach(pid, options, Box::new(|_| ())).expect("attach");
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
