//! The proposal endpoint: putting a finished proposal on record and reading it back.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall as _, SolEvent as _};
use chaos_types::Digest;

use super::{
    EvmChain, TxSummary, event,
    events::{EVENTS_MAX, EventFilter, FoundEvent},
};
use crate::{
    Error, Signer,
    attestation::{Attestation, AttestationError, Carried, Submission, decode},
    contracts::proposal_endpoint::ProposalEndpoint,
};

/// A proposal as it was put on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmittedProposal {
    /// Number in the endpoint contract; the first is 1.
    pub proposal_id: U256,
    /// The transaction that did it.
    pub transaction: TxSummary,
}

/// Why a proposal is not on record as it should be.
#[derive(Debug, thiserror::Error)]
pub enum SubmissionError {
    /// The chain refuses or fails.
    #[error(transparent)]
    Chain(#[from] Error),
    /// The attestation cannot be made, or is not the submitter's.
    #[error(transparent)]
    Attestation(#[from] AttestationError),
    /// What was put on record reads back as something else.
    #[error("the endpoint stored another proposal")]
    Stored,
}

/// A signer that does not sign is no fault of the attestation.
fn unsigned(error: AttestationError) -> SubmissionError {
    match error {
        AttestationError::Unsigned(unsigned) => Error::from(unsigned).into(),
        error => error.into(),
    }
}

/// A proposal as it is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointProposal {
    /// Number in the endpoint contract; the first is 1.
    pub proposal_id: U256,
    /// Account that submitted it.
    pub submitter: Address,
    /// Where its text is.
    pub metadata_uri: String,
    /// Its evidence.
    pub attestation: Bytes,
    /// Time of its block, in seconds since 1970.
    pub timestamp_s: U256,
}

impl EvmChain {
    /// Puts a proposal on record in the endpoint contract.
    ///
    /// # Errors
    /// As every transaction.
    pub async fn submit_proposal(
        &self,
        endpoint: Address,
        from: &Signer,
        metadata_uri: &str,
        attestation: &[u8],
    ) -> Result<SubmittedProposal, Error> {
        // Else it would be on record, paid for, and never read back.
        self.ensure_cancun().await?;
        let call = ProposalEndpoint::submitProposalCall {
            metadataURI: metadata_uri.to_owned(),
            attestation: Bytes::copy_from_slice(attestation),
        };
        let mined = self.send_call(from, endpoint, call).await?;
        let submitted: ProposalEndpoint::ProposalSubmitted = event(&mined, endpoint)?;
        Ok(SubmittedProposal { proposal_id: submitted.proposalId, transaction: mined.summary })
    }

    /// Puts a proposal on record with the sender's signature that it rests on this receipt and that this
    /// checkpoint covers it, and reads it back. What the journal has of the same text and receipt is gone on
    /// with, whichever checkpoint covered the receipt then; what the account put on record from elsewhere is
    /// answered by the chain's events, and nothing is sent.
    ///
    /// # Errors
    /// If the chain refuses, or has another proposal than was sent.
    pub async fn submit_attested(
        &self,
        endpoint: Address,
        from: &Signer,
        uri: &str,
        receipt: Digest,
        checkpoint: Digest,
    ) -> Result<SubmittedProposal, SubmissionError> {
        let chain = self.chain_id();
        let submission = Submission { chain, endpoint, submitter: from.address(), uri };
        let attestation = match self.attested_before(&submission, receipt)? {
            Some(attestation) => attestation,
            None if self.has_sent_elsewhere(from.address()).await?
                && let Some(submitted) = self.on_record(&submission, receipt).await? =>
            {
                return Ok(submitted);
            }
            None => {
                Attestation::sign(from, &submission, receipt, checkpoint).await.map_err(unsigned)?
            }
        };
        let bytes = attestation.to_bytes();
        let submitted = self.submit_proposal(endpoint, from, uri, &bytes).await?;
        let stored = self.get_proposal(endpoint, submitted.proposal_id).await?;
        if stored.metadata_uri != uri || decode(&stored.attestation)? != Carried::Full(attestation)
        {
            return Err(SubmissionError::Stored);
        }
        attestation.ensure_by(stored.submitter, &submission)?;
        Ok(submitted)
    }

    /// What is on record of the same text and receipt by this account, put there from another journal or from one
    /// that is lost. As sure as what is sent.
    async fn on_record(
        &self,
        submission: &Submission<'_>,
        receipt: Digest,
    ) -> Result<Option<SubmittedProposal>, Error> {
        let head = self.block_number().await?;
        let filter = EventFilter {
            contract: submission.endpoint,
            topics: vec![Some(ProposalEndpoint::ProposalSubmitted::SIGNATURE_HASH)],
            except: Vec::new(),
            first: self.first_block_of(submission.endpoint, head).await?,
            last: head,
            most: EVENTS_MAX,
        };
        for found in self.events(&filter, &|_, _| ()).await? {
            let Some(proposal_id) = same(&found, submission, receipt) else { continue };
            let (block_number, block_hash) = (found.block_number.to(), found.block_hash);
            if self.sends() {
                self.settle_block(block_number, block_hash, self.until).await?;
            }
            let hash = found.transaction_hash;
            let Some(mined) = self.receipt(hash).await? else {
                return Err(Error::Forgotten { hash, url: self.url().to_owned() });
            };
            let gas_used = mined.gas_used.to();
            let transaction = TxSummary { hash, block_number, block_hash, gas_used };
            return Ok(Some(SubmittedProposal { proposal_id, transaction }));
        }
        Ok(None)
    }

    /// What the journal says that this account signed for the same text and receipt, whatever became of it: under
    /// another checkpoint it would be something else, and what came to nothing by a node's word signed anew.
    fn attested_before(
        &self,
        submission: &Submission<'_>,
        receipt: Digest,
    ) -> Result<Option<Attestation>, SubmissionError> {
        let (endpoint, submitter) = (submission.endpoint, submission.submitter);
        let mut inputs = self.sent_to(endpoint, submitter)?;
        let signed = self.signed_for(endpoint, submitter)?;
        inputs.extend(signed.into_iter().rev().map(|intent| intent.input));
        for input in inputs {
            let Ok(call) = ProposalEndpoint::submitProposalCall::abi_decode(&input) else {
                continue;
            };
            if call.metadataURI == submission.uri
                && let Ok(Carried::Full(attestation)) = decode(&call.attestation)
                && attestation.receipt == receipt
                && attestation.ensure_by(submission.submitter, submission).is_ok()
            {
                return Ok(Some(attestation));
            }
        }
        Ok(None)
    }

    /// Reads a proposal back from the endpoint contract.
    ///
    /// # Errors
    /// [`Error::Reverted`] with `UnknownProposal` for a number that was never given.
    pub async fn get_proposal(
        &self,
        endpoint: Address,
        proposal_id: U256,
    ) -> Result<EndpointProposal, Error> {
        let call = ProposalEndpoint::getProposalCall { proposalId: proposal_id };
        let proposal = self.call(endpoint, call).await?;
        Ok(EndpointProposal {
            proposal_id: proposal.proposalId,
            submitter: proposal.submitter,
            metadata_uri: proposal.metadataURI,
            attestation: proposal.attestation,
            timestamp_s: proposal.timestamp,
        })
    }
}

/// The number of a proposal that an event puts on record, if its submitter signed that for the same text and receipt.
fn same(found: &FoundEvent, submission: &Submission<'_>, receipt: Digest) -> Option<U256> {
    let topics = found.topics.iter().copied();
    let event = ProposalEndpoint::ProposalSubmitted::decode_raw_log(topics, &found.data).ok()?;
    let Ok(Carried::Full(attestation)) = decode(&event.attestation) else { return None };
    let is_same = event.metadataURI == submission.uri
        && attestation.receipt == receipt
        && attestation.ensure_by(event.submitter, submission).is_ok();
    is_same.then_some(event.proposalId)
}
