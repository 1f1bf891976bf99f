use std::collections::BTreeMap;

use chaos_types::Digest;
use serde::{Deserialize, Serialize};

use super::{
    Coverage, Error, Forecast, ForecastRow, Quantiles, Window, launch,
    make::{HORIZON_BLOCKS_MIN, usable},
    statistics::{relative_ppm, skill_ppm},
};
use crate::{
    flow::{ObservedBlock, PathMetrics, observed_metrics},
    result::Decimal,
};

/// What became of a forecast, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Six of ten figures or more lie between p10 and p90, and nine of ten between p2.5 and p97.5.
    Held,
    /// At least half of the figures lie between p2.5 and p97.5.
    Partly,
    /// Fewer do.
    Missed,
}

impl Verdict {
    /// The word in results.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Partly => "partly",
            Self::Missed => "missed",
        }
    }

    fn of(rows: &BTreeMap<String, ScoreRow>) -> Self {
        let count = rows.len();
        let inside = |holds: fn(&ScoreRow) -> bool| rows.values().filter(|row| holds(row)).count();
        let (inner, outer) =
            (inside(|row| row.inside_p10_p90), inside(|row| row.inside_p2_5_p97_5));
        if inner * 10 >= count * 6 && outer * 10 >= count * 9 {
            Self::Held
        } else if outer * 2 >= count {
            Self::Partly
        } else {
            Self::Missed
        }
    }
}

/// One predicted figure beside the observed one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreRow {
    /// Unit of the observed figure, the percentiles and the Winkler score.
    pub unit: String,
    /// What happened.
    pub observed: Decimal,
    /// What was predicted.
    pub quantiles: Quantiles,
    /// Whether the observed figure lies between p10 and p90.
    pub inside_p10_p90: bool,
    /// Whether it lies between p2.5 and p97.5.
    pub inside_p2_5_p97_5: bool,
    /// Predicted median over observed less one, in ppm; `None` if zero was observed.
    pub error_ppm: Option<Decimal>,
    /// Width of p10 to p90 plus ten times the distance outside; less is better.
    pub winkler: Decimal,
    /// Mean pinball loss of the percentiles, in thousandths of the unit; less is better.
    pub pinball_milli: Decimal,
    /// The same of the naive forecast, that the last window repeats itself.
    pub naive_pinball_milli: Option<Decimal>,
    /// One less the first over the second, in ppm: above zero the model was better.
    pub skill_ppm: Option<Decimal>,
}

impl ScoreRow {
    fn new(row: &ForecastRow, observed: i128) -> Self {
        let quantiles = row.quantiles;
        let loss = quantiles.pinball_milli(observed);
        let naive = row.naive.map(|naive| Quantiles::point(naive.0).pinball_milli(observed));
        Self {
            unit: row.unit.clone(),
            observed: Decimal(observed),
            quantiles,
            inside_p10_p90: (quantiles.p10..=quantiles.p90).contains(&observed),
            inside_p2_5_p97_5: (quantiles.p2_5..=quantiles.p97_5).contains(&observed),
            error_ppm: relative_ppm(quantiles.p50, observed).map(Decimal),
            winkler: Decimal(quantiles.winkler(observed)),
            pinball_milli: Decimal(loss),
            naive_pinball_milli: naive.map(Decimal),
            skill_ppm: naive.and_then(|naive| skill_ppm(loss, naive)).map(Decimal),
        }
    }
}

/// A forecast held against what happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Digest of the forecast.
    pub forecast: Digest,
    /// The observed blocks that the forecast is about.
    pub observed: Window,
    /// Blocks that the forecast is about and that were not observed: absent, or not yet there.
    pub unobserved_blocks: u64,
    /// Figures by name.
    pub metrics: BTreeMap<String, ScoreRow>,
    /// How many lie between p10 and p90; 80 % should, over many forecasts.
    pub p10_p90: Coverage,
    /// How many lie between p2.5 and p97.5; 95 % should.
    pub p2_5_p97_5: Coverage,
    /// How many figures the model predicted better than the naive forecast.
    pub better_than_naive: u64,
    /// How many have a naive forecast that was not exactly right.
    pub naive_compared: u64,
    /// In one word.
    pub verdict: Verdict,
}

/// Holds `forecast` against the blocks it is about; others in `observed` are left out.
///
/// Blocks that are missing are counted in [`Score::unobserved_blocks`]; figures are those of the
/// blocks present.
///
/// # Errors
/// If blocks do not ascend, or fewer than [`HORIZON_BLOCKS_MIN`] of those it is about are there.
pub fn score(forecast: &Forecast, observed: &[ObservedBlock]) -> Result<Score, Error> {
    let observed = usable(observed)?;
    let first = forecast.target.first_block;
    let end = first.saturating_add(forecast.target.blocks.into());
    let within = |number: u64| observed.partition_point(|block| block.number < number);
    let target = &observed[within(first)..within(end)];
    if target.len() < HORIZON_BLOCKS_MIN as usize {
        return Err(Error::TooShort {
            what: "blocks that the forecast is about",
            found: target.len(),
            min: HORIZON_BLOCKS_MIN as usize,
        });
    }
    let figures = figures(forecast, target);
    let metrics: BTreeMap<String, ScoreRow> = forecast
        .metrics
        .iter()
        .filter_map(|(name, row)| {
            Some((name.clone(), ScoreRow::new(row, figures.get(name).copied()?)))
        })
        .collect();
    let count = |holds: fn(&ScoreRow) -> bool| metrics.values().filter(|row| holds(row)).count();
    let coverage =
        |holds| Coverage::new(count(holds) as u64, metrics.len() as u64, metrics.len() as u64);
    Ok(Score {
        forecast: forecast.digest()?,
        observed: Window::of(target).ok_or(Error::Empty)?,
        unobserved_blocks: u64::from(forecast.target.blocks) - target.len() as u64,
        p10_p90: coverage(|row| row.inside_p10_p90),
        p2_5_p97_5: coverage(|row| row.inside_p2_5_p97_5),
        better_than_naive: count(|row| row.skill_ppm.is_some_and(|skill| skill.0 > 0)) as u64,
        naive_compared: count(|row| row.skill_ppm.is_some()) as u64,
        verdict: Verdict::of(&metrics),
        metrics,
    })
}

/// The observed figures by name, those of a launch among them.
fn figures(forecast: &Forecast, target: &[ObservedBlock]) -> BTreeMap<String, i128> {
    let metrics: PathMetrics = observed_metrics(target, forecast.proposal.elasticity_multiplier());
    let mut figures: BTreeMap<String, i128> =
        metrics.into_iter().map(|(metric, value)| (metric.name().to_owned(), value)).collect();
    let fees: Vec<u128> = target.iter().filter_map(|block| block.base_fee_wei).collect();
    for transient in launch::Transient::ALL {
        let value = transient.of(&fees, forecast.demand.anchor_wei);
        figures.insert(transient.name().to_owned(), value);
    }
    figures
}
