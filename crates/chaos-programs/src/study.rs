//! A study from its file to its folder: cells with resume, results, tables, report.
//!
//! The folder holds the study file, `inputs/` with what it read and `inputs.json` that says so, `cells/` (one file
//! per finished cell, so that a stopped run goes on where it was), `result.json`, three Parquet tables,
//! `report.html`, the proposal in three renderings, `forecast.json`, `manifest.json` with the digest of
//! each, and `bundle.json` if an agent signed it: whoever has the folder can verify and repeat the study.

mod blocks;
mod cells;
pub mod diff;
mod evm;
mod flags;
mod inputs;
mod models;
mod sign;
mod write;

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use chaos_governance::study::TimedBlock;
use chaos_study::{Study, StudyResult, TransactionRun, content_digest};
use chaos_types::Digest;

pub(crate) use self::blocks::{StudyBlocks, again, is_generated};
use self::cells::Done;
pub(crate) use self::write::{BUNDLE, MANIFEST, MANIFEST_FORMAT};
pub use self::{
    inputs::{Copied, InputsError},
    write::Written,
};
use crate::{
    Error, Progress,
    program::{Program as _, Ran, RunStudy},
};

/// A study file as read.
#[derive(Debug)]
pub struct StudyFile {
    /// Where it is; the study's sources are named from there.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The digest of what it says, however it is written.
    pub digest: Digest,
    /// What it asks.
    pub study: Study,
}

/// What a study's run is given besides its file.
#[derive(Clone, Copy)]
pub struct Conditions<'a> {
    /// How many threads work.
    pub threads: NonZeroUsize,
    /// When the run begins, in Unix seconds: the day of the report, the time of a new forecast.
    pub now_s: u64,
    /// How long the program has run. It never goes back. No digest depends on it.
    pub elapsed: fn() -> Duration,
    /// Who is told how far it is.
    pub progress: &'a dyn Progress,
    /// Whether the folder holds what the study read.
    pub copied: Copied,
}

/// A study that was run, and its folder.
#[derive(Debug)]
pub struct StudyRun {
    /// What it found.
    pub result: StudyResult,
    /// What was written where.
    pub written: Written,
}

/// What follows from a study file and its blocks.
pub(crate) struct Computed {
    /// What was found.
    pub(crate) result: StudyResult,
    cells: Vec<Done>,
    transactions: Vec<TransactionRun>,
}

/// A study that was run, whose folder is not yet written.
#[expect(missing_debug_implementations, reason = "it holds every figure of every path")]
pub struct Finished<'a> {
    file: &'a StudyFile,
    blocks: StudyBlocks,
    ran: Ran<Computed, chaos_governance::receipts::RunStudy>,
    measured: Measured,
}

/// What a run learned that is not part of the result: times belong to the machine.
struct Measured {
    /// Worst-case blocks as timed here.
    worst_blocks: Vec<TimedBlock>,
}

impl StudyFile {
    /// Reads a study.
    ///
    /// # Errors
    /// If the file cannot be read or holds no study.
    pub fn read(path: &Path) -> Result<Self, Error> {
        match fs::read_to_string(path) {
            Err(source) => Err(Error::Read { path: path.to_owned(), source }),
            Ok(text) => Self::parse(path, text),
        }
    }

    /// Reads a study from its text; `path` is where its sources are named from.
    ///
    /// # Errors
    /// If the text holds no study.
    pub fn parse(path: &Path, text: String) -> Result<Self, Error> {
        let refused = |source| Error::StudyFile { path: path.to_owned(), source };
        let study = Study::parse(&text).map_err(refused)?;
        let digest = content_digest(&text).map_err(refused)?;
        Ok(Self { path: path.to_owned(), text, digest, study })
    }

    /// Runs the study, and writes nothing but its finished cells and generated blocks into its folder. Cells that
    /// an earlier run finished there are kept.
    ///
    /// # Errors
    /// If a source is missing or refused, a model refuses, or the folder cannot be written.
    pub fn run(&self, folder: &Path, conditions: &Conditions<'_>) -> Result<Finished<'_>, Error> {
        let blocks = blocks::prepare(self, folder, conditions)?;
        let (cells, progress) = (Some(folder), conditions.progress);
        let ran = RunStudy { file: self, blocks: &blocks, cells, progress }.run()?;
        let parameters = ran.output.result.parameters;
        let worst_blocks =
            evm::worst_blocks(&self.study, &parameters.baseline, &parameters.proposal, conditions)?;
        let measured = Measured { worst_blocks };
        Ok(Finished { file: self, blocks, ran, measured })
    }

    /// Everything that follows from the file and the blocks, whatever clock and disk say.
    pub(crate) fn compute(
        &self,
        blocks: &StudyBlocks,
        folder: Option<&Path>,
        progress: &dyn Progress,
    ) -> Result<Computed, Error> {
        let study = &self.study;
        let baseline = blocks.baseline(study)?;
        let cells = cells::run(study, &baseline, blocks, folder, progress)?;
        let transactions = models::transactions(study, &baseline, blocks, &cells, progress)?;
        let proposal = baseline.apply(&study.proposal)?;
        if proposal == baseline {
            progress.say(flags::CHANGES_NOTHING);
        }
        let sensitivity = models::sensitivity(study, &baseline, blocks, &cells, progress)?;
        let executed = evm::run(blocks, &baseline, &proposal, progress)?;
        let attacks = models::attacks(study, &baseline, &proposal, &cells, progress)?;
        let predicted = models::predictions(study, &baseline, &proposal, blocks, progress)?;
        let result = models::assemble(models::Parts {
            file: self,
            blocks,
            baseline,
            proposal,
            cells: &cells,
            transactions: &transactions,
            sensitivity,
            executed,
            attacks,
            predicted,
        });
        Ok(Computed { result, cells, transactions })
    }
}

impl Finished<'_> {
    /// What it found.
    #[must_use]
    pub const fn result(&self) -> &StudyResult {
        &self.ran.output.result
    }

    /// Writes the study's folder; `bundle` is that of its receipt if an agent signed it.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn write(
        self,
        folder: &Path,
        conditions: &Conditions<'_>,
        bundle: Option<&[u8]>,
    ) -> Result<StudyRun, Error> {
        let Self { file, blocks, ran, measured } = self;
        let Computed { result, cells, transactions } = ran.output;
        let written = write::Found {
            file,
            blocks: &blocks,
            cells: &cells,
            transactions: &transactions,
            result: &result,
            measured,
            bundle,
        }
        .write(folder, conditions)?;
        Ok(StudyRun { result, written })
    }
}

impl std::fmt::Debug for Conditions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conditions")
            .field("threads", &self.threads)
            .field("now_s", &self.now_s)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
