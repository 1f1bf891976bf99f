//! A finished proposal as its file says it, and what is logged of it on its way through a chain.

use chaos_agency::{Action, receipt::Product};
use chaos_chains::{
    Address, EvmChain, StateProof, SubmissionClaim, SubmittedProposal, U256, VoteTally,
};
use chaos_governance::receipts::{Decision, Draft, ObserveVote, Submit, VoteState};
use chaos_ledger::{Ledger, NewEntry};
use chaos_store::Blobs as _;
use chaos_types::{ChainId, Digest, canonical};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    Error,
    deciding::{self, by, content_uri},
    proposing::{Receipts, Signer},
};

/// Longest proposal file that is read, in bytes.
pub const PROPOSAL_BYTES_MAX: usize = 16 << 20;

/// What a proposal's file says, as far as it takes to submit it and to vote on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The file's bytes, which the chain names by their digest.
    bytes: Vec<u8>,
    id: Digest,
    title: String,
    ask: String,
    chain: ChainId,
    change: PublishedChange,
    rounds: Vec<Digest>,
}

/// The one parameter that a proposal changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedChange {
    /// Its name.
    pub parameter: String,
    /// The value asked for.
    pub proposed: u64,
}

#[derive(Deserialize)]
struct WireContent {
    title: String,
    ask: String,
    chain: ChainId,
    changes: Vec<WireChange>,
    rounds: Vec<WireRound>,
}

#[derive(Deserialize)]
struct WireChange {
    parameter: String,
    proposed: String,
}

#[derive(Deserialize)]
struct WireRound {
    receipt: Option<Digest>,
}

/// Why a file is no proposal.
#[derive(Debug, thiserror::Error)]
pub enum PublishedError {
    /// The file is not JSON of this shape.
    #[error("not a proposal.json")]
    Json(#[source] serde_json::Error),
    /// What the file says cannot be hashed.
    #[error("not a proposal.json")]
    Canonical(#[source] canonical::Error),
    /// The file's number is not the digest of what it says.
    #[error("it says that it is {claimed}, and what it says has digest {computed}")]
    Id {
        /// The number in the file.
        claimed: String,
        /// The digest of its content.
        computed: Digest,
    },
    /// A vote decides on one parameter.
    #[error("it changes {found} parameters; a vote sets one")]
    Changes {
        /// How many it changes.
        found: usize,
    },
    /// The value is not one that the registry takes.
    #[error("the value `{found}` is no number of 64 bits")]
    Amount {
        /// The value.
        found: String,
    },
}

/// Why a proposal is not submitted, or its outcome not logged. Nothing was paid.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// An agent may not do what is asked.
    #[error("`{agent}` may not {kind}; its capabilities are {}", capabilities.join(", "))]
    MayNot {
        /// Its name.
        agent: String,
        /// The kind of receipt.
        kind: &'static str,
        /// What it may do.
        capabilities: Vec<String>,
    },
    /// The log has no draft that a proposal comes from.
    #[error("the log has no finalised draft by `{agent}` of proposal {proposal}")]
    NoDraftOf {
        /// The proposal.
        proposal: Digest,
        /// The agent's name.
        agent: String,
    },
    /// The draft was submitted before.
    #[error("this proposal's draft was submitted before, by receipt {receipt}")]
    SubmittedBefore {
        /// The submission.
        receipt: Digest,
    },
    /// The text of a submission is no proposal.
    #[error("the submitted text is no proposal")]
    Text(#[source] PublishedError),
    /// A receipt is no submission, or the log does not have what it builds on.
    #[error("{receipt} is no submission in this log")]
    NotSubmitted {
        /// The receipt.
        receipt: Digest,
    },
}

impl Published {
    /// Reads proposal.json, whose number has to be the digest of what it says.
    ///
    /// # Errors
    /// If it is not of this form.
    pub fn parse(bytes: &[u8]) -> Result<Self, PublishedError> {
        let document: Value = serde_json::from_slice(bytes).map_err(PublishedError::Json)?;
        let content = document.get("proposal").cloned().unwrap_or_default();
        let claimed = document.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let computed = canonical::to_vec(&content).map(|text| Digest::of(&text));
        let id = computed.map_err(PublishedError::Canonical)?;
        let wire: WireContent = serde_json::from_value(content).map_err(PublishedError::Json)?;
        if id.to_string() != claimed {
            let claimed = claimed.chars().take(80).collect();
            return Err(PublishedError::Id { claimed, computed: id });
        }
        let found = wire.changes.len();
        let [change] = <[WireChange; 1]>::try_from(wire.changes)
            .map_err(|_| PublishedError::Changes { found })?;
        let proposed = change.proposed.parse();
        let proposed = proposed.map_err(|_| PublishedError::Amount {
            found: change.proposed.chars().take(80).collect(),
        })?;
        Ok(Self {
            bytes: bytes.to_owned(),
            id,
            title: wire.title,
            ask: wire.ask,
            chain: wire.chain,
            change: PublishedChange { parameter: change.parameter, proposed },
            rounds: wire.rounds.into_iter().filter_map(|round| round.receipt).collect(),
        })
    }

    /// Its number, the digest of what it says.
    #[must_use]
    pub const fn id(&self) -> Digest {
        self.id
    }

    /// The chain whose parameter it changes.
    #[must_use]
    pub const fn chain(&self) -> &ChainId {
        &self.chain
    }

    /// What it changes.
    #[must_use]
    pub const fn change(&self) -> &PublishedChange {
        &self.change
    }

    /// The text of the vote on it.
    #[must_use]
    pub fn vote_text(&self) -> String {
        vote_text(&self.title, &self.ask, &self.id)
    }

    /// Its text's address, by its digest, and that digest.
    #[must_use]
    pub fn uri(&self) -> (String, Digest) {
        let document = Digest::of(&self.bytes);
        (content_uri(&document), document)
    }
}

/// The text of a vote.
pub(crate) fn vote_text(title: &str, ask: &str, id: &Digest) -> String {
    format!("# {title}\n\n{ask}\n\nproposal {id}")
}

/// The draft that an agent signed of a proposal, which the log would let it submit now.
///
/// # Errors
/// If there is none, it was submitted before, or the agent may not submit.
pub fn submittable(
    ledger: &Ledger,
    published: &Published,
    agent: &Signer,
) -> Result<Digest, Error> {
    let kind = "submit";
    let profile = ledger.agent(&agent.did)?.map(|agent| agent.profile);
    let capabilities = profile.map(|profile| profile.capabilities).unwrap_or_default();
    if !capabilities.iter().any(|capability| capability == kind) {
        return Err(Refused::MayNot { agent: agent.name.clone(), kind, capabilities }.into());
    }
    let mut submitted = Vec::new();
    for (_, row) in ledger.actions(0..ledger.size())?.into_iter().rev() {
        if row.kind != kind && row.kind != "draft" {
            continue;
        }
        let Some(receipt) = ledger.receipt(&row.receipt)? else { continue };
        if row.kind == kind {
            submitted.extend(receipt.parents.iter().map(|parent| (*parent, row.receipt)));
            continue;
        }
        let Some(draft) = receipt.action.read::<Draft>() else { continue };
        let rests_on_rounds = !published.rounds.is_empty()
            && published.rounds.iter().all(|round| receipt.parents.contains(round));
        let says_the_same = draft.decision == Decision::Finalised {}
            && draft.chain == published.chain
            && matches!(&draft.changes[..], [change] if change.parameter == published.change.parameter
                && change.proposed == u128::from(published.change.proposed));
        if receipt.agent != agent.did || !rests_on_rounds || !says_the_same {
            continue;
        }
        return match submitted.iter().find(|(draft, _)| *draft == row.receipt) {
            Some((_, receipt)) => Err(Refused::SubmittedBefore { receipt: *receipt }.into()),
            None => Ok(row.receipt),
        };
    }
    Err(Refused::NoDraftOf { proposal: published.id, agent: agent.name.clone() }.into())
}

/// A submission that is on a chain.
#[derive(Debug)]
pub struct OnRecord<'a> {
    /// The chain.
    pub chain: &'a ChainId,
    /// The endpoint.
    pub endpoint: Address,
    /// What the chain says of it.
    pub submitted: &'a SubmittedProposal,
    /// The draft that it rests on.
    pub draft: Digest,
    /// What shows it.
    pub shown_by: StateProof,
}

impl OnRecord<'_> {
    /// Has the chain show what it has of a submission.
    ///
    /// # Errors
    /// If the node does not.
    pub async fn shown<'a>(
        chain: &'a EvmChain,
        endpoint: Address,
        submitted: &'a SubmittedProposal,
        uri: &str,
        draft: Digest,
    ) -> Result<OnRecord<'a>, Error> {
        let SubmittedProposal { proposal_id, transaction } = submitted;
        let (proposal_id, chain_id) = (*proposal_id, chain.chain_id());
        let claim = SubmissionClaim { chain: chain_id, endpoint, proposal_id, uri, receipt: draft };
        let (shown_by, _) = chain.prove_submission(&claim, transaction.block_number).await?;
        Ok(OnRecord { chain: chain_id, endpoint, submitted, draft, shown_by })
    }
}

/// Logs that a proposal is on record. Its text is kept beside the log, and what shows it.
///
/// # Errors
/// If the log does not admit it.
pub fn record_submission(
    ledger: &mut Ledger,
    developer: &Signer,
    text: &[u8],
    on: &OnRecord<'_>,
) -> Result<Digest, Error> {
    let document = ledger.put_blob(text)?;
    let OnRecord { chain, endpoint, submitted, draft, shown_by } = on;
    let shown_by = ledger.put_blob(&shown_by.to_bytes())?;
    let action = Action::of(&Submit {
        chain: (*chain).clone(),
        contract: format!("{endpoint:#x}"),
        proposal_id: submitted.proposal_id.to_string(),
        metadata_uri: content_uri(&document),
        transaction: format!("{:#x}", submitted.transaction.hash),
        block_number: submitted.transaction.block_number,
        shown_by: Some(shown_by),
    });
    let subjects = vec![Product::new("proposal", document)];
    let entry = NewEntry { subjects, ..by(developer, vec![*draft], action) };
    Ok(ledger.record(entry)?)
}

/// A vote that has ended, as somebody read it.
#[derive(Debug)]
pub struct SeenVote<'a> {
    /// The governor's chain.
    pub chain: &'a ChainId,
    /// The governor.
    pub governor: Address,
    /// The vote's number there.
    pub proposal_id: U256,
    /// How it ended.
    pub state: VoteState,
    /// The votes.
    pub tally: VoteTally,
    /// The block in which it was read.
    pub block_number: u64,
    /// What shows it; none where the governor cannot be asked on proven state.
    pub shown_by: Option<StateProof>,
}

/// Logs how a vote on a submission ended, and what led to it.
///
/// # Errors
/// If the log does not admit it.
pub fn record_vote(
    ledger: &mut Ledger,
    operator: &Signer,
    seen: &SeenVote<'_>,
    submission: Digest,
    receipts: &Receipts,
) -> Result<Digest, Error> {
    let shown_by = seen.shown_by.as_ref().map(|proof| ledger.put_blob(&proof.to_bytes()));
    let action = Action::of(&ObserveVote {
        chain: seen.chain.clone(),
        governor: format!("{:#x}", seen.governor),
        proposal_id: seen.proposal_id.to_string(),
        state: seen.state,
        votes_for: deciding::amount(seen.tally.in_favour)?,
        votes_against: deciding::amount(seen.tally.against)?,
        votes_abstain: deciding::amount(seen.tally.abstain)?,
        block_number: seen.block_number,
        shown_by: shown_by.transpose()?,
        submission,
        contributions: deciding::contributions(receipts, submission),
    });
    Ok(ledger.record(by(operator, vec![submission], action))?)
}

/// The proposal that a submission put on record, by the text that the log keeps of it.
///
/// # Errors
/// If the log has no such submission, or its text is not here.
pub fn submitted(ledger: &Ledger, submission: Digest) -> Result<Published, Error> {
    let unknown = || Refused::NotSubmitted { receipt: submission };
    let receipt = ledger.receipt(&submission)?.ok_or_else(unknown)?;
    let submit = receipt.action.read::<Submit>().ok_or_else(unknown)?;
    let is_named = |product: &&Product| content_uri(&product.digest) == submit.metadata_uri;
    let document = receipt.subjects.iter().find(is_named).ok_or_else(unknown)?.digest;
    let text = ledger.store().blobs().get(&document).map_err(chaos_ledger::Error::from)?;
    Ok(Published::parse(&text).map_err(Refused::Text)?)
}

/// What led to a submission: its draft, and the analysis and simulations that the draft builds on.
///
/// # Errors
/// If the log has no such submission.
pub fn led_to(ledger: &Ledger, submission: Digest) -> Result<Receipts, Error> {
    let unknown = || Refused::NotSubmitted { receipt: submission };
    let submitted = ledger.receipt(&submission)?.ok_or_else(unknown)?;
    if submitted.action.kind() != "submit" {
        return Err(unknown().into());
    }
    let draft = *submitted.parents.first().ok_or_else(unknown)?;
    let drafted = ledger.receipt(&draft)?.ok_or_else(unknown)?;
    let (mut analysis, mut simulations) = (None, Vec::new());
    for parent in &drafted.parents {
        match ledger.receipt(parent)?.map(|receipt| receipt.action.kind().to_owned()).as_deref() {
            Some("analyse") => analysis = Some(*parent),
            Some("simulate") => simulations.push(*parent),
            Some(_) | None => {}
        }
    }
    Ok(Receipts { analysis: analysis.ok_or_else(unknown)?, simulations, draft: Some(draft) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(content: &Value) -> Vec<u8> {
        let id = Digest::of(&canonical::to_vec(content).unwrap());
        serde_json::to_vec(&json!({"id": id, "proposal": content})).unwrap()
    }

    fn content() -> Value {
        json!({
            "title": "Raise the gas limit", "ask": "Set gas-limit.", "chain": "eip155:1",
            "changes": [{"parameter": "gas-limit", "current": "30000000", "proposed": "36000000"}],
            "rounds": [{"number": 1, "receipt": Digest::of(b"round")}, {"number": 2, "receipt": null}],
            "something": "else",
        })
    }

    #[test]
    fn a_proposal_is_read_from_its_file_and_named_by_its_bytes() {
        let bytes = document(&content());
        let published = Published::parse(&bytes).unwrap();
        assert_eq!(published.change().proposed, 36_000_000);
        assert_eq!(published.rounds, [Digest::of(b"round")]);
        assert_eq!(published.uri().1, Digest::of(&bytes));
        assert!(
            published
                .vote_text()
                .starts_with("# Raise the gas limit\n\nSet gas-limit.\n\nproposal sha256:")
        );
    }

    #[test]
    fn a_file_that_says_something_else_than_its_number_is_refused() {
        let text = String::from_utf8(document(&content())).unwrap();
        for (from, to) in [("36000000", "46000000"), ("Raise", "Lower"), ("\"else\"", "\"more\"")] {
            let changed = text.replace(from, to);
            let refused = Published::parse(changed.as_bytes());
            assert!(matches!(refused, Err(PublishedError::Id { .. })), "{to}: {refused:?}");
        }
        let mut two = content();
        two["changes"] = json!([two["changes"][0], two["changes"][0]]);
        let refused = Published::parse(&document(&two));
        assert!(matches!(refused, Err(PublishedError::Changes { found: 2 })), "{refused:?}");
        assert!(matches!(Published::parse(b"{}"), Err(PublishedError::Json(_))));
    }
}
