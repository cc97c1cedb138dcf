//! The names of a cluster's nodes: one per line, or what `kubectl get nodes` prints in any of its formats.

use std::collections::BTreeSet;

use ocidiff_reports::safe_to;
use serde_json::Value;

/// The head of kubectl's first column.
const HEAD: &str = "NAME";
/// The longest name that the API takes.
const LONGEST: usize = 253;

/// The names in a text.
pub(super) fn names(text: &str) -> Result<BTreeSet<String>, String> {
    // Some editors begin a file with it.
    let text = text.trim_start_matches('\u{feff}');
    let lines = text.lines().map(str::trim);
    let lines: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let names: Vec<String> = match is_document(&lines) {
        true => objects(text)?,
        false => rows(&lines).map(str::to_owned).collect(),
    };
    match names.iter().find(|name| !is_name(name)) {
        Some(other) => Err(format!(
            "`{}` is not a node's name: give one per line, or what `kubectl get nodes` prints",
            safe_to(other, 80)
        )),
        None => Ok(names.into_iter().collect()),
    }
}

/// Whether the lines are those of `-o json` or `-o yaml`.
fn is_document(lines: &[&str]) -> bool {
    let begins = |line: &&str| line.starts_with('{') || line.starts_with("apiVersion:");
    lines.first().is_some_and(begins)
}

/// The names of a list of nodes, or of a single one.
fn objects(text: &str) -> Result<Vec<String>, String> {
    let document: Value = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    let all = match document.get("items") {
        Some(items) => items
            .as_array()
            .ok_or("its `items` are not a list")?
            .iter()
            .collect(),
        None => vec![&document],
    };
    let name = |object: &Value| {
        let kind = object["kind"].as_str().unwrap_or("Node");
        if kind != "Node" {
            return Err(format!("it has a {}, which is not a node", safe_to(kind, 80)));
        }
        let name = object["metadata"]["name"].as_str();
        name.map(str::to_owned)
            .ok_or_else(|| "it has a node without a metadata.name".to_owned())
    };
    all.into_iter().map(name).collect()
}

/// The names in a table of kubectl's, if that is what the lines are: its head is in capitals, which names of nodes are
/// not. A single line may have many, as with `-o jsonpath`. What else is in a line stays there, and is refused.
fn rows<'l>(lines: &'l [&'l str]) -> impl Iterator<Item = &'l str> {
    let first = |line: &&'l str| line.split_whitespace().next().unwrap_or(line);
    let is_table = lines.first().map(first) == Some(HEAD);
    let is_lower = |name: &str| !name.contains(|letter: char| letter.is_ascii_uppercase());
    let is_one_line = lines.len() == 1
        && lines[0]
            .split_whitespace()
            .all(|name| is_lower(bare(name)) && is_name(bare(name)));
    let names = lines.iter().skip(usize::from(is_table));
    let names = names.flat_map(move |line| match (is_table, is_one_line) {
        (true, _) => vec![first(line)],
        (false, true) => line.split_whitespace().collect(),
        (false, false) => vec![*line],
    });
    names.map(bare)
}

/// Without the prefix of `-o name`.
fn bare(name: &str) -> &str {
    name.strip_prefix("node/").unwrap_or(name)
}

/// A line of another table would otherwise be a node that was not seen. Without Kubernetes, names are those of
/// machines, which may have capitals.
fn is_name(name: &str) -> bool {
    let fits = |letter: u8| letter.is_ascii_alphanumeric() || b"-._".contains(&letter);
    let name = name.as_bytes();
    name.len() <= LONGEST
        && name.first().is_some_and(u8::is_ascii_alphanumeric)
        && name.iter().copied().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_from_whatever_kubectl_prints() {
        let list = r#"{"apiVersion": "v1", "kind": "List", "items": [
            {"kind": "Node", "metadata": {"name": "a"}, "status": {"x": "y"}}, {"kind": "Node", "metadata": {"name": "b-1.x"}}]}"#;
        let one_line = list.replace('\n', "");
        let yaml = "apiVersion: v1\nitems:\n- kind: Node\n  metadata: {name: a}\n- kind: Node\n  metadata: {name: b-1.x}\nkind: List\n";
        for text in [
            "a\nb-1.x\n",
            "# mine\r\n\r\nb-1.x\r\na",
            "node/a\nnode/b-1.x\n",
            "NAME STATUS\na Ready\nb-1.x NotReady\n",
            "a b-1.x",
            "\u{feff}a\nb-1.x\n",
            "node/a node/b-1.x\n",
            list,
            &one_line,
            &format!("\n  {list}\n"),
            yaml,
        ] {
            let found = names(text).expect(text);
            assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "b-1.x"], "{text}");
        }
        let single = names(r#"{"kind": "Node", "metadata": {"name": "a"}}"#).expect("a node");
        assert_eq!(single.into_iter().collect::<Vec<_>>(), ["a"]);
        assert_eq!(names("NAME\n").expect("a head").len(), 0);
        assert_eq!(
            names(r#"{"kind": "List", "items": []}"#).expect("a list").len(),
            0
        );
    }

    #[test]
    fn what_lists_no_nodes_is_refused() {
        for (text, why) in [
            ("a\nb Ready\n", "`b Ready` is not a node's name"),
            ("web 1/1 Running", "`web 1/1 Running` is not a node's name"),
            ("No resources found", "`No resources found` is not a node's name"),
            (r#"["a", "b"]"#, "is not a node's name"),
            (r#""a""#, "is not a node's name"),
            (
                r#"{"kind": "Pod", "metadata": {"name": "a"}}"#,
                "it has a Pod, which is not a node",
            ),
            (r#"{"items": [{"kind": "Node"}]}"#, "without a metadata.name"),
            (r#"{"items": {}}"#, "`items` are not a list"),
            (r#"{"items": ["#, "while parsing"),
            ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "it has a Pod"),
        ] {
            let error = names(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
