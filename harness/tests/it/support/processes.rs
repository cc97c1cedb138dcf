//! Processes and eBPF programs of a run of the program, and moments at which it is killed.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// Processes that belong to a run, except for the program itself: those in its cgroups.
pub(crate) fn processes_of(run: &str) -> Vec<String> {
    let mark = format!("/{run}/");
    let program: u32 = run
        .split('.')
        .nth(1)
        .and_then(|pid| pid.parse().ok())
        .expect("a pid");
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let ours = pids.filter(|other| *other != program).filter(|other| {
        let dir = Path::new("/proc").join(other.to_string());
        let text = fs::read_to_string(dir.join("cgroup")).unwrap_or_default();
        // A session's cgroup has its number after the run's name.
        let in_cgroup = text.contains(&mark) || text.contains(&format!("/{run}."));
        let is_dead = fs::read_to_string(dir.join("stat")).map_or(true, |stat| stat.contains(") Z "));
        in_cgroup && !is_dead
    });
    ours.map(|pid| {
        format!(
            "{pid} {}",
            fs::read_to_string(format!("/proc/{pid}/comm"))
                .unwrap_or_default()
                .trim()
        )
    })
    .collect()
}

/// The ids of the eBPF programs that a process holds.
pub(crate) fn programs_of(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{pid}/fdinfo")).into_iter().flatten();
    let texts = entries
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path()).ok());
    let id = |text: String| {
        let line = text.lines().find_map(|line| line.strip_prefix("prog_id:"))?;
        line.trim().parse().ok()
    };
    let mut ids: Vec<u32> = texts.filter_map(id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Those of the programs that the kernel still has after a while: it frees them some time after the last holder has
/// ended.
#[cfg(feature = "ebpf")]
pub(crate) fn still_loaded(ids: &[u32]) -> Vec<u32> {
    wait_until_empty(|| {
        let loaded = libbpf_rs::query::ProgInfoIter::default().map(|info| info.id);
        loaded.filter(|id| ids.contains(id)).collect()
    })
}

#[cfg(not(feature = "ebpf"))]
pub(crate) fn still_loaded(_: &[u32]) -> Vec<u32> {
    crate::needs::skips::skipped("built without eBPF: its programs are not looked for");
    Vec::new()
}

/// Returns what is there as soon as that is nothing, or after ten seconds.
pub(crate) fn wait_until_empty<T>(mut look: impl FnMut() -> Vec<T>) -> Vec<T> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let found = look();
        if found.is_empty() || Instant::now() > deadline {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// xorshift: the moments are random, and can be reproduced from the seed.
pub(crate) struct Random(u64);

impl Random {
    /// From OCIDIFF_TEST_SEED, or from the current time; a seed is printed, so that a failure can be reproduced.
    pub(crate) fn seeded() -> Self {
        let given = std::env::var("OCIDIFF_TEST_SEED")
            .ok()
            .and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let now = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            now.as_nanos() as u64 | 1
        });
        println!("OCIDIFF_TEST_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }
}

/// How often a run is killed; a few times unless more is asked for.
pub(crate) fn kills(few: u64) -> u64 {
    let asked = std::env::var("OCIDIFF_TEST_KILLS").ok();
    asked.map_or(few, |text| text.parse().expect("OCIDIFF_TEST_KILLS is a number"))
}
