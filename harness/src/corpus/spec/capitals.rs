//! Members of a config whose names are the spec's in other capitals: some runtimes take them for the spec's, and others
//! for unknown ones.

use serde_json::Value;

use super::Walk;

/// The paths to such members, as they are written: `linux.Resources`.
pub(crate) fn in_other_capitals(config: &Value) -> Vec<String> {
    let mut walk = Walk::default();
    walk.named("config", config);
    walk.alike
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_spec_s_own_names_are_found() {
        for (config, paths) in [
            (json!({"Process": {"args": []}}), vec!["Process"]),
            (json!({"OCIVersion": "1.0.2"}), vec!["OCIVersion"]),
            (
                json!({"linux": {"Resources": {}, "maskedpaths": []}}),
                vec!["linux.Resources", "linux.maskedpaths"],
            ),
            (json!({"process": {"user": {"UID": 1}}}), vec!["process.user.UID"]),
            (
                json!({"mounts": [{"destination": "/"}, {"Options": ["ro"]}]}),
                vec!["mounts.Options"],
            ),
            (
                json!({"linux": {"\u{17f}eccomp": {}}}),
                vec!["linux.\u{17f}eccomp"],
            ),
            // Others are nobody's, or a user's own.
            (
                json!({"annotations": {"Hooks": "x"}, "linux": {"sysctl": {"Kernel": "1"}}}),
                vec![],
            ),
            (json!({"ociVersion": "1", "prozess": {}, "Linux": null}), vec![]),
            (json!([]), vec![]),
        ] {
            assert_eq!(in_other_capitals(&config), paths, "{config}");
        }
    }
}
