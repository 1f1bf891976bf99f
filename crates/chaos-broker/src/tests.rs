//! A small world for the tests of directory and broker: a development PKI, machines, an appraiser.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
};

use chaos_attestation::{
    Appraiser, Evidence, Finding, Policy, PolicyAppraiser, Refusal, Verifier, WorkloadId,
    provide::{
        Development,
        development::{Fault, Identity, Scenario, Seed, Window},
    },
};
use chaos_ledger::System;
use chaos_types::AgentKey;
use sha2::{Digest as _, Sha256};

/// 2026-09-21, 14:13:20 UTC.
pub(crate) const AT_S: u64 = 1_790_000_000;

/// A source of bytes that a world keeps.
pub(crate) type RandomBytes = Box<dyn FnMut(&mut [u8])>;

/// Bytes that look random and are the same in every run.
pub(crate) fn random(seed: u64) -> impl FnMut(&mut [u8]) {
    let mut count = 0_u64;
    move |bytes: &mut [u8]| {
        for chunk in bytes.chunks_mut(32) {
            let mut hasher = Sha256::new();
            hasher.update(seed.to_be_bytes());
            hasher.update(count.to_be_bytes());
            count += 1;
            chunk.copy_from_slice(&hasher.finalize()[..chunk.len()]);
        }
    }
}

/// A clock that stands still, and bytes that never come twice.
pub(crate) const SYSTEM: System = System {
    kinds: chaos_agency::Kinds::new(&[crate::receipts::EXTENSION]),
    now_ms: || AT_S * 1000,
    random: |bytes| {
        static DRAWS: AtomicU64 = AtomicU64::new(0);
        random(DRAWS.fetch_add(1, Ordering::Relaxed))(bytes);
        Ok(())
    },
};

pub(crate) fn key(number: u8) -> AgentKey {
    AgentKey::from_seed(&[number; 32])
}

/// A machine of the development PKI that holds the workload of this name.
pub(crate) fn machine(name: &str) -> Development {
    let scenario = Scenario::new(Window::of_day(AT_S)).identity(Identity::named(name));
    Development::simulating(&Seed::well_known(), scenario)
}

pub(crate) fn faulty(name: &str, fault: Fault) -> Development {
    let scenario = Scenario::new(Window::of_day(AT_S)).identity(Identity::named(name)).fault(fault);
    Development::simulating(&Seed::well_known(), scenario)
}

/// Judges by the development policy and a list that can change.
pub(crate) struct TestAppraiser {
    verifier: Verifier,
    policy: Policy,
    pub(crate) allowed: BTreeSet<WorkloadId>,
}

impl TestAppraiser {
    /// One that allows the workloads of these names.
    pub(crate) fn allowing(names: &[&str]) -> Self {
        Self {
            verifier: Verifier::new(vec![machine("any").anchor()]),
            policy: Policy::development(),
            allowed: names.iter().map(|name| machine(name).workload()).collect(),
        }
    }

    fn appraiser(&self) -> PolicyAppraiser<'_> {
        PolicyAppraiser {
            verifier: &self.verifier,
            policy: &self.policy,
            workloads: &self.allowed,
            collateral: None,
        }
    }
}

impl Appraiser for TestAppraiser {
    fn appraise(&self, evidence: &Evidence, at_s: u64) -> Result<Finding, Refusal> {
        self.appraiser().appraise(evidence, at_s)
    }

    fn ensure_allowed(&self, workload: &WorkloadId, at_s: u64) -> Result<(), Refusal> {
        self.appraiser().ensure_allowed(workload, at_s)
    }
}
