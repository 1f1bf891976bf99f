//! The receipt of a forecast: its place in the log is its date.

use chaos_agency::{
    Action,
    receipt::{Input, Product},
};
use chaos_ledger::{Ledger, NewEntry};
use chaos_types::{Digest, canonical};

use super::{Activation, Forecasting};
use crate::{
    Error, history,
    program::{ForecastRequest, MakeForecast, Program as _},
    proposing::Signer,
    reexecution::REQUEST,
    simulation::named,
};

impl Forecasting {
    /// Makes the forecast of an activation, signs and logs it, and gives the receipt.
    ///
    /// # Errors
    /// As [`Self::forecast`], and if the ledger refuses or fails.
    pub fn sign(
        &self,
        ledger: &mut Ledger,
        actor: &Signer,
        activation: &Activation,
    ) -> Result<Digest, Error> {
        let ran = MakeForecast { forecasting: self, activation }.run()?;
        let request = canonical::to_vec(&self.asked(activation)?)?;
        let mut inputs = named(&[self.input()]);
        inputs.push(Input { name: REQUEST.to_owned(), digest: ledger.put_blob(&request)? });
        let output = ledger.put_blob(&ran.document)?;
        Ok(ledger.record(NewEntry {
            agent: actor.did,
            keys: vec![&actor.key],
            parents: vec![],
            subjects: vec![Product::new("forecast", output)],
            evidence: MakeForecast::evidence(inputs, output),
            action: Action::of(&ran.body),
        })?)
    }

    fn asked(&self, activation: &Activation) -> Result<ForecastRequest, Error> {
        let newest = self.blocks().last().ok_or(Error::NoBaseFee)?;
        let at =
            |rules: &chaos_history::Rules| rules.parameters_at(newest.number, newest.timestamp);
        let known = history::rules(&self.chain, None).ok().and_then(|rules| at(&rules));
        let options = self.options;
        Ok(ForecastRequest {
            chain: self.chain.clone(),
            own_rules: known.is_none() || known != at(&self.history.rules),
            baseline: self.parameters()?,
            proposal: activation.parameters,
            activation_block: activation.block,
            seed: options.seed,
            paths: options.paths,
            fit_blocks: options.fit_blocks,
            horizon_blocks: options.horizon_blocks,
            assumptions: options.assumptions,
        })
    }
}
