//! Bundles that are not from the corpus: each has a plain `config.json` and a root, and is run as it is. What differs
//! must be explained by the finding that is its cause, according to the table next to this file; a wrong finding is
//! worse than none.
//!
//! Every fourth bundle is run, which takes a minute; OCIDIFF_BUNDLES=all runs all of them, OCIDIFF_BUNDLES=NAME,... the
//! named ones.

use crate::support;
use crate::support::{events, needs};

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Mutex;

use events::Events;
use ocidiff_model::difference::Standing;
use ocidiff_model::pattern::{alternatives, glob};
use ocidiff_model::{Difference, FindingId};
use serde::Deserialize;
use serde_json::Value;
use support::Scene;

/// One in this many bundles is run, without OCIDIFF_BUNDLES.
const JOBS: usize = 2;
/// Every such bundle is run, without OCIDIFF_BUNDLES.
const EVERY: usize = 4;

/// Bundles for which everything must be explained.
const SPEC: [&str; 3] = ["plain", "plain-newest", "runc-spec"];

/// Which findings may explain what differs, by patterns of facts.
type Causes = BTreeMap<String, Vec<FindingId>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// What differs in every bundle.
    everywhere: Causes,
    bundles: Vec<Bundle>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundle {
    name: String,
    /// Laid over the base config (RFC 7396; `name+` adds to a list).
    #[serde(default)]
    config: Value,
    /// Replaced in the text of the config.
    #[serde(default)]
    text: Option<(String, String)>,
    /// `dir MODE PATH`, `file MODE PATH TEXT`, `link PATH TARGET`, below the bundle.
    #[serde(default)]
    files: Vec<String>,
    #[serde(default = "three")]
    with: Vec<String>,
    /// What differs in this one; each of these must.
    #[serde(default)]
    differs: Causes,
}

fn three() -> Vec<String> {
    ["runc", "crun", "youki"].map(str::to_owned).to_vec()
}

impl Bundle {
    /// Writes it below the scene.
    fn write(&self, scene: &Scene, base: &Value) {
        let folder = scene.path().join(&self.name);
        copy(&scene.path().join("base/rootfs"), &folder.join("rootfs"));
        let mut config = base.clone();
        if !self.config.is_null() {
            ocidiff_model::merge::merge(&mut config, &self.config).expect(&self.name);
        }
        let mut text = serde_json::to_string_pretty(&config).expect("a config");
        text = text.replace("${bundle}", &folder.to_string_lossy());
        if let Some((from, to)) = &self.text {
            assert!(text.contains(from), "{}: no `{from}` in\n{text}", self.name);
            text = text.replace(from, to);
        }
        fs::write(folder.join("config.json"), text).expect("a config");
        for line in &self.files {
            make(&folder, line);
        }
    }

    /// What the table names here and nobody shows.
    fn vanished<'t>(&'t self, differences: &'t [Difference]) -> impl Iterator<Item = &'t String> {
        let shows = |pattern: &str| differences.iter().any(|one| is_named(pattern, &one.fact));
        self.differs.keys().filter(move |pattern| !shows(pattern))
    }

    /// What may explain a fact here: its own entry with the longest pattern that fits, and the entries for
    /// every bundle.
    fn causes<'t>(&'t self, table: &'t Table, fact: &str) -> Vec<&'t FindingId> {
        let fits = |(pattern, _): &(&String, &Vec<FindingId>)| is_named(pattern, fact);
        let own = self.differs.iter().filter(fits);
        let own = own.max_by_key(|(pattern, _)| pattern.len());
        let all = own.into_iter().chain(table.everywhere.iter().filter(fits));
        all.flat_map(|(_, ids)| ids).collect()
    }
}

fn is_named(pattern: &str, fact: &str) -> bool {
    alternatives(pattern).iter().any(|one| glob(one, fact))
}

fn make(folder: &Path, line: &str) {
    let words: Vec<&str> = line.splitn(4, ' ').collect();
    let mode = |path: &Path, text: &str| {
        let mode = u32::from_str_radix(text, 8).expect(line);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect(line);
    };
    match words[..] {
        ["dir", bits, path] => {
            let path = folder.join(path);
            fs::create_dir_all(&path).expect(line);
            mode(&path, bits);
        }
        ["file", bits, path, text] => {
            let path = folder.join(path);
            fs::write(&path, text).expect(line);
            mode(&path, bits);
        }
        ["link", path, target] => symlink(target, folder.join(path)).expect(line),
        _ => panic!("not a file: {line}"),
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a root").flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().expect("a kind");
        if kind.is_symlink() {
            symlink(fs::read_link(&from).expect("a link"), &to).expect("a link");
        } else if kind.is_dir() {
            copy(&from, &to);
            fs::set_permissions(&to, fs::metadata(&from).expect("a folder").permissions()).expect("its mode");
        } else {
            fs::copy(&from, &to).expect("a file");
        }
    }
}

#[derive(Debug, Default)]
struct Score {
    right: usize,
    wrong: usize,
    none: usize,
    bundles: usize,
    failing: Vec<String>,
}

impl Score {
    /// Counts what was explained in a bundle.
    fn add(&mut self, bundle: &Bundle, table: &Table, differences: &[Difference]) {
        self.bundles += 1;
        let real = |difference: &&Difference| {
            difference.groups.len() > 1 && !matches!(difference.standing, Standing::Unstable { .. })
        };
        for difference in differences.iter().filter(real) {
            self.look(bundle, table, difference);
        }
        for pattern in bundle.vanished(differences) {
            self.failing
                .push(format!("{}: nobody differs in {pattern}", bundle.name));
        }
    }

    fn look(&mut self, bundle: &Bundle, table: &Table, difference: &Difference) {
        let fact = &difference.fact;
        let causes = bundle.causes(table, fact);
        let is_right = |ids: &[FindingId]| ids.iter().any(|id| causes.contains(&id));
        let told: Vec<String> = difference.findings().map(ToString::to_string).collect();
        let told = told.join(", ");
        if difference.accounts.is_empty() {
            self.none += 1;
            self.failing
                .push(format!("{}: {fact}: not explained", bundle.name));
        } else if difference
            .accounts
            .iter()
            .all(|account| is_right(&account.because))
        {
            self.right += 1;
        } else {
            self.wrong += 1;
            self.failing
                .push(format!("{}: {fact}: WRONG: {told}", bundle.name));
        }
    }
}

/// Runs a bundle and returns what differs; `None` if a runtime that it is about is missing.
fn run(scene: &Scene, bundle: &Bundle, base: &Value) -> Option<Vec<Difference>> {
    let mut runtimes = Vec::new();
    for selector in &bundle.with {
        needs::runtime(selector)?;
        runtimes.extend(["--runtime", selector.as_str()]);
    }
    bundle.write(scene, base);
    let events = format!("{}.events", bundle.name);
    let mut args = vec!["run", "--bundle", bundle.name.as_str(), "--json", events.as_str()];
    args.extend(["--hooks", "--jobs", "2"]);
    args.extend(runtimes);
    scene.run_at_home(&args);
    let events = Events::read(&scene.path().join(&events));
    let report = events.cases().next().expect("a verdict");
    fs::remove_dir_all(scene.path().join(&bundle.name)).expect("the bundle");
    Some(report.differences.clone())
}

#[test]
fn what_differs_in_plain_bundles_is_explained_by_its_cause() {
    let table = include_str!("recognition/bundles.yaml");
    let table: Table = serde_yaml::from_str(table).expect("the table");
    let base: Value = serde_json::from_str(include_str!("recognition/base.json")).expect("the base");
    assert!(table.bundles.len() >= 100, "{}", table.bundles.len());
    if !needs::root() || three().iter().any(|name| needs::runtime(name).is_none()) {
        return;
    }
    if !Path::new("/sys/fs/cgroup/cpu").exists() {
        // Half of what the table says is about the hierarchies of cgroup v1.
        return needs::skip("cgroup v1", false);
    }
    let scene = Scene::new();
    scene.write(
        "cases/some/base.yaml",
        "summary: s\nrootfs: busybox\nconfig: {process: {args: [/bin/true]}}\n",
    );
    let repro = [
        "repro",
        "some/base",
        "--cases",
        "cases",
        "--runtime",
        "runc",
        "--output",
        "base",
    ];
    scene.run_at_home(&repro).ends_with(0);
    let chosen = Mutex::new(chosen(&table).into_iter());
    let score = Mutex::new(Score::default());
    std::thread::scope(|scope| {
        for _ in 0..JOBS {
            scope.spawn(|| {
                loop {
                    let next = chosen.lock().expect("the list").next();
                    let Some(bundle) = next else { return };
                    // On a machine so busy that a call ran into its limit, a bundle is broken and shows nothing.
                    let whole = |found: &Vec<Difference>| bundle.vanished(found).next().is_none();
                    let first = run(&scene, bundle, &base);
                    let found = first.filter(whole).or_else(|| run(&scene, bundle, &base));
                    if let Some(differences) = found {
                        score.lock().expect("the score").add(bundle, &table, &differences);
                    }
                }
            });
        }
    });
    let score = score.into_inner().expect("the score");
    let all = score.right + score.wrong + score.none;
    println!("{}", score.failing.join("\n"));
    println!(
        "{} bundles, {all} differences: {} right, {} wrong, {} not explained",
        score.bundles, score.right, score.wrong, score.none
    );
    assert!(score.right * 100 >= all * 90, "fewer than 90 % are explained");
    assert!(
        score.wrong * 100 <= all * 2,
        "more than 2 % are explained by another finding"
    );
    // What `runc spec` writes, unchanged: the first bundle that a newcomer tries.
    let plain = score
        .failing
        .iter()
        .filter(|line| SPEC.iter().any(|name| line.starts_with(&format!("{name}:"))));
    assert_eq!(
        plain.count(),
        0,
        "what `runc spec` writes is not wholly explained"
    );
    let vanished = score
        .failing
        .iter()
        .filter(|line| line.contains("nobody differs"));
    assert_eq!(vanished.count(), 0, "the table names what does not differ");
}

fn chosen(table: &Table) -> Vec<&Bundle> {
    match std::env::var("OCIDIFF_BUNDLES").as_deref() {
        Ok("all") => table.bundles.iter().collect(),
        Ok(names) => {
            let wanted = |bundle: &&Bundle| names.split(',').any(|name| name == bundle.name);
            table.bundles.iter().filter(wanted).collect()
        }
        Err(_) => {
            let spec = |name: &str| SPEC.contains(&name);
            let all = table.bundles.iter().enumerate();
            all.filter(|(at, bundle)| at % EVERY == 0 || spec(&bundle.name))
                .map(|(_, bundle)| bundle)
                .collect()
        }
    }
}
