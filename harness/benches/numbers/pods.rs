//! `ocidiff run --via cri`, compared with the bare calls for the same pods, on one node and in one run.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ocidiff::error::Error;
use ocidiff_cri::Client;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::containerd::{Containerd, wait};
use super::pod::Pod;
use super::{needs, program, say};

/// As many containers at a time as a run has.
const WIDTH: usize = 4;
const HANDLERS: [&str; 3] = ["runc", "crun", "youki"];
/// Cases that all run, and agree: none of them is repeated.
const CASES: &str = "seccomp/rule-as-default-action*";

/// A case's pod and the plain calls.
pub(crate) fn pods() -> Result<bool, Error> {
    let found = HANDLERS.map(needs::runtime);
    let handlers: Vec<(&str, &Path)> = HANDLERS
        .iter()
        .zip(&found)
        .filter_map(|(name, path)| Some((*name, path.as_deref()?)))
        .collect();
    let node = Arc::new(Containerd::start(&handlers).ok_or_else(|| Error::broken("no containerd"))?);
    node.images().ok_or_else(|| Error::broken("no busybox"))?;
    let (mut run, mut bare, mut cases) = (Duration::MAX, Duration::MAX, 0);
    for _ in 0..super::ROUNDS {
        let started = Instant::now();
        cases = corpus(&node)?;
        run = run.min(started.elapsed());
        let started = Instant::now();
        wait(plain(&node, cases))?;
        bare = bare.min(started.elapsed());
    }
    let (run, bare) = (run.as_secs_f64(), bare.as_secs_f64());
    let close = say(
        &format!("{cases} cases as pods under {} handlers", handlers.len()),
        &format!("{run:.1} s, the bare calls {bare:.1} s: {:.2} times", run / bare),
        "at most 1.5 times",
        run <= bare * 1.5,
    );
    #[expect(clippy::cast_precision_loss, reason = "a few cases")]
    let hundred = run * 100.0 / cases as f64;
    let fast = say(
        "100 cases as pods",
        &format!("{hundred:.0} s at that pace"),
        "under 240 s",
        hundred < 240.0,
    );
    Ok(close && fast)
}

/// Runs the cases; returns how many there were.
fn corpus(node: &Containerd) -> Result<usize, Error> {
    let output = Command::new(program())
        .args([
            "run",
            CASES,
            "--via",
            "cri",
            "--cgroup-parent",
            &node.cgroup(),
            "--socket",
        ])
        .arg(node.socket())
        .stdin(Stdio::null())
        .output()
        .map_err(Error::broken)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let count = |word: &str| {
        let mut words = text.split_whitespace().rev();
        words.find(|one| *one == word)?;
        words.next()?.parse::<usize>().ok()
    };
    match (count("agree"), count("cases,")) {
        (Some(agree), Some(cases)) if agree == cases && cases > 0 => Ok(cases),
        _ => Err(Error::broken(format!("not all cases agree: {text}"))),
    }
}

/// The calls that a kubelet would make for as many pods.
async fn plain(node: &Arc<Containerd>, cases: usize) -> Result<(), Error> {
    let places = Arc::new(Semaphore::new(WIDTH));
    let client = node.client().await;
    let mut all = JoinSet::new();
    for number in 0..cases * HANDLERS.len() {
        let handler = HANDLERS[number % HANDLERS.len()];
        let (client, places) = (client.clone(), Arc::clone(&places));
        let node = Arc::clone(node);
        all.spawn(async move {
            let _place = places.acquire().await;
            one(&client, &node, handler, number).await
        });
    }
    while let Some(ended) = all.join_next().await {
        ended.map_err(Error::broken)?.map_err(Error::broken)?;
    }
    Ok(())
}

async fn one(
    client: &Client,
    node: &Containerd,
    handler: &str,
    number: usize,
) -> Result<(), ocidiff_cri::Error> {
    let pod = Pod {
        name: number.to_string(),
        namespace: "bench",
        command: &["/bin/true"],
        // youki does not start anything without it.
        path: Some("/bin"),
        seccomp: None,
    };
    let (sandbox, id) = pod.start(client, node, handler).await?;
    client.wait(&id, Duration::from_secs(60)).await?;
    client.remove(&id, Duration::ZERO).await?;
    client.remove_pod(&sandbox).await
}
