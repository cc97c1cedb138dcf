//! `ocidiff kernels`, and `install`.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use ocidiff_model::ExitStatus;
use ocidiff_reports::safe;
use ocidiff_runtimes::kernels::{Kernel, Offered, bring};
use ocidiff_runtimes::{Machine, Store};

use super::output;
use crate::error::Error;
use crate::run::suite;

#[derive(Debug, Args)]
pub(crate) struct KernelsArgs {
    #[command(subcommand)]
    command: Option<KernelsCommand>,
}

#[derive(Debug, Subcommand)]
enum KernelsCommand {
    /// Install Debian's cloud kernels into the store: SERIES, such as 6.12; the usual ones if none is given
    Install {
        /// What to install
        #[arg(value_name = "SERIES")]
        series: Vec<String>,
    },
}

/// Lists what is installed, or installs some.
pub(crate) fn kernels(args: &KernelsArgs) -> Result<ExitStatus, Error> {
    let store = suite::store()?;
    let offered = Offered::load().map_err(|error| Error::broken(format!("failed to {error}")))?;
    match &args.command {
        None => list(&store, &offered),
        Some(KernelsCommand::Install { series }) if series.is_empty() => install(&store, &offered.default),
        Some(KernelsCommand::Install { series }) => install(&store, series),
    }
}

fn list(store: &Store, offered: &Offered) -> Result<ExitStatus, Error> {
    let here = Kernel::all(store);
    let mut text = String::new();
    for series in offered.in_order() {
        let found = here.iter().find(|kernel| kernel.series == series);
        let how = found.map_or_else(
            || format!("not here: `ocidiff kernels install {series}`"),
            |kernel| format!("{} ({})", safe(&kernel.release), safe(&kernel.from)),
        );
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{series:6} {how}");
    }
    output::answer(&text, ExitStatus::Ok)
}

fn install(store: &Store, series: &[String]) -> Result<ExitStatus, Error> {
    let mut told = output::Aside::default();
    let mut status = ExitStatus::Ok;
    for one in series {
        let brought = bring(one, store, &Machine::this(), &mut |line| {
            output::progress(&format!("{one}: {line}"));
        });
        match brought {
            Ok(kernel) => told.print(&format!("{one}: is there, {}\n", safe(&kernel.release))),
            Err(error) => {
                output::complain(&format!("failed to {error}"));
                status = ExitStatus::Broken;
            }
        }
    }
    told.end(status)
}
