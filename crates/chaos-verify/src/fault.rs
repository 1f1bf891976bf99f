chaos_types::faults! {
    /// What is wrong with a bundle, or with what it shows.
    pub enum Fault {
        BundleFormatUnknown = "bundle-format-unknown", "The file is a bundle of another format.";
        HistoryTooLong = "history-too-long", "The bundle shows more registry entries than the limit.";
        StateTooLong = "state-too-long",
            "The bundle shows more rows or earlier receipts than the limits.";
        ValuesTooMany = "values-too-many", "The bundle holds more JSON values than any bundle needs.";
        AttachmentMalformed = "attachment-malformed", "An attachment is not standard base64.";
        AttachmentMismatch = "attachment-mismatch", "An attachment has another digest than its name.";
        AttachmentUnnamed = "attachment-unnamed", "The receipt does not name an attachment.";
        LogKeyMalformed = "log-key-malformed", "The bundle's log key is not a verifier key.";
        ProofMalformed = "proof-malformed", "An inclusion proof is not written as one.";
        ProofExtraData = "proof-extra-data",
            "An inclusion proof carries extra data that nothing vouches for.";
        LeafVersionUnknown = "leaf-version-unknown", "A log entry is of an unknown version.";
        NotIncluded = "not-included",
            "The proof does not lead from the log entry to the checkpoint's root.";
        LogNotTrusted = "log-not-trusted", "The bundle is of another log than the trusted one.";
        CheckpointInvalid = "checkpoint-invalid", "The log did not sign the checkpoint.";
        DelegationsMalformed = "delegations-malformed",
            "What should be all delegations of the log's root key is not.";
        KeyRetired = "key-retired",
            "The checkpoint is signed by a key that another one has replaced before.";
        RetiredKeyHead = "retired-key-head",
            "The checkpoint is by a retired key that signed two histories, or after its end, and nothing shows that it is of the one that the root key has signed.";
        LostKeyNotWitnessed = "lost-key-not-witnessed",
            "A key took a lost one's place, which is followed from the root key and with a quorum alone.";
        LogForked = "log-forked",
            "The log's key signed two trees that no log can have both: what it holds depends on whom one asks.";
        ForkNotProved = "fork-not-proved", "The file does not prove that a log forked.";
        ForkNotTied = "fork-not-tied",
            "The proof of a fork is by a key that nothing at hand ties to the root key of a trusted log.";
        CosignatureFalse = "cosignature-false",
            "A line that names a witness of the reader's policy is not its cosignature.";
        NotWitnessed = "not-witnessed",
            "The quorum of the reader's policy has not cosigned the log's head.";
        DatedAhead = "dated-ahead",
            "An entry that the bundle shows is dated after the reader's clock, by more than a minute.";
        HistoryCheckpointOther = "history-checkpoint-other",
            "A registry entry is proved under another checkpoint than the receipt.";
        HistoryUnexpected = "history-unexpected",
            "An entry of the history is not a registry entry of the agent.";
        HistoryOrder = "history-order",
            "A registry entry is not between the one before it and the receipt.";
        EdgeNotLast = "edge-not-last",
            "What should be the last entry under the checkpoint is another one.";
        EdgeStatesNothing = "edge-states-nothing",
            "The last entry under the checkpoint states no root of the state.";
        StateProofMalformed = "state-proof-malformed", "The proof of a row is not written as one.";
        StateProofInvalid = "state-proof-invalid",
            "The proof of a row does not lead to the root that the last entry states, or to something else than it says.";
        StateOrder = "state-order",
            "Rows are not in the order of their keys, or earlier receipts not in log order before the receipt.";
        StateNotShown = "state-not-shown", "The bundle lacks a row or an earlier receipt that the rules ask for.";
        StateUnasked = "state-unasked", "The bundle shows a row or an earlier receipt that no rule asks for.";
        StateUnreadable = "state-unreadable", "A row is not what the fold writes under its key.";
        LogCopyUnread = "log-copy-unread", "The reader's copy of the log cannot be read, or does not hold together: it says nothing of the bundle.";
        LogCopyBehind = "log-copy-behind", "The reader's copy of the log ends before the head, so that it says nothing of it.";
        LogCopyOther = "log-copy-other", "The reader's copy of the log is not what the log signed.";
        NotCountedByLog = "not-counted-by-log",
            "The log holds the receipt, and its fold refuses it: it counts for nothing.";
        AnchorReceiptUnexpected = "anchor-receipt-unexpected",
            "What should be the anchor's receipt is one of another kind.";
        AnchorSignerOther = "anchor-signer-other", "The anchor's receipt is not by the log's operator.";
        AnchorCheckpointOther = "anchor-checkpoint-other", "Another checkpoint was anchored.";
        AnchorProofMalformed = "anchor-proof-malformed",
            "The chain's proof is not written as one, or in a second spelling.";
        AnchorProofInvalid = "anchor-proof-invalid",
            "The chain's proof does not show the anchor in the block.";
        AnchorProofOther = "anchor-proof-other",
            "The chain's proof shows another place than the operator signed.";
        AnchorContractOther = "anchor-contract-other",
            "The anchor is in another contract than the reader named.";
        AnchorChainOther = "anchor-chain-other",
            "The anchor is on another chain than the reader named.";
        AnchorBlockOther = "anchor-block-other",
            "The anchor is in another block than the reader named.";
        AnchorBlockContradicted = "anchor-block-contradicted",
            "A node that the reader asks has another block at that height, and it stays.";
        AnchorCodeOther = "anchor-code-other",
            "The nodes that the reader asks have other code at the contract's address than an anchor's.";
        AnchorTooOld = "anchor-too-old",
            "The block is older than an entry that its anchor covers.";
        AnchorElsewhere = "anchor-elsewhere",
            "The anchor is on another chain, in another contract or by another publisher than the log declares.";
        DeclarationMalformed = "declaration-malformed",
            "The rows that should show where the log declares to be anchored do not.";
        DeclarationNotShown = "declaration-not-shown",
            "The bundle of an anchor in a registry does not show what the log declares about its anchors.";
        AttachmentMissing = "attachment-missing",
            "The bundle lacks the quote or the collateral that the receipt names.";
        EvidenceOther = "evidence-other", "The attached quote is not the evidence that the receipt names.";
        ReexecutionNotAsked = "reexecution-not-asked", "Nobody asked to run the program again.";
        ReleaseOther = "release-other", "The program is of another release than the one at hand.";
        ProgramUnknown = "program-unknown", "The program that the receipt names is not known here.";
        ProgramMissing = "program-missing", "The receipt names no program that can be run again.";
        KindNotShown = "kind-not-shown",
            "The program that the receipt names says nothing about receipts of this kind.";
        SubjectsUnexpected = "subjects-unexpected",
            "The receipt has more subjects than its program writes.";
        AttestedNotShown = "attested-not-shown",
            "The program that the receipt names does not show what ran inside the environment.";
        InputsNotFromLog = "inputs-not-from-log",
            "The program reads what the signer wrote about the log, and the log is not at hand.";
        LogGivesOther = "log-gives-other",
            "What the receipt was computed from is not what the log gives.";
        InputMissing = "input-missing", "An input that the receipt names is neither in the bundle nor in the given folders or the reader's copy.";
        InputUnnamed = "input-unnamed", "The receipt does not name an input that its program reads.";
        InputUnexpected = "input-unexpected", "The receipt names an input that its program does not read.";
        InputRepeated = "input-repeated", "The receipt names an input twice.";
        InputMalformed = "input-malformed", "An input is not the document that was expected.";
        ReexecutionFailed = "reexecution-failed", "The program did not run to its end on these inputs.";
        ClaimNotRepeated = "claim-not-repeated",
            "A field of the receipt's body is not what the program computes.";
        OutputNotRepeated = "output-not-repeated",
            "The program gave another output than the receipt claims.";
        ResultOther = "result-other",
            "The result that lies beside the bundle is not the one that the receipt names.";
        NotCounted = "not-counted",
            "It was required that the log counts the receipt, and nothing shows that it does.";
        NotAnchored = "not-anchored",
            "An anchor in a placed block was required, and there is none.";
        ChainProofMalformed = "chain-proof-malformed",
            "What should show what a receipt says of a chain is not written as a proof.";
        ChainProofInvalid = "chain-proof-invalid",
            "What should show what a receipt says of a chain does not show it, or shows something else.";
        ChainBlockContradicted = "chain-block-contradicted",
            "A node that the reader asks has another block at the height of the one that shows what a receipt says of a chain, and it stays.";
        NotOnChain = "not-on-chain",
            "It was required that what a receipt says of a chain is shown there, and it is not.";
        NotDeclared = "not-declared",
            "It was required that an anchor is where the log declares it, and nothing shows that it is.";
        NotReexecuted = "not-reexecuted", "Re-execution was required, and nothing was run here.";
        NotAttested = "not-attested",
            "Attestation was required, and none is accepted under the trust that was asked for.";
        NotReplayable = "not-replayable",
            "A program that anyone can run again was required, and the receipt names none.";
    }
}
