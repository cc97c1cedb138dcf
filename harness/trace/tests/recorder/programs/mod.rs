//! The programs. Each trial in `trials.rs` is named after what its program does.

pub(crate) mod filter;
mod plain;
mod signal;
mod task;

use std::process::ExitCode;

use crate::raw::call0;

/// Runs a program between two marks, so that what the libraries do at start and end is not compared.
pub(crate) fn run(name: &str) -> ExitCode {
    let program: fn() = match name {
        "leaf" => || crate::raw::mark(99),
        "plain" => plain::plain,
        "decoded" => plain::decoded,
        "many" => plain::many,
        "setuid" => plain::setuid,
        "int80" => plain::int80,
        "status" => plain::status,
        "sleep" => || std::thread::sleep(std::time::Duration::from_secs(60)),
        "exit7" => || crate::raw::exit(7),
        "abort" => || std::process::abort(),
        "threads" => task::threads,
        "storm" => task::storm,
        "fork" => task::fork,
        "clone3" => task::clone3,
        "vfork" => task::vfork,
        "untraced" => task::untraced,
        "exec" => task::exec,
        "exec_thread" => task::exec_thread,
        "daemon" => task::daemon,
        "killed_forking" => task::killed_forking,
        "setuid_exec" => task::setuid_exec,
        "euid" => task::euid,
        "death" => task::death,
        "death_of_group" => task::death_of_group,
        "tracer" => task::tracer,
        "debugger" => task::debugger,
        "flood" => task::flood,
        "eintr" => signal::eintr,
        "restart" => signal::restart,
        "ignored" => signal::ignored,
        "group_stop" => signal::group_stop,
        "group_stop_of_threads" => signal::group_stop_of_threads,
        "mask" => signal::mask,
        "io_uring" => plain::io_uring,
        "exec32" => plain::exec32,
        "log" => filter::log,
        "kill_one_thread" => filter::kill_one_thread,
        "notify" => filter::notify,
        "errno" => filter::errno,
        "trap" => filter::trap,
        "kill" => filter::kill,
        "kill_threads" => filter::kill_threads,
        "trace" => filter::trace,
        other => panic!("no program {other}"),
    };
    let _ = call0(libc::SYS_sched_yield);
    program();
    let _ = call0(libc::SYS_sched_yield);
    ExitCode::SUCCESS
}

/// Says what the record must show.
macro_rules! call {
    ($($text:tt)*) => { println!("call {}", format!($($text)*)) };
}
/// Says what the program observed.
macro_rules! saw {
    ($($text:tt)*) => { println!("saw {}", format!($($text)*)) };
}
pub(crate) use {call, saw};
