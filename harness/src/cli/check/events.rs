//! Where the events of a check go: each is written as it comes, so that a check that is ended early can be reported.

use ocidiff_model::ExitStatus;
use ocidiff_model::check::CheckEvent;
use ocidiff_reports::events::{self, PartFile, Writer};

use super::super::check_args::CheckArgs;
use super::super::output::Aside;
use crate::error::Error;

/// Where they go.
pub(super) enum Events {
    None,
    Stdout(Aside),
    File(Box<Writer<PartFile>>),
}

impl Events {
    /// Opened before anything is checked: a file that cannot be written is reported at once.
    pub(super) fn open(args: &CheckArgs) -> Result<Self, Error> {
        match &args.out {
            None => Ok(Self::None),
            Some(path) if path.as_os_str() == "-" => Ok(Self::Stdout(Aside::default())),
            Some(path) => Writer::create(path)
                .map(|writer| Self::File(Box::new(writer)))
                .map_err(|error| Error::usage(format!("failed to write {error}"))),
        }
    }

    pub(super) fn write(&mut self, event: &CheckEvent) -> Result<(), Error> {
        let failed = |error: events::Error| Error::broken(format!("failed to {error}"));
        match self {
            Self::None => Ok(()),
            Self::Stdout(out) => {
                out.print(&events::lines_of(std::slice::from_ref(event)).map_err(failed)?);
                Ok(())
            }
            Self::File(writer) => writer.write(event).map_err(failed),
        }
    }

    /// Once all are written: whether they replace the report.
    pub(super) fn end(self) -> Result<bool, Error> {
        match self {
            Self::None => Ok(false),
            Self::Stdout(out) => out.end(ExitStatus::Ok).map(|_| true),
            Self::File(writer) => writer
                .finish()
                .map(|()| false)
                .map_err(|error| Error::broken(format!("failed to {error}"))),
        }
    }
}
