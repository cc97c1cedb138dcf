//! `${...}` in a case: a name for which nothing is filled in silently stays as it is.

use ocidiff_model::near;
use serde_json::Value;

use super::place::Place;
use super::slip::Slip;
use crate::corpus::diagnostic::Diagnostic;

/// What is filled in, once the members of a family have their names.
const KNOWN: [&str; 5] = ["probe", "hooks", "namespaces", "bundle", "container"];
/// The member of a family.
const MEMBER: &str = "for";

/// Every placeholder in the parts of a case in which placeholders are allowed.
pub(super) fn case(place: Place<'_>) -> Vec<Diagnostic> {
    let Ok(body) = serde_json::to_value(&place.case.body) else {
        return Vec::new();
    };
    // An edit of the text can mark a name that is meant literally; values are marked within.
    let marked = !place.case.body.config_text.is_empty();
    let mut found = Vec::new();
    for part in ["summary", "config", "config_text", "steps", "watch", "expect"] {
        let mut slips = Vec::new();
        slips_in(&body[part], !marked, &mut vec![part.to_owned()], &mut slips);
        found.extend(slips.into_iter().map(|(keys, (message, help))| {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            place.at(&keys, message, help)
        }));
    }
    found
}

fn slips_in(value: &Value, names: bool, keys: &mut Vec<String>, found: &mut Vec<(Vec<String>, Slip)>) {
    match value {
        Value::String(text) => found.extend(slip(text).map(|slip| (keys.clone(), slip))),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                // A shell's own variables.
                if index > 0 && items[index - 1] == "-c" {
                    continue;
                }
                keys.push(index.to_string());
                slips_in(item, names, keys, found);
                keys.pop();
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                keys.push(key.clone());
                let of_name = names.then(|| slip(key)).flatten();
                found.extend(of_name.map(|slip| (keys.clone(), slip)));
                slips_in(item, names, keys, found);
                keys.pop();
            }
        }
        _ => {}
    }
}

fn slip(text: &str) -> Option<Slip> {
    text.split("${").skip(1).find_map(|rest| {
        let Some((name, _)) = rest.split_once('}') else {
            return Some(("`${` without its `}`".to_owned(), None));
        };
        if name == MEMBER {
            let help = "write `for: [...]`, or the name itself".to_owned();
            return Some((
                "`${for}` is the member of a family, and this is not one".to_owned(),
                Some(help),
            ));
        }
        let names = KNOWN.into_iter().chain([MEMBER]);
        (!KNOWN.contains(&name)).then(|| {
            (
                format!("nothing takes the place of `${{{name}}}`"),
                near::help(name, names.collect::<Vec<_>>()),
            )
        })
    })
}
