//! The memory of a process and of everything that it started.

use std::collections::BTreeMap;
use std::fs;
use std::process::Child;
use std::time::Duration;

use ocidiff::error::Error;

/// How often to look.
const TICK: Duration = Duration::from_millis(10);

/// The most that was seen, in KiB.
#[derive(Debug, Default)]
pub(crate) struct Peak {
    own: u64,
    tree: u64,
}

impl Peak {
    /// Watches the child until it ends. Runtimes and containers are not counted: only what runs our program.
    pub(crate) fn watch(&mut self, child: &mut Child) -> Result<(), Error> {
        while child.try_wait().map_err(Error::broken)?.is_none() {
            let (own, tree) = sample(child.id());
            self.own = self.own.max(own);
            self.tree = self.tree.max(tree);
            std::thread::sleep(TICK);
        }
        Ok(())
    }

    /// For the program itself, and with all its cells.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub(crate) fn mebibytes(&self) -> (f64, f64) {
        (self.own as f64 / 1024.0, self.tree as f64 / 1024.0)
    }
}

/// Resident memory that is not a mapped file: text shared by five processes exists only once.
fn sample(root: u32) -> (u64, u64) {
    let mut parents = BTreeMap::new();
    for pid in fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok())
    {
        let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else {
            continue;
        };
        let field = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name)?.split_whitespace().next())
        };
        let number = |name: &str| field(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let ours = field("Name:").is_some_and(|name| name == "ocidiff");
        let size = if pid == root {
            number("VmRSS:")
        } else {
            number("RssAnon:")
        };
        parents.insert(pid, (number("PPid:"), if ours { size } else { 0 }));
    }
    let own = parents.get(&root).map_or(0, |(_, size)| *size);
    let children: u64 = parents
        .values()
        .filter(|(parent, _)| *parent == u64::from(root))
        .map(|(_, size)| *size)
        .sum();
    (own, own + children)
}
