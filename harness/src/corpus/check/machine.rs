//! What is said about machines and versions: needs of cases, and where a known difference applies.

use ocidiff_engines::Which;
use ocidiff_model::known::{ANY, When};
use ocidiff_model::names::{ARCHES, CONTROLLERS, NAMESPACE_LINKS};
use ocidiff_model::{Needs, Range, near};

use super::slip::Slip;
use crate::machine::names::{capability_names, capability_number};

/// Recorders that a case can need.
const RECORDERS: [&str; 1] = ["ebpf"];

/// A key, and what is wrong there.
pub(super) type At = (Vec<String>, Slip);

fn at(keys: &[&str], slip: Option<Slip>) -> Option<At> {
    Some((keys.iter().map(|key| (*key).to_owned()).collect(), slip?))
}

/// One of several names.
pub(super) fn one_of<'n>(
    what: &str,
    name: &str,
    names: impl IntoIterator<Item = &'n str> + Clone,
) -> Option<Slip> {
    if names.clone().into_iter().any(|known| known == name) {
        return None;
    }
    Some((format!("unknown {what} `{name}`"), near::help(name, names)))
}

/// What is wrong with a range in which no version can lie.
fn empty(range: &Range) -> Option<Slip> {
    let help = || Some("write a range such as `>=6.6, <7`".to_owned());
    (!range.can_hold()).then(|| (format!("no version can lie in `{range}`"), help()))
}

pub(super) fn needs(needs: &Needs) -> Vec<At> {
    let mut found = Vec::new();
    let mut tell = |keys: &[&str], slip| found.extend(at(keys, slip));
    // An architecture that is not in the list, and not similar to one in it, is not met anywhere, and a run
    // reports that.
    let arch = needs
        .arch
        .as_ref()
        .filter(|name| near::near(name, ARCHES).is_some());
    tell(
        &["arch"],
        arch.and_then(|name| one_of("architecture", name, ARCHES)),
    );
    tell(&["kernel"], needs.kernel.as_ref().and_then(empty));
    tell(
        &["recorder"],
        needs
            .recorder
            .as_ref()
            .and_then(|name| one_of("recorder", name, RECORDERS)),
    );
    for (index, name) in needs.controllers.iter().enumerate() {
        tell(
            &["controllers", &index.to_string()],
            one_of("controller", name, CONTROLLERS),
        );
    }
    for (index, path) in needs.paths.iter().enumerate() {
        let slip = (!path.starts_with('/')).then(|| (format!("`{path}` is not an absolute path"), None));
        tell(&["paths", &index.to_string()], slip);
    }
    for (index, name) in needs.namespaces.iter().enumerate() {
        tell(
            &["namespaces", &index.to_string()],
            one_of("namespace", name, NAMESPACE_LINKS),
        );
    }
    for (index, name) in needs.capabilities.iter().enumerate() {
        let slip = capability_number(name).is_none().then(|| {
            let short = name.strip_prefix("CAP_").unwrap_or(name);
            let help =
                near::near(short, capability_names()).map(|meant| format!("did you mean `CAP_{meant}`?"));
            (format!("unknown capability `{name}`"), help)
        });
        tell(&["capabilities", &index.to_string()], slip);
    }
    found
}

pub(super) fn when(when: &When) -> Vec<At> {
    let mut found = Vec::new();
    let mut tell = |keys: &[&str], slip| found.extend(at(keys, slip));
    tell(
        &["arch"],
        when.arch
            .as_ref()
            .and_then(|name| one_of("architecture", name, ARCHES)),
    );
    tell(&["kernel"], when.kernel.as_ref().and_then(empty));
    let engines: Vec<&str> = Which::WORDS
        .iter()
        .map(|(word, _)| *word)
        .filter(|word| !["auto", "none"].contains(word))
        .chain([ANY])
        .collect();
    tell(
        &["via"],
        when.via
            .as_ref()
            .and_then(|name| one_of("engine", name, engines.clone())),
    );
    found
}
