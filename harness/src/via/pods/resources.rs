//! `linux.resources` and `process.oomScoreAdj`: limits, which CRI has in one message.

use ocidiff_cri::messages as m;
use serde_json::Value;

use crate::via::express::{Refusal, number, only, refuse};

/// The limits.
///
/// # Errors
/// The first that CRI has no setting for.
pub(super) fn of(
    resources: &Value,
    default: &Value,
    process: &Value,
) -> Result<m::LinuxContainerResources, Refusal> {
    let keys = ["devices", "memory", "cpu", "hugepageLimits", "unified"];
    only(resources, "linux.resources", &keys)?;
    if resources["devices"] != default["devices"] {
        return refuse("the engine makes its rules for devices itself");
    }
    let part = |name: &str, known: &[&str]| match &resources[name] {
        Value::Null => Ok(()),
        part => only(part, &format!("linux.resources.{name}"), known).map(drop),
    };
    part("memory", &["limit", "swap"])?;
    part("cpu", &["shares", "quota", "period", "cpus", "mems"])?;
    let of = |part: &str, key: &str| {
        let name = format!("linux.resources.{part}.{key}");
        match number(&resources[part][key], &name)? {
            Some(0) => refuse(format!("the engine takes 0 in {name} for nothing")),
            other => Ok(other.unwrap_or_default()),
        }
    };
    let text = |key: &str| match &resources["cpu"][key] {
        Value::Null => Ok(String::new()),
        Value::String(list) => Ok(list.clone()),
        _ => refuse(format!("linux.resources.cpu.{key} is not a text")),
    };
    Ok(m::LinuxContainerResources {
        cpu_period: of("cpu", "period")?,
        cpu_quota: of("cpu", "quota")?,
        cpu_shares: of("cpu", "shares")?,
        cpuset_cpus: text("cpus")?,
        cpuset_mems: text("mems")?,
        memory_limit_in_bytes: of("memory", "limit")?,
        memory_swap_limit_in_bytes: of("memory", "swap")?,
        oom_score_adj: number(&process["oomScoreAdj"], "process.oomScoreAdj")?.unwrap_or_default(),
        hugepage_limits: pages(&resources["hugepageLimits"])?,
        unified: unified(&resources["unified"])?,
    })
}

/// The limits of an update, which the plugin lays over the container's current ones.
///
/// # Errors
/// The first that CRI has no setting for, or that the plugin would add to.
pub(super) fn changed(limits: &Value) -> Result<m::LinuxContainerResources, Refusal> {
    if !limits.is_object() {
        return refuse("what update changes is not an object");
    }
    let memory = &limits["memory"];
    if !memory["limit"].is_null() && memory["swap"].is_null() {
        return refuse("the engine sets linux.resources.memory.swap with the limit");
    }
    of(limits, &Value::Null, &Value::Null)
}

fn pages(limits: &Value) -> Result<Vec<m::HugepageLimit>, Refusal> {
    let all = limits.as_array().into_iter().flatten();
    all.map(|one| {
        only(one, "linux.resources.hugepageLimits", &["pageSize", "limit"])?;
        match (one["pageSize"].as_str(), one["limit"].as_u64()) {
            (Some(size), Some(limit)) => Ok(m::HugepageLimit {
                page_size: size.to_owned(),
                limit,
            }),
            _ => refuse("linux.resources.hugepageLimits has odd members"),
        }
    })
    .collect()
}

fn unified(map: &Value) -> Result<std::collections::BTreeMap<String, String>, Refusal> {
    let all = map.as_object().into_iter().flatten();
    all.map(|(name, value)| match value.as_str() {
        Some(text) => Ok((name.clone(), text.to_owned())),
        None => refuse("linux.resources.unified is not a map of texts"),
    })
    .collect()
}
