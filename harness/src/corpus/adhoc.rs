//! A case that is not in a folder.

use ocidiff_confine::yaml::weigh;
use ocidiff_model::{Case, CaseFile};

use super::diagnostic::Diagnostics;
use super::document::Document;
use super::{Corpus, check};

/// Reads one case, and checks it against what cases share.
///
/// # Errors
/// Every error of the text.
pub fn load_one(text: &str, shared: &Corpus) -> Result<Case, Diagnostics> {
    let document = Document::new("the case", text);
    weigh(text).map_err(|error| Diagnostics(vec![document.too_much(error)]))?;
    let body: CaseFile = document.read().map_err(|error| Diagnostics(vec![error]))?;
    let case = Case {
        name: "one/case".to_owned(),
        source: document.file.to_owned(),
        member: None,
        body,
    };
    Diagnostics(check::case(&document, &case, shared, &check::Excuses::default())).or(case)
}
