use std::collections::{BTreeMap, BTreeSet};

use super::table::index;

/// Values as small numbers, each with the slots that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Symbols<T> {
    ids: BTreeMap<T, u32>,
    slots: Vec<(Option<T>, BTreeSet<u32>)>,
    free: Vec<u32>,
}

impl<T: Ord + Clone> Symbols<T> {
    pub(super) const fn new() -> Self {
        Self { ids: BTreeMap::new(), slots: Vec::new(), free: Vec::new() }
    }

    pub(super) fn add(&mut self, value: &T, slot: u32) -> u32 {
        let id = self.ids.get(value).copied().unwrap_or_else(|| {
            let id = self.free.pop().unwrap_or_else(|| {
                self.slots.push((None, BTreeSet::new()));
                index(self.slots.len() - 1)
            });
            self.ids.insert(value.clone(), id);
            self.slots[id as usize].0 = Some(value.clone());
            id
        });
        self.slots[id as usize].1.insert(slot);
        id
    }

    pub(super) fn remove(&mut self, value: &T, slot: u32) {
        let id = self.ids[value];
        let (name, slots) = &mut self.slots[id as usize];
        slots.remove(&slot);
        if slots.is_empty() {
            *name = None;
            self.ids.remove(value);
            self.free.push(id);
        }
    }

    /// The number of a value that some slot has.
    pub(super) fn find(&self, value: &T) -> Option<u32> {
        self.ids.get(value).copied()
    }

    /// The slots that have the value of this number.
    pub(super) fn slots(&self, id: u32) -> &BTreeSet<u32> {
        &self.slots[id as usize].1
    }

    /// The value of this number, if some slot has it.
    pub(super) fn value(&self, id: u32) -> Option<&T> {
        self.slots[id as usize].0.as_ref()
    }

    /// How many numbers were ever given out at a time.
    pub(super) const fn len(&self) -> usize {
        self.slots.len()
    }
}
