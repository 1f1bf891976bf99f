use chaos_parameters::{
    Error as ParameterError, Family, ParameterName, Parameters, Preset, Setting,
};
use chaos_types::ChainId;

use super::{Cell, Goal, Threshold};
use crate::attack::Scenario as Attack;
use chaos_simulation::flow::Assumptions;

/// A whole study, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Study {
    /// Short name: lower-case letters, digits and hyphens; names the output.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What somebody has to decide.
    pub question: String,
    /// Where blocks come from.
    pub sources: Sources,
    /// The rule set that the baseline starts from.
    pub preset: Preset,
    /// What the chain has beyond the preset; the gas limit is the blocks' own if it is not set.
    pub baseline: Vec<Setting>,
    /// What is proposed.
    pub proposal: Vec<Setting>,
    /// Alternatives: every combination is run.
    pub grid: Vec<Axis>,
    /// Demand scenarios; the first is the one that the verdict rests on.
    pub scenarios: Vec<DemandScenario>,
    /// Paths, blocks and assumptions.
    pub market: Market,
    /// What must hold, named before anything is run.
    pub thresholds: Vec<Threshold>,
    /// What is traded off in the Pareto table.
    pub goals: Vec<Goal>,
    /// Attacks to run.
    pub attacks: Vec<Attack>,
}

/// Where blocks come from; paths are relative to the study file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// Only this chain.
    pub chain: Option<ChainId>,
    /// A folder of recorded blocks.
    pub blocks: Option<String>,
    /// A fee history.
    pub fee_history: Option<String>,
    /// Names of its columns that are no documented ones, such as `number=height`.
    pub columns: Option<String>,
    /// Blocks below this number are left out of re-execution.
    pub first_block: u64,
    /// What to do if a source does not exist.
    pub when_absent: WhenAbsent,
}

/// What to do if a source does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenAbsent {
    /// Stop with an error.
    Refuse,
    /// Generate blocks, and say so in the result.
    Generate,
}

/// One parameter and the values it takes in the grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// The parameter.
    pub name: ParameterName,
    /// Its values, ascending.
    pub values: Vec<u64>,
}

/// One assumption about demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemandScenario {
    /// Short name.
    pub name: String,
    /// One sentence on what it stands for.
    pub what: String,
    /// Demand over the calibrated demand in ppm.
    pub demand_ppm: u32,
    /// Price elasticity in ppm if one is named; each path draws it from the posterior otherwise.
    pub elasticity_ppm: Option<u32>,
}

/// How much is simulated, and under which assumptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Market {
    /// Seed of all randomness.
    pub seed: u64,
    /// Paths of the flow model per cell.
    pub paths: u32,
    /// Measured blocks per path.
    pub blocks: u32,
    /// Blocks before those.
    pub warmup_blocks: u32,
    /// Measured blocks after the change that no figure of the flow model counts.
    pub settle_blocks: u32,
    /// Paths after which a cell may be given up; zero to run every cell to its end.
    pub screen_paths: u32,
    /// Paths of the transaction model, for the proposal only; zero to leave it out.
    pub transaction_paths: u32,
    /// Elasticity, patience, pool and bursts.
    pub assumptions: Assumptions,
}

impl Study {
    /// The parameters of the baseline, on Ethereum at this gas limit unless the study sets one. A
    /// rollup's limit is its preset's: the observed blocks may be of another chain.
    ///
    /// # Errors
    /// If a parameter does not fit the preset's family or contradicts another.
    pub fn baseline(&self, observed_gas_limit: Option<u64>) -> Result<Parameters, ParameterError> {
        let mut settings = Vec::new();
        let sets_limit =
            self.baseline.iter().any(|setting| setting.name() == ParameterName::GasLimit);
        let ethereum = self.preset.parameters().family() == Family::Ethereum;
        if let (true, false, Some(limit)) = (ethereum, sets_limit, observed_gas_limit) {
            settings.push(Setting::new(ParameterName::GasLimit, limit)?);
        }
        settings.extend(&self.baseline);
        self.preset.parameters().apply(&settings)
    }

    /// All cells: the proposal under every scenario, then the grid and no change under the first.
    ///
    /// The cell at index 0 is the one that the verdict rests on.
    ///
    /// # Errors
    /// If a combination contradicts itself.
    pub fn cells(&self, baseline: &Parameters) -> Result<Vec<Cell>, ParameterError> {
        let proposal = baseline.apply(&self.proposal)?;
        let mut cells: Vec<Cell> = (0..self.scenarios.len())
            .map(|scenario| Cell { parameters: proposal, scenario })
            .collect();
        let mut combinations = vec![Vec::new()];
        for axis in &self.grid {
            let mut longer = Vec::with_capacity(combinations.len() * axis.values.len());
            for settings in &combinations {
                for value in &axis.values {
                    let mut settings: Vec<Setting> = settings.clone();
                    settings.push(Setting::new(axis.name, *value)?);
                    longer.push(settings);
                }
            }
            combinations = longer;
        }
        for settings in combinations.iter().filter(|settings| !settings.is_empty()) {
            let cell = Cell { parameters: baseline.apply(settings)?, scenario: 0 };
            if !cells.contains(&cell) {
                cells.push(cell);
            }
        }
        let unchanged = Cell { parameters: *baseline, scenario: 0 };
        if !self.grid.is_empty() && !cells.contains(&unchanged) {
            cells.push(unchanged);
        }
        Ok(cells)
    }
}

/// Reads a decimal such as `0.2`, with at most six places, as parts per million.
///
/// `None` if it is no such number or does not fit; there is no rounding.
#[must_use]
pub fn parse_ppm(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let fraction: u32 = format!("{fraction:0<6}").parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(fraction)
}
