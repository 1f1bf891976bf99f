use proptest::prelude::*;

use super::*;

fn slot(name: &str, weight: u64, accepted: Option<(u8, u32)>) -> Slot {
    let accepted = accepted.map(|(byte, quality)| (Address::repeat_byte(byte), quality));
    Slot { name: name.to_owned(), weight, accepted }
}

/// 100 units, slots of weight 5, 3, 2; the second at half quality, the third unfilled:
/// entitlements 5.0 and 1.5 of 10, so 65 are earned and 35 return.
#[test]
fn what_was_not_earned_returns_to_the_sponsor() {
    let slots = [
        slot("analysis", 5, Some((1, 1_000_000))),
        slot("draft", 3, Some((2, 500_000))),
        slot("review", 2, None),
    ];
    let reward = reward_task(U256::from(100), &slots).unwrap();
    assert_eq!(reward.payouts[&Address::repeat_byte(1)], U256::from(50));
    assert_eq!(reward.payouts[&Address::repeat_byte(2)], U256::from(15));
    assert_eq!(reward.returned, U256::from(35));
}

#[test]
fn an_account_with_two_slots_is_paid_once() {
    let slots = [slot("a", 1, Some((9, 1_000_000))), slot("b", 1, Some((9, 1_000_000)))];
    let reward = reward_task(U256::from(7), &slots).unwrap();
    assert_eq!(reward.payouts, BTreeMap::from([(Address::repeat_byte(9), U256::from(7))]));
    assert_eq!(reward.returned, U256::ZERO);
}

#[test]
fn nothing_accepted_returns_everything() {
    let reward = reward_task(U256::from(7), &[slot("a", 1, None)]).unwrap();
    assert_eq!((reward.payouts.len(), reward.returned), (0, U256::from(7)));
    assert_eq!(reward_task(U256::from(7), &[]).unwrap().returned, U256::from(7));
}

#[test]
fn refuses_impossible_quality_and_repeated_slots() {
    let error = reward_task(U256::ONE, &[slot("a", 1, Some((1, 1_000_001)))]).unwrap_err();
    assert_eq!(error.to_string(), "slot `a`: quality 1000001 ppm is above 1000000");
    let error = reward_task(U256::ONE, &[slot("a", 1, None), slot("a", 1, None)]).unwrap_err();
    assert_eq!(error, TaskError::DuplicateSlot { slot: "a".to_owned() });
}

proptest! {
    #[test]
    fn payouts_and_return_sum_to_the_work_pool(
        work: u128,
        slots in prop::collection::vec((any::<u64>(), 0u8..4, prop::option::of(0u32..=1_000_000)), 0..12),
    ) {
        let slots: Vec<Slot> = slots
            .iter()
            .zip(0..)
            .map(|((weight, account, quality), index)| {
                slot(&format!("{index}"), *weight, quality.map(|quality| (*account, quality)))
            })
            .collect();
        let reward = reward_task(U256::from(work), &slots).unwrap();
        let paid: U256 = reward.payouts.values().copied().sum();
        prop_assert_eq!(paid + reward.returned, U256::from(work));
    }
}
