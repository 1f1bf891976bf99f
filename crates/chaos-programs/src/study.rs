//! A study from its file to its folder: cells with resume, results, tables, report.
//!
//! The folder holds `cells/` (one file per finished cell, so that a stopped run goes on where it
//! was), `result.json`, three Parquet tables, `report.html`, the proposal in three renderings,
//! `forecast.json`, and `manifest.json` with the digest of each.

mod blocks;
mod cells;
mod evm;
mod flags;
mod models;
mod write;

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use chaos_governance::study::TimedBlock;
use chaos_study::{Study, StudyResult, content_digest};
use chaos_types::Digest;

pub use self::write::Written;
use crate::{Error, Progress};

/// A study file as read.
#[derive(Debug)]
pub struct StudyFile {
    /// Where it is; the study's sources are named from there.
    pub path: PathBuf,
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
}

/// A study that was run, and its folder.
#[derive(Debug)]
pub struct StudyRun {
    /// What it found.
    pub result: StudyResult,
    /// What was written where.
    pub written: Written,
}

/// What a run learned that is not part of the result: times belong to the machine.
struct Measured {
    /// Worst-case blocks as timed here.
    worst_blocks: Vec<TimedBlock>,
    /// Seconds of the whole run.
    seconds: u64,
}

impl StudyFile {
    /// Reads a study.
    ///
    /// # Errors
    /// If the file cannot be read or holds no study.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let path = path.to_owned();
        match fs::read_to_string(&path) {
            Err(source) => Err(Error::Read { path, source }),
            Ok(text) => match Study::parse(&text) {
                Err(source) => Err(Error::StudyFile { path, source }),
                Ok(study) => match content_digest(&text) {
                    Err(source) => Err(Error::StudyFile { path, source }),
                    Ok(digest) => Ok(Self { path, digest, study }),
                },
            },
        }
    }

    /// Runs the study and writes its folder. Cells that an earlier run finished there are kept.
    ///
    /// # Errors
    /// If a source is missing or refused, a model refuses, or the folder cannot be written.
    pub fn run(&self, folder: &Path, conditions: &Conditions<'_>) -> Result<StudyRun, Error> {
        let (study, progress) = (&self.study, conditions.progress);
        let started = (conditions.elapsed)();
        let blocks = blocks::prepare(self, folder, conditions)?;
        let baseline = blocks.baseline(study)?;
        let cells = cells::run(study, &baseline, &blocks, folder, progress)?;
        let transactions = models::transactions(study, &baseline, &blocks, &cells, progress)?;
        let proposal = baseline.apply(&study.proposal)?;
        if proposal == baseline {
            progress.say(flags::CHANGES_NOTHING);
        }
        let sensitivity = models::sensitivity(study, &baseline, &blocks, &cells, progress)?;
        let executed = evm::run(&blocks, &baseline, &proposal, progress)?;
        let attacks = models::attacks(study, &baseline, &proposal, &cells, progress)?;
        let predicted = models::predictions(study, &baseline, &proposal, &blocks, progress)?;
        let worst_blocks = evm::worst_blocks(study, &baseline, &proposal, conditions)?;
        let result = models::assemble(models::Parts {
            file: self,
            blocks: &blocks,
            baseline,
            proposal,
            cells: &cells,
            transactions: &transactions,
            sensitivity,
            executed,
            attacks,
            predicted,
        });
        let seconds = (conditions.elapsed)().saturating_sub(started).as_secs();
        let written = write::Found {
            file: self,
            blocks: &blocks,
            cells: &cells,
            transactions: &transactions,
            result: &result,
            measured: Measured { worst_blocks, seconds },
        }
        .write(folder, conditions.now_s)?;
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
