//! `--ignore FILE`: what should not be reported for a while.

use std::path::Path;

use ocidiff_model::{Catalogue, IgnoreList};

use super::output;
use crate::error::Error;
use crate::judge::ignore;

/// Reads the file that was named, and says which of its entries no longer apply.
pub(super) fn read(file: Option<&Path>, catalogue: &Catalogue) -> Result<Option<IgnoreList>, Error> {
    let list = file.map(|file| ignore::read(file, catalogue)).transpose()?;
    for entry in list.iter().flat_map(IgnoreList::over) {
        output::complain(&format!(
            "ignored until {}: no longer ignored: {}",
            entry.until, entry.finding
        ));
    }
    Ok(list)
}
