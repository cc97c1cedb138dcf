//! An entry of a known file as text.

use std::fmt::Write as _;

use ocidiff_model::{KnownEntry, Value};

use super::Error;

/// An entry as people would write it: lines they know, in an order that reads.
pub(super) fn print(entry: &KnownEntry) -> Result<String, Error> {
    let mut text = String::new();
    let scalar = |value: &str| -> Result<String, Error> {
        serde_yaml::to_string(value)
            .map(|text| text.trim_end().to_owned())
            .map_err(|error| Error::Parse(error.to_string()))
    };
    // Writing to a string cannot fail; so for each of these.
    let _ = writeln!(text, "- fact: {}", scalar(&entry.fact)?);
    if !entry.members.is_empty() {
        let _ = writeln!(text, "  for: [{}]", flow(&entry.members)?);
    }
    let _ = writeln!(text, "  values:");
    for (key, value) in &entry.values {
        let value = match value {
            Value::List(items) => format!("[{}]", flow(items)?),
            Value::Text(text) if text.contains('\n') => {
                serde_json::to_string(text).map_err(|error| Error::Parse(error.to_string()))?
            }
            Value::Text(text) => scalar(text)?,
            other => other.line(),
        };
        let _ = writeln!(text, "    {}: {value}", scalar(key)?);
    }
    let rest = serde_json::json!({
        "when": entry.when, "applies": entry.applies, "rate": entry.rate, "impact": entry.impact, "impact_for": entry.impact_for, "cause": entry.cause, "link": entry.link,
        "remedy": entry.remedy, "requirement": entry.requirement, "violates": entry.violates,
    });
    if entry.cause.is_none() {
        // Nothing, but a place for it.
        let _ = writeln!(text, "  cause:   # why they differ: to be written");
    }
    for (key, value) in rest.as_object().into_iter().flatten() {
        let nothing = value.is_null()
            || value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(serde_json::Map::is_empty);
        if nothing {
            continue;
        }
        let map = serde_json::Map::from_iter([(key.clone(), value.clone())]);
        let printed = serde_yaml::to_string(&map).map_err(|error| Error::Parse(error.to_string()))?;
        for line in printed.lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    Ok(text)
}

/// Items of a list on one line, each quoted as JSON quotes it, which YAML reads too.
fn flow(items: &[String]) -> Result<String, Error> {
    let plain = |item: &String| {
        !item.is_empty()
            && item
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
            && !item.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.')
            && !["true", "false", "null", "yes", "no", "on", "off"].contains(&item.to_lowercase().as_str())
    };
    let quoted = items.iter().map(|item| {
        if plain(item) {
            Ok(item.clone())
        } else {
            serde_json::to_string(item).map_err(|error| Error::Parse(error.to_string()))
        }
    });
    Ok(quoted.collect::<Result<Vec<_>, _>>()?.join(", "))
}
