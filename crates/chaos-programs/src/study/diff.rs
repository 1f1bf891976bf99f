//! What differs between two studies: in what they read and assume, and in what they find.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use chaos_simulation::MetricRow;
use chaos_study::{Judgement, ScenarioResult, StudyResult};
use chaos_types::{Digest, canonical};
use serde::Serialize;
use serde_json::Value;

use crate::{Error, files};

/// Two results side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StudyDiff {
    /// The digests of the two results; equal ones differ in nothing.
    pub results: [Digest; 2],
    /// What the two read and assume, as far as it differs.
    pub assumed: Vec<AssumedDiff>,
    /// Each figure that both have under a scenario of one name.
    pub figures: Vec<FigureDiff>,
    /// Each threshold that both have, and how it stands.
    pub verdicts: Vec<VerdictDiff>,
}

/// One thing that a study reads or assumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssumedDiff {
    /// What it is, by its place in the result.
    pub what: String,
    /// In the first study; `None` if it has no such thing.
    pub first: Option<String>,
    /// In the second.
    pub second: Option<String>,
}

/// One figure of two studies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FigureDiff {
    /// The scenario.
    pub scenario: String,
    /// The metric.
    pub metric: String,
    /// In the first study.
    pub first: MetricRow,
    /// In the second.
    pub second: MetricRow,
    /// The second study's difference between proposal and baseline, less the first one's.
    #[serde(with = "chaos_types::decimal")]
    pub change: i128,
}

/// How one threshold stands in two studies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerdictDiff {
    /// The scenario.
    pub scenario: String,
    /// The metric that the threshold is about.
    pub metric: String,
    /// In the first study: `met`, `undecided`, `missed` or `not judged`.
    pub first: &'static str,
    /// In the second.
    pub second: &'static str,
    /// Whether the two are not the same.
    pub flips: bool,
}

/// Why a study's result is not read.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// The file holds none.
    #[error("{path} is no result of a study that this release can read", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: canonical::Error,
    },
    /// The folder's manifest names another result.
    #[error("{path} was changed: manifest.json beside it says {expected}, its content is {found}", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What the manifest says.
        expected: String,
        /// What follows from the content.
        found: Digest,
    },
}

/// Reads the result of a study: a folder that was written by one, or the file itself.
///
/// # Errors
/// If there is none, or it was changed after it was written.
pub fn read_result(path: &Path) -> Result<StudyResult, Error> {
    let file = if path.is_dir() { path.join("result.json") } else { path.to_owned() };
    let bytes = files::read(&file)?;
    let found = Digest::of(&bytes);
    let manifest = path.is_dir().then(|| fs::read(path.join("manifest.json")).ok()).flatten();
    let manifest: Option<Value> = manifest.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let named = manifest.as_ref().and_then(|it| it["result_digest"].as_str());
    if let Some(expected) = named.filter(|named| **named != found.to_string()) {
        return Err(
            ResultError::Changed { path: file, expected: expected.to_owned(), found }.into()
        );
    }
    let result = canonical::from_slice(&bytes);
    Ok(result.map_err(|source| ResultError::Malformed { path: file, source })?)
}

/// Holds two results against each other.
///
/// # Errors
/// If one of them has no canonical form.
pub fn diff(first: &StudyResult, second: &StudyResult) -> Result<StudyDiff, Error> {
    let both = pairs(first, second);
    Ok(StudyDiff {
        results: [first.digest()?, second.digest()?],
        assumed: assumed(first, second)?,
        figures: both.iter().flat_map(|(one, other)| figures(one, other)).collect(),
        verdicts: both.iter().flat_map(|(one, other)| verdicts(one, other)).collect(),
    })
}

/// The first scenarios, on which the verdicts rest, and those of one name.
fn pairs<'a>(
    first: &'a StudyResult,
    second: &'a StudyResult,
) -> Vec<(&'a ScenarioResult, &'a ScenarioResult)> {
    let mains = first.scenarios.first().zip(second.scenarios.first());
    let rest = first.scenarios.iter().skip(1).filter_map(|one| {
        let other = second.scenarios.iter().skip(1).find(|other| other.name == one.name)?;
        Some((one, other))
    });
    mains.into_iter().chain(rest).collect()
}

fn figures(first: &ScenarioResult, second: &ScenarioResult) -> Vec<FigureDiff> {
    let rows = first.flow.iter().filter_map(|(metric, one)| {
        let other = second.flow.get(metric).filter(|other| other.unit == one.unit)?;
        Some(FigureDiff {
            scenario: first.name.clone(),
            metric: metric.clone(),
            first: one.clone(),
            second: other.clone(),
            change: other.difference.saturating_sub(one.difference),
        })
    });
    rows.collect()
}

fn verdicts(first: &ScenarioResult, second: &ScenarioResult) -> Vec<VerdictDiff> {
    let rows = first.judgements.iter().filter_map(|one| {
        let mut others = second.judgements.iter();
        let other = others.find(|other| other.metric == one.metric && other.side == one.side)?;
        let (before, after) = (standing(one), standing(other));
        Some(VerdictDiff {
            scenario: first.name.clone(),
            metric: one.metric.clone(),
            first: before,
            second: after,
            flips: before != after,
        })
    });
    rows.collect()
}

const fn standing(judgement: &Judgement) -> &'static str {
    match (&judgement.not_judged, judgement.met, judgement.robust) {
        (Some(_), ..) => "not judged",
        (None, true, true) => "met",
        (None, true, false) => "undecided",
        (None, false, _) => "missed",
    }
}

/// What a result holds beside its findings: every other field was found.
const ASSUMED: [&str; 14] = [
    "program",
    "name",
    "study",
    "chain",
    "generated",
    "parameters",
    "seed",
    "paths",
    "blocks",
    "warmup_blocks",
    "settle_blocks",
    "assumptions",
    "scenarios",
    "judgements",
];

/// Of each scenario and each threshold.
const ASSUMED_WITHIN: [&str; 7] =
    ["name", "demand_ppm", "elasticity_ppm", "demand", "metric", "side", "threshold"];

fn assumed(first: &StudyResult, second: &StudyResult) -> Result<Vec<AssumedDiff>, Error> {
    let (one, other) = (leaves(first)?, leaves(second)?);
    let places: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let places = places.into_iter().filter(|place| one.get(*place) != other.get(*place));
    Ok(places
        .map(|place| AssumedDiff {
            what: place.clone(),
            first: one.get(place).cloned(),
            second: other.get(place).cloned(),
        })
        .collect())
}

/// What a result assumes, by its place; inputs by their names.
fn leaves(result: &StudyResult) -> Result<BTreeMap<String, String>, Error> {
    let mut found = BTreeMap::new();
    for input in &result.inputs {
        found.insert(format!("input {}", input.name), input.digest.to_string());
    }
    let bytes = result.to_canonical()?;
    // Canonical bytes are JSON.
    let Ok(Value::Object(fields)) = serde_json::from_slice(&bytes) else { return Ok(found) };
    for (name, value) in fields.iter().filter(|(name, _)| ASSUMED.contains(&name.as_str())) {
        gather(name, value, &mut found);
    }
    Ok(found)
}

fn gather(place: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            // The members of a list are told by their names where they have one.
            for (name, value) in fields {
                let within = place.contains('[');
                if !within
                    || place.contains("].demand")
                    || ASSUMED_WITHIN.contains(&name.as_str())
                    || name == "judgements"
                {
                    gather(&format!("{place}.{name}"), value, found);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let name = ["name", "metric"].iter().find_map(|key| item.get(key)?.as_str());
                let name = name.map_or_else(|| index.to_string(), str::to_owned);
                gather(&format!("{place}[{name}]"), item, found);
            }
        }
        Value::String(text) => drop(found.insert(place.to_owned(), text.clone())),
        other => drop(found.insert(place.to_owned(), other.to_string())),
    }
}
