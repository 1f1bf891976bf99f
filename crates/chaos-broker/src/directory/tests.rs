use chaos_attestation::{
    Provider, ReasonCode,
    provide::development::{self, Window},
};
use chaos_types::{AgentKey, Did};

use super::*;
use crate::{
    Answered, Fault, Reason, Refusal, ServiceId, Signed,
    exchange::Challenge,
    tests::{AT_S, RandomBytes, TestAppraiser, faulty, key, machine, random},
    wire,
};

mod find;
mod fold;
mod hijack;

/// A directory, its appraiser, and a record of all that it decided.
struct World {
    directory: Directory,
    appraiser: TestAppraiser,
    /// Who asks, as the channel shows it.
    caller: Did,
    events: Vec<Event>,
    random: RandomBytes,
}

fn id(text: &str) -> ServiceId {
    text.parse().unwrap()
}

fn endpoint(text: &str) -> Endpoint {
    text.parse().unwrap()
}

/// `exchange/region/size/environment`, each empty for none.
fn tags(text: &str) -> Tags {
    let mut parts = text.split('/').map(|part| part.parse().ok());
    let mut next = || parts.next().flatten();
    Tags { exchange: next(), region: next(), size: next(), environment: next() }
}

fn registrar(owner: &AgentKey, service: &str, tagged: &str) -> Registrar {
    let endpoints = vec![endpoint("tls://127.0.0.1:7301")];
    Registrar::new(key(1).did(), owner.did(), id(service), endpoints, tags(tagged))
}

fn named(name: &str) -> Query {
    Query { name: Some(name.parse().unwrap()), tags: Tags::default() }
}

fn refused<T>(result: Result<T, Refusal>) -> Reason {
    result.err().expect("it is refused").code
}

impl World {
    fn new() -> Self {
        Self {
            directory: Directory::new(key(1).did(), Config::default()),
            appraiser: TestAppraiser::allowing(&["agent", "other"]),
            caller: key(7).did(),
            events: Vec::new(),
            random: Box::new(random(1)),
        }
    }

    fn record<T>(&mut self, answered: Answered<T, Event>) -> Result<T, Refusal> {
        self.events.push(answered.event);
        answered.answer
    }

    fn challenge(&mut self, subject: &Subject, at_s: u64) -> Result<Challenge, Refusal> {
        let answered = self.directory.challenge(&self.caller, subject, &mut self.random, at_s);
        self.record(answered)
    }

    fn register(&mut self, request: &Signed<Registration>, at_s: u64) -> Result<(), Refusal> {
        let answered = self.directory.register(request, &self.appraiser, at_s);
        self.record(answered)
    }

    fn heartbeat(&mut self, request: &Signed<Heartbeat>, at_s: u64) -> Result<(), Refusal> {
        let answered = self.directory.heartbeat(request, &self.appraiser, at_s);
        self.record(answered)
    }

    /// The whole way of a registration with capacity 4.
    fn list(
        &mut self,
        registrar: &mut Registrar,
        owner: &AgentKey,
        provider: &dyn Provider,
        at_s: u64,
    ) -> Result<(), Refusal> {
        let challenge = self.challenge(registrar.ask(), at_s)?;
        let request = registrar.register(&challenge, provider, 4, Signer { key: owner, at_s })?;
        self.register(&request, at_s)
    }

    /// The whole way of a heartbeat.
    fn beat(
        &mut self,
        registrar: &mut Registrar,
        owner: &AgentKey,
        provider: &dyn Provider,
        at_s: u64,
    ) -> Result<(), Refusal> {
        let challenge = self.challenge(registrar.ask(), at_s)?;
        let request = registrar.heartbeat(&challenge, provider, 4, Signer { key: owner, at_s })?;
        self.heartbeat(&request, at_s)
    }

    /// The whole way of a withdrawal.
    fn withdraw(
        &mut self,
        registrar: &mut Registrar,
        owner: &AgentKey,
        at_s: u64,
    ) -> Result<(), Refusal> {
        let challenge = self.challenge(registrar.ask(), at_s)?;
        let request = registrar.withdraw(&challenge, Signer { key: owner, at_s })?;
        let answered = self.directory.withdraw(&request, at_s);
        self.record(answered)
    }

    /// The names of what is found.
    fn found(&self, query: &Query, at_s: u64) -> Vec<String> {
        let found = self.directory.discover(query, &self.appraiser, at_s).unwrap();
        found.iter().map(|service| service.service.to_string()).collect()
    }
}

#[test]
fn a_registered_service_is_found_until_it_is_over() {
    let mut world = World::new();
    let owner = key(2);
    let mut service = registrar(&owner, "simulator/one", "/eu//production");
    world.list(&mut service, &owner, &machine("agent"), AT_S).unwrap();
    assert_eq!(world.found(&named("simulator"), AT_S + 899), ["simulator/one"]);
    assert!(world.found(&named("simulator"), AT_S + 900).is_empty());
    assert!(world.found(&named("another"), AT_S).is_empty());
    let route = world.directory.service(&id("simulator/one")).unwrap().route();
    assert_eq!(route.endpoints, [endpoint("tls://127.0.0.1:7301")]);
    assert_eq!(route.workload, machine("agent").workload());
    let message = Message::Found(vec![route]);
    assert_eq!(Message::from_bytes(&message.to_bytes().unwrap()).unwrap(), message);
}

#[test]
fn a_heartbeat_with_new_evidence_keeps_a_service_listed() {
    let mut world = World::new();
    let owner = key(2);
    let mut service = registrar(&owner, "simulator/one", "");
    world.list(&mut service, &owner, &machine("agent"), AT_S).unwrap();
    world.beat(&mut service, &owner, &machine("agent"), AT_S + 800).unwrap();
    assert_eq!(world.found(&named("simulator"), AT_S + 1_699), ["simulator/one"]);
    // One that is over must register again.
    let late = world.beat(&mut service, &owner, &machine("agent"), AT_S + 1_700);
    assert_eq!(refused(late), Fault::ServiceExpired);
    world.list(&mut service, &owner, &machine("agent"), AT_S + 1_700).unwrap();
    assert_eq!(world.found(&named("simulator"), AT_S + 1_700), ["simulator/one"]);
}

#[test]
fn a_service_whose_workload_left_the_allowlist_is_not_routed_to() {
    let mut world = World::new();
    let owner = key(2);
    for (name, workload) in [("simulator/one", "agent"), ("simulator/two", "other")] {
        let mut service = registrar(&owner, name, "");
        world.list(&mut service, &owner, &machine(workload), AT_S).unwrap();
    }
    world.appraiser.allowed.remove(&machine("agent").workload());
    assert_eq!(world.found(&named("simulator"), AT_S), ["simulator/two"]);
    world.appraiser.allowed.clear();
    let mut policy = RoundRobin::default();
    let chosen = world.directory.select(&named("simulator"), &mut policy, &world.appraiser, AT_S);
    assert_eq!(refused(chosen), Fault::NoServiceFits);
}

#[test]
fn a_service_without_good_evidence_is_not_listed() {
    let mut world = World::new();
    let owner = key(2);
    let debug = faulty("agent", development::Fault::DebugTd);
    world.appraiser.allowed.insert(debug.workload());
    let cases =
        [(machine("stranger"), ReasonCode::WorkloadNotAllowed), (debug, ReasonCode::DebugRefused)];
    for (provider, code) in cases {
        let mut service = registrar(&owner, "simulator/one", "");
        assert_eq!(refused(world.list(&mut service, &owner, &provider, AT_S)), code);
    }
    assert_eq!(world.directory.services().count(), 0);
}

#[test]
fn a_listing_does_not_outlive_the_collateral() {
    let mut world = World::new();
    let owner = key(2);
    let end = Window::of_day(AT_S).expires_at_s;
    let mut service = registrar(&owner, "simulator/one", "");
    world.list(&mut service, &owner, &machine("agent"), end - 100).unwrap();
    assert!(world.found(&named("simulator"), end).is_empty());
}

#[test]
fn a_name_is_free_when_its_owner_withdrew_the_last_instance() {
    let mut world = World::new();
    let (owner, other) = (key(2), key(3));
    let mut one = registrar(&owner, "simulator/one", "");
    let mut two = registrar(&owner, "simulator/two", "");
    for service in [&mut one, &mut two] {
        world.list(service, &owner, &machine("agent"), AT_S).unwrap();
    }
    world.withdraw(&mut one, &owner, AT_S).unwrap();
    assert_eq!(world.found(&named("simulator"), AT_S), ["simulator/two"]);
    let mut next = registrar(&other, "simulator/one", "");
    let taken = world.list(&mut next, &other, &machine("agent"), AT_S);
    assert_eq!(refused(taken), Fault::NotOwner);
    world.withdraw(&mut two, &owner, AT_S).unwrap();
    world.list(&mut next, &other, &machine("agent"), AT_S).unwrap();
    let taken = world.list(&mut one, &owner, &machine("agent"), AT_S + 1);
    assert_eq!(refused(taken), Fault::NotOwner);
}

#[test]
fn a_withdrawal_cannot_be_replayed() {
    let mut world = World::new();
    let owner = key(2);
    let mut service = registrar(&owner, "simulator/one", "");
    world.list(&mut service, &owner, &machine("agent"), AT_S).unwrap();
    let challenge = world.challenge(service.ask(), AT_S).unwrap();
    let request = service.withdraw(&challenge, Signer { key: &owner, at_s: AT_S }).unwrap();
    let answered = world.directory.withdraw(&request, AT_S);
    world.record(answered).unwrap();
    assert!(world.found(&named("simulator"), AT_S).is_empty());
    world.list(&mut service, &owner, &machine("agent"), AT_S + 1).unwrap();
    let answered = world.directory.withdraw(&request, AT_S + 1);
    assert_eq!(refused(world.record(answered)), Fault::NonceSpent);
    assert_eq!(world.found(&named("simulator"), AT_S + 1), ["simulator/one"]);
}

#[test]
fn a_revoked_service_cannot_come_back_until_that_is_lifted() {
    let mut world = World::new();
    let owner = key(2);
    let mut service = registrar(&owner, "simulator/one", "");
    world.list(&mut service, &owner, &machine("agent"), AT_S).unwrap();
    let answered = world.directory.revoke(&id("simulator/one"), AT_S + 1);
    world.record(answered).unwrap();
    assert!(world.found(&named("simulator"), AT_S + 1).is_empty());
    let year_s = 2 * 86_400;
    for at_s in [AT_S + 1, AT_S + year_s] {
        let beat = world.beat(&mut service, &owner, &machine("agent"), at_s);
        assert_eq!(refused(beat), Fault::ServiceRevoked);
        let again = world.list(&mut service, &owner, &machine("agent"), at_s);
        assert_eq!(refused(again), Fault::ServiceRevoked);
    }
    let at_s = AT_S + year_s;
    let answered = world.directory.lift(&id("simulator/one"), at_s);
    world.record(answered).unwrap();
    let answered = world.directory.lift(&id("simulator/one"), at_s);
    assert_eq!(refused(world.record(answered)), Fault::ServiceNotRevoked);
    world.list(&mut service, &owner, &machine("agent"), at_s).unwrap();
    assert_eq!(world.found(&named("simulator"), at_s), ["simulator/one"]);
}

#[test]
fn a_clock_set_back_is_refused_everywhere() {
    let mut world = World::new();
    let owner = key(2);
    let mut service = registrar(&owner, "simulator/one", "");
    world.list(&mut service, &owner, &machine("agent"), AT_S).unwrap();
    let challenge = world.challenge(service.ask(), AT_S + 10).unwrap();
    let request = service
        .heartbeat(&challenge, &machine("agent"), 4, Signer { key: &owner, at_s: AT_S + 10 })
        .unwrap();
    let before = world.directory.clone();
    let back = AT_S + 9;
    assert_eq!(refused(world.challenge(service.ask(), back)), ReasonCode::ClockSetBack);
    assert_eq!(refused(world.heartbeat(&request, back)), ReasonCode::ClockSetBack);
    let answered = world.directory.revoke(&id("simulator/one"), back);
    assert_eq!(refused(world.record(answered)), ReasonCode::ClockSetBack);
    let found = world.directory.discover(&named("simulator"), &world.appraiser, back);
    assert_eq!(refused(found), ReasonCode::ClockSetBack);
    assert_eq!(world.directory, before);
    world.heartbeat(&request, AT_S + 10).unwrap();
}

/// The expected bytes are from Python's hashlib.
#[test]
fn report_data_keeps_its_golden_bytes() {
    let nonce = serde_json::from_str(&format!("\"{}\"", "11".repeat(32))).unwrap();
    let subject = Subject { owner: key(2).did(), service: id("simulator/one") };
    let endpoints = [endpoint("tls://127.0.0.1:7301"), endpoint("https://example.org")];
    let bound = report_data(&subject, &endpoints, &tags("kraken/eu//"), &nonce);
    assert_eq!(
        hex::encode(bound.as_bytes()),
        "f64af4bff5de2187838869647582b563356d06b99bc07a38372d0c91aabfe1d3\
         5c4a9ae828c508a0e2e4e63b7ce7e4c80a56fb42b9fddff86a2e0b7c752824a3"
    );
}

#[test]
fn endpoints_have_one_plain_spelling() {
    for good in [
        "tls://127.0.0.1:7301",
        "tls://[::1]:7301",
        "tls://node-1.example.org:443",
        "https://example.org",
        "https://example.org:8443/a/b-c_d~e.f",
    ] {
        assert_eq!(endpoint(good).as_str(), good);
    }
    let long = format!("https://example.org/{}", "a".repeat(240));
    for bad in [
        "",
        "http://example.org",
        "tls://127.0.0.1",
        "tls://127.0.0.1:0",
        "tls://127.0.0.1:07301",
        "tls://127.0.0.1:70000",
        "tls://:7301",
        "tls://[::1:7301",
        "tls://Example.org:443",
        "tls://user@example.org:443",
        "tls://example.org:443/path",
        "https://example.org/?q=1",
        "https://example.org/#x",
        "https://example.org/ ",
        "https://evil.org\\@example.org/",
        &long,
    ] {
        let refusal = bad.parse::<Endpoint>().unwrap_err();
        assert_eq!(refusal.code, Fault::ServiceInvalid, "{bad}");
    }
}

#[test]
fn messages_are_read_in_one_spelling_and_size() {
    let text = String::from_utf8(Message::Discover(named("a")).to_bytes().unwrap()).unwrap();
    assert_eq!(
        text,
        "{\"message\":{\"body\":{\"name\":\"a\",\"tags\":{\"environment\":null,\"exchange\":null,\
         \"region\":null,\"size\":null}},\"kind\":\"discover\"},\"version\":1}"
    );
    for changed in [text.replace("null", "[]"), text.replace(",\"size\":null", ""), text + " "] {
        let refusal = Message::from_bytes(changed.as_bytes());
        assert_eq!(refused(refusal), ReasonCode::MessageMalformed, "{changed}");
    }
    let large = vec![b'1'; crate::MESSAGE_BYTES_MAX + 1];
    assert_eq!(refused(Message::from_bytes(&large)), ReasonCode::MessageTooLarge);
}
