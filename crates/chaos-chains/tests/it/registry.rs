//! The registry of checkpoints, at its one address on a chain that has the deterministic deployer.

use chaos_chains::{Error, RegistryKey};
use chaos_types::Digest;

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
    eprintln!("gas: first anchor {}, later anchor {}", first.gas_used, later.gas_used);
    assert!(later.gas_used <= LATER_ANCHOR_GAS_MAX);

    let conflict = chain.register_checkpoint(&publisher, &key, 20_000, [3; 32]).await;
    reverted_with(conflict, "RootConflict");
    let smaller = chain.register_checkpoint(&publisher, &key, 19_999, [2; 32]).await;
    reverted_with(smaller, "SizeBelowLatest");
    let other = chain.register_checkpoint(&stranger, &key, 20_001, [2; 32]).await;
    reverted_with(other, "NotWriter");
    // Whoever lost the answer sends the same again, from a journal that knows nothing of it.
    let again = connect(anvil.endpoint()).await;
    again.register_checkpoint(&publisher, &key, 20_000, [2; 32]).await.unwrap();
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
    reverted_with(chain.register_checkpoint(&publisher, &key, 2, [2; 32]).await, "NotWriter");
    chain.register_checkpoint(&writer, &key, 2, [2; 32]).await.unwrap();
    assert_eq!(chain.registered(&key).await.unwrap(), Some((2, [2; 32])));
}
