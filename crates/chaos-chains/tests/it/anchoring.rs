use chaos_chains::{Address, AnchorProof, Error, EvmChain, Signer};
use chaos_types::canonical;

use crate::{connect, start_anvil};

/// The bound promised in contracts/README.md, on a real receipt.
const LATER_ANCHOR_GAS_MAX: u64 = 35_000;

/// A contract of the first kind.
async fn deploy(chain: &EvmChain, deployer: &Signer) -> Address {
    let publisher = deployer.address();
    chain.deploy_anchor(deployer, "chaoschain.local/log", publisher).await.unwrap().0
}

#[tokio::test]
async fn an_anchor_is_proven_offline_from_its_block() {
    let Some(anvil) = start_anvil() else { return };
    let chain = connect(anvil.endpoint()).await;
    let deployer = anvil.signer(0);
    let contract = deploy(&chain, &deployer).await;
    assert_eq!(chain.latest_anchor(contract).await.unwrap(), None);
    let first = chain.anchor_checkpoint(contract, &deployer, 10, [1; 32]).await.unwrap();
    let later = chain.anchor_checkpoint(contract, &deployer, 20_000, [2; 32]).await.unwrap();
    assert_eq!(chain.latest_anchor(contract).await.unwrap(), Some((20_000, [2; 32])));
    eprintln!(
        "gas: first anchor {}, later anchor {}",
        first.transaction.gas_used, later.transaction.gas_used
    );
    assert!(later.transaction.gas_used <= LATER_ANCHOR_GAS_MAX);

    let proof = chain.anchor_proof(&later.transaction, contract).await.unwrap();
    drop(anvil);
    let bytes = canonical::to_vec(&proof).unwrap();
    eprintln!("anchor proof: {} bytes of JSON", bytes.len());
    let read: AnchorProof = canonical::from_slice(&bytes).unwrap();
    let fact = read.verify(20_000, [2; 32]).unwrap();
    assert_eq!(fact.block_hash, later.transaction.block_hash);
    assert_eq!(fact.block_number, later.transaction.block_number);
    assert_eq!(fact.contract, contract);
    assert!(read.verify(10, [1; 32]).is_err());

    for position in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[position] ^= 1;
        let accepted = canonical::from_slice::<AnchorProof>(&flipped)
            .is_ok_and(|proof| proof.verify(20_000, [2; 32]).is_ok());
        assert!(!accepted, "byte {position} flipped was accepted");
    }
}

#[tokio::test]
async fn anchored_sizes_only_rise_and_have_one_root() {
    let Some(anvil) = start_anvil() else { return };
    let chain = connect(anvil.endpoint()).await;
    let publisher = anvil.signer(1);
    let (anchor, _) = chain
        .deploy_anchor(&anvil.signer(0), "example.org/log", publisher.address())
        .await
        .unwrap();
    let first = chain.anchor_checkpoint(anchor, &publisher, 10, [1; 32]).await.unwrap();
    let again = chain.anchor_checkpoint(anchor, &publisher, 10, [1; 32]).await.unwrap();
    assert_eq!(first, again, "repeating must find the first transaction");

    for (size, root, by, name) in [
        (9, [1; 32], &publisher, "SizeBelowLatest"),
        (10, [2; 32], &publisher, "RootConflict"),
        (11, [2; 32], &anvil.signer(0), "NotPublisher"),
    ] {
        match chain.anchor_checkpoint(anchor, by, size, root).await {
            Err(Error::Reverted { reason, .. }) => {
                assert!(reason.starts_with(name), "expected {name}, got {reason}");
            }
            other => panic!("expected {name}, got {other:?}"),
        }
    }
    assert_eq!(chain.latest_anchor(anchor).await.unwrap(), Some((10, [1; 32])));
}
