//! Where the log holds the receipt, and whose it is.

use chaos_agency::{Kinds, Receipt, Registry};
use chaos_log::{TlogProof, VerifierKey, leaf_hash};
use chaos_types::{Check, Code, Did, Rejection, Verified};

use crate::{
    Bundle, Fault, Logged, Options,
    report::{Status, Trail},
    words::Counted,
};

pub(super) fn log_key(bundle: &Bundle) -> Result<VerifierKey, Rejection> {
    bundle
        .log
        .parse()
        .map_err(|error| Rejection::caused(Check::Checkpoint, Fault::LogKeyMalformed, &error))
}

pub(super) fn parse_proof(logged: &Logged) -> Result<TlogProof, Rejection> {
    TlogProof::parse(logged.proof.as_bytes())
        .map_err(|error| Rejection::caused(Check::Inclusion, Fault::ProofMalformed, &error))
}

pub(super) fn check_inclusion(
    logged: &Logged,
    receipt: &Receipt,
    proof: &TlogProof,
) -> Result<(), Rejection> {
    let reject = |code: Code, reason| Rejection::new(Check::Inclusion, code, reason);
    if logged.leaf.version != 1 {
        return Err(reject(
            Fault::LeafVersionUnknown.into(),
            format!("log entry version {}, expected 1", logged.leaf.version),
        ));
    }
    if logged.leaf.receipt != receipt.id {
        return Err(reject(
            chaos_agency::Fault::LeafOfAnother.into(),
            format!("the log entry names {}, the receipt is {}", logged.leaf.receipt, receipt.id),
        ));
    }
    if proof.extra().is_some() {
        return Err(reject(
            Fault::ProofExtraData.into(),
            "the proof carries extra data that nothing vouches for".to_owned(),
        ));
    }
    proof
        .verify_inclusion(&leaf_hash(&logged.leaf.to_bytes()))
        .map_err(|error| Rejection::caused(Check::Inclusion, Fault::NotIncluded, &error))
}

/// The log signed the checkpoint. Signatures by keys that the reader does not know are passed over,
/// as [signed-note](https://c2sp.org/signed-note) demands: witnesses and a log's next key are added
/// so. One that claims the known key and is not its own condemns the note.
pub(super) fn check_checkpoint(
    proof: &TlogProof,
    log: &VerifierKey,
    options: &Options<'_>,
) -> Result<String, Rejection> {
    if let Some(trusted) = options.log
        && trusted != log
    {
        return Err(Rejection::new(
            Check::Checkpoint,
            Fault::LogNotTrusted,
            format!("the bundle is of log {log}, the trusted log is {trusted}"),
        ));
    }
    let checkpoint = proof
        .checkpoint()
        .verify(log)
        .map_err(|error| Rejection::caused(Check::Checkpoint, Fault::CheckpointInvalid, &error))?;
    let whose = if options.log.is_some() { "the trusted key" } else { "the bundle's own log key" };
    Ok(format!("{} at size {}, signed by {whose}", checkpoint.origin(), checkpoint.size()))
}

/// What the bundle shows of the receipt's place in the log.
pub(super) struct Shown<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) receipt: &'a Verified<Receipt>,
    pub(super) proof: &'a TlogProof,
    pub(super) kinds: &'a Kinds,
}

impl Shown<'_> {
    /// Replays the agent's registry entries and asks whether it could sign at the receipt's place.
    pub(super) fn check_agent(
        &self,
        operator: Did,
        options: &Options<'_>,
        trail: &mut Trail,
    ) -> Result<(), Rejection> {
        let mut registry = Registry::new(operator, self.kinds);
        let mut next = 0;
        for entry in &self.bundle.history {
            let (index, earlier) = self.registry_entry(entry)?;
            if index < next || index >= self.proof.index() {
                return Err(Rejection::new(
                    Check::Agent,
                    Fault::HistoryOrder,
                    format!("registry entry {index} is out of order"),
                ));
            }
            next = index + 1;
            registry.admit(index, &earlier)?;
        }
        registry.authorise(self.proof.index(), self.receipt)?;
        let index = self.proof.index();
        let detail = if let Some(agent) = registry.agent(&self.receipt.agent) {
            let (profile, entries) = (&agent.profile, self.bundle.history.len());
            let who = format!("{} ({})", profile.name, profile.role);
            let detail = format!(
                "{who}, key valid at entry {index} by {entries} registry entries shown; that none \
                 was left out is not shown"
            );
            trail.agent = Some(who);
            detail
        } else {
            format!("registers itself at entry {index}; that name and key were free is not shown")
        };
        let Some(copy) = options.copy else {
            trail.ended(Check::Agent, Status::NotShown, detail);
            return Ok(());
        };
        let checkpoint = self.proof.checkpoint().claimed();
        let folded = copy.ensure_counted(self.receipt, index, checkpoint)?;
        let who = trail.agent.as_deref().unwrap_or("registers itself");
        trail.passed(Check::Agent, format!("{who}; {folded}"));
        trail.words.counted = Counted::Recomputed;
        Ok(())
    }

    /// An entry of the agent's history with its place, which is shown under the receipt's checkpoint.
    fn registry_entry(&self, entry: &Logged) -> Result<(u64, Verified<Receipt>), Rejection> {
        let within = |inner: Rejection| {
            let reason = format!("registry entry: {}: {}", inner.check, inner.reason);
            Rejection::new(Check::Agent, inner.code, reason)
        };
        let earlier = Receipt::open(&entry.envelope, self.kinds).map_err(within)?;
        let place = parse_proof(entry).map_err(within)?;
        if place.checkpoint() != self.proof.checkpoint() {
            return Err(Rejection::new(
                Check::Agent,
                Fault::HistoryCheckpointOther,
                "a registry entry is proved under another checkpoint",
            ));
        }
        check_inclusion(entry, &earlier, &place).map_err(within)?;
        if earlier.agent != self.receipt.agent || !earlier.action.manages_registry() {
            return Err(Rejection::new(
                Check::Agent,
                Fault::HistoryUnexpected,
                format!(
                    "entry {} is a {} by {}, expected a registry entry of {}",
                    place.index(),
                    earlier.action.kind(),
                    earlier.agent,
                    self.receipt.agent
                ),
            ));
        }
        Ok((place.index(), earlier))
    }

    /// When the log took in the newest entry that the bundle shows, milliseconds since 1970.
    pub(super) fn newest_ms(&self) -> u64 {
        let earlier = self.bundle.history.iter().map(|entry| entry.leaf.integrated_at_ms);
        earlier.fold(self.bundle.receipt.leaf.integrated_at_ms, u64::max)
    }
}
