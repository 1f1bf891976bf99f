//! Where the demo's vote is held: on a chain of its own, or on one that somebody else started.

use std::path::{Path, PathBuf};

use chaos_chains::{
    ChainFile, Outbox, Signer, anvil,
    local::LocalChain,
    sending::{FeeCap, Finality},
};

use crate::{
    args::{DemoArgs, WaitArgs},
    clock,
    commands::sending::{COIN_DECIMALS, amount, chain_file_at, waiting},
    exit::{Failure, Kind, OrFail as _},
};

/// How long each transaction may take to stay, in seconds.
const WAIT_S: u64 = 3_600;

/// What it takes to have a chain.
pub(super) enum Place {
    /// Anvil, found here.
    Own(Option<PathBuf>),
    /// A chain by its file, and who pays there.
    Joined(Box<ChainFile>, Box<Signer>),
}

impl Place {
    /// Looks for everything that it takes before the demo begins.
    pub(super) fn find(args: &DemoArgs) -> Result<Self, Failure> {
        if let Some(path) = &args.chain_config {
            let file = chain_file_at(path)?;
            let signer = Signer::load(args.keystore.as_deref()).or_fail(Kind::Input)?;
            return Ok(Self::Joined(Box::new(file), Box::new(signer)));
        }
        let root = root_of_contracts();
        if anvil::find(root.as_deref()).is_none() {
            return Err(Failure::new(Kind::Outside, anvil::Error::NotFound));
        }
        Ok(Self::Own(root))
    }

    /// The chain with the contracts.
    pub(super) fn start(self, args: &DemoArgs, data: &Path) -> Result<LocalChain, Failure> {
        let started = match self {
            // The chain is the demo's own, and so is what is kept of what was sent to it.
            Self::Own(root) => {
                let outbox = Outbox::local(data, clock::now_ms);
                LocalChain::start(root, outbox)
            }
            Self::Joined(file, signer) => {
                let max_cost = amount("--max-cost", &args.max_cost, COIN_DECIMALS)?;
                let wait = WaitArgs { finality: Finality::Final, wait: WAIT_S };
                let cap = FeeCap { max_cost, ..FeeCap::default() };
                let outbox = Outbox { cap, ..waiting(data, &wait)? };
                // Where the first agent is paid in the demo's own token: nobody needs the key afterwards.
                let random = clock::SYSTEM.random::<32>()?;
                let payee = Signer::from_bytes(&random).ok_or_else(|| {
                    Failure::message(Kind::Outside, "the system's randomness is no key")
                })?;
                LocalChain::join(&file, &signer, payee, outbox)
            }
        };
        Ok(started.map_err(chaos_programs::Error::from)?)
    }
}

/// The folder with `contracts/node_modules`: this one, or the program's own checkout.
fn root_of_contracts() -> Option<PathBuf> {
    let program = std::env::current_exe().ok();
    let above = program.iter().flat_map(|program| program.ancestors());
    let mut roots = [Path::new(".")].into_iter().chain(above);
    roots.find(|root| root.join("contracts/node_modules").is_dir()).map(Path::to_owned)
}
