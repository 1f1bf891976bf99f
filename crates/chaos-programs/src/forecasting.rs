//! Forecasts from fee histories: made before a change, scored after it.

pub mod kept;
mod sign;
pub mod words;

use std::num::NonZeroUsize;

use chaos_history::FeeHistory;
use chaos_parameters::{ParameterName, Parameters, Setting};
use chaos_simulation::{
    Input, Program,
    flow::{ObservedBlock, percentile},
    forecast::{
        self, Backtest, Forecast, Options, Request, RollingOptions, Score, Validation, validate,
    },
};
use chaos_types::ChainId;

use crate::{Error, changes::Moment, history::CheckedHistory, simulation::FEE_HISTORY};

/// Recorded blocks of one chain, and how forecasts are made from them.
#[derive(Debug)]
pub struct Forecasting {
    /// The chain.
    pub chain: ChainId,
    /// The blocks, and the rules that they follow.
    pub history: CheckedHistory,
    /// Paths, windows and assumptions.
    pub options: Options,
    /// How many threads run. No result depends on it.
    pub threads: NonZeroUsize,
}

/// What is forecast: blocks from one on, under changed rules.
#[derive(Debug, Clone, Copy)]
pub struct Activation {
    /// The first block under the changed rules.
    pub block: u64,
    /// The changed rules.
    pub parameters: Parameters,
}

impl Forecasting {
    /// The rules in force at the newest block with a base fee, at the median gas limit of those that
    /// have one.
    ///
    /// # Errors
    /// [`Error::NoBaseFee`] if none has one, and if the limit is out of bounds.
    pub fn parameters(&self) -> Result<Parameters, Error> {
        let priced = || self.blocks().iter().filter(|block| block.base_fee_wei.is_some());
        let parameters = self.history.newest_parameters()?.ok_or(Error::NoBaseFee)?;
        let mut limits: Vec<u64> = priced().map(|block| block.gas_limit).collect();
        limits.sort_unstable();
        let limit = Setting::new(ParameterName::GasLimit, percentile(&limits, 50))?;
        Ok(parameters.apply(&[limit])?)
    }

    /// The first block at or after a moment; the one after the last if the table ends before it.
    #[must_use]
    pub fn block_of(&self, moment: Moment) -> u64 {
        let time = match moment {
            Moment::Block(number) => return number,
            Moment::Time(time) => time,
        };
        let blocks = self.blocks();
        let at = blocks.partition_point(|block| block.timestamp < time);
        let after = || blocks.last().map_or(0, |block| block.number + 1);
        blocks.get(at).map_or_else(after, |block| block.number)
    }

    fn blocks(&self) -> &[ObservedBlock] {
        self.history.history.blocks()
    }

    /// What the forecasts are computed from.
    #[must_use]
    pub fn input(&self) -> Input {
        Input { name: FEE_HISTORY.to_owned(), digest: self.history.digest }
    }

    /// Predicts window after window, and compares each with what followed.
    ///
    /// # Errors
    /// If there are too few blocks.
    pub fn validate(&self) -> Result<Validation, Error> {
        let request = RollingOptions {
            chain: self.chain.clone(),
            program: Program::this(),
            inputs: vec![self.input()],
            parameters: self.parameters()?,
            options: self.options,
        };
        validate(self.blocks(), &request, self.threads).map_err(Error::Foretell)
    }

    /// Whether the blocks after a change are still to come.
    #[must_use]
    pub fn is_ahead(&self, activation: &Activation) -> bool {
        activation.block > self.blocks().last().map_or(0, |block| block.number)
    }

    /// Forecasts blocks that are still to come; `now_s` (Unix seconds) is when.
    ///
    /// # Errors
    /// If the change is refused, or there are too few blocks.
    pub fn forecast(&self, activation: &Activation, now_s: u64) -> Result<Forecast, Error> {
        let request = self.request(activation, Some(now_s))?;
        forecast::forecast(&request, self.blocks(), &self.options, self.threads)
            .map_err(Error::Foretell)
    }

    /// The same without when it was made, which the log says of it.
    ///
    /// # Errors
    /// As [`Self::forecast`].
    pub(crate) fn undated(&self, activation: &Activation) -> Result<Forecast, Error> {
        let request = self.request(activation, None)?;
        forecast::forecast(&request, self.blocks(), &self.options, self.threads)
            .map_err(Error::Foretell)
    }

    /// Forecasts blocks that are there already, which makes it a hindcast, and scores it. It bears no date, since it
    /// proves nothing.
    ///
    /// # Errors
    /// As [`Self::forecast`], and if the blocks are not there or do not show the change.
    pub fn backtest(&self, activation: &Activation) -> Result<Backtest, Error> {
        let request = self.request(activation, None)?;
        let backtest = forecast::backtest(&request, self.blocks(), &self.options, self.threads)
            .map_err(Error::Foretell)?;
        ensure_in_force(&backtest.forecast, &self.history.history)?;
        self.ensure_shown(&backtest.forecast)?;
        Ok(backtest)
    }

    /// A changed fee rule is one by which the blocks after the change have their base fees.
    fn ensure_shown(&self, forecast: &Forecast) -> Result<(), Error> {
        let first = forecast.target.first_block;
        let block = self.blocks().iter().find(|block| block.number >= first);
        let rules = &self.history.rules;
        let Some(found) = block.and_then(|it| rules.parameters_at(it.number, it.timestamp)) else {
            return Ok(());
        };
        let changes = forecast.proposal.changes_from(&forecast.baseline).into_iter();
        let kept = changes.filter(|(name, ..)| *name != ParameterName::GasLimit);
        for (name, _, to) in kept {
            let found = found.get(name);
            if found != to {
                return Err(Error::ChangeNotShown { name, to, found, first });
            }
        }
        Ok(())
    }

    fn request(&self, activation: &Activation, made_at: Option<u64>) -> Result<Request, Error> {
        Ok(Request {
            chain: self.chain.clone(),
            program: Program::this(),
            inputs: vec![self.input()],
            made_at,
            baseline: self.parameters()?,
            proposal: activation.parameters,
            activation_block: activation.block,
        })
    }
}

/// Scores a forecast on the blocks that it is about.
///
/// # Errors
/// If they are not there, or the change that it is for was not made.
pub fn score(forecast: &Forecast, history: &FeeHistory) -> Result<Score, Error> {
    ensure_in_force(forecast, history)?;
    forecast::score(forecast, history.blocks()).map_err(Error::Foretell)
}

/// A forecast of a change says nothing about blocks in which the change was not made.
///
/// The gas limit stands in every header, so it is compared; half a change on its way counts as made.
fn ensure_in_force(forecast: &Forecast, history: &FeeHistory) -> Result<(), Error> {
    let (from, to) = (forecast.baseline.gas_limit(), forecast.proposal.gas_limit());
    let first = forecast.target.first_block;
    let last = first + u64::from(forecast.target.blocks) - 1;
    let blocks = history.blocks().iter();
    let mut limits: Vec<u64> = blocks
        .filter(|block| (first..=last).contains(&block.number))
        .map(|block| block.gas_limit)
        .collect();
    limits.sort_unstable();
    match limits.get(limits.len() / 2) {
        Some(&found) if from != to && found.abs_diff(to) > found.abs_diff(from) => {
            Err(Error::NotInForce { first, last, found, from, to })
        }
        Some(_) | None => Ok(()),
    }
}
