//! Lives of a container: one that is made again under its name has facts of its own each time. Those of the second
//! life carry `#2`, as labels of steps do.

use crate::fact::{Channel, Fact};
use crate::facts;
use crate::step::{Op, Step};

/// For each step the life that its container is in: which of the steps that make it came last.
#[must_use]
pub fn lives(steps: &[Step]) -> Vec<u32> {
    lives_of(steps.iter().map(|step| (step.container(), step.op)))
}

/// The same for steps of which the container and the operation are known.
pub(crate) fn lives_of<'s>(steps: impl Iterator<Item = (&'s str, Op)>) -> Vec<u32> {
    let mut made = std::collections::BTreeMap::new();
    let mut lives = Vec::new();
    for (container, op) in steps {
        let life = made.entry(container).or_insert(0);
        *life += u32::from(op.makes_container());
        // What comes before is a step of the first life, whatever becomes of it.
        lives.push((*life).max(1));
    }
    lives
}

/// What a life of a container is called: `main`, and `main#2` if it is made again.
#[must_use]
pub fn name_of(container: &str, life: u32) -> String {
    match life {
        0 | 1 => container.to_owned(),
        later => format!("{container}#{later}"),
    }
}

/// The path of a fact in a life of its container: `process.exit#2` in the second. What can come more than once in a
/// life carries both counts then: `syscall.mkdir#1#2` is the first mkdir of the second life.
#[must_use]
pub fn path_in(path: &str, life: u32) -> String {
    if life <= 1 {
        return path.to_owned();
    }
    let repeats = facts::find(path).is_some_and(|found| found.kind.repeats());
    if repeats && facts::without_count(path) == path {
        return format!("{path}#1#{life}");
    }
    format!("{path}#{life}")
}

/// Facts as those of a life.
pub fn give_life(facts: &mut [Fact], life: u32) {
    for fact in facts {
        fact.path = path_in(&fact.path, life);
    }
}

/// The life that a path is about, and the path without it.
#[must_use]
pub fn life_of(path: &str) -> (u32, &str) {
    let without = facts::without_count(path);
    let count = path[without.len()..].trim_start_matches('#');
    let Ok(count) = count.parse::<u32>() else {
        return (1, path);
    };
    let repeats = || facts::find(without).is_some_and(|found| found.kind.repeats());
    // `mkdir#2` is the second of the first life.
    if is_of_whole_run(path) || (facts::without_count(without) == without && repeats()) {
        return (1, path);
    }
    (count, without)
}

/// The path that a fact would have in the first life: `proc.umask` for `proc.umask#1#2`.
#[must_use]
pub fn in_first(path: &str) -> &str {
    parts_of(path).1
}

/// The life that a path is about, and the path in the first one.
fn parts_of(path: &str) -> (u32, &str) {
    match life_of(path) {
        (1, path) => (1, path),
        (life, path) => (life, path.strip_suffix("#1").unwrap_or(path)),
    }
}

fn is_of_whole_run(path: &str) -> bool {
    matches!(
        Channel::of(path),
        Some(Channel::Lifecycle | Channel::Hook | Channel::File) | None
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_lives_once_for_each_step_that_makes_it() {
        let steps: Vec<Step> =
            serde_yaml::from_str("[kill, create, {create: {as: b}}, start, run, wait, {run: {as: b}}]")
                .expect("steps");
        assert_eq!(lives(&steps), [1, 1, 1, 1, 2, 2, 2]);
    }

    #[test]
    fn facts_of_a_later_life_carry_it_and_those_of_the_first_do_not() {
        for (life, path) in [(1, "process.exit"), (2, "process.exit#2"), (3, "process.exit#3")] {
            let mut facts = [Fact::new("process.exit", 0)];
            give_life(&mut facts, life);
            assert_eq!(facts[0].path, path);
        }
    }

    #[test]
    fn a_path_has_its_life_at_its_end() {
        for (path, second) in [
            ("process.exit", "process.exit#2"),
            ("process.second.stdout", "process.second.stdout#2"),
            ("proc.init.caps.eff", "proc.init.caps.eff#2"),
            ("filter.0.digest", "filter.0.digest#2"),
            ("cgroup.pids.max", "cgroup.pids.max#2"),
            ("syscall.denied", "syscall.denied#2"),
            ("syscall.mkdir", "syscall.mkdir#1#2"),
            ("syscall.mkdir(/x)#3", "syscall.mkdir(/x)#3#2"),
            ("proc.umask", "proc.umask#1#2"),
            ("proc.call.#83", "proc.call.#83#1#2"),
            ("mount./proc", "mount./proc#1#2"),
            ("mount.order", "mount.order#2"),
            ("mount.inside./proc#2", "mount.inside./proc#2#2"),
        ] {
            assert_eq!(path_in(path, 1), path);
            assert_eq!(path_in(path, 2), second);
            assert_eq!(life_of(path), (1, path));
            assert_eq!((in_first(path), in_first(second)), (path, path));
            let (life, without) = life_of(second);
            assert_eq!((life, path_in(without, 2)), (2, second.to_owned()), "{second}");
            assert_eq!(
                facts::find(second).map(|found| found.kind),
                facts::find(path).map(|found| found.kind),
                "{second}"
            );
        }
        for path in ["lifecycle.create#2.result", "hook.a.args#2", "file./x#2"] {
            assert_eq!(life_of(path), (1, path));
        }
    }
}
