use chaos_types::Digest;

/// One standard task in the unit of [`Evidence::units_micro`].
pub const TASK_UNIT_MICRO: u64 = 1_000_000;

/// How the work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Accepted.
    Success,
    /// Not accepted, or not delivered.
    Failure,
    /// Shown by re-execution to claim what it did not compute.
    Fraud,
}

/// Why the receipt deserves belief.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EvidenceClass {
    /// Anyone can re-execute it.
    Replayable,
    /// An attestation binds it.
    Attested,
    /// Verifiers' verdicts agree.
    Corroborated,
    /// Nothing backs it; it weighs nothing.
    None,
}

/// One verified receipt about one agent's work, as the caller read it from the log.
///
/// The caller has verified the receipt; this crate only counts. Time is the integration time in
/// the log, never a time the agent claims.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// The receipt of the work; a score points back to it.
    pub receipt: Digest,
    /// The receipt that judged it. Under `belief/2` one judgement is at most one trial of a class.
    pub judged_by: Digest,
    /// Who did the work, usually a DID.
    pub agent: String,
    /// The field of work, such as `governance`.
    pub domain: String,
    /// The agent's role in it, such as `researcher`.
    pub role: String,
    /// Who paid for the work or accepted it; evidence paid by the agent itself does not count.
    pub payer: String,
    /// The kind of task; one that nobody fails teaches little. It is named by whoever defines the
    /// work, never by whoever does it or judges it.
    pub task_class: String,
    /// When the receipt entered the log, in milliseconds since 1970.
    pub at_ms: u64,
    /// How the work ended.
    pub outcome: Outcome,
    /// Why the receipt deserves belief.
    pub class: EvidenceClass,
    /// Size of the task in millionths of a standard one, see [`TASK_UNIT_MICRO`].
    pub units_micro: u64,
}
