use std::{fs, path::Path};

use chaos_chains::{Anvil, Error, StackConfig, U256, block_source::BlockSource};
use chaos_types::ChainId;
use revm::{
    Context, DatabaseRef, ExecuteCommitEvm, MainBuilder, MainContext,
    context::{BlockEnv, CfgEnv, TxEnv},
    database::CacheDB,
    primitives::{TxKind, hardfork::SpecId},
};
use serde_json::Value;

use crate::{connect, start_anvil};

/// Deploys the contracts and anchors twice; the second anchor is in the block that is replayed.
async fn make_block(anvil: &Anvil) -> (u64, chaos_chains::Address) {
    let chain = connect(anvil.endpoint()).await;
    let signer = anvil.signer(0);
    chain.deploy_governance_stack(&signer, &StackConfig::default()).await.unwrap();
    let publisher = signer.address();
    let anchor = chain.deploy_anchor(&signer, "chaoschain.local/log", publisher).await.unwrap().0;
    chain.anchor_checkpoint(anchor, &signer, 10, [1; 32]).await.unwrap();
    let later = chain.anchor_checkpoint(anchor, &signer, 20, [2; 32]).await.unwrap();
    (later.transaction.block_number, anchor)
}

/// The file that keeps what was fetched for a block.
fn kept(cache: &Path, number: u64) -> Value {
    let path = cache.join(format!("eip155-31337/fetched/{number}.json"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn word(value: &Value) -> U256 {
    serde_json::from_value(value.clone()).unwrap()
}

/// Runs the transactions of a block on a state and returns the gas they use together.
fn replay<D: DatabaseRef<Error: std::error::Error + Send + Sync + 'static>>(
    block: &Value,
    state: D,
) -> u64 {
    let cfg = CfgEnv::new_with_spec(SpecId::OSAKA).with_chain_id(31337);
    let env = BlockEnv {
        number: word(&block["number"]),
        timestamp: word(&block["timestamp"]),
        gas_limit: word(&block["gasLimit"]).to(),
        basefee: word(&block["baseFeePerGas"]).to(),
        prevrandao: Some(serde_json::from_value(block["mixHash"].clone()).unwrap()),
        ..BlockEnv::default()
    };
    let mut evm = Context::mainnet()
        .with_db(CacheDB::new(state))
        .with_block(env)
        .with_cfg(cfg)
        .build_mainnet();
    let mut gas_used = 0;
    for tx in block["transactions"].as_array().unwrap() {
        let tx = TxEnv::builder()
            .caller(serde_json::from_value(tx["from"].clone()).unwrap())
            .kind(TxKind::Call(serde_json::from_value(tx["to"].clone()).unwrap()))
            .data(serde_json::from_value(tx["input"].clone()).unwrap())
            .nonce(word(&tx["nonce"]).to())
            .gas_limit(word(&tx["gas"]).to())
            .max_fee_per_gas(word(&tx["maxFeePerGas"]).to())
            .gas_priority_fee(Some(word(&tx["maxPriorityFeePerGas"]).to()))
            .chain_id(Some(31337))
            .build()
            .unwrap();
        let outcome = evm.transact_commit(tx).unwrap();
        assert!(outcome.is_success());
        gas_used += outcome.tx_gas_used();
    }
    gas_used
}

#[tokio::test]
async fn replays_a_block_over_rpc_and_then_from_the_cache_alone() {
    let Some(anvil) = start_anvil() else { return };
    let (number, anchor) = make_block(&anvil).await;
    let dir = tempfile::tempdir().unwrap();
    let source =
        BlockSource::connect(anvil.endpoint(), Some(&anvil.chain_id()), dir.path()).unwrap();
    assert_eq!(source.latest_block_number().unwrap(), number);
    let block = source.fetch(number).unwrap();
    assert_eq!(block.receipts.as_ref().unwrap().as_array().unwrap().len(), 1);
    let state = source.state(&block).unwrap();
    let expected: u64 = word(&block.block["gasUsed"]).to();
    assert_eq!(replay(&block.block, &state), expected);

    // The state is that before the block: the first anchor, not the second.
    assert_eq!(state.storage_ref(anchor, U256::ZERO).unwrap(), U256::from(10));
    let parent = state.block_hash_ref(number - 1).unwrap();
    assert_eq!(block.block["parentHash"], parent.to_string());
    let asked = state.requests();
    drop(state);

    let again = source.state(&source.fetch(number).unwrap()).unwrap();
    assert_eq!(replay(&block.block, &again), expected);
    assert_eq!(again.requests(), asked + 1, "only the block hash is asked again");

    let kept = kept(dir.path(), number);
    let account = &kept["preState"][anchor.to_string().to_lowercase()];
    assert_eq!(account["nonce"], 1);
    assert_eq!(account["balance"], "0x0");
    assert_eq!(account["storage"]["0x0"], "0xa");
    let hash = account["code_hash"].as_str().unwrap().trim_start_matches("0x");
    let code = fs::read(dir.path().join("eip155-31337/code").join(hash)).unwrap();
    assert!(code.starts_with(&[0x60, 0x80]));
    assert_eq!(kept["block"]["hash"], block.block["hash"]);
    assert_eq!(kept["blockHashes"][(number - 1).to_string()], parent.to_string());
}

/// The cache is written whole or not at all, so a new process goes on where the last one stopped.
#[tokio::test]
async fn goes_on_from_a_partly_filled_cache_and_names_a_broken_one() {
    let Some(anvil) = start_anvil() else { return };
    let (number, anchor) = make_block(&anvil).await;
    let dir = tempfile::tempdir().unwrap();
    let source = BlockSource::connect(anvil.endpoint(), None, dir.path()).unwrap();
    let block = source.fetch(number).unwrap();
    let state = source.state(&block).unwrap();
    state.basic_ref(anchor).unwrap().unwrap();
    state.save().unwrap();
    std::mem::forget(state);

    let second = BlockSource::connect(anvil.endpoint(), None, dir.path()).unwrap();
    let state = second.state(&second.fetch(number).unwrap()).unwrap();
    state.basic_ref(anchor).unwrap().unwrap();
    assert_eq!(second.requests(), 2, "only the chain id and the block hash are asked again");
    state.storage_ref(anchor, U256::from(1)).unwrap();
    assert_eq!(second.requests(), 3);
    drop(state);

    let file = dir.path().join(format!("eip155-31337/fetched/{number}.json"));
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let error = second.fetch(number).unwrap_err();
    let Error::Cache(cause) = &error else { panic!("{error:?}") };
    assert!(cause.to_string().contains(&format!("{number}.json")), "{cause}");
}

#[tokio::test]
async fn absent_accounts_and_unset_slots_are_remembered() {
    let Some(anvil) = start_anvil() else { return };
    let (number, anchor) = make_block(&anvil).await;
    let dir = tempfile::tempdir().unwrap();
    let source = BlockSource::connect(anvil.endpoint(), None, dir.path()).unwrap();
    let state = source.state(&source.fetch(number).unwrap()).unwrap();
    let nobody = chaos_chains::Address::repeat_byte(0x77);
    for _ in 0..2 {
        assert!(state.basic_ref(nobody).unwrap().is_none());
        assert_eq!(state.storage_ref(nobody, U256::from(5)).unwrap(), U256::ZERO);
        assert_eq!(state.storage_ref(anchor, U256::from(9)).unwrap(), U256::ZERO);
    }
    // Chain id, block, receipts, two accounts of three questions each, one slot.
    assert_eq!(state.requests(), 10);
    drop(state);
    let (kept, nobody) = (kept(dir.path(), number), nobody.to_string().to_lowercase());
    assert!(kept["preState"].get(&nobody).is_none());
    assert_eq!(kept["absent"], serde_json::json!([nobody]));
}

#[tokio::test]
async fn refuses_blocks_that_do_not_exist_and_chains_that_are_not_expected() {
    let Some(anvil) = start_anvil() else { return };
    let dir = tempfile::tempdir().unwrap();
    let connect = |expected| BlockSource::connect(anvil.endpoint(), expected, dir.path());
    let mainnet = ChainId::evm(1);
    assert!(matches!(connect(Some(&mainnet)), Err(Error::WrongChain { .. })));
    let source = connect(None).unwrap();
    assert!(matches!(source.fetch(99), Err(Error::UnknownBlock { number: 99, .. })));
    let genesis = source.fetch(0).unwrap();
    assert!(matches!(source.state(&genesis), Err(Error::UnknownBlock { number: 0, .. })));
    assert!(Path::new(dir.path()).join("eip155-31337").is_dir());
}

/// A local chain that was started anew has the same chain id and other blocks.
#[tokio::test]
async fn a_cached_block_of_another_history_is_not_used() {
    let (Some(first), Some(second)) = (start_anvil(), start_anvil()) else { return };
    let (number, anchor) = make_block(&first).await;
    let dir = tempfile::tempdir().unwrap();
    let source = BlockSource::connect(first.endpoint(), None, dir.path()).unwrap();
    let old = source.fetch(number).unwrap();
    let state = source.state(&old).unwrap();
    assert_eq!(state.storage_ref(anchor, U256::ZERO).unwrap(), U256::from(10));
    drop(state);

    let chain = connect(second.endpoint()).await;
    chain.mine_blocks(number).await.unwrap();
    let source = BlockSource::connect(second.endpoint(), None, dir.path()).unwrap();
    let new = source.fetch(number).unwrap();
    assert_ne!(new.block["hash"], old.block["hash"]);
    let state = source.state(&new).unwrap();
    assert!(state.basic_ref(anchor).unwrap().is_none());
}
