//! What a ledger answers from its rows.

use std::ops::Range;

use chaos_agency::{
    Leaf, Receipt, State, Stop,
    account::{self, Account},
    forks::About,
    registry::{self, Agent},
    views::{self, ActionRow, RefusedRow, RewardRow},
};
use chaos_reputation::{Evidence, Model, Table};
use chaos_types::{ChainId, Did, Digest, Verified};

use crate::{Error, Ledger, tables::Tables};

impl Ledger {
    /// The log's operator.
    #[must_use]
    pub const fn operator(&self) -> Did {
        self.rules.operator()
    }

    /// How many entries the log has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.next.index
    }

    /// When the log took in its last entry that counts, milliseconds since 1970: the time that
    /// scores are computed for unless another is asked.
    #[must_use]
    pub const fn last_integrated_at_ms(&self) -> u64 {
        self.next.after_ms
    }

    /// The agent with this root key, revoked or not.
    ///
    /// # Errors
    /// If the store fails.
    pub fn agent(&self, did: &Did) -> Result<Option<Agent>, Error> {
        self.ask(|state| registry::agent(state, did))
    }

    /// The agent whose name this is or once was, revoked or not.
    ///
    /// # Errors
    /// If the store fails.
    pub fn named(&self, name: &str) -> Result<Option<Agent>, Error> {
        self.ask(|state| match registry::owner_of_name(state, name)? {
            Some(did) => registry::agent(state, &did),
            None => Ok(None),
        })
    }

    /// The agent whose key this is or once was.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn owner_of(&self, key: &Did) -> Result<Option<Agent>, Error> {
        self.ask(|state| match registry::owner_of_key(state, key)? {
            Some(did) => registry::agent(state, &did),
            None => Ok(None),
        })
    }

    /// All agents in the order in which they registered, revoked ones too, as the rows have them: nothing
    /// may be decided by a list.
    ///
    /// # Errors
    /// If the store fails.
    pub fn agents(&self) -> Result<Vec<Agent>, Error> {
        let mut agents = self.list(registry::agents)?;
        agents.sort_by_key(|agent| agent.keys.first().map_or(0, |span| span.from));
        Ok(agents)
    }

    /// Where in the log an agent's own registry entries stand, in order.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn registry_entries(&self, agent: &Did) -> Result<Vec<u64>, Error> {
        self.ask(|state| registry::entries(state, agent))
    }

    /// What an entry did, if it counts, as its row has it: for lists.
    ///
    /// # Errors
    /// If the store fails.
    pub fn action(&self, index: u64) -> Result<Option<ActionRow>, Error> {
        self.list(|state| views::action(state, index))
    }

    /// What the entries of a range did that count, by log index: for lists.
    ///
    /// # Errors
    /// If the store fails.
    pub fn actions(&self, range: Range<u64>) -> Result<Vec<(u64, ActionRow)>, Error> {
        let end = range.end.min(self.size());
        let rows = (range.start..end).map(|index| Ok(self.action(index)?.map(|row| (index, row))));
        rows.filter_map(Result::transpose).collect()
    }

    /// Why an entry counts for nothing, in words for people. Whether it does [`Self::refusal_code`] says.
    ///
    /// # Errors
    /// If the store fails.
    pub fn refused(&self, index: u64) -> Result<Option<RefusedRow>, Error> {
        self.list(|state| views::refused(state, index))
    }

    /// The stable code of why an entry counts for nothing, if it does.
    ///
    /// # Errors
    /// If the store fails.
    pub fn refusal_code(&self, index: u64) -> Result<Option<String>, Error> {
        self.ask(|state| views::refused_for(state, index))
    }

    /// A receipt that counts, read from its record.
    ///
    /// # Errors
    /// If the store fails.
    pub fn receipt(&self, id: &Digest) -> Result<Option<Verified<Receipt>>, Error> {
        Tables::new(&self.store, &self.rules, self.next).receipt(id)
    }

    /// The facts that reputation by the newest model as of a time is computed from, in log order, as far
    /// back as they weigh anything.
    ///
    /// # Errors
    /// If the store fails.
    pub fn evidence(&self, as_of_ms: u64) -> Result<Vec<Evidence>, Error> {
        self.ask(|state| views::evidence(state, self.size(), as_of_ms, Model::NEWEST))
    }

    /// Reputation by the newest model as of a time.
    ///
    /// # Errors
    /// If the store fails or the evidence cannot be scored.
    pub fn scores(&self, as_of_ms: u64) -> Result<Table, Error> {
        views::scores(&self.evidence(as_of_ms)?, as_of_ms, Model::NEWEST).map_err(Error::Scores)
    }

    /// What an agent was paid, by chain and token, as the rows have it: for lists.
    ///
    /// # Errors
    /// If the store fails.
    pub fn rewards(&self, agent: &Did) -> Result<Vec<RewardRow>, Error> {
        self.list(|state| RewardRow::of(agent, state))
    }

    /// The accounts at which an agent is and was paid, as the rows have them: for lists.
    ///
    /// # Errors
    /// If the store fails.
    pub fn accounts(&self, agent: &Did) -> Result<Vec<Account>, Error> {
        self.list(|state| account::accounts(state, agent))
    }

    /// The entry that reports such a fork, of whichever log.
    ///
    /// # Errors
    /// If the store fails.
    pub fn reported_fork(&self, about: &About) -> Result<Option<u64>, Error> {
        self.ask(|state| about.reported(state))
    }

    /// The number of the account that an agent would register next on a chain.
    ///
    /// # Errors
    /// If the store fails.
    pub fn next_account(&self, agent: &Did, chain: &ChainId) -> Result<u64, Error> {
        self.ask(|state| account::next_number(state, agent, chain))
    }

    /// Asks the rows as they are stored: nothing may be decided by the answer.
    fn list<T>(&self, of: impl FnOnce(&dyn State) -> Result<T, Stop>) -> Result<T, Error> {
        let tables = Tables::unproved(&self.store, self.next);
        of(&tables).map_err(|stop| tables.error(stop))
    }

    /// The leaf at an index, as the tree has it.
    pub(crate) fn leaf(&self, index: u64) -> Result<Leaf, Error> {
        Tables::new(&self.store, &self.rules, self.next).leaf(index)
    }

    /// Asks the rows as they are now, each held against what the log commits to or the entry that it comes
    /// from.
    pub(crate) fn ask<T>(
        &self,
        of: impl FnOnce(&dyn State) -> Result<T, Stop>,
    ) -> Result<T, Error> {
        let tables = Tables::new(&self.store, &self.rules, self.next);
        of(&tables).map_err(|stop| tables.error(stop))
    }
}
