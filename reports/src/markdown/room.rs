//! Text that grows up to a size.

/// How far the last words of a part, which say how much was left out, may exceed the limit for its other lines.
const LAST: usize = 300;

/// Text that grows up to a size, in bytes.
#[derive(Debug)]
pub(super) struct Room {
    text: String,
    most: usize,
}

impl Room {
    pub(super) fn of(most: usize) -> Self {
        Self {
            text: String::new(),
            most,
        }
    }

    pub(super) fn endless() -> Self {
        Self::of(usize::MAX)
    }

    /// Whether there is room for it.
    pub(super) fn fits(&self, text: &str) -> bool {
        self.text.len() + text.len() <= self.most.saturating_sub(LAST)
    }

    /// Adds it if there is room for all of it.
    pub(super) fn push(&mut self, text: &str) -> bool {
        let fits = self.fits(text);
        if fits {
            self.text.push_str(text);
        }
        fits
    }

    /// Adds it: the caller has checked that there is room.
    pub(super) fn force(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds a few words that must be there: how much was left out.
    pub(super) fn last(&mut self, text: &str) {
        if self.text.len() + text.len() <= self.most {
            self.text.push_str(text);
        }
    }

    /// A line of items side by side, as many as there is room for, and how many more there are.
    pub(super) fn list(&mut self, name: &str, items: &[String]) {
        if !self.push(name) {
            return;
        }
        for (index, item) in items.iter().enumerate() {
            let dot = if index == 0 { "" } else { " · " };
            if !self.push(&format!("{dot}{item}")) {
                self.last(&format!("{dot}… {} more: --full", items.len() - index));
                break;
            }
        }
        self.last("\n");
    }

    pub(super) fn left(&self) -> usize {
        self.most.saturating_sub(self.text.len())
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn text(self) -> String {
        self.text
    }
}
