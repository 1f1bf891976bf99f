//! What the studio's rules refuse.

chaos_types::faults! {
    /// What is wrong with a receipt of the studio's.
    pub enum Fault {
        BlocksMalformed = "blocks-malformed", "The blocks that were read are no part of their range.";
        ProposalTextOther = "proposal-text-other",
            "The proposal's text is named by a digest that is not among the receipt's subjects.";
        DraftMissing = "draft-missing", "The submission builds on no draft.";
        DraftOther = "draft-other", "The draft is another agent's.";
        DraftGivenUp = "draft-given-up", "The draft was given up.";
        DraftSubmitted = "draft-submitted", "The draft was submitted already.";
        ProposalUnknown = "proposal-unknown", "No proposal was submitted by that receipt.";
        OutcomeRepeated = "outcome-repeated", "The outcome of the vote is in the log already.";
        ChainOther = "chain-other", "The vote is on another chain than the submission.";
        VoteNotPassed = "vote-not-passed", "The vote's weights do not give the state it claims.";
    }
}
