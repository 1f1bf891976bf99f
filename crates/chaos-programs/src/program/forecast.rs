use chaos_governance::receipts;
use chaos_parameters::Parameters;
use chaos_simulation::{
    flow::Assumptions,
    forecast::{Forecast, Options},
};
use chaos_types::ChainId;
use serde::{Deserialize, Serialize};

use super::{Program, Ran};
use crate::{
    Error,
    forecasting::{Activation, Forecasting},
};

/// Blocks and a change in, a forecast without a date out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MakeForecast<'a> {
    /// The blocks and how to forecast.
    pub(crate) forecasting: &'a Forecasting,
    /// What is forecast.
    pub(crate) activation: &'a Activation,
}

impl Program for MakeForecast<'_> {
    const NAME: &'static str = "chaos-simulation/forecast";
    type Output = Forecast;
    type Body = receipts::MakeForecast;

    fn run(self) -> Result<Ran<Forecast, receipts::MakeForecast>, Error> {
        let forecast = self.forecasting.undated(self.activation)?;
        let document = forecast.to_canonical().map_err(Error::Forecast)?;
        Ok(Ran { body: receipts::MakeForecast::of(&forecast), output: forecast, document })
    }
}

/// What a forecast was asked for, apart from the blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForecastRequest {
    /// The chain.
    pub(crate) chain: ChainId,
    /// Whether the blocks follow the rules of the baseline, and not those that are known of the chain.
    pub(crate) own_rules: bool,
    /// What the chain has before the activation.
    pub(crate) baseline: Parameters,
    /// What it has from then on.
    pub(crate) proposal: Parameters,
    /// The first block under the proposal.
    #[serde(with = "chaos_types::decimal")]
    pub(crate) activation_block: u64,
    #[serde(with = "chaos_types::decimal")]
    pub(crate) seed: u64,
    pub(crate) paths: u32,
    pub(crate) fit_blocks: u32,
    pub(crate) horizon_blocks: u32,
    pub(crate) assumptions: Assumptions,
}

impl ForecastRequest {
    /// How to forecast.
    pub(crate) const fn options(&self) -> Options {
        Options {
            seed: self.seed,
            paths: self.paths,
            fit_blocks: self.fit_blocks,
            horizon_blocks: self.horizon_blocks,
            assumptions: self.assumptions,
        }
    }

    /// What is forecast.
    pub(crate) const fn activation(&self) -> Activation {
        Activation { block: self.activation_block, parameters: self.proposal }
    }
}
