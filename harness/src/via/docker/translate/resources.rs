//! `linux.resources`: limits.

use serde_json::{Value, json};

use super::host;
use crate::via::express::{Part, flag, number, only, refuse};

/// Members whose setting takes their number as it is.
const NUMBERS: [(&str, &str, &str); 11] = [
    ("memory", "limit", "Memory"),
    ("memory", "reservation", "MemoryReservation"),
    ("memory", "swap", "MemorySwap"),
    ("memory", "swappiness", "MemorySwappiness"),
    ("cpu", "shares", "CpuShares"),
    ("cpu", "quota", "CpuQuota"),
    ("cpu", "period", "CpuPeriod"),
    ("cpu", "realtimeRuntime", "CpuRealtimeRuntime"),
    ("cpu", "realtimePeriod", "CpuRealtimePeriod"),
    ("pids", "limit", "PidsLimit"),
    ("blockIO", "weight", "BlkioWeight"),
];

/// Adds all of it.
pub(super) fn add(body: &mut Value, resources: &Value, default: &Value) -> Part {
    let keys = ["devices", "memory", "cpu", "pids", "blockIO"];
    let parts = only(resources, "linux.resources", &keys)?;
    for part in keys[1..].iter().filter(|part| parts.contains_key(**part)) {
        let mut known: Vec<&str> = NUMBERS
            .iter()
            .filter(|one| one.0 == *part)
            .map(|one| one.1)
            .collect();
        match *part {
            "memory" => known.push("disableOOMKiller"),
            "cpu" => known.extend(["cpus", "mems"]),
            _ => {}
        }
        only(&resources[*part], &format!("linux.resources.{part}"), &known)?;
    }
    for (part, key, name) in NUMBERS {
        let value = number(&resources[part][key], &format!("linux.resources.{part}.{key}"))?;
        match value {
            // To the engine this is no limit at all.
            Some(0) => {
                return refuse(format!(
                    "the engine takes 0 in linux.resources.{part}.{key} for nothing"
                ));
            }
            Some(value) => host(body, name, value),
            None => {}
        }
    }
    if let Some(disable) = flag(&resources["memory"], "disableOOMKiller", "disableOOMKiller")? {
        host(body, "OomKillDisable", disable);
    }
    for (key, name) in [("cpus", "CpusetCpus"), ("mems", "CpusetMems")] {
        match &resources["cpu"][key] {
            Value::Null => {}
            Value::String(list) => host(body, name, list.as_str()),
            _ => return refuse(format!("linux.resources.cpu.{key} is not a text")),
        }
    }
    devices(body, &resources["devices"], &default["devices"])
}

/// The engine starts with no devices, like the default config, and can allow more.
fn devices(body: &mut Value, rules: &Value, default: &Value) -> Part {
    let (Some(rules), Some(own)) = (rules.as_array(), default.as_array()) else {
        return refuse("the engine always writes rules for devices");
    };
    let Some(more) = rules.strip_prefix(own.as_slice()) else {
        return refuse("the engine begins its rules for devices itself");
    };
    let mut lines = Vec::new();
    for rule in more {
        only(
            rule,
            "linux.resources.devices",
            &["allow", "type", "major", "minor", "access"],
        )?;
        let kind = rule["type"]
            .as_str()
            .filter(|kind| ["a", "b", "c"].contains(kind));
        let (Some(kind), Some(access), Some(true)) = (kind, rule["access"].as_str(), rule["allow"].as_bool())
        else {
            return refuse("the engine can only allow devices, by type and access");
        };
        let number = |key: &str| match &rule[key] {
            Value::Null => Ok("*".to_owned()),
            other => match other.as_u64() {
                Some(number) => Ok(number.to_string()),
                None => refuse("a rule for devices has odd numbers"),
            },
        };
        lines.push(format!(
            "{kind} {}:{} {access}",
            number("major")?,
            number("minor")?
        ));
    }
    if !lines.is_empty() {
        host(body, "DeviceCgroupRules", json!(lines));
    }
    Ok(())
}
