//! What a ledger answers from its rows.

use std::ops::Range;

use chaos_agency::{
    Receipt, State, Stop,
    account::{self, Account},
    registry::{self, Agent},
    views::{self, ActionRow, RefusedRow, RewardRow},
};
use chaos_reputation::{Evidence, Model, Table};
use chaos_store::Records as _;
use chaos_types::{Did, Digest, Verified};

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
        let tables = Tables::unproved(&self.store, self.next);
        let mut agents = registry::agents(&tables).map_err(|stop| tables.error(stop))?;
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

    /// What an entry did, if it counts.
    ///
    /// # Errors
    /// If the store fails.
    pub fn action(&self, index: u64) -> Result<Option<ActionRow>, Error> {
        self.ask(|state| views::action(state, index))
    }

    /// What the entries of a range did that count, by log index.
    ///
    /// # Errors
    /// If the store fails.
    pub fn actions(&self, range: Range<u64>) -> Result<Vec<(u64, ActionRow)>, Error> {
        let end = range.end.min(self.size());
        let rows = (range.start..end).map(|index| Ok(self.action(index)?.map(|row| (index, row))));
        rows.filter_map(Result::transpose).collect()
    }

    /// Why an entry counts for nothing, if it does.
    ///
    /// # Errors
    /// If the store fails.
    pub fn refused(&self, index: u64) -> Result<Option<RefusedRow>, Error> {
        self.ask(|state| views::refused(state, index))
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
        let Some(entry) = self.store.entry_by_digest(id)? else { return Ok(None) };
        if entry.index >= self.size() || self.refused(entry.index)?.is_some() {
            return Ok(None);
        }
        Receipt::open_bytes(&entry.record, self.rules.kinds())
            .map(Some)
            .map_err(Error::Inadmissible)
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

    /// What an agent was paid, by chain and token.
    ///
    /// # Errors
    /// If the store fails.
    pub fn rewards(&self, agent: &Did) -> Result<Vec<RewardRow>, Error> {
        self.ask(|state| RewardRow::of(agent, state))
    }

    /// The accounts at which an agent is and was paid.
    ///
    /// # Errors
    /// If the store fails.
    pub fn accounts(&self, agent: &Did) -> Result<Vec<Account>, Error> {
        self.ask(|state| account::accounts(state, agent))
    }

    /// Asks the rows as they are now.
    pub(crate) fn ask<T>(
        &self,
        of: impl FnOnce(&dyn State) -> Result<T, Stop>,
    ) -> Result<T, Error> {
        let tables = Tables::new(&self.store, &self.rules, self.next);
        of(&tables).map_err(|stop| tables.error(stop))
    }
}
