//! The file as serde reads it, before anything is believed.
//!
//! Numbers are read as `i64`, TOML's own integer, so that a negative one is reported with the path
//! of its key and not as a type error.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Definition {
    pub(super) version: i64,
    pub(super) name: String,
    pub(super) domain: String,
    pub(super) description: String,
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) tasks: Vec<Task>,
    pub(super) policies: Policies,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) thresholds: BTreeMap<String, i64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Role {
    pub(super) capabilities: Vec<String>,
    pub(super) actions: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Task {
    pub(super) name: String,
    pub(super) role: String,
    pub(super) action: String,
    #[serde(default)]
    pub(super) depends_on: Vec<String>,
    pub(super) reward_weight: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policies {
    pub(super) rounds_max: i64,
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) evidence: Evidence,
    pub(super) approvals: Approvals,
    pub(super) objectives: Vec<Objective>,
    #[serde(default)]
    pub(super) guards: Vec<Guard>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameter {
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) max_step: Margin,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Margin {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) absolute: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ppm: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Evidence {
    pub(super) blocks_min: i64,
    pub(super) classes: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Approvals {
    pub(super) quorum_ppm: i64,
    pub(super) threshold_ppm: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Objective {
    pub(super) metric: String,
    pub(super) direction: String,
    pub(super) by_at_least: Margin,
    pub(super) judge: String,
    #[serde(default)]
    pub(super) parameters: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Guard {
    pub(super) metric: String,
    pub(super) better: String,
    pub(super) worse_by_at_most: Margin,
    pub(super) judge: String,
    #[serde(default)]
    pub(super) parameters: Vec<String>,
}
