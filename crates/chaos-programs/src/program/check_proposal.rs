use chaos_governance::receipts;
use chaos_review::{Origin, Recording, Review};

use super::{Program, Ran};
use crate::Error;

/// The reviewer's program: a recording of a proposal in, what running it did out.
#[derive(Debug, Clone, Copy)]
pub struct CheckProposal<'a> {
    /// The recording, as it is written.
    pub recording: &'a [u8],
}

impl Program for CheckProposal<'_> {
    const NAME: &'static str = "chaos-review/check-proposal";
    type Output = Review;
    type Body = receipts::CheckProposal;

    fn run(self) -> Result<Ran<Review, receipts::CheckProposal>, Error> {
        let recording = Recording::decode(self.recording).map_err(Box::new)?;
        let review = recording.review().map_err(Box::new)?;
        // Only what was shown to be a proposal, run by whom its governor has run it, is said of that proposal.
        let (governor, proposal_id) = match recording.origin {
            Origin::Governor { governor, id } if review.is_of_its_governor() => {
                (Some(format!("{governor:#x}")), Some(id.to_string()))
            }
            Origin::Governor { .. } | Origin::File {} => (None, None),
        };
        let place = &recording.place;
        let body = receipts::CheckProposal {
            chain: place.chain.clone(),
            block_number: place.number,
            block_hash: format!("{:#x}", place.hash),
            sender: format!("{:#x}", recording.sender),
            governor,
            proposal_id,
            calls: u32::try_from(recording.payload.calls.len())?,
            succeeded: review.succeeded(),
        };
        Ok(Ran { document: review.to_bytes()?, output: review, body })
    }
}
