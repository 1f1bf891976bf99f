//! The services, and what finds them fast.

use std::collections::{BTreeMap, BTreeSet};

use chaos_attestation::{AnchorClass, EvidenceId, WorkloadId};
use chaos_types::{Did, Digest};

use super::{
    Endpoint, NAMES_PER_OWNER_MAX, Query, Route, SERVICES_MAX, SERVICES_PER_OWNER_MAX, Tags,
    symbols::Symbols, tags::KINDS,
};
use crate::{Fault, Name, Refusal, ServiceId};

/// A service as the directory knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub service: ServiceId,
    /// The key that owns it.
    pub owner: Did,
    /// Where it listens.
    pub endpoints: Vec<Endpoint>,
    /// Its tags.
    pub tags: Tags,
    /// How many jobs it said that it can take.
    pub capacity: u32,
    /// The owner's last sequence number.
    pub sequence: u64,
    /// The evidence that was accepted last.
    pub evidence: EvidenceId,
    /// What runs there.
    pub workload: WorkloadId,
    /// What the chain of trust ended in.
    pub anchor: AnchorClass,
    /// The digest of the policy that accepted the evidence.
    pub policy: Digest,
    /// When it is off the list without a heartbeat, in Unix seconds.
    pub expires_at_s: u64,
    /// Whether the operator revoked it.
    pub revoked: bool,
    pub(super) slot: u32,
}

impl Service {
    /// Its place in the table: stable while it is listed, and smaller than
    /// `SERVICES_MAX`. Another service may have it later.
    #[must_use]
    pub const fn slot(&self) -> usize {
        self.slot as usize
    }

    /// How to reach it, as answers of the directory say it.
    #[must_use]
    pub fn route(&self) -> Route {
        Route {
            capacity: self.capacity,
            endpoints: self.endpoints.clone(),
            evidence: self.evidence,
            expires_at_s: self.expires_at_s,
            owner: self.owner,
            service: self.service.clone(),
            workload: self.workload,
        }
    }
}

/// A name, whose it is, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    owner: Did,
    /// For ever while an instance is revoked, so that the revocation cannot be waited out.
    hold_until_s: u64,
    instances: BTreeMap<Name, u32>,
}

/// No symbol: the service has no tag of the kind.
const NO_SYMBOL: u32 = u32::MAX;

/// What a query looks at, small enough that ten thousand rows stay in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    tags: [u32; KINDS],
    workload: u32,
    /// Zero if the slot is empty or the service revoked.
    live_until_s: u64,
}

const EMPTY: Row = Row { tags: [NO_SYMBOL; KINDS], workload: NO_SYMBOL, live_until_s: 0 };

pub(super) fn index(slot: usize) -> u32 {
    u32::try_from(slot).expect("the table is bounded far below 2^32")
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    services: Vec<Option<Service>>,
    rows: Vec<Row>,
    free: Vec<u32>,
    names: BTreeMap<Name, Owned>,
    by_hold: BTreeSet<(u64, Name)>,
    by_end: BTreeSet<(u64, u32)>,
    owners: BTreeMap<Did, usize>,
    tags: [Symbols<Name>; KINDS],
    workloads: Symbols<WorkloadId>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            services: Vec::new(),
            rows: Vec::new(),
            free: Vec::new(),
            names: BTreeMap::new(),
            by_hold: BTreeSet::new(),
            by_end: BTreeSet::new(),
            owners: BTreeMap::new(),
            tags: [const { Symbols::new() }; KINDS],
            workloads: Symbols::new(),
        }
    }

    pub(super) fn find(&self, id: &ServiceId) -> Result<&Service, Refusal> {
        let slot = self.names.get(id.name()).and_then(|name| name.instances.get(id.instance()));
        slot.and_then(|slot| self.services[*slot as usize].as_ref())
            .ok_or_else(|| Refusal::new(Fault::ServiceUnknown, id.to_string()))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Service> {
        self.services.iter().flatten()
    }

    fn len(&self) -> usize {
        self.services.len() - self.free.len()
    }

    /// Whether the key may have the name now.
    pub(super) fn ensure_owner(
        &self,
        id: &ServiceId,
        owner: &Did,
        at_s: u64,
    ) -> Result<(), Refusal> {
        match self.names.get(id.name()) {
            Some(name) if name.owner != *owner && name.hold_until_s > at_s => {
                let detail = format!("`{}` belongs to {}", id.name(), name.owner);
                Err(Refusal::new(Fault::NotOwner, detail))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether no instance of the name is revoked: its owner may list none anew until that is
    /// lifted.
    pub(super) fn ensure_name_stands(&self, id: &ServiceId) -> Result<(), Refusal> {
        let instances = self.names.get(id.name()).into_iter().flat_map(|name| &name.instances);
        let mut services = instances.flat_map(|(_, slot)| &self.services[*slot as usize]);
        match services.find(|service| service.revoked) {
            Some(revoked) => Err(Refusal::new(Fault::ServiceRevoked, revoked.service.to_string())),
            None => Ok(()),
        }
    }

    /// Whether the service fits in.
    pub(super) fn ensure_room(
        &self,
        id: &ServiceId,
        owner: &Did,
        at_s: u64,
    ) -> Result<(), Refusal> {
        if self.find(id).is_ok_and(|found| found.owner == *owner) {
            return Ok(());
        }
        self.ensure_names(id, owner, at_s)?;
        // What is forgotten with its name before the service is entered does not count.
        let ended = self.by_hold.iter().take_while(|(until_s, _)| *until_s <= at_s);
        let ended = ended.map(|(_, name)| &self.names[name]).filter(|name| name.owner == *owner);
        let ended: usize = ended.map(|name| name.instances.len()).sum();
        let owned = self.owners.get(owner).copied().unwrap_or(0) - ended;
        let full =
            self.len() >= SERVICES_MAX && self.by_end.first().is_none_or(|(end, _)| *end > at_s);
        let names_full = self.names.len() >= SERVICES_MAX
            && !self.names.contains_key(id.name())
            && self.by_hold.first().is_none_or(|(end, _)| *end > at_s);
        if owned < SERVICES_PER_OWNER_MAX && !full && !names_full {
            return Ok(());
        }
        let detail = format!("{} services are listed, {owned} of this owner", self.len());
        Err(Refusal::new(Fault::TableFull, detail))
    }

    /// Whether the owner holds the name, or may hold another.
    fn ensure_names(&self, id: &ServiceId, owner: &Did, at_s: u64) -> Result<(), Refusal> {
        let held = |name: &Owned| name.owner == *owner && name.hold_until_s > at_s;
        if self.names.get(id.name()).is_some_and(held) {
            return Ok(());
        }
        let count = self.names.values().filter(|name| held(name)).count();
        if count < NAMES_PER_OWNER_MAX {
            return Ok(());
        }
        let detail = format!("{owner} holds {count} names, the limit is {NAMES_PER_OWNER_MAX}");
        Err(Refusal::new(Fault::TableFull, detail))
    }

    /// Forgets names that nobody holds any more, and if the table is full the service that has been
    /// over for longest.
    pub(super) fn prune(&mut self, at_s: u64) {
        while self.by_hold.first().is_some_and(|(until, _)| *until <= at_s) {
            let (_, name) = self.by_hold.pop_first().expect("there is a first");
            let owned = self.names.remove(&name).expect("every hold is of a name");
            for slot in owned.instances.into_values() {
                self.clear(slot);
            }
        }
        while self.len() >= SERVICES_MAX {
            match self.by_end.first() {
                Some((end, slot)) if *end <= at_s => self.remove_slot(*slot),
                Some(_) | None => break,
            }
        }
    }

    /// Enters a service in the place of the one of the same name.
    pub(super) fn put(&mut self, mut service: Service, hold_until_s: u64) {
        let (name, instance) = (service.service.name().clone(), service.service.instance().clone());
        let known = self.names.get(&name).and_then(|owned| owned.instances.get(&instance)).copied();
        let slot = match known {
            Some(slot) => {
                self.unindex(slot);
                slot
            }
            None => self.free.pop().unwrap_or_else(|| {
                self.services.push(None);
                self.rows.push(EMPTY);
                index(self.services.len() - 1)
            }),
        };
        let owned = self.names.entry(name.clone()).or_insert_with(|| Owned {
            owner: service.owner,
            hold_until_s: 0,
            instances: BTreeMap::new(),
        });
        owned.instances.insert(instance, slot);
        let hold_until_s = owned.hold_until_s.max(hold_until_s);
        self.hold(&name, hold_until_s);
        service.slot = slot;
        self.services[slot as usize] = Some(service);
        self.index(slot);
    }

    /// Takes a service off the list, and frees its name with the last instance.
    pub(super) fn remove(&mut self, id: &ServiceId) -> Result<(), Refusal> {
        let slot = self.find(id)?.slot;
        self.remove_slot(slot);
        let owned = &self.names[id.name()];
        if owned.instances.is_empty() {
            self.by_hold.remove(&(owned.hold_until_s, id.name().clone()));
            self.names.remove(id.name());
        }
        Ok(())
    }

    fn remove_slot(&mut self, slot: u32) {
        let service = self.services[slot as usize].as_ref().expect("the slot is taken");
        let (name, instance) = (service.service.name().clone(), service.service.instance().clone());
        let owned = self.names.get_mut(&name).expect("every service has a name");
        owned.instances.remove(&instance);
        self.clear(slot);
    }

    fn clear(&mut self, slot: u32) {
        self.unindex(slot);
        self.services[slot as usize] = None;
        self.free.push(slot);
    }

    /// Revokes a service, or lifts that. The name is held at least until then, while a service of
    /// it lives, and for ever while one is revoked.
    pub(super) fn stand(
        &mut self,
        id: &ServiceId,
        revoked: bool,
        hold_until_s: u64,
    ) -> Result<(), Refusal> {
        let slot = self.find(id)?.slot;
        self.unindex(slot);
        let service = self.services[slot as usize].as_mut().expect("it was found");
        service.revoked = revoked;
        self.index(slot);
        let name = id.name();
        let instances = self.names[name].instances.values();
        let until_s = instances
            .flat_map(|slot| &self.services[*slot as usize])
            .map(|service| if service.revoked { u64::MAX } else { service.expires_at_s })
            .fold(hold_until_s, u64::max);
        self.hold(name, until_s);
        Ok(())
    }

    fn hold(&mut self, name: &Name, until_s: u64) {
        let owned = self.names.get_mut(name).expect("only names that are there are held");
        self.by_hold.remove(&(owned.hold_until_s, name.clone()));
        owned.hold_until_s = until_s;
        self.by_hold.insert((until_s, name.clone()));
    }

    fn index(&mut self, slot: u32) {
        let service = self.services[slot as usize].as_ref().expect("only what is there is indexed");
        let mut tags = [NO_SYMBOL; KINDS];
        for ((symbol, value), symbols) in
            tags.iter_mut().zip(service.tags.by_kind()).zip(&mut self.tags)
        {
            *symbol = value.map_or(NO_SYMBOL, |value| symbols.add(value, slot));
        }
        let workload = self.workloads.add(&service.workload, slot);
        let live_until_s = if service.revoked { 0 } else { service.expires_at_s };
        self.rows[slot as usize] = Row { tags, workload, live_until_s };
        if !service.revoked {
            self.by_end.insert((service.expires_at_s, slot));
        }
        *self.owners.entry(service.owner).or_default() += 1;
    }

    fn unindex(&mut self, slot: u32) {
        let service = self.services[slot as usize].as_ref().expect("only what is there is indexed");
        for (value, symbols) in service.tags.by_kind().into_iter().zip(&mut self.tags) {
            if let Some(value) = value {
                symbols.remove(value, slot);
            }
        }
        self.workloads.remove(&service.workload, slot);
        self.rows[slot as usize] = EMPTY;
        self.by_end.remove(&(service.expires_at_s, slot));
        let owned = self.owners.get_mut(&service.owner).expect("every owner is counted");
        *owned -= 1;
        if *owned == 0 {
            self.owners.remove(&service.owner);
        }
    }

    /// The services that fit, live, and run what `allows` lets run, in the order of their slots.
    /// `allows` is asked once for each workload.
    pub(super) fn matching(
        &self,
        query: &Query,
        at_s: u64,
        mut allows: impl FnMut(&WorkloadId) -> bool,
    ) -> Vec<&Service> {
        let mut wanted = [None; KINDS];
        let mut narrowest: Option<&BTreeSet<u32>> = None;
        for (kind, value) in query.tags.by_kind().into_iter().enumerate() {
            let Some(value) = value else { continue };
            let Some(id) = self.tags[kind].find(value) else { return Vec::new() };
            wanted[kind] = Some(id);
            let slots = self.tags[kind].slots(id);
            if narrowest.is_none_or(|narrowest| slots.len() < narrowest.len()) {
                narrowest = Some(slots);
            }
        }
        let mut verdicts = vec![None; self.workloads.len()];
        let mut fits = |slot: u32| {
            let row = &self.rows[slot as usize];
            let tags = row.tags.iter().zip(&wanted);
            if row.live_until_s <= at_s
                || tags.clone().any(|(has, want)| want.is_some_and(|want| *has != want))
            {
                return false;
            }
            *verdicts[row.workload as usize]
                .get_or_insert_with(|| self.workloads.value(row.workload).is_some_and(&mut allows))
        };
        let mut slots: Vec<u32> = match (&query.name, narrowest) {
            (Some(name), _) => self
                .names
                .get(name)
                .into_iter()
                .flat_map(|owned| owned.instances.values().copied())
                .filter(|slot| fits(*slot))
                .collect(),
            (None, Some(slots)) => slots.iter().copied().filter(|slot| fits(*slot)).collect(),
            (None, None) => (0..index(self.rows.len())).filter(|slot| fits(*slot)).collect(),
        };
        // By name they come in the order of the instances.
        slots.sort_unstable();
        slots.into_iter().filter_map(|slot| self.services[slot as usize].as_ref()).collect()
    }
}
