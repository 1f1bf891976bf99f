use alloy_primitives::keccak256;
use alloy_sol_types::SolValue;
use chaos_chains::{
    Address, Claim, Error, EvmChain, GovernanceStack, GovernorCall, ProposalState, Signer,
    StackConfig, Support, U256,
};
use chaos_types::ChainId;

use crate::{connect, start_anvil};

fn tokens(count: u64) -> U256 {
    U256::from(count) * U256::from(10).pow(U256::from(18))
}

fn reverted_with<T: std::fmt::Debug>(result: Result<T, Error>, name: &str) {
    match result {
        Err(Error::Reverted { reason, .. }) => {
            assert!(reason.starts_with(name), "expected {name}, got {reason}");
        }
        other => panic!("expected {name}, got {other:?}"),
    }
}

fn gas_limit_call(registry: Address) -> GovernorCall {
    GovernorCall {
        registry,
        chain: ChainId::evm(1),
        name: "gas-limit".to_owned(),
        value: U256::from(60_000_000),
        description: "# Raise the gas limit".to_owned(),
    }
}

async fn deployed(chain: &EvmChain, deployer: &Signer) -> GovernanceStack {
    let config = StackConfig { voting_period_blocks: 10, ..StackConfig::default() };
    chain.deploy_governance_stack(deployer, &config).await.unwrap()
}

#[tokio::test]
async fn a_passed_vote_sets_the_parameter_it_names() {
    let Some(anvil) = start_anvil() else { return };
    let chain = connect(anvil.endpoint()).await;
    let deployer = anvil.signer(0);
    let stack = deployed(&chain, &deployer).await;
    assert_eq!(stack.transactions.len(), 6);
    let (yes, no) = (anvil.signer(1), anvil.signer(2));
    chain
        .set_up_voters(stack.token, &deployer, &[(&yes, tokens(300_000)), (&no, tokens(100_000))])
        .await
        .unwrap();

    let call = gas_limit_call(stack.registry);
    reverted_with(
        chain.parameter(stack.registry, &call.chain, &call.name).await,
        "ParameterNotSet",
    );
    let proposal = chain.propose(stack.governor, &yes, &call).await.unwrap();
    let id = proposal.proposal_id;
    assert_eq!(chain.voting_window(stack.governor, id).await.unwrap(), proposal.window);
    let state = chain.proposal_state(stack.governor, id).await.unwrap();
    assert_eq!(state, ProposalState::Pending);
    // Who has sent it before is answered with what was sent; for anybody else it is refused.
    assert_eq!(chain.propose(stack.governor, &yes, &call).await.unwrap(), proposal);
    reverted_with(
        connect(anvil.endpoint()).await.propose(stack.governor, &yes, &call).await,
        "GovernorUnexpectedProposalState",
    );
    reverted_with(
        chain.vote(stack.governor, &yes, id, Support::For, "early").await,
        "GovernorUnexpectedProposalState",
    );
    chain.mine_blocks(2).await.unwrap();
    chain.vote(stack.governor, &yes, id, Support::For, "evidence holds").await.unwrap();
    chain.vote(stack.governor, &no, id, Support::Against, "too fast").await.unwrap();
    reverted_with(
        chain.vote(stack.governor, &yes, id, Support::For, "twice").await,
        "GovernorAlreadyCastVote",
    );
    let votes = chain.votes(stack.governor, id).await.unwrap();
    assert_eq!((votes.in_favour, votes.against), (tokens(300_000), tokens(100_000)));
    assert_eq!(votes.abstain, U256::ZERO);
    let quorum = chain.quorum(stack.governor, proposal.window.start_block).await.unwrap();
    assert_eq!(quorum, tokens(40_000));
    reverted_with(
        chain.execute(stack.governor, &deployer, &call).await,
        "GovernorUnexpectedProposalState",
    );

    let left = proposal.window.end_block + 1 - chain.block_number().await.unwrap();
    chain.mine_blocks(left).await.unwrap();
    let state = chain.proposal_state(stack.governor, id).await.unwrap();
    assert_eq!(state, ProposalState::Succeeded);
    chain.execute(stack.governor, &deployer, &call).await.unwrap();
    let state = chain.proposal_state(stack.governor, id).await.unwrap();
    assert_eq!(state, ProposalState::Executed);
    let value = chain.parameter(stack.registry, &call.chain, &call.name).await.unwrap();
    assert_eq!(value, U256::from(60_000_000));
}

#[tokio::test]
async fn a_lost_vote_changes_nothing() {
    let Some(anvil) = start_anvil() else { return };
    let chain = connect(anvil.endpoint()).await;
    let deployer = anvil.signer(0);
    let stack = deployed(&chain, &deployer).await;
    chain.set_up_voters(stack.token, &deployer, &[(&deployer, U256::ZERO)]).await.unwrap();
    let call = gas_limit_call(stack.registry);
    let proposal = chain.propose(stack.governor, &deployer, &call).await.unwrap();
    chain.mine_blocks(2).await.unwrap();
    let id = proposal.proposal_id;
    chain.vote(stack.governor, &deployer, id, Support::Abstain, "").await.unwrap();
    chain.mine_blocks(12).await.unwrap();
    let state = chain.proposal_state(stack.governor, id).await.unwrap();
    assert_eq!(state, ProposalState::Defeated);
    reverted_with(
        chain.execute(stack.governor, &deployer, &call).await,
        "GovernorUnexpectedProposalState",
    );
    reverted_with(
        chain.parameter(stack.registry, &call.chain, &call.name).await,
        "ParameterNotSet",
    );
}

#[tokio::test]
async fn a_submitted_proposal_reads_back_whole() {
    let Some(anvil) = start_anvil() else { return };
    let chain = connect(anvil.endpoint()).await;
    let signer = anvil.signer(3);
    let stack = deployed(&chain, &anvil.signer(0)).await;
    for expected in 1..=2_u64 {
        // Each with a journal of its own: one journal puts the same proposal on record once.
        let submitted = connect(anvil.endpoint())
            .await
            .submit_proposal(stack.endpoint, &signer, "sha256:abc", &[0, 1, 0xff])
            .await
            .unwrap();
        assert_eq!(submitted.proposal_id, U256::from(expected));
    }
    let proposal = chain.get_proposal(stack.endpoint, U256::from(2)).await.unwrap();
    assert_eq!(proposal.proposal_id, U256::from(2));
    assert_eq!(proposal.submitter, signer.address());
    assert_eq!(proposal.metadata_uri, "sha256:abc");
    assert_eq!(proposal.attestation.as_ref(), [0, 1, 0xff]);
    reverted_with(chain.get_proposal(stack.endpoint, U256::from(3)).await, "UnknownProposal");
}

#[tokio::test]
async fn a_reward_is_paid_once_and_only_to_its_account() {
    let Some(anvil) = start_anvil() else { return };
    let chain = connect(anvil.endpoint()).await;
    let deployer = anvil.signer(0);
    let stack = deployed(&chain, &deployer).await;
    let accounts = [anvil.signer(4).address(), anvil.signer(5).address()];
    let amounts = [tokens(3), tokens(1)];
    let leaf = |i: usize| keccak256(keccak256((accounts[i], amounts[i]).abi_encode()));
    let (a, b) = (leaf(0), leaf(1));
    let root = keccak256(if a < b { [a, b] } else { [b, a] }.concat());

    let created = chain
        .create_distribution(stack.distributor, stack.token, &deployer, root.0, tokens(4))
        .await
        .unwrap();
    let distribution_id = created.distribution_id;
    assert_eq!(distribution_id, U256::from(1));
    let (proof_a, proof_b) = ([b.0], [a.0]);
    let claim_a =
        Claim { distribution_id, account: accounts[0], amount: amounts[0], proof: &proof_a };
    // Anybody may send the claim; the money goes to the account.
    let sender = anvil.signer(9);
    chain.claim(stack.distributor, &sender, &claim_a).await.unwrap();
    assert_eq!(chain.token_balance(stack.token, accounts[0]).await.unwrap(), amounts[0]);
    assert!(chain.is_claimed(stack.distributor, distribution_id, accounts[0]).await.unwrap());
    let other = connect(anvil.endpoint()).await;
    reverted_with(other.claim(stack.distributor, &sender, &claim_a).await, "AlreadyClaimed");

    let claim_b =
        Claim { distribution_id, account: accounts[1], amount: amounts[1], proof: &proof_b };
    let more = Claim { amount: amounts[1] + U256::from(1), ..claim_b };
    reverted_with(chain.claim(stack.distributor, &sender, &more).await, "InvalidProof");
    let unknown = Claim { distribution_id: U256::from(2), ..claim_b };
    reverted_with(chain.claim(stack.distributor, &sender, &unknown).await, "UnknownDistribution");
    chain.claim(stack.distributor, &sender, &claim_b).await.unwrap();
    let left = chain.token_balance(stack.token, stack.distributor).await.unwrap();
    assert_eq!(left, U256::ZERO);
}

#[tokio::test]
async fn the_same_steps_give_the_same_block_hashes() {
    let (Some(first), Some(second)) = (start_anvil(), start_anvil()) else { return };
    let mut stacks = Vec::new();
    for anvil in [&first, &second] {
        let chain = connect(anvil.endpoint()).await;
        stacks.push(deployed(&chain, &anvil.signer(0)).await);
    }
    assert_eq!(stacks[0], stacks[1]);
}
