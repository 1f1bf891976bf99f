use std::collections::BTreeMap;

use chaos_types::{ChainId, Digest, canonical};
use serde::{Deserialize, Serialize};

use super::{EvmFigures, Judgement, Standing, TransactionFigures};
use crate::attack::AttackResult;
use chaos_simulation::{
    Arms, Calibration, Decimal, Input, MetricRow, Program, SensitivityRow,
    flow::{Assumptions, Demand},
    forecast::{Forecast, Validation},
};

/// Names the layout of [`StudyResult`]; a change of layout changes it.
pub const STUDY_FORMAT: &str = "chaos-simulation/study/1";

/// The same layout where the one fee rule moves a figure that [`STUDY_FORMAT`] once named, in a cell,
/// in the sweep of elasticities, in the transaction model or in an attack
/// (`docs/adr/0012-one-fee-rule.md`).
pub const STUDY_FORMAT_REVISED: &str = "chaos-simulation/study/2";

/// The layout of studies whose fits were checked: each scenario has its `calibration`, and one that is not
/// calibrated is not judged (`docs/adr/0048-a-calibration-that-can-fail.md`).
pub const STUDY_FORMAT_CHECKED: &str = "chaos-simulation/study/3";

/// Everything a study found, as one canonical document with one digest.
///
/// Times in milliseconds are not in it: they belong to the machine, not to the study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyResult {
    /// [`STUDY_FORMAT`], [`STUDY_FORMAT_REVISED`] or [`STUDY_FORMAT_CHECKED`].
    pub format: String,
    /// The program that computed it.
    pub program: Program,
    /// Name of the study.
    pub name: String,
    /// Digest of what the study file says ([`content_digest`](crate::content_digest)).
    pub study: Digest,
    /// The chain whose blocks were used.
    pub chain: ChainId,
    /// Whether the blocks were generated because a source was absent.
    pub generated: bool,
    /// Everything read, sorted by name.
    pub inputs: Vec<Input>,
    /// The two sets of parameters.
    pub parameters: Arms,
    /// Seed of all randomness.
    #[serde(with = "chaos_types::decimal")]
    pub seed: u64,
    /// Paths of the flow model per completed cell.
    pub paths: u32,
    /// Measured blocks per path.
    pub blocks: u32,
    /// Blocks before those, under the baseline in both arms.
    pub warmup_blocks: u32,
    /// Measured blocks after the change that no figure of the flow model counts.
    pub settle_blocks: u32,
    /// What a reader may dispute.
    pub assumptions: Assumptions,
    /// The proposal under each demand scenario; the verdict rests on the first.
    pub scenarios: Vec<ScenarioResult>,
    /// The first scenario at other elasticities.
    pub sensitivity: Vec<SensitivityRow>,
    /// The alternatives.
    pub grid: Vec<GridCell>,
    /// What re-execution gave; `None` if there were no blocks.
    pub evm: Option<EvmFigures>,
    /// The attacks, baseline against proposal.
    pub attacks: Vec<AttackResult>,
    /// How well the model predicted later windows of the same history; `None` if it is too short.
    pub validation: Option<Validation>,
    /// What is expected after the change, to be scored with `backtest --forecast`.
    pub forecast: Option<Forecast>,
    /// What is missing or was counted, one sentence each.
    pub flags: Vec<String>,
}

/// The proposal under one demand scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioResult {
    /// Name of the scenario.
    pub name: String,
    /// What it stands for.
    pub what: String,
    /// Demand over the calibrated demand in ppm.
    pub demand_ppm: u32,
    /// Price elasticity in ppm; the posterior's median if the paths drew it.
    pub elasticity_ppm: u32,
    /// Whether each path drew its elasticity from the posterior.
    #[serde(default)]
    pub elasticity_drawn: bool,
    /// The modelled baseline beside the observed chain, before the factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// Demand as calibrated, before the factor.
    pub demand: Demand,
    /// Figures of the flow model.
    pub flow: BTreeMap<String, MetricRow>,
    /// What the transaction model says.
    #[serde(rename = "agents")]
    pub transactions: TransactionFigures,
    /// The thresholds under this scenario.
    pub judgements: Vec<Judgement>,
}

/// One alternative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridCell {
    /// What it changes, by parameter.
    pub changes: BTreeMap<String, Decimal>,
    /// How far it was run.
    pub standing: Standing,
    /// Figures of the flow model.
    pub metrics: BTreeMap<String, MetricRow>,
    /// Thresholds met by its mean figures, of all.
    pub thresholds_met: u32,
    /// Of those, thresholds that the less favourable tail of its paths meets, too.
    pub thresholds_robust: u32,
    /// Whether no other completed cell beats it on every goal.
    pub pareto: bool,
}

impl ScenarioResult {
    /// The elasticity in words: a number that somebody named, or the posterior.
    #[must_use]
    pub fn elasticity(&self) -> String {
        if self.elasticity_drawn {
            return "drawn from the posterior (median 0.25, 80 % within 0.12 to 0.51)".to_owned();
        }
        let digits =
            format!("{}.{:06}", self.elasticity_ppm / 1_000_000, self.elasticity_ppm % 1_000_000);
        digits.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// Whether thresholds may be judged on it.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.calibration.as_ref().is_none_or(Calibration::is_usable)
    }
}

impl StudyResult {
    /// The canonical bytes (RFC 8785).
    ///
    /// # Errors
    /// If a small field holds an integer beyond 2^53.
    pub fn to_canonical(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(self)
    }

    /// SHA-256 of the canonical bytes: what two runs must agree on.
    ///
    /// # Errors
    /// As [`Self::to_canonical`].
    pub fn digest(&self) -> Result<Digest, canonical::Error> {
        self.to_canonical().map(|bytes| Digest::of(&bytes))
    }
}
