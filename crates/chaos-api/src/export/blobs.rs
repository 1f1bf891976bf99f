//! The blobs of an export: those that are published, and those that lie there and are not.

use std::{collections::BTreeSet, fs, io};

use chaos_types::Digest;
use serde::{Deserialize, Serialize};

use super::{Comparison, ExportError, write_error, writer::Writer};
use crate::resource::Resource;

/// What the folder keeps of the last export. Whoever may write to the folder can have blobs left out by it, and
/// none written.
pub(super) const NOTE: &str = ".chaoschain-export";

/// The most bytes of it.
const NOTE_BYTES_MAX: usize = 64 << 10;

/// Which blobs the exports so far were to write.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    /// The kinds of receipts whose blobs they are.
    blobs: Vec<String>,
    /// How many others lay in the folder.
    left: u64,
}

impl Writer<'_> {
    /// Copies the blobs that are published.
    ///
    /// Whether one is depends on every receipt that names it. Where an earlier export wrote those of the same
    /// kinds and no other lay there, only what newer receipts name can be new, and only that is looked for among
    /// the older ones.
    pub(super) fn copy_blobs(&mut self, size: u64) -> Result<(), ExportError> {
        let blobs = self.published.disclosed_kinds();
        let path = self.folder.join(NOTE);
        let kept = chaos_files::read(&path, NOTE_BYTES_MAX).ok();
        let kept = kept.and_then(|kept| serde_json::from_slice::<Note>(&kept).ok());
        let is_known = kept.as_ref().is_some_and(|kept| kept.blobs == blobs && kept.left == 0);
        if is_known && self.comparison == Comparison::Lengths {
            self.copy_new_blobs(size)?;
        } else {
            self.copy_all_blobs()?;
        }
        let note = Note { blobs, left: self.done.blobs_left };
        if kept.as_ref() != Some(&note) {
            let bytes = serde_json::to_vec(&note).expect("texts and a number can be written");
            self.put(&path, &bytes)?;
        }
        Ok(())
    }

    fn copy_all_blobs(&mut self) -> Result<(), ExportError> {
        let published: BTreeSet<_> = self.published.blobs()?.into_iter().collect();
        for digest in &published {
            self.done.blobs_absent += u64::from(!self.copy_blob(digest)?);
        }
        let left = self.blobs_there()?.filter(|digest| !published.contains(digest));
        self.done.blobs_left = left.count() as u64;
        Ok(())
    }

    fn copy_new_blobs(&mut self, size: u64) -> Result<(), ExportError> {
        let folder = self.folder;
        let is_there = |digest: &Digest| {
            fs::symlink_metadata(folder.join(Resource::Blob(*digest).to_string())).is_ok()
        };
        let new = self.published.new_blobs(self.old_size, size, &is_there)?;
        self.done.blobs_absent = new.absent;
        self.done.blobs_left =
            new.withdrawn.iter().filter(|digest| is_there(digest)).count() as u64;
        for digest in &new.disclosed {
            self.copy_blob(digest)?;
        }
        Ok(())
    }

    /// The names of the blobs in the folder.
    fn blobs_there(&self) -> Result<impl Iterator<Item = Digest>, ExportError> {
        let path = self.folder.join("blob");
        let files = match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            files => Some(files.map_err(write_error(&path))?),
        };
        let names = files.into_iter().flatten().filter_map(Result::ok);
        Ok(names.filter_map(|file| Digest::from_hex(file.file_name().to_str()?).ok()))
    }
}
