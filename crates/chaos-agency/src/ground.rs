//! What each kind of receipt rests on, where that comes from, and so who could lie about it.

use crate::{account::UNREGISTERED_ACCOUNTS, action};

/// Where something that a receipt rests on comes from.
///
/// Running a program again shows that its output follows from its inputs, and nothing about the
/// inputs. So the law: what a receipt rests on comes from the receipt's own bytes, from the log, from
/// a chain, from a maker of hardware, or it is the signer's word; and only what is not the signer's
/// word is ever reported as shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The receipt itself: anyone who has it computes it again.
    Receipt,
    /// Other entries of the same log: by proofs under its head, or by folding a copy of it.
    Log,
    /// A chain: by a proof in a block, and by something that places the block on the chain.
    Chain,
    /// A maker of hardware: by a quote and the certificates behind it.
    Hardware,
    /// Whoever signed the receipt.
    Signer,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Receipt, Self::Log, Self::Chain, Self::Hardware, Self::Signer];

    /// The name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receipt => "the receipt",
            Self::Log => "the log",
            Self::Chain => "a chain",
            Self::Hardware => "the hardware's maker",
            Self::Signer => "the signer's word",
        }
    }

    /// Who could lie about what comes from there, and what shows it.
    #[must_use]
    pub const fn liar(self) -> &'static str {
        match self {
            Self::Receipt => "nobody: whoever reads the receipt computes it again",
            Self::Log => {
                "the log's operator, towards a reader without a copy of the log; folding a copy shows it"
            }
            Self::Chain => {
                "the signer and its node, until the reader places the block (`--block-hash`)"
            }
            Self::Hardware => "whoever holds the maker's keys, or breaks into such a machine",
            Self::Signer => "the signer",
        }
    }
}

/// One thing that the receipts of a kind rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ground {
    /// What it is.
    pub what: &'static str,
    /// Where it comes from.
    pub source: Source,
    /// The input of the receipt's program that holds it, if its program reads it. What comes from the
    /// log is the signer's summary there: repeating the program on it shows nothing.
    pub input: Option<&'static str>,
}

impl Ground {
    /// What no program reads.
    #[must_use]
    pub const fn new(what: &'static str, source: Source) -> Self {
        Self { what, source, input: None }
    }

    /// What the program's input of this name holds.
    #[must_use]
    pub const fn read(what: &'static str, source: Source, input: &'static str) -> Self {
        Self { what, source, input: Some(input) }
    }
}

/// What the platform's own kinds rest on.
pub(crate) const OWN: [(&str, &[Ground]); 14] = [
    ("register", REGISTER),
    ("update", UPDATE),
    ("rotate_key", ROTATE_KEY),
    ("revoke", REVOKE),
    (action::Delegate::KIND, DELEGATE),
    (action::BindAccount::KIND, BIND_ACCOUNT),
    (action::Verdict::KIND, VERIFY),
    (action::Anchor::KIND, ANCHOR),
    (action::DeclareAnchoring::KIND, DECLARE_ANCHORING),
    (action::Run::KIND, RUN),
    (action::Score::KIND, SCORE),
    (action::Pay::KIND, PAY),
    (action::CorrectTime::KIND, CORRECT_TIME),
    (action::ReportFork::KIND, REPORT_FORK),
];

pub(crate) const REGISTER: &[Ground] = &[
    Ground::new("that name and key are free", Source::Log),
    Ground::new("name, role, studio and capabilities", Source::Signer),
];

pub(crate) const UPDATE: &[Ground] = &[
    Ground::new("the agent's earlier entries, and that the name is free", Source::Log),
    Ground::new("name, role, studio and capabilities", Source::Signer),
];

pub(crate) const ROTATE_KEY: &[Ground] = &[
    Ground::new("that the new key's holder agrees", Source::Receipt),
    Ground::new("the agent's key before, and that the new one is free", Source::Log),
];

pub(crate) const REVOKE: &[Ground] = &[
    Ground::new("that the agent is registered and not revoked", Source::Log),
    Ground::new("the reason", Source::Signer),
];

pub(crate) const DELEGATE: &[Ground] = &[
    Ground::new("that the root key signed, and the new key's holder agrees", Source::Receipt),
    Ground::new("which key has the role, and that the new one is free", Source::Log),
    Ground::new("which history it goes on from, by its size and its root", Source::Log),
    Ground::new("that a key which does not agree is lost", Source::Signer),
];

pub(crate) const BIND_ACCOUNT: &[Ground] = &[
    Ground::new("that the account's key agrees to log, agent and chain", Source::Receipt),
    Ground::new("that the account is no other agent's", Source::Log),
];

pub(crate) const VERIFY: &[Ground] = &[
    Ground::new("the judged receipt", Source::Log),
    Ground::new("the verdict, and that anything was run", Source::Signer),
];

pub(crate) const DECLARE_ANCHORING: &[Ground] = &[
    Ground::new("which declaration it follows", Source::Log),
    Ground::new("that there is such a registry, and whose the account is", Source::Signer),
];

pub(crate) const ANCHOR: &[Ground] = &[
    Ground::new("the head that was anchored", Source::Log),
    Ground::new("the event in its block, or what the registry holds after it", Source::Chain),
];

pub(crate) const RUN: &[Ground] = &[
    Ground::read("which component ran, by its digest", Source::Receipt, "component"),
    Ground::read("what it ran on", Source::Signer, "input"),
    Ground::new("where it ran, if it is attested", Source::Hardware),
];

pub(crate) const SCORE: &[Ground] = &[
    Ground::new("how many entries came before it", Source::Receipt),
    Ground::read("every judged contribution before it", Source::Log, "evidence"),
    Ground::new("the time that scores are computed for", Source::Signer),
];

pub(crate) const CORRECT_TIME: &[Ground] = &[
    Ground::new(
        "which entries are dated later than it says, and what came before them",
        Source::Log,
    ),
    Ground::new("what time it was", Source::Signer),
];

pub(crate) const REPORT_FORK: &[Ground] = &[
    Ground::new("that one key signed two trees that no log can have both", Source::Receipt),
    Ground::new(
        "that no entry before it reports a fork of that key at as small a size",
        Source::Log,
    ),
];

pub(crate) const PAY: &[Ground] = &[
    Ground::new("that shares, sum and Merkle root agree", Source::Receipt),
    Ground::read("the outcome and who contributed to it", Source::Log, "rewards"),
    // The log carries the definition that the contributors named, and vouches for none.
    Ground::read(
        "which definition of the studio gives tasks and weights",
        Source::Signer,
        "rewards",
    ),
    Ground::read("which work fulfilled which task", Source::Signer, "rewards"),
    Ground::read(
        "the account of each payee that had registered one before the outcome",
        Source::Log,
        "rewards",
    ),
    Ground::read(UNREGISTERED_ACCOUNTS, Source::Signer, "rewards"),
    Ground::new("the pool, the distribution and the claims", Source::Chain),
];
