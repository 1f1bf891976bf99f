//! The proposal endpoint: putting a finished proposal on record and reading it back.

use alloy_primitives::{Address, Bytes, U256};

use super::{EvmChain, TxSummary, event};
use crate::{Error, Signer, contracts::proposal_endpoint::ProposalEndpoint};

/// A proposal as it was put on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmittedProposal {
    /// Number in the endpoint contract; the first is 1.
    pub proposal_id: U256,
    /// The transaction that did it.
    pub transaction: TxSummary,
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
        let call = ProposalEndpoint::submitProposalCall {
            metadataURI: metadata_uri.to_owned(),
            attestation: Bytes::copy_from_slice(attestation),
        };
        let mined = self.send_call(from, endpoint, call).await?;
        let submitted: ProposalEndpoint::ProposalSubmitted = event(&mined, endpoint)?;
        Ok(SubmittedProposal { proposal_id: submitted.proposalId, transaction: mined.summary })
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
