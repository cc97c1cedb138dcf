//! Findings for people: a list of them, one in full, one as a bug report.

mod html;
mod markdown;
mod sheet;
mod terminal;
pub mod upstream;

use ocidiff_model::finding::Card;
use ocidiff_model::{FindingId, Impact};
use serde::Serialize;

pub use sheet::Sheet;

use crate::style::count;
use crate::{Error, Format, Style, object};

/// A finding in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub id: FindingId,
    /// How much it matters to the user who asked.
    pub matters: Impact,
    /// The rest.
    #[serde(flatten)]
    pub card: Card,
}

/// Findings, the worst first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct List {
    /// What was asked for, in words: `runc 1.1.5 -> crun 1.28`.
    pub asked: String,
    /// The findings.
    pub findings: Vec<Row>,
}

impl List {
    /// The counts: `12 findings: 3 security, 9 cosmetic; 2 not reported upstream`.
    #[must_use]
    pub fn counts(&self) -> String {
        let mut counts = count(self.findings.len(), "finding");
        let by_impact: Vec<String> = IMPACTS
            .into_iter()
            .filter_map(|impact| {
                let number = self.findings.iter().filter(|row| row.matters == impact).count();
                (number > 0).then(|| format!("{number} {impact}"))
            })
            .collect();
        if !by_impact.is_empty() {
            counts.push_str(&format!(": {}", by_impact.join(", ")));
        }
        let unreported = self
            .findings
            .iter()
            .filter(|row| row.card.reported == Some(false));
        match unreported.count() {
            0 => {}
            number => counts.push_str(&format!("; {number} not reported upstream")),
        }
        counts
    }
}

/// The worst first.
const IMPACTS: [Impact; 4] = [
    Impact::Security,
    Impact::Breaks,
    Impact::MayBreak,
    Impact::Cosmetic,
];

/// Draws a list of findings.
///
/// # Errors
/// The format is for runs only.
pub fn render(format: Format, list: &List, style: &Style) -> Result<String, Error> {
    match format {
        Format::Terminal => Ok(terminal::render(list, style)),
        Format::Markdown => Ok(markdown::render(list)),
        Format::Html => Ok(html::render(list)),
        Format::Json => object(list),
        Format::Junit => Err(Error::OnlyRuns(format)),
        Format::Sarif => Err(Error::OnlyChecks(format)),
    }
}

#[cfg(test)]
mod tests {
    use ocidiff_model::Finding;

    use super::*;

    fn list(title: &str) -> List {
        let finding: Finding = serde_json::from_value(serde_json::json!({
            "title": "t", "affects": "*", "kind": "bug", "cause": "c", "reported": "no",
            "impact": {"entering": "security", "leaving": "cosmetic"},
        }))
        .expect("a finding");
        let card = Card {
            title: title.to_owned(),
            ..Card::from(&finding)
        };
        List {
            asked: "crun 1.21".to_owned(),
            findings: vec![Row {
                id: "crun/a".parse().expect("an id"),
                matters: Impact::Security,
                card,
            }],
        }
    }

    #[test]
    fn every_format_has_the_row_and_the_counts() {
        let list = list("crun does a");
        assert_eq!(list.counts(), "1 finding: 1 security; 1 not reported upstream");
        for format in [Format::Terminal, Format::Markdown, Format::Html, Format::Json] {
            let text = render(format, &list, &Style::default()).expect("drawn");
            for word in ["crun/a", "crun does a", "security", "all versions", "bug"] {
                assert!(text.contains(word), "{format}: {word} not in\n{text}");
            }
        }
        assert!(matches!(
            render(Format::Junit, &list, &Style::default()),
            Err(Error::OnlyRuns(_))
        ));
    }

    #[test]
    fn a_title_is_text_in_every_format() {
        let list = list("a\u{1b}[2J|<script>`x`");
        for format in [Format::Terminal, Format::Markdown, Format::Html, Format::Json] {
            let text = render(format, &list, &Style::default()).expect("drawn");
            assert!(!text.contains('\u{1b}'), "{format}");
            assert!(format == Format::Terminal || format == Format::Json || !text.contains("<script>"));
        }
    }
}
