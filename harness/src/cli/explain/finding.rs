//! A finding, in full.

use ocidiff_model::finding::{Reported, Sign};
use ocidiff_model::pattern::Pattern;
use ocidiff_model::{Finding, FindingId};
use ocidiff_reports::Style;
use ocidiff_reports::findings::Sheet;

use crate::corpus::{Corpus, print};
use crate::findings::cases_of;

pub(super) fn sheet(id: &FindingId, finding: &Finding, corpus: &Corpus, style: &Style) -> String {
    let mut sheet = Sheet::new(style, id.as_str(), "a finding");
    sheet.part("title", &finding.title);
    sheet.part("versions", &format!("{} {}", id.component(), finding.versions()));
    sheet.part("kind", finding.kind.name());
    let impact = finding.impact;
    sheet.part(
        "impact",
        &format!(
            "{} for those who move to it, {} for those who move away",
            impact.entering, impact.leaving
        ),
    );
    if finding.races {
        sheet.part("", "It shows in some runs only.");
    }
    for (what, clause) in [("violates", &finding.violates), ("allowed by", &finding.allows)] {
        if let Some(clause) = clause.as_ref().and_then(|id| corpus.requirements.get(id)) {
            sheet.part(
                what,
                &format!("{} ({}): {}", clause.id, clause.level, clause.says),
            );
            sheet.part("", &clause.link());
        }
    }
    sheet.lines("applies to", finding.applies.iter().map(print::flow));
    sheet.lines("shows", finding.shows.iter().map(sign));
    sheet.part("cause", finding.cause.trim());
    sheet.part("remedy", finding.remedy.as_deref().unwrap_or_default().trim());
    let links = finding.links.all();
    sheet.lines(
        "links",
        links.map(|(what, link)| format!("{what:9} {}", link.url())),
    );
    let searched = finding.searched.as_deref();
    match finding.upstream() {
        Some(Reported::At(link)) => sheet.part("reported", &link.url()),
        Some(Reported::No) => {
            let when = searched.map_or_else(String::new, |when| format!("; last looked for in {when}"));
            sheet.part("reported", &format!("no thread is known{when}"));
        }
        None => {}
    }
    sheet.lines("cases", cases_of(corpus, id).map(|entry| &entry.case.name));
    sheet.text()
}

/// `process.exit: {is: 0}, where the others have 2`.
fn sign(sign: &Sign) -> String {
    let instead = sign.instead.as_ref().map_or_else(String::new, |instead| {
        format!(", where others have {}", print::flow(instead))
    });
    let beside = sign
        .beside
        .iter()
        .map(|(fact, predicate)| format!(", beside {fact} {}", print::flow(predicate)));
    let others = sign
        .others
        .iter()
        .map(|(fact, predicate)| format!(", and they {fact} {}", print::flow(predicate)));
    let shows = print::flow(&sign.shows);
    let listed = sign
        .listed
        .as_ref()
        .map_or_else(String::new, |list| format!(", of {list}"));
    let mount = |such: &Option<Pattern>, how: &str| {
        such.as_ref().map_or_else(String::new, |such| {
            format!(", {how} a mount {}", print::flow(such.value()))
        })
    };
    let (mounted, within) = (mount(&sign.mounted, "of"), mount(&sign.within, "within"));
    format!(
        "{}{listed}{mounted}{within}  {shows}{instead}{}{}",
        sign.fact,
        others.collect::<String>(),
        beside.collect::<String>()
    )
}
