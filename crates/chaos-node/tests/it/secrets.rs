//! Broker and executor as two processes: discovery, attestation, release, expiry, revocation.

use std::{fs, path::Path};

use chaos_broker::{
    SecretId, ServiceId,
    directory::{self, Registrar, Signer, Tags},
    release::{self, Client},
};
use chaos_types::{AgentKey, Did};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    program::{Run, run},
    running::Running,
    wire::{Wire, machine},
};

const SECRET: &str = "correct-horse-battery-staple-9137";
const ROTATED: &str = "second-horse-battery-staple-4402";
const MACHINE: &str = "maker";

/// A broker with its data directory, and what was said to and by it.
struct World {
    dir: TempDir,
    broker: Running,
    address: String,
    key: Did,
    heard: String,
}

impl World {
    fn begin(lease_seconds: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let data = dir.path().join("data");
        let (broker, address, key) = serve(&data, lease_seconds);
        Self { dir, broker, address, key, heard: String::new() }
    }

    /// With one workload enrolled, one secret stored and granted to it.
    fn provided(lease_seconds: &str) -> Self {
        let mut world = Self::begin(lease_seconds);
        world.enrol();
        world.store("store", SECRET);
        let workload = workload(MACHINE);
        world
            .order(&[
                "secret",
                "grant",
                "acme/key",
                "--workload",
                &workload,
                "--anchor",
                "development",
            ])
            .expect_code(0);
        world
    }

    fn data(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    fn enrol(&mut self) {
        let workload = workload(MACHINE);
        let commit = "0".repeat(40);
        self.order(&[
            "broker",
            "enrol",
            "--workload",
            &workload,
            "--name",
            "maker",
            "--repository",
            "https://example.org/maker",
            "--commit",
            &commit,
            "--toolchain",
            "none",
        ])
        .expect_code(0);
    }

    fn store(&mut self, how: &str, secret: &str) {
        let file = self.dir.path().join("outside.txt");
        fs::write(&file, format!("{secret}\n")).unwrap();
        let file_text = file.to_str().unwrap().to_owned();
        self.order(&["secret", how, "acme/key", "--file", &file_text]).expect_code(0);
        fs::remove_file(file).unwrap();
    }

    /// A command of the operator's.
    fn order(&mut self, arguments: &[&str]) -> Run {
        let data = self.data();
        let tail = ["--data", data.to_str().unwrap(), "--json"];
        let ran = run([arguments, &tail].concat());
        self.heard.push_str(&ran.stdout);
        self.heard.push_str(&ran.stderr);
        ran
    }

    fn rows(&mut self, arguments: &[&str]) -> Vec<Value> {
        self.order(arguments).expect_code(0).json()
    }

    fn executor(&self, name: &str, more: &[&str]) -> Running {
        executor(&self.address, &self.key, name, more)
    }

    /// What the log tells, as pairs of event and reason code.
    fn trail(&mut self) -> Vec<(String, String)> {
        self.rows(&["secret", "audit"])
            .iter()
            .map(|row| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                (text(&row["oversee"]["event"]), text(&row["oversee"]["refused"]))
            })
            .collect()
    }

    /// Neither secret is anywhere, and the log folds to the stored views: not in what was printed, not in any file that is left.
    #[track_caller]
    fn ensure_silent(mut self, others: &[&Running]) {
        assert_eq!(self.broker.stop(), 0, "{}", self.broker.said);
        self.rows(&["log", "rebuild", "--check"]);
        for secret in [SECRET, ROTATED] {
            for said in
                others.iter().map(|other| &other.said).chain([&self.broker.said, &self.heard])
            {
                assert!(!said.contains(secret));
            }
            let mut files = 0;
            each_file(self.dir.path(), &mut |bytes| {
                files += 1;
                assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
            });
            assert!(files > 5, "only {files} files were searched");
        }
    }
}

fn serve(data: &Path, lease_seconds: &str) -> (Running, String, Did) {
    let arguments =
        ["broker", "serve", "--policy", "development", "--lease-seconds", lease_seconds];
    let mut broker = Running::start(&arguments, Some(data));
    let ready = broker.wait_for("ready");
    let address = ready["address"].as_str().unwrap().to_owned();
    let key = ready["broker"].as_str().unwrap().parse().unwrap();
    (broker, address, key)
}

fn executor(address: &str, key: &Did, name: &str, more: &[&str]) -> Running {
    let key = key.to_string();
    let arguments = [
        "executor",
        "run",
        "--broker",
        address,
        "--broker-key",
        &key,
        "--name",
        name,
        "--endpoint",
        "tls://127.0.0.1:7400",
        "--tag",
        "exchange=binance",
        "--provider",
        "development",
        "--heartbeat-seconds",
        "1",
        "--revocations-seconds",
        "1",
    ];
    Running::start(&[&arguments, more].concat(), None)
}

const PROVIDED: [&str; 4] = ["--machine", MACHINE, "--secret", "acme/key"];

fn workload(machine: &str) -> String {
    let shown = run(["executor", "workload", "--provider", "development", "--machine", machine]);
    shown.expect_code(0).json()[0]["workload"].as_str().unwrap().to_owned()
}

fn each_file(folder: &Path, of: &mut impl FnMut(&[u8])) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_file(&path, of);
        } else {
            of(&fs::read(path).unwrap());
        }
    }
}

#[track_caller]
fn ensure_refused(executor: &mut Running, code: &str) {
    executor.wait_for_words(code);
    assert_eq!(executor.wait_for_end(), 1, "{}", executor.said);
}

#[test]
fn service_is_found_and_holds_its_secret_until_its_lease_is_revoked() {
    let mut world = World::begin("4");
    let mut early = world.executor("maker", &PROVIDED);
    ensure_refused(&mut early, "workload-not-allowed");

    world.enrol();
    world.store("store", SECRET);
    let mut forbidden = world.executor("other", &PROVIDED);
    ensure_refused(&mut forbidden, "secret-forbidden");
    let id = workload(MACHINE);
    world
        .order(&["secret", "grant", "acme/key", "--workload", &id, "--anchor", "development"])
        .expect_code(0);

    let mut executor = world.executor("maker", &PROVIDED);
    executor.wait_for("attested");
    executor.wait_for("registered");
    let received = executor.wait_for("secrets-received");
    assert_eq!(received["secrets"][0]["version"], 1);
    assert_eq!(received["secrets"][0]["bytes"], SECRET.len());
    let lease = received["lease"].as_str().unwrap().to_owned();
    let renewed = executor.wait_for("lease-renewed");
    assert_eq!(renewed["lease"], lease.as_str(), "the same lease lives on");
    assert!(renewed["expires_at_s"].as_u64() >= received["expires_at_s"].as_u64());

    let find = |tag: &str| {
        let key = world.key.to_string();
        let asked = ["service", "find", "--name", "maker", "--tag", tag];
        let at = ["--broker", &world.address, "--broker-key", &key, "--json"];
        run([&asked[..], &at].concat()).expect_code(0).json()
    };
    assert_eq!(find("exchange=binance")[0]["service"], "maker/1");
    assert!(find("exchange=kraken").is_empty());
    let mut hijacker = world.executor("maker", &["--machine", MACHINE, "--instance", "2"]);
    ensure_refused(&mut hijacker, "not-owner");

    world.order(&["lease", "revoke", &lease]).expect_code(0);
    let dropped = executor.wait_for("secrets-dropped");
    assert_eq!(dropped["why"], "lease-revoked");
    assert_eq!(executor.wait_for_end(), 1);
    assert_eq!(world.rows(&["lease", "list"])[0]["state"], "revoked");

    let trail = world.trail();
    for event in [
        ("policy_accepted", ""),
        ("allowlist_accepted", ""),
        ("secret_stored", ""),
        ("access_granted", ""),
        ("service_registered", ""),
        ("service_renewed", ""),
        ("nonce_given", ""),
        ("secret_released", ""),
        ("lease_renewed", ""),
        ("lease_revoked", ""),
        ("refused", "secret-forbidden"),
        ("refused", "not-owner"),
    ] {
        let event = (event.0.to_owned(), event.1.to_owned());
        assert!(trail.contains(&event), "{event:?} is not in {trail:?}");
    }
    world.ensure_silent(&[&early, &forbidden, &executor, &hijacker]);
}

#[test]
fn rotation_makes_a_lease_stale_and_removal_ends_it() {
    let mut world = World::provided("600");
    let mut executor = world.executor("maker", &PROVIDED);
    executor.wait_for("secrets-received");
    world.store("rotate", ROTATED);
    executor.wait_for("secrets-stale");
    let renewed = executor.wait_for("lease-renewed");
    assert_eq!(renewed["secrets"][0]["version"], 2);
    assert_eq!(renewed["secrets"][0]["bytes"], ROTATED.len());
    world.order(&["secret", "revoke", "acme/key"]).expect_code(0);
    executor.wait_for("secrets-dropped");
    assert_eq!(executor.wait_for_end(), 1);
    world.ensure_silent(&[&executor]);
}

#[test]
fn workload_off_the_allowlist_is_routed_to_no_more_and_its_lease_runs_out() {
    let mut world = World::provided("4");
    let mut executor = world.executor("maker", &PROVIDED);
    executor.wait_for("secrets-received");
    let id = workload(MACHINE);
    world.order(&["broker", "dismiss", "--workload", &id, "--reason", "a flaw"]).expect_code(0);
    assert!(world.rows(&["service", "find", "--name", "maker"]).is_empty());
    executor.wait_for_words("workload-not-allowed");
    let dropped = executor.wait_for("secrets-dropped");
    assert_eq!(dropped["why"], "lease-expired");
    assert_eq!(executor.wait_for_end(), 1);
    let again = world.order(&[
        "broker",
        "enrol",
        "--workload",
        &id,
        "--name",
        "m",
        "--repository",
        "r",
        "--commit",
        &"0".repeat(40),
        "--toolchain",
        "t",
    ]);
    again.expect_error(3, &["a flaw"]);
    world.ensure_silent(&[&executor]);
}

#[test]
fn lease_runs_out_when_the_broker_is_gone() {
    let mut world = World::provided("3");
    let mut executor = world.executor("maker", &PROVIDED);
    executor.wait_for("secrets-received");
    world.broker.kill();
    executor.wait_for("disconnected");
    let dropped = executor.wait_for("secrets-dropped");
    assert_eq!(dropped["why"], "lease-expired");
    assert_eq!(executor.wait_for_end(), 1);
}

#[test]
fn stopped_executor_withdraws_its_service() {
    let mut world = World::provided("600");
    let mut executor = world.executor("maker", &PROVIDED);
    executor.wait_for("secrets-received");
    assert_eq!(executor.stop(), 0, "{}", executor.said);
    assert!(world.rows(&["service", "find", "--name", "maker"]).is_empty());
    assert!(executor.said.contains(r#""why":"stopped""#), "{}", executor.said);
    world.ensure_silent(&[&executor]);
}

fn in_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn killed_broker_comes_back_with_its_services_leases_secrets_and_spent_nonces() {
    let mut world = World::provided("600");
    let mut executor = world.executor("maker", &PROVIDED);
    executor.wait_for("secrets-received");
    let key = AgentKey::from_seed(&[5; 32]);
    let secret: SecretId = "acme/key".parse().unwrap();
    let job = "acme/by-hand".parse().unwrap();
    let client = Client::new(world.key, job, "executor".parse().unwrap(), [secret].into()).unwrap();
    let random = &mut |bytes: &mut [u8]| getrandom::fill(bytes).unwrap();
    let now = || std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let request = in_runtime(async {
        let provider = machine(MACHINE);
        let mut wire = Wire::attested(&world.address, &world.key, &key, &provider).await;
        let purpose = client.ask(None);
        let asked = release::Message::ChallengeRequest(purpose.clone());
        let given: release::Message =
            serde_json::from_value(wire.ask("release", &asked).await.unwrap()).unwrap();
        let release::Message::Challenge(challenge) = given else { panic!("{given:?}") };
        let (_, request) = client.prove(purpose, &challenge, &provider, random, now()).unwrap();
        let request = release::Message::ReleaseRequest(Box::new(request));
        wire.ask("release", &request).await.unwrap();
        assert_eq!(wire.ask("release", &request).await.unwrap_err(), "nonce-spent");
        request
    });
    let lists = |world: &mut World| {
        let states = |rows: Vec<Value>| -> Vec<Value> {
            rows.into_iter()
                .map(|row| {
                    json!([
                        row["service"],
                        row["lease"],
                        row["secret"],
                        row["state"],
                        row["version"]
                    ])
                })
                .collect()
        };
        [["service", "list"], ["lease", "list"], ["secret", "list"]]
            .map(|command| states(world.rows(&command)))
    };
    let before = lists(&mut world);
    assert_eq!(before[1].len(), 2, "{before:?}");
    executor.kill();
    world.broker.kill();
    // While no broker runs, the same commands work on the data directory.
    assert_eq!(lists(&mut world), before);
    let (broker, address, key_again) = serve(&world.data(), "600");
    assert_eq!(key_again, world.key);
    world.heard.push_str(&world.broker.said);
    (world.broker, world.address) = (broker, address);
    assert_eq!(lists(&mut world), before);
    in_runtime(async {
        let provider = machine(MACHINE);
        let mut wire = Wire::attested(&world.address, &world.key, &key, &provider).await;
        assert_eq!(wire.ask("release", &request).await.unwrap_err(), "nonce-spent");
    });
    world.ensure_silent(&[&executor]);
}

#[test]
fn heartbeat_from_another_key_is_refused() {
    let world = World::provided("600");
    let mut executor = world.executor("maker", &PROVIDED);
    executor.wait_for("registered");
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    in_runtime(async {
        let (thief, provider) = (AgentKey::from_seed(&[6; 32]), machine(MACHINE));
        let mut wire = Wire::attested(&world.address, &world.key, &thief, &provider).await;
        let service: ServiceId = "maker/1".parse().unwrap();
        let endpoints = vec!["tls://127.0.0.1:7400".parse().unwrap()];
        let tags = Tags { exchange: Some("binance".parse().unwrap()), ..Tags::default() };
        let mut registrar = Registrar::new(world.key, thief.did(), service, endpoints, tags);
        let asked = directory::Message::ChallengeRequest(registrar.ask().clone());
        let given: directory::Message = match wire.ask("directory", &asked).await {
            Ok(given) => serde_json::from_value(given).unwrap(),
            Err(code) => {
                assert_eq!(code, "not-owner");
                return;
            }
        };
        let directory::Message::Challenge(challenge) = given else { panic!("{given:?}") };
        let heartbeat = registrar
            .heartbeat(&challenge, &provider, 1, Signer { key: &thief, at_s: now })
            .unwrap();
        let heartbeat = directory::Message::Heartbeat(Box::new(heartbeat));
        assert_eq!(wire.ask("directory", &heartbeat).await.unwrap_err(), "not-owner");
    });
    executor.wait_for("heartbeat");
    world.ensure_silent(&[&executor]);
}

#[test]
fn only_the_operator_orders_and_only_attested_code_asks_for_secrets() {
    let mut world = World::provided("600");
    in_runtime(async {
        let (key, provider) = (AgentKey::from_seed(&[7; 32]), machine(MACHINE));
        let mut wire = Wire::attested(&world.address, &world.key, &key, &provider).await;
        let order = json!({"order": "list-secrets"});
        assert_eq!(wire.ask("order", &order).await.unwrap_err(), "caller-refused");

        let mut wire = Wire::connect(&world.address).await;
        let challenge = wire.greeted(&world.key).await;
        let hello = chaos_broker::channel::Hello::operator(&key, &wire.exporter(), &challenge);
        wire.send(&hello).await;
        let answer: Value = serde_json::from_slice(&wire.receive().await.unwrap()).unwrap();
        assert_eq!(answer["body"]["code"], "caller-refused");

        let mut wire = Wire::connect(&world.address).await;
        wire.greeted(&world.key).await;
        wire.send(&chaos_broker::channel::Hello::anonymous()).await;
        wire.receive().await.unwrap();
        let secret: SecretId = "acme/key".parse().unwrap();
        let job = "acme/by-hand".parse().unwrap();
        let client =
            Client::new(world.key, job, "executor".parse().unwrap(), [secret].into()).unwrap();
        let asked = release::Message::ChallengeRequest(client.ask(None));
        assert_eq!(wire.ask("release", &asked).await.unwrap_err(), "caller-refused");
    });
    world.broker.wait_for_words("caller-refused");
    world.ensure_silent(&[]);
}

/// A relay between an executor and a broker that ends TLS on both sides. With a key of its own it
/// greets under that key, else it passes the broker's greeting on.
async fn relay(listener: TcpListener, broker: &str, key: &Did, own: Option<AgentKey>) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut victim = Wire::accept(stream).await;
    let mut genuine = Wire::connect(broker).await;
    match own {
        Some(own) => {
            let challenge = genuine.greeted(key).await;
            let exporter = victim.exporter();
            let greeting = chaos_broker::channel::Greeting::new(&own, &exporter, challenge);
            victim.send(&greeting).await;
        }
        None => victim.send_bytes(&genuine.receive().await.unwrap()).await,
    }
    let Some(hello) = victim.receive().await else { return };
    genuine.send_bytes(&hello).await;
    if let Some(answer) = genuine.receive().await {
        victim.send_bytes(&answer).await;
    }
}

#[test]
fn relay_between_genuine_ends_is_refused_by_both() {
    let mut world = World::provided("600");
    let mut executors = vec![];
    for own in [None, Some(AgentKey::from_seed(&[8; 32]))] {
        let executor = in_runtime(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let trusted = own.as_ref().map_or(world.key, AgentKey::did);
            let executor = executor(&address, &trusted, "maker", &PROVIDED);
            relay(listener, &world.address, &world.key, own.clone()).await;
            executor
        });
        executors.push(executor);
        ensure_refused(executors.last_mut().unwrap(), "channel-mismatch");
    }
    world.broker.wait_for_words("channel-mismatch");
    assert!(world.rows(&["service", "list"]).is_empty());
    assert!(world.rows(&["lease", "list"]).is_empty());
    world.ensure_silent(&executors.iter().collect::<Vec<_>>());
}
