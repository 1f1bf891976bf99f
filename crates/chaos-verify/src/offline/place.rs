//! Where the log holds the receipt, and whose it is.

use chaos_agency::{Action, Kinds, Leaf, Receipt, Registry, account::Payee, calendar::moment};
use chaos_log::{Policy, SignedCheckpoint, TlogProof, VerifierKey, leaf_hash};
use chaos_types::{Check, Did, Rejection, Verified};

use super::{
    document::{Document, Stand, ensure_names, ensure_stated},
    keys::Known,
};
use crate::{
    Bundle, Fault, Logged, Options,
    report::{Status, Trail},
    words::Counted,
};

pub(super) fn log_key(file: &Document) -> Result<VerifierKey, Rejection> {
    file.log()
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
    ensure_names(&logged.leaf, receipt)?;
    if proof.extra().is_some() {
        return Err(Rejection::new(
            Check::Inclusion,
            Fault::ProofExtraData,
            "the proof carries extra data that nothing vouches for",
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
    signed: &SignedCheckpoint,
    known: &Known<'_>,
    options: &Options<'_>,
) -> Result<String, Rejection> {
    let log = known.root;
    let mut policy_logs = options.policy.map_or(&[][..], Policy::logs).iter();
    let by_policy = policy_logs.find_map(|named| known.position(&named.key));
    let position = match options.log {
        Some(trusted) => known.position(trusted),
        None => by_policy.or(Some(0)),
    };
    if let (None, Some(trusted)) = (position, options.log) {
        return Err(Rejection::new(
            Check::Checkpoint,
            Fault::LogNotTrusted,
            format!("the bundle is of log {log}, the trusted log is {trusted}"),
        ));
    }
    let delegations = known.succession.delegations();
    if delegations.is_empty() {
        signed.verify(log).map_err(|error| {
            Rejection::caused(Check::Checkpoint, Fault::CheckpointInvalid, &error)
        })?;
    } else {
        known.ensure_signed(signed)?;
    }
    let checkpoint = signed.claimed();
    let whose = match (options.log, by_policy) {
        (Some(_), _) => "the trusted key",
        (None, Some(_)) => "the key that the policy names",
        (None, None) => "the bundle's own log key",
    };
    let followed = delegations.get(position.unwrap_or_default()..).unwrap_or_default();
    let by = match followed {
        [] => whose.to_owned(),
        [only] => format!(
            "{}, which {whose} leads to by the delegation at entry {}",
            only.body.key, only.index
        ),
        [.., last] => format!(
            "{}, which {whose} leads to by {} delegations, the last at entry {}",
            last.body.key,
            followed.len(),
            last.index
        ),
    };
    Ok(format!("{} at size {}, signed by {by}", checkpoint.origin(), checkpoint.size()))
}

/// The log's time does not go back between shown entries in their order. An entry that states a root may be
/// of a log whose clock was corrected, which this format does not show; no earlier one can be.
fn ensure_not_back(
    before: &mut Option<(u64, u64)>,
    index: u64,
    leaf: &Leaf,
) -> Result<(), Rejection> {
    let at_ms = leaf.integrated_at_ms;
    if let Some((earlier, earlier_ms)) = before.replace((index, at_ms))
        && leaf.state.is_none()
        && at_ms < earlier_ms
    {
        return Err(Rejection::new(
            Check::Agent,
            chaos_agency::Fault::TimeGoesBack,
            format!(
                "the log's time goes back from {} at entry {earlier} to {} at entry {index}",
                moment(earlier_ms),
                moment(at_ms)
            ),
        ));
    }
    Ok(())
}

/// A receipt before the checks that need its place in the log.
pub(super) struct Case<'a> {
    pub(super) file: &'a Document,
    pub(super) receipt: &'a Verified<Receipt>,
    pub(super) stand: &'a Stand,
    pub(super) kinds: &'a Kinds,
}

impl Case<'_> {
    /// Asks whether the agent could sign at the receipt's place, and whether the log counts the receipt.
    pub(super) fn check_agent(
        &self,
        operator: Did,
        options: &Options<'_>,
        trail: &mut Trail,
    ) -> Result<(), Rejection> {
        match self.file {
            Document::History(bundle) => self.check_history(bundle, operator, options, trail),
            Document::State(bundle) => self.check_state(bundle, operator, options, trail),
        }
    }

    /// Replays the agent's registry entries and asks whether it could sign at the receipt's place.
    fn check_history(
        &self,
        bundle: &Bundle,
        operator: Did,
        options: &Options<'_>,
        trail: &mut Trail,
    ) -> Result<(), Rejection> {
        let mut registry = Registry::new(operator, self.kinds);
        let (mut next, mut is_stated, mut before) = (0, false, None);
        for entry in &bundle.history {
            let (index, earlier) = self.registry_entry(entry)?;
            if index < next || index >= self.stand.index {
                return Err(Rejection::new(
                    Check::Agent,
                    Fault::HistoryOrder,
                    format!("registry entry {index} is out of order"),
                ));
            }
            next = index + 1;
            ensure_stated(is_stated, index, &entry.leaf)?;
            is_stated |= entry.leaf.state.is_some();
            ensure_not_back(&mut before, index, &entry.leaf)?;
            registry.admit(index, &earlier)?;
        }
        let index = self.stand.index;
        ensure_stated(is_stated, index, self.file.leaf())?;
        ensure_not_back(&mut before, index, self.file.leaf())?;
        registry.authorise(index, self.receipt)?;
        let detail = if let Some(agent) = registry.agent(&self.receipt.agent) {
            let (profile, entries) = (&agent.profile, bundle.history.len());
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
        trail.ended(Check::Agent, Status::NotShown, detail);
        if let Action::Pay(pay) = &self.receipt.action {
            // Nothing here shows an account that a payee registered.
            trail.payees = Payee::said(pay);
        }
        self.fold_again(options, trail)
    }

    /// Has the reader's copy of the log say whether the receipt counts, if there is one.
    pub(super) fn fold_again(
        &self,
        options: &Options<'_>,
        trail: &mut Trail,
    ) -> Result<(), Rejection> {
        let Some(copy) = options.copy else { return Ok(()) };
        let Stand { index, checkpoint, .. } = self.stand;
        let folded = copy.ensure_counted(self.receipt, *index, checkpoint)?;
        let who = trail.agent.as_deref().unwrap_or("registers itself");
        trail.replace(Check::Agent, format!("{who}; {folded}"));
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
        if *place.checkpoint() != self.stand.checkpoint {
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
        earlier.ensure_place(place.index()).map_err(within)?;
        earlier.ensure_history(&place.inclusion().root_before()).map_err(within)?;
        Ok((place.index(), earlier))
    }
}
