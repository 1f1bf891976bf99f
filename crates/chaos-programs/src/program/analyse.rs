use chaos_governance::{
    Analysis,
    receipts::{self, Blocks},
};
use chaos_studio::Studio;

use super::{Program, Ran};
use crate::{Error, simulation::BlockSet};

/// The researcher's program: blocks and a studio in, an analysis out.
#[derive(Debug, Clone, Copy)]
pub struct Analyse<'a> {
    /// The blocks.
    pub block_set: &'a BlockSet,
    /// Whose policy says what may be proposed.
    pub studio: &'a Studio,
}

impl Program for Analyse<'_> {
    const NAME: &'static str = "chaos-governance/analyse";
    type Output = Analysis;
    type Body = receipts::Analyse;

    fn run(self) -> Result<Ran<Analysis, receipts::Analyse>, Error> {
        let Self { block_set, studio } = self;
        let parameters = block_set.baseline()?;
        let chain = block_set.chain.clone();
        let analysis = Analysis::run(chain, &block_set.facts(), parameters, studio)
            .map_err(Error::Analysis)?;
        let (first, last) = analysis.metrics.range;
        let body = receipts::Analyse {
            chain: analysis.chain.clone(),
            blocks: Blocks { first, last, count: u32::try_from(analysis.metrics.blocks)? },
            opportunities: analysis
                .opportunities
                .iter()
                .map(|found| found.reason.clone())
                .collect(),
        };
        Ok(Ran { document: analysis.to_canonical()?, output: analysis, body })
    }
}
