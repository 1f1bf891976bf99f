//! Where a study's blocks come from.

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use chaos_governance::report::Validation;
use chaos_parameters::Parameters;
use chaos_simulation::{
    Input, Material, Program,
    evm::ReplayInput,
    fee_market::ObservedBlock,
    load::{LoadParameters, generate},
    study::{Study, WhenAbsent},
};
use chaos_types::ChainId;

use super::{StudyFile, say};
use crate::{
    blocks::{self, ChainBlocks},
    exit::{Failure, Kind, OrFail as _},
    journey::write_file,
    simulation::Ground as Replayed,
};

/// Blocks of generated load: enough to calibrate on, quick to make.
const GENERATED_BLOCKS: u32 = 64;

/// Where they are kept. The folder is emptied first, so nobody else's may have its name.
const GENERATED_FOLDER: &str = "generated-blocks";

/// Everything a study reads.
pub(crate) struct Ground {
    replayed: Replayed,
    /// Whether the blocks were generated because a source was absent.
    pub(crate) generated: bool,
}

impl Ground {
    pub(crate) fn chain(&self) -> &ChainId {
        &self.replayed.chain
    }

    pub(crate) fn blocks(&self) -> &[ReplayInput] {
        &self.replayed.inputs
    }

    pub(crate) fn observed(&self) -> &[ObservedBlock] {
        &self.replayed.observed
    }

    pub(crate) fn sources(&self) -> &[Input] {
        &self.replayed.sources
    }

    pub(crate) fn threads(&self) -> NonZeroUsize {
        self.replayed.threads
    }

    pub(crate) fn validation(&self) -> Validation {
        self.replayed.validation()
    }

    /// The study's baseline; its gas limit is the newest observed one unless the file sets it.
    pub(crate) fn baseline(&self, study: &Study) -> Result<Parameters, Failure> {
        let newest = self.observed().iter().rev().find(|block| block.base_fee_wei.is_some());
        study.baseline(newest.map(|block| block.gas_limit)).or_fail(Kind::Input)
    }

    pub(crate) fn material(&self) -> Material<'_> {
        Material {
            chain: self.chain().clone(),
            program: Program::this(),
            inputs: self.sources().to_vec(),
            observed: self.observed(),
            evm: &[],
        }
    }
}

/// Reads the study's sources, or generates blocks if they are absent and the study allows it.
pub(super) fn prepare(
    file: &StudyFile,
    folder: &Path,
    threads: Option<NonZeroUsize>,
) -> Result<Ground, Failure> {
    let sources = &file.study.sources;
    let base = file.path.parent().unwrap_or(Path::new(""));
    let place = |text: &Option<String>| text.as_ref().map(|text| base.join(text));
    let (blocks, history) = (place(&sources.blocks), place(&sources.fee_history));
    let absent: Vec<&PathBuf> =
        [&blocks, &history].into_iter().flatten().filter(|path| !path.exists()).collect();
    if let Some(path) = absent.first() {
        let what = format!("{} does not exist", path.display());
        match sources.when_absent {
            WhenAbsent::Refuse => {
                return Err(Failure::message(Kind::Input, what).hint(
                    "correct [sources], or set when_absent = \"generate\" to run on generated blocks",
                ));
            }
            WhenAbsent::Generate => {
                say(&format!("{what}: generating blocks instead"));
                return generated(folder, threads);
            }
        }
    }
    let Some(blocks) = blocks else {
        if sources.when_absent == WhenAbsent::Generate {
            say("the study names no blocks: generating some");
            return generated(folder, threads);
        }
        return Err(Failure::message(Kind::Input, "the study names no blocks")
            .hint("set [sources] blocks to a folder of recorded blocks"));
    };
    let mut chain = blocks::load_folder(&blocks, sources.chain.as_ref())?.main_chain()?;
    chain.inputs.retain(|input| input.block().header.number >= sources.first_block);
    if chain.inputs.is_empty() {
        let first = sources.first_block;
        return Err(Failure::message(
            Kind::Input,
            format!("[sources] first_block: no recorded block from {first} on"),
        ));
    }
    let history = history.as_deref().map(blocks::read_fee_history).transpose()?;
    let replayed = Replayed::prepare(chain, history, threads)?;
    Ok(Ground { replayed, generated: false })
}

fn generated(folder: &Path, threads: Option<NonZeroUsize>) -> Result<Ground, Failure> {
    let dir = folder.join(GENERATED_FOLDER);
    let parameters = LoadParameters { blocks: GENERATED_BLOCKS, ..LoadParameters::default() };
    let load = generate(&parameters).or_fail(Kind::Check)?;
    if dir.exists() {
        fs::remove_dir_all(&dir)
            .with_context(|| format!("cannot empty {}", dir.display()))
            .or_fail(Kind::Storage)?;
    }
    write_file(&dir.join("bytecodes.json"), &load.bytecodes)?;
    for block in &load.blocks {
        write_file(&dir.join("blocks").join(format!("{}.json", block.number)), &block.json)?;
    }
    let chain: ChainBlocks = blocks::load_folder(&dir, None)?.main_chain()?;
    Ok(Ground { replayed: Replayed::prepare(chain, None, threads)?, generated: true })
}
