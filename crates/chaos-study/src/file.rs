mod content;

use std::collections::BTreeMap;

use chaos_parameters::{Error as ParameterError, ParameterName, Preset, Setting};
use serde::Deserialize;

pub use self::content::content_digest;
use super::{
    Axis, DemandScenario, Goal, Market, Side, Sources, Study, Threshold, ThresholdValue,
    WhenAbsent, parse_ppm,
};
use crate::attack::Scenario as Attack;
use chaos_simulation::flow::{Assumptions, POSTERIOR_MEDIAN_PPM};

/// A study file may have this many bytes: 1 MiB.
const STUDY_BYTES_MAX: usize = 1 << 20;

/// Most cells of a study: 10,000.
const CELLS_MAX: usize = 10_000;

/// Most paths of the transaction model: 1,000.
const TRANSACTION_PATHS_MAX: u32 = 1_000;

/// The version this program reads.
const VERSION: u32 = 1;

/// Why a study file was refused.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file is longer than `STUDY_BYTES_MAX`.
    #[error("study: {bytes} bytes, at most {STUDY_BYTES_MAX} are read")]
    TooLarge {
        /// Bytes found.
        bytes: usize,
    },
    /// The text is no TOML of this shape; the cause names line, column and key.
    #[error("study")]
    Toml(#[source] Box<toml::de::Error>),
    /// The content has no canonical form.
    #[error("study")]
    Canonical(#[source] chaos_types::canonical::Error),
    /// The version is not the one this program reads.
    #[error("study: version {found} is not known, expected {VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// A parameter was refused.
    #[error("study, [{section}]")]
    Parameter {
        /// The section.
        section: &'static str,
        /// Why.
        #[source]
        source: ParameterError,
    },
    /// A field does not hold what it should.
    #[error("study, {field}: expected {expected}, found `{found}`")]
    Field {
        /// The field.
        field: String,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireStudy {
    version: u32,
    name: String,
    title: String,
    question: String,
    #[serde(default)]
    sources: WireSources,
    baseline: BTreeMap<String, toml::Value>,
    proposal: BTreeMap<String, toml::Value>,
    #[serde(default)]
    grid: BTreeMap<String, Vec<u64>>,
    #[serde(default)]
    scenarios: Vec<WireScenario>,
    #[serde(default)]
    market: WireMarket,
    #[serde(default)]
    thresholds: Vec<WireThreshold>,
    #[serde(default)]
    goals: Vec<WireGoal>,
    #[serde(default)]
    attacks: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct WireSources {
    chain: Option<String>,
    blocks: Option<String>,
    fee_history: Option<String>,
    columns: Option<String>,
    first_block: Option<u64>,
    when_absent: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireScenario {
    name: String,
    what: String,
    demand: Option<String>,
    elasticity: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct WireMarket {
    seed: Option<u32>,
    paths: Option<u32>,
    blocks: Option<u32>,
    warmup_blocks: Option<u32>,
    settle_blocks: Option<u32>,
    screen_paths: Option<u32>,
    /// Paths of the transaction model, by the word that files have and by the model's name.
    #[serde(rename = "agent_paths", alias = "transaction_paths")]
    transaction_paths: Option<u32>,
    elasticity: Option<String>,
    patience_blocks: Option<u32>,
    pool_blocks: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireThreshold {
    metric: String,
    side: Side,
    /// Largest or smallest value of the proposal, in the metric's unit.
    value: Option<i64>,
    /// Largest or smallest relative change, such as "-0.333".
    change: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireGoal {
    metric: String,
    better: String,
}

impl Study {
    /// Reads a study file.
    ///
    /// # Errors
    /// If the text is too long, no TOML, has an unknown key, or a value that cannot be; the error
    /// names the section and what was expected.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        if text.len() > STUDY_BYTES_MAX {
            return Err(FileError::TooLarge { bytes: text.len() });
        }
        let text = text.strip_prefix(content::BYTE_ORDER_MARK).unwrap_or(text);
        let wire: WireStudy =
            toml::from_str(text).map_err(|error| FileError::Toml(Box::new(error)))?;
        if wire.version != VERSION {
            return Err(FileError::Version { found: wire.version });
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if wire.name.is_empty() || wire.name.len() > 64 || !wire.name.chars().all(plain) {
            let expected = "1 to 64 lower-case letters, digits and hyphens";
            return Err(field("name", expected, &wire.name));
        }
        let (preset, baseline) = read_arm("baseline", wire.baseline)?;
        let (proposed_preset, proposal) = read_arm("proposal", wire.proposal)?;
        if let Some(preset) = proposed_preset {
            return Err(field("[proposal] preset", "only parameters", preset.as_str()));
        }
        if proposal.is_empty() {
            return Err(field("[proposal]", "at least one parameter", ""));
        }
        let market = read_market(&wire.market)?;
        let elasticity_ppm = named("[market] elasticity", wire.market.elasticity.as_deref())?;
        let grid = read_grid(wire.grid)?;
        let study = Self {
            name: wire.name,
            title: wire.title,
            question: wire.question,
            sources: read_sources(wire.sources)?,
            preset: preset.unwrap_or(Preset::London),
            baseline,
            proposal,
            grid,
            scenarios: read_scenarios(wire.scenarios, elasticity_ppm)?,
            market,
            thresholds: read_thresholds(wire.thresholds)?,
            goals: read_goals(wire.goals)?,
            attacks: read_attacks(&wire.attacks)?,
        };
        study.ensure_consistent()?;
        Ok(study)
    }

    /// Refuses arms and combinations that contradict themselves, naming the section that does.
    fn ensure_consistent(&self) -> Result<(), FileError> {
        let in_section = |section| move |source| FileError::Parameter { section, source };
        let baseline = self.baseline(None).map_err(in_section("baseline"))?;
        let proposal = baseline.apply(&self.proposal).map_err(in_section("proposal"))?;
        if self.market.transaction_paths > 0 && proposal.block_time_ms() != baseline.block_time_ms()
        {
            let expected = "0, for the transaction model has one block-time in both arms";
            return Err(field(
                "[market] agent_paths",
                expected,
                &self.market.transaction_paths.to_string(),
            ));
        }
        self.cells(&baseline).map_err(in_section("grid"))?;
        Ok(())
    }
}

fn field(name: &str, expected: &'static str, found: &str) -> FileError {
    FileError::Field { field: name.to_owned(), expected, found: shorten(found) }
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

fn read_arm(
    section: &'static str,
    table: BTreeMap<String, toml::Value>,
) -> Result<(Option<Preset>, Vec<Setting>), FileError> {
    let refused = |source| FileError::Parameter { section, source };
    let mut preset = None;
    let mut settings = Vec::new();
    for (key, value) in table {
        if key == "preset" {
            let place = format!("[{section}] preset");
            let name = value
                .as_str()
                .ok_or_else(|| field(&place, "a name in quotes", &value.to_string()))?;
            preset = Some(name.parse().map_err(refused)?);
            continue;
        }
        let name: ParameterName = key.parse().map_err(refused)?;
        let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
        let number = number.ok_or_else(|| {
            refused(ParameterError::NotANumber { name, found: shorten(&value.to_string()) })
        })?;
        settings.push(Setting::new(name, number).map_err(refused)?);
    }
    Ok((preset, settings))
}

fn read_grid(table: BTreeMap<String, Vec<u64>>) -> Result<Vec<Axis>, FileError> {
    let refused = |source| FileError::Parameter { section: "grid", source };
    let mut axes = Vec::new();
    for (key, mut values) in table {
        let name: ParameterName = key.parse().map_err(refused)?;
        for value in &values {
            Setting::new(name, *value).map_err(refused)?;
        }
        values.sort_unstable();
        values.dedup();
        if values.is_empty() {
            return Err(field(&format!("[grid] {key}"), "at least one value", "[]"));
        }
        axes.push(Axis { name, values });
    }
    axes.sort_by_key(|axis| axis.name);
    let cells = axes.iter().fold(1usize, |cells, axis| cells.saturating_mul(axis.values.len()));
    if cells > CELLS_MAX {
        return Err(field("[grid]", "at most 10000 combinations", &cells.to_string()));
    }
    Ok(axes)
}

fn read_sources(wire: WireSources) -> Result<Sources, FileError> {
    let chain = match wire.chain {
        Some(text) => Some(
            text.parse()
                .map_err(|_| field("[sources] chain", "a CAIP-2 name such as eip155:1", &text))?,
        ),
        None => None,
    };
    let when_absent = match wire.when_absent.as_deref() {
        None | Some("refuse") => WhenAbsent::Refuse,
        Some("generate") => WhenAbsent::Generate,
        Some(other) => {
            return Err(field("[sources] when_absent", "`refuse` or `generate`", other));
        }
    };
    Ok(Sources {
        chain,
        blocks: wire.blocks,
        fee_history: wire.fee_history,
        columns: wire.columns,
        first_block: wire.first_block.unwrap_or(0),
        when_absent,
    })
}

fn ppm(name: &str, text: Option<&str>, default: u32) -> Result<u32, FileError> {
    text.map_or(Ok(default), |text| {
        let expected = "a decimal in quotes such as \"0.2\", not negative, with up to six places";
        parse_ppm(text).ok_or_else(|| field(name, expected, text))
    })
}

/// A decimal as parts per million, if there is one.
fn named(name: &str, text: Option<&str>) -> Result<Option<u32>, FileError> {
    text.map(|text| ppm(name, Some(text), 0)).transpose()
}

fn read_scenarios(
    wire: Vec<WireScenario>,
    elasticity_ppm: Option<u32>,
) -> Result<Vec<DemandScenario>, FileError> {
    if wire.is_empty() {
        return Ok(vec![DemandScenario {
            name: "as observed".to_owned(),
            what: "demand as calibrated from the blocks".to_owned(),
            demand_ppm: 1_000_000,
            elasticity_ppm,
        }]);
    }
    let mut scenarios: Vec<DemandScenario> = Vec::with_capacity(wire.len());
    for scenario in wire {
        if scenarios.iter().any(|other| other.name == scenario.name) {
            return Err(field("[[scenarios]] name", "a name not used before", &scenario.name));
        }
        let demand = ppm("[[scenarios]] demand", scenario.demand.as_deref(), 1_000_000)?;
        if demand == 0 {
            return Err(field("[[scenarios]] demand", "a decimal above zero", "0"));
        }
        let elasticity = named("[[scenarios]] elasticity", scenario.elasticity.as_deref())?;
        scenarios.push(DemandScenario {
            name: scenario.name,
            what: scenario.what,
            demand_ppm: demand,
            elasticity_ppm: elasticity.or(elasticity_ppm),
        });
    }
    Ok(scenarios)
}

fn read_market(wire: &WireMarket) -> Result<Market, FileError> {
    let default = Assumptions::default();
    let elasticity_ppm =
        named("[market] elasticity", wire.elasticity.as_deref())?.unwrap_or(POSTERIOR_MEDIAN_PPM);
    let assumptions = Assumptions {
        elasticity_ppm,
        patience_blocks: wire.patience_blocks.unwrap_or(default.patience_blocks),
        pool_blocks: wire.pool_blocks.unwrap_or(default.pool_blocks),
        ..default
    };
    let paths = wire.paths.unwrap_or(50);
    let transaction_paths = wire.transaction_paths.unwrap_or(8);
    if transaction_paths > TRANSACTION_PATHS_MAX {
        return Err(field("[market] agent_paths", "at most 1000", &transaction_paths.to_string()));
    }
    let blocks = wire.blocks.unwrap_or(1_800);
    let settle_blocks = wire.settle_blocks.unwrap_or(0);
    if settle_blocks.saturating_add(2) > blocks {
        let expected = "fewer than market.blocks, with two to spare";
        return Err(field("[market] settle_blocks", expected, &settle_blocks.to_string()));
    }
    Ok(Market {
        seed: wire.seed.unwrap_or(1).into(),
        paths,
        blocks,
        warmup_blocks: wire.warmup_blocks.unwrap_or(300),
        settle_blocks,
        screen_paths: wire.screen_paths.unwrap_or(0).min(paths),
        transaction_paths,
        assumptions,
    })
}

fn read_thresholds(wire: Vec<WireThreshold>) -> Result<Vec<Threshold>, FileError> {
    wire.into_iter()
        .map(|threshold| {
            let metric = known_metric("[[thresholds]] metric", threshold.metric)?;
            let value = match (threshold.value, threshold.change.as_deref()) {
                (Some(value), None) => ThresholdValue::Proposal(value.into()),
                (None, Some(change)) => {
                    let (sign, magnitude) = match change.strip_prefix('-') {
                        Some(rest) => (-1, rest),
                        None => (1, change.strip_prefix('+').unwrap_or(change)),
                    };
                    let expected = "a relative change in quotes such as \"-0.333\"";
                    let magnitude = parse_ppm(magnitude)
                        .ok_or_else(|| field("[[thresholds]] change", expected, change))?;
                    ThresholdValue::ChangePpm(sign * i64::from(magnitude))
                }
                (value, _) => {
                    let found = if value.is_some() { "both" } else { "neither" };
                    let place = format!("[[thresholds]] {metric}");
                    return Err(field(&place, "either `value` or `change`", found));
                }
            };
            Ok(Threshold { metric, side: threshold.side, value })
        })
        .collect()
}

fn read_goals(wire: Vec<WireGoal>) -> Result<Vec<Goal>, FileError> {
    wire.into_iter()
        .map(|goal| {
            let lower_is_better = match goal.better.as_str() {
                "lower" => true,
                "higher" => false,
                other => return Err(field("[[goals]] better", "`lower` or `higher`", other)),
            };
            Ok(Goal { metric: known_metric("[[goals]] metric", goal.metric)?, lower_is_better })
        })
        .collect()
}

fn known_metric(place: &str, name: String) -> Result<String, FileError> {
    if chaos_simulation::flow::Metric::ALL.into_iter().any(|metric| metric.name() == name) {
        return Ok(name);
    }
    Err(field(place, "a metric of the flow model (docs/simulation/metrics.md)", &name))
}

fn read_attacks(names: &[String]) -> Result<Vec<Attack>, FileError> {
    let mut attacks = Vec::new();
    for name in names {
        let known = Attack::ALL.into_iter().find(|attack| attack.name() == name);
        let Some(attack) = known else {
            if name == "all" {
                continue;
            }
            return Err(field("attacks", "`all` or names of attack scenarios", name));
        };
        if attacks.contains(&attack) {
            return Err(field("attacks", "a name not used before", name));
        }
        attacks.push(attack);
    }
    if names.iter().any(|name| name == "all") {
        return Ok(Attack::ALL.to_vec());
    }
    Ok(attacks)
}
