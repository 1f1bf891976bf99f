//! Where a log says that it is anchored.

use crate::{Key, State, Stop, action::DeclareAnchoring, state::AnchoringRow};

/// A log declares its place so often at most.
pub(crate) const DECLARATIONS_MAX: u64 = 256;

/// Where a log is anchored, by whom, and since which entry.
///
/// It is in force for every head that holds its entry, until another one: an anchor of such a head elsewhere is none of
/// the log's, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Its entry.
    pub index: u64,
    /// What it says.
    pub body: DeclareAnchoring,
}

impl Declaration {
    /// How many declarations the log's first `size` entries hold, and the last of them.
    ///
    /// # Errors
    /// [`Stop::NotShown`] or [`Stop::Unreadable`].
    pub fn last(state: &dyn State, size: u64) -> Result<(u64, Option<Self>), Stop> {
        let (mut number, mut last) = (0, None);
        loop {
            let row: Option<AnchoringRow> = state.read(&Key::anchoring(number))?;
            let Some(row) = row.filter(|row| row.index < size) else { return Ok((number, last)) };
            last = Some(row.into());
            number += 1;
        }
    }

    /// The keys of the rows that show the last of so many declarations: it, and that there is none after it.
    #[must_use]
    pub fn keys(count: u64) -> Vec<Key> {
        (count.saturating_sub(1)..=count).map(Key::anchoring).collect()
    }

    /// The last declaration by the rows that show it, and nothing else, in the order of [`Self::keys`].
    ///
    /// # Errors
    /// [`Stop::NotShown`] for what is not such rows, or [`Stop::Unreadable`].
    pub fn shown(rows: &[(Key, Option<Vec<u8>>)]) -> Result<Option<Self>, Stop> {
        match rows {
            [(next, None)] if *next == Key::anchoring(0) => Ok(None),
            [(key, Some(bytes)), (next, None)] if is_followed_by(key, next) => {
                crate::state::value::<AnchoringRow>(key, bytes).map(|row| Some(row.into()))
            }
            _ => Err(Stop::NotShown { key: Key::anchoring(0) }),
        }
    }
}

/// Whether they are the keys of a declaration and of the one after it.
fn is_followed_by(key: &Key, next: &Key) -> bool {
    let number = key.parts().nth(1).and_then(|part| part.parse::<u64>().ok());
    number.and_then(|number| number.checked_add(1)).is_some_and(|count| {
        let keys = Declaration::keys(count);
        keys.iter().eq([key, next])
    })
}

impl From<AnchoringRow> for Declaration {
    fn from(row: AnchoringRow) -> Self {
        let AnchoringRow { index, chain, contract, publisher } = row;
        Self { index, body: DeclareAnchoring { chain, contract, publisher } }
    }
}
