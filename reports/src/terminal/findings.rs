//! What the run shows of what is known, as one table: one line for each finding, the worst first.

use ocidiff_model::Impact;

use crate::run::Run;
use crate::sheet::Sheet;
use crate::style::{Style, count, pad, width};
use crate::table::{Row, Table};

/// Lines of the table: with the rest of the report it fits on a screen of 40.
const LINES: usize = 22;
/// Columns of an impact and of a count.
const NUMBERS: usize = 9 + 3;
/// Minimum width of a title; if there are fewer columns, it has its own line.
const TITLE: usize = 30;
/// The longest name that is shown in full: real ones are not longer.
const ID: usize = 90;
/// How many runtimes are named.
const WHO: usize = 3;

/// The table, with an empty line after it; nothing if nothing is known, or if a single case has already shown it all.
pub(super) fn table(run: &Run<'_>, style: &Style) -> String {
    let known = run.known();
    if known.is_empty() || (known.len() == 1 && run.told_whole().is_empty()) {
        return String::new();
    }
    let Table { rows, unexplained } = Table::of(run);
    let mut sheet = Sheet::new(style);
    if !rows.is_empty() {
        sheet.flow(&format!(
            "{} behind {}, for those who move from the reference:",
            count(rows.len(), "finding"),
            count(known.len(), "known case")
        ));
    }
    let lines = Lines::of(&rows, style);
    let shown = rows.len().min(lines.rows);
    for row in &rows[..shown] {
        lines.row(&mut sheet, row, style);
    }
    let rest = Table::by_impact(&rows[shown..]);
    if !rest.is_empty() {
        sheet.flow(&format!(
            "and {rest}: `ocidiff findings` lists them, --known their cases"
        ));
    }
    if unexplained > 0 {
        sheet.line(&format!("{} without a finding", count(unexplained, "known case")));
    }
    sheet.end_with_gap()
}

/// How wide the columns are, and how many rows there are.
struct Lines {
    rows: usize,
    id: usize,
    who: usize,
    /// Columns of a title that stands on the same line.
    title: Option<usize>,
}

impl Lines {
    fn of(rows: &[Row<'_>], style: &Style) -> Self {
        let shown = &rows[..rows.len().min(LINES)];
        let widest =
            |of: &dyn Fn(&Row<'_>) -> String| shown.iter().map(|row| width(&of(row))).max().unwrap_or(0);
        let id = widest(&|row| style.brief(row.id.as_str(), ID));
        let who = widest(&|row| style.words(&who(row)));
        let taken = NUMBERS + id + who + 5;
        let room = style.columns().saturating_sub(taken);
        let title = (room >= TITLE).then_some(room);
        Self {
            rows: if title.is_some() { LINES } else { LINES / 2 },
            id,
            who,
            title,
        }
    }

    fn row(&self, sheet: &mut Sheet<'_>, row: &Row<'_>, style: &Style) {
        let impact = row.impact.map_or("", Impact::name);
        let id = style.brief(row.id.as_str(), ID);
        let who = style.words(&who(row));
        let cases = row.cases.len();
        match self.title {
            Some(room) => {
                let (id, who) = (pad(&id, self.id), pad(&who, self.who));
                let title = style.sentence(row.title, room);
                sheet.line(&format!("{impact:9} {id} {who} {cases:>3}  {title}"));
            }
            None => {
                let head = format!("{impact:9} {id}");
                let more = format!("{who}, {}", count(cases, "case"));
                if width(&head) + 2 + width(&more) <= style.columns() {
                    sheet.line(&format!("{head}  {more}"));
                } else {
                    sheet.line(&head);
                    sheet.line(&style.sentence(&format!("{:10}{more}", ""), style.columns()));
                }
                let title = style.sentence(row.title, style.columns().saturating_sub(10));
                sheet.line(&format!("{:10}{title}", ""));
            }
        }
    }
}

/// The runtimes that show it, each in full, and how many more there are.
fn who(row: &Row<'_>) -> String {
    let names: Vec<&str> = row.who.iter().take(WHO).copied().collect();
    let more = match row.who.len() - names.len() {
        0 => String::new(),
        more => format!(" +{more}"),
    };
    format!("{}{more}", names.join(","))
}
