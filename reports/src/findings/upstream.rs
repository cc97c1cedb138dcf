//! A finding as a bug report for the project that it belongs to.

use ocidiff_model::finding::Reported;
use ocidiff_model::{Finding, FindingId, Impact, Requirement};

use crate::safe;

/// A fact of a case, with the finding and without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its path.
    pub fact: String,
    /// What the component shows.
    pub seen: String,
    /// What the others show.
    pub expected: String,
}

/// How someone else can see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    /// The case.
    pub case: String,
    /// What it does.
    pub summary: String,
    /// Its steps, in order.
    pub steps: Vec<String>,
    /// What it lays over the default config, as YAML.
    pub config: String,
    /// What its rootfs has besides the usual, as YAML.
    pub files: String,
    /// The command that shows it with ocidiff.
    pub command: String,
    /// The script of the reproduction folder, if one was written.
    pub script: Option<String>,
    /// The version that the folder was made with.
    pub version: Option<String>,
    /// What differs.
    pub shown: Vec<Shown>,
}

/// What a report is made from.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// Which finding.
    pub id: &'a FindingId,
    /// What it says.
    pub finding: &'a Finding,
    /// The clause that it violates, or that allows it.
    pub clause: Option<&'a Requirement>,
    /// Where to write about security matters, if that is known.
    pub contact: Option<&'a str>,
    /// A case that shows it.
    pub steps: Option<&'a Steps>,
}

/// The report, as Markdown.
#[must_use]
pub fn render(input: &Input<'_>) -> String {
    let finding = input.finding;
    let mut out = String::new();
    if finding.impact.worst() == Impact::Security {
        out.push_str(&first(input));
    }
    out.push_str(&format!("# {}\n\n", text(&finding.title)));
    if let Some(Reported::At(link)) = &finding.reported {
        out.push_str(&format!("Reported already: {}\n\n", address(&link.url())));
    }
    out.push_str(&format!(
        "## Versions\n\n{}: {}\n",
        text(input.id.component()),
        text(&finding.versions())
    ));
    steps(&mut out, input.steps);
    expected(&mut out, input);
    seen(&mut out, input);
    out.push_str(&format!("\n## Cause\n\n{}\n", text(finding.cause.trim())));
    let mut links = finding.links.all().peekable();
    if links.peek().is_some() {
        out.push_str("\n## Links\n\n");
        for (what, link) in links {
            out.push_str(&format!("- {what}: {}\n", address(&link.url())));
        }
    }
    out
}

/// What comes before everything else if the public must not read it first.
fn first(input: &Input<'_>) -> String {
    let to = match input.contact {
        Some(contact) if crate::telling::is_web(contact) || is_mail(contact) => format!("<{contact}>"),
        Some(contact) => text(contact),
        None => format!("see SECURITY.md of {}", text(input.id.component())),
    };
    format!(
        "> **Security: write to the project's security contact first ({to}). Do not open a public issue before they have \
         answered.** Remove this paragraph before you send the report.\n\n"
    )
}

fn is_mail(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._@".contains(c);
    text.contains('@') && text.chars().all(plain)
}

fn steps(out: &mut String, steps: Option<&Steps>) {
    out.push_str("\n## Steps to reproduce\n\n");
    let Some(steps) = steps else {
        out.push_str("No case of the corpus shows it: see the cause.\n");
        return;
    };
    let (case, summary) = (text(&steps.case), text(&steps.summary));
    out.push_str(&format!("{summary} (ocidiff's case {case}).\n\n"));
    if let Some(script) = &steps.script {
        let with = steps
            .version
            .as_ref()
            .map_or_else(String::new, |version| format!(", made with {}", text(version)));
        out.push_str(&format!(
            "The bundle and a shell script that shows it without ocidiff are attached{with}; as root:\n\n{}\n",
            block("sh", script)
        ));
    }
    out.push_str(&format!("With ocidiff:\n\n{}\n", block("sh", &steps.command)));
    out.push_str(&format!(
        "The runtime's steps: {}.\n",
        text(&steps.steps.join(", "))
    ));
    for (what, yaml) in [("config.json", &steps.config), ("rootfs", &steps.files)] {
        if !yaml.is_empty() {
            out.push_str(&format!(
                "\nWhat the {what} has besides the usual:\n\n{}",
                block("yaml", yaml)
            ));
        }
    }
}

fn expected(out: &mut String, input: &Input<'_>) {
    out.push_str("\n## Expected\n\n");
    match input.clause {
        Some(clause) if input.finding.violates.is_some() => out.push_str(&format!(
            "The runtime-spec ({}, {}): {}\n",
            clause.level,
            address(&clause.link()),
            text(&clause.says)
        )),
        Some(clause) => out.push_str(&format!(
            "The runtime-spec allows it ({}): {} Other runtimes behave differently.\n",
            address(&clause.link()),
            text(&clause.says)
        )),
        None => out.push_str("The runtime-spec does not say. Other runtimes behave differently.\n"),
    }
    facts(out, input.steps, |shown| &shown.expected);
}

fn seen(out: &mut String, input: &Input<'_>) {
    out.push_str(&format!("\n## Seen\n\n{}.\n", text(&input.finding.title)));
    facts(out, input.steps, |shown| &shown.seen);
}

fn facts(out: &mut String, steps: Option<&Steps>, value: impl Fn(&Shown) -> &String) {
    let shown = steps.map_or(&[][..], |steps| &steps.shown);
    if !shown.is_empty() {
        out.push('\n');
    }
    for one in shown {
        out.push_str(&format!("- {} = {}\n", code(&one.fact), code(&safe(value(one)))));
    }
}

/// Prose that people read in its source: a word in which Markdown or HTML would read more than text is set as code,
/// which needs no character references.
fn text(prose: &str) -> String {
    let safe = safe(prose);
    let words = safe.split(' ').map(|word| {
        // `no_new_privs` is not emphasis.
        let emphasises = word.starts_with('_') || word.contains("(_") || word.ends_with('_');
        match word.contains(is_markup) || word.contains("://") || word.contains("www.") || emphasises {
            true => code(word),
            false => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn is_markup(character: char) -> bool {
    "&<>|`*~[]\\$@#".contains(character)
}

/// An address, as it is.
fn address(target: &str) -> String {
    match target.contains(|c: char| c.is_whitespace() || c.is_control() || "<>".contains(c)) {
        true => text(target),
        false => format!("<{target}>"),
    }
}

/// A code span, whose fence nothing in it can close.
fn code(safe: &str) -> String {
    let fence = "`".repeat(longest(safe) + 1);
    let pad = if safe.starts_with('`') || safe.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{safe}{pad}{fence}")
}

/// The most backticks in a row.
fn longest(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// A block whose fence nothing in it can close.
fn block(language: &str, body: &str) -> String {
    let fence = "`".repeat(3.max(longest(body) + 1));
    let lines: Vec<String> = body.lines().map(safe).collect();
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(entering: &str) -> Finding {
        serde_json::from_value(serde_json::json!({
            "title": "crun does a", "affects": "<1.2", "kind": "bug", "cause": "the cause",
            "impact": {"entering": entering, "leaving": "cosmetic"}, "reported": "no", "searched": "2026-11",
            "links": {"source": ["containers/crun@1.1:src/a.c#L3"]},
        }))
        .expect("a finding")
    }

    #[test]
    fn what_is_security_goes_to_the_contact_first() {
        let id: FindingId = "crun/a".parse().expect("an id");
        for (impact, opens) in [("security", "> **Security: "), ("breaks", "# crun does a\n")] {
            let finding = finding(impact);
            let report = render(&Input {
                id: &id,
                finding: &finding,
                clause: None,
                contact: Some("security@example.org"),
                steps: None,
            });
            assert!(report.starts_with(opens), "{report}");
            assert_eq!(report.contains("example.org"), impact == "security", "{report}");
        }
    }

    #[test]
    fn prose_is_read_as_it_is_written() {
        for (prose, expected) in [
            (
                "it doesn't say (at all) no_new_privs: 100 %",
                "it doesn't say (at all) no_new_privs: 100 %",
            ),
            ("a < b & c", "a `<` b `&` c"),
            (
                "the <script>alert(1)</script> of",
                "the `<script>alert(1)</script>` of",
            ),
            ("ask @nobody or #12", "ask `@nobody` or `#12`"),
            ("a ``x` b", "a ``` ``x` ``` b"),
            ("see https://example.org/x_y_", "see `https://example.org/x_y_`"),
            ("*all* _all_", "`*all*` `_all_`"),
        ] {
            assert_eq!(text(prose), expected, "{prose}");
        }
    }

    #[test]
    fn what_a_case_says_closes_no_block() {
        let id: FindingId = "crun/a".parse().expect("an id");
        let steps = Steps {
            case: "t/a".to_owned(),
            summary: "<b>\u{1b}".to_owned(),
            steps: vec!["create".to_owned()],
            config: "a: '```'\n".to_owned(),
            files: String::new(),
            command: "ocidiff run 't/a'".to_owned(),
            script: None,
            version: None,
            shown: vec![Shown {
                fact: "process.exit".to_owned(),
                seen: "0".to_owned(),
                expected: "<1>".to_owned(),
            }],
        };
        let report = render(&Input {
            id: &id,
            finding: &finding("breaks"),
            clause: None,
            contact: None,
            steps: Some(&steps),
        });
        assert!(report.contains("````yaml\na: '```'\n````\n"), "{report}");
        assert!(!report.contains('\u{1b}') && !report.contains("&#"), "{report}");
        for part in [
            "## Versions",
            "## Steps",
            "## Expected",
            "## Seen",
            "## Cause",
            "## Links",
            "crun: `<1.2`",
            "- `process.exit` = `<1>`\n",
            "\n`<b>",
        ] {
            assert!(report.contains(part), "{part} not in {report}");
        }
    }
}
