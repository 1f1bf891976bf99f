//! The receipts of a study and of a forecast.

use std::collections::BTreeSet;

use chaos_agency::{Body, Ground, Signer, Source, receipt::Form};
use chaos_parameters::Parameters;
use chaos_report::Comparison;
use chaos_simulation::forecast::{self, Forecast as ForecastDocument};
use chaos_study::StudyResult;
use chaos_types::{ChainId, Digest, Rejection};
use serde::{Deserialize, Serialize};

use super::{Blocks, ParameterChange, rules, sentence};

/// The figure that a claim is told by where a study names no threshold.
const HEADLINE: &str = "base_fee_median";

/// A whole study was run: a change with its alternatives, scenarios and attacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunStudy {
    /// The study's name.
    pub name: String,
    /// The chain whose rules were changed.
    pub chain: ChainId,
    /// What was changed.
    pub changes: Vec<ParameterChange>,
    /// The blocks that were executed; `None` if there were none.
    pub blocks: Option<Blocks>,
    /// Whether these blocks were generated: then nothing in the study is a fact about the chain.
    pub generated: bool,
    /// Whether demand was calibrated on a fee history, and not on the blocks that were executed.
    pub by_fee_history: bool,
    /// The first figure that a threshold is about, or the median base fee.
    pub headline: Option<Headline>,
    /// How many of the study's thresholds the proposal meets, its less favourable tail included.
    pub thresholds_met: u32,
    /// How many were not judged: the scenario does not reproduce the chain, or has too few paths.
    pub thresholds_not_judged: u32,
    /// How many thresholds there are.
    pub thresholds: u32,
    /// The digest of the forecast in the result, which bears no date: the log dates it.
    pub forecast: Option<Digest>,
}

/// One figure of a study's first scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Headline {
    /// The metric's name.
    pub metric: String,
    /// The unit of all five numbers.
    pub unit: String,
    /// The chain as it is.
    #[serde(with = "chaos_types::decimal")]
    pub baseline: i128,
    /// The chain as proposed.
    #[serde(with = "chaos_types::decimal")]
    pub proposal: i128,
    /// Proposal less baseline.
    #[serde(with = "chaos_types::decimal")]
    pub difference: i128,
    /// 10th percentile of the difference.
    #[serde(with = "chaos_types::decimal")]
    pub low: i128,
    /// 90th percentile of the difference.
    #[serde(with = "chaos_types::decimal")]
    pub high: i128,
}

/// Blocks under changed rules were forecast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeForecast {
    /// The chain.
    pub chain: ChainId,
    /// What changes at the first of the blocks; empty if nothing does.
    pub changes: Vec<ParameterChange>,
    /// The first block that is forecast.
    #[serde(with = "chaos_types::decimal")]
    pub first_block: u64,
    /// How many blocks are forecast.
    pub blocks: u32,
    /// The last block that it is fitted on.
    #[serde(with = "chaos_types::decimal")]
    pub fitted_to: u64,
}

impl RunStudy {
    /// What a result says, as its receipt says it.
    ///
    /// # Errors
    /// If the forecast in it has no canonical form.
    pub fn of(result: &StudyResult) -> Result<Self, forecast::Error> {
        let main = result.scenarios.first();
        let judged = main.map(|main| main.judgements.as_slice()).unwrap_or_default();
        let metric = judged.first().map_or(HEADLINE, |judgement| judgement.metric.as_str());
        let row = main.and_then(|main| main.flow.get(metric));
        let headline = row.map(|row| Headline {
            metric: metric.to_owned(),
            unit: row.unit.clone(),
            baseline: row.baseline,
            proposal: row.proposal,
            difference: row.difference,
            low: row.interval.low,
            high: row.interval.high,
        });
        let count = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
        let names = result.inputs.iter().map(|input| input.name.as_str());
        Ok(Self {
            name: result.name.clone(),
            chain: result.chain.clone(),
            changes: changes(&result.parameters.baseline, &result.parameters.proposal),
            blocks: executed(names.clone()),
            generated: result.generated,
            by_fee_history: names.clone().any(|name| !name.contains(BLOCKS)),
            headline,
            thresholds_met: count(judged.iter().filter(|row| row.met && row.robust).count()),
            thresholds_not_judged: count(
                judged.iter().filter(|row| row.not_judged.is_some()).count(),
            ),
            thresholds: count(judged.len()),
            forecast: result.forecast.as_ref().map(undated).transpose()?,
        })
    }
}

impl MakeForecast {
    /// What a forecast says, as its receipt says it.
    #[must_use]
    pub fn of(forecast: &ForecastDocument) -> Self {
        Self {
            chain: forecast.chain.clone(),
            changes: changes(&forecast.baseline, &forecast.proposal),
            first_block: forecast.target.first_block,
            blocks: forecast.target.blocks,
            fitted_to: forecast.fit.last_block,
        }
    }
}

/// The digest of a forecast apart from when somebody's clock says that it was made.
///
/// # Errors
/// If it has no canonical form.
pub fn undated(forecast: &ForecastDocument) -> Result<Digest, forecast::Error> {
    ForecastDocument { made_at: None, ..forecast.clone() }.digest()
}

/// Stands in the name of an input that is a block.
const BLOCKS: &str = "/blocks/";

/// The blocks among a result's inputs, by their names.
fn executed<'a>(names: impl Iterator<Item = &'a str>) -> Option<Blocks> {
    let numbers: BTreeSet<u64> =
        names.filter_map(|name| name.split_once(BLOCKS)?.1.parse().ok()).collect();
    let (first, last) = (*numbers.first()?, *numbers.last()?);
    Some(Blocks { first, last, count: u32::try_from(numbers.len()).ok()? })
}

/// What a set of parameters changes of another.
fn changes(baseline: &Parameters, proposal: &Parameters) -> Vec<ParameterChange> {
    let changes = proposal.changes_from(baseline).into_iter();
    changes
        .map(|(name, from, to)| ParameterChange {
            parameter: name.flag().to_owned(),
            current: from.into(),
            proposed: to.into(),
        })
        .collect()
}

impl Headline {
    /// The figure before and after with its interval, in people's words.
    #[must_use]
    pub fn sentence(&self) -> String {
        let shown = Comparison::of(&self.unit, self.baseline, self.proposal);
        format!(
            "{} {} to {} (difference {}, p10 to p90 {})",
            crate::proposal::spoken(&self.metric),
            shown.value(self.baseline),
            shown.value(self.proposal),
            shown.difference(self.difference),
            shown.interval(self.low, self.high)
        )
    }
}

impl Body for RunStudy {
    const KIND: &'static str = "study";
    const SIGNER: Signer = Signer::Agent;
    const IS_WORK: bool = true;
    const DISCLOSED: bool = true;
    const GROUNDS: &'static [Ground] = &[
        Ground::read("the blocks, the fees and the state before them", Source::Chain, "blocks"),
        Ground::read(
            "which question is asked, under which demand, thresholds and seed",
            Source::Signer,
            "study",
        ),
    ];

    fn ensure(&self, _: &Form<'_>) -> Result<(), Rejection> {
        self.blocks.as_ref().map_or(Ok(()), rules::ensure_range)
    }

    fn sentence(&self) -> String {
        sentence::studied(self)
    }
}

impl Body for MakeForecast {
    const KIND: &'static str = "forecast";
    const SIGNER: Signer = Signer::Agent;
    const IS_WORK: bool = true;
    const DISCLOSED: bool = true;
    const GROUNDS: &'static [Ground] = &[
        Ground::read("the fees that demand is fitted on", Source::Chain, "fee-history"),
        Ground::read(
            "which change and which blocks are forecast, under which demand and seed",
            Source::Signer,
            "request",
        ),
    ];

    fn ensure(&self, _: &Form<'_>) -> Result<(), Rejection> {
        Ok(())
    }

    fn sentence(&self) -> String {
        sentence::forecast(self)
    }
}
