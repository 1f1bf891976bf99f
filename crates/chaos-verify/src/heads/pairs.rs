//! Pairs of heads that contradict each other, without a look at every pair.
//!
//! Whoever has a key makes heads at no cost, and thousands that differ in one place have millions of pairs. What two
//! heads say depends on who signed them, on the place and on the smaller size alone, and of those that say the same one
//! is named. So one pair is looked for of each two signers and each smaller size.

use std::collections::BTreeMap;

use chaos_log::Hash;
use chaos_types::Did;

use super::{
    apart::{Apart, Stood},
    places::Place,
};

/// A head and what it has in a place.
#[derive(Debug, Clone, Copy)]
struct Sight<'a> {
    place: Place,
    hash: Hash,
    stood: &'a Stood<'a>,
}

/// What decides, beside place and sizes, what two heads say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Signer {
    key: Did,
    is_in_its_time: bool,
    shows: bool,
}

/// Of some heads the first by name, and the first that has another hash. Of all pairs with another head, the one that
/// is named first has one of these.
#[derive(Debug, Clone, Copy, Default)]
struct First<'a> {
    one: Option<Sight<'a>>,
    other: Option<Sight<'a>>,
}

/// Gives of all pairs of heads that contradict each other in a place, and that say the same, at least the one of the
/// lowest rank. Of heads that agree in a place and that one key signed, the smallest stands for all.
pub(super) fn each_apart<'a>(bench: &'a [Stood<'a>], mut found: impl FnMut(Apart<'a>)) {
    let sights = |stood: &'a Stood<'a>| {
        stood.seen.places().map(move |(place, hash)| Sight { place, hash, stood })
    };
    let mut all: Vec<Sight<'a>> = bench.iter().flat_map(sights).collect();
    all.sort_by(|one, other| one.order().cmp(&other.order()));
    all.dedup_by(|next, kept| next.group() == kept.group());
    for alike in all.chunk_by(|one, other| one.place == other.place) {
        let (Some(first), Some(last)) = (alike.first(), alike.last()) else { continue };
        // They are in the order of their hashes.
        if first.hash == last.hash {
            continue;
        }
        let mut signers: BTreeMap<Signer, Vec<Sight<'a>>> = BTreeMap::new();
        for sight in alike {
            signers.entry(sight.signer()).or_default().push(*sight);
        }
        for sights in signers.values_mut() {
            sights.sort_by_key(|sight| sight.size());
        }
        let signers: Vec<Vec<Sight<'a>>> = signers.into_values().collect();
        for (at, one) in signers.iter().enumerate() {
            for other in &signers[at..] {
                each_apart_of(one, other, &mut found);
            }
        }
    }
}

/// The same of two signers, or of one and itself, in one place; of each the smallest heads first.
fn each_apart_of<'a>(one: &[Sight<'a>], other: &[Sight<'a>], found: &mut impl FnMut(Apart<'a>)) {
    let (mut left, mut right) = (one, other);
    let (mut reaching, mut other_reaching) = (First::default(), First::default());
    // From the largest size down, so that what was passed reaches as far as what comes.
    while let Some(size) = left.last().into_iter().chain(right.last()).map(Sight::size).max() {
        let of_size = First::take(&mut left, size);
        let other_of_size = First::take(&mut right, size);
        reaching.join(of_size);
        other_reaching.join(other_of_size);
        of_size.each_with(other_reaching, found);
        other_of_size.each_with(reaching, found);
    }
}

impl<'a> Sight<'a> {
    fn size(&self) -> u64 {
        self.stood.seen.size()
    }

    /// The heads of which one stands for all.
    fn group(&self) -> impl Ord + use<> {
        (self.place, self.hash, self.stood.key(), self.stood.is_in_its_time())
    }

    fn order(&self) -> impl Ord + use<'a> {
        (self.group(), self.size(), self.stood.seen.whose.as_str())
    }

    /// The order in which one of several is named.
    fn name(&self) -> impl Ord + use<'a> {
        (self.stood.seen.whose.as_str(), self.hash)
    }

    fn signer(&self) -> Signer {
        let (key, is_in_its_time) = (self.stood.key(), self.stood.is_in_its_time());
        Signer { key, is_in_its_time, shows: self.stood.shows() }
    }
}

impl<'a> First<'a> {
    /// Takes those of a size off the end.
    fn take(sights: &mut &[Sight<'a>], size: u64) -> Self {
        let mut first = Self::default();
        while let Some((last, rest)) = sights.split_last().filter(|(last, _)| last.size() == size) {
            first.add(*last);
            *sights = rest;
        }
        first
    }

    fn add(&mut self, sight: Sight<'a>) {
        let Some(one) = self.one else {
            self.one = Some(sight);
            return;
        };
        if sight.name() < one.name() {
            if sight.hash != one.hash {
                self.other = Some(one);
            }
            self.one = Some(sight);
        } else if sight.hash != one.hash
            && self.other.is_none_or(|other| sight.name() < other.name())
        {
            self.other = Some(sight);
        }
    }

    fn join(&mut self, more: Self) {
        more.iter().for_each(|sight| self.add(sight));
    }

    fn iter(self) -> impl Iterator<Item = Sight<'a>> {
        self.one.into_iter().chain(self.other)
    }

    fn each_with(self, others: Self, found: &mut impl FnMut(Apart<'a>)) {
        for one in self.iter() {
            for other in others.iter().filter(|other| other.hash != one.hash) {
                let both = [(one.stood, one.hash), (other.stood, other.hash)];
                found(Apart::new(one.place, both));
            }
        }
    }
}

#[cfg(test)]
mod tests;
