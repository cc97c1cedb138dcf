//! `ocidiff run`.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ocidiff_model::event::CaseReport;
use ocidiff_model::{
    Case, CaseFile, Channel, Counts, Difference, Event, ExitStatus, IgnoreList, Impact, Known, Verdict, Watch,
};
use ocidiff_reports::events::{self, PartFile, Recording, Writer};
use ocidiff_reports::{Run as Told, safe, terminal};

use super::args::RunArgs;
use super::bundle_folder::reach;
use super::ending::{Until, within};
use super::files::Records;
use super::reader::Reader;
use super::{ignored, output, signals};
use crate::bundle::given::{Reach, config_of, rootfs_of};
use crate::cells::abilities::Abilities;
use crate::cells::carry::Carry;
use crate::cells::runner::CellRunner;
use crate::cells::threads;
use crate::corpus::Entry;
use crate::error::Error;
use crate::judge::confirm::Finished;
use crate::machine::root;
use crate::run::plan;
use crate::run::preflight;
use crate::run::runner::CaseRunner;
use crate::run::schedule::Schedule;
use crate::run::suite::{self, Settings};

/// Who differs in these does not start a bundle that others start.
const STARTS: [&str; 3] = [
    "lifecycle.create.result",
    "lifecycle.start.result",
    "lifecycle.run.result",
];

/// Runs the cases, tells as they come, and gives the exit status that the events give.
pub(crate) fn run(args: &RunArgs) -> Result<ExitStatus, Error> {
    if args.via.via.is_some() {
        let corpus = suite::corpus(args.with.cases.as_deref())?;
        let entries = plan::select(&corpus.entries, &args.patterns).map_err(Error::usage)?;
        let entries = entries.into_iter().cloned().collect();
        let ignore = ignored::read(args.ignore.as_deref(), &corpus.findings)?;
        return super::via::run(args, corpus, entries, ignore);
    }
    let (teller, exit) = ran(args, false)?;
    // Only now: what is printed may have to wait for its reader, and nothing is left to clean up.
    teller.close(exit)
}

/// Runs the cases for another command: progress goes to stderr, and nothing to stdout.
pub(super) fn quietly(args: &RunArgs) -> Result<(Vec<Event>, ExitStatus), Error> {
    let (mut teller, exit) = ran(args, true)?;
    Ok((teller.end()?, exit))
}

fn ran(args: &RunArgs, quiet: bool) -> Result<(Teller, ExitStatus), Error> {
    let corpus = suite::corpus(args.with.cases.as_deref())?;
    let entries: Vec<Entry> = match &args.bundle {
        Some(folder) => vec![bundle_entry(folder, reach(args.outside_root), args.hooks)?],
        None => plan::select(&corpus.entries, &args.patterns)
            .map_err(Error::usage)?
            .into_iter()
            .cloned()
            .collect(),
    };
    let ignore = ignored::read(args.ignore.as_deref(), &corpus.findings)?;
    root::need_root()?;
    let store = suite::store()?;
    let runtimes = suite::runtimes(&args.with.runtimes, &store)?;
    suite::need_two(&runtimes)?;
    if args.with.runtimes.is_empty() {
        suite::missing()?.iter().for_each(|line| output::complain(line));
    }
    let mut teller = Teller::new(args, entries.len(), ignore)?;
    teller.quiet = quiet;
    let ran = threads::tokio()?.block_on(async {
        let signalled = signals::stop();
        let stop = &signalled.stop;
        let abilities = suite::abilities()?;
        let settings = Settings {
            repeat: u32::from(args.repeat),
            keep_hooks: args.hooks,
            ..args.with.settings()?
        };
        let mut runner = suite::runner(corpus, runtimes, &settings, &abilities, stop.watch())?;
        abilities
            .unpinned
            .iter()
            .for_each(|one| output::complain(&one.told()));
        runner.show_env = args.show_env;
        runner.builder.reach = reach(args.outside_root);
        if let (true, Some(took)) = (args.with.verbose, runner.launcher.loading()) {
            let millis = took.as_secs_f64() * 1e3;
            output::complain(&format!(
                "the recorder's programs were loaded and attached in {millis:.1} ms"
            ));
        }
        let left_out = preflight::plain(&mut runner).await?;
        left_out.iter().for_each(|sentence| output::complain(sentence));
        if args.changed.is_some() || args.json.is_some() {
            runner.carry = Some(carry(args, &runner, &abilities, &settings.program)?);
        }
        let schedule = Schedule {
            runner: Arc::new(runner),
            abilities: &abilities,
            width: usize::from(args.with.jobs),
            stop: stop.clone(),
            bundle: args.bundle.clone(),
        };
        run_all(schedule, entries, Until::of(args, left_out.len()), &mut teller).await
    });
    Ok((teller, ran?))
}

/// The keys of this run's results, and the results of an earlier one.
fn carry(args: &RunArgs, runner: &CellRunner, abilities: &Abilities, program: &Path) -> Result<Carry, Error> {
    let base = runner
        .depends_on(abilities, program)
        .map_err(|error| Error::broken(format!("failed to read {}: {error}", program.display())))?;
    let mut carry = Carry::new(base);
    if let Some(file) = &args.changed {
        let shown = safe(&file.to_string_lossy());
        let read = events::read_file(file)
            .map_err(|error| Error::usage(format!("failed to read the events of {shown}: {error}")))?;
        match read {
            Recording::Run(recorded) => carry.take(recorded.events),
            Recording::Checks(_) => {
                return Err(Error::usage(format!(
                    "{shown}: the events of a check, and --changed takes those of a run"
                )));
            }
        }
    }
    Ok(carry)
}

/// Runs what is planned, and gives every event to the teller.
pub(super) async fn run_all<R: CaseRunner>(
    schedule: Schedule<'_, R>,
    entries: Vec<Entry>,
    until: Until,
    teller: &mut Teller,
) -> Result<ExitStatus, Error> {
    let runner = Arc::clone(&schedule.runner);
    let ran = run_and_tell(schedule, entries, until, teller).await;
    // Whatever came of it: nothing stays in an engine.
    runner
        .close()
        .await
        .map_err(|why| Error::broken(format!("failed to remove what was made in the engine: {why}")))?;
    ran
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
        ExitStatus::Ok if teller.harms => ExitStatus::Differs,
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

/// A bundle of the user's as a case: everything that a workload could see is watched.
fn bundle_entry(folder: &Path, reach: Reach, hooks: bool) -> Result<Entry, Error> {
    let config = config_of(folder).map_err(Error::usage)?;
    rootfs_of(folder, &config, reach).map_err(Error::usage)?;
    let name = folder
        .canonicalize()
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let hooks = super::hooks::told(folder, hooks);
    if let Some(line) = &hooks {
        output::complain(line);
    }
    let hooks = hooks.map_or_else(String::new, |line| format!("; {line}"));
    let body: CaseFile = serde_json::from_value(serde_json::json!({
        "summary": format!("the bundle {}{hooks}", folder.display()),
        // A shell or a server does not end by itself; that is no difference.
        "steps": ["create", "start", {"wait": {"limit": 5.0}}, {"delete": {"force": true}}],
    }))
    .map_err(Error::broken)?;
    let everything = [
        (Channel::Lifecycle, vec!["*"]),
        (Channel::Proc, vec!["init"]),
        (Channel::Mount, vec!["*"]),
        (Channel::Cgroup, vec!["*"]),
        (Channel::File, vec!["*"]),
        (Channel::Hook, vec!["*"]),
    ];
    let watch = everything.map(|(channel, all)| {
        let paths = all.into_iter().map(str::to_owned).collect();
        (channel, Watch::Paths(paths))
    });
    let body = CaseFile {
        watch: BTreeMap::from(watch),
        ..body
    };
    let case = Case {
        name: format!("bundle/{}", name.unwrap_or_else(|| "given".to_owned())),
        source: folder.join("config.json").to_string_lossy().into_owned(),
        member: None,
        body,
    };
    Ok(Entry {
        case,
        known: Known::default(),
    })
}

/// Gives events to everybody who wants them: the terminal, the file, the counts.
pub(super) struct Teller {
    file: Option<Writer<PartFile>>,
    records: Option<Records>,
    bar: Option<ProgressBar>,
    events: Vec<Event>,
    counts: Counts,
    done: usize,
    planned: usize,
    /// Whether bundles of the user's are run: then what is known of them counts too, if it breaks a workload.
    given: bool,
    /// Whether each known case is listed.
    each_known: bool,
    /// Whether a known difference does.
    harms: bool,
    /// What is not told.
    ignore: Option<IgnoreList>,
    /// What other commands take to meet the same runtimes and cases.
    again: Vec<String>,
    /// Whether another command says what came of it.
    quiet: bool,
}

impl Teller {
    pub(super) fn new(args: &RunArgs, planned: usize, ignore: Option<IgnoreList>) -> Result<Self, Error> {
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
            harms: false,
            ignore,
            again: args.again(),
            quiet: false,
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
        let impacts = told.iter().map(|difference| difference.impact);
        let is_refused = told
            .iter()
            .any(|difference| STARTS.contains(&difference.fact.as_str()));
        self.harms |= self.given && (is_refused || impacts.max().flatten() >= Some(Impact::Breaks));
        report.ignored = report.verdict == Verdict::Known && told.is_empty();
        if let Some(records) = &self.records {
            finished
                .records
                .iter()
                .try_for_each(|record| records.write(record))?;
        }
        self.tell(Event::CaseFinished(Box::new(finished.report)))
    }

    fn tell(&mut self, event: Event) -> Result<(), Error> {
        // Before it is in the file: a run that nobody can be told of leaves what an earlier one wrote.
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

    /// Every event, once the last one is told.
    fn end(&mut self) -> Result<Vec<Event>, Error> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if let Some(file) = self.file.take() {
            file.finish()
                .map_err(|error| Error::broken(format!("failed to write the events: {error}")))?;
        }
        Ok(std::mem::take(&mut self.events))
    }

    /// The report, once the last event is told.
    pub(super) fn close(mut self, exit: ExitStatus) -> Result<ExitStatus, Error> {
        let events = self.end()?;
        let style = output::style();
        let mut told = Told::of(&events);
        told.each_known = self.each_known;
        if let Some(line) = carried(&events) {
            output::complain(&line);
        }
        let blocks: String = told
            .told_whole()
            .iter()
            .map(|report| terminal::case(report, &style))
            .collect();
        output::answer(&format!("\n{blocks}{}", terminal::closing(&told, &style)), exit)
    }
}

/// How many results are of an earlier run.
fn carried(events: &[Event]) -> Option<String> {
    let results = events.iter().filter_map(|event| match event {
        Event::CaseFinished(report) => Some(report.carried),
        _ => None,
    });
    let (number, all) = results.fold((0, 0), |(number, all), carried| {
        (number + usize::from(carried), all + 1)
    });
    (number > 0).then(|| {
        format!(
            "{number} of {all} results are those of the earlier run: nothing that they depend on has changed"
        )
    })
}

fn bar(planned: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(planned as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
