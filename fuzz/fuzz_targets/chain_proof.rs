//! A proof of what contracts hold made of arbitrary bytes is refused without a panic, and has one spelling.

#![no_main]

use chaos_chains::{
    Address, B256, Contract, PaidShare, PaymentClaim, StateProof, SubmissionClaim, U256, made_at,
};
use chaos_types::{ChainId, Digest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(proof) = StateProof::from_bytes(bytes) else { return };
    assert_eq!(proof.to_bytes(), bytes, "read and written again");
    let chain = ChainId::evm(1);
    let at = |contract| made_at(contract).expect("it has an address of its own");
    let submission = SubmissionClaim {
        chain: &chain,
        endpoint: at(Contract::ProposalEndpoint),
        proposal_id: U256::from(1),
        uri: "ni:///sha-256;abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
        receipt: Digest::of(b"draft"),
    };
    assert!(proof.submission(&submission).is_err(), "nobody finds a state by chance");
    let share = PaidShare { account: Address::ZERO, amount: U256::from(1), way: Vec::new() };
    let payment = PaymentClaim {
        distributor: at(Contract::RewardDistributor),
        distribution_id: U256::from(1),
        token: Address::ZERO,
        root: B256::ZERO,
        total: 1,
        claimed: vec![share],
    };
    assert!(proof.payment(&payment).is_err(), "nobody finds a state by chance");
    let unpaid = PaymentClaim { claimed: Vec::new(), ..payment };
    assert!(proof.payment(&unpaid).is_err(), "nobody finds a state by chance");
});
