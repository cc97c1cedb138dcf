//! The commands that continue from a case: each works as printed.

use ocidiff_model::Verdict;
use ocidiff_model::difference::Standing;
use ocidiff_model::event::CaseReport;

use crate::style::Style;
use crate::{accounts, telling};

/// Whether it is a bundle of the user.
pub(crate) fn is_given(case: &CaseReport) -> bool {
    case.case.starts_with("bundle/")
}

/// Whether a known file can hold some of what was found: it cannot tell twins apart, and holds one value.
fn is_writable(case: &CaseReport) -> bool {
    let fails = |standing: &Standing| matches!(standing, Standing::New { .. } | Standing::Gone);
    let mut all = case.differences.iter();
    !case.twins && all.any(|difference| fails(&difference.standing) && difference.seen.is_empty())
}

/// The commands that continue from here: each works as printed.
pub(crate) fn steps(case: &CaseReport, style: &Style) -> Vec<String> {
    // A bundle of the user is not a case of the corpus, which the other commands take.
    let again = style.words(&telling::again(case));
    let mut steps = Vec::new();
    if let (Verdict::Known, Some((id, _))) = (case.verdict, accounts::worst_first(case).first()) {
        let cases = style.words(&telling::folder(case));
        steps.push(format!("ocidiff explain {}{cases}", style.words(id.as_str())));
    }
    if is_given(case) {
        let folder = case.source.strip_suffix("/config.json").unwrap_or(&case.source);
        let folder = telling::word(&style.words(folder));
        steps.push(format!("ocidiff run --bundle {folder}{again} --records records"));
        return steps;
    }
    let name = telling::quoted(&style.words(&case.case));
    if case.again.iter().any(|option| option == "--via") {
        steps.push(format!("ocidiff run {name}{again} --records records"));
        return steps;
    }
    if case.control {
        steps.push(format!("ocidiff control {name}{again}"));
        return steps;
    }
    steps.push(format!("ocidiff explain --run {name}{again}"));
    if let Some(label) = telling::suspect(case) {
        let runtime = telling::word(&style.words(&telling::selector(case, label)));
        let cases = style.words(&telling::folder(case));
        steps.push(format!("ocidiff repro {name} --runtime {runtime}{cases}"));
    }
    match case.verdict {
        Verdict::New | Verdict::Gone | Verdict::Violation | Verdict::Unexpected if is_writable(case) => {
            steps.push(format!("ocidiff accept {name}{again}"));
        }
        Verdict::Broken => steps.push(format!("ocidiff show {name}{again}")),
        _ => {}
    }
    steps
}
