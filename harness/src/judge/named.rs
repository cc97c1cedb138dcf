//! Facts of which a known file says no values, only which findings show in them: recognition must find these findings,
//! and they must show.

use ocidiff_model::difference::{How, Standing};
use ocidiff_model::known::Written;
use ocidiff_model::{Difference, FindingId, KnownEntry, Record};

use crate::judge::compare::{difference, groups, speaks_of};
use crate::judge::fixed::Newest;
use crate::judge::recognise::Question;

/// Holds what was recognised against what is named. What is taken for something else is new; what does not show is gone,
/// or fixed.
pub(crate) fn hold_against(
    entries: &[&KnownEntry],
    question: &Question<'_>,
    newest: &Newest,
    found: &mut Vec<Difference>,
) {
    for entry in entries.iter().filter(|entry| entry.by_signs) {
        match found.iter_mut().find(|difference| difference.fact == entry.fact) {
            Some(difference) => name(difference, entry),
            None => found.extend(missing(entry, question, newest)),
        }
    }
}

fn name(difference: &mut Difference, entry: &KnownEntry) {
    let named = |id: &FindingId| entry.written.iter().any(|written| written.because.contains(id));
    if difference.standing != Standing::Known || difference.accounts.is_empty() {
        return;
    }
    if !difference.findings().any(named) {
        difference.standing = Standing::New { runs: 1 };
        difference.accounts.clear();
        return;
    }
    for account in &mut difference.accounts {
        if account.because.iter().any(named) {
            account.because.retain(named);
            account.how = How::Written;
        }
    }
}

/// The difference that ought to show, if some of those who take part do what a finding says and others do not.
fn missing(entry: &KnownEntry, question: &Question<'_>, newest: &Newest) -> Option<Difference> {
    let does = |written: &Written, record: &Record| {
        let mut findings = written.because.iter().map(|id| question.catalogue.find(id));
        written.who.iter().any(|key| key.holds(&record.runtime))
            && findings.all(|finding| {
                finding.is_some_and(|one| one.fits(question.config, question.steps, question.machine))
            })
    };
    let speak = question
        .records
        .iter()
        .filter(|record| speaks_of(record, &entry.fact));
    let (departing, others): (Vec<&Record>, Vec<&Record>) =
        speak.partition(|record| entry.written.iter().any(|written| does(written, record)));
    if departing.is_empty() || others.is_empty() {
        return None;
    }
    let mut gone = difference(&entry.fact, groups(&entry.fact, question.records));
    gone.accounts = crate::judge::verdict::accounts(entry, &departing);
    gone.fixed = newest.all_newer(entry, &departing);
    gone.standing = match gone.fixed.is_empty() {
        true => Standing::Gone,
        false => Standing::Fixed,
    };
    Some(gone)
}

#[cfg(test)]
mod tests;
