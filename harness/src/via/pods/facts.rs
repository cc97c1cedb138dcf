//! What a CRI runtime reports about a container that has ended.

use ocidiff_cri::messages::ContainerStatus;
use ocidiff_model::Fact;

use crate::cell::class;

/// Its status, without what is new each time.
pub(super) fn of_status(status: &ContainerStatus) -> Vec<Fact> {
    let state = status.state().as_str_name();
    let state = state.strip_prefix("CONTAINER_").unwrap_or(state).to_lowercase();
    let error = Some(status.message.as_str()).filter(|text| !text.is_empty());
    vec![
        Fact::new("engine.inspect.status", state),
        Fact::new("engine.inspect.oom_killed", status.reason == "OOMKilled"),
        Fact::new("engine.inspect.error", error.map_or("none", class)),
    ]
}
