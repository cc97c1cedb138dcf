//! A workload's own program: where it is not certain that it can be started, the probe is started in the same way.
//!
//! Nothing of the workload is executed. A program that exists is replaced by the probe, with the same owner and mode; a
//! program that the kernel cannot execute is given to the runtimes as it is, to get their own words.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ocidiff_model::FileSpec;
use serde_json::{Value, json};

use super::UNCHECKED;
use super::format::{Format, format, loaded};
use super::mounts::options;
use super::tame::Tamed;
use super::tree::{Found, Place, Tree, names_folder};
use crate::cell::stand_in::{Kind, Node, StandIn};

/// How many levels of interpreters are followed.
const DEPTH: usize = 4;

/// In place of a file that is neither a program nor names its interpreter: a runtime that leaves it to a shell starts
/// the probe.
const BY_SHELL: &str = "exec /.ocidiff/probe facts\n";
/// In place of another machine's program, which a shell would treat as a script.
const NOTHING: &str = "exit 126\n";

/// How a workload's program is tried.
enum Way {
    /// The probe, from its own place: nothing is known about the program.
    Unknown,
    /// The probe, from its own place: every runtime finds and executes the program.
    Usual,
    /// The probe in the program's place, under the program's name: in each place where a runtime may find it.
    Covered(Vec<Cover>),
    /// The program itself, which cannot be executed.
    Itself,
}

/// What covers a file: this text, or the probe.
struct Cover {
    place: Place,
    text: Option<&'static str>,
}

/// Changes the probe's copy so that the program of this config is started in its own way. Returns the copy as it should
/// be read: with the program's name, if the copy starts the way the program does.
pub(crate) fn place(tamed: &mut Tamed, config: &Value, program: &str, layers: &[PathBuf]) -> Value {
    let look = Look {
        tree: Tree::of(config, layers),
        config,
    };
    let args = match look.way(program) {
        Way::Unknown => {
            tamed.changes.push(format!(
                "{UNCHECKED}its program was not tried, since it lies in a mount or a folder that cannot be looked at"
            ));
            return tamed.config.clone();
        }
        Way::Usual => return like(tamed, config, program),
        Way::Itself => {
            tamed.alone = true;
            json!([program])
        }
        Way::Covered(all) => {
            for Cover { place, text } in &all {
                match place.mount {
                    None => cover(tamed, place, *text),
                    Some(mount) => cover_in_mount(tamed, config, mount, place),
                }
            }
            let mut args = tamed.config["process"]["args"].take();
            args[0] = program.into();
            args
        }
    };
    tamed.config["process"]["args"] = args;
    if !program.contains('/') {
        keep_path(&mut tamed.config, config);
    }
    like(tamed, config, program)
}

/// The copy with the workload's own arguments.
fn like(tamed: &Tamed, config: &Value, program: &str) -> Value {
    let mut like = tamed.config.clone();
    let args = &mut like["process"]["args"];
    args.clone_from(&config["process"]["args"]);
    if args[0] != program {
        *args = json!([program]);
    }
    like
}

/// The search for a program covers the same folders.
fn keep_path(tamed: &mut Value, config: &Value) {
    let theirs = config["process"]["env"].as_array().into_iter().flatten();
    let own = tamed["process"]["env"].as_array_mut().into_iter().flatten();
    for (own, theirs) in own.zip(theirs) {
        if theirs.as_str().is_some_and(|text| text.starts_with("PATH=")) {
            own.clone_from(theirs);
        }
    }
}

fn mode(seen: &Metadata) -> String {
    format!("{:o}", seen.mode() & 0o7777)
}

fn cover(tamed: &mut Tamed, place: &Place, text: Option<&str>) {
    let spec = |seen: &Metadata| FileSpec {
        mode: Some(mode(seen)),
        uid: seen.uid(),
        gid: seen.gid(),
        ..FileSpec::default()
    };
    for (path, seen) in &place.above {
        tamed.files.insert(format!("{}/", path.display()), spec(seen));
    }
    let at = place.at.display().to_string();
    let program = FileSpec {
        probe: text.is_none(),
        text: text.map(str::to_owned),
        ..spec(&place.seen)
    };
    tamed.files.insert(at, program);
}

/// The stand-in of a mount gets what the host's folder has at that place.
fn cover_in_mount(tamed: &mut Tamed, config: &Value, mount: usize, place: &Place) {
    let source = tamed.config["mounts"][mount]["source"].as_str();
    let index = (0..tamed.stand_ins.len()).find(|at| Some(&*tamed.stand_ins[*at].path(*at)) == source);
    let point = config["mounts"][mount]["destination"].as_str().unwrap_or("/");
    let (Some(index), Ok(below)) = (index, place.at.strip_prefix(point)) else {
        return;
    };
    let stand_in = &mut tamed.stand_ins[index];
    let node = |seen: &Metadata, kind| Node {
        kind,
        mode: seen.mode() & 0o7777,
        uid: seen.uid(),
        gid: seen.gid(),
    };
    if below.as_os_str().is_empty() {
        stand_in.node = node(&place.seen, Kind::Probe);
        return;
    }
    for (path, seen) in &place.above {
        if let Ok(folder) = path.strip_prefix(point)
            && !folder.as_os_str().is_empty()
        {
            put(stand_in, folder, node(seen, Kind::Folder));
        }
    }
    put(stand_in, below, node(&place.seen, Kind::Probe));
}

fn put(stand_in: &mut StandIn, path: &Path, node: Node) {
    let path = path.display().to_string();
    match stand_in.inside.iter_mut().find(|(there, _)| *there == path) {
        Some((_, there)) => *there = node,
        None => stand_in.inside.push((path, node)),
    }
}

/// Whether it is a file of the host that a link leads to: a link in a folder of the host is not in what stands in for it.
fn is_behind_link(place: &Place, path: &Path) -> bool {
    place.mount.is_some() && place.at != path
}

/// What is known about a program.
struct Look<'a> {
    tree: Tree<'a>,
    config: &'a Value,
}

impl Look<'_> {
    fn way(&self, program: &str) -> Way {
        if program.is_empty() {
            return Way::Itself;
        }
        if !program.contains('/') {
            return self.searched(program);
        }
        // The kernel refuses a file under a folder's name; a runtime that goes by components may start it.
        let as_folder = names_folder(Path::new(program));
        let path: PathBuf = self.beside_cwd(program).components().collect();
        match self.tree.find(&path) {
            Found::Unknown => Way::Unknown,
            Found::Absent | Found::Folder => Way::Itself,
            Found::File(place) if is_behind_link(&place, &path) => Way::Unknown,
            Found::File(place) => self.of(place, program.starts_with('/') && !as_folder),
        }
    }

    /// A path in the container, which may be relative.
    fn beside_cwd(&self, path: &str) -> PathBuf {
        let cwd = self.config["process"]["cwd"].as_str().unwrap_or("/");
        Path::new("/").join(cwd).join(path)
    }

    /// For a name without a folder.
    fn searched(&self, program: &str) -> Way {
        let variables = self.config["process"]["env"].as_array().into_iter().flatten();
        let paths = variables.filter_map(|one| one.as_str()?.strip_prefix("PATH="));
        let mut paths: Vec<&str> = paths.collect();
        // In any unusual situation, not all runtimes do the same.
        let mut usual = paths.len() == 1;
        if paths.is_empty() {
            paths.push(crate::paths::PATH);
        }
        let mut found = Vec::new();
        for folder in paths.iter().flat_map(|path| path.split(':')) {
            usual &= folder.starts_with('/');
            let file = Path::new(folder).join(program);
            let path = self.beside_cwd(&file.to_string_lossy());
            match self.tree.find(&path) {
                Found::Unknown => return Way::Unknown,
                Found::Absent => continue,
                Found::Folder => {}
                Found::File(place) if is_behind_link(&place, &path) => return Way::Unknown,
                Found::File(place) => match self.of(place, usual) {
                    Way::Covered(mut all) => found.append(&mut all),
                    Way::Usual => return Way::Usual,
                    // The search continues, or it does not.
                    _ => {}
                },
            }
            usual = false;
        }
        match found.is_empty() {
            true => Way::Itself,
            false => Way::Covered(found),
        }
    }

    fn of(&self, place: Place, usual: bool) -> Way {
        let hosts = place.mount.is_some();
        if !place.seen.is_file() {
            return Way::Itself;
        }
        if !hosts && self.is_too_big(&place.real) {
            return Way::Itself;
        }
        // The content of the host's files is not examined.
        let text = match (hosts, format(&place.real)) {
            (false, Format::Nothing) => Some(BY_SHELL),
            (false, Format::Foreign) => Some(NOTHING),
            (false, Format::By(other)) if !self.is_there(&other, DEPTH) => return Way::Itself,
            _ if usual && self.may_run(&place) => return Way::Usual,
            _ => None,
        };
        Way::Covered(vec![Cover { place, text }])
    }

    /// Whether the kernel can execute what a program is executed by, or this is not known.
    fn is_there(&self, path: &Path, depth: usize) -> bool {
        let place = match self.tree.find(path) {
            Found::Unknown => return true,
            Found::Absent | Found::Folder => return false,
            Found::File(place) => place,
        };
        match format(&place.real) {
            _ if place.mount.is_some() => true,
            _ if self.is_too_big(&place.real) => false,
            Format::Itself | Format::Unknown => true,
            Format::Nothing | Format::Foreign => false,
            Format::By(other) => depth > 0 && self.is_there(&other, depth - 1),
        }
    }

    /// Whether the kernel cannot load it, since its process may not have that much memory; the probe is smaller.
    fn is_too_big(&self, program: &Path) -> bool {
        let list = self.config["process"]["rlimits"].as_array();
        let most = list.into_iter().flatten().find(|one| one["type"] == "RLIMIT_AS");
        most.and_then(|one| one["soft"].as_u64())
            .is_some_and(|most| loaded(program).is_some_and(|bytes| bytes > most))
    }

    /// Whether nothing prevents its user from executing it.
    fn may_run(&self, place: &Place) -> bool {
        // Some runtimes look at the permissions of others, whoever the user is.
        let open =
            place.seen.mode() & 0o001 != 0 && place.above.iter().all(|(_, seen)| seen.mode() & 0o001 != 0);
        let mount = place.mount.and_then(|at| self.config["mounts"][at].as_object());
        let closed = mount.is_some_and(|mount| options(mount).any(|one| one == "noexec"));
        let masked = self
            .config
            .pointer("/linux/maskedPaths")
            .and_then(Value::as_array);
        let is_masked = |path: &Value| path.as_str().is_some_and(|path| place.at.starts_with(path));
        open && !closed && !masked.is_some_and(|all| all.iter().any(is_masked))
    }
}
