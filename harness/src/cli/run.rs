//! `ocidiff run`.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ocidiff_model::event::{CaseReport, Participant};
use ocidiff_model::known::Machine;
use ocidiff_model::{Case, CaseFile, Channel, Counts, Event, ExitStatus, Known, Record, Watch};
use ocidiff_reports::events::{PartFile, Writer};
use ocidiff_reports::{Run as Told, terminal};

use super::args::RunArgs;
use super::{output, signals};
use crate::confirm::Finished;
use crate::corpus::Entry;
use crate::error::Error;
use crate::plan;
use crate::schedule::{RunsCases, Schedule};
use crate::suite;

/// Runs the cases, tells as they come, and gives the exit status that the events give.
pub(crate) fn run(args: &RunArgs) -> Result<ExitStatus, Error> {
    let corpus = suite::corpus(args.with.cases.as_deref())?;
    let entries: Vec<Entry> = match &args.bundle {
        Some(folder) => vec![bundle_entry(folder, args.hooks)?],
        None => plan::select(&corpus.entries, &args.patterns)
            .map_err(Error::usage)?
            .into_iter()
            .cloned()
            .collect(),
    };
    if args.via.via.is_some() {
        return super::via::run(args, corpus, entries);
    }
    suite::need_root()?;
    let store = suite::store()?;
    let runtimes = suite::runtimes(&args.with.runtimes, &store)?;
    suite::need_two(&runtimes)?;
    if args.with.runtimes.is_empty() {
        suite::missing()?.iter().for_each(|line| output::complain(line));
    }
    let mut teller = Teller::new(args.json.as_deref(), args.records.as_deref(), entries.len())?;
    suite::tokio()?.block_on(async {
        let stop = signals::stop().map_err(Error::broken)?;
        let abilities = suite::abilities()?;
        abilities
            .unpinned
            .iter()
            .for_each(|one| output::complain(&one.told()));
        let settings = suite::Settings {
            keep_hooks: args.hooks,
            ..args.with.settings()?
        };
        let engine = suite::engine(corpus, runtimes, &settings, &abilities, stop.clone())?;
        if let (true, Some(took)) = (args.with.verbose, engine.launcher.loading()) {
            let millis = took.as_secs_f64() * 1e3;
            output::complain(&format!(
                "the recorder's programs were loaded and attached in {millis:.1} ms"
            ));
        }
        let schedule = Schedule {
            engine: Arc::new(engine),
            abilities: &abilities,
            width: usize::from(args.with.jobs),
            stop,
            bundle: args.bundle.clone(),
        };
        let engine = &schedule.engine;
        let participants = engine.contenders.iter().map(|contender| contender.participant());
        let start = start_event(
            participants.collect(),
            &engine.machine,
            &engine.recorder_said,
            entries.len(),
        );
        run_all(schedule, start, entries, args.strict, &mut teller).await
    })
}

/// Runs what is planned, and gives every event to the teller.
pub(super) async fn run_all<R: RunsCases>(
    schedule: Schedule<'_, R>,
    start: Event,
    entries: Vec<Entry>,
    strict: bool,
    teller: &mut Teller,
) -> Result<ExitStatus, Error> {
    let started = Instant::now();
    teller.tell(start)?;
    let stop = schedule.stop.clone();
    schedule
        .run(entries, |_, finished| teller.finished(finished))
        .await?;
    let interrupted = *stop.borrow();
    let counts = teller.counts.clone();
    let exit = if interrupted {
        ExitStatus::Broken
    } else {
        counts.exit(strict)
    };
    teller.tell(Event::RunFinished {
        counts,
        seconds: started.elapsed().as_secs_f64(),
        exit,
        interrupted,
    })?;
    teller.close()?;
    Ok(exit)
}

/// The first event of a run.
pub(super) fn start_event(
    runtimes: Vec<Participant>,
    machine: &Machine,
    recorder: &str,
    cases: usize,
) -> Event {
    let time = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Event::RunStarted {
        ocidiff: env!("CARGO_PKG_VERSION").to_owned(),
        time: time.as_secs(),
        runtimes,
        machine: machine.clone(),
        recorder: recorder.to_owned(),
        cases,
    }
}

/// A bundle of the user's as a case: everything that a workload could see is watched.
fn bundle_entry(folder: &Path, hooks: bool) -> Result<Entry, Error> {
    if !folder.join("config.json").is_file() {
        return Err(Error::usage(format!(
            "{} is no OCI bundle: there is no config.json in it",
            folder.display()
        )));
    }
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
    records: Option<std::path::PathBuf>,
    bar: Option<ProgressBar>,
    events: Vec<Event>,
    counts: Counts,
    done: usize,
    planned: usize,
}

impl Teller {
    pub(super) fn new(file: Option<&Path>, records: Option<&Path>, planned: usize) -> Result<Self, Error> {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(planned as u64), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let file = file
            .map(Writer::create)
            .transpose()
            .map_err(|error| Error::usage(format!("failed to write the events: {error}")))?;
        Ok(Self {
            file,
            records: records.map(Path::to_owned),
            bar,
            events: Vec::new(),
            counts: Counts::default(),
            done: 0,
            planned,
        })
    }

    fn finished(&mut self, finished: Finished) -> Result<(), Error> {
        if let Some(folder) = &self.records {
            for record in &finished.records {
                write_record(folder, record)?;
            }
        }
        self.tell(Event::CaseFinished(Box::new(finished.report)))
    }

    fn tell(&mut self, event: Event) -> Result<(), Error> {
        if let Some(file) = &mut self.file {
            file.write(&event)
                .map_err(|error| Error::broken(format!("failed to {error}")))?;
        }
        match &event {
            Event::RunStarted { .. } => self.say(&terminal::header(&event, &output::style())),
            Event::CaseFinished(report) => {
                self.done += 1;
                self.counts.add(report.verdict);
                self.progress(report);
            }
            Event::RunFinished { .. } => {}
        }
        self.events.push(event);
        Ok(())
    }

    fn progress(&self, report: &CaseReport) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.done as u64);
                bar.set_message(report.case.clone());
            }
            None => eprintln!(
                "[{}/{}] {} {}",
                self.done, self.planned, report.verdict, report.case
            ),
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::print(text)),
            None => output::print(text),
        }
    }

    /// The report, once the last event is told.
    fn close(&mut self) -> Result<(), Error> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if let Some(file) = self.file.take() {
            file.finish()
                .map_err(|error| Error::broken(format!("failed to {error}")))?;
        }
        let style = output::style();
        let told = Told::of(&self.events);
        let blocks: String = told
            .told_whole()
            .iter()
            .map(|report| terminal::case(report, &style))
            .collect();
        output::print(&format!("\n{blocks}{}", terminal::closing(&told, &style)));
        Ok(())
    }
}

fn write_record(folder: &Path, record: &Record) -> Result<(), Error> {
    let name = format!("{}/{}.json", record.case, record.runtime.label);
    let path = folder.join(name);
    let parent = path.parent().unwrap_or(folder);
    std::fs::create_dir_all(parent)
        .map_err(|error| Error::usage(format!("failed to make {}: {error}", parent.display())))?;
    let text = serde_json::to_string_pretty(record).map_err(Error::broken)?;
    output::write_file(&path, &text)
}
