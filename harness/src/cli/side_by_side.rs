//! Records side by side: what one runtime has and another does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ocidiff_model::{Channel, Record, Value};
use ocidiff_reports::safe_to;

/// How much of an item is shown, in characters.
const WIDTH: usize = 160;

/// Every item of every fact of the set-up, with a mark under each runtime that has it.
pub(super) fn setup(records: &[Record]) -> String {
    let labels: Vec<&str> = records
        .iter()
        .map(|record| record.runtime.label.as_str())
        .collect();
    let mut facts: BTreeMap<&str, BTreeMap<String, BTreeSet<&str>>> = BTreeMap::new();
    for record in records {
        for fact in &record.facts {
            if fact.channel() != Some(Channel::Setup) {
                continue;
            }
            let items = facts.entry(&fact.path).or_default();
            for item in items_of(&fact.value) {
                items.entry(item).or_default().insert(&record.runtime.label);
            }
        }
    }
    let mut text = String::new();
    // Writing to a string cannot fail; this goes for all of these.
    let _ = writeln!(text, "  {}", labels.join("  "));
    for (path, items) in facts {
        let _ = writeln!(text, "{path}");
        for (item, having) in items {
            let marks: Vec<String> = labels
                .iter()
                .map(|label| {
                    let mark = if having.contains(label) { "x" } else { "." };
                    format!("{mark:^width$}", width = label.len())
                })
                .collect();
            let _ = writeln!(text, "  {}  {}", marks.join("  "), safe_to(&item, WIDTH));
        }
    }
    text.push('\n');
    text
}

fn items_of(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) if items.is_empty() => vec!["(nothing)".to_owned()],
        Value::List(items) => items.clone(),
        other => vec![other.line()],
    }
}
