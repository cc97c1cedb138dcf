//! Recipes: the layers must be possible, and the packages available.

use crate::corpus::diagnostic::Diagnostic;
use crate::corpus::document::Document;
use crate::corpus::{Recipe, layout, limits};

/// What is wrong with a recipe, if anything.
pub(in crate::corpus) fn check(document: &Document<'_>, recipe: &Recipe) -> Vec<Diagnostic> {
    let mut found = limits::recipe(document, recipe);
    if !found.is_empty() {
        return found;
    }
    found.extend(layout::check(document, &recipe.files));
    for (index, package) in recipe.packages.iter().enumerate() {
        let index = index.to_string();
        let wrong = [
            ("name", &package.name, is_word(&package.name)),
            ("version", &package.version, is_word(&package.version)),
            ("sha256", &package.sha256, is_digest(&package.sha256)),
        ];
        for (key, value, _) in wrong.into_iter().filter(|(_, _, is)| !is) {
            let message = format!("`{value}` is not a package's {key}");
            found.push(document.at(&["packages", &index, key], message, None));
        }
    }
    if let Some(suite) = recipe.suite.as_ref().filter(|suite| !is_word(suite)) {
        found.push(document.at(&["suite"], format!("`{suite}` is not a suite's name"), None));
    }
    found
}

/// A word that no tool can mistake for an option or a path: according to Debian policy 5.6.12, versions have no others.
fn is_word(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "+-.:~_".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.len() <= 200 && text.chars().all(fits)
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit())
}
