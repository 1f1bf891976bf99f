use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, address, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use chaos_types::{ChainId, Digest};
use proptest::prelude::*;

use super::{
    PaidShare, PaymentClaim, STATE_PROOF_BYTES_MAX, StateProof, StateProofError, SubmissionClaim,
    long, of_mapping,
};
use crate::{
    Contract, Signer,
    attestation::{Attestation, Submission},
    made_at,
    registry_proof::tests::{Leaves, crowd, trie},
};

const URI: &str = "ni:///sha-256;abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq";
const CHAIN: u64 = 31_337;
/// Most bytes of a proof on a trie as deep as Ethereum's, of a contract with a thousand entries.
const DEEP_BYTES_MAX: usize = 32_000;

/// Some contract in some state.
struct World {
    address: Address,
    code_hash: B256,
    storage: Leaves,
    accounts: Leaves,
    asked: Vec<U256>,
}

impl World {
    fn of(contract: Contract) -> Self {
        let mut accounts = Leaves::new();
        for number in 0..12_u8 {
            let key = keccak256(Address::repeat_byte(number));
            accounts.insert(key, alloy_rlp::encode(TrieAccount::default()));
        }
        Self {
            address: made_at(contract).unwrap(),
            code_hash: contract.fixed_code_hash().unwrap(),
            storage: Leaves::new(),
            accounts,
            asked: Vec::new(),
        }
    }

    fn put(&mut self, slot: U256, word: U256) {
        let key = keccak256(slot.to_be_bytes::<32>());
        if word.is_zero() {
            self.storage.remove(&key);
        } else {
            self.storage.insert(key, alloy_rlp::encode(word));
        }
    }

    fn proof(&self) -> StateProof {
        let keys: Vec<B256> =
            self.asked.iter().map(|slot| keccak256(slot.to_be_bytes::<32>())).collect();
        let (storage_root, ways) = if self.storage.is_empty() {
            (EMPTY_ROOT_HASH, Vec::new())
        } else {
            trie(&self.storage, &keys)
        };
        let account = TrieAccount { code_hash: self.code_hash, storage_root, ..<_>::default() };
        let mut accounts = self.accounts.clone();
        let key = keccak256(self.address);
        accounts.insert(key, alloy_rlp::encode(account));
        let (state_root, mut way) = trie(&accounts, &[key]);
        let mut nodes: Vec<Bytes> = way.remove(0);
        for node in ways.into_iter().flatten() {
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        let header = Header { state_root, number: 77, timestamp: 1_767_225_600, ..<_>::default() };
        StateProof { header_rlp: alloy_rlp::encode(&header).into(), nodes, codes: Vec::new() }
    }
}

fn signer() -> Signer {
    Signer::from_bytes(&[7; 32]).unwrap()
}

fn claim(chain: &ChainId) -> SubmissionClaim<'_> {
    SubmissionClaim {
        chain,
        endpoint: made_at(Contract::ProposalEndpoint).unwrap(),
        proposal_id: U256::from(3),
        uri: URI,
        receipt: Digest::of(b"draft"),
    }
}

/// An endpoint that holds what is claimed, attested for this chain and receipt.
fn submitted(claim: &SubmissionClaim<'_>, chain: &ChainId, receipt: Digest) -> World {
    let mut world = World::of(Contract::ProposalEndpoint);
    let signer = signer();
    let SubmissionClaim { endpoint, uri, proposal_id, .. } = *claim;
    let submission = Submission { chain, endpoint, submitter: signer.address(), uri };
    let signing = Attestation::sign(&signer, &submission, receipt, Digest::of(b"note"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let attestation = runtime.block_on(signing);
    let first = of_mapping(proposal_id, U256::ONE);
    world.put(U256::ZERO, U256::from(5));
    world.put(first, proposal_id);
    world.put(first + U256::ONE, signer.address().into_word().into());
    for (slot, word) in long(first + U256::from(2), uri.as_bytes()) {
        world.put(slot, word);
    }
    for (slot, word) in long(first + U256::from(3), &attestation.unwrap().to_bytes()) {
        world.put(slot, word);
    }
    world.put(first + U256::from(4), U256::from(1_767_225_599_u64));
    world.asked = claim.slots().unwrap();
    world
}

#[test]
fn shows_who_put_which_text_on_record_for_which_receipt() {
    let chain = ChainId::evm(CHAIN);
    let claim = claim(&chain);
    let world = submitted(&claim, &chain, claim.receipt);
    let proof = world.proof();
    let fact = proof.submission(&claim).unwrap();
    assert_eq!((fact.submitter, fact.submitted_s), (signer().address(), 1_767_225_599));
    assert_eq!((fact.block.number, fact.block.timestamp_s), (77, 1_767_225_600));
    assert_eq!(fact.block.hash, keccak256(&proof.header_rlp));
    let bytes = proof.to_bytes();
    assert_eq!(StateProof::from_bytes(&bytes).unwrap(), proof);
}

#[test]
fn rejects_a_submission_of_another_chain_contract_number_text_or_receipt() {
    let chain = ChainId::evm(CHAIN);
    let honest = claim(&chain);
    let proof = submitted(&honest, &chain, honest.receipt).proof();
    proof.submission(&honest).unwrap();
    let other_chain = ChainId::evm(1);
    let other_text = URI.replace("abc", "cba");
    for (what, false_claim) in [
        ("chain", SubmissionClaim { chain: &other_chain, ..honest }),
        ("contract", SubmissionClaim { endpoint: Address::repeat_byte(9), ..honest }),
        ("number", SubmissionClaim { proposal_id: U256::from(4), ..honest }),
        ("text", SubmissionClaim { uri: &other_text, ..honest }),
        ("receipt", SubmissionClaim { receipt: Digest::of(b"another"), ..honest }),
        ("short text", SubmissionClaim { uri: "ni:", ..honest }),
    ] {
        assert!(proof.submission(&false_claim).is_err(), "{what}");
    }
    // Signed for another chain, and then shown there: a header names none.
    let copied = submitted(&honest, &other_chain, honest.receipt).proof();
    let refused = copied.submission(&honest);
    assert!(matches!(refused, Err(StateProofError::Attestation(_))), "{refused:?}");
}

#[test]
fn rejects_a_contract_of_other_code_and_what_a_thief_of_the_bytes_submits() {
    let chain = ChainId::evm(CHAIN);
    let claim = claim(&chain);
    let mut world = submitted(&claim, &chain, claim.receipt);
    world.code_hash = Contract::RewardDistributor.fixed_code_hash().unwrap();
    let refused = world.proof().submission(&claim);
    assert!(matches!(refused, Err(StateProofError::Code { .. })), "{refused:?}");
    world.code_hash = KECCAK256_EMPTY;
    let refused = world.proof().submission(&claim);
    assert!(matches!(refused, Err(StateProofError::Code { .. })), "{refused:?}");
    let mut world = submitted(&claim, &chain, claim.receipt);
    let submitter = of_mapping(claim.proposal_id, U256::ONE) + U256::ONE;
    world.put(submitter, Address::repeat_byte(0x66).into_word().into());
    let refused = world.proof().submission(&claim);
    assert!(matches!(refused, Err(StateProofError::Attestation(_))), "{refused:?}");
}

#[test]
fn rejects_nodes_that_are_missing_changed_or_of_no_use() {
    let chain = ChainId::evm(CHAIN);
    let claim = claim(&chain);
    let proof = submitted(&claim, &chain, claim.receipt).proof();
    for at in 0..proof.nodes.len() {
        let mut without = proof.clone();
        without.nodes.remove(at);
        assert!(without.submission(&claim).is_err(), "without node {at}");
        let mut changed = proof.clone();
        let mut bytes = changed.nodes[at].to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        changed.nodes[at] = bytes.into();
        assert!(changed.submission(&claim).is_err(), "with another node {at}");
    }
    for more in [Bytes::from_static(b"nothing"), proof.nodes[0].clone()] {
        let mut padded = proof.clone();
        padded.nodes.push(more);
        let refused = padded.submission(&claim);
        assert!(matches!(refused, Err(StateProofError::Unused { count: 1 })), "{refused:?}");
    }
    let mut coded = proof.clone();
    coded.codes.push(Bytes::from_static(b"code"));
    assert!(matches!(coded.submission(&claim), Err(StateProofError::Unused { count: 1 })));
    let empty = StateProof { nodes: Vec::new(), ..proof };
    empty.submission(&claim).unwrap_err();
}

fn shares() -> (B256, Vec<PaidShare>) {
    let accounts = [1_u8, 2, 3].map(Address::repeat_byte);
    let leaf = |at: usize| {
        use alloy_sol_types::SolValue as _;
        let amount = U256::from(100 * (at + 1));
        keccak256(keccak256((accounts[at], amount).abi_encode()))
    };
    let pair = |one: B256, other: B256| keccak256([one.min(other), one.max(other)].concat());
    let [first, second, third] = [0, 1, 2].map(leaf);
    let node = pair(first, second);
    let ways = [vec![second, third], vec![first, third], vec![node]];
    let shares = ways.into_iter().enumerate().map(|(at, way)| PaidShare {
        account: accounts[at],
        amount: U256::from(100 * (at + 1)),
        way,
    });
    (pair(node, third), shares.collect())
}

fn payment() -> PaymentClaim {
    let (root, claimed) = shares();
    PaymentClaim {
        distributor: made_at(Contract::RewardDistributor).unwrap(),
        distribution_id: U256::from(0x1234),
        token: address!("00000000000000000000000000000000000000bb"),
        root,
        total: 600,
        claimed,
    }
}

fn paid(claim: &PaymentClaim, remaining: u128) -> World {
    let mut world = World::of(Contract::RewardDistributor);
    let first = of_mapping(claim.distribution_id, U256::ZERO);
    let deadline = U256::from(1_900_000_000_u64) << 160;
    world.put(first, U256::from_be_bytes(claim.token.into_word().0) | deadline);
    world.put(first + U256::ONE, claim.root.into());
    world.put(first + U256::from(2), U256::from(claim.total) | (U256::from(remaining) << 128));
    for (slot, bits) in claim.words().unwrap() {
        world.put(slot, bits);
    }
    world.asked = claim.slots().unwrap();
    world
}

#[test]
fn shows_a_distribution_and_that_its_leaves_were_claimed() {
    let claim = payment();
    let fact = paid(&claim, 0).proof().payment(&claim).unwrap();
    assert_eq!((fact.remaining, fact.block.number), (0, 77));
    // Of a distribution of which nothing was claimed the trie has no word of bits: that is shown as well.
    let mut none = PaymentClaim { claimed: Vec::new(), ..payment() };
    let fact = paid(&none, 600).proof().payment(&none).unwrap();
    assert_eq!(fact.remaining, 600);
    none.claimed = claim.claimed;
    let mut world = paid(&none, 600);
    for (slot, _) in none.words().unwrap() {
        world.put(slot, U256::ZERO);
    }
    let refused = world.proof().payment(&none);
    assert!(matches!(refused, Err(StateProofError::Other { part: "claims", .. })), "{refused:?}");
}

#[test]
fn rejects_a_payment_of_another_number_token_root_total_or_leaf() {
    let honest = payment();
    let proof = paid(&honest, 0).proof();
    proof.payment(&honest).unwrap();
    let mut stray = honest.clone();
    stray.claimed[0].amount += U256::ONE;
    for (what, false_claim) in [
        ("number", PaymentClaim { distribution_id: U256::from(1), ..honest.clone() }),
        ("token", PaymentClaim { token: Address::repeat_byte(1), ..honest.clone() }),
        ("root", PaymentClaim { root: B256::repeat_byte(1), claimed: vec![], ..honest.clone() }),
        ("total", PaymentClaim { total: 601, ..honest.clone() }),
        ("distributor", PaymentClaim { distributor: Address::ZERO, ..honest.clone() }),
        ("leaf", stray),
    ] {
        assert!(proof.payment(&false_claim).is_err(), "{what}");
    }
}

#[test]
fn a_proof_has_a_bounded_size_on_a_trie_as_deep_as_ethereums() {
    let chain = ChainId::evm(CHAIN);
    let claim = claim(&chain);
    let mut world = submitted(&claim, &chain, claim.receipt);
    let other = alloy_rlp::encode(TrieAccount::default());
    crowd(&mut world.accounts, keccak256(world.address), 9, &other);
    for number in 0..12_000_u64 {
        world.put(of_mapping(U256::from(number), U256::from(9)), U256::from(1));
    }
    let proof = world.proof();
    proof.submission(&claim).unwrap();
    let bytes = proof.to_bytes().len();
    assert!(bytes <= DEEP_BYTES_MAX, "{bytes} bytes");
}

proptest! {
    #[test]
    fn what_is_no_proof_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = StateProof::from_bytes(&bytes).map(|proof| assert_eq!(proof.to_bytes(), bytes));
    }

    /// One byte anywhere: it is refused, or what it shows is of another block.
    #[test]
    fn a_changed_byte_shows_nothing_of_the_same_block(at in 0_usize..4_000, to in 1_u8..) {
        let chain = ChainId::evm(CHAIN);
        let claim = claim(&chain);
        let proof = submitted(&claim, &chain, claim.receipt).proof();
        let honest = proof.submission(&claim).unwrap();
        let mut bytes = proof.to_bytes();
        let at = at % bytes.len();
        bytes[at] ^= to;
        let read = StateProof::from_bytes(&bytes).and_then(|proof| proof.submission(&claim));
        if let Ok(fact) = read {
            prop_assert_ne!(fact.block.hash, honest.block.hash);
        }
    }
}

#[test]
fn rejects_what_is_too_large() {
    let refused = StateProof::from_bytes(&vec![0; STATE_PROOF_BYTES_MAX + 1]);
    assert!(matches!(refused, Err(StateProofError::TooLarge { .. })));
}
