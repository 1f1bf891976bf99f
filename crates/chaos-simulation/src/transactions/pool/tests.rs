use super::*;

const RULES: PoolRules = PoolRules { capacity: 16, bump_ppm: 100_000, lifetime_blocks: 50 };

fn user(value_wei: u64) -> User {
    User { value_wei, blob_value_wei: 0, bits: 0, gas: 21_000, kind_bits: 0, blobs: 0 }
}

fn bid(kind: Kind, max_fee_wei: u64, tip_wei: u64) -> Bid {
    Bid { kind, max_fee_wei, tip_wei, deadline: 40, delay_cost_q32: 0, discounted: false }
}

fn query(height: u32, escalation_ppm: u32) -> Query {
    Query {
        height,
        base_fee_wei: 100,
        blob_fee_wei: 0,
        tip_floor_wei: 0,
        escalation_blocks: 3,
        escalation_ppm,
    }
}

fn tips(pool: &mut Pool, query: &Query) -> Vec<u64> {
    let mut candidates = Vec::new();
    pool.scan(query, &mut candidates, |_| {});
    candidates.iter().map(|candidate| candidate.effective_tip_wei).collect()
}

#[test]
fn a_replacement_raises_tip_and_maximum_fee_by_the_bump_or_does_not_happen() {
    for (escalation_ppm, expected) in
        [(125_000, vec![16_875]), (99_000, vec![15_000]), (100_000, vec![16_500])]
    {
        let mut pool = Pool::new(RULES);
        pool.add(&user(900_000), &bid(Kind::Escalating, 200_000, 15_000), 0, 3);
        assert_eq!(tips(&mut pool, &query(2, escalation_ppm)), [15_000]);
        assert_eq!(tips(&mut pool, &query(3, escalation_ppm)), expected, "{escalation_ppm}");
    }
}

#[test]
fn replacements_end_at_the_value() {
    let mut pool = Pool::new(RULES);
    pool.add(&user(230), &bid(Kind::Escalating, 200, 10), 0, 3);
    let seen: Vec<_> =
        (1..12).flat_map(|height| tips(&mut pool, &query(height, 100_000))).collect();
    assert_eq!(seen, [10, 10, 11, 11, 11, 11, 11, 11, 11, 11, 11], "230 is no tenth over 220");
}

#[test]
fn transactions_leave_at_their_deadline_and_are_counted_by_eligibility() {
    let mut pool = Pool::new(RULES);
    pool.add(&user(500), &bid(Kind::Truthful, 300, 10), 0, 3);
    pool.add(&user(500), &bid(Kind::Patient, 99, 10), 0, 3);
    let mut candidates = Vec::new();
    let scan = pool.scan(&query(39, 0), &mut candidates, |_| panic!("too early"));
    assert_eq!((candidates.len(), scan.ineligible, scan.ineligible_gas), (1, 1, 21_000));
    let mut dropped = 0;
    pool.scan(&query(40, 0), &mut candidates, |_| dropped += 1);
    assert_eq!((dropped, candidates.len(), pool.len()), (2, 0, 0));
}

#[test]
fn a_full_pool_evicts_the_cheapest_and_of_equals_the_latest() {
    let mut pool = Pool::new(RULES);
    for max_fee in [500, 150, 150, 700].into_iter().chain(std::iter::repeat_n(300, 14)) {
        pool.add(&user(1_000), &bid(Kind::Truthful, max_fee, 10), 0, 3);
    }
    let mut evicted = Vec::new();
    pool.evict(|waiting| evicted.push(waiting.max_fee_wei));
    evicted.sort_unstable();
    assert_eq!(evicted, [150, 150, 300], "18 wait, 15 may stay");
    assert_eq!(pool.len(), 15);
    let mut candidates = Vec::new();
    pool.scan(&query(1, 0), &mut candidates, |_| {});
    assert!(candidates.iter().all(|candidate| candidate.sequence != 17), "the latest of equals");
}

#[test]
fn an_included_transaction_is_gone() {
    let mut pool = Pool::new(RULES);
    pool.add(&user(500), &bid(Kind::Truthful, 300, 10), 0, 3);
    pool.add(&user(600), &bid(Kind::Truthful, 400, 20), 0, 3);
    assert_eq!(pool.include(0).value_wei, 500);
    assert_eq!(pool.len(), 1);
    assert_eq!(tips(&mut pool, &query(1, 0)), [20]);
}

#[test]
fn a_tip_under_the_floor_or_a_blob_price_above_the_offer_excludes() {
    let mut pool = Pool::new(RULES);
    pool.add(&user(500), &bid(Kind::Truthful, 300, 10), 0, 3);
    let carrier = User { blobs: 2, blob_value_wei: 7, ..user(500) };
    pool.add(&carrier, &bid(Kind::Truthful, 300, 30), 0, 3);
    let floor = |tip_floor_wei, blob_fee_wei| Query { tip_floor_wei, blob_fee_wei, ..query(1, 0) };
    assert_eq!(tips(&mut pool, &floor(0, 7)), [10, 30]);
    assert_eq!(tips(&mut pool, &floor(11, 7)), [30]);
    assert_eq!(tips(&mut pool, &floor(0, 8)), [10]);
}
