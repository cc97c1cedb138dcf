//! A check as a report: of one node, or of many, in each format that it can be drawn as.

use ocidiff_model::check::{CheckReport, FleetReport};

use crate::check::{self, alone, answer, junit, sarif, summary};
use crate::fleet;
use crate::style::Style;
use crate::{Error, Format, object};

/// Draws the check of one node.
///
/// # Errors
/// The format's writer failed.
pub fn check(format: Format, report: &CheckReport, style: &Style) -> Result<String, Error> {
    let report = &report.worst_first();
    match format {
        Format::Terminal => Ok(check::terminal::render(report, style)),
        Format::Markdown => Ok(check::markdown::render(report)),
        Format::Html => Ok(html(report)),
        Format::Json => object(report),
        Format::Junit => junit::render(report),
        Format::Sarif => sarif::render(report),
    }
}

/// Draws the checks of many nodes as one.
///
/// # Errors
/// The format is only for runs, or for the check of one node.
pub fn fleet(format: Format, report: &FleetReport, style: &Style) -> Result<String, Error> {
    match format {
        Format::Terminal => Ok(fleet::terminal::render(report, style)),
        Format::Markdown => Ok(fleet::markdown::render(report)),
        Format::Html => Ok(fleet::html::page(report, None)),
        Format::Json => object(report),
        Format::Junit | Format::Sarif => Err(Error::OnlyChecks(format)),
    }
}

/// A page has one design: that of a fleet, of which this node is the only one.
fn html(report: &CheckReport) -> String {
    let single = fleet::html::Single {
        node: &report.node,
        summary: summary(report),
        answer: answer::rows(report),
    };
    fleet::html::page(&alone(report), Some(single))
}
