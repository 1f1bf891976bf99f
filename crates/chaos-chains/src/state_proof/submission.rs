//! That an endpoint holds a proposal.

use alloy_primitives::{Address, U256};
use chaos_types::{ChainId, Digest};

use super::{ProvedBlock, StateProof, StateProofError, of_mapping};
use crate::{
    Contract,
    attestation::{Attestation, Carried, FULL_BYTES, Submission, decode},
};

/// Longest address of a text that is read, in bytes.
const URI_BYTES_MAX: usize = 1 << 10;

/// The mapping of proposals.
const PROPOSALS: U256 = U256::from_limbs([1, 0, 0, 0]);
/// Where in a proposal each of its parts is.
const SUBMITTER: U256 = U256::from_limbs([1, 0, 0, 0]);
const URI: U256 = U256::from_limbs([2, 0, 0, 0]);
const ATTESTATION: U256 = U256::from_limbs([3, 0, 0, 0]);
const TIMESTAMP: U256 = U256::from_limbs([4, 0, 0, 0]);

/// What is claimed of a submission.
#[derive(Debug, Clone, Copy)]
pub struct SubmissionClaim<'a> {
    /// The chain that it was on; the submitter has signed for it.
    pub chain: &'a ChainId,
    /// The endpoint.
    pub endpoint: Address,
    /// The proposal's number there.
    pub proposal_id: U256,
    /// Where its text is.
    pub uri: &'a str,
    /// The receipt that it rests on.
    pub receipt: Digest,
}

/// What a proof shows of a submission. True if, and only if, the block is on the chain and the endpoint is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubmissionFact {
    /// The block after which it is so.
    pub block: ProvedBlock,
    /// Who submitted it.
    pub submitter: Address,
    /// When, in seconds since 1970, by the block that it was submitted in.
    pub submitted_s: u64,
}

impl SubmissionClaim<'_> {
    fn place(&self, part: U256) -> U256 {
        of_mapping(self.proposal_id, PROPOSALS).wrapping_add(part)
    }

    /// The slots of the text's address, with what each holds.
    fn uri(&self) -> Result<Vec<(U256, U256)>, StateProofError> {
        // A shorter text shares a slot with its length, and an address by a digest is longer.
        if (32..=URI_BYTES_MAX).contains(&self.uri.len()) {
            return Ok(super::long(self.place(URI), self.uri.as_bytes()));
        }
        let found = self.uri.chars().take(80).collect();
        Err(StateProofError::Claim { part: "address of the text", found })
    }

    /// The slots that show it.
    ///
    /// # Errors
    /// If no endpoint can hold it.
    pub(crate) fn slots(&self) -> Result<Vec<U256>, StateProofError> {
        let attested = super::long(self.place(ATTESTATION), &[0; FULL_BYTES]);
        let mut slots = vec![self.place(SUBMITTER), self.place(TIMESTAMP)];
        slots.extend(self.uri()?.into_iter().chain(attested).map(|(slot, _)| slot));
        Ok(slots)
    }
}

impl StateProof {
    /// The endpoint holds a proposal under this number, with this text, and with the submitter's signature that it
    /// rests on this receipt, on this chain.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn submission(
        &self,
        claim: &SubmissionClaim<'_>,
    ) -> Result<SubmissionFact, StateProofError> {
        let reading = self.read()?;
        let storage = reading.contract(Contract::ProposalEndpoint, claim.endpoint)?;
        for (slot, word) in claim.uri()? {
            storage.ensure("address of the text", slot, word)?;
        }
        let mut bytes = Vec::with_capacity(FULL_BYTES);
        let [length, words @ ..] = &super::long(claim.place(ATTESTATION), &[0; FULL_BYTES])[..]
        else {
            return Err(StateProofError::Undecodable { part: "attestation" });
        };
        storage.ensure("length of the attestation", length.0, length.1)?;
        for (slot, _) in words {
            let word = storage.slot("attestation", *slot)?;
            bytes.extend_from_slice(&word.to_be_bytes::<32>());
        }
        bytes.truncate(FULL_BYTES);
        let submitter = storage.slot("submitter", claim.place(SUBMITTER))?;
        let submitter = Address::from_word(submitter.into());
        let submitted_s = storage.slot("time of submission", claim.place(TIMESTAMP))?;
        let attestation = match decode(&bytes).map_err(StateProofError::Attestation)? {
            Carried::Full(attestation) => attestation,
            Carried::Digest(_) | Carried::First { .. } => {
                return Err(StateProofError::Undecodable { part: "attestation" });
            }
        };
        ensure_attested(&attestation, claim, submitter)?;
        reading.ensure_all_used()?;
        Ok(SubmissionFact {
            block: reading.block,
            submitter,
            submitted_s: submitted_s.saturating_to(),
        })
    }
}

fn ensure_attested(
    attestation: &Attestation,
    claim: &SubmissionClaim<'_>,
    submitter: Address,
) -> Result<(), StateProofError> {
    if attestation.receipt != claim.receipt {
        let (found, claimed) = (attestation.receipt.to_string(), claim.receipt.to_string());
        return Err(StateProofError::Other { part: "receipt that it rests on", found, claimed });
    }
    let SubmissionClaim { chain, endpoint, uri, .. } = *claim;
    let submission = Submission { chain, endpoint, submitter, uri };
    attestation.ensure_by(submitter, &submission).map_err(StateProofError::Attestation)
}
