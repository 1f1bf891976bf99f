//! Turns the wire form into domain types, refusing contradictions.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use chaos_types::{Digest, canonical::INTEGER_MAX};

use super::{DefinitionError, Expected, VERSION, wire};
use crate::{
    name::{NameError, ParameterName, RoleName, TaskName},
    objective::{Direction, Guard, Judge, Margin, Objective},
    policy::{Approvals, EvidenceClass, EvidenceRule, ParameterBounds, Policy},
    role::Role,
    studio::Studio,
    task::{self, Task},
};

type Result<T> = std::result::Result<T, DefinitionError>;

/// Longest list or table of a definition, in entries.
const ENTRIES_MAX: usize = 256;
/// Longest description, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 2_000;
/// Most refinement rounds; each is a simulation.
const ROUNDS_MAX: u64 = 64;
/// Largest margin: a thousand times the baseline.
const MARGIN_PPM_MAX: u64 = 1_000_000_000;
const PPM: u64 = 1_000_000;

pub(super) fn studio(wire: wire::Definition, digest: Digest) -> Result<Studio> {
    integer("version", wire.version, VERSION.unsigned_abs(), VERSION.unsigned_abs())?;
    ensure_text("description", &wire.description)?;
    let roles = roles(&wire.roles)?;
    let tasks = tasks(&wire.tasks, &roles)?;
    task::in_order(&tasks).map_err(|tasks| DefinitionError::Cycle { tasks })?;
    Ok(Studio {
        name: name("name", &wire.name)?,
        domain: name("domain", &wire.domain)?,
        description: wire.description,
        roles,
        tasks,
        policy: policy(&wire.policies)?,
        thresholds: named_table("thresholds", &wire.thresholds, |key, value| {
            integer(key, *value, 0, INTEGER_MAX)
        })?,
        digest,
    })
}

fn roles(wire: &BTreeMap<String, wire::Role>) -> Result<BTreeMap<RoleName, Role>> {
    if wire.is_empty() {
        return Err(DefinitionError::Empty { key: "roles".into() });
    }
    named_table("roles", wire, |key, role| {
        let actions = name_set(&format!("{key}.actions"), &role.actions)?;
        if actions.is_empty() {
            return Err(DefinitionError::Empty { key: format!("{key}.actions") });
        }
        Ok(Role {
            capabilities: name_set(&format!("{key}.capabilities"), &role.capabilities)?,
            actions,
        })
    })
}

fn tasks(wire: &[wire::Task], roles: &BTreeMap<RoleName, Role>) -> Result<Vec<Task>> {
    if wire.is_empty() {
        return Err(DefinitionError::Empty { key: "tasks".into() });
    }
    ensure_entries("tasks", wire.len())?;
    let mut names = BTreeSet::new();
    for (index, entry) in wire.iter().enumerate() {
        let key = format!("tasks[{index}].name");
        let task: TaskName = name(&key, &entry.name)?;
        if !names.insert(task) {
            return Err(DefinitionError::Duplicate { key, name: entry.name.clone() });
        }
    }
    wire.iter().enumerate().map(|(index, entry)| task(index, entry, roles, &names)).collect()
}

fn task(
    index: usize,
    wire: &wire::Task,
    roles: &BTreeMap<RoleName, Role>,
    names: &BTreeSet<TaskName>,
) -> Result<Task> {
    let key = |field: &str| format!("tasks[{index}].{field}");
    let role: RoleName = name(&key("role"), &wire.role)?;
    let action = name(&key("action"), &wire.action)?;
    let Some(found) = roles.get(&role) else {
        return Err(DefinitionError::UnknownRole { key: key("role"), role });
    };
    if !found.actions.contains(&action) {
        return Err(DefinitionError::ActionNotPermitted { key: key("action"), role, action });
    }
    let depends_on: BTreeSet<TaskName> = name_set(&key("depends_on"), &wire.depends_on)?;
    if let Some(task) = depends_on.difference(names).next() {
        return Err(DefinitionError::UnknownTask { key: key("depends_on"), task: task.clone() });
    }
    Ok(Task {
        name: name(&key("name"), &wire.name)?,
        role,
        action,
        depends_on,
        reward_weight: integer(&key("reward_weight"), wire.reward_weight, 1, PPM)?,
    })
}

fn policy(wire: &wire::Policies) -> Result<Policy> {
    if wire.parameters.is_empty() {
        return Err(DefinitionError::Empty { key: "policies.parameters".into() });
    }
    let parameters: BTreeMap<ParameterName, _> =
        named_table("policies.parameters", &wire.parameters, bounds)?;
    let objectives = list("policies.objectives", &wire.objectives, |key, entry| {
        objective(key, entry, &parameters)
    })?;
    let guards =
        list("policies.guards", &wire.guards, |key, entry| guard(key, entry, &parameters))?;
    // A change without an objective could never be finalised: every round would be for nothing.
    let aimless = parameters.keys().find(|parameter| {
        !objectives.iter().any(|objective: &Objective| objective.applies_to(parameter))
    });
    if let Some(parameter) = aimless {
        return Err(DefinitionError::NoObjective { parameter: parameter.to_string() });
    }
    let rounds_max = integer("policies.rounds_max", wire.rounds_max, 1, ROUNDS_MAX)?;
    Ok(Policy {
        parameters,
        evidence: evidence(&wire.evidence)?,
        approvals: Approvals {
            quorum_ppm: share("policies.approvals.quorum_ppm", wire.approvals.quorum_ppm, PPM)?,
            // A share of all votes cannot be exceeded, so such a threshold could never be met.
            threshold_ppm: share(
                "policies.approvals.threshold_ppm",
                wire.approvals.threshold_ppm,
                PPM - 1,
            )?,
        },
        objectives,
        guards,
        rounds_max: u32::try_from(rounds_max).expect("at most ROUNDS_MAX"),
    })
}

fn bounds(key: &str, wire: &wire::Parameter) -> Result<ParameterBounds> {
    let min = integer(&format!("{key}.min"), wire.min, 0, INTEGER_MAX)?;
    let max = integer(&format!("{key}.max"), wire.max, 0, INTEGER_MAX)?;
    if min > max {
        return Err(DefinitionError::EmptyRange { key: key.to_owned(), min, max });
    }
    Ok(ParameterBounds {
        min,
        max,
        step_max: margin(&format!("{key}.max_step"), wire.max_step, 1)?,
    })
}

fn evidence(wire: &wire::Evidence) -> Result<EvidenceRule> {
    const WORDS: &[&str] = &["replayable", "attested", "corroborated"];
    let key = "policies.evidence.classes";
    let mut classes = BTreeSet::new();
    for (index, word) in wire.classes.iter().enumerate() {
        let class = EvidenceClass::ALL.into_iter().find(|class| class.as_str() == word);
        let Some(class) = class else {
            return Err(one_of(format!("{key}[{index}]"), WORDS, word));
        };
        if !classes.insert(class) {
            return Err(DefinitionError::Duplicate { key: key.into(), name: word.clone() });
        }
    }
    if classes.is_empty() {
        return Err(DefinitionError::Empty { key: key.into() });
    }
    let blocks_min = integer("policies.evidence.blocks_min", wire.blocks_min, 1, INTEGER_MAX)?;
    Ok(EvidenceRule { blocks_min, classes })
}

fn objective(
    key: &str,
    wire: &wire::Objective,
    parameters: &BTreeMap<ParameterName, ParameterBounds>,
) -> Result<Objective> {
    Ok(Objective {
        metric: name(&format!("{key}.metric"), &wire.metric)?,
        direction: direction(&format!("{key}.direction"), &wire.direction)?,
        by_at_least: margin(&format!("{key}.by_at_least"), wire.by_at_least, 1)?,
        judge: judge(&format!("{key}.judge"), &wire.judge)?,
        parameters: scope(&format!("{key}.parameters"), &wire.parameters, parameters)?,
    })
}

fn guard(
    key: &str,
    wire: &wire::Guard,
    parameters: &BTreeMap<ParameterName, ParameterBounds>,
) -> Result<Guard> {
    Ok(Guard {
        metric: name(&format!("{key}.metric"), &wire.metric)?,
        better: direction(&format!("{key}.better"), &wire.better)?,
        worse_by_at_most: margin(&format!("{key}.worse_by_at_most"), wire.worse_by_at_most, 0)?,
        judge: judge(&format!("{key}.judge"), &wire.judge)?,
        parameters: scope(&format!("{key}.parameters"), &wire.parameters, parameters)?,
    })
}

fn scope(
    key: &str,
    wire: &[String],
    parameters: &BTreeMap<ParameterName, ParameterBounds>,
) -> Result<BTreeSet<ParameterName>> {
    let names: BTreeSet<ParameterName> = name_set(key, wire)?;
    match names.iter().find(|name| !parameters.contains_key(name)) {
        Some(name) => {
            let parameter = name.to_string();
            Err(DefinitionError::UnknownParameter { key: key.to_owned(), parameter })
        }
        None => Ok(names),
    }
}

fn margin(key: &str, wire: wire::Margin, min: u64) -> Result<Margin> {
    match (wire.absolute, wire.ppm) {
        (Some(value), None) => {
            integer(&format!("{key}.absolute"), value, min, INTEGER_MAX).map(Margin::Absolute)
        }
        (None, Some(value)) => {
            integer(&format!("{key}.ppm"), value, min, MARGIN_PPM_MAX).map(Margin::Ppm)
        }
        (None, None) | (Some(_), Some(_)) => Err(DefinitionError::Margin { key: key.to_owned() }),
    }
}

fn direction(key: &str, word: &str) -> Result<Direction> {
    match word {
        "increase" => Ok(Direction::Increase),
        "decrease" => Ok(Direction::Decrease),
        _ => Err(one_of(key.to_owned(), &["increase", "decrease"], word)),
    }
}

fn judge(key: &str, word: &str) -> Result<Judge> {
    match word {
        "point" => Ok(Judge::Point),
        "interval" => Ok(Judge::Interval),
        _ => Err(one_of(key.to_owned(), &["point", "interval"], word)),
    }
}

fn one_of(key: String, words: &'static [&'static str], found: &str) -> DefinitionError {
    DefinitionError::Value { key, expected: Expected::OneOf(words), found: quoted(found) }
}

fn share(key: &str, value: i64, max: u64) -> Result<u32> {
    let share = integer(key, value, 0, max)?;
    Ok(u32::try_from(share).expect("at most a million"))
}

fn integer(key: &str, value: i64, min: u64, max: u64) -> Result<u64> {
    u64::try_from(value).ok().filter(|value| (min..=max).contains(value)).ok_or_else(|| {
        DefinitionError::Value {
            key: key.to_owned(),
            expected: Expected::Integer { min, max },
            found: value.to_string(),
        }
    })
}

fn ensure_text(key: &str, text: &str) -> Result<()> {
    if (1..=DESCRIPTION_BYTES_MAX).contains(&text.len()) {
        return Ok(());
    }
    Err(DefinitionError::Value {
        key: key.to_owned(),
        expected: Expected::Text { bytes_max: DESCRIPTION_BYTES_MAX },
        found: format!("{} bytes", text.len()),
    })
}

fn ensure_entries(key: &str, len: usize) -> Result<()> {
    if len <= ENTRIES_MAX {
        return Ok(());
    }
    Err(DefinitionError::Value {
        key: key.to_owned(),
        expected: Expected::Entries { len_max: ENTRIES_MAX },
        found: len.to_string(),
    })
}

fn name<T: FromStr<Err = NameError>>(key: &str, text: &str) -> Result<T> {
    text.parse().map_err(|source| DefinitionError::Name { key: key.to_owned(), source })
}

fn name_set<T: FromStr<Err = NameError> + Ord>(key: &str, texts: &[String]) -> Result<BTreeSet<T>> {
    ensure_entries(key, texts.len())?;
    let mut names = BTreeSet::new();
    for (index, text) in texts.iter().enumerate() {
        if !names.insert(name(&format!("{key}[{index}]"), text)?) {
            return Err(DefinitionError::Duplicate { key: key.to_owned(), name: text.clone() });
        }
    }
    Ok(names)
}

fn list<T, U>(key: &str, wire: &[T], check: impl Fn(&str, &T) -> Result<U>) -> Result<Vec<U>> {
    ensure_entries(key, wire.len())?;
    wire.iter().enumerate().map(|(index, entry)| check(&format!("{key}[{index}]"), entry)).collect()
}

fn named_table<N, T, U>(
    key: &str,
    wire: &BTreeMap<String, T>,
    check: impl Fn(&str, &T) -> Result<U>,
) -> Result<BTreeMap<N, U>>
where
    N: FromStr<Err = NameError> + Ord,
{
    ensure_entries(key, wire.len())?;
    wire.iter()
        .map(|(text, entry)| {
            let path = format!("{key}.{}", text.escape_debug());
            Ok((name(&path, text)?, check(&path, entry)?))
        })
        .collect()
}

fn quoted(text: &str) -> String {
    let short: String = text.chars().take(80).flat_map(char::escape_default).collect();
    format!("`{short}`")
}
