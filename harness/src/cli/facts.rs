//! `ocidiff facts`: the table of facts.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use ocidiff_model::facts::{Compared, Form, From, Kind, Less, Order, find, kinds, meant};
use ocidiff_model::pattern::glob;
use ocidiff_model::{ExitStatus, Value};

use super::output;
use crate::error::Error;

/// What to list.
#[derive(Debug, Args)]
pub(crate) struct FactsArgs {
    /// A fact, a channel, or a pattern with `*`; all if none is given
    #[arg(value_name = "PATTERN")]
    pattern: Option<String>,
    /// The format of the list
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: FormatArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// Plain text for people
    Text,
    /// A JSON list of rows
    Json,
}

/// Prints the rows that are asked for.
pub(crate) fn facts(args: &FactsArgs) -> Result<ExitStatus, Error> {
    let chosen: Vec<&Kind> = match args.pattern.as_deref() {
        None => kinds().collect(),
        Some(pattern) => choose(pattern)?,
    };
    let text = match args.format {
        FormatArg::Json => serde_json::to_string_pretty(&chosen).map_err(Error::broken)? + "\n",
        FormatArg::Text => text(&chosen),
    };
    output::answer(&text, ExitStatus::Ok)
}

/// The rows that match a pattern; for a fact, its row.
fn choose(pattern: &str) -> Result<Vec<&'static Kind>, Error> {
    if let Some(found) = find(pattern) {
        return Ok(vec![found.kind]);
    }
    let is_of_channel = |kind: &&Kind| kind.channel().is_some_and(|channel| channel.name() == pattern);
    let chosen: Vec<&Kind> = kinds()
        .filter(|kind| is_of_channel(kind) || glob(pattern, &kind.fact))
        .collect();
    if chosen.is_empty() {
        return Err(unknown(pattern));
    }
    Ok(chosen)
}

/// A name that is not a fact, and what may have been meant.
pub(super) fn unknown(path: &str) -> Error {
    let help = meant(path).map_or_else(
        || "`ocidiff facts` lists them all".to_owned(),
        |meant| format!("did you mean `{meant}`?"),
    );
    Error::usage(format!(
        "there is no fact `{}`; {help}",
        ocidiff_reports::safe(path)
    ))
}

fn text(kinds: &[&Kind]) -> String {
    let mut text = String::new();
    for kind in kinds {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}\n    {}\n    {}", kind.fact, kind.says, words_of(kind));
    }
    text
}

/// Where a fact is seen, when it is compared, how much it matters.
pub(super) fn words_of(kind: &Kind) -> String {
    let from = match kind.from {
        From::Inside => "seen from inside",
        From::Outside => "seen from outside",
    };
    let compared = match kind.compared {
        Compared::Always => "always compared",
        Compared::Asked => "compared where it is watched",
    };
    let per = if kind.per.is_some() {
        ", for each container"
    } else {
        ""
    };
    let less = kind
        .less
        .as_ref()
        .map_or_else(String::new, |less| format!(", confines less: {}", words(less)));
    let values: Vec<String> = kind.values.iter().map(Form::says).collect();
    let values = match values.is_empty() {
        true => String::new(),
        false => format!("; {}", values.join(" or ")),
    };
    format!("{from}{per}, {compared}, {}{less}{values}", kind.impact)
}

fn words(less: &Less) -> String {
    match less {
        Less::By(Order::Longer) => "the longer list".to_owned(),
        Less::By(Order::Smaller) => "the smaller number".to_owned(),
        Less::Is(values) => values.iter().map(Value::line).collect::<Vec<_>>().join(" or "),
    }
}
