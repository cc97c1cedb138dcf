//! `ocidiff run --via podman` with a real Podman: the story, what is not suitable for an engine, and what is left.

use crate::support;
use crate::support::podman::prepare;
use crate::support::{dockerd, needs};

use std::fs;
use std::path::Path;

use dockerd::private::{Private, box_rootfs, is_on_path, needs as programs};
use ocidiff_model::event::CaseReport;
use ocidiff_model::{Value, Verdict};
use support::Scene;
use support::events::Events;

const NAMES: [&str; 3] = ["runc", "crun", "youki"];

/// Called with the folder, the parent of the cgroups, and `ocidiff`; then the runtimes' options.
const SCRIPT: &str = r#"
cd "$1" && parent=$2 ocidiff=$3 && shift 3
export CONTAINERS_CONF="$PWD/containers.conf" CONTAINERS_STORAGE_CONF="$PWD/storage.conf"
things() { podman ps --all --quiet --no-trunc; podman images --all --quiet --no-trunc; }
via="--via podman --cgroup-parent $parent"
few="--network none --cgroup-parent $parent --ulimit host"
podman import -q box.tar localhost/box:1
podman create --name theirs $few localhost/box:1 /bin/true
# Looks like one of ours, but is from elsewhere: nobody here knows whether its ocidiff lives.
podman create --name far $few --label ocidiff.run=ocidiff.4194305.1 --label ocidiff.place=elsewhere localhost/box:1 /bin/true
things >before

"$ocidiff" run $via "$@" seccomp/tar-setgid process/args 'process/args-none*' hooks/order 'mounts/bind-form*' \
  --json events --records records >run.out 2>run.err
echo $? >run.status
things >after-run

"$ocidiff" run $via "$@" 'process/rlimit*' 'process/args*' >killed.out 2>killed.err &
pid=$!
for try in $(seq 600); do
  [ "$(things | wc -l)" -gt "$(wc -l <before)" ] && break
  sleep 0.1
done
kill -KILL $pid
things >while-killed
# It may have been about to make one more.
sleep 2
"$ocidiff" clean --via podman >clean.out 2>clean.err
echo $? >clean.status
things >after-clean
"$ocidiff" run --via podman --socket /x process/args >wrong.out 2>wrong.err
echo $? >wrong.status
touch done
sleep 1000
"#;

/// The folder of the script, once it has finished; `None` if there is no Podman.
fn ran() -> Option<Private> {
    programs(&["podman", "conmon", "bash"])?;
    // Podman 5 writes an ociVersion that the default crun does not know.
    let found: Vec<_> = ["runc", "crun@1.21", "youki"]
        .iter()
        .map(|name| needs::runtime(name))
        .collect::<Option<_>>()?;
    let folder = Private::folder();
    let at = |name: &str| folder.path().join(name);
    box_rootfs(&at("box"))?;
    prepare(folder.path());
    let storage = format!(
        "[storage]\ndriver=\"overlay\"\ngraphroot=\"{}\"\nrunroot=\"/run/containers-of-a-test\"\n",
        at("storage").display()
    );
    fs::write(at("storage.conf"), storage).expect("a config");
    let cgroup = Private::cgroup_of(&folder);
    let scene = Scene::new();
    let ocidiff = scene.command(&[]).get_program().to_string_lossy().into_owned();
    let mut words = ["env", "-u", "OCIDIFF_HOME", "bash", "-c", SCRIPT, "bash"]
        .map(str::to_owned)
        .to_vec();
    words.extend([folder.path().display().to_string(), cgroup, ocidiff]);
    for (name, path) in NAMES.iter().zip(&found) {
        words.extend(["--runtime".to_owned(), format!("{name}={}", path.display())]);
    }
    let done = at("done");
    let mut podman = Private::start(folder, &words);
    for _ in 0..6 {
        if podman.comes_up(|| done.exists()) {
            return Some(podman);
        }
    }
    panic!("the script did not come to its end; its words are above")
}

fn text(podman: &Private, name: &str) -> String {
    fs::read_to_string(podman.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn exits(records: &Path, case: &str) -> Vec<Option<Value>> {
    let exit = |name: &str| {
        let text = fs::read_to_string(records.join(case).join(format!("{name}.json"))).expect("a record");
        let record: ocidiff_model::Record = serde_json::from_str(&text).expect("a record");
        assert!(
            text.contains("engine.config.process.args"),
            "{case} {name}: {text}"
        );
        record
            .facts
            .into_iter()
            .find(|fact| fact.path == "process.exit")
            .map(|fact| fact.value)
    };
    NAMES.iter().map(|name| exit(name)).collect()
}

#[test]
fn the_story_shows_through_podman_and_nothing_is_left() {
    assert!(is_on_path("sh"));
    let Some(podman) = ran() else { return };
    let said = || {
        format!(
            "{}\n{}\n{}",
            text(&podman, "run.out"),
            text(&podman, "run.err"),
            podman.log()
        )
    };
    assert_eq!(text(&podman, "run.status"), "0\n", "{}", said());
    let told = Events::read(&podman.path("events"));
    assert!(
        told.via().is_some_and(|via| via.starts_with("podman ")),
        "{}",
        said()
    );
    let cases: Vec<&CaseReport> = told.cases().collect();
    let of = |name: &str| {
        let mut all = cases.iter().filter(|report| report.case.starts_with(name));
        all.next().unwrap_or_else(|| panic!("{name}: {}", said()))
    };
    assert_eq!(of("seccomp/tar-setgid").verdict, Verdict::Known, "{}", said());
    let story = [0, 2, 2].map(|code| Some(Value::Int(code)));
    assert_eq!(exits(&podman.path("records"), "seccomp/tar-setgid"), story);
    for (name, why) in [
        ("hooks/order", "the engine has no setting for config.hooks"),
        ("process/args-none", "the engine wants a program in process.args"),
        (
            "mounts/bind-form[source-symlink]",
            "a mount of type bind is not one that the engine makes",
        ),
    ] {
        let report = of(name);
        assert_eq!(report.verdict, Verdict::Skipped, "{report:#?}");
        let said = report.why.as_deref().unwrap_or_default();
        assert!(said.ends_with(why), "{name}: {said}");
    }
    let agreed = cases
        .iter()
        .filter(|report| report.verdict == Verdict::Agree)
        .count();
    assert!(agreed > 3, "{}", said());

    // What is not ours stays, and what is ours is removed, even after kill -9.
    let before = text(&podman, "before");
    assert_eq!(text(&podman, "after-run"), before);
    assert_ne!(
        text(&podman, "while-killed"),
        before,
        "{}",
        text(&podman, "killed.err")
    );
    let cleaned = text(&podman, "clean.err");
    assert_eq!(text(&podman, "clean.status"), "0\n", "{cleaned}");
    assert!(cleaned.contains("is another machine's"), "{cleaned}");
    assert_eq!(text(&podman, "after-clean"), before, "{cleaned}");
    assert_eq!(text(&podman, "wrong.status"), "2\n");
    let wrong = text(&podman, "wrong.err");
    assert!(wrong.contains("--socket is not for podman"), "{wrong}");
}
