//! Records a created container, by hand:
//!
//! ```text
//! runc create --bundle B c1          # its init waits
//! record $(runc state c1 | jq .pid) fchmodat2 openat &
//! runc start c1
//! ```
//!
//! The calls named are decoded fully (`*`: all). `visit` instead: only the filters at the execve.

use std::process::ExitCode;
use std::time::Duration;

use ocidiff_trace::{Calls, Options, PtraceRecorder, Recorder as _};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let Some(pid) = args.next().and_then(|arg| arg.parse().ok()) else {
        eprintln!("usage: record PID [visit | CALL...]");
        return ExitCode::from(2);
    };
    let watch: Vec<String> = args.collect();
    let visit_only = watch.first().is_some_and(|word| word == "visit");
    match record(
        pid,
        Options {
            calls: (!visit_only).then_some(Calls {
                watch,
                ..Calls::default()
            }),
            ..Options::default()
        },
    ) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed to {error}");
            ExitCode::FAILURE
        }
    }
}

fn record(pid: i32, options: Options) -> Result<(), ocidiff_trace::Error> {
    let on_exec = Box::new(|tgid| println!("process {tgid} stands at its execve"));
    let mut recording = PtraceRecorder.attach(pid, options, on_exec)?;
    println!("attached: start it");
    let trace = loop {
        if let Some(trace) = recording.wait(Duration::from_secs(60))? {
            break trace;
        }
    };
    for call in &trace.calls {
        println!("{}.{} {call}", call.process, call.thread);
    }
    for filter in &trace.filters {
        println!("filter {}: {} instructions", filter.short_digest(), filter.len());
    }
    if let Some(reason) = &trace.filters_unread {
        println!("filters not read: {reason}");
    }
    println!(
        "{} calls, {} not kept, {} processes, exit {}",
        trace.total, trace.dropped, trace.processes, trace.exit
    );
    Ok(())
}
