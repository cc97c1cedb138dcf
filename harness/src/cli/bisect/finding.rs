//! The search for a finding: which versions show it, in the cases that name it.

use ocidiff_model::{ExitStatus, Finding, FindingId};
use ocidiff_reports::changes::Shown;
use ocidiff_reports::{count, first_of, hanging, safe};
use ocidiff_runtimes::Runtime;

use super::super::output;
use super::told::{self, INDENT};
use super::{BisectArgs, between, id_of, ran};
use crate::bisect::{Looked, Turn, by_version, differing, range, turns};
use crate::corpus::Entry;
use crate::error::Error;

/// How many cases are run before it is checked whether more can say anything.
const AT_ONCE: usize = 10;
/// How many cases are run at most.
const MOST: usize = 40;

/// A finding, and what was seen of it.
struct Search<'a> {
    id: &'a FindingId,
    finding: &'a Finding,
    versions: &'a [Runtime],
    cases: Vec<Looked>,
    /// How many cases name it.
    of: usize,
    shown: Vec<Shown>,
}

/// Runs the cases until every version shows it, or there are no more, and says where it came and went.
pub(super) fn search(
    args: &BisectArgs,
    (id, finding): (&FindingId, &Finding),
    entries: &[&Entry],
    versions: &[Runtime],
) -> Result<ExitStatus, Error> {
    let mut search = Search {
        id,
        finding,
        versions,
        cases: Vec::new(),
        of: entries.len(),
        shown: Vec::new(),
    };
    let all: Vec<&Runtime> = versions.iter().collect();
    let entries = &entries[..entries.len().min(MOST)];
    for some in entries.chunks(AT_ONCE) {
        let names: Vec<&str> = some.iter().map(|entry| entry.case.name.as_str()).collect();
        search.cases.extend(ran(args, &names, &all)?);
        search.shown = by_version(&search.cases, id, versions.len());
        if search.shown.iter().all(|one| *one == Shown::Yes) {
            break;
        }
    }
    if !search.cases.iter().any(|case| told::is_compared(&case.report)) {
        return Err(Error::broken(format!(
            "cannot tell: {}",
            first_of(search.cases.iter().map(|case| told::alike(&case.report)), 3)
        )));
    }
    let open = search.open();
    if let (true, Some(open)) = (search.names(Shown::Yes).is_empty(), &open) {
        return Err(Error::broken(format!(
            "cannot tell: {id} is not recognised, and {open}"
        )));
    }
    let turns = turns(&search.shown);
    let mut text = search.head();
    for turn in &turns {
        text.push_str(&search.turn(turn, args)?);
    }
    text.push_str(&search.ranged());
    if let Some(open) = open {
        text.push_str(&hanging(&open, INDENT));
    }
    let status = match turns.is_empty() {
        true => ExitStatus::Differs,
        false => ExitStatus::Ok,
    };
    output::answer(&text, status)
}

impl Search<'_> {
    fn names(&self, wanted: Shown) -> Vec<String> {
        let all = self.versions.iter().zip(&self.shown);
        let wanted = all.filter(|(_, shown)| **shown == wanted);
        wanted.map(|(version, _)| version.label()).collect()
    }

    /// What no finding explains in the facts in which this one can show.
    fn open(&self) -> Option<String> {
        let mut all = self.cases.iter();
        let open = all.find_map(|case| Some((case, case.unexplained(self.finding).next()?)));
        let (case, fact) = open?;
        Some(format!(
            "what versions show for {} in {case} is not explained: with another range, the finding might be recognised \
             there; `ocidiff bisect '{case}'` looks at whatever changes in it",
            safe(fact),
            case = safe(&case.report.case)
        ))
    }

    /// What it is, who shows it, and in how many cases that was looked at.
    fn head(&self) -> String {
        let versions = self.finding.versions();
        let title = format!("{} ({versions}): {}", self.id, safe(&self.finding.title));
        let mut text = hanging(&title, INDENT);
        let [yes, no, open] = [Shown::Yes, Shown::No, Shown::Open].map(|one| self.names(one));
        let looked = match (self.cases.len(), self.of) {
            (1, 1) => format!("in {}", safe(&self.cases[0].report.case)),
            (some, all) if some == all => format!("in {all} cases"),
            (some, all) => format!("in {some} of the {all} cases that name it"),
        };
        if yes.is_empty() {
            let versions: Vec<String> = self.versions.iter().map(Runtime::label).collect();
            let why = format!(
                "no change between {}: it is not recognised under any of them {looked}; if all of them show it, they do \
                 not differ",
                versions.join(", ")
            );
            text.push_str(&hanging(&safe(&why), INDENT));
            return text;
        }
        if no.is_empty() && open.is_empty() {
            let why = format!("no change between {}: all of them show it", yes.join(", "));
            text.push_str(&hanging(&safe(&why), INDENT));
            return text;
        }
        text.push_str(&hanging(
            &safe(&format!("  shown by {} ({looked})", yes.join(", "))),
            INDENT,
        ));
        if !no.is_empty() {
            text.push_str(&hanging(&safe(&format!("  not by {}", no.join(", "))), INDENT));
        }
        if !open.is_empty() {
            let why = format!(
                "  cannot be told of {}: its cases do not get that far there, or what they show is not explained",
                open.join(", ")
            );
            text.push_str(&hanging(&safe(&why), INDENT));
        }
        text
    }

    /// Where it came or went, and how that shows in one case.
    fn turn(&self, turn: &Turn, args: &BisectArgs) -> Result<String, Error> {
        let (before, after) = (&self.versions[turn.before], &self.versions[turn.after]);
        let mut text = format!(
            "{} between {} and {} (each run {})\n",
            if turn.came { "came" } else { "went" },
            safe(&before.label()),
            safe(&after.label()),
            told::times(args.repeat)
        );
        let has = |case: &&Looked| {
            let shown = [turn.before, turn.after].map(|at| case.shown(self.id, at));
            shown.contains(&Shown::Yes) && shown.contains(&Shown::No)
        };
        if let Some(case) = self.cases.iter().find(has) {
            let labels = [turn.before, turn.after].map(|at| case.labels[at].as_str());
            let mut facts = differing(&case.report, labels[0], labels[1]);
            facts.retain(|fact, _| {
                let mut all = case.report.differences.iter();
                all.any(|one| one.fact == *fact && one.findings().any(|id| id == self.id))
            });
            text.push_str(&hanging(&format!("  {}", safe(&case.report.case)), INDENT));
            text.push_str(&told::facts(&facts));
        }
        text.push_str(&told::cannot_be_judged(self.versions, &turn.open));
        let all: Vec<&Runtime> = self.versions.iter().collect();
        text.push_str(&told::to_be_had(before, &between(before, after, &all)?));
        Ok(text)
    }

    /// Whether the finding's range matches what was seen; if not, which one does.
    fn ranged(&self) -> String {
        let name = self.versions[0].name();
        if self.names(Shown::Yes).is_empty() {
            return String::new();
        }
        if self.id.component() != name {
            let component = self.id.component();
            let why = format!("it is a finding of {component}: it has no range of {name}'s versions");
            return hanging(&why, INDENT);
        }
        let does = |at: usize| self.finding.is_of(self.id, &id_of(&self.versions[at]));
        let wrong: Vec<String> = (0..self.versions.len())
            .filter(|at| match self.shown[*at] {
                Shown::Yes => !does(*at),
                Shown::No => does(*at),
                Shown::Open => false,
            })
            .map(|at| self.versions[at].label())
            .collect();
        if wrong.is_empty() {
            return "its range says so\n".to_owned();
        }
        let versions = self.finding.versions();
        let says = format!("its range ({versions}) says otherwise of {}", wrong.join(", "));
        let proposed = match range(&self.shown) {
            // What the other cases show is not known.
            _ if self.cases.len() < self.of => {
                format!("; only {} were run", count(self.cases.len(), "case"))
            }
            Some((None, None)) | None => String::new(),
            Some((from, to)) => format!("; by what was run: seen: \"{}\"", self.proposed(from, to)),
        };
        hanging(&safe(&format!("{says}{proposed}")), INDENT)
    }

    fn proposed(&self, from: Option<usize>, to: Option<usize>) -> String {
        let from = from.map(|at| told::from(&self.versions[at]));
        let to = to.map(|at| told::up_to(&self.versions[at]));
        from.into_iter().chain(to).collect::<Vec<_>>().join(", ")
    }
}
