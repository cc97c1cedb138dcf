//! Hostile text in Markdown.

use crate::safe::{safe, safe_to};
use crate::telling;

/// How long a value may be.
pub(super) const VALUE: usize = 200;

/// Hostile text as prose. What Markdown or HTML would read as more than text becomes a character reference, which
/// neither does in any place, tables included.
pub(crate) fn text(hostile: &str) -> String {
    let safe = safe(hostile);
    let mut out = String::with_capacity(safe.len());
    let mut before = ' ';
    let mut rest = safe.chars().peekable();
    while let Some(character) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        // `no_new_privs` is not emphasis and stays legible in the source.
        let inside = before.is_alphanumeric() && after.is_alphanumeric();
        if is_markup(character) && !(character == '_' && inside) {
            out.push_str(&format!("&#{};", u32::from(character)));
        } else {
            out.push(character);
        }
        before = character;
    }
    out.replace("://", "&#58;//").replace("www.", "www&#46;")
}

fn is_markup(character: char) -> bool {
    "&<>|`*_~[]\\$@!".contains(character)
}

/// Hostile text as a value. Inside this element GitHub sets neither links nor mentions.
pub(super) fn code(hostile: &str) -> String {
    format!("<code>{}</code>", text(&safe_to(hostile, VALUE)))
}

/// A link from the corpus, under a short name.
pub(super) fn short(target: &str) -> String {
    link(target, &telling::short_link(target))
}

/// A link, if the target can be followed; otherwise its text.
pub(super) fn link(target: &str, name: &str) -> String {
    if telling::is_web(target) {
        format!("[{}]({target})", text(name))
    } else {
        text(target)
    }
}

/// A fence that is longer than any run of backticks in the text.
pub(super) fn fence(body: &str) -> String {
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(3.max(longest + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_neither_markdown_nor_html() {
        for (hostile, shown) in [
            ("a|b", "a&#124;b"),
            ("`x`", "&#96;x&#96;"),
            ("<img src=x>", "&#60;img src=x&#62;"),
            ("&lt;", "&#38;lt;"),
            ("[a](b)", "&#91;a&#93;(b)"),
            ("no_new_privs _x_", "no_new_privs &#95;x&#95;"),
            ("@someone", "&#64;someone"),
            ("https://evil", "https&#58;//evil"),
            ("line\n# head", r"line&#92;n# head"),
            (
                "$x$ **b** ~~s~~",
                "&#36;x&#36; &#42;&#42;b&#42;&#42; &#126;&#126;s&#126;&#126;",
            ),
        ] {
            assert_eq!(text(hostile), shown);
        }
    }

    #[test]
    fn only_links_that_can_be_followed_become_links() {
        assert_eq!(
            short("https://github.com/containers/crun/issues/1600"),
            "[containers/crun#1600](https://github.com/containers/crun/issues/1600)"
        );
        assert_eq!(short("javascript:alert(1)"), "javascript:alert(1)");
        assert_eq!(short("https://a/) [x](y"), "https&#58;//a/) &#91;x&#93;(y");
    }

    #[test]
    fn a_fence_cannot_be_closed_from_inside() {
        assert_eq!(fence("plain"), "```");
        assert_eq!(fence("a ```` b"), "`````");
    }
}
