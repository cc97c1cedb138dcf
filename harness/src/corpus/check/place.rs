//! Where something stands in a case's file, if it was found in a member of its family or in the resulting config.

use ocidiff_model::Case;

use crate::corpus::diagnostic::Diagnostic;
use crate::corpus::document::Document;
use crate::corpus::spec::Wrong;

/// A case and the file in which it is written.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) document: &'a Document<'a>,
    pub(super) case: &'a Case,
}

impl Place<'_> {
    /// An error at a key: the member's own, or the file's if the member does not have it.
    pub(super) fn at(&self, keys: &[&str], message: impl Into<String>, help: Option<String>) -> Diagnostic {
        let own = self
            .case
            .member
            .as_ref()
            .map(|member| [&["for", member], keys].concat());
        let keys = match &own {
            Some(own) if self.document.has(own) || !self.document.has(keys) => own,
            _ => keys,
        };
        self.document.at(keys, message, help)
    }

    /// A change to the config that cannot be made: the error names its key first, `linux.namespaces-`.
    pub(super) fn changes(&self, error: String) -> Diagnostic {
        let key = error.split('`').nth(1).unwrap_or_default();
        let keys = key.split('.').map(str::to_owned).collect();
        let wrong = Wrong {
            keys,
            message: error.clone(),
            help: None,
            value: None,
        };
        let found = self.wrong(&["config"], wrong);
        Diagnostic {
            message: error,
            ..found
        }
    }

    /// An error in a config: `within` leads to the part of the case in which `wrong.keys` begin.
    pub(super) fn wrong(&self, within: &[&str], wrong: Wrong) -> Diagnostic {
        let names: Vec<&str> = wrong.names().collect();
        let own = self
            .case
            .member
            .as_ref()
            .map(|member| [&["for", member], within].concat());
        let found = own
            .iter()
            .map(Vec::as_slice)
            .chain([within])
            .find_map(|within| self.document.search(within, &names, wrong.value.as_ref()));
        let place = found.unwrap_or_else(|| {
            let place = self.at(within, "", None);
            (place.line, place.column)
        });
        self.document.error(place, &whereabouts(&wrong), wrong.help)
    }
}

/// The message, and which part of the config it is about.
pub(super) fn whereabouts(wrong: &Wrong) -> String {
    let names: Vec<&str> = wrong.names().collect();
    let of = match wrong.value {
        Some(_) => &names[..],
        None => &names[..names.len().saturating_sub(1)],
    };
    match of {
        [] => format!("{} in the config", wrong.message),
        of => format!("{} in `{}`", wrong.message, of.join(".")),
    }
}
