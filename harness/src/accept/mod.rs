//! Rewrites known files. What people wrote stays as they wrote it: the file is changed one group at a time, and a group
//! that still shows as written is not touched.
//!
//! A run shows what its runtimes do in their versions, on its machine, and nothing else. So only the versions that were
//! run are changed: a value of `crun =1.28` is added, and what is written about other versions of crun, and about
//! runtimes that did not take part, stays. Nothing here knows a cause: what is new is `unexplained`, which `lint` asks
//! about.

mod items;
#[cfg(test)]
mod tests;

use ocidiff_model::known::{Group, Item, KnownFile, Machine, RuntimeKey, When, stands_for};
use ocidiff_model::{Catalogue, FindingId, Range, RuntimeId, Value};

use self::items::{exactly, items, unexplained, writable};
use crate::corpus::print;

/// A difference that was observed, or that did not show.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The fact's path.
    pub fact: String,
    /// The member of the family that showed it.
    pub member: Option<String>,
    /// It is written down, but did not show.
    pub gone: bool,
    /// It is written down, and shows as written.
    pub known: bool,
    /// What the case expects, if some runtime does not show it.
    pub expected: Option<Value>,
    /// What each runtime shows, the reference's first.
    pub values: Vec<(RuntimeId, Option<Value>)>,
}

/// Why a file cannot be rewritten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not a known file.
    #[error("failed to read it: {0}")]
    Parse(String),
    /// What is written has no values that could be changed.
    #[error(
        "failed to write {0} down: what is written of it is the names of findings; mend their `affects` and `shows`, or write \
         the values in their place"
    )]
    ByFindings(String),
    /// Its groups cannot be distinguished in its text.
    #[error("failed to find its groups: write each as a line that opens with `- ` at the left edge")]
    Layout,
    /// What people wrote would be lost.
    #[error(
        "failed to rewrite it: the comment in line {0} would be lost; move it to the head of the file, or into a `reason`"
    )]
    Comment(usize),
    /// What it shows could only be written for all versions.
    #[error(
        "failed to write {fact} down: the version of {who} is not known, so the value would be written for every version"
    )]
    Versionless {
        /// The fact.
        fact: String,
        /// The runtime.
        who: String,
    },
    /// What it shows would read as something else.
    #[error("failed to write {fact} down: {who} shows `*`, which in a known file stands for any value")]
    Any {
        /// The fact.
        fact: String,
        /// The runtime.
        who: String,
    },
    /// Two programs that claim to be the same show different values.
    #[error("failed to write {fact} down: two programs that say they are {who} show different values of it")]
    Twins {
        /// The fact.
        fact: String,
        /// Name and version.
        who: String,
    },
}

/// What is known besides the file.
#[derive(Debug, Clone, Copy)]
pub struct Knowledge<'a> {
    /// The machine on which the run was made.
    pub machine: &'a Machine,
    /// Every finding.
    pub catalogue: &'a Catalogue,
    /// The existing runtimes.
    pub runtimes: &'a [String],
    /// The members of the case's family.
    pub members: &'a [String],
}

/// A group and the text that contains it.
struct Block {
    text: String,
    group: Group,
    /// How it looks in the file, if it is there: the line before it, and whether it is unchanged.
    before: Option<(usize, String)>,
}

impl Block {
    fn new(group: Group) -> Self {
        Self {
            text: print::group(&group),
            group,
            before: None,
        }
    }

    fn set(&mut self, group: Group) {
        self.text = print::group(&group);
        self.group = group;
    }

    /// The line of a comment that was lost with its old text.
    fn lost(&self) -> Option<usize> {
        let (above, before) = self.before.as_ref().filter(|(_, before)| *before != self.text)?;
        let groups: KnownFile = serde_yaml::from_str(before).ok()?;
        let printed: String = groups.0.iter().map(print::group).collect();
        print::comment_in(before, &printed).map(|line| above + line)
    }
}

/// The text of the file after the observations; empty when nothing is left to write. Groups that are about
/// machines other than this one stay as they are.
///
/// # Errors
/// See [`Error`].
pub fn rewrite(before: &str, observed: &[Observed], knowledge: Knowledge<'_>) -> Result<String, Error> {
    let whole;
    let before = match before.is_empty() || before.ends_with('\n') {
        true => before,
        // Otherwise what comes next would continue its last line.
        false => {
            whole = format!("{before}\n");
            whole.as_str()
        }
    };
    let (head, mut blocks) = split(before)?;
    for seen in observed.iter().filter(|seen| !seen.known) {
        let at = blocks
            .iter()
            .position(|block| has_values(&block.group, seen, knowledge.machine));
        match at {
            Some(at) => update(&mut blocks, at, seen, knowledge)?,
            None if seen.gone => {}
            None if blocks
                .iter()
                .any(|block| speaks_of(&block.group, seen, knowledge.machine)) =>
            {
                return Err(Error::ByFindings(seen.fact.clone()));
            }
            None => {
                let group = Group {
                    members: seen.member.iter().cloned().collect(),
                    when: parted_from(&blocks, seen, knowledge.machine),
                    rate: None,
                    facts: [(seen.fact.clone(), items(seen)?.into())].into(),
                };
                put(&mut blocks, group);
            }
        }
    }
    if let Some(line) = blocks.iter().find_map(Block::lost) {
        return Err(Error::Comment(line));
    }
    blocks.retain(|block| !block.group.facts.is_empty());
    let body: String = blocks.iter().map(|block| block.text.as_str()).collect();
    Ok(if body.trim().is_empty() {
        String::new()
    } else {
        format!("{head}{body}")
    })
}

/// Whether something is written there about what was observed.
fn speaks_of(group: &Group, seen: &Observed, machine: &Machine) -> bool {
    machine.is_meant_by(group.when.as_ref())
        && group.is_about(seen.member.as_deref())
        && group.facts.contains_key(&seen.fact)
}

/// Whether that has values: what a finding's `shows` says is corrected there.
fn has_values(group: &Group, seen: &Observed, machine: &Machine) -> bool {
    let said = group.facts.get(&seen.fact);
    speaks_of(group, seen, machine) && said.is_some_and(|said| said.shown().is_empty())
}

/// On which machines a new group applies: if others about the same fact say where they apply, it must say so too.
fn parted_from(blocks: &[Block], seen: &Observed, machine: &Machine) -> Option<When> {
    let others = || {
        let groups = blocks.iter().map(|block| &block.group);
        groups
            .filter(|group| group.facts.contains_key(&seen.fact) && group.is_about(seen.member.as_deref()))
            .filter_map(|group| group.when.as_ref())
    };
    let when = When {
        cgroup: others()
            .any(|when| when.cgroup.is_some())
            .then_some(machine.cgroup),
        arch: others()
            .any(|when| when.arch.is_some())
            .then(|| machine.arch.clone()),
        kernel: others()
            .any(|when| when.kernel.is_some())
            .then(|| this_kernel(machine)),
        via: None,
    };
    (when != When::default()).then_some(when)
}

/// The range of this machine's kernel alone, as nothing is known of others.
fn this_kernel(machine: &Machine) -> Range {
    let range = format!("={}", machine.kernel).parse();
    range.unwrap_or_else(|_| Range::all())
}

fn split(text: &str) -> Result<(String, Vec<Block>), Error> {
    let known: Option<KnownFile> =
        serde_yaml::from_str(text).map_err(|error| Error::Parse(error.to_string()))?;
    let groups = known.unwrap_or_default().0;
    let mut head = String::new();
    let mut texts: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        if line.starts_with("- ") || line == "-\n" {
            texts.push(line.to_owned());
        } else {
            texts.last_mut().unwrap_or(&mut head).push_str(line);
        }
    }
    if texts.len() != groups.len() || (groups.is_empty() && !is_blank(&head)) {
        return Err(Error::Layout);
    }
    let mut above = head.lines().count();
    let blocks = texts.into_iter().zip(groups).map(|(text, group)| {
        let before = Some((above, text.clone()));
        above += text.lines().count();
        Block { text, group, before }
    });
    Ok((head, blocks.collect()))
}

/// Whether a text consists of comments and empty lines only.
fn is_blank(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.all(|line| line.is_empty() || line.starts_with('#'))
}

/// The fact gets what this run has shown for it, for this member alone.
fn update(
    blocks: &mut Vec<Block>,
    at: usize,
    seen: &Observed,
    knowledge: Knowledge<'_>,
) -> Result<(), Error> {
    let mut rest = blocks[at].group.clone();
    let Some(before) = rest.facts.remove(&seen.fact) else {
        return Ok(());
    };
    let mut own = Group {
        facts: [(seen.fact.clone(), before.clone())].into(),
        ..rest.clone()
    };
    if own.members.iter().any(|name| name.contains('*')) {
        // What is meant without this member has no pattern.
        let is_meant = |member: &&String| rest.is_about(Some(member));
        own.members = knowledge.members.iter().filter(is_meant).cloned().collect();
    }
    let others: Vec<String> = match &seen.member {
        Some(member) => own
            .members
            .iter()
            .filter(|name| *name != member)
            .cloned()
            .collect(),
        None => Vec::new(),
    };
    let left = if is_of_these_alone(before.items(), seen) {
        // No cause has been given, and all that are named took part: nothing is lost with it.
        if seen.gone { None } else { Some(items(seen)?) }
    } else {
        Some(changed(&own, before.items().to_vec(), seen, knowledge)?)
    };
    blocks[at].set(rest);
    if !others.is_empty() {
        put(
            blocks,
            Group {
                members: others,
                facts: [(seen.fact.clone(), before)].into(),
                ..own.clone()
            },
        );
    }
    if let Some(items) = left {
        // A group for all members stays one, unless only this member differs.
        if let (Some(member), false) = (&seen.member, own.members.is_empty()) {
            own.members = vec![member.clone()];
        }
        own.facts.insert(seen.fact.clone(), items.into());
        put(blocks, own);
    }
    Ok(())
}

/// Whether no finding is named, and all runtimes that the items name took part.
fn is_of_these_alone(items: &[Item], seen: &Observed) -> bool {
    let took_part = |key: &RuntimeKey| seen.values.iter().any(|(runtime, _)| runtime.name == key.name);
    items.iter().all(|item| match item {
        Item::Because(item) => {
            item.because.ids().iter().all(FindingId::is_unexplained) && item.who.iter().all(took_part)
        }
        Item::Otherwise(_) => true,
    })
}

/// The items with the values of those versions that show something other than what is written.
fn changed(
    group: &Group,
    mut items: Vec<Item>,
    seen: &Observed,
    knowledge: Knowledge<'_>,
) -> Result<Vec<Item>, Error> {
    let entries = group.entries(knowledge.catalogue, knowledge.runtimes);
    let entry = entries.ok().and_then(|mut entries| entries.pop());
    for (runtime, value) in seen.values.iter().rev() {
        writable(seen, runtime, value.as_ref())?;
        let written = entry.as_ref().and_then(|entry| entry.value_for(runtime));
        if !written.is_some_and(|written| stands_for(written, value.as_ref())) {
            items.insert(0, unexplained(exactly(runtime, seen)?, value.as_ref()));
        }
    }
    items.dedup();
    Ok(items)
}

/// Puts the group's facts next to similar ones; members that show the same share a group.
fn put(blocks: &mut Vec<Block>, group: Group) {
    let alike = |other: &Group| {
        other.when == group.when && other.rate == group.rate && other.members == group.members
    };
    if let Some(block) = blocks.iter_mut().find(|block| alike(&block.group)) {
        let mut all = block.group.clone();
        all.facts.extend(group.facts);
        block.set(all);
        return;
    }
    let shares = |other: &Group| {
        other.when == group.when
            && other.rate == group.rate
            && other.facts == group.facts
            && !other.members.is_empty()
            && !group.members.is_empty()
    };
    match blocks.iter_mut().find(|block| shares(&block.group)) {
        Some(block) => {
            let mut all = block.group.clone();
            all.members.extend(group.members);
            block.set(all);
        }
        None => blocks.push(Block::new(group)),
    }
}
