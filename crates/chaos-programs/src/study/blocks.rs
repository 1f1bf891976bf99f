//! Where a study's blocks come from.

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use chaos_evm::{
    Bytecodes, RecordedBlock, ReplayInput,
    load::{CHAIN_ID, GeneratedLoad, LoadParameters, generate},
};
use chaos_governance::study::data::Replay;
use chaos_history::Columns;
use chaos_parameters::Parameters;
use chaos_simulation::{Input, Material, Program, flow::ObservedBlock};
use chaos_study::{Study, WhenAbsent};
use chaos_types::{ChainId, Digest};

use super::{
    Conditions, StudyFile,
    inputs::{self, Places},
};
use crate::{
    Error, Progress,
    blocks::{ChainBlocks, load_folder, write_load},
    history::{self, CheckedHistory, ReadHistory},
    simulation::BlockSet,
};

/// Blocks of generated load: enough to calibrate on, quick to make.
const GENERATED_BLOCKS: u32 = 64;

/// Where they are kept. The folder is emptied first, so nobody else's may have its name.
const GENERATED_FOLDER: &str = "generated-blocks";

/// Everything a study reads.
pub(crate) struct StudyBlocks {
    replayed: BlockSet,
    /// Where the sources are.
    pub(super) places: Places,
    /// The columns of the fee history.
    pub(super) columns: Columns,
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
    let places = inputs::places(file)?;
    inputs::ensure_place(folder, &places)?;
    let columns = if places.has_named_columns { columns(file)? } else { Columns::default() };
    let (blocks, history) = (places.blocks.clone(), places.fee_history.clone());
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
    if places.absent {
        progress.say("a source was absent where this study ran first: generating blocks instead");
    }
    let history = match history.filter(|path| path.exists()) {
        Some(path) => Some(history::read(&path, &columns)?),
        None => None,
    };
    let read_absent = places.absent;
    let read = |replayed, generated, by_history| StudyBlocks {
        replayed,
        places,
        columns,
        generated,
        by_history,
    };
    let is_absent = absent.is_some() || read_absent;
    let Some(blocks) = blocks.filter(|_| !is_absent) else {
        if !is_absent {
            if sources.when_absent == WhenAbsent::Refuse {
                return Err(Error::StudyNamesNoBlocks);
            }
            progress.say("the study names no blocks: generating some");
        }
        let dir = folder.join(GENERATED_FOLDER);
        let load = made_up()?;
        if dir.exists() {
            fs::remove_dir_all(&dir)
                .map_err(|source| Error::Empty { path: dir.clone(), source })?;
        }
        write_load(&dir, &load)?;
        let chain = load_folder(&dir, None, progress)?.main_chain()?;
        let (replayed, by_history) =
            of_generated(file, history, chain, conditions.threads, progress)?;
        return Ok(read(replayed, true, by_history));
    };
    let mut chain = load_folder(&blocks, sources.chain.as_ref(), progress)?.main_chain()?;
    chain.inputs.retain(|input| input.block().header.number >= sources.first_block);
    if chain.inputs.is_empty() {
        return Err(Error::NoBlockFrom { first: sources.first_block });
    }
    let history = history.map(|history| checked(file, history, &chain.chain)).transpose()?;
    let by_history = history.is_some();
    let replayed = BlockSet::prepare(chain, history, conditions.threads, progress)?;
    Ok(read(replayed, false, by_history))
}

/// The blocks of a study that somebody ran, as its receipt names them; `recorded` is empty if they were generated.
pub(crate) fn again(
    file: &StudyFile,
    recorded: Option<ChainBlocks>,
    history: Option<ReadHistory>,
    threads: NonZeroUsize,
    progress: &dyn Progress,
) -> Result<StudyBlocks, Error> {
    let generated = recorded.is_none();
    let (replayed, by_history) = match recorded {
        Some(chain) => {
            let history =
                history.map(|history| checked(file, history, &chain.chain)).transpose()?;
            let by_history = history.is_some();
            (BlockSet::prepare(chain, history, threads, progress)?, by_history)
        }
        None => of_generated(file, history, in_memory(&made_up()?)?, threads, progress)?,
    };
    let (places, columns) = (Places::default(), Columns::default());
    Ok(StudyBlocks { replayed, places, columns, generated, by_history })
}

/// Whether these are the blocks that a study generates where a source is absent, by name and digest.
pub(crate) fn is_generated(named: &[(&str, Digest)]) -> Result<bool, Error> {
    let own = format!("{}/blocks/", ChainId::evm(CHAIN_ID));
    if named.len() != GENERATED_BLOCKS as usize
        || named.iter().any(|(name, _)| !name.starts_with(&own))
    {
        return Ok(false);
    }
    let chain = in_memory(&made_up()?)?;
    Ok(chain.inputs.iter().all(|input| {
        let name = format!("{own}{}", input.block().header.number);
        named.iter().any(|(found, digest)| *found == name && *digest == input.digest())
    }))
}

/// The blocks that stand for absent ones, always the same.
fn made_up() -> Result<GeneratedLoad, Error> {
    let parameters = LoadParameters { blocks: GENERATED_BLOCKS, ..LoadParameters::default() };
    generate(&parameters).map_err(Error::Load)
}

/// As they are read from a folder.
fn in_memory(load: &GeneratedLoad) -> Result<ChainBlocks, Error> {
    let codes = Bytecodes::decode(&load.bytecodes).map_err(|source| Error::Codes(source.into()))?;
    let inputs = load.blocks.iter().map(|block| {
        let recorded = RecordedBlock::decode(&block.json, None).map_err(|source| {
            let path = PathBuf::from(format!("generated block {}", block.number));
            Error::Recorded { path, source: source.into() }
        })?;
        Ok(ReplayInput::new(recorded, &codes))
    });
    let inputs = inputs.collect::<Result<_, Error>>()?;
    Ok(ChainBlocks { chain: ChainId::evm(load.chain_id), inputs })
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

/// Blocks of generated load to execute; demand comes from the fee history, if there is one. Also whether it does.
fn of_generated(
    file: &StudyFile,
    history: Option<ReadHistory>,
    chain: ChainBlocks,
    threads: NonZeroUsize,
    progress: &dyn Progress,
) -> Result<(BlockSet, bool), Error> {
    let named = match (history, &file.study.sources.chain) {
        (None, _) => None,
        (Some(_), None) => return Err(Error::HistoryOfNoChain),
        (Some(history), Some(chain)) => Some((checked(file, history, chain)?, chain.clone())),
    };
    let (history, of_history) = named.unzip();
    let by_history = history.is_some();
    let mut replayed = BlockSet::prepare(chain, history, threads, progress)?;
    if let Some(chain) = of_history {
        progress.say(&format!("demand is that of {chain}, by the fee history"));
        replayed.chain = chain;
    }
    Ok((replayed, by_history))
}
