//! What the release of a secret costs end to end, and what finding a service among ten thousand.
//!
//! `cargo xtask bench release [--json]`. A release is the whole exchange under the development PKI
//! in one process: nonce, key, quote, verification, appraisal, decision, encryption, signature, and
//! decryption, with every message written and read; what is missing is the network. *Cold* is the
//! same with a verifier that has not seen the platform. A discovery asks the allowlist for each
//! workload and ends with the list of services; a selection chooses one of them.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a benchmark prints what a clock showed"
)]

use std::{collections::BTreeSet, hint::black_box, time::Instant};

use chaos_attestation::{
    AnchorClass, Policy, PolicyAppraiser, Verifier, WorkloadId,
    provide::{
        Development,
        development::{Seed, Window},
    },
};
use chaos_broker::{
    directory::{
        self, ChallengeGiven, Directory, Query, Registered, ReputationAware, Subject, Tags,
    },
    release::{Broker, Client, Config, Context, Message, Rule},
    vault::{KeyFile, Secret, Vault},
};
use chaos_types::{AgentKey, Did, Digest};

const AT_S: u64 = 1_790_000_000;
const RELEASES: usize = 400;
const SERVICES: usize = 10_000;
const DISCOVERIES: usize = 2_000;

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let show = |measure: &str, value: f64| {
        if json {
            println!("{{\"measure\":\"{measure}\",\"value\":{value:.4},\"unit\":\"ms\"}}");
        } else {
            println!("{measure:<20} {value:>9.4} ms");
        }
    };
    let mut world = World::new();
    let warm = times(RELEASES, || world.release(None));
    show("release_p50", quantile(&warm, 50));
    show("release_p99", quantile(&warm, 99));
    let cold = times(RELEASES, || {
        let verifier = Verifier::new(vec![world.machine.anchor()]);
        world.release(Some(verifier));
    });
    show("release_cold_p50", quantile(&cold, 50));

    let directory = filled();
    let appraiser = world.appraiser();
    let narrow: Vec<Query> = (0..50_usize).map(narrow).collect();
    let mut queries = narrow.iter().cycle();
    let found = times(DISCOVERIES, || {
        let query = queries.next().unwrap();
        assert!(!black_box(directory.discover(query, &appraiser, AT_S).unwrap()).is_empty());
    });
    show("discovery_p50", quantile(&found, 50));
    show("discovery_p99", quantile(&found, 99));
    let everything = Query::default();
    let all = times(DISCOVERIES, || {
        let found = directory.discover(&everything, &appraiser, AT_S).unwrap();
        assert_eq!(black_box(found).len(), SERVICES);
    });
    show("discovery_all_p50", quantile(&all, 50));
    show("discovery_all_p99", quantile(&all, 99));
    let mut policy = ReputationAware::new(|owner: &Did| u32::from(owner.as_bytes()[0]));
    let selected = times(DISCOVERIES, || {
        black_box(directory.select(&everything, &mut policy, &appraiser, AT_S).unwrap());
    });
    show("selection_all_p50", quantile(&selected, 50));
    show("selection_all_p99", quantile(&selected, 99));
}

/// How long each call took, in milliseconds, ascending. A tenth more come first and do not count.
fn times(count: usize, mut work: impl FnMut()) -> Vec<f64> {
    for _ in 0..count / 10 {
        work();
    }
    let mut times: Vec<f64> = (0..count)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times
}

fn quantile(ascending: &[f64], percent: usize) -> f64 {
    ascending[(ascending.len() - 1) * percent / 100]
}

/// A broker with one secret, and a machine whose workload may read it.
struct World {
    broker: Broker,
    callers: Vec<Did>,
    client: Client,
    key: AgentKey,
    machine: Development,
    policy: Policy,
    vault: Vault,
    verifier: Verifier,
    workloads: BTreeSet<WorkloadId>,
    count: u64,
}

impl World {
    fn new() -> Self {
        let key = AgentKey::from_seed(&[1; 32]);
        let machine = Development::new(&Seed::well_known(), Window::of_day(AT_S));
        let source = KeyFile::new(&Secret::new(vec![7; 32]).unwrap()).unwrap();
        let mut vault = Vault::create(&source, &mut |bytes| bytes.fill(3)).unwrap();
        let secret = Secret::new(b"an exchange's key".to_vec()).unwrap();
        let id: chaos_broker::SecretId = "tenant/exchange".parse().unwrap();
        let purpose = "exchange".parse().unwrap();
        vault.store(id.clone(), purpose, &secret, &mut |bytes| bytes.fill(4)).unwrap();
        let mut broker = Broker::new(key.did(), Config::default());
        broker.learn(&vault, AT_S).answer.unwrap();
        let role: chaos_broker::Name = "trader".parse().unwrap();
        let rule = Rule {
            anchor: AnchorClass::Development,
            job: None,
            role: role.clone(),
            secret: id.clone(),
            workload: machine.workload(),
        };
        broker.allow(rule, AT_S).answer.unwrap();
        let job = "tenant/job".parse().unwrap();
        Self {
            broker,
            callers: (0..32).map(|seed| AgentKey::from_seed(&[seed; 32]).did()).collect(),
            client: Client::new(key.did(), job, role, BTreeSet::from([id])).unwrap(),
            key,
            verifier: Verifier::new(vec![machine.anchor()]),
            workloads: BTreeSet::from([machine.workload()]),
            policy: Policy::development(),
            machine,
            vault,
            count: 0,
        }
    }

    fn appraiser(&self) -> PolicyAppraiser<'_> {
        PolicyAppraiser {
            verifier: &self.verifier,
            policy: &self.policy,
            workloads: &self.workloads,
            collateral: None,
        }
    }

    /// One release, by this verifier or the one that has seen the platform.
    fn release(&mut self, verifier: Option<Verifier>) {
        if let Some(verifier) = verifier {
            self.verifier = verifier;
        }
        // Time goes on, so that the table of nonces has room.
        self.count += 1;
        let at_s = AT_S + self.count;
        let mut drawn = 0_u64;
        let count = self.count;
        let mut random = |bytes: &mut [u8]| {
            drawn += 1;
            let digest = Digest::of_parts(&[&count.to_be_bytes(), &drawn.to_be_bytes()]);
            bytes.copy_from_slice(&digest.as_bytes()[..bytes.len()]);
        };
        // One caller may have only so many leases at a time.
        let caller = self.callers[usize::from(self.count.to_le_bytes()[0]) % self.callers.len()];
        let purpose = self.client.ask(None);
        let Message::ChallengeRequest(asked) = sent(Message::ChallengeRequest(purpose.clone()))
        else {
            unreachable!("a message is read as it was written")
        };
        let challenge = self.broker.challenge(&caller, &asked, &mut random, at_s).answer.unwrap();
        let Message::Challenge(challenge) = sent(Message::Challenge(challenge)) else {
            unreachable!("a message is read as it was written")
        };
        let (pending, request) =
            self.client.prove(purpose, &challenge, &self.machine, &mut random, at_s).unwrap();
        let Message::ReleaseRequest(request) = sent(Message::ReleaseRequest(Box::new(request)))
        else {
            unreachable!("a message is read as it was written")
        };
        let appraiser = PolicyAppraiser {
            verifier: &self.verifier,
            policy: &self.policy,
            workloads: &self.workloads,
            collateral: None,
        };
        let context = Context { appraiser: &appraiser, key: &self.key, vault: &self.vault };
        let grant = self.broker.release(&request, &context, &mut random, at_s).answer.unwrap();
        let Message::Grant(grant) = sent(Message::Grant(Box::new(grant))) else {
            unreachable!("a message is read as it was written")
        };
        let held = pending.open(&grant, at_s).unwrap();
        assert_eq!(black_box(held).secrets().count(), 1);
    }
}

fn sent(message: Message) -> Message {
    Message::from_bytes(&message.to_bytes().unwrap()).unwrap()
}

const REGIONS: usize = 20;
const EXCHANGES: usize = 25;

/// The tags of the service of this number: twenty regions, 25 exchanges, three sizes, and nine of
/// ten in production.
fn tags(number: usize) -> Tags {
    Tags {
        environment: Some(
            if number.is_multiple_of(10) { "staging" } else { "production" }.parse().unwrap(),
        ),
        exchange: Some(format!("exchange-{}", number / 7 % EXCHANGES).parse().unwrap()),
        region: Some(format!("region-{}", number % REGIONS).parse().unwrap()),
        size: Some(["small", "medium", "large"][number % 3].parse().unwrap()),
    }
}

/// Queries as callers ask: by exchange and environment, by region and size, by name.
fn narrow(number: usize) -> Query {
    let of = tags(number * 199 + 1);
    match number % 3 {
        0 => Query {
            name: None,
            tags: Tags { exchange: of.exchange, environment: of.environment, ..Tags::default() },
        },
        1 => {
            Query { name: None, tags: Tags { region: of.region, size: of.size, ..Tags::default() } }
        }
        _ => Query {
            name: Some(format!("service-{}", number * 199 % (SERVICES / 4)).parse().unwrap()),
            tags: Tags::default(),
        },
    }
}

/// A directory after ten thousand registrations: 2,500 names of four instances by 500 owners.
fn filled() -> Directory {
    let machine = Development::new(&Seed::well_known(), Window::of_day(AT_S));
    let identity = AgentKey::from_seed(&[1; 32]).did();
    let mut directory = Directory::new(identity, directory::Config::default());
    for number in 0..SERVICES {
        let digest = Digest::of(&number.to_be_bytes());
        let name = number / 4;
        let mut seed = [9; 32];
        seed[..8].copy_from_slice(&(name % 500).to_be_bytes());
        let owner = AgentKey::from_seed(&seed).did();
        let service: chaos_broker::ServiceId =
            format!("service-{name}/i{}", number % 4).parse().unwrap();
        let session = digest.to_hex()[..32].parse().unwrap();
        // The table of nonces holds fewer than there are services: its entries must run out.
        let at_s = AT_S - 900 + number as u64 / 12;
        let given = ChallengeGiven {
            at_s,
            caller: owner,
            expires_at_s: at_s + 300,
            nonce: digest,
            session,
            subject: Subject { owner, service: service.clone() },
        };
        let registered = Registered {
            anchor: AnchorClass::Development,
            at_s,
            capacity: 8,
            endpoints: vec!["tls://127.0.0.1:7301".parse().unwrap()],
            evidence: digest.into(),
            expires_at_s: AT_S + 900,
            owner,
            policy: digest,
            sequence: 1,
            service,
            session,
            tags: tags(number),
            workload: machine.workload(),
        };
        directory.apply(&directory::Event::ChallengeGiven(given)).unwrap();
        directory.apply(&directory::Event::Registered(registered)).unwrap();
    }
    directory
}
