//! The verification pipeline: from the bytes of a bundle to `Verified<Receipt>`.

use chaos_log::{TlogProof, VerifierKey, leaf_hash};
use chaos_types::{Check, Did, Digest, Rejection, Verified};
use serde::Serialize;

use crate::{
    Action, Bundle, Receipt, Registry,
    action::Anchor,
    bundle::{Anchored, Attachments, Logged},
    receipt::{Attested, Replay},
};

/// Runs a receipt's program again on the inputs it names and gives the output's digest.
pub type Reexecute<'a> = &'a dyn Fn(&Receipt, &Attachments) -> Result<Digest, Rejection>;

/// Verifies and appraises the quote behind attested evidence, at the second (Unix time) that the log
/// took the receipt in; gives a sentence about what was found.
pub type CheckAttestation<'a> =
    &'a dyn Fn(&Receipt, &Attested, &Attachments, u64) -> Result<String, Rejection>;

/// Checks a chain's proof that a block contains the anchor; gives a sentence about the block.
pub type CheckAnchor<'a> =
    &'a dyn Fn(&serde_json::Value, &Anchor, &chaos_log::Checkpoint) -> Result<String, Rejection>;

/// What the caller brings to a verification.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// The log that the reader trusts. Without it the bundle's own log key is used, which shows
    /// that the parts agree but not that the log is the right one.
    pub log: Option<&'a VerifierKey>,
    /// How to run programs again, if that was asked for.
    pub reexecute: Option<Reexecute<'a>>,
    /// How to verify and appraise quotes.
    pub attestation: Option<CheckAttestation<'a>>,
    /// How to check a chain's proof.
    pub anchor: Option<CheckAnchor<'a>>,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("log", &self.log)
            .field("reexecute", &self.reexecute.is_some())
            .field("attestation", &self.attestation.is_some())
            .field("anchor", &self.anchor.is_some())
            .finish()
    }
}

/// How one check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The check was made and holds.
    Passed,
    /// The check was made and does not hold.
    Failed,
    /// There was nothing to check, or an earlier check failed.
    NotApplicable,
}

/// One line of a verification's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Which check.
    pub check: Check,
    /// How it ended.
    pub status: Status,
    /// What was found.
    pub detail: String,
}

/// A verification's result together with the list of checks that led to it.
#[derive(Debug)]
pub struct Report {
    /// All checks in order, each exactly once.
    pub outcomes: Vec<Outcome>,
    /// The receipt, or the first check that failed.
    pub result: Result<Verified<Receipt>, Rejection>,
}

/// Verifies a bundle offline.
#[must_use]
pub fn verify(bytes: &[u8], options: &Options<'_>) -> Report {
    let mut trail = Trail::default();
    let result = run(bytes, options, &mut trail);
    if let Err(rejection) = &result {
        trail.push(rejection.check, Status::Failed, rejection.reason.clone());
    }
    for check in Check::ALL {
        if trail.0.iter().all(|outcome| outcome.check != check) {
            trail.push(check, Status::NotApplicable, "not reached".to_owned());
        }
    }
    trail.0.sort_by_key(|outcome| outcome.check);
    Report { outcomes: trail.0, result }
}

#[derive(Default)]
struct Trail(Vec<Outcome>);

impl Trail {
    fn push(&mut self, check: Check, status: Status, detail: String) {
        self.0.push(Outcome { check, status, detail });
    }

    fn passed(&mut self, check: Check, detail: String) {
        self.push(check, Status::Passed, detail);
    }
}

fn run(
    bytes: &[u8],
    options: &Options<'_>,
    trail: &mut Trail,
) -> Result<Verified<Receipt>, Rejection> {
    let bundle = Bundle::from_bytes(bytes)?;
    let opened = bundle.receipt.envelope.verify()?;
    trail.passed(Check::Envelope, format!("signed by {}", list(&opened.signers)));
    let receipt = Receipt::read(opened.clone().into_inner())?;
    trail.passed(Check::Statement, format!("{} by {}", receipt.action.kind(), receipt.agent));
    let attachments = bundle.attachments(&receipt)?;
    trail.passed(
        Check::Format,
        format!("canonical, {} bytes, {} attachments", bytes.len(), bundle.attachments.len()),
    );
    let log = log_key(&bundle)?;
    let operator = Did::from_public_bytes(log.public())
        .ok_or_else(|| Rejection::new(Check::Checkpoint, "the log's key is not a curve point"))?;
    let proof = parse_proof(&bundle.receipt)?;
    trail.passed(Check::Agent, check_agent(&bundle, &receipt, &proof, operator)?);
    let integrated_at_ms = bundle.receipt.leaf.integrated_at_ms;
    check_evidence(&receipt, &attachments, integrated_at_ms, options, trail)?;
    check_inclusion(&bundle.receipt, &receipt, &proof)?;
    trail.passed(
        Check::Inclusion,
        format!("entry {} of {}", proof.index(), proof.checkpoint().claimed().size()),
    );
    trail.passed(Check::Checkpoint, check_checkpoint(&proof, &log, options)?);
    check_anchor(bundle.anchor.as_ref(), &proof, operator, options, trail)?;
    opened.and_then(|_| Ok(receipt))
}

fn list(keys: &[Did]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn log_key(bundle: &Bundle) -> Result<VerifierKey, Rejection> {
    bundle.log.parse().map_err(|error| Rejection::caused(Check::Checkpoint, &error))
}

fn parse_proof(logged: &Logged) -> Result<TlogProof, Rejection> {
    TlogProof::parse(logged.proof.as_bytes())
        .map_err(|error| Rejection::caused(Check::Inclusion, &error))
}

fn check_inclusion(logged: &Logged, receipt: &Receipt, proof: &TlogProof) -> Result<(), Rejection> {
    let reject = |reason| Rejection::new(Check::Inclusion, reason);
    if logged.leaf.version != 1 {
        return Err(reject(format!("log entry version {}, expected 1", logged.leaf.version)));
    }
    if logged.leaf.receipt != receipt.id {
        return Err(reject(format!(
            "the log entry names {}, the receipt is {}",
            logged.leaf.receipt, receipt.id
        )));
    }
    if proof.extra().is_some() {
        return Err(reject("the proof carries extra data that nothing vouches for".to_owned()));
    }
    proof
        .verify_inclusion(&leaf_hash(&logged.leaf.to_bytes()))
        .map_err(|error| Rejection::caused(Check::Inclusion, &error))
}

/// Replays the agent's registry entries and asks whether it could sign at the receipt's place.
fn check_agent(
    bundle: &Bundle,
    receipt: &Receipt,
    proof: &TlogProof,
    operator: Did,
) -> Result<String, Rejection> {
    let reject = |reason| Rejection::new(Check::Agent, reason);
    let mut registry = Registry::new(operator);
    let mut next = 0;
    for entry in &bundle.history {
        let earlier = Receipt::open(&entry.envelope)
            .map_err(|rejection| reject(format!("registry entry: {rejection}")))?;
        let place = parse_proof(entry)?;
        if place.checkpoint().to_string() != proof.checkpoint().to_string() {
            return Err(reject("a registry entry is proved under another checkpoint".to_owned()));
        }
        check_inclusion(entry, &earlier, &place)?;
        if earlier.agent != receipt.agent || !earlier.action.manages_registry() {
            return Err(reject(format!(
                "entry {} is a {} by {}, expected a registry entry of {}",
                place.index(),
                earlier.action.kind(),
                earlier.agent,
                receipt.agent
            )));
        }
        if place.index() < next || place.index() >= proof.index() {
            return Err(reject(format!("registry entry {} is out of order", place.index())));
        }
        next = place.index() + 1;
        registry.admit(place.index(), &earlier)?;
    }
    registry.authorise(proof.index(), receipt)?;
    Ok(match registry.agent(&receipt.agent) {
        Some(agent) => format!(
            "{} ({}), key valid at entry {} by {} registry entries shown",
            agent.profile.name,
            agent.profile.role,
            proof.index(),
            bundle.history.len()
        ),
        None => format!("registers itself at entry {}", proof.index()),
    })
}

/// Each kind of evidence that the receipt claims is a line of its own.
fn check_evidence(
    receipt: &Receipt,
    attachments: &Attachments,
    integrated_at_ms: u64,
    options: &Options<'_>,
    trail: &mut Trail,
) -> Result<(), Rejection> {
    match (receipt.evidence.replay(), options.reexecute) {
        (None, _) => {
            let detail = format!("class {}, nothing to run again", receipt.evidence.class());
            trail.push(Check::Evidence, Status::NotApplicable, detail);
        }
        (Some(Replay { program, inputs, output }), None) => trail.passed(
            Check::Evidence,
            format!(
                "class replayable: {} {}, {} inputs, output {output}; not re-executed here",
                program.name,
                program.version,
                inputs.len()
            ),
        ),
        (Some(Replay { program, output, .. }), Some(reexecute)) => {
            let found = reexecute(receipt, attachments)?;
            if found != *output {
                return Err(Rejection::new(
                    Check::Evidence,
                    format!("re-execution gave {found}, the receipt claims {output}"),
                ));
            }
            trail.passed(
                Check::Evidence,
                format!(
                    "re-executed with {} {}: same output {output}",
                    program.name, program.version
                ),
            );
        }
    }
    let (status, detail) = match (receipt.evidence.attested(), options.attestation) {
        (None, _) => (Status::NotApplicable, "the receipt claims no attestation".to_owned()),
        // What nobody appraised is no evidence, and is not reported as if it were.
        (Some(_), None) => (Status::NotApplicable, "no verifier of quotes was given".to_owned()),
        (Some(attested), Some(check)) => {
            (Status::Passed, check(receipt, attested, attachments, integrated_at_ms / 1000)?)
        }
    };
    trail.push(Check::Attestation, status, detail);
    Ok(())
}

fn check_checkpoint(
    proof: &TlogProof,
    log: &VerifierKey,
    options: &Options<'_>,
) -> Result<String, Rejection> {
    let reject = |reason| Rejection::new(Check::Checkpoint, reason);
    if let Some(trusted) = options.log
        && trusted != log
    {
        return Err(reject(format!("the bundle is of log {log}, the trusted log is {trusted}")));
    }
    let checkpoint = proof
        .checkpoint()
        .verify(log)
        .map_err(|error| Rejection::caused(Check::Checkpoint, &error))?;
    // Nothing vouches for further lines: a stranger could have added them.
    let signatures = proof.checkpoint().to_string().matches("\n\u{2014} ").count();
    if signatures != 1 {
        return Err(reject(format!("{signatures} signatures, expected the log's own alone")));
    }
    let whose = if options.log.is_some() { "the trusted key" } else { "the bundle's own log key" };
    Ok(format!("{} at size {}, signed by {whose}", checkpoint.origin(), checkpoint.size()))
}

fn check_anchor(
    anchored: Option<&Anchored>,
    proof: &TlogProof,
    operator: Did,
    options: &Options<'_>,
    trail: &mut Trail,
) -> Result<(), Rejection> {
    let reject = |reason| Rejection::new(Check::Anchor, reason);
    let Some(anchored) = anchored else {
        trail.push(Check::Anchor, Status::NotApplicable, "no anchor in the bundle".to_owned());
        return Ok(());
    };
    let receipt = Receipt::open(&anchored.envelope)
        .map_err(|rejection| reject(format!("anchor receipt: {rejection}")))?;
    let Action::Anchor(anchor) = &receipt.action else {
        return Err(reject(format!("expected an anchor receipt, found {}", receipt.action.kind())));
    };
    if receipt.log != operator || receipt.agent != operator || receipt.signers != [operator] {
        return Err(reject(format!("the anchor receipt is not by the log's operator {operator}")));
    }
    let checkpoint = proof.checkpoint().claimed();
    let root = hex::encode(checkpoint.root().as_bytes());
    if anchor.log_size != checkpoint.size() || anchor.root != root {
        return Err(reject(format!(
            "anchored is size {} root {}, the checkpoint has size {} root {root}",
            anchor.log_size,
            anchor.root,
            checkpoint.size()
        )));
    }
    match options.anchor {
        Some(check) => {
            let detail = check(&anchored.proof, anchor, checkpoint)?;
            trail.passed(Check::Anchor, detail);
        }
        None => trail.push(
            Check::Anchor,
            Status::NotApplicable,
            "no adapter for the chain's proof was given".to_owned(),
        ),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
