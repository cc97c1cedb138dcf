//! The program: reads what was typed, does it, and ends with a documented exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    ocidiff::cli::main()
}
