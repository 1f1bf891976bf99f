use std::{collections::BTreeMap, num::NonZeroUsize};

use serde::{Deserialize, Serialize};

use super::{
    Basis, Error, Forecast, ForecastRow, Options, Quantiles, Request, Score,
    dispersion::NONE_PPM,
    forecast,
    launch::Transient,
    make::{FIT_BLOCKS_MIN, HORIZON_BLOCKS_MIN, PathPlan, Plan, rows, usable},
    score,
};
use crate::flow::ObservedBlock;

/// The forecast of a change in the past and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backtest {
    /// What the model says, from the blocks that [`Forecast::basis`] names.
    pub forecast: Forecast,
    /// What happened.
    pub score: Score,
}

/// Predicts the blocks after an activation in the past, and scores the prediction.
///
/// With [`FIT_BLOCKS_MIN`] blocks or more before it, demand is fitted on those alone
/// ([`Basis::Before`]). Where the base fee begins with the activation there is nothing to fit on
/// before it. Then the blocks after the predicted ones give the demand, and the test is whether the
/// model, started at the first base fee with an empty pool, goes the way the chain went
/// ([`Basis::After`]): how fast it climbs, how far it overshoots, when it settles.
///
/// # Errors
/// As [`forecast`] and [`score`]; if the activation is not inside the history; or if neither before
/// nor after it enough blocks remain to fit on.
pub fn backtest(
    request: &Request,
    observed: &[ObservedBlock],
    options: &Options,
    threads: NonZeroUsize,
) -> Result<Backtest, Error> {
    let blocks = usable(observed)?;
    let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else {
        return Err(Error::Empty);
    };
    let activation = request.activation_block;
    if activation < first.number || activation > last.number {
        return Err(Error::ActivationOutside {
            activation,
            first: first.number,
            last: last.number,
        });
    }
    let before = blocks.partition_point(|block| block.number < activation);
    let forecast = if before == 0 {
        launch(request, &blocks, options, threads)?
    } else {
        forecast(request, &blocks, options, threads)?
    };
    let score = score(&forecast, &blocks)?;
    Ok(Backtest { forecast, score })
}

/// The forecast of a launch from what the market was like later.
fn launch(
    request: &Request,
    blocks: &[ObservedBlock],
    options: &Options,
    threads: NonZeroUsize,
) -> Result<Forecast, Error> {
    // What is predicted is not fitted on.
    let end = request.activation_block.saturating_add(options.horizon_blocks.into());
    let after = blocks.partition_point(|block| block.number < end);
    if after < HORIZON_BLOCKS_MIN as usize || blocks.len() - after < FIT_BLOCKS_MIN {
        return Err(Error::TooShort {
            what: "blocks after the launch and what is predicted of it",
            found: blocks.len() - after,
            min: FIT_BLOCKS_MIN,
        });
    }
    let fit = &blocks[after..blocks.len().min(after + options.fit_blocks as usize)];
    let plan = Plan { request, options, threads };
    let mut fitted = plan.fit(fit, "blocks after the launch")?;
    // Nothing is known of the state of demand at the launch but its level.
    fitted.slow_start_ppm = 0;
    let start_wei = blocks.first().and_then(|block| block.base_fee_wei);
    let spec = PathPlan { fitted: &fitted, start_wei, warmup_blocks: 0 };
    let anchor_wei = fitted.demand.anchor_wei;
    let figures = plan.paths(&spec, |path| {
        let fees: Vec<u128> = path.blocks.iter().map(|block| block.base_fee_wei).collect();
        let transients = Transient::ALL.map(|transient| transient.of(&fees, anchor_wei));
        (path.metrics(&fitted.proposal), transients)
    })?;
    let (paths, transients): (Vec<_>, Vec<_>) = figures.into_iter().unzip();
    let mut metrics = rows(&paths, &BTreeMap::new(), None);
    for (index, transient) in Transient::ALL.into_iter().enumerate() {
        let values = transients.iter().map(|path| path[index]).collect();
        let row = ForecastRow {
            unit: transient.unit().to_owned(),
            quantiles: Quantiles::of(values),
            widened_low_ppm: NONE_PPM,
            widened_high_ppm: NONE_PPM,
            naive: None,
        };
        metrics.insert(transient.name().to_owned(), row);
    }
    plan.document(fitted, Basis::After, metrics, 0)
}
