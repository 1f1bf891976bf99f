//! Signing what a command has found, if an agent is named.

use std::path::{Path, PathBuf};

use chaos_ledger::{Ledger, agents};
use chaos_programs::proposing::Signer;
use chaos_types::Digest;

use crate::{
    exit::{Failure, Kind},
    ledger,
};

/// The data directory if none is named.
const DATA: &str = "chaoschain-data";

/// Who signs, and where its key and the log are.
pub(crate) struct Signing<'a> {
    pub(crate) agent: &'a str,
    pub(crate) data: PathBuf,
}

/// What was signed.
pub(crate) struct Signed {
    pub(crate) receipt: Digest,
    pub(crate) bundle: Vec<u8>,
}

/// The data directory that the command line or the environment names. An option of its own may be required beside
/// another, and one that the environment gives would ask for that on every line.
pub(crate) fn data(named: Option<&Path>) -> PathBuf {
    let named = named.map(Path::to_owned);
    let given = || std::env::var_os("CHAOSCHAIN_DATA").map(PathBuf::from);
    named.or_else(given).unwrap_or_else(|| PathBuf::from(DATA))
}

impl Signing<'_> {
    /// Refuses an agent that could not sign a receipt of this kind, before there is anything to sign.
    pub(crate) fn ensure_can(&self, kind: &str) -> Result<(), Failure> {
        let ledger = ledger::open(&self.data)?;
        let agent = agents::find_active(&ledger, self.agent)?;
        if !agent.profile.capabilities.iter().any(|capability| capability == kind) {
            let name = &agent.profile.name;
            let text = format!("{name} is not registered for receipts of the kind {kind}");
            return Err(Failure::message(Kind::Input, text)
                .hint(format!("`chaoschain agent update {name}` gives it what its role may do")));
        }
        Signer::of(&ledger, self.agent)?;
        Ok(())
    }

    /// Signs what `record` logs, publishes the log's head, and gives the receipt with its bundle. The ledger is
    /// locked for no longer than that.
    pub(crate) fn sign(
        &self,
        record: impl FnOnce(&mut Ledger, &Signer) -> Result<Digest, chaos_programs::Error>,
    ) -> Result<Signed, Failure> {
        let mut ledger = ledger::open(&self.data)?;
        let heads = ledger::heads()?;
        let actor = Signer::of(&ledger, self.agent)?;
        let receipt = record(&mut ledger, &actor)?;
        let checkpoint = ledger::publish_head(&mut ledger, &heads)?;
        let bundle = chaos_ledger::bundle(&ledger, &receipt, &checkpoint, None)?;
        super::tell_unanchored(&ledger)?;
        Ok(Signed { receipt, bundle })
    }
}
