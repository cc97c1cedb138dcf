//! How the probe reports: one JSON object per line on stdout.

use alloc::string::String;

use crate::json::{self, Value};
use crate::sys;

/// Facts that wait to be written. An action's facts go out in a single write, before the next action.
#[derive(Default)]
pub struct Report {
    lines: String,
    failed: bool,
}

impl Report {
    /// An empty report.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reports one fact.
    pub fn fact(&mut self, name: impl AsRef<[u8]>, value: impl Into<Value>) {
        self.lines.push('{');
        json::member(&mut self.lines, b"fact", &Value::from(name.as_ref()));
        json::member(&mut self.lines, b"value", &value.into());
        self.lines.push_str("}\n");
    }

    /// Reports the result of an action on something: `open./x`. An error counts as a failure for `--strict`.
    pub fn outcome(&mut self, action: &str, on: &[u8], value: impl Into<Value>) {
        let value = value.into();
        self.failed |= matches!(value, Value::Failed(_));
        self.fact([action.as_bytes(), b".", on].concat(), value);
    }

    /// Writes what waits. Done before anything that may end the process or take long.
    pub fn flush(&mut self) {
        sys::write_all(1, self.lines.as_bytes());
        self.lines.clear();
    }

    /// Whether an action has failed so far.
    pub fn failed(&self) -> bool {
        self.failed
    }
}
