//! Where the demo's blocks come from: recorded ones, live ones, or ones made for the occasion.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use chaos_evm::load::{LoadParameters, generate};
use chaos_governance::study::data::{Source as Shown, SourceKind};

use super::Folder;
use crate::{
    args::{BlockSource, DemoArgs, SimulationArgs},
    blocks,
    commands::{simulate::command, write_file},
    exit::{Failure, Kind, OrFail as _},
    narration::Terminal,
};
use chaos_history::Columns;
use chaos_programs::{
    blocks::{ChainBlocks, load_folder, write_load},
    history,
    simulation::BlockSet,
};

/// The folder of generated blocks in the output folder.
const GENERATED: &str = "inputs";

/// A source of blocks, and how others find them.
pub(super) struct Source {
    /// One sentence about it.
    pub(super) about: String,
    /// The folders in which re-execution finds the blocks and the fee history.
    pub(super) folders: Vec<PathBuf>,
    /// What to simulate, with the fee history where others find it.
    pub(super) simulation: SimulationArgs,
    /// Whether the blocks were made for the occasion.
    pub(super) generated: bool,
}

impl Source {
    /// The option that names the blocks. Generated ones lie beside the proposal.
    pub(super) fn place(&self, asked: &BlockSource, block_set: &BlockSet) -> String {
        if self.generated {
            format!("--blocks {GENERATED}")
        } else {
            command::place(asked, block_set)
        }
    }

    /// The source as the report names it.
    pub(super) fn shown(&self) -> Shown {
        let kind = if self.generated { SourceKind::Generated } else { SourceKind::Recorded };
        Shown { kind, text: self.about.clone() }
    }

    /// What the command that repeats the simulation needs.
    pub(super) fn needs(&self) -> String {
        if self.generated {
            "what lies beside this file, so run it in this folder; seconds on a laptop".to_owned()
        } else {
            "the same blocks; seconds on a laptop".to_owned()
        }
    }

    /// The option of `verify` that finds the inputs.
    pub(super) const fn verify_option(&self) -> &'static str {
        // By default it looks into the folder above the bundles, where generated blocks are.
        if self.generated { "" } else { " --inputs BLOCKS" }
    }
}

/// The blocks that were asked for, or ones made for the occasion.
pub(super) fn prepare(args: &DemoArgs, folder: &Folder) -> Result<(ChainBlocks, Source), Failure> {
    let dir = match (&args.source.blocks, &args.source.rpc_url) {
        (Some(dir), _) => dir.clone(),
        (None, Some(_)) => args.source.cache.clone(),
        (None, None) if args.source.chain.is_some() => {
            let reason =
                "--chain chooses among blocks, and neither --blocks nor --rpc-url names any";
            return Err(Failure::message(Kind::Input, reason)
                .hint("without both the demo makes its own blocks, of a chain of its own"));
        }
        (None, None) => return made(args, folder),
    };
    let blocks = blocks::load(&args.source)?.main_chain()?;
    let about = blocks::about(&args.source, &blocks.chain, blocks.inputs.len());
    let mut folders = vec![dir];
    if let Some(history) = &args.simulation.fee_history {
        let parent = history.parent().filter(|parent| !parent.as_os_str().is_empty());
        folders.push(parent.unwrap_or(Path::new(".")).to_owned());
    }
    let source = Source { about, folders, simulation: args.simulation.clone(), generated: false };
    Ok((blocks, source))
}

fn made(args: &DemoArgs, folder: &Folder) -> Result<(ChainBlocks, Source), Failure> {
    let dir = folder.path().join(GENERATED);
    write_load(&dir, &generate(&LoadParameters::default()).or_fail(Kind::Check)?)?;
    let blocks = load_folder(&dir, None, &Terminal::default())?.main_chain()?;
    let transactions: usize =
        blocks.inputs.iter().map(|input| input.block().transactions.len()).sum();
    let about = format!(
        "Neither --blocks nor --rpc-url was given, so these are {} generated blocks: \
         {transactions} token transfers, swaps and mints executed in a local EVM.",
        blocks.inputs.len()
    );
    let mut simulation = args.simulation.clone();
    if let Some(path) = &simulation.fee_history {
        let columns = blocks::columns(simulation.columns.as_deref())?;
        simulation.fee_history = Some(keep_history(path, &columns, folder)?);
    }
    let folders = vec![folder.path().to_owned()];
    Ok((blocks, Source { about, folders, simulation, generated: true }))
}

/// Copies the fee history beside the proposal and gives its name there, so that the folder is
/// enough to repeat everything.
fn keep_history(path: &Path, columns: &Columns, folder: &Folder) -> Result<PathBuf, Failure> {
    // Read first: its errors name the file as the user did.
    history::read(path, columns)?;
    let bytes = fs::read(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .or_fail(Kind::Input)?;
    let name = PathBuf::from(match &bytes[..] {
        [0x1f, 0x8b, ..] => "fee-history.csv.gz",
        [b'P', b'A', b'R', b'1', ..] => "fee-history.parquet",
        _ => "fee-history.csv",
    });
    write_file(&folder.path().join(&name), &bytes)?;
    Ok(name)
}
