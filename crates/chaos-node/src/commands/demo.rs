//! `chaoschain demo`: everything, from blocks to verified bundles.

mod closing;
mod folder;
mod place;
mod source;

use std::{path::PathBuf, process::ExitCode};

use chaos_agency::action::{Profile, Verdict};
use chaos_chains::local::LocalChain;
use chaos_log::SignedCheckpoint;
use chaos_verify::Anchored;

use crate::{
    args::{DemoArgs, ProviderKind},
    blocks, clock,
    commands::{
        provider,
        simulate::{asked, command},
        write_file,
    },
    exit::Failure,
    kinds::KINDS,
    narration::{Narration, Terminal},
};
use chaos_ledger::{Heads, Ledger, OPERATOR, agents, bundle};
use chaos_programs::{
    anchoring::Anchoring,
    deciding::{self, Decided, Deciding, Parties},
    enclave::{AttestedSandbox, Enclave},
    proposing::{self, Finished, Proposed, Proposing, Publication, Signer},
    simulation::{BlockSet, propose_rules, threads},
    studio::{self, Defined},
};

use self::{folder::Folder, source::Source};

/// The agents of the demo besides the operator, with their roles.
const AGENTS: [(&str, &str); 3] =
    [("researcher", "researcher"), ("developer", "core_developer"), ("verifier", "verifier")];

/// Everything that the second half works with.
pub(crate) struct Setup<'a> {
    args: &'a DemoArgs,
    folder: Folder,
    ledger: Ledger,
    heads: Heads,
    studio: Defined,
    parties: Parties,
    attested: AttestedSandbox,
    narration: Narration,
    source: Source,
    /// Whether anybody knows the password of the key files.
    keys_open: bool,
}

/// A proposal, what became of it, and the bundles of everything.
struct Ended {
    finished: Finished,
    decided: Decided,
    bundles: Vec<PathBuf>,
}

/// How the demo ended.
enum Outcome {
    /// With a decision.
    Finished(Box<Ended>),
    /// The developer gave up, or the analyst found nothing; why.
    GivenUp(String),
}

pub(crate) fn run(args: &DemoArgs) -> Result<ExitCode, Failure> {
    // What the demo cannot end without is looked for before it begins.
    let place = place::Place::find(args)?;
    let folder = Folder::prepare(&args.out)?;
    let mut narration = Narration::new(args.json);
    let (chain, source) = source::prepare(args, &folder)?;
    narration.tell("source", source.about.clone(), None);
    let mut setup = set_up(args, folder, source, narration)?;
    let local = place.start(args, setup.ledger.dir())?;
    let about = local.about();
    setup.narration.tell("chain", about, None);

    let history = blocks::fee_history(&args.simulation, || Ok(propose_rules(&chain.chain)?))?;
    let threads = threads(args.simulation.threads);
    let block_set = BlockSet::prepare(chain, history, threads, &Terminal::default())?;
    block_set.ensure_consecutive()?;
    let agreeing = block_set.replays.iter().filter(|replay| replay.agrees()).count();
    let text = format!(
        "replays {agreeing} of {} blocks exactly as their headers say",
        block_set.replays.len()
    );
    setup.narration.tell("evm", text, None);

    match setup.carry_out(&block_set, &local)? {
        Outcome::Finished(ended) => setup.close(&block_set, &ended),
        Outcome::GivenUp(reason) => setup.close_without_proposal(&reason),
    }
}

impl Setup<'_> {
    fn carry_out(&mut self, block_set: &BlockSet, local: &LocalChain) -> Result<Outcome, Failure> {
        let proposed = self.propose(block_set, local)?;
        let Some(finished) = proposed.finished else {
            let reason = proposed.reason.unwrap_or_else(|| "no reason was given".to_owned());
            return Ok(Outcome::GivenUp(reason));
        };
        proposing::write(&finished, self.folder.path())?;
        let decided = Deciding {
            ledger: &mut self.ledger,
            heads: &self.heads,
            local,
            block_set,
            studio: &self.studio,
            parties: &self.parties,
            inputs: &self.source.folders,
            narrator: &mut self.narration,
            progress: &Terminal::default(),
        }
        .run(&finished, &proposed.receipts)?;
        let Anchoring { checkpoint, anchored, .. } = &decided.anchoring;
        let bundles = self.write_bundles(checkpoint, Some(anchored))?;
        Ok(Outcome::Finished(Box::new(Ended { finished, decided, bundles })))
    }

    /// A bundle for every receipt under the checkpoint.
    fn write_bundles(
        &self,
        checkpoint: &SignedCheckpoint,
        anchored: Option<&Anchored>,
    ) -> Result<Vec<PathBuf>, Failure> {
        let folder = self.folder.path().join("bundles");
        let actions = self.ledger.actions(0..checkpoint.claimed().size())?;
        actions
            .into_iter()
            .map(|(index, row)| {
                let name = format!("{index:02}-{}.json", row.kind.replace('_', "-"));
                let (path, anchored) = (folder.join(name), anchored.cloned());
                write_file(&path, &bundle(&self.ledger, &row.receipt, checkpoint, anchored)?)?;
                Ok(path)
            })
            .collect()
    }

    fn propose(&mut self, block_set: &BlockSet, local: &LocalChain) -> Result<Proposed, Failure> {
        let chain = block_set.chain.clone();
        let place = self.source.place(&self.args.source, block_set);
        let (simulation, needs) = (self.source.simulation.clone(), self.source.needs());
        let source = self.source.shown();
        Ok(Proposing {
            ledger: &mut self.ledger,
            block_set,
            studio: &self.studio,
            researcher: &self.parties.researcher,
            developer: &self.parties.developer,
            asked: asked(&self.args.simulation)?,
            attested: Some(&self.attested),
            narrator: &mut self.narration,
        }
        .run(&Publication {
            command: &|change| command::command(&place, block_set, change.setting(), &simulation),
            call: &|name, value| Some(deciding::call(local, &chain, name, value)),
            needs,
            disclosure:
                "Made by deterministic agents for a demonstration on a local chain; the pool \
                         that pays them is the demonstration's own token."
                    .to_owned(),
            source,
        })?)
    }
}

/// Makes the log and registers the agents.
fn set_up(
    args: &DemoArgs,
    folder: Folder,
    source: Source,
    mut narration: Narration,
) -> Result<Setup<'_>, Failure> {
    // The demo's keys live as long as its folder; their password is random unless one is given.
    let (password, keys_open) = match std::env::var(crate::ledger::PASSWORD_VARIABLE) {
        Ok(password) if !password.is_empty() => (password, true),
        Ok(_) | Err(_) => (hex::encode(clock::SYSTEM.random::<16>()?), false),
    };
    let heads = crate::ledger::heads_or(folder.path())?;
    let mut ledger = Ledger::open_or_create(
        &folder.path().join("data"),
        Some(password.into()),
        Some(&heads),
        clock::SYSTEM,
    )?;
    let studio = studio::load(None)?;
    for (name, role) in AGENTS {
        let profile = match role {
            // The studio's definition has no such role: to verify is the platform's.
            "verifier" => Profile {
                name: name.to_owned(),
                role: role.to_owned(),
                capabilities: vec![Verdict::KIND.to_owned()],
                studio: studio.studio.name().to_string(),
            },
            role => studio.profile(name, role, &KINDS)?,
        };
        let entered = agents::enrol(&mut ledger, profile)?;
        let text = format!("registers as {role}, {}", entered.agent.short());
        narration.tell(name, text, Some(entered.receipt));
    }
    let attested = attest(&ledger, &mut narration)?;
    Ok(Setup {
        args,
        attested,
        parties: Parties {
            researcher: Signer::of(&ledger, "researcher")?,
            developer: Signer::of(&ledger, "developer")?,
            verifier: Signer::of(&ledger, "verifier")?,
            operator: Signer::of(&ledger, OPERATOR)?,
        },
        heads,
        folder,
        ledger,
        studio,
        narration,
        source,
        keys_open,
    })
}

/// Makes the attested key. The demo's hardware is simulated, and the narration says so.
fn attest(ledger: &Ledger, narration: &mut Narration) -> Result<AttestedSandbox, Failure> {
    let provider = provider(ProviderKind::Development);
    let operator = ledger.operator();
    let enclave = Enclave::quoted(provider.as_ref(), None, &operator, clock::SYSTEM)?;
    let text = format!(
        "has its key {} quoted: {}, evidence {}",
        enclave.key().did().short(),
        enclave.about(),
        enclave.evidence_id().short()
    );
    narration.tell("enclave", text, None);
    Ok(AttestedSandbox::new(enclave)?)
}
