//! Asks a program for its version, in a cell: it is a file from elsewhere, and perhaps not a runtime at all.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ocidiff_model::Caller;
use ocidiff_model::record::CallResult;
use ocidiff_runtimes::{Answer, Ask, End, LIMIT};
use tokio::sync::watch;

use crate::cell::job;
use crate::cells::launch::Launcher;
use crate::cells::order::{Order, Told, with_target};
use crate::cells::session::Session;
use crate::cells::threads;
use crate::machine::root;

/// What a cell may take for itself, beyond the call's own limit.
const SLACK: std::time::Duration = std::time::Duration::from_secs(20);

/// Asks in cells of a session of its own, which begins with the first question and ends with this value.
#[derive(Debug)]
pub struct InCell {
    /// ocidiff itself: it is started anew for each cell.
    program: PathBuf,
    place: Mutex<Option<Place>>,
}

#[derive(Debug)]
struct Place {
    // Declared before the runtime that it runs on.
    launcher: Launcher,
    tokio: Background,
    _stop: watch::Sender<bool>,
}

/// A tokio runtime that can be dropped inside another one.
#[derive(Debug)]
struct Background(Option<tokio::runtime::Runtime>);

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(tokio) = self.0.take() {
            tokio.shutdown_background();
        }
    }
}

impl InCell {
    /// Does not ask anything yet.
    #[must_use]
    pub fn new(program: &Path) -> Self {
        Self {
            program: program.to_owned(),
            place: Mutex::default(),
        }
    }

    fn launch(&self, order: impl FnOnce(PathBuf) -> Order) -> Result<Told, String> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match &mut *place {
            Some(place) => place,
            none => none.insert(Place::make(&self.program)?),
        };
        // The caller may be inside an asynchronous program, which must not wait here itself.
        let Some(tokio) = &place.tokio.0 else {
            return Err("the session has ended".to_owned());
        };
        let (handle, launcher) = (tokio.handle(), &place.launcher);
        let order = order(probe_of(launcher.session()));
        std::thread::scope(|scope| {
            let asking = std::thread::Builder::new()
                .spawn_scoped(scope, || handle.block_on(launcher.launch(order)))
                .map_err(|error| format!("failed to start a thread: {error}"))?;
            asking.join().map_err(|_| "the thread that asks died".to_owned())
        })
    }
}

impl Place {
    fn make(program: &Path) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("failed to start a session: {error}");
        root::need_root().map_err(|_| "runtimes are called in cells, which need root".to_owned())?;
        let session = Session::start().map_err(|error| failed(&error))?;
        // Every cell has a probe; this one does not use it.
        fs::write(probe_of(&session), "").map_err(|error| failed(&error))?;
        let (stop, stopped) = watch::channel(false);
        Ok(Self {
            launcher: Launcher::new(program.to_owned(), Arc::new(session), 1, stopped, None),
            tokio: Background(Some(threads::tokio().map_err(|error| failed(&error))?)),
            _stop: stop,
        })
    }
}

fn probe_of(session: &Session) -> PathBuf {
    session.folder().join("probe")
}

impl Ask for InCell {
    fn ask(&self, argv: &[OsString]) -> Result<Answer, String> {
        let words: Vec<String> = argv
            .iter()
            .map(|word| word.to_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or("its path is not UTF-8")?;
        let program = words.first().map(PathBuf::from);
        let programs = program.iter().flat_map(|path| with_target(path)).collect();
        let order = |probe: PathBuf| Order {
            programs,
            lower: Vec::new(),
            rootfs: Default::default(),
            probe,
            configs: BTreeMap::new(),
            stand_ins: Vec::new(),
            config_file: String::new(),
            steps: Vec::new(),
            record: None,
            ask: Some(job::Ask {
                argv: words,
                limit_ms: LIMIT.as_millis().try_into().unwrap_or(u64::MAX),
            }),
            caller: Caller::default(),
            limit: LIMIT + SLACK,
        };
        let told = self.launch(order)?;
        match (told.answer, told.broken) {
            (Some(answer), None) => Ok(translate(answer)),
            (_, why) => Err(why.unwrap_or_else(|| "the cell reported nothing".to_owned())),
        }
    }
}

fn translate(answer: job::Answer) -> Answer {
    let end = match answer.result {
        CallResult::Timeout => End::Late,
        CallResult::Signal(name) => End::Signal(name),
        _ => End::Code(answer.exit.unwrap_or(0)),
    };
    Answer {
        stdout: answer.stdout,
        stderr: answer.stderr,
        end,
    }
}
