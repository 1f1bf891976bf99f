//! `chaoschain demo`: the whole story, from blocks to verified bundles.

mod chain;
mod closing;
mod ending;
mod folder;
mod source;

use std::process::ExitCode;

use chaos_agency::action::Profile;
use chaos_governance::proposal::Call;
use chaos_types::ChainId;

use crate::{
    args::{DemoArgs, ProviderKind},
    blocks, clock,
    enclave::{self, Enclave, Inside},
    exit::Failure,
    journey::{self, Actor, Finished, Proposing, Setting, Teller},
    simulation::{self, Ground},
    studio::{self, Defined},
};
use chaos_ledger::{Ledger, OPERATOR, agents};

use self::{
    chain::{LocalChain, ParameterCall},
    ending::Ended,
    folder::Folder,
    source::Source,
};

/// The four agents of the demo besides the operator, with their roles.
const AGENTS: [(&str, &str); 3] =
    [("researcher", "researcher"), ("developer", "core_developer"), ("verifier", "verifier")];

/// Everything that the second half works with.
pub(crate) struct Stage<'a> {
    args: &'a DemoArgs,
    folder: Folder,
    ledger: Ledger,
    studio: Defined,
    researcher: Actor,
    developer: Actor,
    verifier: Actor,
    operator: Actor,
    inside: Inside,
    teller: Teller,
    source: Source,
    /// Whether anybody knows the password of the key files.
    keys_open: bool,
}

/// How the story went.
enum Story {
    /// To its end.
    Told(Box<Finished>, Box<Ended>),
    /// The developer gave up, or the analyst found nothing; why.
    GivenUp(String),
}

pub(crate) fn run(args: &DemoArgs) -> Result<ExitCode, Failure> {
    let folder = Folder::prepare(&args.out)?;
    let mut teller = Teller::new(args.json);
    let (chain, source) = source::prepare(args, &folder)?;
    teller.tell("source", source.about.clone(), None);
    let mut stage = set(args, folder, source, teller)?;
    let local = LocalChain::start(stage.ledger.log_key()?.name().to_string())?;
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

    let story = stage.play(&ground, &local);
    // However it ended, the views hold what was logged.
    let saved = stage.ledger.save_views();
    let story = story?;
    saved?;
    match story {
        Story::Told(finished, ended) => stage.close(&ground, &finished, &ended),
        Story::GivenUp(reason) => stage.close_without_proposal(&reason),
    }
}

impl Stage<'_> {
    fn play(&mut self, ground: &Ground, local: &LocalChain) -> Result<Story, Failure> {
        let proposed = self.propose(ground, local)?;
        let Some(finished) = proposed.finished else {
            let reason = proposed.reason.unwrap_or_else(|| "no reason was given".to_owned());
            return Ok(Story::GivenUp(reason));
        };
        journey::write(&finished, self.folder.path())?;
        let ended = self.finish(ground, local, &finished, &proposed.receipts)?;
        Ok(Story::Told(Box::new(finished), Box::new(ended)))
    }

    fn propose(
        &mut self,
        ground: &Ground,
        local: &LocalChain,
    ) -> Result<journey::Proposed, Failure> {
        let chain = ground.chain.clone();
        let place = self.source.place(&self.args.source, ground);
        let (told, needs) = (self.source.simulation.clone(), self.source.needs());
        Proposing {
            ledger: &mut self.ledger,
            ground,
            studio: &self.studio,
            researcher: &self.researcher,
            developer: &self.developer,
            simulation: &self.args.simulation,
            inside: Some(&self.inside),
            teller: &mut self.teller,
        }
        .run(&Setting {
            command: &|change| simulation::command(&place, ground, change.setting(), &told),
            call: &|name, value| Some(call(local, &chain, name, value)),
            needs,
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

/// Makes the log and registers the agents.
fn set(
    args: &DemoArgs,
    folder: Folder,
    source: Source,
    mut teller: Teller,
) -> Result<Stage<'_>, Failure> {
    // The demo's keys live as long as its folder; their password is random unless one is given.
    let (password, keys_open) = match std::env::var(crate::ledger::PASSWORD_VARIABLE) {
        Ok(password) if !password.is_empty() => (password, true),
        Ok(_) | Err(_) => (hex::encode(clock::SYSTEM.random::<16>()?), false),
    };
    let mut ledger =
        Ledger::open_or_create(&folder.path().join("data"), Some(password.into()), clock::SYSTEM)?;
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
        let entered = agents::enrol(&mut ledger, profile)?;
        let text = format!("registers as {role}, {}", entered.agent.short());
        teller.tell(name, text, Some(entered.receipt));
    }
    let inside = enter(&ledger, &mut teller)?;
    Ok(Stage {
        args,
        inside,
        researcher: Actor::of(&ledger, "researcher")?,
        developer: Actor::of(&ledger, "developer")?,
        verifier: Actor::of(&ledger, "verifier")?,
        operator: Actor::of(&ledger, OPERATOR)?,
        folder,
        ledger,
        studio,
        teller,
        source,
        keys_open,
    })
}

/// Makes the attested key. The demo's hardware is simulated, and the story says so.
fn enter(ledger: &Ledger, teller: &mut Teller) -> Result<Inside, Failure> {
    let provider = enclave::provider(ProviderKind::Development, clock::now_ms() / 1000);
    let operator = ledger.views().registry().operator();
    let enclave = Enclave::enter(provider.as_ref(), None, &operator)?;
    let text = format!(
        "has its key {} quoted: {}, evidence {}",
        enclave.key().did().short(),
        enclave.about(),
        enclave.evidence_id().short()
    );
    teller.tell("enclave", text, None);
    Inside::new(enclave)
}
