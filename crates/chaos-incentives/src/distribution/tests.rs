use super::*;
use crate::verify_claim;

fn account(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

#[test]
fn every_account_finds_its_claim_whatever_the_order() {
    let amounts = [(account(3), 30), (account(1), 10), (account(2), 0)];
    let amounts = amounts.map(|(account, amount)| (account, U256::from(amount)));
    let distribution = Distribution::new(amounts).unwrap();
    let mut turned = amounts;
    turned.reverse();
    assert_eq!(Distribution::new(turned).unwrap(), distribution);
    assert_eq!(distribution.total(), U256::from(40));
    let (claim, proof) = distribution.claim(account(3)).unwrap();
    assert_eq!(claim.amount, U256::from(30));
    assert!(verify_claim(distribution.root(), &claim, &proof));
    assert_eq!(distribution.claim(account(2)), None, "nothing to claim");
}

#[test]
fn refuses_duplicates_overflow_and_emptiness() {
    let twice = [(account(1), U256::ZERO), (account(1), U256::from(5))];
    assert_eq!(
        Distribution::new(twice),
        Err(DistributionError::DuplicateAccount { account: account(1) })
    );
    let much = [(account(1), U256::MAX), (account(2), U256::ONE)];
    assert_eq!(Distribution::new(much), Err(DistributionError::Overflow));
    assert!(matches!(
        Distribution::new([(account(1), U256::ZERO)]),
        Err(DistributionError::Leaves(_))
    ));
}
