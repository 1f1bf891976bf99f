//! A forecast, made again from the fee history and the request that its receipt names.

use chaos_governance::receipts;
use chaos_types::{Digest, Rejection};

use super::{REQUEST, hold, shown, work::Work};
use crate::{
    forecasting::Forecasting,
    history,
    program::{ForecastRequest, MakeForecast},
    simulation::{FEE_HISTORY, threads},
};

/// Makes the forecast again.
pub(super) fn forecast(
    work: &Work<'_>,
    claimed: &receipts::MakeForecast,
) -> Result<Digest, Rejection> {
    work.named.ensure_inputs(|name| name == REQUEST || name == FEE_HISTORY)?;
    let request: ForecastRequest = work.named.document(REQUEST)?;
    let history = work.inputs.fee_history(work.named.input(FEE_HISTORY)?)?;
    let named = request.own_rules.then_some(request.baseline);
    let rules = history::rules(&request.chain, named).map_err(shown)?;
    let forecasting = Forecasting {
        chain: request.chain.clone(),
        history: history.checked(rules).map_err(shown)?,
        options: request.options(),
        threads: threads(None),
    };
    hold(MakeForecast { forecasting: &forecasting, activation: &request.activation() }, claimed)
}
