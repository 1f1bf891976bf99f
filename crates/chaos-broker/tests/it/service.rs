//! The key broker service, its operator and an executor in one process, without the program.

use std::{
    collections::BTreeSet,
    io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use chaos_attestation::{
    AnchorClass,
    allowlist::{Allowlist, Build, Entry, Trust},
    provide::development::{Development, Identity, Scenario, Seed, Window},
};
use chaos_broker::{
    Fault, SecretId,
    executor::{self, Environment, Event, Plan},
    release::Rule,
    service::{
        Answer, Caller, Client, Command, Error, Lives, Opened, PolicyName, Question, REBUILDS_MIN,
        Report, Server, Settings, State,
    },
    vault::Secret,
};
use chaos_ledger::{Keys, OPERATOR, Password, System};
use chaos_types::AgentKey;
use sha2::{Digest as _, Sha256};
use tokio::{runtime::Runtime, sync::oneshot};
use zeroize::Zeroizing;

/// 2026-09-21, 14:13:20 UTC.
const AT_S: u64 = 1_790_000_000;

/// The kinds of receipts that a broker's log knows.
const KINDS: chaos_agency::Kinds = chaos_agency::Kinds::new(&[chaos_broker::receipts::EXTENSION]);

/// A clock that stands still, and bytes that never come twice.
const SYSTEM: System = System { kinds: KINDS, now_ms: || AT_S * 1000, random };

fn random(bytes: &mut [u8]) -> io::Result<()> {
    static DRAWS: AtomicU64 = AtomicU64::new(0);
    for chunk in bytes.chunks_mut(32) {
        let draw = DRAWS.fetch_add(1, Ordering::Relaxed);
        chunk.copy_from_slice(&Sha256::digest(draw.to_be_bytes())[..chunk.len()]);
    }
    Ok(())
}

fn password() -> Password {
    "correct horse battery staple".to_owned().into()
}

fn opened(dir: &Path) -> Opened {
    Opened::open(dir, Some(password()), None, SYSTEM).unwrap()
}

fn machine() -> Development {
    let scenario = Scenario::new(Window::of_day(AT_S)).identity(Identity::named("maker"));
    Development::simulating(&Seed::well_known(), scenario)
}

fn secret() -> SecretId {
    "acme/binance-key".parse().unwrap()
}

fn settings(opened: &Opened, policy: PolicyName) -> Settings {
    let issuer = opened.ledger().operator();
    let trust = Trust { issuer, builders: BTreeSet::new(), rebuilds_min: 0 };
    Settings { policy, root: None, trust, lives: Lives::default() }
}

/// A state whose allowlist names the machine's workload.
fn state(dir: &Path) -> State {
    let opened = opened(dir);
    let settings = settings(&opened, PolicyName::Development);
    let mut state = opened.with(settings).unwrap();
    let key = Keys::new(dir, Some(&password()), SYSTEM).open(OPERATOR).unwrap();
    let build = Build {
        workload: machine().workload(),
        name: "maker".to_owned(),
        repository: "https://example.org/maker".to_owned(),
        commit: "0123456789012345678901234567890123456789".to_owned(),
        toolchain: "rustc 1.95".to_owned(),
        code: None,
    };
    let list = Allowlist {
        issuer: key.did(),
        sequence: 1,
        not_before_s: AT_S,
        expires_at_s: AT_S + 86_400,
        entries: vec![Entry { build, rebuilds: vec![] }],
        revoked: vec![],
    };
    state.publish(&list.sign(&key).unwrap()).unwrap();
    state
}

fn command(state: &mut State, command: Command, bytes: Option<&[u8]>) -> Result<Report, Error> {
    let bytes = bytes.map(|bytes| Secret::new(bytes.to_vec()).unwrap());
    match state.answer(Caller::Operator, Question::Command(command), bytes)? {
        Answer::Report(report) => Ok(report),
        other => panic!("a report became {other:?}"),
    }
}

fn store_and_grant(state: &mut State) {
    let store = Command::StoreSecret { secret: secret(), purpose: "trading".parse().unwrap() };
    command(state, store, Some(b"k-3141592653")).unwrap();
    let rule = Rule {
        anchor: AnchorClass::Development,
        job: None,
        role: "executor".parse().unwrap(),
        secret: secret(),
        workload: machine().workload(),
    };
    command(state, Command::Allow(rule), None).unwrap();
}

fn plan(server: &Server) -> Plan {
    Plan {
        address: server.address().to_owned(),
        broker: server.broker(),
        service: "maker/1".parse().unwrap(),
        endpoints: vec!["tls://127.0.0.1:7400".parse().unwrap()],
        tags: chaos_broker::directory::Tags::default(),
        capacity: 1,
        secrets: BTreeSet::from([secret()]),
        job: "acme/maker".parse().unwrap(),
        role: "executor".parse().unwrap(),
        heartbeat_s: 300,
        poll_s: 30,
        once: true,
    }
}

/// Runs a server, and beside it `work`, which is handed the server's data directory.
fn beside_server<T>(state: State, work: impl AsyncFnOnce(Plan) -> T) -> T {
    Runtime::new().unwrap().block_on(async {
        let server = Server::bind("127.0.0.1:0", state).await.unwrap();
        let plan = plan(&server);
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            let _stop = stopped.await;
        };
        let serve = server.run(stopped, |incident| panic!("{incident}"));
        let work = async {
            let done = work(plan).await;
            stop.send(()).unwrap();
            done
        };
        let (served, done) = tokio::join!(serve, work);
        served.unwrap();
        done
    })
}

async fn execute(plan: Plan) -> Result<Vec<Event>, executor::Error> {
    let mut events = Vec::new();
    let provider = machine();
    let environment = Environment {
        provider: &provider,
        owner: AgentKey::from_seed(&[7; 32]),
        system: SYSTEM,
        events: &mut |event| {
            events.push(event.clone());
            Ok(())
        },
    };
    executor::run(plan, environment, std::future::pending()).await?;
    Ok(events)
}

#[test]
fn executor_receives_a_secret_on_a_lease_and_drops_it_when_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = state(folder.path());
    store_and_grant(&mut state);
    let events = beside_server(state, execute).unwrap();
    let [
        Event::Attested { .. },
        Event::Registered { .. },
        Event::SecretsReceived { lease, secrets, .. },
        Event::SecretsDropped { lease: dropped, why },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((lease, why.as_str()), (dropped, "done"));
    assert_eq!((&secrets[0].secret, secrets[0].version, secrets[0].bytes), (&secret(), 1, 12));

    // What is opened again is the fold of the record.
    let mut state = opened(folder.path()).as_recorded().unwrap();
    let Report::Leases(leases) = command(&mut state, Command::ListLeases, None).unwrap() else {
        panic!("another report")
    };
    assert_eq!((leases[0].lease, leases[0].state.as_str()), (*lease, "live"));
    let Report::Services(services) = command(&mut state, Command::ListServices, None).unwrap()
    else {
        panic!("another report")
    };
    assert_eq!(services[0].service.to_string(), "maker/1");
}

#[test]
fn executor_without_a_grant_is_refused_and_the_audit_trail_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = state(folder.path());
    let store = Command::StoreSecret { secret: secret(), purpose: "trading".parse().unwrap() };
    command(&mut state, store, Some(b"k-3141592653")).unwrap();
    let refused = beside_server(state, execute).unwrap_err();
    let executor::Error::Channel(chaos_broker::transport::Error::Refused(refusal)) = refused else {
        panic!("{refused}")
    };
    assert_eq!(refusal.code, Fault::SecretForbidden);

    let mut state = opened(folder.path()).as_recorded().unwrap();
    let Report::Trail(trail) = command(&mut state, Command::Trail, None).unwrap() else {
        panic!("another report")
    };
    let last = trail.last().unwrap();
    assert_eq!(last.oversee.refused.as_deref(), Some("secret-forbidden"));
}

#[test]
fn client_works_through_the_server_that_has_the_directory_open() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_owned();
    let listed = beside_server(state(folder.path()), async |_| {
        let operate = move || {
            let mut client = Client::open(&dir, Some(password()), None, SYSTEM).unwrap();
            let store =
                Command::StoreSecret { secret: secret(), purpose: "trading".parse().unwrap() };
            client.command(store, Some(Zeroizing::new(b"k-3141592653".to_vec()))).unwrap();
            let listed = client.command(Command::ListSecrets, None).unwrap();
            drop(client);
            listed
        };
        tokio::task::spawn_blocking(operate).await.unwrap()
    });
    let Report::Secrets(rows) = listed else { panic!("{listed:?}") };
    assert_eq!((rows[0].secret.to_string().as_str(), rows[0].version), ("acme/binance-key", 1));
    assert!(!folder.path().join("broker.json").exists(), "the server stopped");
}

#[test]
fn production_settings_by_which_one_person_decides_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let opened = opened(folder.path());
    let settings = settings(&opened, PolicyName::Production);
    let size = opened.ledger().size();
    let error = opened.with(settings).unwrap_err();
    assert!(
        matches!(error, Error::Unsound { expected: REBUILDS_MIN, found: 0, builders: 0 }),
        "{error}"
    );
    assert_eq!(self::opened(folder.path()).ledger().size(), size, "nothing was recorded");
}

#[test]
fn secrets_stored_under_one_class_of_anchor_are_not_served_under_another() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = state(folder.path());
    store_and_grant(&mut state);
    drop(state);
    let opened = opened(folder.path());
    let mut settings = settings(&opened, PolicyName::Production);
    settings.trust.builders =
        [8, 9].iter().map(|seed| AgentKey::from_seed(&[*seed; 32]).did()).collect();
    settings.trust.rebuilds_min = 2;
    let error = opened.with(settings).unwrap_err();
    assert!(matches!(error, Error::AnchorClass { .. }), "{error}");
}

#[test]
fn vault_that_is_older_than_the_record_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = state(folder.path());
    store_and_grant(&mut state);
    let vault = folder.path().join("vault.json");
    let older = std::fs::read(&vault).unwrap();
    let rotate = Command::RotateSecret { secret: secret() };
    command(&mut state, rotate, Some(b"k-2718281828")).unwrap();
    drop(state);
    std::fs::write(&vault, older).unwrap();
    let error = opened(folder.path()).as_recorded().unwrap_err();
    let Error::Rollback(refusal) = error else { panic!("{error}") };
    assert_eq!(refusal.code, Fault::VaultRollback);
}
