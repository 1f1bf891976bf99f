use std::collections::BTreeSet;

use chaos_attestation::{AnchorClass, Provider, ReasonCode, WorkloadId};
use chaos_types::{AgentKey, Did};

use super::*;
use crate::{
    Answered, EvidenceDocument, Fault, Reason, Refusal, SecretId, Signed,
    exchange::Challenge,
    tests::{AT_S, RandomBytes, TestAppraiser, key, machine, random},
    vault::{KeyFile, Secret, Vault},
    wire,
};

mod attacks;
mod fold;
mod leases;

/// A broker with a vault of three secrets of two tenants, and a record of all that it decided.
struct World {
    broker: Broker,
    appraiser: TestAppraiser,
    vault: Vault,
    key: AgentKey,
    /// Who asks, as the channel shows it.
    caller: Did,
    events: Vec<Event>,
    random: RandomBytes,
}

fn id(text: &str) -> SecretId {
    text.parse().unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec()).unwrap()
}

fn client(job: &str, secrets: &[&str]) -> Client {
    let secrets: BTreeSet<SecretId> = secrets.iter().map(|text| id(text)).collect();
    Client::new(key(1).did(), job.parse().unwrap(), "trader".parse().unwrap(), secrets).unwrap()
}

fn rule(workload: WorkloadId, secret: &str) -> Rule {
    let (anchor, role) = (AnchorClass::Development, "trader".parse().unwrap());
    Rule { anchor, job: None, role, secret: id(secret), workload }
}

impl World {
    /// The workload `agent` may read everything, in jobs of the secret's own tenant.
    fn new() -> Self {
        let mut random: RandomBytes = Box::new(random(1));
        let source = KeyFile::new(&Secret::new(vec![7; 32]).unwrap()).unwrap();
        let mut vault = Vault::create(&source, &mut random).unwrap();
        for (name, text) in
            [("a/key", "alpha-alpha"), ("a/more", "alpha-more"), ("b/key", "bravo-bravo")]
        {
            let purpose = "exchange".parse().unwrap();
            vault.store(id(name), purpose, &secret(text), &mut random).unwrap();
        }
        let mut world = Self {
            broker: Broker::new(key(1).did(), Config::default()),
            appraiser: TestAppraiser::allowing(&["agent", "other"]),
            vault,
            key: key(1),
            caller: key(7).did(),
            events: Vec::new(),
            random,
        };
        world.learn(AT_S).unwrap();
        for secret in ["a/key", "a/more", "b/key"] {
            let answered = world.broker.allow(rule(machine("agent").workload(), secret), AT_S);
            world.record(answered).unwrap();
        }
        world
    }

    fn record<T>(&mut self, answered: Answered<T, Event>) -> Result<T, Refusal> {
        self.events.push(answered.event);
        answered.answer
    }

    fn learn(&mut self, at_s: u64) -> Result<(), Refusal> {
        let answered = self.broker.learn(&self.vault, at_s);
        self.events.extend(answered.event);
        answered.answer
    }

    fn challenge(&mut self, purpose: &Purpose, at_s: u64) -> Result<Challenge, Refusal> {
        let answered = self.broker.challenge(&self.caller, purpose, &mut self.random, at_s);
        self.record(answered)
    }

    fn release(&mut self, request: &ReleaseRequest, at_s: u64) -> Result<Signed<Grant>, Refusal> {
        let context = Context { appraiser: &self.appraiser, key: &self.key, vault: &self.vault };
        let answered = self.broker.release(request, &context, &mut self.random, at_s);
        self.record(answered)
    }

    /// A request with everything in order.
    fn request(
        &mut self,
        client: &Client,
        renews: Option<LeaseId>,
        provider: &dyn Provider,
        at_s: u64,
    ) -> (Pending, ReleaseRequest) {
        let purpose = client.ask(renews);
        let challenge = self.challenge(&purpose, at_s).unwrap();
        client.prove(purpose, &challenge, provider, &mut self.random, at_s).unwrap()
    }

    /// The whole way, by a machine that holds `agent`.
    fn obtain(
        &mut self,
        client: &Client,
        renews: Option<LeaseId>,
        at_s: u64,
    ) -> Result<Held, Refusal> {
        let (pending, request) = self.request(client, renews, &machine("agent"), at_s);
        let grant = self.release(&request, at_s)?;
        pending.open(&grant, at_s)
    }
}

fn refused<T>(result: Result<T, Refusal>) -> Reason {
    result.err().expect("it is refused").code
}

#[test]
fn secrets_reach_the_code_inside_and_only_the_wire_between() {
    let mut world = World::new();
    let client = client("a/job", &["a/key", "a/more"]);
    let purpose = client.ask(None);
    let sent = |message: Message| Message::from_bytes(&message.to_bytes().unwrap()).unwrap();
    let Message::ChallengeRequest(asked) = sent(Message::ChallengeRequest(purpose.clone())) else {
        panic!("another kind of message");
    };
    let challenge = world.challenge(&asked, AT_S).unwrap();
    let Message::Challenge(challenge) = sent(Message::Challenge(challenge)) else {
        panic!("another kind of message");
    };
    let (pending, request) =
        client.prove(purpose, &challenge, &machine("agent"), &mut world.random, AT_S).unwrap();
    let Message::ReleaseRequest(request) = sent(Message::ReleaseRequest(Box::new(request))) else {
        panic!("another kind of message");
    };
    let grant = world.release(&request, AT_S + 1).unwrap();
    let Message::Grant(grant) = sent(Message::Grant(Box::new(grant))) else {
        panic!("another kind of message");
    };
    let mut held = pending.open(&grant, AT_S + 1).unwrap();
    assert_eq!(held.secret(&id("a/key"), AT_S + 2).unwrap().expose(), b"alpha-alpha");
    assert_eq!(held.secret(&id("a/more"), AT_S + 2).unwrap().expose(), b"alpha-more");
    assert_eq!(refused(held.secret(&id("b/key"), AT_S + 2)), Fault::SecretUnknown);
    assert_eq!(held.expires_at_s(), AT_S + 1 + 900);
    let lease = world.broker.ensure_lease(&held.lease(), &id("a/key"), AT_S + 2).unwrap();
    assert_eq!(lease.workload, machine("agent").workload());
}

/// The expected bytes are from Python's hashlib.
#[test]
fn report_data_keeps_its_golden_bytes() {
    let nonce = serde_json::from_str(&format!("\"{}\"", "11".repeat(32))).unwrap();
    let key = serde_json::from_str(&format!("\"{}\"", "22".repeat(32))).unwrap();
    let purpose = |renews: Option<&str>, secrets: &[&str]| Purpose {
        job: "a/job".parse().unwrap(),
        renews: renews.map(|lease| lease.parse().unwrap()),
        role: "trader".parse().unwrap(),
        secrets: secrets.iter().map(|text| id(text)).collect(),
    };
    let bound = |purpose| hex::encode(report_data(&nonce, &key, &purpose).as_bytes());
    assert_eq!(
        bound(purpose(None, &["a/key", "a/more"])),
        "5f81a2494fdead775de40c0412bea6109dd08d65c49b2b681591290b6df03086\
         1a951bc8231c7efd9512c532c3541b4ca8f6c7d34ba896074a8cfa3e4ee8fa76"
    );
    assert_eq!(
        bound(purpose(Some(&"33".repeat(16)), &["a/key"])),
        "511f43cc8d9090bf55341ad8a787f2271725cf45941ee1b03842fad07367b147\
         e26fd09a309547e259f1503e59ccf0289e63c0d1829ef56b83071f6788ba6622"
    );
}

#[test]
fn a_message_of_another_version_kind_or_spelling_is_refused() {
    let purpose = client("a/job", &["a/key"]).ask(None);
    let bytes = Message::ChallengeRequest(purpose).to_bytes().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(
        text,
        "{\"message\":{\"body\":{\"job\":\"a/job\",\"renews\":null,\"role\":\"trader\",\
         \"secrets\":[\"a/key\"]},\"kind\":\"challenge-request\"},\"version\":1}"
    );
    for (from, to) in [
        ("\"version\":1", "\"version\":2"),
        ("challenge-request", "challenge-requests"),
        ("\"renews\":null,", ""),
        ("\"renews\":null", "\"renews\": null"),
        ("a/job", "a/JOB"),
        ("\"role\":", "\"more\":1,\"role\":"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text);
        let refusal = Message::from_bytes(changed.as_bytes()).unwrap_err();
        assert_eq!(refusal.code, ReasonCode::MessageMalformed, "{changed}");
    }
}

#[test]
fn oversized_messages_and_evidence_are_refused() {
    let bytes = vec![b'1'; crate::MESSAGE_BYTES_MAX + 1];
    assert_eq!(refused(Message::from_bytes(&bytes)), ReasonCode::MessageTooLarge);
    let large = |quote: usize, collateral: usize, log: usize| {
        EvidenceDocument::from(chaos_attestation::Evidence {
            quote: vec![0; quote],
            collateral: Some(vec![0; collateral]),
            event_log: Some(vec![0; log]),
        })
        .to_evidence()
    };
    assert_eq!(refused(large((16 << 10) + 1, 0, 0)), ReasonCode::QuoteTooLarge);
    assert_eq!(refused(large(0, (512 << 10) + 1, 0)), ReasonCode::CollateralTooLarge);
    assert_eq!(refused(large(0, 0, (128 << 10) + 1)), ReasonCode::MessageTooLarge);
    assert!(large(16 << 10, 512 << 10, 128 << 10).is_ok());
}

#[test]
fn too_many_secrets_or_the_same_twice_are_refused() {
    let mut world = World::new();
    let good = client("a/job", &["a/key", "a/more"]).ask(None);
    let with = |secrets: Vec<SecretId>| Purpose { secrets, ..good.clone() };
    let many = (0..17).map(|n| id(&format!("a/key-{n:02}"))).collect();
    let twice = vec![id("a/key"), id("a/key")];
    let unordered = vec![id("a/more"), id("a/key")];
    for secrets in [many, twice, unordered, Vec::new()] {
        let refusal = world.challenge(&with(secrets), AT_S);
        assert_eq!(refused(refusal), ReasonCode::MessageMalformed);
    }
}

#[test]
fn the_table_of_nonces_is_bounded_for_each_caller_and_for_all() {
    use crate::exchange::{SESSIONS_MAX, SESSIONS_PER_CALLER_MAX};
    let mut world = World::new();
    let purpose = client("a/job", &["a/key"]).ask(None);
    for caller in 0..SESSIONS_MAX / SESSIONS_PER_CALLER_MAX {
        world.caller = key(u8::try_from(caller).unwrap()).did();
        for _ in 0..SESSIONS_PER_CALLER_MAX {
            world.challenge(&purpose, AT_S).unwrap();
        }
        assert_eq!(refused(world.challenge(&purpose, AT_S)), Fault::TableFull);
    }
    world.caller = key(200).did();
    assert_eq!(refused(world.challenge(&purpose, AT_S + 299)), Fault::TableFull);
    world.challenge(&purpose, AT_S + 300).unwrap();
}

#[test]
fn one_callers_nonces_and_leases_leave_room_for_others() {
    let mut world = World::new();
    let asking = client("a/job", &["a/key"]);
    for _ in 0..lease::LEASES_PER_CALLER_MAX {
        world.obtain(&asking, None, AT_S).unwrap();
    }
    assert_eq!(refused(world.obtain(&asking, None, AT_S)), Fault::TableFull);
    // Leases that run are renewed, and another caller has leases of its own.
    let lease = world.broker.leases().next().unwrap().id;
    world.obtain(&asking, Some(lease), AT_S).unwrap();
    world.caller = key(8).did();
    world.obtain(&asking, None, AT_S).unwrap();
    world.caller = key(7).did();
    world.obtain(&asking, None, AT_S + 900).unwrap();
}
