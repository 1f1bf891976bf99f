//! Where nodes say that a block is: against a chain, and proxies of it that lie.

use chaos_chains::{
    Address, Anvil, B256, REGISTRY, RegistryKey,
    place::{Lookup, Nodes, Saying, Sought},
    sending::Finality,
};
use chaos_types::Digest;
use serde_json::{Value, json};

use crate::{
    connect, start_anvil,
    stub::{Reply, forward, serve},
};

pub(crate) const ORIGIN: &str = "example.org/log";
/// Enough blocks to make the ones before them final where a chain does not say so itself.
const FINAL_AFTER: u64 = 70;

/// A chain with one anchor in the registry.
pub(crate) struct Lab {
    pub(crate) anvil: Anvil,
    pub(crate) sought: Sought,
    pub(crate) publisher: Address,
}

impl Lab {
    pub(crate) async fn start() -> Option<Self> {
        let anvil = start_anvil()?;
        let chain = connect(anvil.endpoint()).await;
        let signer = anvil.signer(1);
        chain.deploy_registry(&signer).await.unwrap();
        let publisher = signer.address();
        let key = RegistryKey { origin: Digest::of(ORIGIN.as_bytes()), publisher };
        let placed = chain.register_checkpoint(&signer, &key, 10, [1; 32]).await.unwrap().fact;
        chain.mine_blocks(FINAL_AFTER).await.unwrap();
        let sought = Sought {
            chain: anvil.chain_id(),
            block_number: placed.block_number,
            block_hash: placed.block_hash,
            contract: REGISTRY,
            origin: Some(ORIGIN.to_owned()),
        };
        Some(Self { anvil, sought, publisher })
    }

    /// What the chain answers.
    pub(crate) fn ask(&self, method: &str, params: &Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": params});
        let chain = self.anvil.endpoint().trim_start_matches("http://");
        let answer: Value = serde_json::from_str(&forward(chain, &body.to_string())).unwrap();
        answer["result"].clone()
    }

    /// A node that changes what the chain answers to one method.
    pub(crate) fn lying(
        &self,
        method: &'static str,
        mut lie: impl FnMut(&Value, Value) -> Value + Send + 'static,
    ) -> String {
        let chain = self.anvil.endpoint().trim_start_matches("http://").to_owned();
        serve(move |body| {
            let answer = forward(&chain, body);
            let question: Value = serde_json::from_str(body).unwrap();
            if question["method"] != method {
                return Reply::Answer(200, String::new(), answer);
            }
            let mut answer: Value = serde_json::from_str(&answer).unwrap();
            answer = lie(&question["params"], answer);
            Reply::Answer(200, String::new(), answer.to_string())
        })
    }
}

/// Nodes answer from their own thread, so asking may not happen on the test's runtime.
async fn look_up(urls: Vec<String>, agree: Option<usize>, sought: &Sought) -> Lookup {
    let sought = sought.clone();
    let asked = move || Nodes::new(&urls, agree, Finality::Final).unwrap().look_up(&sought);
    tokio::task::spawn_blocking(asked).await.unwrap()
}

pub(crate) fn error(code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "error": {"code": code, "message": message}})
}

#[tokio::test]
async fn nodes_that_have_the_block_place_it() {
    let Some(lab) = Lab::start().await else { return };
    let honest = lab.lying("eth_none", |_, answer| answer);
    let urls = vec![lab.anvil.endpoint().to_owned(), honest];
    let found = look_up(urls, None, &lab.sought).await;
    assert!(found.is_placed(), "{found:?}");
    assert_eq!((found.holding(), found.finality()), (2, Some(Finality::Final)));
}

#[tokio::test]
async fn each_node_is_told_by_what_it_says() {
    let Some(lab) = Lab::start().await else { return };
    let chain = lab.anvil.endpoint().to_owned();
    let other_chain = lab.lying("eth_chainId", |_, mut answer| {
        answer["result"] = json!("0x1");
        answer
    });
    let behind = lab.lying("eth_getBlockByNumber", |params, mut answer| {
        if params[0] != "0x0" {
            answer["result"] = Value::Null;
        }
        answer
    });
    let no_code = lab.lying("eth_getCode", |_, mut answer| {
        answer["result"] = json!("0x");
        answer
    });
    let refusing = lab.lying("eth_chainId", |_, _| error(-32_000, "this key is not known"));
    let gone = "http://127.0.0.1:1".to_owned();
    let urls = vec![chain, other_chain, behind, no_code, refusing, gone];
    let found = look_up(urls, Some(1), &lab.sought).await;
    let says: Vec<String> = found.said.iter().map(|said| said.says.to_string()).collect();
    for (says, words) in says.iter().zip([
        "has the block, final",
        "is of another chain, eip155:1",
        "does not show the block",
        "has no contract at the contract's address",
        "this key is not known",
        "no answer to eth_chainId",
    ]) {
        assert!(says.contains(words), "`{words}` is not in: {says}");
        assert!(says.len() < 200, "{says}");
    }
    assert!(found.is_placed());
    let wanted = Lookup { agree: 2, ..found };
    assert!(!wanted.is_placed());
}

/// The node's chain has another block there, by its own word for ever.
#[tokio::test]
async fn another_block_that_stays_is_a_contradiction() {
    let Some(lab) = Lab::start().await else { return };
    let number = format!("{:#x}", lab.sought.block_number);
    let other = lab.lying("eth_getBlockByNumber", move |params, mut answer| {
        if params[0] == json!(number) {
            answer["result"]["hash"] = json!(B256::repeat_byte(7));
        }
        answer
    });
    let urls = vec![lab.anvil.endpoint().to_owned(), other];
    let found = look_up(urls, Some(1), &lab.sought).await;
    let said = found.contradicting().expect("it contradicts");
    assert_eq!(said.says, Saying::OtherBlock { found: B256::repeat_byte(7), is_final: true });
    assert!(!found.is_placed());
}

#[tokio::test]
async fn a_block_that_may_still_go_is_not_placed_and_one_that_went_is_another() {
    let Some(lab) = Lab::start().await else { return };
    let chain = connect(lab.anvil.endpoint()).await;
    let signer = lab.anvil.signer(1);
    let key = RegistryKey { origin: Digest::of(ORIGIN.as_bytes()), publisher: lab.publisher };
    let placed = chain.register_checkpoint(&signer, &key, 11, [2; 32]).await.unwrap().fact;
    let (block_number, block_hash) = (placed.block_number, placed.block_hash);
    let sought = Sought { block_number, block_hash, ..lab.sought.clone() };
    let urls = || vec![lab.anvil.endpoint().to_owned()];
    let found = look_up(urls(), None, &sought).await;
    let says = found.said[0].says.clone();
    assert!(matches!(says, Saying::Unsettled { .. }) && !found.is_placed(), "{says}");
    let invented = Sought { block_hash: B256::repeat_byte(3), ..sought };
    let found = look_up(urls(), None, &invented).await;
    assert!(matches!(found.said[0].says, Saying::OtherBlock { is_final: false, .. }));
}

#[tokio::test]
async fn an_anchor_contract_is_told_by_its_code_and_its_log() {
    let Some(lab) = Lab::start().await else { return };
    let chain = connect(lab.anvil.endpoint()).await;
    let signer = lab.anvil.signer(2);
    let (contract, _) = chain.deploy_anchor(&signer, ORIGIN, signer.address()).await.unwrap();
    let (foreign, _) =
        chain.deploy_anchor(&signer, "example.org/other", signer.address()).await.unwrap();
    let placed = chain.anchor_checkpoint(contract, &signer, 4, [4; 32]).await.unwrap().transaction;
    chain.mine_blocks(FINAL_AFTER).await.unwrap();
    let (block_number, block_hash) = (placed.block_number, placed.block_hash);
    let sought = Sought { block_number, block_hash, contract, ..lab.sought.clone() };
    let urls = || vec![lab.anvil.endpoint().to_owned()];
    assert!(look_up(urls(), None, &sought).await.is_placed());
    for (contract, words) in [(foreign, "another log's contract"), (lab.publisher, "no contract")] {
        let found = look_up(urls(), None, &Sought { contract, ..sought.clone() }).await;
        let says = found.said[0].says.to_string();
        assert!(says.contains(words) && found.other_contract().is_some(), "{says}");
    }
}

/// What a node that keeps no old state is asked, it is asked of the newest.
#[tokio::test]
async fn a_node_without_old_states_places_as_well() {
    let Some(lab) = Lab::start().await else { return };
    let pruned = lab.lying("eth_getCode", |params, answer| {
        if params[1] == "latest" { answer } else { error(-32_000, "missing trie node") }
    });
    assert!(look_up(vec![pruned], None, &lab.sought).await.is_placed());
}
