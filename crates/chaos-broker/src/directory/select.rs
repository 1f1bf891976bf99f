use std::fmt;

use chaos_attestation::EvidenceId;
use chaos_types::Did;

use super::Service;

/// Chooses among services that all fit and are all good.
///
/// The candidates come in the order of their slots; a policy keeps what it must remember by
/// [`Service::slot`]. Called with none, it chooses none. The same calls give the same choices.
pub trait Selection {
    /// The index of the one to use, if any can be used.
    fn choose(&mut self, candidates: &[&Service]) -> Option<usize>;
}

/// Each in turn.
#[derive(Debug, Clone, Default)]
pub struct RoundRobin {
    last: Option<usize>,
}

impl Selection for RoundRobin {
    fn choose(&mut self, candidates: &[&Service]) -> Option<usize> {
        let after = self
            .last
            .map_or(0, |last| candidates.partition_point(|service| service.slot() <= last));
        let index = if after < candidates.len() { after } else { 0 };
        self.last = Some(candidates.get(index)?.slot());
        Some(index)
    }
}

/// The one with the most capacity left: what it said in its last heartbeat, less what was given to
/// it since. One without capacity is not used.
#[derive(Debug, Clone, Default)]
pub struct CapacityAware {
    /// By slot: the evidence of the heartbeat, and how often the service was chosen since.
    given: Vec<Option<(EvidenceId, u32)>>,
}

impl Selection for CapacityAware {
    fn choose(&mut self, candidates: &[&Service]) -> Option<usize> {
        let given = |service: &Service| match self.given.get(service.slot()) {
            Some(Some((evidence, given))) if *evidence == service.evidence => *given,
            Some(_) | None => 0,
        };
        let left = |service: &Service| service.capacity.saturating_sub(given(service));
        // Of several with the same, the first.
        let mut best: Option<(usize, u32)> = None;
        for (index, service) in candidates.iter().enumerate() {
            let left = left(service);
            if left > best.map_or(0, |(_, most)| most) {
                best = Some((index, left));
            }
        }
        let (index, _) = best?;
        let service = candidates[index];
        let count = given(service) + 1;
        if self.given.len() <= service.slot() {
            self.given.resize(service.slot() + 1, None);
        }
        self.given[service.slot()] = Some((service.evidence, count));
        Some(index)
    }
}

/// Each as often as its owner's reputation says, smoothly mixed: a service whose owner has twice the
/// reputation is chosen twice as often. An owner without reputation is not chosen.
pub struct ReputationAware<R> {
    reputation: R,
    /// By slot: the owner, and how far the service is behind its share.
    behind: Vec<Option<(Did, i64)>>,
}

impl<R: Fn(&Did) -> u32> ReputationAware<R> {
    /// `reputation` gives an owner's score; it is asked for every candidate of every choice.
    #[must_use]
    pub const fn new(reputation: R) -> Self {
        Self { reputation, behind: Vec::new() }
    }
}

impl<R> fmt::Debug for ReputationAware<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReputationAware").finish_non_exhaustive()
    }
}

impl<R: Fn(&Did) -> u32> Selection for ReputationAware<R> {
    /// Smooth weighted round-robin: everybody gains its weight, the one furthest behind is chosen
    /// and pays the sum. All sums stay below 2^46.
    fn choose(&mut self, candidates: &[&Service]) -> Option<usize> {
        let slots = candidates.last().map_or(0, |service| service.slot() + 1);
        if self.behind.len() < slots {
            self.behind.resize(slots, None);
        }
        let mut total = 0;
        let mut best: Option<(usize, i64)> = None;
        for (index, service) in candidates.iter().enumerate() {
            let weight = i64::from((self.reputation)(&service.owner));
            if weight == 0 {
                continue;
            }
            total += weight;
            let entry = &mut self.behind[service.slot()];
            let behind = match entry {
                Some((owner, behind)) if *owner == service.owner => *behind,
                Some(_) | None => 0,
            };
            *entry = Some((service.owner, behind + weight));
            if best.is_none_or(|(_, most)| behind + weight > most) {
                best = Some((index, behind + weight));
            }
        }
        let (index, behind) = best?;
        let service = candidates[index];
        self.behind[service.slot()] = Some((service.owner, behind - total));
        Some(index)
    }
}
