//! Listening to a cell: one message per line, each with the run's secret, and all of them bounded.
//!
//! A cell is ours, but what runs in it is not: a runtime that gets hold of the cell's descriptor (as root it can,
//! with CAP_SYS_PTRACE and pidfd_getfd(2)) may say what it likes. A message without the secret is not believed,
//! and nothing that is said can fill our memory.

use std::fs::File;
use std::io::{self, Read};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::cell::job::{Job, Message};
use crate::cells::order::Told;

/// How much a cell may say in one line, in bytes: a container's stream is kept up to 1 MiB, which is six times as
/// much in JSON.
const LINE: u64 = 16 << 20;
/// The same for all lines together.
const TOTAL: u64 = 64 << 20;
/// How many facts, steps and calls it may report.
const ITEMS: usize = 250_000;

/// A word that cannot be guessed.
///
/// # Errors
/// The kernel's random numbers cannot be read.
pub(crate) fn secret() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(crate::digest::hex(&bytes))
}

/// Hands over the job and listens; returns whether the cell reported everything.
///
/// # Errors
/// A sentence: the cell broke off, said more than it may, or something else spoke.
pub(crate) async fn converse(socket: UnixStream, job: &Job, told: &mut Told) -> Result<bool, String> {
    let broke_off = |error: io::Error| format!("the cell broke off: {error}");
    let text = serde_json::to_vec(job).map_err(|error| broke_off(error.into()))?;
    let (ear, mut mouth) = socket.into_split();
    mouth.write_all(&text).await.map_err(broke_off)?;
    // The job ends where the stream does.
    mouth.shutdown().await.map_err(broke_off)?;
    listen(BufReader::new(ear), &job.secret, told).await
}

async fn listen(
    mut ear: BufReader<impl AsyncRead + Unpin>,
    secret: &str,
    told: &mut Told,
) -> Result<bool, String> {
    let mut heard = 0;
    let mut items = 0;
    while let Some(line) = line(&mut ear, TOTAL - heard).await? {
        heard += line.len() as u64;
        let message = message(&line, secret)?;
        items += count(&message);
        if items > ITEMS {
            return Err(format!("the cell reported more than {ITEMS} things"));
        }
        match message {
            Message::Step(step) => told.steps.push(step),
            Message::Facts(facts) => told.facts.extend(facts),
            Message::Setup(setup) => told.setup = setup,
            Message::Trace(trace) => told.traces.push(trace),
            Message::Answer(answer) => told.answer = Some(answer),
            Message::Done { ran } => {
                told.ran = ran;
                return Ok(true);
            }
            Message::Broken(why) => told.broken = Some(told.broken.take().unwrap_or(why)),
        }
    }
    Ok(false)
}

/// The next line; `None` where the cell ended, in the middle of a line or not.
async fn line(ear: &mut BufReader<impl AsyncRead + Unpin>, left: u64) -> Result<Option<Vec<u8>>, String> {
    let mut line = Vec::new();
    let most = LINE.min(left);
    let count = ear.take(most + 1).read_until(b'\n', &mut line).await;
    let count = count.map_err(|error| format!("the cell broke off: {error}"))? as u64;
    if count > most {
        let mib = |bytes: u64| bytes >> 20;
        return Err(if most == LINE {
            format!("the cell said more than {} MiB in one line", mib(LINE))
        } else {
            format!("the cell said more than {} MiB", mib(TOTAL))
        });
    }
    Ok(line.ends_with(b"\n").then_some(line))
}

/// `SECRET JSON`: a sender without the secret is not the cell.
fn message(line: &[u8], secret: &str) -> Result<Message, String> {
    let text = line
        .strip_prefix(secret.as_bytes())
        .and_then(|rest| rest.strip_prefix(b" "))
        .ok_or("another process spoke in the cell's name; nothing that this run reported counts")?;
    serde_json::from_slice(text).map_err(|error| format!("the cell broke off: {error}"))
}

fn count(message: &Message) -> usize {
    match message {
        Message::Facts(facts) => facts.len(),
        Message::Setup(lines) => lines.len(),
        Message::Trace(trace) => trace.calls.len() + trace.filters.len(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn hear(said: Vec<u8>) -> (Result<bool, String>, Told) {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair");
        let speak = tokio::spawn(async move {
            // If the other side no longer listens, it has heard enough.
            let _ = theirs.write_all(&said).await;
        });
        let mut told = Told::default();
        let heard = listen(BufReader::new(ours), "secret", &mut told).await;
        speak.abort();
        (heard, told)
    }

    #[tokio::test]
    async fn a_line_counts_with_the_secret_only() {
        let (heard, told) = hear(b"secret {\"tell\":\"done\",\"what\":{\"ran\":true}}\n".to_vec()).await;
        assert_eq!((heard, told.ran), (Ok(true), true));
        for forged in ["", "secre ", "Secret ", "secret"] {
            let line = format!("{forged}{{\"tell\":\"done\",\"what\":{{\"ran\":true}}}}\n");
            let (heard, told) = hear(line.into_bytes()).await;
            assert!(
                heard.is_err_and(|why| why.contains("another process spoke")),
                "{forged}"
            );
            assert!(!told.ran);
        }
    }

    #[tokio::test]
    async fn what_a_cell_says_is_bounded() {
        let (heard, _) = hear(vec![b'x'; LINE as usize + 100]).await;
        assert_eq!(
            heard,
            Err("the cell said more than 16 MiB in one line".to_owned())
        );
        let facts = format!(
            "secret {{\"tell\":\"facts\",\"what\":[{}0]}}\n",
            " ".repeat(12 << 20)
        );
        let facts = facts.replace("0]", "]");
        let (heard, _) = hear(facts.repeat(6).into_bytes()).await;
        assert_eq!(heard, Err("the cell said more than 64 MiB".to_owned()));
        let many = vec![r#"{"path":"p","value":1}"#; 50_000].join(",");
        let many = format!("secret {{\"tell\":\"facts\",\"what\":[{many}]}}\n");
        let (heard, _) = hear(many.repeat(6).into_bytes()).await;
        assert_eq!(heard, Err("the cell reported more than 250000 things".to_owned()));
    }

    #[tokio::test]
    async fn a_cell_that_ends_in_the_middle_of_a_line_has_not_told_it() {
        let (heard, told) = hear(b"secret {\"tell\":\"broken\",\"what\":\"it\"}".to_vec()).await;
        assert_eq!((heard, told.broken), (Ok(false), None));
    }
}
