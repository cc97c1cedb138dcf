//! Where there may be endlessly many entries, a part is reported, the same each time, and how many more there are.

use std::collections::BinaryHeap;
use std::path::PathBuf;

/// Entries of a list that are reported.
const TOLD: usize = 200;
/// Entries that are counted. Beyond this number it does not matter which they are.
const COUNTED: usize = 100_000;

/// The first entries in the order of their names, and a line for the rest.
pub(super) fn few(all: impl Iterator<Item = String>) -> Vec<String> {
    few_of(all, |name| name)
}

/// The same for paths, as they come when each folder is listed in order.
pub(super) fn few_paths(all: impl Iterator<Item = PathBuf>) -> Vec<String> {
    few_of(all, |path| path.to_string_lossy().into_owned())
}

/// A list in an order of its own; if it is too long, as [`few`].
pub(super) fn few_as_they_are(all: Vec<String>) -> Vec<String> {
    if all.len() > TOLD {
        few(all.into_iter())
    } else {
        all
    }
}

fn few_of<T: Ord>(all: impl Iterator<Item = T>, told: impl Fn(T) -> String) -> Vec<String> {
    let (first, count) = first(all.take(COUNTED + 1), TOLD);
    if count > COUNTED {
        return vec![format!("more than {COUNTED} entries")];
    }
    let mut told: Vec<String> = first.into_iter().map(told).collect();
    if count > told.len() {
        told.push(format!("and {} more", count - told.len()));
    }
    told
}

/// The first entries in their order, up to this number, and how many there are. No more than these are kept.
pub(super) fn first<T: Ord>(all: impl Iterator<Item = T>, most: usize) -> (Vec<T>, usize) {
    let mut kept = BinaryHeap::new();
    let mut count = 0;
    for entry in all {
        count += 1;
        kept.push(entry);
        if kept.len() > most {
            kept.pop();
        }
    }
    (kept.into_sorted_vec(), count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_part_is_told_in_whatever_order_they_come() {
        let names = |numbers: &mut dyn Iterator<Item = usize>| few(numbers.map(|n| format!("{n:05}")));
        assert_eq!(names(&mut (0..3).rev()), ["00000", "00001", "00002"]);
        let forwards = names(&mut (0..1000));
        assert_eq!(forwards, names(&mut (0..1000).rev()));
        assert_eq!((forwards.len(), forwards[200].as_str()), (201, "and 800 more"));
        assert_eq!(names(&mut (0..)), ["more than 100000 entries"]);
    }
}
