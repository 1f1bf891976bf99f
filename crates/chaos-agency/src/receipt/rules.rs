//! Rules that need nothing but the receipt: whoever reads one makes them.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256};
use chaos_incentives::Distribution;
use chaos_log::Hash;
use chaos_types::{ChainId, Check, Did, Digest, Rejection, canonical};

use super::{Evidence, Product};
use crate::{
    Action, Fault, Leaf, Receipt, account,
    action::{Anchor, CorrectTime, DeclareAnchoring, Pay, Score},
    forks,
    kind::Written,
    rules::ensure_as_of,
};

/// What a rule sees of a receipt besides its body.
#[derive(Debug, Clone, Copy)]
pub struct Form<'a> {
    pub(crate) written: &'a Written,
    pub(crate) subjects: &'a [Product],
    pub(crate) evidence: &'a Evidence,
    pub(crate) log: &'a Did,
    pub(crate) agent: &'a Did,
}

impl Form<'_> {
    /// What was produced.
    #[must_use]
    pub const fn subjects(&self) -> &[Product] {
        self.subjects
    }

    /// The receipt claims no evidence: it is somebody's word, and is not dressed up as more.
    ///
    /// # Errors
    /// A [`Rejection`] by *statement*.
    pub fn ensure_word(&self) -> Result<(), Rejection> {
        match self.evidence {
            Evidence::None {} => Ok(()),
            Evidence::Replayable(_) | Evidence::Attested(_) => self.refuse_class("none"),
        }
    }

    /// Anyone can run the program that gave the receipt's output again.
    ///
    /// # Errors
    /// A [`Rejection`] by *statement*.
    pub(crate) fn ensure_replayable(&self) -> Result<Digest, Rejection> {
        match self.evidence.replay() {
            Some(replay) => Ok(replay.output),
            None => self.refuse_class("replayable"),
        }
    }

    fn refuse_class<T>(&self, expected: &str) -> Result<T, Rejection> {
        let (kind, found) = (&self.written.kind, self.evidence.classes());
        Err(reject(
            Fault::EvidenceClassOther,
            format!("evidence of a {kind} is {expected}, found {found}"),
        ))
    }

    /// The receipt is about nothing but itself: its one subject is the digest of the action, by the
    /// name of its kind.
    ///
    /// # Errors
    /// A [`Rejection`] by *statement*.
    pub fn ensure_about_itself(&self) -> Result<(), Rejection> {
        let expected = canonical::to_vec(self.written)
            .map(|bytes| Digest::of(&bytes))
            .map_err(|error| Rejection::caused(Check::Statement, Fault::SubjectOther, &error))?;
        let kind = &self.written.kind;
        match self.subjects {
            [subject] if subject.name == *kind && subject.digest == expected => Ok(()),
            found => Err(reject(
                Fault::SubjectOther,
                format!(
                    "the one subject of a {kind} is the action's own digest {expected}, found {}",
                    named(found)
                ),
            )),
        }
    }

    /// One of the receipt's subjects has this digest.
    ///
    /// # Errors
    /// A [`Rejection`] by *statement*.
    pub(crate) fn ensure_among_subjects(
        &self,
        what: &str,
        digest: Digest,
    ) -> Result<(), Rejection> {
        if self.subjects.iter().any(|subject| subject.digest == digest) {
            return Ok(());
        }
        Err(reject(
            Fault::SubjectOther,
            format!("the {what} {digest} is no subject, found {}", named(self.subjects)),
        ))
    }

    /// The receipt has one subject, which has this digest.
    ///
    /// # Errors
    /// A [`Rejection`] by *statement*.
    pub(crate) fn ensure_produced(&self, what: &str, digest: Digest) -> Result<(), Rejection> {
        match self.subjects {
            [subject] if subject.digest == digest => Ok(()),
            found => Err(reject(
                Fault::SubjectOther,
                format!("the one subject is the {what} {digest}, found {}", named(found)),
            )),
        }
    }
}

fn named(subjects: &[Product]) -> String {
    let names = subjects.iter().map(|s| format!("`{}` {}", s.name.escape_debug(), s.digest));
    names.collect::<Vec<_>>().join(", ")
}

fn reject(fault: Fault, reason: String) -> Rejection {
    Rejection::new(Check::Statement, fault, reason)
}

/// An EVM chain in its one spelling: rows go by it, and `eip155:01` would be another chain's.
fn ensure_chain(chain: &ChainId) -> Result<(), Rejection> {
    match chain.evm_number() {
        Some(number) if *chain != ChainId::evm(number) => Err(reject(
            Fault::AddressMalformed,
            format!("chain `{chain}` is written {}", ChainId::evm(number)),
        )),
        Some(_) | None => Ok(()),
    }
}

/// An address of the chain in its one spelling; on chains of another family any text.
///
/// # Errors
/// A [`Rejection`] by *statement* that names the field.
pub fn ensure_address(chain: &ChainId, field: &str, text: &str) -> Result<(), Rejection> {
    if chain.evm_number().is_none() || account_of(text).is_some() {
        return Ok(());
    }
    Err(reject(
        Fault::AddressMalformed,
        format!("{field} `{}` is not 0x and 40 lower-case hexadecimal digits", text.escape_debug()),
    ))
}

/// A hash of the chain (of a block or a transaction) in its one spelling; on chains of another
/// family any text.
///
/// # Errors
/// A [`Rejection`] by *statement* that names the field.
pub fn ensure_hash(chain: &ChainId, field: &str, text: &str) -> Result<(), Rejection> {
    let hash: Option<B256> = text.parse().ok();
    if chain.evm_number().is_none() || hash.is_some_and(|hash| format!("{hash:#x}") == text) {
        return Ok(());
    }
    Err(reject(
        Fault::HashMalformed,
        format!("{field} `{}` is not 0x and 64 lower-case hexadecimal digits", text.escape_debug()),
    ))
}

/// An account in its one spelling.
fn account_of(text: &str) -> Option<Address> {
    let account: Address = text.parse().ok()?;
    (format!("{account:#x}") == text).then_some(account)
}

/// No name is given to two things.
pub(super) fn ensure_names_differ(subjects: &[Product]) -> Result<(), Rejection> {
    let mut names = BTreeSet::new();
    match subjects.iter().find(|subject| !names.insert(&subject.name)) {
        Some(twice) => Err(reject(
            Fault::SubjectRepeated,
            format!("two subjects have the name `{}`", twice.name.escape_debug()),
        )),
        None => Ok(()),
    }
}

/// The rules of the platform's own kinds; those of others were made when their body was read.
pub(crate) fn ensure_own(action: &Action, form: &Form<'_>) -> Result<(), Rejection> {
    match action {
        Action::Register(_)
        | Action::Update(_)
        | Action::RotateKey(_)
        | Action::Revoke(_)
        | Action::Delegate(_)
        | Action::CorrectTime(_) => {
            form.ensure_word()?;
            form.ensure_about_itself()
        }
        Action::BindAccount(bind) => {
            ensure_chain(&bind.chain)?;
            form.ensure_word()?;
            form.ensure_about_itself()?;
            account::ensure_agreed(bind, form)
        }
        Action::ReportFork(report) => {
            form.ensure_word()?;
            form.ensure_about_itself()?;
            forks::read(report).map(|_| ())
        }
        Action::Verify(_) => match form.evidence {
            Evidence::None {} => form.ensure_about_itself(),
            Evidence::Replayable(_) | Evidence::Attested(_) => Ok(()),
        },
        Action::Anchor(anchor) => ensure_anchor(anchor, form),
        Action::DeclareAnchoring(declared) => ensure_declaration(declared, form),
        Action::Run(run) => form.ensure_among_subjects("run's output", run.execution.output),
        Action::Score(score) => ensure_score(score, form),
        Action::Pay(pay) => {
            ensure_chain(&pay.chain)?;
            ensure_pay(pay, form)
        }
        Action::Other(_) => Ok(()),
    }
}

fn ensure_anchor(anchor: &Anchor, form: &Form<'_>) -> Result<(), Rejection> {
    form.ensure_word()?;
    form.ensure_about_itself()?;
    let Anchor { chain, contract, publisher, transaction, .. } = anchor;
    ensure_address(chain, "contract", contract)?;
    match publisher {
        Some(publisher) => {
            ensure_chain(chain)?;
            ensure_address(chain, "publisher", publisher)?;
        }
        None if transaction.is_none() => {
            let reason = "an anchor names a publisher or a transaction, found neither".to_owned();
            return Err(reject(Fault::AnchorParts, reason));
        }
        None => {}
    }
    if let Some(transaction) = transaction {
        ensure_hash(chain, "transaction", transaction)?;
    }
    ensure_hash(chain, "block hash", &anchor.block_hash)
}

/// Anchors are compared with it by their spelling, so that it has one.
fn ensure_declaration(declared: &DeclareAnchoring, form: &Form<'_>) -> Result<(), Rejection> {
    form.ensure_word()?;
    form.ensure_about_itself()?;
    ensure_chain(&declared.chain)?;
    ensure_address(&declared.chain, "contract", &declared.contract)?;
    ensure_address(&declared.chain, "publisher", &declared.publisher)
}

/// The table that the receipt claims is what its program gave.
fn ensure_score(score: &Score, form: &Form<'_>) -> Result<(), Rejection> {
    form.ensure_replayable()?;
    form.ensure_produced("score table", score.table)
}

/// The pool is divided to the last unit among accounts that differ, and the root is over them.
fn ensure_pay(pay: &Pay, form: &Form<'_>) -> Result<(), Rejection> {
    let shares = form.ensure_replayable()?;
    form.ensure_produced("payment's shares", shares)?;
    ensure_address(&pay.chain, "token", &pay.token)?;
    ensure_address(&pay.chain, "distributor", &pay.distributor)?;
    if let Some(funder) = &pay.funder {
        ensure_address(&pay.chain, "funder", funder)?;
    }
    for transaction in &pay.transactions {
        ensure_hash(&pay.chain, "transaction", transaction)?;
    }
    let mut accounts = BTreeMap::new();
    let mut sum = Some(pay.returned);
    for payment in &pay.payments {
        let address = account_of(&payment.account).ok_or_else(|| {
            reject(
                Fault::AccountMalformed,
                format!(
                    "account `{}` is not 0x and 40 lower-case hexadecimal digits",
                    payment.account.escape_debug()
                ),
            )
        })?;
        if accounts.insert(address, U256::from(payment.amount)).is_some() {
            return Err(reject(
                Fault::AccountRepeated,
                format!("account {} is paid twice", payment.account),
            ));
        }
        sum = sum.and_then(|sum| sum.checked_add(payment.amount));
    }
    if sum != Some(pay.pool) {
        return Err(reject(
            Fault::PoolNotDivided,
            format!("payments and the returned part are not the pool {}", pay.pool),
        ));
    }
    let root = Distribution::new(accounts)
        .map(|distribution| format!("{:#x}", distribution.root()))
        .map_err(|error| Rejection::caused(Check::Statement, Fault::DistributionInvalid, &error))?;
    if root != pay.merkle_root {
        return Err(reject(
            Fault::RootMismatch,
            format!(
                "the payments have the Merkle root {root}, not {}",
                pay.merkle_root.escape_debug()
            ),
        ));
    }
    Ok(())
}

impl Receipt {
    /// The rules that need the receipt and the index of its entry, and nothing else of the log.
    ///
    /// # Errors
    /// A [`Rejection`] that names what the receipt says about its place.
    pub fn ensure_place(&self, index: u64) -> Result<(), Rejection> {
        match &self.action {
            Action::Score(score) if score.log_size != index => Err(Rejection::new(
                Check::Evidence,
                Fault::LogSizeOther,
                format!("scores {} entries, {index} came before it", score.log_size),
            )),
            Action::CorrectTime(CorrectTime { first, .. }) if *first >= index => {
                Err(Rejection::new(
                    Check::Statement,
                    Fault::CorrectionOfNothing,
                    format!(
                        "entry {index} corrects entries from {first} on, which are none before it"
                    ),
                ))
            }
            Action::Delegate(delegate) if delegate.size != index => Err(place_other(format!(
                "the delegation is signed for the place after {} entries, and stands after {index}",
                delegate.size
            ))),
            Action::Score(_)
            | Action::CorrectTime(_)
            | Action::Register(_)
            | Action::Update(_)
            | Action::RotateKey(_)
            | Action::Revoke(_)
            | Action::Delegate(_)
            | Action::BindAccount(_)
            | Action::Verify(_)
            | Action::Anchor(_)
            | Action::DeclareAnchoring(_)
            | Action::Run(_)
            | Action::Pay(_)
            | Action::ReportFork(_)
            | Action::Other(_) => Ok(()),
        }
    }
}

impl Receipt {
    /// The rules that need the receipt and the root of the tree of all entries before its own.
    ///
    /// # Errors
    /// A [`Rejection`] that names both roots.
    pub fn ensure_history(&self, before: &Hash) -> Result<(), Rejection> {
        match &self.action {
            Action::Delegate(delegate) if delegate.root != *before => Err(place_other(format!(
                "the delegation is signed for the history of {} entries with root {}, and stands after \
                 one with root {before}",
                delegate.size, delegate.root
            ))),
            _ => Ok(()),
        }
    }
}

fn place_other(reason: String) -> Rejection {
    Rejection::new(Check::Statement, Fault::DelegationPlaceOther, reason)
}

impl Receipt {
    /// The rules that need the receipt, its leaf, and when the log took in the last entry before it, 0 if
    /// nobody here knows.
    ///
    /// # Errors
    /// A [`Rejection`] that names both times.
    pub fn ensure_times(&self, last_ms: u64, leaf: &Leaf) -> Result<(), Rejection> {
        match &self.action {
            Action::Score(score) => ensure_as_of(score, last_ms, leaf),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
