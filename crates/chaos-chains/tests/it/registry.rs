//! The registry of checkpoints, at its one address on a chain that has the deterministic deployer.

use chaos_chains::{Error, Registered, RegistryKey, RegistryProof};
use chaos_types::{Digest, canonical};

use crate::{connect, start_anvil};

/// The bound promised in contracts/README.md, on a real receipt.
const LATER_ANCHOR_GAS_MAX: u64 = 36_000;

fn reverted_with<T: std::fmt::Debug>(result: Result<T, Error>, name: &str) {
    match result {
        Err(Error::Reverted { reason, .. }) => {
            assert!(reason.starts_with(name), "expected {name}, got {reason}");
        }
        other => panic!("expected {name}, got {other:?}"),
    }
}

fn refused(result: Result<Registered, Error>, says: &str) {
    match result {
        Err(Error::Registry(refusal)) => {
            assert!(refusal.to_string().contains(says), "expected {says}, got {refusal}");
        }
        other => panic!("expected {says}, got {other:?}"),
    }
}

#[tokio::test]
async fn the_registry_is_where_it_is_published_and_keeps_what_is_anchored() {
    let Some(anvil) = start_anvil() else { return };
    let chain = connect(anvil.endpoint()).await;
    let (stranger, publisher) = (anvil.signer(9), anvil.signer(1));
    assert!(!chain.has_registry().await.unwrap());
    // Anybody may put it there, and gets nothing by it.
    assert!(chain.deploy_registry(&stranger).await.unwrap().is_some());
    assert!(chain.has_registry().await.unwrap());
    assert_eq!(chain.deploy_registry(&publisher).await.unwrap(), None);

    let key =
        RegistryKey { origin: Digest::of(b"example.org/log"), publisher: publisher.address() };
    assert_eq!(chain.registered(&key).await.unwrap(), None);
    let first = chain.register_checkpoint(&publisher, &key, 10, [1; 32]).await.unwrap();
    let later = chain.register_checkpoint(&publisher, &key, 20_000, [2; 32]).await.unwrap();
    assert_eq!(chain.registered(&key).await.unwrap(), Some((20_000, [2; 32])));
    let gas = |registered: &Registered| registered.transaction.unwrap().gas_used;
    eprintln!("gas: first anchor {}, later anchor {}", gas(&first), gas(&later));
    assert!(gas(&later) <= LATER_ANCHOR_GAS_MAX);

    let conflict = chain.register_checkpoint(&publisher, &key, 20_000, [3; 32]).await;
    refused(conflict, "another history of this log");
    let smaller = chain.register_checkpoint(&publisher, &key, 19_999, [2; 32]).await;
    refused(smaller, "has anchored 20000 entries of this log, and it has 19999 here");
    let other = chain.register_checkpoint(&stranger, &key, 20_001, [2; 32]).await;
    refused(other, "may not anchor under publisher");
    let sent = chain.transactions_of(publisher.address()).await.unwrap();
    // Whoever lost the answer does the same again, from a journal that knows nothing of it: nothing is sent.
    let again = connect(anvil.endpoint()).await;
    let found = again.register_checkpoint(&publisher, &key, 20_000, [2; 32]).await.unwrap();
    assert_eq!(found.transaction, None);
    assert_eq!((found.fact.size, found.fact.root), (20_000, [2; 32]));
    assert_eq!(chain.transactions_of(publisher.address()).await.unwrap(), sent);
}

#[tokio::test]
async fn what_the_registry_holds_is_shown_offline_by_storage_alone() {
    let Some(anvil) = start_anvil() else { return };
    let chain = connect(anvil.endpoint()).await;
    let publisher = anvil.signer(1);
    let key = RegistryKey::of("example.org/log", publisher.address());
    let plans = chain.plan_register(&publisher, &key, 10, [1; 32]).await.unwrap();
    assert_eq!(plans.len(), 2, "the registry first");
    assert!(!chain.ensure_registrable(publisher.address(), &key).await.unwrap());
    chain.deploy_registry(&publisher).await.unwrap();
    assert!(chain.ensure_registrable(publisher.address(), &key).await.unwrap());
    let first = chain.register_checkpoint(&publisher, &key, 10, [1; 32]).await.unwrap();
    assert!(first.transaction.unwrap().gas_used <= plans[1].gas);
    let later = chain.register_checkpoint(&publisher, &key, 11, [2; 32]).await.unwrap();
    // An earlier one is still shown by the block that it was anchored in.
    let again = chain.register_checkpoint(&publisher, &key, 10, [1; 32]).await.unwrap();
    assert_eq!(again.fact, first.fact);
    drop(anvil);
    let text = canonical::to_vec(&later.proof).unwrap();
    eprintln!("registry proof: {} bytes, {} of JSON", later.proof.to_rlp().len(), text.len());
    assert!(later.proof.to_rlp().len() <= 1_500);
    let read: RegistryProof = canonical::from_slice(&text).unwrap();
    let fact = read.verify(&key).unwrap();
    assert_eq!((fact.size, fact.root, fact), (11, [2; 32], later.fact));
    assert_eq!(fact.block_hash, later.transaction.unwrap().block_hash);
}

#[tokio::test]
async fn a_key_is_written_under_by_whom_it_was_handed_to_and_keeps_its_name() {
    let Some(anvil) = start_anvil() else { return };
    let chain = connect(anvil.endpoint()).await;
    let (publisher, writer) = (anvil.signer(1), anvil.signer(2));
    chain.deploy_registry(&publisher).await.unwrap();
    let key =
        RegistryKey { origin: Digest::of(b"example.org/log"), publisher: publisher.address() };
    chain.register_checkpoint(&publisher, &key, 1, [1; 32]).await.unwrap();
    chain.propose_registry_writer(&publisher, &key, Some(writer.address())).await.unwrap();
    let found = chain.registry_writer(&key).await.unwrap();
    assert_eq!((found.writer, found.proposed), (publisher.address(), Some(writer.address())));
    let foreign = chain.accept_registry_writer(&publisher, &key).await;
    reverted_with(foreign, "NotProposed");
    chain.accept_registry_writer(&writer, &key).await.unwrap();
    let found = chain.registry_writer(&key).await.unwrap();
    assert_eq!((found.writer, found.proposed), (writer.address(), None));
    let former = chain.register_checkpoint(&publisher, &key, 2, [2; 32]).await;
    refused(former, "may not anchor under publisher");
    chain.register_checkpoint(&writer, &key, 2, [2; 32]).await.unwrap();
    assert_eq!(chain.registered(&key).await.unwrap(), Some((2, [2; 32])));
}
