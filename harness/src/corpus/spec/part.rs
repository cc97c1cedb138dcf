//! Paths into a config, as findings and mutants name its parts.

use super::{Members, TYPES, Type, Wrong, unknown};

/// A step of a path into a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Into<'p> {
    /// The member of this name, or the entry that is this text.
    Name(&'p str),
    /// An entry of a list, wherever it stands.
    Entry,
    /// The entries of a list that have this member.
    With(&'p str),
    /// Every member or entry.
    Every,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy)]
enum Place {
    Members(&'static Members),
    Map(&'static str),
    List(&'static str),
    /// A text, a number.
    Leaf,
    /// What the table does not know.
    Any,
}

/// What is wrong with a path that starts at a type of the table (`config`): a name that is not there. `Ok` says whether
/// it leads to a list, as far as the table knows.
pub(crate) fn check_path(root: &str, path: &[Into<'_>]) -> Result<bool, Box<Wrong>> {
    let mut places: Vec<Place> = TYPES.get(root).map(place).into_iter().collect();
    let mut keys: Vec<String> = Vec::new();
    for step in path {
        if let Into::Name(name) | Into::With(name) = step {
            keys.push((*name).to_owned());
        }
        let next: Vec<Place> = places
            .iter()
            .flat_map(|place| below_place(*place, *step))
            .collect();
        if next.is_empty() && !places.is_empty() {
            return Err(Box::new(astray(&places, *step, keys)));
        }
        places = next;
    }
    Ok(places
        .iter()
        .any(|place| matches!(place, Place::List(_) | Place::Any)))
}

/// A step that leads nowhere.
fn astray(places: &[Place], step: Into<'_>, keys: Vec<String>) -> Wrong {
    let members = places.iter().find_map(|place| match (place, step) {
        (Place::Members(members), _) => Some(*members),
        (Place::List(of), Into::With(_)) => match named(of) {
            Place::Members(members) => Some(members),
            _ => None,
        },
        _ => None,
    });
    match (step, members) {
        (Into::Name(name) | Into::With(name), Some(members)) => unknown(&keys, name, members),
        _ => Wrong {
            message: format!(
                "nothing lies below `{}`",
                keys[..keys.len().saturating_sub(1)].join(".")
            ),
            keys,
            help: None,
            value: None,
        },
    }
}

fn below_place(place: Place, step: Into<'_>) -> Vec<Place> {
    match (place, step) {
        (Place::Any, _) => vec![Place::Any],
        (Place::Members(members), Into::Name(name)) => {
            members.types.get(name).map(self::place).into_iter().collect()
        }
        (Place::Members(members), Into::Every) => members.types.values().map(self::place).collect(),
        (Place::Map(of), Into::Name(_) | Into::Every) | (Place::List(of), Into::Entry | Into::Every) => {
            vec![named(of)]
        }
        (Place::List(of), Into::Name(_)) => match named(of) {
            entry @ (Place::Leaf | Place::Any) => vec![entry],
            _ => Vec::new(),
        },
        (Place::List(of), Into::With(name)) => match named(of) {
            Place::Members(members) if !members.types.contains_key(name) => Vec::new(),
            entry => vec![entry],
        },
        (Place::Leaf, _) | (Place::Members(_) | Place::Map(_), Into::Entry | Into::With(_)) => Vec::new(),
    }
}

fn place(of: &'static Type) -> Place {
    match of {
        Type::Members(members) => Place::Members(members),
        Type::Words(_) => Place::Leaf,
        Type::Named(name) => named(name),
    }
}

fn named(name: &'static str) -> Place {
    match (name.strip_prefix("list of "), name.strip_prefix("map of ")) {
        (Some(of), _) => Place::List(of),
        (_, Some(of)) => Place::Map(of),
        _ if name == "any" => Place::Any,
        _ => TYPES.get(name).map_or(Place::Leaf, place),
    }
}
