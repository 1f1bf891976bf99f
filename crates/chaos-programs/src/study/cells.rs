//! The cells of a study, each kept on disk as soon as it is done.

use std::{fs, path::Path};

use chaos_parameters::Parameters;
use chaos_study::{Cell, CellResult, Study, run_cell};
use chaos_types::{Digest, canonical};

use super::blocks::StudyBlocks;
use crate::{Error, Progress, files};

/// A finished cell.
pub(super) struct Done {
    pub(super) cell: Cell,
    pub(super) result: CellResult,
}

/// Runs every cell that is not kept yet in the folder, if there is one. The first `scenarios` cells are the proposal's.
pub(super) fn run(
    study: &Study,
    baseline: &Parameters,
    blocks: &StudyBlocks,
    folder: Option<&Path>,
    progress: &dyn Progress,
) -> Result<Vec<Done>, Error> {
    let cells = study.cells(baseline)?;
    let material = blocks.material();
    progress.begin("simulating cells", cells.len() as u64);
    let mut done = Vec::with_capacity(cells.len());
    let mut kept_count = 0;
    for cell in cells {
        let key = cell.key(study, baseline, &material)?;
        let path = folder.map(|it| it.join("cells").join(format!("{}.json", key.to_hex())));
        let result = match path.as_ref().and_then(|path| kept(path, key)) {
            Some(result) => {
                kept_count += 1;
                result
            }
            None => {
                let result = run_cell(study, baseline, &cell, &material, blocks.threads())?;
                if let Some(path) = &path {
                    keep(path, &result)?;
                }
                result
            }
        };
        done.push(Done { cell, result });
        progress.advance(1);
    }
    progress.end();
    if kept_count > 0 {
        progress
            .say(&format!("{kept_count} of {} cells were kept from an earlier run", done.len()));
    }
    Ok(done)
}

/// The first line lets a later run see that nobody changed the rest.
fn keep(path: &Path, result: &CellResult) -> Result<(), Error> {
    let bytes = canonical::to_vec(result)?;
    let mut kept = Digest::of(&bytes).to_string().into_bytes();
    kept.push(b'\n');
    kept.extend(bytes);
    files::write(path, &kept)
}

/// A cell of an earlier run; a damaged or foreign file counts as absent and is written again.
fn kept(path: &Path, key: Digest) -> Option<CellResult> {
    let kept = fs::read(path).ok()?;
    let end = kept.iter().position(|byte| *byte == b'\n')?;
    let (digest, bytes) = (kept.get(..end)?, kept.get(end + 1..)?);
    if Digest::of(bytes).to_string().as_bytes() != digest {
        return None;
    }
    let result: CellResult = canonical::from_slice(bytes).ok()?;
    (result.key == key).then_some(result)
}
