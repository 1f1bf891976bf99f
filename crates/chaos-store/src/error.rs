use std::{io, path::PathBuf};

use chaos_log::{
    CheckpointError, Hash, ProveError, TileError, TileId,
    map::{GroupError, GroupId, GroupIdError},
};
use chaos_types::Digest;

/// Why a store did not do what was asked. Nothing is half done.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no room left for the data.
    #[error(
        "no space left for `{path}`; free some and try again: this step wrote nothing, what was stored before \
         it stays",
        path = path.display()
    )]
    Full {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// The database could not be read or written.
    #[error("cannot {doing} in `{path}`", path = path.display())]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What was tried, as a verb and its object.
        doing: &'static str,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// What is stored contradicts itself.
    #[error("`{path}` is damaged; {way}", path = path.display(), way = source.way())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Damage,
    },
    /// The store was opened for reading.
    #[error("`{path}` is open for reading only", path = path.display())]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// The checkpoint is of a longer log.
    #[error("checkpoint has size {size}, the log has {log_size} entries")]
    CheckpointAhead {
        /// Size in the checkpoint.
        size: u64,
        /// Size of the log.
        log_size: u64,
    },
    /// The checkpoint has another root than the log had at its size.
    #[error("checkpoint of size {size} has root {found}, the log has {expected}")]
    CheckpointRoot {
        /// Size in the checkpoint.
        size: u64,
        /// Root of the log at that size.
        expected: Hash,
        /// Root in the checkpoint.
        found: Hash,
    },
}

/// How stored data contradicts itself.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// SQLite found its file malformed.
    #[error("the database file is malformed")]
    File(#[source] rusqlite::Error),
    /// SQLite's own check of its pages found something.
    #[error("the database's pages do not fit together: {finding}")]
    Pages {
        /// The first finding.
        finding: String,
    },
    /// An entry is missing below the size of the log.
    #[error("entry {index} is missing")]
    Missing {
        /// The index without an entry.
        index: u64,
    },
    /// A record does not have the digest that it was stored under.
    #[error("the record of entry {index} has digest {found}, expected {expected}")]
    Record {
        /// Index of the entry.
        index: u64,
        /// Digest that it was stored under.
        expected: Digest,
        /// Digest that it has.
        found: Digest,
    },
    /// The leaf of an entry does not name the digest of its record.
    #[error("the leaf of entry {index} does not name its record, whose digest is {found}")]
    Leaf {
        /// Index of the entry.
        index: u64,
        /// Digest that the record has.
        found: Digest,
    },
    /// A stored tile is not 1 to 256 hashes.
    #[error("{tile} cannot be read")]
    Tile {
        /// The tile.
        tile: TileId,
        /// What is wrong with its bytes.
        #[source]
        source: TileError,
    },
    /// A tile is missing, or does not fit the size of the log.
    #[error("{tile} holds {found} hashes, expected {expected}")]
    Width {
        /// The tile.
        tile: TileId,
        /// Hashes that the log has there.
        expected: usize,
        /// Hashes found; 0 if the tile is missing.
        found: usize,
    },
    /// A stored tile does not have the hashes of the stored leaves.
    #[error("{tile} does not have the hashes of the stored leaves")]
    Hashes {
        /// The tile.
        tile: TileId,
    },
    /// The stored tree does not have the root of the stored leaves.
    #[error("the stored tree has root {found}, the stored leaves give {expected}")]
    Root {
        /// Root that the leaves give.
        expected: Hash,
        /// Root of the stored tree.
        found: Hash,
    },
    /// A stored group of the map is none.
    #[error("the map cannot be read")]
    Group(#[from] GroupError),
    /// A stored group of the map stands under a number that no group has.
    #[error("the map cannot be read")]
    GroupNumber(#[from] GroupIdError),
    /// How a group of the map was before does not fit what it became.
    #[error("what {id} was before cannot be read")]
    Former {
        /// The group.
        id: GroupId,
    },
    /// What is said of how far the log is folded cannot be read.
    #[error("the mark of the fold is `{found}`")]
    Mark {
        /// What is stored, escaped.
        found: String,
    },
    /// A stored checkpoint cannot be read.
    #[error("the checkpoint of size {size} cannot be read")]
    Checkpoint {
        /// The size that it was stored under.
        size: u64,
        /// What is wrong with it.
        #[source]
        source: CheckpointError,
    },
    /// A stored checkpoint does not fit the stored tree.
    #[error("the checkpoint of size {size} has root {found}, the stored tree has {expected}")]
    CheckpointRoot {
        /// Size of the checkpoint.
        size: u64,
        /// Root of the stored tree at that size.
        expected: Hash,
        /// Root in the checkpoint.
        found: Hash,
    },
    /// A checkpoint is stored under another size than its own.
    #[error("the checkpoint under size {size} is of size {found}")]
    CheckpointSize {
        /// The size that it is stored under.
        size: u64,
        /// The size that it says.
        found: u64,
    },
    /// A stored checkpoint is of a longer log than the stored one.
    #[error("a checkpoint of size {size} was signed, but only {log_size} entries are stored")]
    CheckpointAhead {
        /// Size of the checkpoint.
        size: u64,
        /// Number of stored entries.
        log_size: u64,
    },
}

impl Damage {
    /// Whether it is in what is folded from the entries, so that no copy is needed to mend it.
    #[must_use]
    pub const fn is_of_the_fold(&self) -> bool {
        matches!(
            self,
            Self::Group(_) | Self::GroupNumber(_) | Self::Former { .. } | Self::Mark { .. }
        )
    }

    const fn way(&self) -> &'static str {
        if self.is_of_the_fold() {
            "`chaoschain log rebuild` folds it anew from the entries"
        } else {
            "`chaoschain log repair --from SOURCE` mends it from another's copy"
        }
    }
}

/// Why a data directory cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or something in it cannot be made.
    #[error("cannot create `{path}`", path = path.display())]
    Create {
        /// What was to be made.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Another process, or this one, has the directory open.
    #[error("data directory `{directory}` is in use by {holder}; stop it or use another directory", directory = directory.display())]
    InUse {
        /// The data directory.
        directory: PathBuf,
        /// Who holds it, such as `process 4711`.
        holder: String,
    },
    /// The lock file cannot be used.
    #[error("cannot lock `{path}`", path = path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A database cannot be put aside for another one.
    #[error("cannot put `{path}` in its place", path = path.display())]
    Exchange {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// What stands in the place of a file or folder of the directory is a link.
    #[error(
        "`{path}` is a link, and a data directory has none: what is read and written there would be somewhere \
         else. Put what it leads to in its place",
        path = path.display()
    )]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// Files of the directory have another name somewhere else.
    #[error(
        "{} another name somewhere else, as after a copy by hard links (`cp -al`, some backups): what is written \
         here would change that copy too. Remove the other name, or put a copy in the place of each (`cp FILE \
         NEW`, `mv NEW FILE`)",
        have(.paths)
    )]
    Shared {
        /// The files.
        paths: Vec<PathBuf>,
    },
    /// What stands in the place of a folder of the directory is none.
    #[error("`{path}` is no folder", path = path.display())]
    NoFolder {
        /// What is there.
        path: PathBuf,
    },
    /// A folder of the directory cannot be looked through.
    #[error("cannot list `{path}`", path = path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// What stands in the place of a file of the directory is none.
    #[error("`{path}` is no file, but a folder, a pipe or a device", path = path.display())]
    NoFile {
        /// What is there.
        path: PathBuf,
    },
    /// The file is no database, or another program's.
    #[error("`{path}` is not a chaoschain database", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The database holds other tables than this program makes, or views, triggers or indexes beside them: what is read
    /// there twice may be two answers.
    #[error(
        "`{path}` is not the database that this program makes: {difference}. Whoever has added that to it, what it \
         says is not relied on",
        path = path.display()
    )]
    OtherTables {
        /// The database.
        path: PathBuf,
        /// What differs, escaped.
        difference: String,
    },
    /// What the database says of whose copy of which log it is, and of what stands against that log, cannot be read.
    #[error(
        "`{path}` is damaged where it says whose copy of which log it is: nothing was changed, since a copy that does \
         not know what it was told of its log would trust it anew",
        path = path.display()
    )]
    ValuesLost {
        /// The database.
        path: PathBuf,
    },
    /// Another version of the program wrote the database.
    #[error("`{path}` has schema version {found}, this program knows version {supported}; use a program of its version", path = path.display())]
    OtherSchema {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The version that this program knows.
        supported: u32,
    },
    /// An earlier version of the program wrote the database, and it is open for reading only.
    #[error("`{path}` has schema version {found}; a command that writes brings it to version {supported}", path = path.display())]
    OldSchema {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The version that this program reads.
        supported: u32,
    },
    /// What a writer had not yet brought into the database lies beside it, and nothing may be written there, which
    /// SQLite has to for reading it.
    #[error(
        "`{path}-wal` holds what is not yet in the database, and SQLite, which reads it, cannot write beside it; \
         copy the whole directory to where files can be written",
        path = path.display()
    )]
    Unfinished {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// What SQLite had beside a database lies there without it.
    #[error(
        "`{path}` belongs to a database that is not here, and may hold its newest entries: move it to where the \
         database was moved, under that one's name with the same ending",
        path = path.display()
    )]
    Orphan {
        /// The file.
        path: PathBuf,
    },
    /// There is no database.
    #[error("there is no `{path}`", path = path.display())]
    Absent {
        /// The database.
        path: PathBuf,
    },
    /// The database is damaged, or cannot be read or written.
    #[error("cannot open the data directory `{directory}`", directory = directory.display())]
    Store {
        /// The data directory.
        directory: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<StoreError>,
    },
}

fn have(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    format!("{} {}", names.join(", "), if paths.len() == 1 { "has" } else { "have" })
}

impl StoreError {
    /// Sorts out what SQLite says: no room, damage, or anything else.
    pub(crate) fn sqlite(
        path: &std::path::Path,
        doing: &'static str,
        source: rusqlite::Error,
    ) -> Self {
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path, source },
            // The index of the write-ahead log could not be made as long as it has to be.
            _ if source.sqlite_error().is_some_and(|error| {
                error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
            }) =>
            {
                Self::Full { path, source }
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { path, source: Damage::File(source) }
            }
            _ => Self::Sqlite { path, doing, source },
        }
    }

    /// The error behind a root that could not be computed from the stored tiles.
    pub(crate) fn proving(path: &std::path::Path, error: ProveError<Self>) -> Self {
        match error {
            ProveError::Read(error) => error,
            ProveError::Narrow { tile, expected, found } => {
                let source = Damage::Width { tile, expected, found };
                Self::Damaged { path: path.to_owned(), source }
            }
            ProveError::Index { .. } | ProveError::Sizes { .. } => {
                unreachable!("only proofs have an index or two sizes")
            }
        }
    }
}
