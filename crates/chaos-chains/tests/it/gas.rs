//! How much gas is signed for, whatever a node says.

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::SolValue;
use chaos_chains::{
    Address, Anvil, Claim, Error, EvmChain, Funding, GovernanceStack, GovernorCall, Outbox,
    RegistryKey, StackConfig, Support, U256,
};
use chaos_types::ChainId;
use serde_json::{Value, json};

use crate::{
    sending::{lying, outbox, sending},
    start_anvil, start_anvil_with_blocks_every, stub,
};

const DAY_S: u64 = 24 * 60 * 60;
/// A contract that takes half a million gas and answers 1, whatever it is asked.
const WASTEFUL: &str = "0x614e205b600190038060035760015f5260205ff3";

/// What was sent: how much it used, and was signed for.
async fn used(chain: &EvmChain) -> Vec<(String, u64, u64)> {
    let sent = chain.journaled(true).await.unwrap();
    let used = sent.into_iter().map(|it| {
        let inclusion = *it.intent.included().unwrap();
        assert!(inclusion.succeeded, "{}", it.intent.what);
        (it.intent.what, inclusion.gas_used, it.intent.gas_limit)
    });
    used.collect()
}

/// A tree of one leaf whose path is long, by its root.
fn deep(account: Address, amount: U256, path: &[[u8; 32]]) -> B256 {
    let leaf = keccak256(keccak256((account, amount).abi_encode()));
    path.iter().fold(leaf, |node, sibling| {
        let sibling = B256::from(*sibling);
        keccak256(if node < sibling { [node, sibling] } else { [sibling, node] }.concat())
    })
}

/// Deploys everything, and has one voter carry a vote through.
async fn votes(chain: &EvmChain, anvil: &Anvil) -> GovernanceStack {
    let (deployer, voter) = (anvil.signer(0), anvil.signer(1));
    let config = StackConfig { voting_period_blocks: 3, ..StackConfig::default() };
    let stack = chain.deploy_governance_stack(&deployer, &config).await.unwrap();
    let voters = [(&deployer, U256::ZERO), (&voter, config.supply / U256::from(2))];
    chain.set_up_voters(stack.token, &deployer, &voters).await.unwrap();
    // Two accounts' votes change.
    chain.delegate(stack.token, &deployer, anvil.signer(2).address()).await.unwrap();
    let uri = "ni:///sha-256;".to_owned() + &"f".repeat(43);
    chain.submit_proposal(stack.endpoint, &voter, &uri, &[0xff; 192]).await.unwrap();
    let call = GovernorCall {
        registry: stack.registry,
        proposer: voter.address(),
        chain: ChainId::evm(1),
        name: "gas-limit".to_owned(),
        value: U256::from(60_000_000),
        description: "# Raise the gas limit\n".repeat(100),
    };
    let opened = chain.propose(stack.governor, &voter, &call).await.unwrap();
    chain.mine_blocks(2).await.unwrap();
    let (id, reason) = (opened.proposal_id, "it repeats ".repeat(50));
    chain.vote(stack.governor, &voter, id, Support::For, &reason).await.unwrap();
    chain.mine_blocks(4).await.unwrap();
    chain.queue(stack.governor, &deployer, &call).await.unwrap();
    chain.mine_blocks(1).await.unwrap();
    chain.execute(stack.governor, &deployer, &call).await.unwrap();
    stack
}

/// A voter pays all that it has to an account whose votes count, and gets the same back from another distribution.
async fn pays(chain: &EvmChain, anvil: &Anvil, stack: &GovernanceStack) {
    let (funder, payee) = (anvil.signer(1), anvil.signer(3));
    chain.delegate(stack.token, &payee, payee.address()).await.unwrap();
    let held = chain.token_balance(stack.token, funder.address()).await.unwrap();
    let total: u128 = (held / U256::from(2)).try_into().unwrap();
    let (path, amount) = ([[0x77; 32]; 12], U256::from(total));
    let funding = Funding {
        key: [1; 32],
        token: stack.token,
        root: deep(payee.address(), amount, &path).0,
        total,
        refund_after_s: None,
    };
    let created = chain.create_distribution(stack.distributor, &funder, &funding).await.unwrap();
    let claim = Claim {
        distribution_id: created.distribution_id,
        account: payee.address(),
        amount,
        proof: &path,
    };
    chain.claim(stack.distributor, &anvil.signer(0), &claim).await.unwrap();
    let taken_back = Funding { key: [2; 32], refund_after_s: Some(90 * 86_400), ..funding };
    chain.create_distribution(stack.distributor, &funder, &taken_back).await.unwrap();
    chain.mine_blocks(91).await.unwrap();
    let refunded = chain.refund(stack.distributor, &payee, funder.address(), [2; 32]).await;
    assert_eq!(refunded.unwrap().amount, total);
}

/// Anchors in the registry, hands it on, and anchors in a contract of the log's own.
async fn anchors(chain: &EvmChain, anvil: &Anvil) {
    let (publisher, writer) = (anvil.signer(0), anvil.signer(1));
    chain.deploy_registry(&publisher).await.unwrap();
    let key = RegistryKey::of("example.org/log", publisher.address());
    chain.register_checkpoint(&publisher, &key, u64::MAX - 1, [0xff; 32]).await.unwrap();
    chain.propose_registry_writer(&publisher, &key, Some(writer.address())).await.unwrap();
    chain.accept_registry_writer(&writer, &key).await.unwrap();
    let name = "example.org/log";
    let (anchor, _) = chain.deploy_anchor(&publisher, name, publisher.address()).await.unwrap();
    chain.anchor_checkpoint(anchor, &publisher, u64::MAX - 1, [0xff; 32]).await.unwrap();
}

#[tokio::test]
async fn whatever_is_sent_goes_through_a_node_that_says_21000_gas() {
    // A day passes with each block.
    let Some(anvil) = start_anvil_with_blocks_every(DAY_S) else { return };
    let url = lying(&anvil, "eth_estimateGas", "\"0x5208\"");
    let folder = tempfile::tempdir().unwrap();
    let chain = sending(&url, Outbox::local(folder.path(), || 0)).await;
    let stack = votes(&chain, &anvil).await;
    pays(&chain, &anvil, &stack).await;
    anchors(&chain, &anvil).await;
    let sent = used(&chain).await;
    for (what, used, limit) in &sent {
        eprintln!("{used:>9} of {limit:>9} {:>3} %  {what}", limit * 100 / used);
    }
    for (what, used, limit) in &sent {
        assert!(used + used / 6 <= *limit, "{what} used {used} gas of {limit}");
        // What an account has to hold rises with it.
        assert!(*limit <= 5 * used, "{what} used {used} gas of {limit}");
    }
    assert_eq!(sent.len(), 27);
}

/// A node with a contract that takes more than a token of ours.
fn with_wasteful(anvil: &Anvil) -> Address {
    let address = Address::repeat_byte(0x77);
    let body = json!({"jsonrpc": "2.0", "id": 0, "method": "anvil_setCode", "params": [address, WASTEFUL]});
    let endpoint = anvil.endpoint().strip_prefix("http://").unwrap();
    let answer: Value = serde_json::from_str(&stub::forward(endpoint, &body.to_string())).unwrap();
    assert!(answer.get("error").is_none(), "{answer}");
    address
}

#[tokio::test]
async fn what_takes_more_than_is_measured_is_not_signed_on_the_estimate_alone() {
    let Some(anvil) = start_anvil() else { return };
    let (token, signer) = (with_wasteful(&anvil), anvil.signer(0));
    let folder = tempfile::tempdir().unwrap();
    for (said, expected) in [
        ("\"0x5208\"", "has it fail with the 204000"),
        ("\"0xf42400\"", "16000000 gas, and no more than"),
    ] {
        let url = lying(&anvil, "eth_estimateGas", said);
        let chain = sending(&url, outbox(folder.path())).await;
        let error = chain.delegate(token, &signer, signer.address()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(matches!(error, Error::GasUnderstated { .. } | Error::GasOverstated { .. }));
    }
    assert!(!folder.path().join("transactions").exists());
    let chain = sending(anvil.endpoint(), outbox(folder.path())).await;
    let sent = chain.delegate(token, &signer, signer.address()).await.unwrap();
    assert!(sent.is_some_and(|sent| sent.gas_used > 500_000));
}
