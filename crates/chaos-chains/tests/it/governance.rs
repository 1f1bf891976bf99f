use alloy_primitives::keccak256;
use alloy_sol_types::SolValue;
use chaos_chains::{
    Address, Claim, Error, EvmChain, Funding, GovernanceStack, GovernorCall, ProposalState, Signer,
    StackConfig, Support, U256,
};
use chaos_types::ChainId;

use crate::{connect, start_anvil, start_anvil_with_blocks_every};

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

fn gas_limit_call(registry: Address, proposer: &Signer) -> GovernorCall {
    GovernorCall {
        registry,
        proposer: proposer.address(),
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
    assert_eq!(stack.transactions.len(), 5);
    let (yes, no) = (anvil.signer(1), anvil.signer(2));
    chain
        .set_up_voters(stack.token, &deployer, &[(&yes, tokens(300_000)), (&no, tokens(100_000))])
        .await
        .unwrap();

    let call = gas_limit_call(stack.registry, &yes);
    reverted_with(
        chain.parameter(stack.registry, &call.chain, &call.name).await,
        "ParameterNotSet",
    );
    // Who saw it in the pool and is faster gets nothing: the text names its proposer.
    reverted_with(chain.propose(stack.governor, &no, &call).await, "GovernorRestrictedProposer");
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
    chain.queue(stack.governor, &deployer, &call).await.unwrap();
    let state = chain.proposal_state(stack.governor, id).await.unwrap();
    assert_eq!(state, ProposalState::Queued);
    let early = chain.execute(stack.governor, &deployer, &call).await;
    assert!(matches!(early, Err(Error::Reverted { .. })), "{early:?}");
    chain.mine_blocks(StackConfig::default().timelock_s.into()).await.unwrap();
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
    let call = gas_limit_call(stack.registry, &deployer);
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

    let funding = Funding {
        key: [7; 32],
        token: stack.token,
        root: root.0,
        total: 4 * 10_u128.pow(18),
        refund_after_s: Some(90 * 24 * 60 * 60),
    };
    let create = |chain: EvmChain, funding: Funding| {
        let (distributor, deployer) = (stack.distributor, deployer.clone());
        async move { chain.create_distribution(distributor, &deployer, &funding).await }
    };
    let created = create(chain.clone(), funding).await.unwrap();
    let distribution_id = created.distribution_id;
    assert_eq!(distribution_id, chaos_chains::distribution_id(deployer.address(), [7; 32]));
    // Sent again it is what was sent; from a journal that knows nothing of it, the contract refuses.
    assert_eq!(create(chain.clone(), funding).await.unwrap(), created);
    reverted_with(create(connect(anvil.endpoint()).await, funding).await, "KeyUsed");
    let soon = Funding { key: [8; 32], refund_after_s: Some(1), ..funding };
    reverted_with(create(chain.clone(), soon).await, "RefundTooEarly");
    let held = chain.token_balance(stack.token, stack.distributor).await.unwrap();
    assert_eq!(held, tokens(4));
    // Who funded it, whoever asks, from the block in which it was.
    let found = async |funding: Funding, from| {
        connect(anvil.endpoint()).await.funders(stack.distributor, &funding, from).await.unwrap()
    };
    let funder = deployer.address();
    assert_eq!(found(funding, None).await, [(funder, true)]);
    assert_eq!(found(Funding { total: 1, ..funding }, None).await, [(funder, false)]);
    assert!(found(Funding { key: [9; 32], ..funding }, None).await.is_empty());
    chain.mine_blocks(1).await.unwrap();
    let block = created.transaction.block_number;
    assert_eq!(found(funding, Some(block)).await.len(), 1);
    assert!(found(funding, Some(block + 1)).await.is_empty());
    let (proof_a, proof_b) = ([b.0], [a.0]);
    let claim_a =
        Claim { distribution_id, account: accounts[0], amount: amounts[0], proof: &proof_a };
    // Anybody may send the claim; the money goes to the account.
    let sender = anvil.signer(9);
    chain.claim(stack.distributor, &sender, &claim_a).await.unwrap();
    assert_eq!(chain.token_balance(stack.token, accounts[0]).await.unwrap(), amounts[0]);
    assert!(chain.is_claimed(stack.distributor, &claim_a).await.unwrap());
    let other = connect(anvil.endpoint()).await;
    reverted_with(other.claim(stack.distributor, &sender, &claim_a).await, "AlreadyClaimed");

    let claim_b =
        Claim { distribution_id, account: accounts[1], amount: amounts[1], proof: &proof_b };
    let more = Claim { amount: amounts[1] + U256::from(1), ..claim_b };
    reverted_with(chain.claim(stack.distributor, &sender, &more).await, "InvalidProof");
    let unknown = Claim { distribution_id: U256::from(2), ..claim_b };
    reverted_with(chain.claim(stack.distributor, &sender, &unknown).await, "UnknownDistribution");
    assert!(!chain.is_claimed(stack.distributor, &claim_b).await.unwrap());
    chain.claim(stack.distributor, &sender, &claim_b).await.unwrap();
    let left = chain.token_balance(stack.token, stack.distributor).await.unwrap();
    assert_eq!(left, U256::ZERO);
}

/// Two distributions of one total, from one journal: each takes its own money. After the deadline the
/// funder gets back what nobody claimed, whoever asks for it, once.
#[tokio::test]
async fn the_rest_goes_back_to_the_funder_after_the_deadline() {
    // A day passes with each block.
    let Some(anvil) = start_anvil_with_blocks_every(24 * 60 * 60) else { return };
    let chain = connect(anvil.endpoint()).await;
    let (deployer, stranger) = (anvil.signer(0), anvil.signer(9));
    let stack = deployed(&chain, &deployer).await;
    let funding = Funding {
        key: [1; 32],
        token: stack.token,
        root: [1; 32],
        total: 5,
        refund_after_s: Some(90 * 24 * 60 * 60),
    };
    let for_ever = Funding { key: [2; 32], refund_after_s: None, ..funding };
    let (distributor, funder) = (stack.distributor, deployer.address());
    let mut created = Vec::new();
    for funding in [funding, for_ever] {
        created.push(chain.create_distribution(distributor, &deployer, &funding).await.unwrap());
    }
    assert_eq!(chain.token_balance(stack.token, distributor).await.unwrap(), U256::from(10));
    let early = chain.refund(distributor, &stranger, funder, [1; 32]).await;
    reverted_with(early, "RefundNotOpen");
    chain.mine_blocks(90).await.unwrap();
    reverted_with(chain.refund(distributor, &stranger, funder, [2; 32]).await, "RefundNotOpen");
    chain.refund(distributor, &stranger, funder, [1; 32]).await.unwrap();
    assert_eq!(chain.token_balance(stack.token, distributor).await.unwrap(), U256::from(5));
    assert_eq!(chain.remaining(distributor, created[0].distribution_id).await.unwrap(), 0);
    assert_eq!(chain.remaining(distributor, created[1].distribution_id).await.unwrap(), 5);
    let other = connect(anvil.endpoint()).await;
    reverted_with(other.refund(distributor, &stranger, funder, [1; 32]).await, "NothingLeft");
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
