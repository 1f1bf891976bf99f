//! The map of the committed rows: its groups as they are, and what they were.

use chaos_log::map::{Group, GroupId, GroupRead};
use rusqlite::{OptionalExtension as _, Params, Transaction, params};

use super::Store;
use crate::{
    error::{Damage, StoreError},
    records::Change,
    undo::Undo,
};

/// Writes the groups of a change, and what they were, if a checkpoint is kept whose map may need it.
pub(super) fn write(transaction: &Transaction<'_>, change: &Change<'_>) -> rusqlite::Result<()> {
    if change.groups.is_empty() {
        return Ok(());
    }
    let has_checkpoint: bool = transaction
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM checkpoints)")?
        .query_row([], |row| row.get(0))?;
    let until = change.mark.filter(|_| has_checkpoint).map(|mark| mark.size);
    let mut find = transaction.prepare_cached("SELECT bytes FROM groups WHERE id = ?1")?;
    let mut put =
        transaction.prepare_cached("INSERT OR REPLACE INTO groups (id, bytes) VALUES (?1, ?2)")?;
    let mut drop = transaction.prepare_cached("DELETE FROM groups WHERE id = ?1")?;
    for (id, group) in change.groups {
        let (number, new) = (id.number().cast_signed(), group.as_ref().map(Group::to_bytes));
        if let Some(until) = until {
            let old: Option<Vec<u8>> = find.query_row([number], |row| row.get(0)).optional()?;
            let bytes = (old.as_deref(), new.as_deref());
            remember(transaction, number, until.cast_signed(), bytes)?;
        }
        match new {
            Some(new) => put.execute(params![number, new])?,
            None => drop.execute([number])?,
        };
    }
    Ok(())
}

/// Keeps what a group was until the log had a size. The first that is said of a size stays.
fn remember(
    transaction: &Transaction<'_>,
    id: i64,
    until: i64,
    (old, new): (Option<&[u8]>, Option<&[u8]>),
) -> rusqlite::Result<()> {
    let sql = "SELECT front, back, bytes FROM former WHERE id = ?1 AND until = ?2";
    let said = transaction.prepare_cached(sql)?.query_row([id, until], read_undo).optional()?;
    let undo = match said.map(|undo| undo.apply(old)) {
        Some(Ok(first)) => Undo::between(first.as_deref(), new),
        // What does not fit is damage, and stays for whoever reads it to find.
        Some(Err(_)) => return Ok(()),
        None => Undo::between(old, new),
    };
    let sql =
        "INSERT OR REPLACE INTO former (id, until, front, back, bytes) VALUES (?1, ?2, ?3, ?4, ?5)";
    transaction.prepare_cached(sql)?.execute(params![
        id,
        until,
        stored(undo.front),
        stored(undo.back),
        undo.bytes
    ])?;
    Ok(())
}

fn stored(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn read_undo(row: &rusqlite::Row<'_>) -> rusqlite::Result<Undo> {
    // What no length is fits no bytes.
    let length =
        |at| row.get::<_, i64>(at).map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    Ok(Undo { front: length(0)?, back: length(1)?, bytes: row.get(2)? })
}

impl Store {
    fn group(&self, id: GroupId, bytes: &[u8]) -> Result<Group, StoreError> {
        Group::from_bytes(id, bytes).map_err(|error| self.damaged(Damage::Group(error)))
    }

    fn group_bytes(&self, id: GroupId) -> Result<Option<Vec<u8>>, StoreError> {
        self.connection
            .prepare_cached("SELECT bytes FROM groups WHERE id = ?1")
            .and_then(|mut statement| {
                statement.query_row([id.number().cast_signed()], |row| row.get(0)).optional()
            })
            .map_err(self.failed("read a group of the map"))
    }

    /// The groups whose numbers lie between the first and the second parameter, at most so many.
    pub(super) fn stored_groups(
        &self,
        bounds: impl Params,
    ) -> Result<Vec<(GroupId, Group)>, StoreError> {
        let failed = |source| self.failed("read the map")(source);
        let sql = "SELECT id, bytes FROM groups WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let mut rows = statement.query(bounds).map_err(failed)?;
        let mut groups = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let number: i64 = row.get(0).map_err(failed)?;
            let id = GroupId::numbered(number.cast_unsigned())
                .map_err(|error| self.damaged(Damage::GroupNumber(error)))?;
            let bytes: Vec<u8> = row.get(1).map_err(failed)?;
            groups.push((id, self.group(id, &bytes)?));
        }
        Ok(groups)
    }

    pub(super) fn former_group(&self, id: GroupId, size: u64) -> Result<Option<Group>, StoreError> {
        let failed = |source| self.failed("read what the map was")(source);
        let mut bytes = self.group_bytes(id)?;
        let sql = "SELECT front, back, bytes FROM former WHERE id = ?1 AND until > ?2
            ORDER BY until DESC";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let key = params![id.number().cast_signed(), size.cast_signed()];
        for undo in statement.query_map(key, read_undo).map_err(failed)? {
            bytes = undo
                .map_err(failed)?
                .apply(bytes.as_deref())
                .map_err(|_| self.damaged(Damage::Former { id }))?;
        }
        bytes.map(|bytes| self.group(id, &bytes)).transpose()
    }
}

impl GroupRead for Store {
    type Error = StoreError;

    fn read_group(&self, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.group_bytes(id)?.map(|bytes| self.group(id, &bytes)).transpose()
    }

    fn read_below(&self, id: GroupId) -> Result<Vec<(GroupId, Group)>, StoreError> {
        let [first, .., last] = id.all_below();
        self.stored_groups(params![first.number().cast_signed(), last.number().cast_signed(), 16])
    }
}
