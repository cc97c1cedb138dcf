//! How much of a case the page shows.

/// How much of a case is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depth {
    pub(super) heading: &'static str,
    pub(super) facts: usize,
    /// Characters of a value.
    pub(super) value: usize,
    pub(super) diff_lines: usize,
    /// How many calls are shown with their words, and how many characters of each.
    pub(super) said: (usize, usize),
    pub(super) rows: usize,
    pub(super) whole: bool,
}

impl Depth {
    /// What fails.
    pub(super) const WHOLE: Self = Self {
        heading: "h3",
        facts: 100,
        value: 2000,
        diff_lines: 200,
        said: (20, 500),
        rows: 40,
        whole: true,
    };
    /// What is known, in full.
    pub(super) const KNOWN_WHOLE: Self = Self {
        heading: "h4",
        ..Self::WHOLE
    };
    /// What is known: `ocidiff explain --run` has the rest.
    pub(super) const KNOWN: Self = Self {
        heading: "h4",
        facts: 20,
        value: 160,
        diff_lines: 12,
        said: (0, 0),
        rows: 3,
        whole: false,
    };
}
