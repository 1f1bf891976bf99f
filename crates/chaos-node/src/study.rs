//! A study from its file to its folder: cells with resume, results, tables, report.
//!
//! The folder holds `cells/` (one file per finished cell, so that a stopped run goes on where it
//! was), `result.json`, three Parquet tables, `report.html`, the proposal in three renderings,
//! `forecast.json`, and `manifest.json` with the digest of each.

mod cells;
mod evm;
mod ground;
mod models;
mod summary;
mod write;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::Context as _;
use chaos_governance::study::TimedBlock;
use chaos_simulation::study::{Study, StudyResult};
use chaos_types::Digest;

use crate::{
    args::SimulateArgs,
    exit::{Failure, Kind, OrFail as _},
    output,
};

/// A study file as read.
pub(crate) struct StudyFile {
    pub(crate) path: PathBuf,
    pub(crate) digest: Digest,
    pub(crate) study: Study,
}

/// What a run learned that is not part of the result: times belong to the machine.
pub(crate) struct Measured {
    /// Worst-case blocks as timed here.
    pub(crate) worst_blocks: Vec<TimedBlock>,
    /// Seconds of the whole run.
    pub(crate) seconds: u64,
}

/// Runs `chaoschain simulate --experiment FILE`.
pub(crate) fn run(args: &SimulateArgs, path: &Path) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let file = read(path)?;
    let folder = args.out.clone().unwrap_or_else(|| Path::new("study-out").join(&file.study.name));
    let ground = ground::prepare(&file, &folder, args.simulation.threads)?;
    let baseline = ground.baseline(&file.study)?;
    let cells = cells::run(&file.study, &baseline, &ground, &folder)?;
    let agents = models::agents(&file.study, &baseline, &ground, &cells)?;
    let proposal = baseline.apply(&file.study.proposal).or_fail(Kind::Input)?;
    let sensitivity = models::sensitivity(&file.study, &baseline, &ground, &cells)?;
    let executed = evm::run(&ground, &baseline, &proposal)?;
    let attacks = models::attacks(&file.study, &baseline, &proposal, &cells)?;
    let predicted = models::predictions(&file.study, &baseline, &proposal, &ground)?;
    let worst_blocks = evm::worst_blocks(&file.study, &baseline, &proposal)?;
    let result = models::assemble(models::Parts {
        file: &file,
        ground: &ground,
        baseline,
        proposal,
        cells: &cells,
        agents: &agents,
        sensitivity,
        executed,
        attacks,
        predicted,
    });
    let measured = Measured { worst_blocks, seconds: started.elapsed().as_secs() };
    let written = write::all(&folder, &file, &ground, &cells, &agents, &result, measured)?;
    if args.json {
        summary::json(&file, &result, &written)?;
    } else {
        summary::human(&file, &result, &written);
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<StudyFile, Failure> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .or_fail(Kind::Input)?;
    let study =
        Study::parse(&text).with_context(|| path.display().to_string()).or_fail(Kind::Input)?;
    Ok(StudyFile { path: path.to_owned(), digest: Digest::of(text.as_bytes()), study })
}

/// The digest that two runs must agree on.
fn digest_of(result: &StudyResult) -> Result<Digest, Failure> {
    result.digest().or_fail(Kind::Check)
}

/// Tells the user what is being done.
fn say(text: &str) {
    output::say(format_args!("{text}"));
}
