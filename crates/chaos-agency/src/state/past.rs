//! What a committed row held earlier.
//!
//! Committed rows only grow: each names the entry that wrote it, none is removed, and what changes
//! later is the end of a span, the number of spans, a revocation and the list of an agent's accounts,
//! each with its own index. So a
//! row as it is now says what it was before any entry.

use chaos_types::{Did, canonical};
use serde::{Deserialize, Serialize};

use super::{AccountsRow, AgentRow, Key, KeyRow, NameRow, SpanRow, State, Stop, value};

/// What every row of a studio's committed kinds holds.
#[derive(Deserialize)]
struct Written {
    index: u64,
}

/// The value under a key before the entry at `index`, by its value at that entry or later.
///
/// How many spans an agent had is not in its row; [`spans_before`] knows.
pub(crate) fn before(key: &Key, bytes: Vec<u8>, index: u64) -> Result<Option<Vec<u8>>, Stop> {
    let since = |written: u64| Ok((written < index).then_some(bytes.clone()));
    match key.kind() {
        "agent" => {
            let mut row: AgentRow = value(key, &bytes)?;
            row.revoked = row.revoked.filter(|revoked| revoked.at < index);
            Ok((row.from < index).then(|| spelled(&row)))
        }
        "span" => {
            let mut row: SpanRow = value(key, &bytes)?;
            let number = number(key)?;
            // The entry at `until - 1` ended it.
            row.until = row.until.filter(|until| *until <= index);
            Ok(begun_before(&row, number, index).then(|| spelled(&row)))
        }
        "key" => since(value::<KeyRow>(key, &bytes)?.from),
        "account" => {
            let mut row: AccountsRow = value(key, &bytes)?;
            row.bindings.retain(|bound| bound.index < index);
            Ok((!row.bindings.is_empty()).then(|| spelled(&row)))
        }
        "name" | "account_owner" => since(value::<NameRow>(key, &bytes)?.from),
        "refused" => since(number(key)?),
        _ => since(value::<Written>(key, &bytes)?.index),
    }
}

/// The value of an agent's row, with another number of spans.
pub(crate) fn with_spans(key: &Key, bytes: &[u8], spans: u64) -> Result<Vec<u8>, Stop> {
    let row: AgentRow = value(key, bytes)?;
    Ok(spelled(&AgentRow { spans, ..row }))
}

/// The value of an agent's row, counting as many spans as another value of it, if it has at least those:
/// later entries only add to them.
pub(crate) fn counted(key: &Key, bytes: &[u8], as_in: &[u8]) -> Result<Vec<u8>, Stop> {
    let (row, other): (AgentRow, AgentRow) = (value(key, bytes)?, value(key, as_in)?);
    Ok(spelled(&AgentRow { spans: row.spans.min(other.spans), ..row }))
}

/// How many spans an agent had before the entry at `index`, by a state at that entry or later. None
/// if it was not registered.
pub(crate) fn spans_before(
    state: &dyn State,
    agent: &Did,
    index: u64,
) -> Result<Option<u64>, Stop> {
    let Some(row) = state.read::<AgentRow>(&Key::agent(agent))? else { return Ok(None) };
    let (mut begun, mut end) = (0, row.spans);
    while begun < end {
        let middle = begun + (end - begun) / 2;
        let key = Key::span(agent, middle);
        let span: SpanRow = state.read(&key)?.ok_or(Stop::Unreadable { key })?;
        if begun_before(&span, middle, index) {
            begun = middle + 1;
        } else {
            end = middle;
        }
    }
    Ok((begun > 0).then_some(begun))
}

/// A registration writes the first span at its own index, a change of it the next one at the index
/// before the span begins.
const fn begun_before(span: &SpanRow, number: u64, index: u64) -> bool {
    if number == 0 { span.from < index } else { span.from <= index }
}

/// The last part of a key that ends in a number.
fn number(key: &Key) -> Result<u64, Stop> {
    let last = key.parts().last().and_then(|part| part.parse().ok());
    last.ok_or_else(|| Stop::Unreadable { key: key.clone() })
}

fn spelled<T: Serialize>(row: &T) -> Vec<u8> {
    canonical::to_vec(row).expect("rows hold texts, digests and indices")
}
