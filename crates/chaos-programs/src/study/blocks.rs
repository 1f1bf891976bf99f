//! Where a study's blocks come from.

use std::{fs, num::NonZeroUsize, path::Path};

use chaos_evm::{
    ReplayInput,
    load::{LoadParameters, generate},
};
use chaos_governance::study::data::Replay;
use chaos_history::Columns;
use chaos_parameters::Parameters;
use chaos_simulation::{Input, Material, Program, flow::ObservedBlock};
use chaos_study::{Study, WhenAbsent};
use chaos_types::ChainId;

use super::{Conditions, StudyFile};
use crate::{
    Error,
    blocks::{load_folder, write_load},
    history::{self, CheckedHistory, ReadHistory},
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
    /// Whether demand is calibrated from a fee history.
    pub(super) by_history: bool,
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
    let absent = [&history, &blocks].into_iter().flatten().find(|path| !path.exists()).cloned();
    if let Some(path) = &absent {
        match sources.when_absent {
            WhenAbsent::Refuse => return Err(Error::AbsentSource { path: path.clone() }),
            WhenAbsent::Generate => {
                let path = path.display();
                progress.say(&format!("{path} does not exist: generating blocks instead"));
            }
        }
    }
    let history = match history.filter(|path| path.exists()) {
        Some(path) => Some(history::read(&path, &columns(file)?)?),
        None => None,
    };
    let Some(blocks) = blocks.filter(|_| absent.is_none()) else {
        if absent.is_none() {
            if sources.when_absent == WhenAbsent::Refuse {
                return Err(Error::StudyNamesNoBlocks);
            }
            progress.say("the study names no blocks: generating some");
        }
        return generated(file, history, folder, conditions);
    };
    let mut chain = load_folder(&blocks, sources.chain.as_ref(), progress)?.main_chain()?;
    chain.inputs.retain(|input| input.block().header.number >= sources.first_block);
    if chain.inputs.is_empty() {
        return Err(Error::NoBlockFrom { first: sources.first_block });
    }
    let history = history.map(|history| checked(file, history, &chain.chain)).transpose()?;
    let by_history = history.is_some();
    let replayed = BlockSet::prepare(chain, history, conditions.threads, progress)?;
    Ok(StudyBlocks { replayed, generated: false, by_history })
}

fn columns(file: &StudyFile) -> Result<Columns, Error> {
    match &file.study.sources.columns {
        None => Ok(Columns::default()),
        Some(text) => {
            text.parse().map_err(|source| Error::StudyColumns { path: file.path.clone(), source })
        }
    }
}

/// The history by the chain's own rules where they are known, else by those of the study's baseline.
fn checked(
    file: &StudyFile,
    history: ReadHistory,
    chain: &ChainId,
) -> Result<CheckedHistory, Error> {
    let baseline = file.study.baseline(None)?;
    let named = history::rules(chain, Some(baseline))?;
    let rules = match history::rules(chain, None) {
        Ok(own) if history.is_known_to(&own) => own,
        _ => named,
    };
    history.checked(rules)
}

/// Blocks of generated load to execute; demand comes from the fee history, if there is one.
fn generated(
    file: &StudyFile,
    history: Option<ReadHistory>,
    folder: &Path,
    conditions: &Conditions<'_>,
) -> Result<StudyBlocks, Error> {
    let named = match (history, &file.study.sources.chain) {
        (None, _) => None,
        (Some(_), None) => return Err(Error::HistoryOfNoChain),
        (Some(history), Some(chain)) => Some((checked(file, history, chain)?, chain.clone())),
    };
    let dir = folder.join(GENERATED_FOLDER);
    let parameters = LoadParameters { blocks: GENERATED_BLOCKS, ..LoadParameters::default() };
    let load = generate(&parameters).map_err(Error::Load)?;
    if dir.exists() {
        fs::remove_dir_all(&dir).map_err(|source| Error::Empty { path: dir.clone(), source })?;
    }
    write_load(&dir, &load)?;
    let chain = load_folder(&dir, None, conditions.progress)?.main_chain()?;
    let (history, of_history) = named.unzip();
    let by_history = history.is_some();
    let mut replayed = BlockSet::prepare(chain, history, conditions.threads, conditions.progress)?;
    if let Some(chain) = of_history {
        conditions.progress.say(&format!("demand is that of {chain}, by the fee history"));
        replayed.chain = chain;
    }
    Ok(StudyBlocks { replayed, generated: true, by_history })
}
