//! Accounts that agents are paid at, and how an account agrees.

use alloy_primitives::{Signature, hex};
use chaos_types::{ChainId, Check, Did, Rejection};

use crate::{
    Fault, Key, State, Stop,
    action::{BindAccount, Pay, Payment},
    receipt::{Form, ensure_address},
    state::{AccountsRow, NameRow, Once},
};

/// What a payment rests on that its signer chooses, unless every payee had registered an account.
pub const UNREGISTERED_ACCOUNTS: &str = "the account of every other payee";

/// An agent changes its account on one chain at most so often: the row of them is part of bundles.
pub(crate) const BINDINGS_MAX: usize = 64;

/// What the key of an account signs so that an agent of a log is paid there.
///
/// It is a text, signed as [EIP-191](https://eips.ethereum.org/EIPS/eip-191) says (`personal_sign`,
/// version `0x45`): every wallet shows it before it signs, and it can be no transaction. It names log,
/// agent and chain, so that it is of no use in another log, for another agent or on another chain, and the
/// number of the account, so that it is of no use again.
/// Accounts that are contracts have no key and sign nothing: whether one agrees only its chain can tell.
#[derive(Debug, Clone, Copy)]
pub struct Agreement<'a> {
    /// The log, by its operator's root key.
    pub log: Did,
    /// The agent.
    pub agent: Did,
    /// The chain.
    pub chain: &'a ChainId,
    /// The account in its one spelling: lower-case hexadecimal with `0x`.
    pub account: &'a str,
    /// The how-manieth account of the agent's on the chain it is, from 1; none in what was agreed to before
    /// there were such numbers.
    pub number: Option<u64>,
}

impl Agreement<'_> {
    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { log, agent, chain, account, number } = self;
        let number = number.map_or_else(String::new, |number| format!("\nNumber: {number}"));
        format!(
            "ChaosChain: pay an agent at this account\n\nAccount: {account}\nChain: {chain}\nAgent: \
             {agent}\nLog: {log}{number}\n\nWhat this agent earns in this log goes to this account. This is no \
             transaction."
        )
    }

    /// The account's own key has signed the text.
    ///
    /// # Errors
    /// A [`Rejection`] by *statement*.
    pub(crate) fn ensure_signed(&self, signature: &str) -> Result<(), Rejection> {
        let reject =
            |reason| Err(Rejection::new(Check::Statement, Fault::AccountNotAgreed, reason));
        let Some(read) = read(signature).filter(|read| spelled(read) == signature) else {
            return reject(
                "the account's signature is not 0x and 65 bytes in lower-case hexadecimal, with s in \
                 the lower half and 27 or 28 at its end"
                    .to_owned(),
            );
        };
        match read.recover_address_from_msg(self.text()) {
            Ok(signer) if format!("{signer:#x}") == self.account => Ok(()),
            Ok(signer) => reject(format!(
                "account {} is to agree, the signature is by {signer:#x}, or of another text",
                self.account
            )),
            Err(_) => reject("nobody can have made the account's signature".to_owned()),
        }
    }
}

/// An account's signature in its one spelling; wallets write the last byte in two ways.
#[must_use]
pub fn spell_signature(text: &str) -> Option<String> {
    read(text.trim()).map(|signature| spelled(&signature))
}

fn read(text: &str) -> Option<Signature> {
    let bytes = hex::decode(text).ok()?;
    let signature = Signature::from_raw(&bytes).ok()?;
    // A second signature of the same text would follow from each with s in the upper half.
    signature.normalize_s().is_none().then_some(signature)
}

fn spelled(signature: &Signature) -> String {
    hex::encode_prefixed(signature.as_bytes())
}

/// The account agrees, and is one that can: of a chain of the EVM's family, with a key.
pub(crate) fn ensure_agreed(bind: &BindAccount, form: &Form<'_>) -> Result<(), Rejection> {
    let BindAccount { chain, account, number, signature } = bind;
    if chain.evm_number().is_none() {
        return Err(Rejection::new(
            Check::Statement,
            Fault::AccountChainOther,
            format!("{chain} is no chain of the EVM's family, whose accounts alone are known"),
        ));
    }
    ensure_address(chain, "account", account)?;
    let (log, agent) = (*form.log, *form.agent);
    Agreement { log, agent, chain, account, number: *number }.ensure_signed(signature)
}

/// Who gets a part of a payment, and whose word it is that the account is the agent's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payee {
    /// The agent.
    pub agent: Did,
    /// Where it is paid.
    pub account: String,
    /// Whether the agent had registered the account, by the account's own signature, before the outcome.
    /// If not, it is the payment's word.
    pub is_registered: bool,
}

impl Payee {
    /// The payees of a payment that counts, by the rows of its log then or later.
    ///
    /// # Errors
    /// [`Stop::NotShown`] or [`Stop::Unreadable`].
    pub fn of(pay: &Pay, state: &dyn State) -> Result<Vec<Self>, Stop> {
        let outcome = outcome_of(pay, state)?;
        let payees = pay.payments.iter().map(|Payment { agent, account, .. }| {
            let registered = match outcome {
                Some(at) => at_place(state, agent, &pay.chain, at)?,
                None => None,
            };
            let is_registered = registered.is_some_and(|registered| registered == *account);
            Ok(Self { agent: *agent, account: account.clone(), is_registered })
        });
        payees.collect()
    }

    /// The payees of a payment about whose log nothing is known: each is the payment's word.
    #[must_use]
    pub fn said(pay: &Pay) -> Vec<Self> {
        let payees = pay.payments.iter().map(|Payment { agent, account, .. }| Self {
            agent: *agent,
            account: account.clone(),
            is_registered: false,
        });
        payees.collect()
    }
}

/// Where the outcome that is paid for stands.
pub(crate) fn outcome_of(pay: &Pay, state: &dyn State) -> Result<Option<u64>, Stop> {
    let row: Option<Once> = state.read(&Key::outcome(&pay.outcome))?;
    Ok(row.map(|row| row.index))
}

/// The account of an agent that is in force at a place in the log.
pub(crate) fn at_place(
    state: &dyn State,
    agent: &Did,
    chain: &ChainId,
    index: u64,
) -> Result<Option<String>, Stop> {
    let row: Option<AccountsRow> = state.read(&Key::account(agent, chain))?;
    let bound = row.and_then(|row| row.at(index).map(|bound| bound.account.clone()));
    Ok(bound)
}

/// The number of the account that an agent would register next on a chain, from 1.
///
/// # Errors
/// [`Stop::NotShown`] or [`Stop::Unreadable`].
pub fn next_number(state: &dyn State, agent: &Did, chain: &ChainId) -> Result<u64, Stop> {
    let row: Option<AccountsRow> = state.read(&Key::account(agent, chain))?;
    Ok(row.unwrap_or_default().next_number())
}

/// An account that an agent has registered, with the entries at which it is in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Account {
    /// The chain.
    pub chain: String,
    /// The account.
    pub account: String,
    /// The first log index at which it is in force.
    pub from: u64,
    /// The first log index at which it no longer is.
    pub until: Option<u64>,
}

/// The accounts that an agent has registered, by chain and in log order.
///
/// # Errors
/// [`Stop::NotShown`] or [`Stop::Unreadable`].
pub fn accounts(state: &dyn State, agent: &Did) -> Result<Vec<Account>, Stop> {
    let first = Key::new("account", &[agent]);
    let rows: Vec<(Key, AccountsRow)> = state.rows(&first..&first.end())?;
    let mut accounts = Vec::new();
    for (key, row) in rows {
        let chain = key.parts().nth(2).unwrap_or_default().to_owned();
        let untils = row.bindings.iter().skip(1).map(|next| Some(next.index + 1)).chain([None]);
        accounts.extend(row.bindings.iter().zip(untils).map(|(bound, until)| Account {
            chain: chain.clone(),
            account: bound.account.clone(),
            from: bound.index + 1,
            until,
        }));
    }
    Ok(accounts)
}

/// Whose an account is or once was.
pub(crate) fn owner(
    state: &dyn State,
    chain: &ChainId,
    account: &str,
) -> Result<Option<Did>, Stop> {
    let row: Option<NameRow> = state.read(&Key::account_owner(chain, account))?;
    Ok(row.map(|row| row.owner))
}

#[cfg(test)]
mod tests;
