//! `ocidiff capture`: a container as a case.

use std::path::Path;

use ocidiff_engines::{EngineError, Found, Workload};
use ocidiff_model::ExitStatus;

use super::bundle_folder::{name_of, reach};
use super::containers::CaptureArgs;
use super::output;
use crate::bundle::given::{GivenError, Reach, config_of, rootfs_of};
use crate::capture::{Container, Error as Failed, Wanted, capture as make, layers, line};
use crate::cells::threads;
use crate::error::Error;
use crate::machine::root;
use crate::run::suite;
use crate::workload::tame::Limits;

/// Finds the container, and prints the case. Nothing of the container is touched.
pub(crate) fn capture(args: &CaptureArgs) -> Result<ExitStatus, Error> {
    root::need_root()?;
    let corpus = suite::shared()?;
    let container = match (&args.bundle, &args.container) {
        (Some(folder), _) => bundle(folder, reach(args.outside_root))?,
        (None, Some(name)) => threads::tokio()?.block_on(container(args, name))?,
        (None, None) => return Err(Error::usage("name a container, or give --bundle DIR")),
    };
    let wanted = Wanted {
        recipe: args.rootfs.clone(),
        command: args.command,
    };
    let captive = make(&container, &wanted, &corpus, &Limits::of_machine()).map_err(|failed| {
        let told = format!("{}: {failed}", container.name);
        match failed {
            Failed::Recipe { .. } => Error::usage(failed),
            Failed::Unseen => Error::usage(told),
            Failed::Config(_) | Failed::Inexact(_) => Error::broken(told),
        }
    })?;
    let status = output::answer(&captive.text, ExitStatus::Ok)?;
    output::complain(&format!(
        "{}: {} changes, listed at the top of the case; put it into a folder of its topic (cases/mine/NAME.yaml)",
        container.name,
        captive.changes.len()
    ));
    if wanted.command {
        output::complain("its command is in the case: see that no secret is in it");
    }
    Ok(status)
}

fn bundle(folder: &Path, reach: Reach) -> Result<Container, Error> {
    let config = config_of(folder).map_err(Error::usage)?;
    // A path that means the same wherever the case is run.
    let rootfs = match rootfs_of(folder, &config, reach) {
        Ok(rootfs) => Some(rootfs.path),
        // The case then takes a recipe, and says so.
        Err(GivenError::Gone { .. }) => None,
        Err(error) => return Err(Error::usage(error)),
    };
    Ok(Container {
        name: format!("the bundle {}", line(&name_of(folder))),
        image: None,
        layers: rootfs.into_iter().collect(),
        without: Vec::new(),
        config,
    })
}

/// The one container with the name.
async fn container(args: &CaptureArgs, name: &str) -> Result<Container, Error> {
    let options = args.from_whom.options(vec![name.to_owned()]);
    let found = ocidiff_engines::find(&options)
        .await
        .map_err(|error| match error {
            EngineError::Host { .. } | EngineError::Endpoint(_) => Error::usage(error),
            EngineError::Absent { .. } | EngineError::Socket { .. } | EngineError::Silent { .. } => {
                Error::broken(format!("failed to {error}"))
            }
        })?;
    let one = only(name, found)?;
    let config = one
        .config
        .map_err(|why| Error::broken(format!("the container {}: {why}", one.name)))?;
    let (layers, without) = layers(one.rootfs, &one.layers);
    Ok(Container {
        name: format!("the container {}", one.name),
        image: one.image,
        config: config.text,
        layers,
        without,
    })
}

fn only(name: &str, found: Found) -> Result<Workload, Error> {
    let names = |one: &Workload| format!("{} ({}, {})", one.name, one.id, one.engine);
    let all: Vec<String> = found.workloads.iter().map(names).collect();
    let mut workloads = found.workloads.into_iter();
    match (workloads.next(), workloads.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(Error::usage(format!(
            "`{name}` is {} containers: {}",
            all.len(),
            all.join(", ")
        ))),
        (None, _) => {
            let mut told = format!("there is no container `{}`", line(name));
            for note in found.notes {
                told = format!("{told}; {note}");
            }
            Err(Error::usage(told))
        }
    }
}
