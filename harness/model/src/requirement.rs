//! Clauses of the runtime-spec, by our ids (`cases/requirements.yaml`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// How binding a clause is; RFC 2119.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// MUST, SHALL, REQUIRED.
    Must,
    /// MUST NOT, SHALL NOT.
    MustNot,
    /// SHOULD, RECOMMENDED.
    Should,
    /// SHOULD NOT, NOT RECOMMENDED.
    ShouldNot,
    /// MAY, OPTIONAL.
    May,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Must => "MUST",
            Self::MustNot => "MUST NOT",
            Self::Should => "SHOULD",
            Self::ShouldNot => "SHOULD NOT",
            Self::May => "MAY",
        })
    }
}

/// One clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Our id.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// The first version of the spec that has it.
    pub since: String,
    /// File and anchor in the spec's repository, `config-linux.md#seccomp`.
    pub section: String,
    /// The clause in our words.
    pub says: String,
    /// The name of the same clause in runtime-tools' `specerror`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_tools: Option<String>,
    /// How a test can see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observable: Option<String>,
}

impl Requirement {
    /// Where the clause can be read.
    #[must_use]
    pub fn link(&self) -> String {
        format!(
            "https://github.com/opencontainers/runtime-spec/blob/v1.3.0/{}",
            self.section
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_can_be_read_where_its_link_leads() {
        let clause = Requirement {
            id: "a".to_owned(),
            level: Level::MustNot,
            since: "1.0.0".to_owned(),
            section: "config.md#root".to_owned(),
            says: "s".to_owned(),
            runtime_tools: None,
            observable: None,
        };
        let link = clause.link();
        assert!(
            link.starts_with("https://github.com/opencontainers/runtime-spec/"),
            "{link}"
        );
        assert!(link.ends_with("/config.md#root"), "{link}");
        for (level, word, written) in [
            (Level::Must, "MUST", "must"),
            (Level::MustNot, "MUST NOT", "must-not"),
            (Level::Should, "SHOULD", "should"),
            (Level::ShouldNot, "SHOULD NOT", "should-not"),
            (Level::May, "MAY", "may"),
        ] {
            assert_eq!(level.to_string(), word);
            assert_eq!(serde_json::to_value(level).expect("a word"), written);
        }
    }
}
