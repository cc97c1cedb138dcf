//! The text of config.json: the default one with the case's changes laid over it.

use ocidiff_model::Case;
use ocidiff_model::merge::merge;
use serde_json::Value;

use super::Error;
use crate::cell::paths;
use crate::corpus::Corpus;

/// The config of a container of the case; `extra` is what the step that makes the container says.
pub(crate) fn text(
    case: &Case,
    corpus: &Corpus,
    container: &str,
    extra: Option<&Value>,
) -> Result<String, Error> {
    let mut config = corpus.default_config.clone();
    merge(&mut config, &case.body.config).map_err(Error::Case)?;
    if let Some(extra) = extra {
        merge(&mut config, extra).map_err(Error::Case)?;
    }
    let config = fill(&profiles(&config, corpus)?, container);
    let mut text = serde_json::to_string_pretty(&config).map_err(|error| Error::Case(error.to_string()))?;
    text.push('\n');
    for edit in &case.body.config_text {
        if !text.contains(&edit.replace) {
            return Err(Error::Case(format!(
                "config_text: `{}` does not occur in the config",
                edit.replace
            )));
        }
        text = text.replace(&edit.replace, &edit.with);
    }
    Ok(text)
}

/// Puts the profile in the place of `{$profile: NAME}`.
fn profiles(config: &Value, corpus: &Corpus) -> Result<Value, Error> {
    Ok(match config {
        Value::Object(map) => match map.get("$profile").and_then(Value::as_str) {
            Some(name) => {
                let profile = corpus.profiles.get(name);
                let mut profile = profile
                    .cloned()
                    .ok_or_else(|| Error::Case(format!("there is no profile `{name}`")))?;
                let mut rest = map.clone();
                rest.shift_remove("$profile");
                merge(&mut profile, &Value::Object(rest)).map_err(Error::Case)?;
                profile
            }
            None => Value::Object(
                map.iter()
                    .map(|(key, value)| Ok((key.clone(), profiles(value, corpus)?)))
                    .collect::<Result<_, Error>>()?,
            ),
        },
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| profiles(item, corpus))
                .collect::<Result<_, Error>>()?,
        ),
        other => other.clone(),
    })
}

/// Fills in `${probe}`, `${hooks}`, `${bundle}` and `${container}`.
fn fill(config: &Value, container: &str) -> Value {
    match config {
        Value::String(text) if text.contains("${") => Value::String(
            text.replace("${probe}", paths::PROBE)
                .replace("${hooks}", paths::HOOKS)
                .replace("${bundle}", &paths::bundle(container))
                .replace("${container}", container),
        ),
        Value::Array(items) => Value::Array(items.iter().map(|item| fill(item, container)).collect()),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (key.clone(), fill(value, container)))
                .collect(),
        ),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::load;

    fn config(case: &str) -> Result<String, String> {
        let sources = crate::corpus::load_sources(&[
            ("requirements.yaml", "[]"),
            (
                "default-config.yaml",
                "{linux: {maskedPaths: [/a], cgroupsPath: '/${container}'}}",
            ),
            ("rootfs/probe.yaml", "summary: the probe"),
            (
                "profiles/p.json",
                "{\"defaultAction\": \"SCMP_ACT_LOG\", \"architectures\": [\"SCMP_ARCH_X86\", \"SCMP_ARCH_ARM\"]}",
            ),
            ("t/c.yaml", case),
        ]);
        let corpus = load(&sources).map_err(|errors| errors.to_string())?;
        text(&corpus.entries[0].case, &corpus, "main", None).map_err(|error| error.to_string())
    }

    #[test]
    fn changes_profiles_and_names_are_filled_in() {
        let text = config(
            "{summary: s, config: {linux: {maskedPaths+: [/b], seccomp: {$profile: p, defaultErrnoRet: 3, \
             architectures+: [SCMP_ARCH_X32], architectures-: [SCMP_ARCH_X86]}}}}",
        )
        .expect("config");
        let json: Value = serde_json::from_str(&text).expect("json");
        assert_eq!(
            json,
            serde_json::json!({"linux": {"maskedPaths": ["/a", "/b"], "cgroupsPath": "/main", "seccomp": {
                "defaultAction": "SCMP_ACT_LOG", "defaultErrnoRet": 3, "architectures": ["SCMP_ARCH_ARM", "SCMP_ARCH_X32"],
            }}})
        );
    }

    #[test]
    fn text_edits_make_what_no_writer_would_write() {
        let text =
            config("{summary: s, config_text: [{replace: '\"linux\":', with: '\"linux\": 1, \"linux\":'}]}")
                .expect("config");
        assert!(text.contains("\"linux\": 1, \"linux\":"));
        let error = config("{summary: s, config_text: [{replace: nope, with: x}]}").expect_err("not there");
        assert!(error.contains("`nope` does not occur"), "{error}");
    }
}
