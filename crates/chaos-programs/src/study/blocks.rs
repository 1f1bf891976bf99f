//! Where a study's blocks come from.

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use chaos_evm::{
    ReplayInput,
    load::{LoadParameters, generate},
};
use chaos_governance::study::data::Replay;
use chaos_parameters::Parameters;
use chaos_simulation::{Input, Material, Program, flow::ObservedBlock};
use chaos_study::{Study, WhenAbsent};
use chaos_types::ChainId;

use super::{Conditions, StudyFile};
use crate::{
    Error,
    blocks::{load_folder, read_fee_history, write_load},
    simulation::BlockSet,
};

/// Blocks of generated load: enough to calibrate on, quick to make.
const GENERATED_BLOCKS: u32 = 64;

/// Where they are kept. The folder is emptied first, so nobody else's may have its name.
const GENERATED_FOLDER: &str = "generated-blocks";

/// Everything a study reads.
pub(super) struct StudyBlocks {
    replayed: BlockSet,
    /// Whether the blocks were generated because a source was absent.
    pub(super) generated: bool,
}

impl StudyBlocks {
    pub(super) fn chain(&self) -> &ChainId {
        &self.replayed.chain
    }

    pub(super) fn blocks(&self) -> &[ReplayInput] {
        &self.replayed.inputs
    }

    pub(super) fn observed(&self) -> &[ObservedBlock] {
        &self.replayed.observed
    }

    pub(super) fn sources(&self) -> &[Input] {
        &self.replayed.sources
    }

    pub(super) fn threads(&self) -> NonZeroUsize {
        self.replayed.threads
    }

    pub(super) fn validation(&self) -> Replay {
        self.replayed.validation()
    }

    /// The study's baseline; its gas limit is the newest observed one unless the file sets it.
    pub(super) fn baseline(&self, study: &Study) -> Result<Parameters, Error> {
        let newest = self.observed().iter().rev().find(|block| block.base_fee_wei.is_some());
        Ok(study.baseline(newest.map(|block| block.gas_limit))?)
    }

    pub(super) fn material(&self) -> Material<'_> {
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
    conditions: &Conditions<'_>,
) -> Result<StudyBlocks, Error> {
    let (sources, progress) = (&file.study.sources, conditions.progress);
    let base = file.path.parent().unwrap_or(Path::new(""));
    let place = |text: &Option<String>| text.as_ref().map(|text| base.join(text));
    let (blocks, history) = (place(&sources.blocks), place(&sources.fee_history));
    let absent: Vec<&PathBuf> =
        [&blocks, &history].into_iter().flatten().filter(|path| !path.exists()).collect();
    if let Some(path) = absent.first() {
        match sources.when_absent {
            WhenAbsent::Refuse => return Err(Error::AbsentSource { path: (*path).clone() }),
            WhenAbsent::Generate => {
                let path = path.display();
                progress.say(&format!("{path} does not exist: generating blocks instead"));
                return generated(folder, conditions);
            }
        }
    }
    let Some(blocks) = blocks else {
        if sources.when_absent == WhenAbsent::Generate {
            progress.say("the study names no blocks: generating some");
            return generated(folder, conditions);
        }
        return Err(Error::StudyNamesNoBlocks);
    };
    let mut chain = load_folder(&blocks, sources.chain.as_ref(), progress)?.main_chain()?;
    chain.inputs.retain(|input| input.block().header.number >= sources.first_block);
    if chain.inputs.is_empty() {
        return Err(Error::NoBlockFrom { first: sources.first_block });
    }
    let history = history.as_deref().map(read_fee_history).transpose()?;
    let replayed = BlockSet::prepare(chain, history, conditions.threads, progress)?;
    Ok(StudyBlocks { replayed, generated: false })
}

fn generated(folder: &Path, conditions: &Conditions<'_>) -> Result<StudyBlocks, Error> {
    let dir = folder.join(GENERATED_FOLDER);
    let parameters = LoadParameters { blocks: GENERATED_BLOCKS, ..LoadParameters::default() };
    let load = generate(&parameters).map_err(Error::Load)?;
    if dir.exists() {
        fs::remove_dir_all(&dir).map_err(|source| Error::Empty { path: dir.clone(), source })?;
    }
    write_load(&dir, &load)?;
    let chain = load_folder(&dir, None, conditions.progress)?.main_chain()?;
    let replayed = BlockSet::prepare(chain, None, conditions.threads, conditions.progress)?;
    Ok(StudyBlocks { replayed, generated: true })
}
