use chaos_log::{Edge, Hash, SignedCheckpoint, Tile, TileRead as _, leaf_hash};

use super::Store;
use crate::{
    blobs::BlobError,
    error::{Damage, StoreError},
    records::{Head, Records as _, all_entries},
};

/// Leaves hashed between two comparisons with the stored tiles.
const STEP: usize = 4_096;

impl Store {
    /// Checks everything that is stored but the rows: SQLite's pages, the digest of every record,
    /// every tile against the leaves, and every checkpoint against the tree. Reads the whole log.
    ///
    /// # Errors
    /// If anything contradicts anything else, or cannot be read.
    pub fn check(&self) -> Result<Head, StoreError> {
        self.check_pages()?;
        let mut edge = Edge::new();
        let mut leaves = Vec::with_capacity(STEP);
        for entry in all_entries(self, 0) {
            leaves.push(leaf_hash(&entry?.leaf));
            if leaves.len() == STEP {
                self.check_tiles(&mut edge, &mut leaves)?;
            }
        }
        self.check_tiles(&mut edge, &mut leaves)?;
        let head = self.head()?;
        if edge.size() != head.size {
            return Err(self.damaged(Damage::Missing { index: edge.size() }));
        }
        self.check_checkpoints(head.size)?;
        Ok(head)
    }

    /// The head of the log, computed anew from the leaves after the first `size`, whose tiles are held
    /// against the stored ones. What came before is taken from the stored tiles: the caller knows the
    /// root that they must give.
    ///
    /// # Errors
    /// If anything that is read contradicts anything else, or cannot be read.
    pub fn recompute(&self, size: u64) -> Result<Head, StoreError> {
        let mut edge =
            Edge::load(self, size).map_err(|error| StoreError::proving(&self.path, error))?;
        let mut leaves = Vec::with_capacity(STEP);
        for entry in all_entries(self, size) {
            leaves.push(leaf_hash(&entry?.leaf));
            if leaves.len() == STEP {
                self.check_tiles(&mut edge, &mut leaves)?;
            }
        }
        self.check_tiles(&mut edge, &mut leaves)?;
        let (found, stored) = (Head { size: edge.size(), root: edge.root() }, self.head()?);
        if found.size != stored.size {
            return Err(self.damaged(Damage::Missing { index: found.size }));
        }
        if found.root != stored.root {
            return Err(self.damaged(Damage::Root { expected: found.root, found: stored.root }));
        }
        Ok(found)
    }

    /// Reads every blob and compares it with the digest that it is kept under; answers how many
    /// there are.
    ///
    /// # Errors
    /// If one is damaged or cannot be read.
    pub fn check_blobs(&self) -> Result<u64, BlobError> {
        self.blobs.check()
    }

    pub(super) fn check_pages(&self) -> Result<(), StoreError> {
        let finding: String = self
            .connection
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(self.failed("check the pages"))?;
        if finding == "ok" { Ok(()) } else { Err(self.damaged(Damage::Pages { finding })) }
    }

    /// Compares the tiles that `leaves` complete or grow; a stored tile may be further already.
    fn check_tiles(&self, edge: &mut Edge, leaves: &mut Vec<Hash>) -> Result<(), StoreError> {
        for Tile { id: tile, hashes } in edge.append(leaves) {
            let stored = self.read_tile(tile)?.unwrap_or_default();
            if stored.len() < hashes.len() {
                let (expected, found) = (hashes.len(), stored.len());
                return Err(self.damaged(Damage::Width { tile, expected, found }));
            }
            if !stored.starts_with(&hashes) {
                return Err(self.damaged(Damage::Hashes { tile }));
            }
        }
        leaves.clear();
        Ok(())
    }

    /// Every checkpoint that is kept, by size. Who signed them is for the caller to check.
    ///
    /// # Errors
    /// If one cannot be read, or is not of the size that it is kept under.
    pub fn checkpoints(&self) -> Result<Vec<SignedCheckpoint>, StoreError> {
        let failed = |source| self.failed("read the checkpoints")(source);
        let sql = "SELECT size, note FROM checkpoints ORDER BY size";
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
            .map_err(failed)?;
        let mut checkpoints = Vec::new();
        for row in rows {
            let (size, note) = row.map_err(failed)?;
            checkpoints.push(self.parse_checkpoint(size, &note)?);
        }
        Ok(checkpoints)
    }

    fn check_checkpoints(&self, log_size: u64) -> Result<(), StoreError> {
        for signed in self.checkpoints()? {
            let (size, found) = (signed.claimed().size(), *signed.claimed().root());
            if size > log_size {
                return Err(self.damaged(Damage::CheckpointAhead { size, log_size }));
            }
            let expected = self.root_at(size)?;
            if expected != found {
                return Err(self.damaged(Damage::CheckpointRoot { size, expected, found }));
            }
        }
        Ok(())
    }
}
