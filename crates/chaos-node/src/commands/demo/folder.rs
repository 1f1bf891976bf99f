//! The demo's output folder: what a demo wrote stays; only what an attempt left that ended before its
//! bundles is cleared.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use chaos_files::Turn;

use crate::{
    commands::write_file,
    exit::{Failure, Kind, OrFail as _},
    output,
};

/// The file that marks a folder as the demo's own.
const MARKER: &str = ".chaoschain-demo";

/// A demo that got so far as to write these has something to show, and keys that sign.
const BUNDLES: &str = "bundles";

/// Everything the demo writes before its bundles, or beside them.
const WRITTEN: [&str; 8] = [
    "data",
    "fee-history.csv",
    "fee-history.csv.gz",
    "inputs",
    "plots",
    "proposal.json",
    "proposal.md",
    "report.html",
];

/// An output folder that is ready.
pub(crate) struct Folder {
    path: PathBuf,
    /// Nobody else clears the folder while this demo runs.
    _turn: Turn,
}

impl Folder {
    /// Makes the folder, or clears what an attempt without an end left in it.
    ///
    /// # Errors
    /// If the folder holds an earlier demo, one that runs, or anything that no demo made.
    pub(crate) fn prepare(path: &Path) -> Result<Self, Failure> {
        let cannot = || format!("cannot use the output folder {}", path.display());
        fs::create_dir_all(path).with_context(cannot).or_fail(Kind::Storage)?;
        let marker = path.join(MARKER);
        let empty =
            fs::read_dir(path).with_context(cannot).or_fail(Kind::Storage)?.next().is_none();
        if !empty && !marker.exists() {
            return Err(Failure::message(
                Kind::Input,
                format!("{} is not empty and was not made by the demo", path.display()),
            )
            .hint("name another folder with --out"));
        }
        let Some(turn) = Turn::try_take(&marker).with_context(cannot).or_fail(Kind::Storage)?
        else {
            return Err(Failure::message(
                Kind::Storage,
                format!("a demo runs in {}", path.display()),
            )
            .hint("name another folder with --out"));
        };
        if path.join(BUNDLES).exists() {
            return Err(Failure::message(
                Kind::Input,
                format!("{} holds an earlier demo, with its log and its keys", path.display()),
            )
            .hint("name another folder with --out, or remove that one first"));
        }
        write_file(&marker, b"made by `chaoschain demo`, which writes over no finished demo\n")?;
        if WRITTEN.iter().any(|name| path.join(name).exists()) {
            output::say(format_args!(
                "clearing what an unfinished demo left in {}",
                path.display()
            ));
        }
        for name in WRITTEN {
            let old = path.join(name);
            let removed = if old.is_dir() {
                fs::remove_dir_all(&old)
            } else if old.exists() {
                fs::remove_file(&old)
            } else {
                Ok(())
            };
            removed.with_context(cannot).or_fail(Kind::Storage)?;
        }
        // As the user typed it: what is printed or written must not tell of this machine's folders.
        Ok(Self { path: path.to_owned(), _turn: turn })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
