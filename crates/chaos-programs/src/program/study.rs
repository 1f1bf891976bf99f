use std::path::Path;

use chaos_governance::receipts;

use super::{Program, Ran};
use crate::{
    Error, Progress,
    study::{Computed, StudyBlocks, StudyFile},
};

/// A study file and blocks in, one result out.
#[derive(Clone, Copy)]
pub(crate) struct RunStudy<'a> {
    /// The file.
    pub(crate) file: &'a StudyFile,
    /// What it names.
    pub(crate) blocks: &'a StudyBlocks,
    /// The folder in which finished cells are kept, if they are.
    pub(crate) cells: Option<&'a Path>,
    /// Who is told how far it is.
    pub(crate) progress: &'a dyn Progress,
}

impl Program for RunStudy<'_> {
    const NAME: &'static str = "chaos-study";
    type Output = Computed;
    type Body = receipts::RunStudy;

    fn run(self) -> Result<Ran<Computed, receipts::RunStudy>, Error> {
        let Self { file, blocks, cells, progress } = self;
        let output = file.compute(blocks, cells, progress)?;
        let body = receipts::RunStudy::of(&output.result).map_err(Error::Forecast)?;
        Ok(Ran { document: output.result.to_canonical()?, output, body })
    }
}
