//! Several actions in one process: `probe facts ids then open /x then exit 3`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::actions::{self, Action};

/// What the command line asks for.
pub struct Chain<'a> {
    /// Whether a failed action makes the exit status 1.
    pub strict: bool,
    /// The actions, in order.
    pub steps: Vec<Step<'a>>,
}

/// One action with its arguments.
pub struct Step<'a> {
    /// What to do.
    pub action: &'static Action,
    /// Its arguments.
    pub args: Vec<&'a [u8]>,
}

/// Splits the command line at `then`; all names are checked before anything is done.
///
/// An action that takes the rest (exec) keeps what follows as it is, including `then`.
pub fn parse<'a>(args: &[&'a [u8]]) -> Result<Chain<'a>, String> {
    let mut words = args.get(1..).unwrap_or_default();
    let strict = words.first() == Some(&b"--strict".as_slice());
    if strict {
        words = &words[1..];
    }
    let mut steps = Vec::new();
    loop {
        let (name, rest) = words.split_first().ok_or("an action is missing")?;
        let action = actions::find(name)
            .ok_or_else(|| format!("there is no action {:?}", String::from_utf8_lossy(name)))?;
        let end = match action.takes_rest {
            true => None,
            false => rest.iter().position(|word| *word == b"then"),
        };
        steps.push(Step {
            action,
            args: rest[..end.unwrap_or(rest.len())].to_vec(),
        });
        match end {
            Some(end) => words = &rest[end + 1..],
            None => return Ok(Chain { strict, steps }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<(&'static str, usize)>, String> {
        let words: Vec<&[u8]> = text.split(' ').map(str::as_bytes).collect();
        let chain = parse(&words)?;
        Ok(chain
            .steps
            .iter()
            .map(|step| (step.action.name, step.args.len()))
            .collect())
    }

    #[test]
    fn actions_are_split_at_then() {
        assert_eq!(
            names("probe facts ids caps then exit 3"),
            Ok(alloc::vec![("facts", 2), ("exit", 1)])
        );
        assert_eq!(names("probe --strict open /x"), Ok(alloc::vec![("open", 1)]));
    }

    #[test]
    fn exec_takes_the_rest() {
        let expected = alloc::vec![("print", 1), ("exec", 6)];
        assert_eq!(
            names("probe print a then exec /bin/probe facts then exit 3 x"),
            Ok(expected)
        );
    }

    #[test]
    fn wrong_words_are_found_before_anything_runs() {
        assert!(names("probe exit 0 then nonsense").is_err());
        assert!(names("probe print a then").is_err());
        assert!(names("probe").is_err());
    }
}
