//! The kept checkpoints that a repair takes away, until it has come to its end.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chaos_store::{KeptNote, Records as _, Store};

use super::RepairError;

/// The key under which they stand, as sizes and base64 of notes.
const NOTES_META: &str = "repair/checkpoints";

/// What a source is held against is not gone before the source was: it is put back where the repair fails, by the next
/// one if this one is killed.
#[derive(Debug)]
pub(super) struct Dropped(Vec<KeptNote>);

impl Dropped {
    /// Begins; what an earlier repair had taken away when it was ended is put back, where nothing stands in its place
    /// since.
    pub(super) fn of(store: &mut Store) -> Result<Self, RepairError> {
        let kept = store.meta(NOTES_META)?.unwrap_or_default();
        let kept: Vec<(i64, String)> = serde_json::from_slice(&kept).unwrap_or_default();
        let notes = kept
            .into_iter()
            .filter_map(|(size, note)| Some(KeptNote { size, note: STANDARD.decode(note).ok()? }));
        let dropped = Self(notes.collect());
        dropped.put_back(store)?;
        dropped.forget(store)?;
        Ok(Self(Vec::new()))
    }

    /// Writes down those that are about to be taken away, before they are.
    pub(super) fn remember(
        &mut self,
        store: &mut Store,
        stays: impl Fn(&KeptNote) -> bool,
    ) -> Result<(), RepairError> {
        let before = self.0.len();
        self.0.extend(store.kept_notes()?.into_iter().filter(|note| !stays(note)));
        if self.0.len() == before {
            return Ok(());
        }
        let text: Vec<(i64, String)> =
            self.0.iter().map(|kept| (kept.size, STANDARD.encode(&kept.note))).collect();
        let text = serde_json::to_vec(&text).expect("sizes and texts are JSON");
        Ok(store.put_meta(NOTES_META, &text)?)
    }

    pub(super) fn put_back(&self, store: &mut Store) -> Result<(), RepairError> {
        if self.0.is_empty() {
            return Ok(());
        }
        Ok(store.put_notes_back(&self.0)?)
    }

    pub(super) fn forget(&self, store: &mut Store) -> Result<(), RepairError> {
        match store.meta(NOTES_META)? {
            Some(kept) if !kept.is_empty() => Ok(store.put_meta(NOTES_META, b"")?),
            Some(_) | None => Ok(()),
        }
    }
}
