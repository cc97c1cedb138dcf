//! Takes the place of a runtime's init: waits on its standard input to be started, then becomes the program.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// Waits, and becomes `program`, in one of several ways.
pub(crate) fn stand(way: &str, program: &str) -> ExitCode {
    if way.starts_with("threads") {
        // As a Go program has.
        for _ in 0..4 {
            std::thread::spawn(|| std::thread::sleep(Duration::from_secs(60)));
        }
    }
    if way == "threads-making" {
        // A chain of threads, each made by the one before: at no moment are all of them stopped.
        let program = program.to_owned();
        let chain = std::thread::spawn(move || make_threads(&program));
        println!("standing");
        let _ = chain.join();
        std::thread::sleep(Duration::from_secs(60));
    }
    // A first line reports to the test that init is ready.
    println!("standing");
    let _ = std::io::stdin().read(&mut [0]);
    match way {
        "fails" => return ExitCode::from(3),
        "hook" => {
            let hook = program_command("leaf").output().expect("the hook runs");
            assert!(hook.status.success());
        }
        "filters" => {
            crate::raw::install(&crate::programs::filter::errno_for(
                libc::SYS_mkdirat,
                libc::EACCES,
            ));
            crate::raw::install(&crate::programs::filter::errno_for(
                libc::SYS_mknodat,
                libc::ENOSYS,
            ));
        }
        "threads-late" => {
            for _ in 0..50 {
                std::thread::spawn(|| ());
            }
        }
        _ => {}
    }
    if way == "threads-exec" {
        let program = program.to_owned();
        let _ = std::thread::spawn(move || become_program(&program)).join();
    }
    become_program(program)
}

/// Makes the next thread and ends; the thread that sees the start becomes the program.
fn make_threads(program: &str) {
    let mut ready = [libc::pollfd {
        fd: 0,
        events: 0,
        revents: 0,
    }];
    if crate::raw::call(
        libc::SYS_ppoll,
        [
            ready.as_mut_ptr() as usize,
            1,
            [0u64; 2].as_ptr() as usize,
            0,
            8,
            0,
        ],
    ) == Ok(1)
    {
        become_program(program);
    }
    let program = program.to_owned();
    std::thread::spawn(move || make_threads(&program));
}

fn become_program(name: &str) -> ! {
    panic!("exec: {}", program_command(name).exec());
}

/// This binary as one of the programs.
pub(crate) fn program_command(name: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args(["--program", name]);
    // Both backends give a program the same environment.
    command.env_remove(crate::backend::PLACE);
    command
}
