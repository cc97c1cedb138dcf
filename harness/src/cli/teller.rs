//! A run as it goes: every event for every consumer, and the overall result.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ocidiff_model::event::CaseReport;
use ocidiff_model::{Counts, Difference, Event, ExitStatus, IgnoreList, Impact, Verdict};
use ocidiff_reports::events::{PartFile, Writer};
use ocidiff_reports::{Run as Told, safe, terminal};

use super::args::RunArgs;
use super::ending::{Until, within};
use super::files::Records;
use super::reader::Reader;
use super::table::Table;
use super::{carried, output};
use crate::corpus::Entry;
use crate::error::Error;
use crate::judge::finished::Finished;
use crate::run::runner::CaseRunner;
use crate::run::schedule::Schedule;

/// Runs what is planned, and passes every event to the teller.
pub(super) async fn run_all<R: CaseRunner>(
    schedule: Schedule<'_, R>,
    entries: Vec<Entry>,
    until: Until,
    teller: &mut Teller,
) -> Result<ExitStatus, Error> {
    let (runner, stop) = (Arc::clone(&schedule.runner), schedule.stop.clone());
    let ran = run_and_tell(schedule, entries, until, teller).await;
    // Whatever the outcome: nothing stays in an engine. If something does, what was found is reported all the same.
    let closed = tokio::select! {
        biased;
        () = stop.signalled() => runner.close(true).await,
        closed = runner.close(false) => closed,
    };
    let Err(why) = closed else {
        return ran;
    };
    output::complain(&format!(
        "failed to remove what was made in the engine: {why}; `ocidiff clean` with the same --via removes it later"
    ));
    ran.map(|_| ExitStatus::Broken)
}

async fn run_and_tell<R: CaseRunner>(
    schedule: Schedule<'_, R>,
    entries: Vec<Entry>,
    until: Until,
    teller: &mut Teller,
) -> Result<ExitStatus, Error> {
    let started = Instant::now();
    let stop = schedule.stop.clone();
    let runner = Arc::clone(&schedule.runner);
    match teller.tell(start_event(&*runner, entries.len(), teller.ignore.clone())) {
        Ok(()) => {}
        // Nothing is known, and nothing was recorded.
        Err(Error::Unread) => return Ok(ExitStatus::Broken),
        Err(error) => return Err(error),
    }
    let reader = Reader::watch(stop.clone());
    let mut early = until.begin(stop.clone());
    let limit = early.limit();
    let running = schedule.run(entries, |_, finished| {
        let verdict = finished.report.verdict;
        teller.finished(finished)?;
        early.look(verdict, runner.given_up());
        Ok(())
    });
    let ran = within(running, limit, &stop).await;
    let unread = reader.end();
    early.late(ran?);
    let interrupted = stop.is_asked() && teller.done < teller.planned;
    let counts = teller.counts.clone();
    let exit = match early.exit(&counts, interrupted, unread) {
        ExitStatus::Ok if teller.harm.is_some() => ExitStatus::Differs,
        exit => exit,
    };
    teller.tell(Event::RunFinished {
        counts,
        seconds: started.elapsed().as_secs_f64(),
        exit,
        interrupted,
        why: early.why(),
    })?;
    Ok(exit)
}

/// The first event of a run.
fn start_event(runner: &impl CaseRunner, cases: usize, ignore: Option<IgnoreList>) -> Event {
    let time = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Event::RunStarted {
        ocidiff: env!("CARGO_PKG_VERSION").to_owned(),
        time: time.as_secs(),
        runtimes: runner.participants(),
        machine: runner.machine().clone(),
        recorder: runner.recorder().to_owned(),
        cases,
        ignore: ignore.map(Box::new),
    }
}

/// Passes events to every consumer: the terminal, the file, the counts.
pub(super) struct Teller {
    file: Option<Writer<PartFile>>,
    records: Option<Records>,
    bar: Option<ProgressBar>,
    events: Vec<Event>,
    counts: Counts,
    done: usize,
    planned: usize,
    /// Whether bundles of the user are run: then what is known about them counts too, if it breaks a workload.
    given: bool,
    /// Whether each known case is listed.
    each_known: bool,
    /// Which known difference breaks a workload, in words.
    harm: Option<String>,
    /// What is not reported.
    pub(super) ignore: Option<IgnoreList>,
    /// Why no result is taken from an earlier run, where one was named.
    pub(super) anew: Option<String>,
    /// The events of the earlier run, where one was named.
    pub(super) earlier: Vec<Event>,
    /// What other commands need to be given for the same runtimes and cases.
    again: Vec<String>,
    /// Whether another command reports the result.
    pub(super) quiet: bool,
    /// The table that was asked for.
    pub(super) table: Option<Table>,
}

impl Teller {
    pub(super) fn new(args: &RunArgs, planned: usize, ignore: Option<IgnoreList>) -> Result<Self, Error> {
        let table = args.table.as_deref().map(Table::of).transpose()?;
        let records = args.records.as_deref().map(Records::open).transpose()?;
        let file = args.json.as_deref().map(Writer::create).transpose();
        let file = file.map_err(|error| Error::usage(format!("failed to write the events: {error}")))?;
        Ok(Self {
            file,
            records,
            bar: std::io::stderr().is_terminal().then(|| bar(planned)),
            events: Vec::new(),
            counts: Counts::default(),
            done: 0,
            planned,
            given: args.bundle.is_some(),
            each_known: args.known,
            harm: None,
            ignore,
            anew: None,
            earlier: Vec::new(),
            again: args.again(),
            quiet: false,
            table,
        })
    }

    fn finished(&mut self, mut finished: Finished) -> Result<(), Error> {
        finished.report.again.clone_from(&self.again);
        let report = &mut finished.report;
        let told: Vec<&Difference> = report
            .differences
            .iter()
            .filter(|difference| {
                !self
                    .ignore
                    .as_ref()
                    .is_some_and(|list| list.covers(&difference.accounts))
            })
            .collect();
        if self.given {
            self.harm = self.harm.take().or_else(|| harm(&told));
        }
        report.ignored = report.verdict == Verdict::Known && told.is_empty();
        if let Some(table) = &mut self.table {
            table.add(&finished);
        }
        if let Some(records) = &self.records {
            finished
                .records
                .iter()
                .try_for_each(|record| records.write(record))?;
        }
        self.tell(Event::CaseFinished(Box::new(finished.report)))
    }

    /// An event from another program that runs the cases: everything is as it says, except how they are run again.
    pub(super) fn relay(&mut self, mut event: Event) -> Result<(), Error> {
        if let Event::CaseFinished(report) = &mut event {
            report.again.clone_from(&self.again);
        }
        self.tell(event)
    }

    /// Whether there is anything to report.
    pub(super) fn is_begun(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether the last event has come.
    pub(super) fn is_told(&self) -> bool {
        matches!(self.events.last(), Some(Event::RunFinished { .. }))
    }

    fn tell(&mut self, event: Event) -> Result<(), Error> {
        // Before it is in the file: a run that cannot be reported must leave what an earlier one wrote.
        if let (Event::RunStarted { .. }, false) = (&event, self.quiet) {
            self.say(&terminal::header(&event, &output::style()))?;
        }
        if let Some(file) = &mut self.file {
            file.write(&event)
                .map_err(|error| Error::broken(format!("failed to {error}")))?;
        }
        if let Event::CaseFinished(report) = &event {
            self.done += 1;
            self.counts.add(report.verdict);
            self.progress(report);
        }
        self.events.push(event);
        Ok(())
    }

    fn progress(&self, report: &CaseReport) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.done as u64);
                bar.set_message(safe(&report.case));
            }
            None => output::progress(&format!(
                "[{}/{}] {} {}",
                self.done, self.planned, report.verdict, report.case
            )),
        }
    }

    fn say(&self, text: &str) -> Result<(), Error> {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::print(text)),
            None => output::print(text),
        }
    }

    /// Every event, once the last one has been reported.
    pub(super) fn end(&mut self) -> Result<Vec<Event>, Error> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if let Some(file) = self.file.take() {
            file.finish()
                .map_err(|error| Error::broken(format!("failed to write the events: {error}")))?;
        }
        Ok(std::mem::take(&mut self.events))
    }

    /// The report, once the last event has been reported.
    pub(super) fn close(mut self, exit: ExitStatus) -> Result<ExitStatus, Error> {
        let events = self.end()?;
        let style = output::style();
        let mut told = Told::of(&events);
        told.each_known = self.each_known;
        if let Some(line) = carried::told(&events, &self.earlier, self.anew.as_deref()) {
            output::complain(&line);
        }
        let blocks: String = told
            .told_whole()
            .iter()
            .map(|report| terminal::case(report, &style))
            .collect();
        let table = self.table.map(|table| table.text()).unwrap_or_default();
        let gap = if table.is_empty() { "" } else { "\n" };
        let closing = terminal::closing(&told, &style);
        let harm = match self.harm {
            Some(why) if exit == ExitStatus::Differs => format!("\nends with 1, though it is known: {why}\n"),
            _ => String::new(),
        };
        output::answer(&format!("\n{blocks}{closing}{harm}{gap}{table}"), exit)
    }
}

/// What of the differences of a bundle breaks it for somebody who moves from one of the runtimes to another.
fn harm(told: &[&Difference]) -> Option<String> {
    if told.iter().any(|difference| difference.is_of_a_start()) {
        return Some("it does not start under all of them".to_owned());
    }
    let worst = told.iter().max_by_key(|difference| difference.impact)?;
    let impact = worst.impact.filter(|impact| *impact >= Impact::Breaks)?;
    let ids: Vec<&str> = worst.findings().map(|id| id.as_str()).collect();
    Some(format!("{}: {impact} ({})", safe(&worst.fact), ids.join(", ")))
}

fn bar(planned: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(planned as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
