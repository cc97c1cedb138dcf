//! Podman through its command line, which takes a runtime with each call; its service does not. Each call is one
//! process.
//!
//! What is made has the labels of [`crate::remote`]. What does not have our labels is never touched, and nothing is
//! pulled.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::remote::{CallError, Kind, Labels, Output, PLACE, PREFIX, RUN, Thing};
use crate::{EngineError, text};

/// The program.
const PODMAN: &str = "podman";
/// How much is kept of what one call prints.
const MOST: usize = 8 << 20;
/// How long to wait for the ends of a call's pipes once it has ended: a container's monitor may hold them.
const GRACE: Duration = Duration::from_millis(200);
/// How often Podman checks whether a container has ended.
const TICK: &str = "20ms";
/// How it says that the runtime failed.
const RUNTIMES_OWN: [&str; 2] = ["OCI runtime", "OCI permission denied"];

/// Podman, which makes containers.
#[derive(Debug, Clone)]
pub struct Commands {
    /// Its version.
    pub version: String,
    labels: Labels,
    call_limit: Duration,
}

/// A container to be requested.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// Options of `podman create`.
    pub options: Vec<String>,
    /// What follows the image.
    pub args: Vec<String>,
}

impl Commands {
    /// The version of the Podman on PATH, which does not look at any container for that.
    ///
    /// # Errors
    /// There is none, or it does not report its version.
    pub(crate) async fn version(limit: Duration) -> Result<String, CallError> {
        let nobody = Self {
            version: String::new(),
            labels: Labels {
                run: String::new(),
                place: String::new(),
            },
            call_limit: limit,
        };
        let told = nobody.call(&["--version"]).await?;
        let last = told.split_whitespace().last();
        last.map(str::to_owned)
            .ok_or_else(|| CallError::Failed("it does not say its version".to_owned()))
    }

    /// Greets the Podman on PATH.
    ///
    /// # Errors
    /// There is none, or it does not answer.
    pub async fn connect(labels: Labels, call_limit: Duration) -> Result<Self, EngineError> {
        let mut new = Self {
            version: String::new(),
            labels,
            call_limit,
        };
        let told = new.call(&["version", "--format", "{{.Client.Version}}"]).await;
        let told = told.map_err(|error| match error {
            CallError::Failed(why) => EngineError::Absent {
                engine: PODMAN,
                looked: format!("{PODMAN} that starts on PATH ({why})"),
                remedy: "install it",
            },
            CallError::Refused(why) | CallError::Declined(why) => EngineError::Socket {
                path: PathBuf::from(PODMAN),
                why,
            },
        })?;
        new.version = text::name(told.trim()).unwrap_or_else(|| "unknown".to_owned());
        Ok(new)
    }

    /// Makes an image from a rootfs; returns its id.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn import(&self, tar: Vec<u8>, tag: &str) -> Result<String, CallError> {
        let Labels { run, place } = &self.labels;
        let [run_label, place_label] = [format!("LABEL {RUN}={run}"), format!("LABEL {PLACE}={place}")];
        let name = format!("localhost/{PREFIX}{run}:{tag}");
        let words = [
            "import",
            "--quiet",
            "--change",
            &run_label,
            "--change",
            &place_label,
            "-",
            &name,
        ];
        let told = self.given(&words, Some(tar), self.call_limit).await?;
        last_id(&told).ok_or_else(|| CallError::Failed("it does not say which image it made".to_owned()))
    }

    /// Creates a container, which does not call a runtime yet; returns its id.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn create(
        &self,
        name: &str,
        runtime: Option<&str>,
        image: &str,
        words: &Words,
    ) -> Result<String, CallError> {
        let Labels { run, place } = &self.labels;
        let mut all: Vec<String> = runtime.iter().map(|path| format!("--runtime={path}")).collect();
        all.extend([
            "create".to_owned(),
            "--pull=never".to_owned(),
            format!("--name={PREFIX}{run}-{name}"),
            format!("--label={RUN}={run}"),
            format!("--label={PLACE}={place}"),
        ]);
        all.extend(words.options.iter().cloned());
        all.push(image.to_owned());
        all.extend(words.args.iter().cloned());
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let told = self.call(&all).await.map_err(|error| match error {
            // It has called nothing yet: what it has looked at is the request.
            CallError::Refused(why) => CallError::Declined(why),
            other => other,
        })?;
        last_id(&told).ok_or_else(|| CallError::Failed("it gives no id".to_owned()))
    }

    /// Makes the runtime create a container and start it; the failure of either begins like Docker's.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn start(&self, id: &str, runtime: &str) -> Result<(), CallError> {
        let runtime = format!("--runtime={runtime}");
        for (word, step) in [("init", "create"), ("start", "start")] {
            let told = self.call(&[&runtime, word, id]).await;
            told.map_err(|error| match error {
                CallError::Refused(why) if RUNTIMES_OWN.iter().any(|words| why.contains(words)) => {
                    CallError::Refused(format!("OCI runtime {step} failed: {why}"))
                }
                other => other,
            })?;
        }
        Ok(())
    }

    /// The config.json that a container's runtime was given; `None` before that.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn config(&self, id: &str) -> Result<Option<String>, CallError> {
        let told = self.inspect(id).await?;
        let path = told["OCIConfigPath"].as_str().filter(|path| !path.is_empty());
        let Some(path) = path.map(PathBuf::from) else {
            return Ok(None);
        };
        let read = crate::bundle::read_regular(&path, MOST as u64);
        Ok(read.ok().flatten())
    }

    /// Waits until a container has ended; `None` if it does not end within the limit.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn wait(&self, id: &str, limit: Duration) -> Result<Option<i64>, CallError> {
        match timeout(
            limit,
            self.given(&["wait", "--interval", TICK, id], None, limit + self.call_limit),
        )
        .await
        {
            Err(_) => Ok(None),
            Ok(told) => {
                let told = told?;
                let code = told.trim().parse().ok();
                code.map(Some)
                    .ok_or_else(|| CallError::Failed("it ends a wait without a status".to_owned()))
            }
        }
    }

    /// What a container printed.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn logs(&self, id: &str) -> Result<Output, CallError> {
        let ran = self.run(&["logs", id], None, self.call_limit).await?;
        if ran.is_well {
            Ok(ran.output)
        } else {
            Err(refused(&ran.output))
        }
    }

    /// What it reports about a container.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn inspect(&self, id: &str) -> Result<Value, CallError> {
        let told = self.call(&["inspect", "--type=container", id]).await?;
        let mut all: Vec<Value> = json(&told)?;
        all.pop()
            .ok_or_else(|| CallError::Failed("it says nothing of a container".to_owned()))
    }

    /// Removes something, running or not; it is not an error if it is already gone.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn remove(&self, id: &str, is_image: bool) -> Result<(), CallError> {
        let words: &[&str] = match is_image {
            true => &["rmi", "--force", "--ignore", id],
            false => &["rm", "--force", "--ignore", "--time=0", "--volumes", id],
        };
        self.call(words).await.map(drop)
    }

    /// Everything that has our labels, containers first: images cannot be removed before them.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn things(&self) -> Result<Vec<Thing>, CallError> {
        let filter = format!("--filter=label={RUN}");
        let containers = self.call(&["ps", "--all", &filter, "--format=json"]).await?;
        let images = self.call(&["images", &filter, "--format=json"]).await?;
        let mut things: Vec<Thing> = Vec::new();
        for (told, kind) in [(containers, Kind::Container), (images, Kind::Image)] {
            let all: Option<Vec<Value>> = json(&told)?;
            things.extend(all.into_iter().flatten().filter_map(|one| thing(&one, kind)));
        }
        Ok(things)
    }

    /// The labels of what is made.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    async fn call(&self, words: &[&str]) -> Result<String, CallError> {
        self.given(words, None, self.call_limit).await
    }

    async fn given(
        &self,
        words: &[&str],
        input: Option<Vec<u8>>,
        limit: Duration,
    ) -> Result<String, CallError> {
        let ran = self.run(words, input, limit).await?;
        if !ran.is_well {
            return Err(refused(&ran.output));
        }
        if ran.output.lost[0] > 0 {
            return Err(CallError::Failed(format!(
                "podman {} prints more than {MOST} bytes",
                words[0]
            )));
        }
        Ok(String::from_utf8_lossy(&ran.output.stdout).into_owned())
    }

    async fn run(&self, words: &[&str], input: Option<Vec<u8>>, limit: Duration) -> Result<Ran, CallError> {
        let mut command = Command::new(PODMAN);
        // Its warnings would be mixed with what a container printed.
        command
            .arg("--log-level=error")
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A signal from the terminal ends us, and we end what we have made.
        command.process_group(0);
        command.stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        });
        let failed = |error: std::io::Error| CallError::Failed(format!("podman: {error}"));
        let child = command.spawn().map_err(failed)?;
        match timeout(limit, end_of(child, input)).await {
            Err(_) => Err(CallError::Failed(format!(
                "podman {} takes longer than {limit:?}",
                words[0]
            ))),
            Ok(ran) => ran.map_err(failed),
        }
    }
}

/// A call that has ended.
struct Ran {
    is_well: bool,
    output: Output,
}

/// Waits for a process, not for other processes that have inherited its pipes.
async fn end_of(mut child: Child, input: Option<Vec<u8>>) -> std::io::Result<Ran> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut output = Output::default();
    let [lost_out, lost_err] = &mut output.lost;
    let pipes = async {
        tokio::join!(
            feed(stdin, input),
            keep(stdout, &mut output.stdout, lost_out),
            keep(stderr, &mut output.stderr, lost_err)
        );
    };
    let status = {
        tokio::pin!(pipes);
        let mut at_end = false;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                () = &mut pipes, if !at_end => at_end = true,
            }
        };
        if !at_end {
            // By now, what it printed is there.
            let _ = timeout(GRACE, &mut pipes).await;
        }
        status
    };
    Ok(Ran {
        is_well: status.success(),
        output,
    })
}

async fn feed(stdin: Option<impl AsyncWriteExt + Unpin>, input: Option<Vec<u8>>) {
    if let (Some(mut stdin), Some(input)) = (stdin, input) {
        // A process that does not read it reports that by its status.
        let _ = stdin.write_all(&input).await;
    }
}

/// Reads everything, and keeps as much as there is room for.
async fn keep(pipe: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>, lost: &mut u64) {
    let Some(mut pipe) = pipe else { return };
    let mut part = vec![0; 64 << 10];
    while let Ok(read @ 1..) = pipe.read(&mut part).await {
        let room = MOST.saturating_sub(kept.len()).min(read);
        kept.extend_from_slice(&part[..room]);
        *lost += (read - room) as u64;
    }
}

/// The last line that it printed, without its beginning; warnings come before it.
fn refused(output: &Output) -> CallError {
    let said = String::from_utf8_lossy(&output.stderr);
    let mut lines = said.lines().rev().filter(|line| !line.trim().is_empty());
    let last = lines
        .find(|line| line.starts_with("Error"))
        .or_else(|| said.lines().last());
    let last = last.unwrap_or("it says nothing").trim_start_matches("Error: ");
    CallError::Refused(text::words(last))
}

/// The id on the last line.
fn last_id(told: &str) -> Option<String> {
    let last = told.lines().last()?.trim();
    let id = last.strip_prefix("sha256:").unwrap_or(last);
    text::is_id(id).then(|| id.to_owned())
}

fn json<T: serde::de::DeserializeOwned>(told: &str) -> Result<T, CallError> {
    serde_json::from_str(told).map_err(|error| CallError::Failed(format!("its JSON: {error}")))
}

fn thing(one: &Value, kind: Kind) -> Option<Thing> {
    let of = |name: &str| one["Labels"][name].as_str().map(str::to_owned);
    Some(Thing {
        id: one["Id"].as_str().filter(|id| text::is_id(id))?.to_owned(),
        kind,
        labels: Labels {
            run: of(RUN)?,
            place: of(PLACE)?,
        },
    })
}
