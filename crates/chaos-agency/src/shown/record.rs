//! Which rows have to be shown for one entry.

use chaos_types::{Did, Verified};

use super::Shown;
use crate::{
    Action, Answer, Corrections, Key, Leaf, Place, Receipt, Rules, State, Stop,
    action::Delegate,
    state::{AgentRow, past},
};

/// No entry needs so many rows: the platform's rules ask for a few for each parent and payee.
const ROWS_MAX: usize = 1_024;

/// An entry for which rows are to be shown.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Where it stands.
    pub index: u64,
    /// Its leaf.
    pub leaf: &'a Leaf,
    /// Its receipt.
    pub receipt: &'a Verified<Receipt>,
    /// Of how many entries the log is under whose root the rows are shown.
    pub size: u64,
}

/// Finds what has to be shown for an entry, by running the rules themselves over what is shown so
/// far: what they ask for is shown next. `state` is of the size of the wanted root or a later one.
///
/// It ends where a rule asks for what no proof shows, which is the rules' answer then.
///
/// # Errors
/// If `state` does not hold what it should.
pub fn record(rules: &Rules, wanted: Wanted<'_>, state: &dyn State) -> Result<Shown, Stop> {
    let Wanted { index, leaf, receipt, size } = wanted;
    let mut recorder = Recorder { state, size, receipt, shown: Shown::new(index, receipt.id) };
    recorder.show(Key::refused(index))?;
    for _ in 0..ROWS_MAX {
        let asked = match rules.admit(Place::at(index), leaf, receipt, &recorder.shown) {
            Ok(writes) => match recorder.shown.ensure_written(rules, &writes) {
                Err(Stop::NotShown { key }) => key,
                Ok(()) | Err(_) => break,
            },
            Err(Stop::Rejected(_)) => break,
            Err(Stop::NotShown { key }) if rules.is_shown_by_proofs(&key) => key,
            Err(Stop::NotShown { .. }) => break,
            Err(stop @ (Stop::Unreadable { .. } | Stop::Foreign { .. })) => return Err(stop),
        };
        if !recorder.answer(asked)? {
            break;
        }
    }
    recorder.show_corrections()?;
    Ok(recorder.shown)
}

struct Recorder<'a> {
    state: &'a dyn State,
    size: u64,
    receipt: &'a Receipt,
    shown: Shown,
}

impl Recorder<'_> {
    /// Shows what was asked for; whether there was something to show.
    fn answer(&mut self, asked: Key) -> Result<bool, Stop> {
        match asked.kind() {
            "place" => self.show_place(&asked),
            "tree" => self.show_tree(asked),
            "span" if asked.parts().count() == 2 => self.show_span(&asked),
            _ => self.show(asked).map(|()| true),
        }
    }

    fn show_place(&mut self, asked: &Key) -> Result<bool, Stop> {
        let receipt = asked.parts().nth(1).and_then(|part| part.parse().ok());
        let receipt = receipt.ok_or_else(|| Stop::Unreadable { key: asked.clone() })?;
        match self.state.place(&receipt) {
            Answer::Is(index) if index < self.shown.index => {
                self.shown.insert_place(receipt, index);
                Ok(true)
            }
            // Nothing shows that a receipt stands nowhere.
            Answer::Is(_) | Answer::Absent => Ok(false),
            Answer::NotShown => Err(Stop::NotShown { key: asked.clone() }),
        }
    }

    /// The proof of the entry's own place shows what the tree was before it, so that nothing is added; the
    /// rules are asked whether it is the one that the receipt names, which the log's fold has checked.
    fn show_tree(&mut self, asked: Key) -> Result<bool, Stop> {
        match self.receipt.action {
            Action::Delegate(Delegate { root, .. }) => {
                self.shown.insert_before(root);
                Ok(true)
            }
            _ => Err(Stop::NotShown { key: asked }),
        }
    }

    /// Shows an agent's span at the entry; where none covers it, the agent's row, and then the span
    /// that was its last.
    fn show_span(&mut self, asked: &Key) -> Result<bool, Stop> {
        let agent: Option<Did> = asked.parts().nth(1).and_then(|part| part.parse().ok());
        let agent = agent.ok_or_else(|| Stop::Unreadable { key: asked.clone() })?;
        let spans = past::spans_before(self.state, &agent, self.shown.index)?;
        let last = spans.map(|spans| Key::span(&agent, spans - 1));
        if let Some(span) = &last
            && !self.shown.rows.contains_key(span)
        {
            self.show(span.clone())?;
            if self.shown.covering(&agent).is_some() {
                return Ok(true);
            }
        }
        let key = Key::agent(&agent);
        if self.shown.rows.contains_key(&key) {
            return Ok(false);
        }
        self.show(key)?;
        Ok(true)
    }

    /// Shows every correction of the log's clock, and that there is no further one; nothing if there is
    /// none, so that a log that was never corrected is shown as ever.
    fn show_corrections(&mut self) -> Result<(), Stop> {
        let known = Corrections::read(self.state)?;
        let under = known.iter().filter(|correction| correction.index < self.size).count() as u64;
        if under == 0 {
            return Ok(());
        }
        (0..=under).try_for_each(|number| self.show(Key::time(number)))
    }

    /// Shows a row as it was under the root of the log's first `size` entries.
    fn show(&mut self, key: Key) -> Result<(), Stop> {
        let value = match self.state.get(&key) {
            Answer::Is(bytes) => match past::before(&key, bytes, self.size)? {
                Some(bytes) if key.kind() == "agent" => Some(self.with_spans(&key, &bytes)?),
                before => before,
            },
            Answer::Absent => None,
            Answer::NotShown => return Err(Stop::NotShown { key }),
        };
        self.shown.insert(key, value);
        Ok(())
    }

    fn with_spans(&self, key: &Key, bytes: &[u8]) -> Result<Vec<u8>, Stop> {
        let agent: Option<Did> = key.parts().nth(1).and_then(|part| part.parse().ok());
        let spans = match agent {
            Some(agent) => past::spans_before(self.state, &agent, self.size)?,
            None => None,
        };
        let row: AgentRow = crate::state::value(key, bytes)?;
        past::with_spans(key, bytes, spans.unwrap_or(row.spans))
    }
}
