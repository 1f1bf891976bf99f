chaos_types::faults! {
    /// What is wrong with a receipt, or with its place in a log.
    pub enum Fault {
        KindUnknown = "kind-unknown", "Nobody here owns receipts of this kind.";
        BodyMalformed = "body-malformed",
            "The receipt's body is not what the owner of its kind writes.";
        SubjectAlgorithm = "subject-algorithm",
            "A subject has a digest of another kind than SHA-256.";
        SubjectRepeated = "subject-repeated", "Two subjects have one name.";
        SubjectOther = "subject-other", "The receipt's subject is not what the action says it made.";
        EvidenceClassOther = "evidence-class-other",
            "Receipts of this kind have evidence of another class.";
        AddressMalformed = "address-malformed",
            "An address is not 0x and 40 lower-case hexadecimal digits.";
        HashMalformed = "hash-malformed",
            "A hash of a chain is not 0x and 64 lower-case hexadecimal digits.";
        ParentsTooMany = "parents-too-many", "The receipt names more parents than the limit.";
        OutputNoSubject = "output-no-subject",
            "The output of the evidence is not among the receipt's subjects.";
        AttestedKeyNotLast = "attested-key-not-last",
            "The attested key is not the last signer, after the agent's own.";
        OutputsDiffer = "outputs-differ",
            "What ran inside and what can be run again gave different outputs.";
        ExecutionsDiffer = "executions-differ",
            "The receipt reports another run than the one that is attested.";
        LogOther = "log-other", "The receipt is meant for another log.";
        AgentUnknown = "agent-unknown", "The agent is not registered.";
        AgentRevoked = "agent-revoked", "The agent is revoked and has no valid key any more.";
        SignersUnexpected = "signers-unexpected",
            "The receipt is not signed by exactly the keys that must sign it at this place.";
        KeyTaken = "key-taken", "The key belongs, or once belonged, to an agent.";
        NameTaken = "name-taken", "The name belongs, or once belonged, to another agent.";
        ProfileInvalid = "profile-invalid", "A field of the profile is not written as it must be.";
        CapabilityUnknown = "capability-unknown", "The profile lists a capability that no kind of receipt has.";
        CapabilityMissing = "capability-missing",
            "The agent is not registered for this kind of receipt.";
        OperatorOnly = "operator-only",
            "Receipts of this kind count from the log's operator only.";
        OperatorPermanent = "operator-permanent",
            "The operator is not revoked, and its key is handed on by a delegation alone.";
        DelegationOrder = "delegation-order",
            "The delegation is not the one that follows the last of its role.";
        DelegationOther = "delegation-other",
            "The delegation replaces a key that does not have the role.";
        DelegationPlaceOther = "delegation-place-other",
            "The delegation stands elsewhere than the root key and the new key have signed: at another index, or after another history.";
        RootLost = "root-lost",
            "A delegation calls the log's root key lost, which nothing can take the place of.";
        RevocationForbidden = "revocation-forbidden",
            "An agent is revoked by itself or by the log's operator.";
        AlreadyRevoked = "already-revoked", "The agent is revoked already.";
        AccountChainOther = "account-chain-other",
            "Accounts are registered on chains of the EVM's family only.";
        AccountNotAgreed = "account-not-agreed",
            "The account's signature is not by its key over this log, agent and chain.";
        AccountTaken = "account-taken", "The account belongs, or once belonged, to another agent.";
        AccountUnchanged = "account-unchanged", "The account is the one that the agent has there.";
        AccountsTooMany = "accounts-too-many",
            "The agent has changed its account on this chain as often as it may.";
        AccountNumberOther = "account-number-other",
            "The account agreed to be the agent's account of another number, as one that is used again did.";
        LeafMalformed = "leaf-malformed", "The log entry is not a canonical leaf.";
        StateMissing = "state-missing",
            "The log entry states no root of the state, after one that did.";
        StateOther = "state-other",
            "The log entry states another root of the state than the log folds to.";
        WriteOther = "write-other",
            "The state does not hold what the entry writes, so that its log did not count it.";
        LeafOfAnother = "leaf-of-another", "The log entry names another receipt.";
        TimeGoesBack = "time-goes-back", "The log entry is dated before the one that it follows.";
        AnchorParts = "anchor-parts",
            "An anchor's receipt names neither the publisher in a registry nor a transaction.";
        DeclarationNeedless = "declaration-needless",
            "The declaration names the place of anchors that the log declares already.";
        DeclarationsTooMany = "declarations-too-many",
            "The log has declared its place of anchors as often as it can.";
        CorrectionOfNothing = "correction-of-nothing",
            "A correction of time names no entry before itself.";
        CorrectionDatedOther = "correction-dated-other",
            "The log took the correction in at another time than it says it is.";
        CorrectionNeedless = "correction-needless",
            "No entry is dated later than the correction says it is.";
        CorrectionTooFar = "correction-too-far",
            "The correction would date entries before those that they follow.";
        CorrectionsTooMany = "corrections-too-many", "The log was corrected as often as it can be.";
        ScoredTooEarly = "scored-too-early",
            "The scores are as of a time before the last entry that they count.";
        ScoredTooLate = "scored-too-late",
            "The scores are as of a time after the log took them in.";
        ReportNotProved = "report-not-proved",
            "The receipt carries what does not prove that a log forked.";
        ForkReported = "fork-reported",
            "Two heads of that key and of these sizes are reported already.";
        ReceiptRepeated = "receipt-repeated", "The receipt is in the log already.";
        ParentUnknown = "parent-unknown", "A parent is not in the log before the receipt.";
        ContributionRepeated = "contribution-repeated", "A contribution would be judged twice.";
        ContributionNoWork = "contribution-no-work",
            "A contribution is not work that led to the outcome.";
        ModelOther = "model-other", "The scores are by a model that is not known.";
        ModelSuperseded = "model-superseded",
            "The scores are by a model older than one that the log has scores by.";
        LogSizeOther = "log-size-other", "The scores are of another number of log entries.";
        ScoreImpossible = "score-impossible", "The evidence in the log cannot be scored.";
        ScoreNotRepeated = "score-not-repeated", "The log gives other scores.";
        OutcomeUnknown = "outcome-unknown", "The outcome that is paid for is not in the log.";
        OutcomePaid = "outcome-paid", "The outcome was paid for already.";
        PayeeUnknown = "payee-unknown", "A payee is not registered.";
        PayeeAccountOther = "payee-account-other",
            "A payee had registered another account on that chain before the outcome.";
        AccountMalformed = "account-malformed",
            "An account is not 0x and 40 lower-case hexadecimal digits.";
        AccountRepeated = "account-repeated", "An account is paid twice.";
        RewardsTooLarge = "rewards-too-large", "The sum of an agent's rewards exceeds 128 bits.";
        PoolNotDivided = "pool-not-divided",
            "The payments and the returned part do not add up to the pool.";
        DistributionInvalid = "distribution-invalid", "The payments give no Merkle tree.";
        RootMismatch = "root-mismatch", "The payments have another Merkle root.";
    }
}
