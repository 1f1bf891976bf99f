use chaos_chains::{Anvil, AnvilConfig, EvmChain, Outbox, StackConfig};
use chaos_store::{Records as _, Store};
use tempfile::TempDir;

use crate::program::{DEVELOPMENT_KEY, anvil_is_there, root, run, run_with};

fn start() -> Anvil {
    Anvil::start(&AnvilConfig { root: Some(root()), ..AnvilConfig::default() }).unwrap()
}

#[test]
fn unreachable_endpoint_is_named_without_its_credentials() {
    let dir = TempDir::new().unwrap();
    let cache = dir.path().to_str().unwrap();
    let url = "http://user:sesame@127.0.0.1:9/key-sesame";
    let run = run(["replay", "--rpc-url", url, "--cache", cache, "--range", "1..=1"])
        .expect_error(4, &["127.0.0.1:9"]);
    assert!(!run.stderr.contains("sesame"), "{}", run.stderr);
}

#[test]
fn live_blocks_replay_and_are_kept_in_the_recorded_format() {
    if !anvil_is_there() {
        return;
    }
    let anvil = start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let last = runtime.block_on(async {
        let chain = EvmChain::connect(anvil.endpoint(), None).await.unwrap();
        let journal = tempfile::tempdir().unwrap();
        let chain = chain.sending(Outbox::local(journal.path(), || 0)).await.unwrap();
        chain.deploy_governance_stack(&anvil.signer(0), &StackConfig::default()).await.unwrap();
        chain.block_number().await.unwrap()
    });
    let dir = TempDir::new().unwrap();
    let cache = dir.path().to_str().unwrap();
    let range = format!("1..={last}");
    let arguments =
        ["replay", "--rpc-url", anvil.endpoint(), "--cache", cache, "--range", &range, "--json"];
    let live = run(arguments).expect_code(0).json();
    for line in &live[..live.len() - 1] {
        assert_eq!(line["gas_header"], line["gas_replayed"], "{line}");
        assert_eq!(line["receipts_root"], "match", "{line}");
    }
    let wrong = [&arguments[..7], &["--chain", "eip155:1"]].concat();
    run(wrong).expect_error(4, &["eip155:1", "eip155:31337"]);
    // What was fetched is enough without the endpoint.
    drop(anvil);
    let offline = run(["replay", "--blocks", cache, "--json"]).expect_code(0).json();
    assert_eq!(offline[..offline.len() - 1], live[..live.len() - 1]);
}

#[test]
fn anchor_asks_whether_the_operator_may_before_it_asks_the_chain() {
    let dir = TempDir::new().unwrap();
    let (data, elsewhere) = (dir.path().join("data"), dir.path().join("elsewhere"));
    let register = |data: &std::path::Path| {
        let data = data.to_str().unwrap();
        run(["agent", "register", "--name", "ada", "--role", "researcher", "--data", data])
            .expect_code(0);
    };
    let variables = [("CHAOSCHAIN_PASSWORD", "test"), ("CHAOSCHAIN_PRIVATE_KEY", DEVELOPMENT_KEY)];
    let unreachable = "http://127.0.0.1:9";
    let anchor = |data: &std::path::Path| {
        let data = data.to_str().unwrap();
        run_with(["anchor", "--rpc-url", unreachable, "--deploy", "--data", data], &variables)
    };
    register(&elsewhere);
    anchor(&elsewhere).expect_error(4, &["127.0.0.1:9"]);

    // A log whose operator was chosen and never registered, as a kill may leave it.
    let operator = "keys/operator.pem";
    let key = {
        let store = Store::open(&elsewhere).unwrap();
        store.meta("operator").unwrap().unwrap()
    };
    std::fs::create_dir_all(data.join("keys")).unwrap();
    std::fs::copy(elsewhere.join(operator), data.join(operator)).unwrap();
    Store::open(&data).unwrap().put_meta("operator", &key).unwrap();
    anchor(&data).expect_error(3, &["operator may not anchor", "not registered"]);

    // Another log's key in the place of this one's.
    let third = dir.path().join("third");
    register(&third);
    std::fs::copy(elsewhere.join(operator), third.join(operator)).unwrap();
    anchor(&third).expect_error(3, &["operator's key file", "this log is run by"]);
}

#[test]
fn checkpoint_is_anchored_with_a_key_from_the_environment() {
    if !anvil_is_there() {
        return;
    }
    let anvil = start();
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    // Another run's chain has the same first block and account, so that this one has a memory of its own.
    let heads = dir.path().join("heads");
    let heads = heads.to_str().unwrap();
    let own = [("CHAOSCHAIN_PASSWORD", "test"), ("CHAOSCHAIN_HEADS", heads)];
    run_with(["agent", "register", "--name", "ada", "--role", "researcher", "--data", data], &own)
        .expect_code(0);
    let chain = ["anchor", "--rpc-url", anvil.endpoint(), "--finality", "included"];
    let anchor = [&chain[..], &["--data", data, "--json"]].concat();
    let deploy = [&anchor[..], &["--deploy"]].concat();
    run_with(&deploy, &own).expect_error(3, &["CHAOSCHAIN_PRIVATE_KEY"]);
    let variables = [&own[..], &[("CHAOSCHAIN_PRIVATE_KEY", DEVELOPMENT_KEY)]].concat();
    let first = run_with(&deploy, &variables).expect_code(0).json();
    assert_eq!(first[0]["anchor"]["log_size"], "3", "with what it declares");
    let contract = first[0]["anchor"]["contract"].as_str().unwrap().to_owned();
    let again = [&anchor[..], &["--contract", &contract]].concat();
    let second = run_with(&again, &variables).expect_code(0).json();
    assert_eq!(second[0]["anchor"]["log_size"], "4", "the first anchor is an entry itself");
}
