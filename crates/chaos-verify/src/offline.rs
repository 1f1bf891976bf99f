//! The nine checks, from the bytes of a bundle to `Verified<Receipt>`.

use chaos_agency::{
    Action, Kinds, Receipt, Registry,
    action::Anchor,
    receipt::{Attested, Replay},
};
use chaos_log::{Checkpoint, TlogProof, VerifierKey, leaf_hash};
use chaos_types::{Check, Code, Did, Digest, Rejection, Verified};

use crate::{Attachments, Bundle, Fault, Logged, Report, report::Trail};

/// Runs the programs that receipts name again.
pub trait Reexecute {
    /// Refuses what can be refused without running anything, such as a program that is not known.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *evidence*.
    fn ensure_repeatable(
        &self,
        receipt: &Verified<Receipt>,
        attachments: &Attachments,
    ) -> Result<(), Rejection>;

    /// Runs the receipt's program on the inputs it names and gives the output's digest. Called only
    /// if everything else about the bundle holds.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *evidence*.
    fn reexecute(
        &self,
        receipt: &Verified<Receipt>,
        attachments: &Attachments,
    ) -> Result<Digest, Rejection>;
}

/// Verifies and appraises the quotes behind attested evidence.
pub trait Appraise {
    /// Verifies the quote at the second (Unix time) that the log took the receipt in, and that it
    /// binds the key that signed; gives a sentence about what was found. Called only if the log is
    /// shown to hold the receipt.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *attestation*.
    fn appraise(
        &self,
        receipt: &Verified<Receipt>,
        attested: &Attested,
        attachments: &Attachments,
        at_s: u64,
    ) -> Result<String, Rejection>;
}

/// Reads a chain's proofs.
pub trait ReadAnchor {
    /// Checks that a block of the chain contains what the operator signed about the checkpoint;
    /// gives a sentence about the block.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *anchor*.
    fn read_anchor(
        &self,
        proof: &serde_json::Value,
        anchor: &Anchor,
        checkpoint: &Checkpoint,
    ) -> Result<String, Rejection>;
}

/// What the caller brings to a verification.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// The log that the reader trusts. Without it the bundle's own log key is used, which shows
    /// that the parts agree but not that the log is the right one.
    pub log: Option<&'a VerifierKey>,
    /// The kinds of receipts that the reader knows; one of another kind is refused.
    pub kinds: Kinds,
    /// How to run programs again, if that was asked for.
    pub reexecute: Option<&'a dyn Reexecute>,
    /// How to verify and appraise quotes.
    pub appraise: Option<&'a dyn Appraise>,
    /// How to check a chain's proof.
    pub anchor: Option<&'a dyn ReadAnchor>,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("log", &self.log)
            .field("reexecute", &self.reexecute.is_some())
            .field("appraise", &self.appraise.is_some())
            .field("anchor", &self.anchor.is_some())
            .finish()
    }
}

/// Verifies a bundle offline.
///
/// The checks are made in the order of their cost, so that a file that is refused by a hash or a
/// signature starts neither an appraisal nor a computation.
#[must_use]
pub fn verify(bytes: &[u8], options: &Options<'_>) -> Report {
    let mut trail = Trail::default();
    let result = run(bytes, options, &mut trail);
    trail.end(result)
}

fn run(
    bytes: &[u8],
    options: &Options<'_>,
    trail: &mut Trail,
) -> Result<Verified<Receipt>, Rejection> {
    let bundle = Bundle::from_bytes(bytes)?;
    let opened = bundle.receipt.envelope.verify()?;
    trail.passed(Check::Envelope, format!("signed by {}", list(&opened.signers)));
    let receipt: Verified<Receipt> = opened.narrow(&options.kinds)?;
    trail.passed(Check::Statement, format!("{} by {}", receipt.action.kind(), receipt.agent));
    let attachments = bundle.attachments(&receipt)?;
    trail.passed(
        Check::Format,
        format!("canonical, {} bytes, {} attachments", bytes.len(), bundle.attachments.len()),
    );
    let shown = Shown {
        bundle: &bundle,
        receipt: &receipt,
        proof: &parse_proof(&bundle.receipt)?,
        kinds: &options.kinds,
    };
    check_inclusion(&bundle.receipt, &receipt, shown.proof)?;
    let (index, size) = (shown.proof.index(), shown.proof.checkpoint().claimed().size());
    trail.passed(Check::Inclusion, format!("entry {index} of {size}"));
    let log = log_key(&bundle)?;
    let operator = Did::from_public_bytes(log.public()).ok_or_else(|| {
        let reason = "the log's key is not a curve point";
        Rejection::new(Check::Checkpoint, Fault::LogKeyMalformed, reason)
    })?;
    trail.passed(Check::Checkpoint, check_checkpoint(shown.proof, &log, options)?);
    trail.passed(Check::Agent, shown.check_agent(operator)?);
    // What a release cannot repeat is refused before anything is appraised.
    if let (Some(reexecute), Some(_)) = (options.reexecute, receipt.evidence.replay()) {
        reexecute.ensure_repeatable(&receipt, &attachments)?;
    }
    shown.check_anchor(operator, options, trail)?;
    shown.check_attestation(&attachments, options, trail)?;
    shown.check_evidence(&attachments, options, trail)?;
    Ok(receipt)
}

fn list(keys: &[Did]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn log_key(bundle: &Bundle) -> Result<VerifierKey, Rejection> {
    bundle
        .log
        .parse()
        .map_err(|error| Rejection::caused(Check::Checkpoint, Fault::LogKeyMalformed, &error))
}

fn parse_proof(logged: &Logged) -> Result<TlogProof, Rejection> {
    TlogProof::parse(logged.proof.as_bytes())
        .map_err(|error| Rejection::caused(Check::Inclusion, Fault::ProofMalformed, &error))
}

fn check_inclusion(logged: &Logged, receipt: &Receipt, proof: &TlogProof) -> Result<(), Rejection> {
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

fn check_checkpoint(
    proof: &TlogProof,
    log: &VerifierKey,
    options: &Options<'_>,
) -> Result<String, Rejection> {
    let reject = |fault: Fault, reason| Rejection::new(Check::Checkpoint, fault, reason);
    if let Some(trusted) = options.log
        && trusted != log
    {
        return Err(reject(
            Fault::LogNotTrusted,
            format!("the bundle is of log {log}, the trusted log is {trusted}"),
        ));
    }
    let checkpoint = proof
        .checkpoint()
        .verify(log)
        .map_err(|error| Rejection::caused(Check::Checkpoint, Fault::CheckpointInvalid, &error))?;
    // Nothing vouches for further lines: a stranger could have added them.
    let signatures = proof.checkpoint().to_string().matches("\n\u{2014} ").count();
    if signatures != 1 {
        return Err(reject(
            Fault::CheckpointSignatures,
            format!("{signatures} signatures, expected the log's own alone"),
        ));
    }
    let whose = if options.log.is_some() { "the trusted key" } else { "the bundle's own log key" };
    Ok(format!("{} at size {}, signed by {whose}", checkpoint.origin(), checkpoint.size()))
}

/// What the bundle shows of the receipt's place in the log.
struct Shown<'a> {
    bundle: &'a Bundle,
    receipt: &'a Verified<Receipt>,
    proof: &'a TlogProof,
    kinds: &'a Kinds,
}

impl Shown<'_> {
    /// Replays the agent's registry entries and asks whether it could sign at the receipt's place.
    fn check_agent(&self, operator: Did) -> Result<String, Rejection> {
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
        Ok(match registry.agent(&self.receipt.agent) {
            Some(agent) => format!(
                "{} ({}), key valid at entry {} by {} registry entries shown",
                agent.profile.name,
                agent.profile.role,
                self.proof.index(),
                self.bundle.history.len()
            ),
            None => format!("registers itself at entry {}", self.proof.index()),
        })
    }

    /// An entry of the agent's history with its place, which is shown under the receipt's checkpoint.
    fn registry_entry(&self, entry: &Logged) -> Result<(u64, Verified<Receipt>), Rejection> {
        let within = |inner: Rejection| {
            let reason = format!("registry entry: {}: {}", inner.check, inner.reason);
            Rejection::new(Check::Agent, inner.code, reason)
        };
        let earlier = Receipt::open(&entry.envelope, self.kinds).map_err(within)?;
        let place = parse_proof(entry).map_err(within)?;
        if place.checkpoint().to_string() != self.proof.checkpoint().to_string() {
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

    fn check_anchor(
        &self,
        operator: Did,
        options: &Options<'_>,
        trail: &mut Trail,
    ) -> Result<(), Rejection> {
        let reject = |code: Fault, reason| Err(Rejection::new(Check::Anchor, code, reason));
        let Some(anchored) = &self.bundle.anchor else {
            trail.skipped(Check::Anchor, "no anchor in the bundle");
            return Ok(());
        };
        let receipt = Receipt::open(&anchored.envelope, self.kinds).map_err(|inner| {
            let reason = format!("anchor receipt: {}: {}", inner.check, inner.reason);
            Rejection::new(Check::Anchor, inner.code, reason)
        })?;
        let Action::Anchor(anchor) = &receipt.action else {
            let found = receipt.action.kind();
            return reject(
                Fault::AnchorReceiptUnexpected,
                format!("expected an anchor receipt, found {found}"),
            );
        };
        if receipt.log != operator || receipt.agent != operator || receipt.signers != [operator] {
            return reject(
                Fault::AnchorSignerOther,
                format!("the anchor receipt is not by the log's operator {operator}"),
            );
        }
        let checkpoint = self.proof.checkpoint().claimed();
        let root = hex::encode(checkpoint.root().as_bytes());
        if anchor.log_size != checkpoint.size() || anchor.root != root {
            return reject(
                Fault::AnchorCheckpointOther,
                format!(
                    "anchored is size {} root {}, the checkpoint has size {} root {root}",
                    anchor.log_size,
                    anchor.root,
                    checkpoint.size()
                ),
            );
        }
        match options.anchor {
            Some(chain) => {
                trail
                    .passed(Check::Anchor, chain.read_anchor(&anchored.proof, anchor, checkpoint)?);
            }
            None => trail.skipped(Check::Anchor, "no adapter for the chain's proof was given"),
        }
        Ok(())
    }

    fn check_attestation(
        &self,
        attachments: &Attachments,
        options: &Options<'_>,
        trail: &mut Trail,
    ) -> Result<(), Rejection> {
        match (self.receipt.evidence.attested(), options.appraise) {
            (None, _) => trail.skipped(Check::Attestation, "the receipt claims no attestation"),
            // What nobody appraised is no evidence, and is not reported as if it were.
            (Some(_), None) => {
                trail.skipped(Check::Attestation, "no verifier of quotes was given");
            }
            (Some(attested), Some(appraiser)) => {
                let at_s = self.bundle.receipt.leaf.integrated_at_ms / 1000;
                trail.passed(
                    Check::Attestation,
                    appraiser.appraise(self.receipt, attested, attachments, at_s)?,
                );
            }
        }
        Ok(())
    }

    fn check_evidence(
        &self,
        attachments: &Attachments,
        options: &Options<'_>,
        trail: &mut Trail,
    ) -> Result<(), Rejection> {
        let detail = match (self.receipt.evidence.replay(), options.reexecute) {
            (None, _) => {
                let class = self.receipt.evidence.class();
                trail.skipped(Check::Evidence, &format!("class {class}, nothing to run again"));
                return Ok(());
            }
            (Some(Replay { program, inputs, output }), None) => format!(
                "class replayable: {} {}, {} inputs, output {output}; not re-executed here",
                program.name,
                program.version,
                inputs.len()
            ),
            (Some(Replay { program, output, .. }), Some(reexecute)) => {
                let found = reexecute.reexecute(self.receipt, attachments)?;
                if found != *output {
                    return Err(Rejection::new(
                        Check::Evidence,
                        Fault::OutputNotRepeated,
                        format!("re-execution gave {found}, the receipt claims {output}"),
                    ));
                }
                format!(
                    "re-executed with {} {}: same output {output}",
                    program.name, program.version
                )
            }
        };
        trail.passed(Check::Evidence, detail);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
