//! Where there may be endlessly many entries, a part is reported, the same each time, and how many more there are.

use std::collections::BinaryHeap;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::digest::hex;

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
    // As many others are not the same others.
    let mut others = Unordered::default();
    let (first, count) = first_and(all.take(COUNTED + 1), TOLD, |other| others.add(&told(other)));
    if count > COUNTED {
        return vec![format!("more than {COUNTED} entries")];
    }
    let mut told: Vec<String> = first.into_iter().map(told).collect();
    if count > told.len() {
        let digest = hex(&others.0.to_be_bytes());
        told.push(format!("and {} more, digest {digest:.16}", count - told.len()));
    }
    told
}

/// A digest of texts that does not depend on the order in which they come.
#[derive(Default)]
struct Unordered(u128);

impl Unordered {
    fn add(&mut self, text: &str) {
        let digest = Sha256::digest(text);
        let (half, _) = digest.split_at(size_of::<u128>());
        let number = half
            .iter()
            .fold(0, |number, byte| number << 8 | u128::from(*byte));
        self.0 = self.0.wrapping_add(number);
    }
}

/// The first entries in their order, up to this number, and how many there are. No more than these are kept.
pub(super) fn first<T: Ord>(all: impl Iterator<Item = T>, most: usize) -> (Vec<T>, usize) {
    first_and(all, most, |_| ())
}

/// The same; each entry that is not kept is handed over.
fn first_and<T: Ord>(all: impl Iterator<Item = T>, most: usize, mut other: impl FnMut(T)) -> (Vec<T>, usize) {
    let mut kept = BinaryHeap::new();
    let mut count = 0;
    for entry in all {
        count += 1;
        kept.push(entry);
        if kept.len() > most {
            kept.pop().into_iter().for_each(&mut other);
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
        assert_eq!(forwards.len(), 201);
        assert!(
            forwards[200].starts_with("and 800 more, digest "),
            "{}",
            forwards[200]
        );
        let other = names(&mut (0..1001).filter(|n| *n != 500));
        assert_eq!(other[..200], forwards[..200]);
        assert_ne!(other[200], forwards[200], "as many, and not the same");
        assert_eq!(names(&mut (0..)), ["more than 100000 entries"]);
    }
}
