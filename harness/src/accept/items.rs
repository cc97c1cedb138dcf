//! What a run has shown for a fact, as items of a known file; and what cannot be written.

use ocidiff_model::known::{ABSENT, ANY, Because, Explained, Item, Otherwise, RuntimeKey, stands_for};
use ocidiff_model::{FindingId, RuntimeId, Value};

use super::{Error, Observed};

pub(super) fn unexplained(who: RuntimeKey, value: Option<&Value>) -> Item {
    Item::Because(Explained {
        because: Because::One(FindingId::unexplained()),
        who: vec![who],
        shows: shown(value),
        reason: None,
    })
}

fn shown(value: Option<&Value>) -> Value {
    value.cloned().unwrap_or_else(|| Value::from(ABSENT))
}

/// The version that was run, and no other.
pub(super) fn exactly(runtime: &RuntimeId, seen: &Observed) -> Result<RuntimeKey, Error> {
    let text = format!("{} ={}", runtime.name, runtime.version);
    let key = text.parse().ok().filter(|_| !runtime.version.is_local());
    key.ok_or_else(|| Error::Versionless {
        fact: seen.fact.clone(),
        who: runtime.label.clone(),
    })
}

/// What cannot be written as it is.
pub(super) fn writable(seen: &Observed, runtime: &RuntimeId, value: Option<&Value>) -> Result<(), Error> {
    if value == Some(&Value::from(ANY)) {
        return Err(Error::Any {
            fact: seen.fact.clone(),
            who: runtime.label.clone(),
        });
    }
    twins(seen, runtime, value)
}

fn twins(seen: &Observed, runtime: &RuntimeId, value: Option<&Value>) -> Result<(), Error> {
    let differs = |(other, shown): &(RuntimeId, Option<Value>)| {
        other.name == runtime.name && other.version == runtime.version && shown.as_ref() != value
    };
    if seen.values.iter().any(differs) {
        return Err(Error::Twins {
            fact: seen.fact.clone(),
            who: format!("{} {}", runtime.name, runtime.version),
        });
    }
    Ok(())
}

/// What is expected, if it is one value: a pattern stands for many.
fn plain(expected: Option<&Value>) -> Option<&Value> {
    expected.filter(|value| !matches!(value, Value::Text(text) if text.contains('*')))
}

/// What was seen. What is expected, or else what most show, becomes what all others show; in a tie it is what the
/// reference does.
pub(super) fn items(seen: &Observed) -> Result<Vec<Item>, Error> {
    let count = |value: &Option<Value>| seen.values.iter().filter(|(_, other)| other == value).count();
    let mut usual = seen.values.first().map(|(_, value)| value);
    for (_, value) in &seen.values {
        if usual.is_some_and(|usual| count(value) > count(usual)) {
            usual = Some(value);
        }
    }
    let usual = match plain(seen.expected.as_ref()) {
        Some(expected) => Some(expected.clone()),
        None => usual.cloned().flatten(),
    };
    let mut items: Vec<Item> = Vec::new();
    for (runtime, value) in &seen.values {
        writable(seen, runtime, value.as_ref())?;
        let is_usual = match usual.as_ref() {
            Some(usual) => stands_for(usual, value.as_ref()),
            None => value.is_none(),
        };
        if is_usual {
            continue;
        }
        let item = unexplained(exactly(runtime, seen)?, value.as_ref());
        if !items.contains(&item) {
            items.push(item);
        }
    }
    items.push(Item::Otherwise(Otherwise {
        otherwise: shown(usual.as_ref()),
        reason: None,
    }));
    Ok(items)
}
