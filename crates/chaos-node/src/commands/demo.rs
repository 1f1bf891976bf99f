//! `chaoschain demo`: the whole story, from blocks to verified bundles.

mod chain;
mod ending;
mod folder;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use chaos_agency::action::Profile;
use chaos_governance::proposal::Call;
use chaos_simulation::load::{LoadParameters, generate};
use chaos_types::ChainId;

use crate::{
    args::DemoArgs,
    blocks::{self, ChainBlocks},
    clock,
    commands::{agent::enrol, propose},
    exit::{Failure, Kind, OrFail as _},
    home::{Home, OPERATOR},
    journey::{self, Actor, Proposing, Setting, Teller, write_file},
    output,
    simulation::Ground,
    studio::{self, Defined},
};

use self::{
    chain::{LocalChain, ParameterCall},
    folder::Folder,
};

/// The four agents of the demo besides the operator, with their roles.
const AGENTS: [(&str, &str); 3] =
    [("researcher", "researcher"), ("developer", "core_developer"), ("verifier", "verifier")];

/// Everything that the second half works with.
pub(crate) struct Stage<'a> {
    args: &'a DemoArgs,
    folder: Folder,
    home: Home,
    studio: Defined,
    researcher: Actor,
    developer: Actor,
    verifier: Actor,
    operator: Actor,
    teller: Teller,
    /// Where the blocks come from, in one sentence.
    source: String,
    /// The folder in which re-execution finds the blocks.
    inputs: PathBuf,
}

pub(crate) fn run(args: &DemoArgs) -> Result<ExitCode, Failure> {
    let folder = Folder::prepare(&args.out)?;
    let mut teller = Teller::new(args.json);
    let (chain, inputs, about) = source(args, &folder)?;
    teller.tell("source", about.clone(), None);
    let mut stage = set(args, folder, inputs, about, teller)?;
    let local = LocalChain::start(stage.home.log_key()?.name().to_string())?;
    let about = local.about();
    stage.teller.tell("chain", about, None);

    let history = args.simulation.fee_history.as_deref().map(blocks::read_fee_history);
    let ground = Ground::prepare(chain, history.transpose()?, args.simulation.threads)?;
    let agreeing = ground.replays.iter().filter(|replay| replay.agrees()).count();
    let text = format!(
        "replays {agreeing} of {} blocks exactly as their headers say",
        ground.replays.len()
    );
    stage.teller.tell("evm", text, None);

    let proposed = stage.propose(&ground, &local)?;
    let (finished, receipts) = propose::finished(proposed)?;
    journey::write(&finished, stage.folder.path())?;
    let ended = stage.finish(&ground, &local, &finished, &receipts)?;
    stage.close(&ground, &finished, &ended)
}

impl Stage<'_> {
    fn propose(
        &mut self,
        ground: &Ground,
        local: &LocalChain,
    ) -> Result<journey::Proposed, Failure> {
        let place = format!("--blocks {}", self.inputs.display());
        let seed = self.args.simulation.seed;
        let chain = ground.chain.clone();
        Proposing {
            home: &mut self.home,
            ground,
            studio: &self.studio,
            researcher: &self.researcher,
            developer: &self.developer,
            simulation: &self.args.simulation,
            teller: &mut self.teller,
        }
        .run(&Setting {
            command: &|change| {
                format!("chaoschain simulate {place} --set {} --seed {seed}", change.setting())
            },
            call: &|name, value| Some(call(local, &chain, name, value)),
            disclosure:
                "Made by deterministic agents for a demonstration on a local chain; the pool \
                         that pays them is the demonstration's own token."
                    .to_owned(),
        })
    }
}

/// The Governor's call, decoded and encoded.
fn call(local: &LocalChain, chain: &ChainId, name: &str, value: u64) -> Call {
    let call = ParameterCall { chain: chain.clone(), name: name.to_owned(), value };
    Call {
        target: format!("{:#x}", local.stack.registry),
        function: "set(string,string,uint256)".to_owned(),
        arguments: vec![
            ("chain".to_owned(), chain.to_string()),
            ("name".to_owned(), name.to_owned()),
            ("value".to_owned(), value.to_string()),
        ],
        calldata: call.calldata(local),
    }
}

/// The blocks that were asked for, or ones made for the occasion; the folder that holds them; and
/// a sentence about them.
fn source(args: &DemoArgs, folder: &Folder) -> Result<(ChainBlocks, PathBuf, String), Failure> {
    let (dir, kind) = match (&args.source.blocks, &args.source.rpc_url) {
        (Some(dir), _) => (dir.clone(), "recorded"),
        (None, Some(_)) => (args.source.cache.clone(), "live"),
        (None, None) => {
            let dir = folder.path().join("inputs");
            make_load(&dir)?;
            let blocks = blocks::load_folder(&dir, None)?.main_chain()?;
            let transactions: usize =
                blocks.inputs.iter().map(|input| input.block().transactions.len()).sum();
            let about = format!(
                "Neither --blocks nor --rpc-url was given, so these are {} generated blocks: \
                 {transactions} token transfers, swaps and mints executed in a local EVM.",
                blocks.inputs.len()
            );
            return Ok((blocks, dir, about));
        }
    };
    let blocks = blocks::load(&args.source)?.main_chain()?;
    let about = format!("{} {kind} blocks of {}.", blocks.inputs.len(), blocks.chain);
    Ok((blocks, dir, about))
}

/// Generates blocks in the recorded format.
fn make_load(dir: &Path) -> Result<(), Failure> {
    let load = generate(&LoadParameters::default()).or_fail(Kind::Check)?;
    write_file(&dir.join("bytecodes.json"), &load.bytecodes)?;
    for block in &load.blocks {
        write_file(&dir.join("blocks").join(format!("{}.json", block.number)), &block.json)?;
    }
    Ok(())
}

/// Makes the log and registers the agents.
fn set(
    args: &DemoArgs,
    folder: Folder,
    inputs: PathBuf,
    source: String,
    mut teller: Teller,
) -> Result<Stage<'_>, Failure> {
    // The demo's keys live as long as its folder; their password is random unless one is given.
    let password = match std::env::var(crate::keys::PASSWORD_VARIABLE) {
        Ok(password) if !password.is_empty() => password,
        Ok(_) | Err(_) => hex::encode(clock::random::<16>()?),
    };
    let mut home = Home::open_or_create(&folder.path().join("data"), Some(password))?;
    let studio = studio::load(None)?;
    for (name, role) in AGENTS {
        let capabilities = if role == "verifier" {
            vec!["verify".to_owned()]
        } else {
            studio::capabilities(&studio.studio, role)?
        };
        let profile = Profile {
            name: name.to_owned(),
            role: role.to_owned(),
            capabilities,
            studio: studio.studio.name().to_string(),
        };
        let (did, receipt) = enrol(&mut home, profile)?;
        teller.tell(name, format!("registers as {role}, {}", did.short()), Some(receipt));
    }
    Ok(Stage {
        args,
        researcher: Actor::of(&home, "researcher")?,
        developer: Actor::of(&home, "developer")?,
        verifier: Actor::of(&home, "verifier")?,
        operator: Actor::of(&home, OPERATOR)?,
        folder,
        home,
        studio,
        teller,
        source,
        inputs,
    })
}

/// The story's last lines, for people.
fn closing_lines(lines: &[(&str, String)]) {
    output::line("");
    for (name, text) in lines {
        output::line(format_args!("{name:<12} {text}"));
    }
}
