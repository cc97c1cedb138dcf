//! What a check finds, before it has a place.

/// What is wrong with a name or a value, and what to do.
pub(super) type Slip = (String, Option<String>);
