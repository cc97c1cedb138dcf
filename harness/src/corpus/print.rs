//! The single form in which known files and findings are written: what `accept`, `capture` and `lint --fix` print, and
//! what reads back as the same.

pub(crate) mod yaml;

use std::fmt::Write as _;

use ocidiff_model::finding::Short;
use ocidiff_model::known::{Because, Explained, Group, Item, Otherwise, Said};
use ocidiff_model::{Finding, Value};

use self::yaml::{Words, Writer, scalar};

/// The width of a fact's line; what is longer gets a line for each item.
const WIDTH: usize = 110;
/// Signs and conditions: each on its own line.
const WRITER: Writer = Writer {
    width: WIDTH,
    words: Words::Lines,
};
/// The width of a cause.
const TEXT: usize = 100;

/// A group of a known file.
#[must_use]
pub fn group(group: &Group) -> String {
    let mut lines: Vec<String> = Vec::new();
    if !group.members.is_empty() {
        lines.push(format!("for: {}", texts(&group.members)));
    }
    if let Some(when) = &group.when {
        lines.push(format!("when: {}", flow(when)));
    }
    if let Some(rate) = group.rate {
        lines.push(format!("rate: {}", f64::from(rate)));
    }
    lines.push("facts:".to_owned());
    for (fact, said) in &group.facts {
        if let Said::Shown(id) = said {
            lines.push(format!("  {}: {id}", scalar(fact)));
            continue;
        }
        let ids = said.shown().iter().map(ToString::to_string);
        let printed: Vec<String> = ids.chain(said.items().iter().map(item)).collect();
        let line = format!("  {}: [{}]", scalar(fact), printed.join(", "));
        if line.len() + 2 <= WIDTH {
            lines.push(line);
        } else {
            lines.push(format!("  {}:", scalar(fact)));
            lines.extend(printed.into_iter().map(|item| format!("    - {item}")));
        }
    }
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}{line}", if at == 0 { "- " } else { "  " });
    }
    text
}

fn item(item: &Item) -> String {
    match item {
        Item::Because(Explained {
            because,
            who,
            shows,
            reason,
        }) => {
            let because = match because {
                Because::One(id) => id.to_string(),
                Because::All(ids) => texts(&ids.iter().map(ToString::to_string).collect::<Vec<_>>()),
            };
            let who: Vec<String> = who.iter().map(ToString::to_string).collect();
            let who = if who.is_empty() {
                String::new()
            } else {
                format!("who: {}, ", texts(&who))
            };
            format!(
                "{{because: {because}, {who}shows: {}{}}}",
                value(shows),
                why(reason.as_deref())
            )
        }
        Item::Otherwise(Otherwise { otherwise, reason }) => {
            format!("{{otherwise: {}{}}}", value(otherwise), why(reason.as_deref()))
        }
    }
}

fn why(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(", reason: {}", scalar(reason)))
}

fn value(value: &Value) -> String {
    match value {
        Value::List(items) => texts(items),
        Value::Text(text) => scalar(text),
        other => other.line(),
    }
}

fn texts(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| scalar(item)).collect();
    format!("[{}]", items.join(", "))
}

/// `above: 0` is read as a number with a fraction.
fn whole(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Json::Number(number) => match number
            .as_f64()
            .filter(|one| one.fract() == 0.0 && one.abs() <= 9e18)
        {
            Some(one) if number.is_f64() => Json::from(one as i64),
            _ => Json::Number(number),
        },
        Json::Array(items) => items.into_iter().map(whole).collect(),
        Json::Object(map) => map
            .into_iter()
            .map(|(name, value)| (name, whole(value)))
            .collect(),
        other => other,
    }
}

/// Something in flow style, as in known files and findings.
#[must_use]
pub fn flow(value: &impl serde::Serialize) -> String {
    yaml::flow(&whole(serde_json::json!(value)))
}

/// A finding.
#[must_use]
pub fn finding(finding: &Finding) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = writeln!(text, "{name}: {value}");
        }
    };
    line("title", Some(block_scalar(&finding.title)));
    line(
        "affects",
        finding.affects.as_ref().map(|range| quoted(&range.to_string())),
    );
    line(
        "seen",
        finding.seen.as_ref().map(|range| quoted(&range.to_string())),
    );
    line("kind", Some(finding.kind.name().to_owned()));
    let impact = finding.impact;
    line(
        "impact",
        Some(match impact.entering == impact.leaving {
            true => impact.entering.to_string(),
            false => format!("{{entering: {}, leaving: {}}}", impact.entering, impact.leaving),
        }),
    );
    line("races", finding.races.then(|| "true".to_owned()));
    line("unshown", finding.unshown.as_deref().map(scalar));
    line("violates", finding.violates.clone());
    line("allows", finding.allows.clone());
    if let Some(applies) = &finding.applies {
        WRITER.member("applies", &whole(serde_json::json!(applies)), 0, &mut text);
    }
    if !finding.invalid.is_empty() {
        let invalid = whole(serde_json::json!(finding.invalid));
        WRITER.member("invalid", &invalid, 0, &mut text);
    }
    if !finding.shows.is_empty() {
        text.push_str("shows:\n");
        for sign in &finding.shows {
            WRITER.item(&whole(sign_json(sign)), 1, &mut text);
        }
    }
    let _ = writeln!(text, "cause: {}", prose("cause", &finding.cause));
    let links: Vec<_> = [
        ("source", &finding.links.source),
        ("fixed", &finding.links.fixed),
        ("discussed", &finding.links.discussed),
    ]
    .into_iter()
    .filter(|(_, links)| !links.is_empty())
    .collect();
    if !links.is_empty() {
        let _ = writeln!(text, "links:");
    }
    for (name, links) in links {
        let links: Vec<String> = links.iter().map(|link| quoted_link(link.as_str())).collect();
        let line = format!("  {name}: [{}]", links.join(", "));
        if line.len() <= WIDTH {
            let _ = writeln!(text, "{line}");
        } else {
            let links = links.iter().map(|link| format!("    - {link}\n"));
            let _ = write!(text, "  {name}:\n{}", links.collect::<String>());
        }
    }
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = writeln!(text, "{name}: {value}");
        }
    };
    line(
        "reported",
        finding
            .reported
            .as_ref()
            .filter(|reported| reported.is_reported() || finding.searched.is_none())
            .map(|reported| quoted_link(&reported.to_string())),
    );
    line("searched", finding.searched.clone());
    line(
        "remedy",
        finding.remedy.as_ref().map(|remedy| prose("remedy", remedy)),
    );
    text
}

/// The members in the order in which people write them, with the fact first.
fn sign_json(sign: &ocidiff_model::finding::Sign) -> serde_json::Value {
    if let Some(short) = Short::ALL.into_iter().find(|short| short.sign() == *sign) {
        return short.name().into();
    }
    let whole = serde_json::json!(sign);
    let mut ordered = serde_json::Map::new();
    for name in ["fact", "listed"] {
        if let Some(value) = whole.get(name) {
            ordered.insert(name.to_owned(), value.clone());
        }
    }
    for (name, value) in whole.as_object().into_iter().flatten() {
        if !["fact", "listed", "instead", "where", "others"].contains(&name.as_str()) {
            ordered.insert(name.clone(), value.clone());
        }
    }
    for name in ["instead", "where", "others"] {
        if let Some(value) = whole.get(name) {
            ordered.insert(name.to_owned(), value.clone());
        }
    }
    serde_json::Value::Object(ordered)
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn quoted_link(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/@.:_+-#=%?&~".contains(c);
    if text.chars().all(plain) && !text.contains(": ") && !text.contains(" #") {
        text.to_owned()
    } else {
        yaml::quoted(text)
    }
}

/// A text of a member: on its line where it fits.
fn prose(name: &str, text: &str) -> String {
    let line = block_scalar(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    if line.chars().count() + name.len() + ": ".len() <= WIDTH {
        line
    } else {
        format!(">-\n{}", wrapped(text))
    }
}

/// A text on one line outside flow style.
fn block_scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && yaml::reads_as_text(text)
        && !text.contains('\n');
    if plain {
        text.to_owned()
    } else {
        yaml::quoted(text)
    }
}

fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() + 2 <= TEXT => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    let lines: Vec<String> = lines.into_iter().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}

/// The line, from 1, of a comment in a text that is about to be printed anew. What also appears in the printed text is
/// not a comment.
#[must_use]
pub fn comment_in(text: &str, printed: &str) -> Option<usize> {
    // The kind of quotes may differ there.
    let flat = |text: &str| {
        text.replace(['\'', '"'], "")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let printed = flat(printed);
    let is_comment = |line: &str| {
        let mut places = line.match_indices('#').map(|(at, _)| at);
        places.any(|at| {
            let opens = at == 0 || line[..at].ends_with([' ', '\t']);
            // A quoted text continues to its quote, and to what closes the list around it.
            let rest = line[at..].trim_end_matches(['\'', '"', ']', '}', ',', ' ']);
            opens && !printed.contains(&flat(rest))
        })
    };
    text.lines().position(is_comment).map(|at| at + 1)
}
