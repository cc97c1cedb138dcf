//! HTML that cannot be broken out of: all text is escaped where it becomes HTML, and nothing else is.

use crate::safe::safe;

/// A piece of a page. Only this module makes it, from names that are in the program and from text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Html(String);

impl Html {
    /// Hostile text.
    pub(crate) fn text(hostile: &str) -> Self {
        Self(escaped(hostile))
    }

    /// An element around others.
    pub(crate) fn element(
        tag: &'static str,
        attributes: &[(&'static str, &str)],
        inside: impl IntoIterator<Item = Self>,
    ) -> Self {
        let mut out = format!("<{tag}");
        for (name, value) in attributes {
            out.push_str(&format!(" {name}=\"{}\"", escaped(value)));
        }
        out.push('>');
        inside.into_iter().for_each(|one| out.push_str(&one.0));
        if tag != "input" {
            out.push_str(&format!("</{tag}>"));
        }
        if BLOCKS.contains(&tag) {
            out.push('\n');
        }
        Self(out)
    }

    /// An element around text.
    pub(crate) fn with(tag: &'static str, hostile: &str) -> Self {
        Self::element(tag, &[], [Self::text(hostile)])
    }

    /// A paragraph of secondary text.
    pub(crate) fn quiet(hostile: &str) -> Self {
        Self::element("p", &[("class", "quiet")], [Self::text(hostile)])
    }

    /// A link, if the target can be followed; otherwise its text.
    pub(crate) fn link(target: &str, name: &str) -> Self {
        if crate::telling::is_web(target) {
            let attributes = [("href", target), ("rel", "noreferrer")];
            Self::element("a", &attributes, [Self::text(name)])
        } else {
            Self::text(target)
        }
    }

    /// A link to a place of the same page, by its `id`.
    pub(crate) fn to(id: &str, name: &str) -> Self {
        Self::element("a", &[("href", &format!("#{id}"))], [Self::text(name)])
    }

    /// A link to a page next to this one, by a plain name that the program gave it.
    pub(crate) fn beside(file: &str, name: &str) -> Self {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if file.chars().all(is_plain) && !file.starts_with('.') {
            Self::element("a", &[("href", file)], [Self::text(name)])
        } else {
            Self::text(name)
        }
    }

    /// Lines of hostile text that stay lines, for `pre`.
    pub(crate) fn lines<'t>(lines: impl IntoIterator<Item = &'t str>) -> Self {
        Self(lines.into_iter().map(|line| escaped(line) + "\n").collect())
    }

    /// A list; nothing if it has no items.
    pub(crate) fn items(attributes: &[(&'static str, &str)], all: impl IntoIterator<Item = Self>) -> Self {
        let mut all = all.into_iter().peekable();
        match all.peek() {
            Some(_) => Self::element("ul", attributes, all),
            None => Self::default(),
        }
    }

    /// A word in the colour of its class.
    pub(crate) fn badge(class: &str, word: &str) -> Self {
        let class = format!("badge {class}");
        Self::element("span", &[("class", &class)], [Self::text(word)])
    }

    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Several, one after the other.
    pub(crate) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self(parts.into_iter().map(|one| one.0).collect())
    }
}

/// Elements that each get a line in the source.
const BLOCKS: [&str; 16] = [
    "h1", "h2", "h3", "h4", "p", "ul", "li", "tr", "table", "caption", "section", "details", "dl", "dd",
    "header", "nav",
];

/// The page's look; it is the program's own.
const LOOK: &str = include_str!("../templates/page.css");

/// A whole page, which loads nothing and runs nothing: the browser is also told to enforce that.
pub(crate) fn page(title: &str, body: Html) -> String {
    let main = Html::element("main", &[], [Html("\n".to_owned()), body]);
    Document {
        title,
        body: Html::all([main, Html("\n".to_owned())]),
        look: "",
        script: None,
    }
    .text()
}

/// A script that belongs to the program, and the digest that the browser must find before it runs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Script {
    pub(crate) text: &'static str,
    /// `sha256-` and the digest in base64.
    pub(crate) digest: &'static str,
}

/// A page before it is text. It loads nothing; the browser runs no script but the given one.
pub(crate) struct Document<'t> {
    pub(crate) title: &'t str,
    pub(crate) body: Html,
    /// Its own styles, besides those of every page.
    pub(crate) look: &'static str,
    pub(crate) script: Option<Script>,
}

impl Document<'_> {
    pub(crate) fn text(&self) -> String {
        let (title, body, look) = (escaped(self.title), &self.body.0, self.look);
        let allowed = self.script.map_or(String::new(), |script| {
            format!("; script-src '{}'", script.digest)
        });
        let script = self.script.map_or(String::new(), |script| {
            format!("<script>{}</script>\n", script.text)
        });
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'{allowed}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title}</title>\n<style>\n{LOOK}{look}</style>\n</head>\n<body>\n{body}{script}</body>\n</html>\n"
        )
    }
}

/// A table that can be scrolled sideways if the window is narrow; nothing if it has no rows. The first cell of
/// each row is its heading.
pub(crate) fn table(caption: &str, head: &[&'static str], rows: Vec<Vec<Html>>) -> Html {
    if rows.is_empty() {
        return Html::default();
    }
    let column = |name: &&'static str| Html::element("th", &[("scope", "col")], [Html::text(name)]);
    let cell = |(at, inside): (usize, Html)| match at {
        0 => Html::element("th", &[("scope", "row")], [inside]),
        _ => Html::element("td", &[], [inside]),
    };
    let row = |cells: Vec<Html>| Html::element("tr", &[], cells.into_iter().enumerate().map(cell));
    let table = Html::element(
        "table",
        &[],
        [
            Html::with("caption", caption),
            Html::element("thead", &[], [Html::element("tr", &[], head.iter().map(column))]),
            Html::element("tbody", &[], rows.into_iter().map(row)),
        ],
    );
    scrolled("wide", "region", caption, table)
}

/// Content that is wider than a narrow window: users without a mouse scroll it with the keyboard.
pub(crate) fn scrolled(class: &str, role: &str, name: &str, inside: Html) -> Html {
    let attributes = [
        ("class", class),
        ("role", role),
        ("tabindex", "0"),
        ("aria-label", name),
    ];
    Html::element("div", &attributes, [inside])
}

/// Text on one line that cannot be read as anything but text, neither between tags nor in an attribute.
fn escaped(hostile: &str) -> String {
    let mut out = String::with_capacity(hostile.len());
    for character in safe(hostile).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let hostile = "<b>&\"'`\u{1b}";
        let shown = "&lt;b&gt;&amp;&quot;&#39;&#96;\\x1b";
        assert_eq!(Html::text(hostile).0, shown);
        assert_eq!(
            Html::element("i", &[("title", hostile)], [Html::text(hostile)]).0,
            format!("<i title=\"{shown}\">{shown}</i>")
        );
        assert!(page(hostile, Html::default()).contains(&format!("<title>{shown}</title>")));
    }

    #[test]
    fn only_links_that_can_be_followed_become_links() {
        let link = Html::link("https://example.org/a?b&c", "a<");
        assert_eq!(
            link.0,
            "<a href=\"https://example.org/a?b&amp;c\" rel=\"noreferrer\">a&lt;</a>"
        );
        for target in [
            "javascript:alert(1)",
            "https://a/\" onclick=\"x",
            "data:text/html,x",
        ] {
            assert_eq!(Html::link(target, "name"), Html::text(target));
        }
    }
}
