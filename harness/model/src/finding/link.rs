//! Where something is written: in short form, as people write it, and as an address.

use std::fmt;

/// A link in its short form: `OWNER/REPO#N`, `OWNER/REPO@REF`, `OWNER/REPO@REF:PATH#LN`, or a whole `https://` address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link(String);

/// What is not a link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a link: write OWNER/REPO#NUMBER, OWNER/REPO@TAG, OWNER/REPO@TAG:PATH#LLINE or https://..."
)]
pub struct LinkError(String);

impl Link {
    /// The short form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> String {
        let text = &self.0;
        if text.starts_with("https://") {
            return text.clone();
        }
        if let Some((repo, rest)) = text.split_once('@') {
            return match rest.split_once(':') {
                Some((tag, path)) => format!("https://github.com/{repo}/blob/{tag}/{path}"),
                None if is_commit(rest) => format!("https://github.com/{repo}/commit/{rest}"),
                None => format!("https://github.com/{repo}/tree/{rest}"),
            };
        }
        match text.split_once('#') {
            Some((repo, number)) => format!("https://github.com/{repo}/issues/{number}"),
            None => text.clone(),
        }
    }
}

fn is_commit(text: &str) -> bool {
    text.len() >= 7 && text.chars().all(|c| c.is_ascii_hexdigit())
}

impl std::str::FromStr for Link {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let plain = |part: &str, also: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || also.contains(c))
        };
        let repo = |text: &str| {
            text.split_once('/')
                .is_some_and(|(owner, name)| plain(owner, "-_.") && plain(name, "-_."))
        };
        let number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let good = if let Some(rest) = text.strip_prefix("https://") {
            plain(rest, "-._~:/?#@!$&'*+,;=%") && !rest.starts_with("github.com/") || is_other(rest)
        } else if let Some((name, rest)) = text.split_once('@') {
            let (tag, path) = rest
                .split_once(':')
                .map_or((rest, None), |(tag, path)| (tag, Some(path)));
            let path_is_good = |path: &str| {
                let (path, line) = path
                    .split_once("#L")
                    .map_or((path, None), |(path, line)| (path, Some(line)));
                plain(path, "-_./+") && line.is_none_or(number)
            };
            repo(name) && plain(tag, "-_.+") && path.is_none_or(path_is_good)
        } else {
            text.split_once('#')
                .is_some_and(|(name, id)| repo(name) && number(id))
        };
        good.then(|| Self(text.to_owned()))
            .ok_or_else(|| LinkError(text.to_owned()))
    }
}

/// A page of GitHub that has no short form: a release, an advisory, a discussion.
fn is_other(rest: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'*+,;=%".contains(c);
    ["/releases", "/security/", "/discussions/", "/compare/", "/wiki"]
        .iter()
        .any(|part| rest.contains(part))
        && rest.chars().all(plain)
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

crate::text::written_as_text!(Link, "OWNER/REPO#N, OWNER/REPO@TAG:PATH#LN or https://...");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_are_addresses() {
        for (short, url) in [
            (
                "containers/crun#1600",
                "https://github.com/containers/crun/issues/1600",
            ),
            (
                "youki-dev/youki@v0.7.0:crates/libcontainer/src/x.rs#L12",
                "https://github.com/youki-dev/youki/blob/v0.7.0/crates/libcontainer/src/x.rs#L12",
            ),
            (
                "containers/crun@0c5b9208e9ac",
                "https://github.com/containers/crun/commit/0c5b9208e9ac",
            ),
            (
                "opencontainers/runc@v1.1.0",
                "https://github.com/opencontainers/runc/tree/v1.1.0",
            ),
            (
                "opencontainers/runc@v1.1.0-rc.1",
                "https://github.com/opencontainers/runc/tree/v1.1.0-rc.1",
            ),
            (
                "containers/crun@1.8",
                "https://github.com/containers/crun/tree/1.8",
            ),
            ("https://man7.org/x.html", "https://man7.org/x.html"),
        ] {
            let link: Link = short.parse().expect(short);
            assert_eq!((link.as_str(), link.url().as_str()), (short, url));
        }
        for not in [
            "",
            "x",
            "http://a/b",
            "https://github.com/a/b/issues/3",
            "a/b@v1:x y",
            "a/b@v 1",
            "a@v1",
            "a b/c#1",
            "a/b c#1",
            "a#1",
            "a/b#x",
        ] {
            assert!(not.parse::<Link>().is_err(), "{not}");
        }
    }

    #[test]
    fn pages_without_a_short_form_are_written_whole() {
        for (link, good) in [
            ("https://github.com/moby/moby/releases/tag/v23.0.0", true),
            ("https://github.com/a/b/security/advisories/GHSA-1", true),
            ("https://github.com/a/b/discussions/3", true),
            ("https://github.com/a/b/compare/v1...v2", true),
            ("https://github.com/a/b/wiki", true),
            ("https://github.com/a/b/pull/3", false),
            ("https://github.com/a/b/releases/tag/\u{1b}", false),
        ] {
            assert_eq!(link.parse::<Link>().is_ok(), good, "{link}");
        }
    }
}
