//! `ocidiff report`: draws a report again from its events.

use ocidiff_model::ExitStatus;
use ocidiff_reports::{Style, events, render};

use super::args::ReportArgs;
use super::output;
use crate::error::Error;

/// Draws it; the exit status says only whether that went well.
pub(crate) fn report(args: &ReportArgs) -> Result<ExitStatus, Error> {
    let recorded = events::read_file(&args.file).map_err(|error| {
        Error::usage(format!(
            "failed to read the events of {}: {error}",
            args.file.display()
        ))
    })?;
    for warning in &recorded.warnings {
        output::complain(&format!("{}: {warning}", args.file.display()));
    }
    let style = if args.output.is_some() {
        Style::default()
    } else {
        output::style()
    };
    let text = render(args.format, &recorded.events, &style)
        .map_err(|error| Error::broken(format!("failed to {error}")))?;
    match &args.output {
        None => output::print(&text),
        Some(path) => output::write_file(path, &text)?,
    }
    Ok(ExitStatus::Ok)
}
