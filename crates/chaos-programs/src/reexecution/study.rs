//! A study, run again from its file and the blocks that its receipt names.

use std::path::Path;

use chaos_governance::receipts;
use chaos_types::{Digest, Rejection};
use chaos_verify::{Fault, is_of_a_chain};

use super::{RUN, STUDY, difference, ensure_same, reject, shown, simulation::recorded, work::Work};
use crate::{
    program::{Program as _, RunStudy},
    simulation::{FEE_HISTORY, threads},
    study::{StudyFile, again, is_generated},
};

/// Runs the study again.
pub(super) fn study(
    work: &Work<'_>,
    claimed: &receipts::RunStudy,
    output: &Digest,
) -> Result<Digest, Rejection> {
    work.named.ensure_inputs(|name| name == STUDY || is_of_a_chain(name))?;
    let text = String::from_utf8(work.bytes(STUDY)?.into_owned())
        .map_err(|_| reject(Fault::InputMalformed, format!("{STUDY}: no text")))?;
    // Its sources are those that the receipt names, wherever the file says that they lie.
    let file = StudyFile::parse(Path::new(STUDY), text).map_err(shown)?;
    let blocks: Vec<_> = work
        .named
        .inputs
        .iter()
        .filter(|input| is_of_a_chain(&input.name) && input.name != FEE_HISTORY)
        .map(|input| (input.name.as_str(), input.digest))
        .collect();
    // Blocks that the generator makes are generated ones, whatever the receipt says of them.
    let generated = is_generated(&blocks).map_err(shown)?;
    let (chain, history) = recorded(work, generated)?;
    let blocks = again(&file, chain, history, threads(None), work.progress).map_err(shown)?;
    let program = RunStudy { file: &file, blocks: &blocks, cells: None, progress: work.progress };
    let ran = program.run().map_err(shown)?;
    ensure_same(claimed, &ran.body, RUN)?;
    let digest = ran.digest();
    if digest == *output {
        return Ok(digest);
    }
    Err(difference::refuse(output, work.named.attachments, &ran.document))
}
