//! What is done with a pod's container while it runs, as CRI calls: ExecSync, UpdateContainerResources, StopContainer.

use std::time::Duration;

use ocidiff_cri::Error;
use ocidiff_engines::remote::{CallError, Output};
use tokio::time::{Instant, sleep};

use super::{Made, Pods, call_error, resources};
use crate::via::acts::{Act, Deed, Done, KILL};
use crate::via::makes::Makes;

/// How often to look at a log.
const TICK: Duration = Duration::from_millis(20);
/// The exit status of a program that was ended by KILL, as engines count.
const KILLED: i32 = 128 + KILL;

impl Pods {
    /// Does one thing with a running container.
    pub(super) async fn does(&self, made: &Made, act: &Act) -> Result<Done, CallError> {
        match &act.deed {
            Deed::Await(text) => self.read_until(made, text, act.limit).await,
            Deed::Exec(args) => self.exec(made, args, act.limit).await,
            Deed::Update(limits) => {
                let limits = resources::changed(limits).map_err(|why| CallError::Failed(why.to_string()))?;
                let updated = self.client.update(&made.container, limits).await;
                updated.map(|()| Done::Well).map_err(call_error)
            }
            Deed::Stop(signal) => self.stop(made, *signal, act.limit).await,
        }
    }

    async fn read_until(&self, made: &Made, text: &str, limit: Duration) -> Result<Done, CallError> {
        let until = Instant::now() + limit;
        loop {
            let output = self.output(made).await?;
            if String::from_utf8_lossy(&output.stdout).contains(text) {
                return Ok(Done::Well);
            }
            if Instant::now() >= until {
                return Ok(Done::Late);
            }
            sleep(TICK).await;
        }
    }

    async fn exec(&self, made: &Made, args: &[String], limit: Duration) -> Result<Done, CallError> {
        match self.client.exec(&made.container, args.to_vec(), limit).await {
            Ok(told) => {
                let output = Output {
                    stdout: told.stdout,
                    stderr: told.stderr,
                    lost: [0, 0],
                };
                Ok(Done::Ended(told.exit_code.into(), output))
            }
            Err(Error::Refused { is_late: true, .. }) => Ok(Done::Late),
            Err(error) => Err(call_error(error)),
        }
    }

    /// The image says which signal comes first; KILL comes after the grace period, or at once if there is none.
    async fn stop(&self, made: &Made, signal: i32, limit: Duration) -> Result<Done, CallError> {
        let began = Instant::now();
        let grace = match signal {
            KILL => Duration::ZERO,
            // CRI counts in seconds, and zero means no grace period at all.
            _ => Duration::from_secs(limit.as_secs() + u64::from(limit.subsec_nanos() > 0)),
        };
        self.client
            .stop(&made.container, grace)
            .await
            .map_err(call_error)?;
        let ended = self.client.told(&made.container).await.map_err(call_error)?;
        let was_killed = signal != KILL && ended.status.exit_code == KILLED && began.elapsed() >= grace;
        Ok(if was_killed { Done::Late } else { Done::Well })
    }
}
