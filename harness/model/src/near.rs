//! The name that was meant by a name that does not exist.

/// More names than this are not listed in a message.
const MOST: usize = 24;

/// The candidate that is most similar to the name, if one is similar at all.
#[must_use]
pub fn near<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let lower = name.to_lowercase();
    let (mut best, mut longer) = (None, Vec::new());
    for candidate in candidates {
        let distance = distance(&lower, candidate);
        // Among equally distant ones, a wrong letter is likelier than a missing one.
        let rank = (distance, candidate.len().abs_diff(name.len()), candidate);
        if is_near(distance, name, candidate) && best.is_none_or(|best| rank < best) {
            best = Some(rank);
        }
        if name.len() > 1 && candidate.starts_with(name) {
            longer.push(candidate);
        }
    }
    match (best, longer.as_slice()) {
        (Some((_, _, candidate)), _) => Some(candidate),
        (None, [candidate]) => Some(*candidate),
        _ => None,
    }
}

fn distance(lower: &str, candidate: &str) -> usize {
    strsim::damerau_levenshtein(lower, &candidate.to_lowercase())
}

/// A third of the letters may be wrong; in a short word one.
fn is_near(distance: usize, name: &str, candidate: &str) -> bool {
    let letters = name.chars().count().max(candidate.chars().count());
    distance <= (letters / 3).clamp(1, 6) && distance < letters
}

/// What to do about a name that does not exist: the name that was meant, or the existing ones.
#[must_use]
pub fn help<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str> + Clone) -> Option<String> {
    if let Some(meant) = near(name, candidates.clone()) {
        return Some(format!("did you mean `{meant}`?"));
    }
    let mut all: Vec<&str> = candidates.into_iter().take(MOST + 1).collect();
    if all.is_empty() || all.len() > MOST {
        return None;
    }
    all.sort_unstable();
    Some(format!("there are {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_seen_and_another_word_is_not() {
        let names = ["maskedPaths", "readonlyPaths", "TERM", "crun", "runc"];
        for (name, meant) in [
            ("maskedPath", Some("maskedPaths")),
            ("MaskedPaths", Some("maskedPaths")),
            ("TRM", Some("TERM")),
            ("cron", Some("crun")),
            ("readonly", Some("readonlyPaths")),
            ("nobody", None),
            // One letter says too little.
            ("c", None),
            ("", None),
        ] {
            assert_eq!(near(name, names), meant, "{name}");
        }
        assert_eq!(near("a", ["b"]), None, "no letter is the same");
        assert_eq!(help("xyz", ["b", "a"]).as_deref(), Some("there are a, b"));
        assert_eq!(help("a1", ["b22", "a12"]).as_deref(), Some("did you mean `a12`?"));
    }

    #[test]
    fn names_are_listed_where_there_are_few() {
        let names: Vec<String> = (0..=MOST).map(|at| format!("{at:04}")).collect();
        let of = |count: usize| help("zzzzzzzz", names.iter().take(count).map(String::as_str));
        assert_eq!(of(0), None);
        assert!(of(1).is_some() && of(MOST).is_some());
        assert_eq!(of(MOST + 1), None);
    }
}
