//! What every way of running cases through an engine needs: made once, before the engine is asked for anything.

use std::sync::Arc;

use ocidiff_model::known::Machine;
use tokio::sync::watch;

use crate::bundle::Builder;
use crate::cells::abilities::Abilities;
use crate::cells::session::Session;
use crate::corpus::Corpus;
use crate::error::Error;
use crate::judge::confirm::{Judge, Origin};
use crate::judge::fixed::Newest;
use crate::run::suite;

/// A session, and what builds and judges in it.
#[derive(Debug)]
pub struct Ground {
    /// Judges what such a run shows.
    pub judge: Judge,
    /// Builds bundles in the session's folder.
    pub builder: Builder,
    /// Dropped last: its folder goes with it.
    pub session: Session,
    /// Turns true when all must end.
    pub stop: watch::Receiver<bool>,
}

impl Ground {
    /// For cases of a corpus, each run at least this often; `engine` is the engine's name and version.
    ///
    /// # Errors
    /// There is no store, or the probe cannot be written.
    pub fn new(
        corpus: Corpus,
        abilities: &Abilities,
        engine: &str,
        repeat: u32,
        session: Session,
        stop: watch::Receiver<bool>,
    ) -> Result<Self, Error> {
        let builder = Builder::new(session.folder(), suite::store()?);
        builder.probe().map_err(Error::broken)?;
        let judge = Judge {
            corpus: Arc::new(corpus),
            machine: Machine {
                via: Some(engine.to_owned()),
                ..abilities.machine.clone()
            },
            tells_gone: false,
            origin: Origin::Engine,
            repeat,
            newest: Newest::default(),
        };
        Ok(Self {
            judge,
            builder,
            session,
            stop,
        })
    }
}
