//! Every loader, with inputs that no one would write: no panic, no hang, no growth. `OCIDIFF_FUZZ=1000000` tries that
//! many for each loader, `OCIDIFF_FUZZ_SEED` other ones; without them it takes a few seconds.

mod mutate;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mutate::{Random, mutated};
use ocidiff::bundle::Builder;
use ocidiff::capture::{Container, Wanted, capture};
use ocidiff::corpus::files;
use ocidiff::corpus::source::{Source, Sources};
use ocidiff::corpus::{Corpus, load, load_one, load_shared};
use ocidiff::workload::tame::{Limits, tame};
use ocidiff_reports::events;
use ocidiff_runtimes::{Manifest, Store};
use ocidiff_seccomp::Profile;
use ocidiff_seccomp::profile::For;

/// Inputs for each loader, if the environment does not say.
const FEW: usize = 300;
/// No input may take longer, even on a machine that is busy with other work.
const SLOW: Duration = Duration::from_secs(10);
/// How much memory the test's process may use, for all loaders together, in KiB.
const MEMORY: u64 = 500 << 10;

static CORPUS: LazyLock<Sources> = LazyLock::new(|| files::built_in("cases"));
static SHARED: LazyLock<Corpus> = LazyLock::new(|| load_shared(&CORPUS).expect("what cases share"));

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Gives mutants of the seeds to a loader. What the loader makes of them does not matter.
fn fuzz(name: &str, seeds: &[String], mut loader: impl FnMut(&[u8])) {
    let count = number("OCIDIFF_FUZZ").map_or(FEW, |count| usize::try_from(count).expect("a count"));
    let mut random = Random::new(number("OCIDIFF_FUZZ_SEED").unwrap_or(1) ^ name.len() as u64);
    let mut slowest = Duration::ZERO;
    for index in 0..count {
        let input = mutated(seeds, &mut random);
        let started = Instant::now();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| loader(&input)));
        let took = started.elapsed();
        slowest = slowest.max(took);
        if caught.is_err() || took > SLOW {
            let kept = std::env::temp_dir().join(format!("ocidiff-fuzz-{name}-{index}"));
            fs::write(&kept, &input).expect("keep the input");
            panic!(
                "{name}: input {index} took {took:?} (panic: {}); it is kept in {}",
                caught.is_err(),
                kept.display()
            );
        }
    }
    let peak = peak();
    eprintln!(
        "{name}: {count} inputs of {} seeds, the slowest {slowest:?}, {peak} KiB",
        seeds.len()
    );
    assert!(peak < MEMORY, "{name}: {peak} KiB");
}

/// The peak memory of this process, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("a peak");
    line.split_whitespace()
        .next()
        .and_then(|word| word.parse().ok())
        .expect("a number")
}

/// Texts of the corpus whose names fit.
fn seeds(fits: impl Fn(&str) -> bool) -> Vec<String> {
    let fitting = CORPUS
        .iter()
        .filter(|(name, source)| fits(name) && source.text.len() < 8192);
    fitting.map(|(_, source)| source.text.to_string()).collect()
}

fn is_case(name: &str) -> bool {
    let other = ["rootfs/", "profiles/", "requirements", "default-config"];
    name.ends_with(".yaml")
        && !name.ends_with(".known.yaml")
        && !other.iter().any(|other| name.starts_with(other))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A small corpus with this text under this name.
fn with(name: &str, bytes: &[u8]) -> Sources {
    let source = |text: String| Source {
        shown: "x".to_owned(),
        path: None,
        text: text.into(),
        parsed: None,
        unreadable: None,
    };
    let base = [
        (
            "requirements.yaml",
            "[{id: r, level: must, since: '1', section: s, says: x}]",
        ),
        (
            "default-config.yaml",
            "{ociVersion: 1.0.2, process: {args: [a], cwd: /, user: {uid: 0, gid: 0}}, mounts: []}",
        ),
        ("rootfs/probe.yaml", "summary: the probe"),
        ("t/a.yaml", "{summary: s, for: [x, y]}"),
    ];
    let base = base.map(|(name, text)| (name.to_owned(), source(text.to_owned())));
    let mut sources = BTreeMap::from(base);
    sources.insert(name.to_owned(), source(text(bytes)));
    sources
}

#[test]
fn cases() {
    fuzz("cases", &seeds(is_case), |bytes| {
        let _ = load_one(&text(bytes), &SHARED).map_err(|errors| errors.to_string());
    });
}

#[test]
fn families() {
    fuzz(
        "families",
        &seeds(|name| is_case(name) && CORPUS[name].text.contains("for:")),
        |bytes| {
            let _ = load(&with("t/a.yaml", bytes)).map_err(|errors| errors.to_string());
        },
    );
}

#[test]
fn known_files() {
    fuzz("known", &seeds(|name| name.ends_with(".known.yaml")), |bytes| {
        let _ = load(&with("t/a.known.yaml", bytes)).map_err(|errors| errors.to_string());
    });
}

#[test]
fn recipes_and_what_else_cases_share() {
    for name in ["rootfs/probe.yaml", "default-config.yaml"] {
        fuzz(
            name.split('.').next().expect("a name").replace('/', "-").as_str(),
            &seeds(|other| other.starts_with("rootfs/") || other.starts_with("default-config")),
            |bytes| {
                let _ = load(&with(name, bytes)).map_err(|errors| errors.to_string());
            },
        );
    }
}

#[test]
fn requirements() {
    let all = &CORPUS["requirements.yaml"].text;
    let some: Vec<String> = all
        .split("\n- ")
        .skip(1)
        .take(40)
        .map(|one| format!("- {one}\n"))
        .collect();
    fuzz("requirements", &some, |bytes| {
        let _ = load(&with("requirements.yaml", bytes)).map_err(|errors| errors.to_string());
    });
}

#[test]
fn manifests() {
    let seeds: Vec<String> = files::built_in("runtimes")
        .into_values()
        .map(|source| source.text.into_owned())
        .collect();
    fuzz("manifests", &seeds, |bytes| {
        let _ = Manifest::load_all([("x.yaml", text(bytes))]).map_err(|errors| errors.to_string());
    });
}

#[test]
fn profiles() {
    let mut seeds = seeds(|name| name.starts_with("profiles/"));
    seeds.push(
        r#"{"defaultAction":"SCMP_ACT_ERRNO","archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]}],
        "syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"],"minKernel":"4.8"},
        "args":[{"index":0,"value":1,"valueTwo":2,"op":"SCMP_CMP_MASKED_EQ"}]}]}"#
            .to_owned(),
    );
    let container = For {
        goarch: "amd64".to_owned(),
        capabilities: ["CAP_CHOWN".to_owned()].into(),
        kernel: (6, 1),
    };
    fuzz("profiles", &seeds, |bytes| {
        let read = Profile::read(&text(bytes), &container);
        let _ = read
            .map(|(profile, _)| profile.to_json())
            .map_err(|error| error.to_string());
        let _ = load(&with("profiles/p.json", bytes));
    });
}

/// As engines write them: the configs of real pods.
fn configs() -> Vec<String> {
    fn collect(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => collect(&path, found),
                path if path.extension().is_some_and(|end| end == "json") => {
                    found.push(fs::read_to_string(path).expect("a config"));
                }
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pods"),
        &mut found,
    );
    // Most changes would hit the profile.
    let small = |text: &String| {
        let mut config: serde_json::Value = serde_json::from_str(text).expect("JSON");
        config["linux"]["seccomp"] = serde_json::json!({"defaultAction": "SCMP_ACT_ALLOW"});
        config.to_string()
    };
    let small: Vec<String> = found.iter().map(small).collect();
    found.extend(small);
    found
}

#[test]
fn configs_that_are_checked() {
    fuzz("tame", &configs(), |bytes| {
        let _ = tame(&text(bytes), &[PathBuf::from("/nowhere")], &Limits::default());
    });
}

#[test]
fn configs_that_are_captured() {
    fuzz("capture", &configs(), |bytes| {
        let container = Container {
            name: "x".to_owned(),
            image: None,
            config: text(bytes),
            layers: Vec::new(),
            without: Vec::new(),
        };
        let made = capture(&container, &Wanted::default(), &SHARED, &Limits::default());
        let _ = made.map_err(|error| error.to_string());
    });
}

#[test]
fn recorded_events() {
    let run = [
        r#"{"event":"run-started","ocidiff":"0.1.0","time":0,"runtimes":[{"runtime":{"name":"runc","version":"1.1.5","label":"runc"},"reference":true,"origin":"path"}],"machine":{"kernel":"6.1","cgroup":"v1","arch":"x86_64"},"recorder":"none","cases":1}"#,
        r#"{"event":"case-finished","case":"a/b","summary":"s","source":"x","verdict":"new","differences":[{"fact":"process.exit","groups":[{"runtimes":["runc"],"value":0},{"runtimes":["crun"],"value":["a","b"]}],"standing":"new"}],"unsupported":[["a","b"]],"seconds":0.1}"#,
        r#"{"event":"run-finished","counts":{},"seconds":1.0,"exit":1,"interrupted":false}"#,
        "ocidiff: a word between",
        "[pod/a/b] {\"event\":\"check-started\",\"ocidiff\":\"0.1.0\",\"time\":0,\"node\":\"n\"}",
    ];
    let seeds = vec![
        run.join("\n"),
        run[0].to_owned() + "\n" + run[1],
        run[4].to_owned(),
    ];
    fuzz("events", &seeds, |bytes| {
        let _ = events::read(bytes).map_err(|error| error.to_string());
        let _ = events::read_checks(bytes).map_err(|error| error.to_string());
    });
}

/// The layer of each case that loads is made; next to it is a folder that no path may reach.
#[test]
fn layers_stay_where_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = folder.path().join("host");
    fs::create_dir(&host).expect("a folder");
    fs::write(host.join("canary"), "safe").expect("a file");
    let shown = host.display();
    let seeds = [
        format!(
            "summary: s\nfiles:\n  /a: {{symlink: {shown}}}\n  /b/x: {{text: hi}}\n  /b/: {{mode: '0700'}}\n"
        ),
        format!(
            "summary: s\nfiles:\n  /d/l: {{symlink: ../../../host}}\n  /x/y: {{symlink: {shown}/canary}}\n"
        ),
        "summary: s\nfiles:\n  /a: {symlink: b}\n  /b: {symlink: ../../host}\n  /c/x: {probe: true}\n"
            .to_owned(),
    ];
    let mut number = 0;
    fuzz("layers", &seeds, |bytes| {
        let Ok(case) = load_one(&text(bytes), &SHARED) else {
            return;
        };
        number += 1;
        let place = folder.path().join("session").join(number.to_string());
        fs::create_dir_all(&place).expect("a folder");
        let builder = Builder::new(&place, Store::from_env().expect("a store"));
        if case.body.rootfs.recipe() == Some("probe") {
            let _ = builder.build(&case, &SHARED).map_err(|error| error.to_string());
        }
        fs::remove_dir_all(&place).expect("removed");
        let there = fs::read_dir(&host).expect("a folder").count();
        let canary = fs::read_to_string(host.join("canary")).expect("a file");
        assert_eq!((there, canary.as_str()), (1, "safe"));
    });
}
