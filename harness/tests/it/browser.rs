//! The pages in a real browser: Debian's headless Chromium opens them, a page of ours next to them types, clicks and
//! reads.
//!
//! The page under test is in a frame and is not changed: its policy and its script are its own. Only for axe-core,
//! which must run inside, is the policy removed, from a copy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Scene, needs};

/// What a workload prints in order to be more than text.
const HOSTILE: &str = "</script></section><img src=x onerror=document.title='owned'><script>document.title='owned'</script>\\e[31m\\u202e";

#[test]
fn a_run_is_read_filtered_and_followed() {
    let Some(browser) = Browser::find() else { return };
    let Some(page) = page_of_a_run(&browser.scene) else {
        return;
    };
    let size = fs::metadata(&page).expect("the page").len();
    assert!(size < 3_000_000, "{size} bytes");

    let seen = browser.drive(
        &page,
        1280,
        "
        const view = frame.contentWindow, page = frame.contentDocument;
        const shown = () => [...page.querySelectorAll('section[data-v]:not([hidden])')].map(one => one.id);
        told.title = page.title;
        told.all = shown().length;
        told.form = !page.getElementById('filters').hidden;
        const search = page.getElementById('q');
        search.value = 'setgid'; search.dispatchEvent(new view.Event('input', {bubbles: true}));
        await pause(400);
        told.found = shown();
        search.value = ''; search.dispatchEvent(new view.Event('input', {bubbles: true}));
        const who = page.getElementById('i');
        who.value = 'security'; who.dispatchEvent(new view.Event('input', {bubbles: true})); who.dispatchEvent(new view.Event('change', {bubbles: true}));
        await pause(400);
        told.security = shown().length;
        page.querySelector('#filters button').click();
        await pause(400);
        told.cleared = shown().length;
        const story = page.getElementById('finding/runc/enosys-stub');
        told.story = story ? story.textContent : '';
        const link = [...story.querySelectorAll('a')].find(a => a.textContent == 'seccomp/tar-setgid');
        told.href = link.getAttribute('href');
        link.click();
        await pause(400);
        told.hash = decodeURIComponent(view.location.hash);
        told.top = page.getElementById('case/seccomp/tar-setgid').getBoundingClientRect().top;
        told.loads = view.performance.getEntriesByType('resource').map(one => one.name);
        told.links = [...page.querySelectorAll('a[href^=\"#\"]')].filter(a => !page.getElementById(decodeURIComponent(a.getAttribute('href').slice(1)))).length;
        told.text = page.body.textContent.includes('onerror=document.title');
        ",
    );
    assert!(seen["form"] == true, "the page's own script ran: {seen}");
    assert!(
        !seen["title"].as_str().unwrap_or_default().contains("owned"),
        "{seen}"
    );
    assert!(seen["text"] == true, "hostile text is shown: {seen}");
    let found = seen["found"].as_array().cloned().unwrap_or_default();
    assert!(
        found.contains(&"case/seccomp/tar-setgid".into())
            && (found.len() as u64) < seen["all"].as_u64().unwrap_or(0),
        "{seen}"
    );
    assert!(seen["security"].as_u64() < seen["all"].as_u64(), "{seen}");
    assert_eq!(seen["cleared"], seen["all"], "{seen}");
    assert!(
        seen["story"]
            .as_str()
            .is_some_and(|text| text.contains("fchmodat2") || text.contains("ENOSYS")),
        "{seen}"
    );
    assert_eq!(seen["hash"], "#case/seccomp/tar-setgid");
    let top = seen["top"].as_f64().unwrap_or(f64::MAX);
    assert!((-5.0..400.0).contains(&top), "the link leads to the case: {seen}");
    assert_eq!(seen["loads"], serde_json::json!([]), "it loads nothing");
    assert_eq!(seen["links"], 0, "every link leads somewhere");

    let narrow = browser.drive(
        &page,
        390,
        "told.wide = frame.contentDocument.documentElement.scrollWidth;",
    );
    assert!(
        narrow["wide"].as_u64().is_some_and(|wide| wide <= 390),
        "{narrow}"
    );
    browser.accessible(&page);

    // The same run as two nights.
    let scene = &browser.scene;
    for night in ["nights/1", "nights/2"] {
        fs::create_dir_all(scene.path().join(night)).expect("a folder");
        fs::copy(
            scene.path().join("events"),
            scene.path().join(night).join("run.jsonl"),
        )
        .expect("the events");
    }
    scene.run(&["trend", "nights", "--html", "pages"]).ends_with(0);
    let index = scene.path().join("pages/index.html");
    let seen = browser.drive(
        &index,
        390,
        "const page = frame.contentDocument;
         told.wide = page.documentElement.scrollWidth; told.bars = page.querySelectorAll('svg rect').length;
         const link = page.querySelector('a[href=\"run-1.html\"]'); told.href = link.href;
         link.click(); await pause(1500);
         told.there = frame.contentDocument.getElementById('case/seccomp/tar-setgid') !== null;",
    );
    assert!(seen["wide"].as_u64().is_some_and(|wide| wide <= 390), "{seen}");
    assert_eq!(
        (&seen["bars"], &seen["there"]),
        (&4.into(), &true.into()),
        "{seen}"
    );
    browser.accessible(&index);
}

#[test]
fn the_page_of_a_check_reads_on_a_telephone() {
    let Some(browser) = Browser::find() else { return };
    let Some([from, to]) = pair() else { return };
    let scene = &browser.scene;
    scene
        .run(&[
            "repro",
            "seccomp/tar-setgid",
            "--runtime",
            &from,
            "--output",
            "up",
        ])
        .ends_with(0);
    fs::copy(
        scene.path().join("up/main.json"),
        scene.path().join("up/config.json"),
    )
    .expect("its config");
    let ran = scene.run(&[
        "check", "--bundle", "up", "--engine", "none", "--from", &from, "--to", &to, "--format", "html",
    ]);
    let page = scene.write("check.html", &ran.ends_with(1).stdout);
    let seen = browser.drive(
        &page,
        390,
        "told.wide = frame.contentDocument.documentElement.scrollWidth; told.text = frame.contentDocument.body.innerText;
         told.loads = frame.contentWindow.performance.getEntriesByType('resource').length;",
    );
    assert!(seen["wide"].as_u64().is_some_and(|wide| wide <= 390), "{seen}");
    let text = seen["text"].as_str().unwrap_or_default();
    assert!(text.contains("up") && text.contains("breaks"), "{text}");
    assert_eq!(seen["loads"], 0);
    browser.accessible(&page);
}

/// runc and crun, as they are given on a command line.
fn pair() -> Option<[String; 2]> {
    let (runc, crun) = (needs::runtime("runc")?, needs::runtime("crun")?);
    Some([("runc", runc), ("crun", crun)].map(|(name, path)| format!("{name}={}", path.display())))
}

/// A run of a few topics, with a workload that prints hostile text.
fn page_of_a_run(scene: &Scene) -> Option<PathBuf> {
    let [runc, crun] = pair()?;
    let ran = scene.run(&[
        "run",
        "seccomp/tar-setgid",
        "hostname",
        "capabilities",
        "--runtime",
        &runc,
        "--runtime",
        &crun,
        "--json",
        "events",
    ]);
    assert!(matches!(ran.status, Some(0 | 1)), "{}", ran.stderr);
    let events = scene.path().join("events");
    let text = fs::read_to_string(&events).expect("the events");
    // As if a runtime had printed it: the summary of a case is on the page as it is.
    let about = "GNU tar restores a setgid directory";
    assert!(text.contains(about), "the story's summary");
    fs::write(
        &events,
        text.replace(about, &format!("{about} {}", HOSTILE.replace("\\e", "\\u001b"))),
    )
    .expect("the events");
    scene
        .run(&["report", "events", "--format", "html", "--output", "page.html"])
        .ends_with(0);
    Some(scene.path().join("page.html"))
}

struct Browser {
    program: PathBuf,
    axe: PathBuf,
    scene: Scene,
}

impl Browser {
    fn find() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&path)
            .flat_map(|folder| ["chromium-headless-shell", "chromium"].map(|name| folder.join(name)))
            .find(|program| program.is_file());
        let axe = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../target/tools/axe/axe_playwright_python/axe.min.js");
        match program {
            Some(program) if axe.is_file() => Some(Self {
                program,
                axe,
                scene: Scene::new(),
            }),
            _ => {
                needs::skip("chromium-headless-shell and axe-core (make setup)", true);
                None
            }
        }
    }

    /// Opens the page in a frame of this width, runs the steps, and returns what they put into `told`.
    fn drive(&self, page: &Path, width: u32, steps: &str) -> Value {
        let name = page.file_name().expect("a name").to_string_lossy().into_owned();
        let driver = format!(
            "<!DOCTYPE html><title>driver</title><iframe id=frame src=\"{name}\" style=\"border:0;width:{width}px;height:900px\"></iframe>\
             <pre id=told></pre><script>
             const frame = document.getElementById('frame'), told = {{errors: []}};
             const pause = ms => new Promise(done => setTimeout(done, ms));
             frame.onload = async () => {{ frame.onload = null;
               frame.contentWindow.addEventListener('error', e => told.errors.push(String(e.message)));
               try {{ {steps} }} catch (e) {{ told.errors.push(String(e)); }}
               document.getElementById('told').textContent = encodeURIComponent(JSON.stringify(told));
             }};</script>"
        );
        let file = page.with_file_name("driver.html");
        fs::write(&file, driver).expect("the driver");
        let told = self.said(&file, "told");
        assert_eq!(told["errors"], serde_json::json!([]), "script errors");
        told
    }

    /// Checks that axe-core finds nothing wrong, in light and dark.
    fn accessible(&self, page: &Path) {
        let text = fs::read_to_string(page).expect("the page");
        let policy = text
            .find("<meta http-equiv=\"Content-Security-Policy\"")
            .expect("a policy");
        let end = policy + text[policy..].find('>').expect("its end") + 1;
        let axe = fs::read_to_string(&self.axe).expect("axe-core");
        for scheme in ["light", "dark"] {
            // The browser has no switch for it: the page's own rules for the scheme are made to apply.
            let text = format!("{}{}", &text[..policy], &text[end..]).replace(
                "(prefers-color-scheme: dark)",
                if scheme == "dark" { "all" } else { "not all" },
            );
            let copy = page.with_file_name("axe.html");
            let script = format!(
                "<script>{axe}</script><script>addEventListener('load', async () => {{
                   const found = await axe.run(document, {{resultTypes: ['violations']}});
                   const wrong = found.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 120)]);
                   const out = document.createElement('pre'); out.id = 'axe-found'; out.textContent = encodeURIComponent(JSON.stringify([found.passes.length, wrong]));
                   document.body.append(out); }});</script></body>"
            );
            let at = text.rfind("</body>").expect("a body");
            fs::write(&copy, format!("{}{script}{}", &text[..at], &text[at + 7..])).expect("the copy");
            let found = self.said(&copy, "axe-found");
            assert!(
                found[0].as_u64().is_some_and(|passes| passes > 5),
                "axe-core looked: {found}"
            );
            assert_eq!(found[1], serde_json::json!([]), "{scheme}");
        }
    }

    /// What the scripts of a document left in an element, by its id.
    fn said(&self, file: &Path, id: &str) -> Value {
        let dom = self.open(file);
        let text = dom
            .split(&format!("<pre id=\"{id}\">"))
            .nth(1)
            .and_then(|rest| rest.split("</pre>").next());
        let text = decoded(text.unwrap_or_default());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}: {dom:.2000}"))
    }

    /// The document after its scripts ran.
    fn open(&self, file: &Path) -> String {
        let home = tempfile::tempdir().expect("a folder");
        let output = Command::new(&self.program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--allow-file-access-from-files",
                "--window-size=1400,1000",
                "--virtual-time-budget=20000",
                "--timeout=60000",
                "--dump-dom",
            ])
            .arg(format!("--user-data-dir={}", home.path().display()))
            .arg(format!("file://{}", file.display()))
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .output()
            .expect("the browser");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// What `encodeURIComponent` wrote.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match code.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
