use chaos_chain_config::HeaderFees;
use chaos_history::{
    FeeHistory, FitError, Report, RuleError, Rules, ensure_one_demand, ensure_rule,
};
use chaos_parameters::{Family, Preset, Setting, parse_setting};
use chaos_types::ChainId;
use proptest::prelude::*;

use crate::generated::{self, Chain, MAINNET, ROLLUP, Row, csv, rows};

fn history(rows: &[Row]) -> FeeHistory {
    FeeHistory::decode(csv(rows).as_bytes()).unwrap()
}

fn check(rows: &[Row], chain: u64) -> Result<Report, RuleError> {
    ensure_rule(&history(rows), &Rules::of(&ChainId::evm(chain)).unwrap())
}

#[track_caller]
fn refuses(rows: &[Row], chain: u64, words: &[&str]) {
    let error = check(rows, chain).expect_err("it is refused").to_string();
    for word in words {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
}

#[test]
fn a_history_by_its_chains_rule_is_exact_in_every_pair() {
    let report = check(&rows(&MAINNET, 3_000, 1), 1).unwrap();
    assert_eq!((report.base_fee.pairs, report.base_fee.exact), (2_999, 2_999));
    // Base after Canyon; the same rows before it had another denominator.
    assert_eq!(check(&rows(&ROLLUP, 500, 1), 8_453).unwrap().base_fee.exact, 499);
    let before = Chain { time: 1_700_000_000, ..ROLLUP };
    refuses(&rows(&before, 500, 1), 8_453, &["line 3", "denominator 50", "op-canyon"]);
}

#[test]
fn gas_use_that_was_computed_back_holds_within_a_unit_and_is_counted_apart() {
    let mut rows = rows(&MAINNET, 1_000, 1);
    for row in rows.iter_mut().step_by(10) {
        row[2] += 1;
    }
    let report = check(&rows, 1).unwrap();
    assert_eq!(report.base_fee.holding, 999);
    assert!((890..=920).contains(&report.base_fee.exact), "{report:?}");
    // Two units are not one.
    rows[500][2] += 3;
    refuses(&rows, 1, &["line 503", "998 of 999"]);
}

#[test]
fn another_rule_is_named_if_it_would_fit() {
    refuses(
        &rows(&ROLLUP, 500, 1),
        1,
        &["line 3", "elasticity 2, denominator 8", "--preset op-canyon"],
    );
    refuses(&rows(&MAINNET, 500, 1), 8_453, &["elasticity 2 and denominator 8 would fit"]);
    let mut odd = MAINNET;
    odd.rule.elasticity_multiplier = 4;
    odd.rule.change_denominator = 20;
    refuses(&rows(&odd, 500, 1), 1, &["--baseline elasticity-multiplier=4"]);
    let mut gwei = rows(&MAINNET, 500, 1);
    for row in &mut gwei {
        row[4] /= 1_000_000_000;
    }
    refuses(&gwei, 1, &["in gwei, not in wei"]);
    let good = rows(&MAINNET, 501, 1);
    let mut shifted = good.clone();
    for (row, next) in shifted.iter_mut().zip(&good[1..]) {
        row[4] = next[4];
    }
    refuses(&shifted[..500], 1, &["the base fee of the block after it"]);
}

#[test]
fn fees_that_follow_nothing_are_refused_with_the_share_that_holds() {
    let mut random = rows(&MAINNET, 500, 1);
    let mut state = 7u64;
    for row in &mut random {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        row[4] = 1 + state % 100_000_000_000;
    }
    refuses(&random, 1, &["line 3", "of 499 pairs"]);
    // The last blocks of a good history without their gas.
    let mut vanished = rows(&MAINNET, 500, 1);
    for row in &mut vanished[250..] {
        row[2] = 0;
    }
    refuses(&vanished, 1, &["line 253", "250 of 499"]);
    let second = Chain { first: 18_000_250, time: 1_700_003_000, ..ROLLUP };
    let two = [&rows(&MAINNET, 250, 1)[..], &rows(&second, 250, 1)[..]].concat();
    refuses(&two, 1, &["line 252", "30000000 to 240000000", "two chains in one table"]);
}

#[test]
fn a_rule_that_is_not_known_is_no_rule_that_holds() {
    let unknown = Rules::of(&"foo:bar".parse().unwrap()).unwrap_err().to_string();
    assert!(unknown.contains("foo:bar") && unknown.contains("chaoschain chains"), "{unknown}");
    let holocene = Chain { time: 1_750_000_000, first: 30_000_000, ..ROLLUP };
    let table = rows(&holocene, 50, 1);
    refuses(&table, 8_453, &["not known for 49 pairs", "block 30000000"]);
    // Named, it is held to what was named.
    let chain = ChainId::evm(8_453);
    let canyon = Preset::OpCanyon.parameters();
    let named = Rules::new(&chain, Some(canyon)).unwrap();
    assert_eq!(ensure_rule(&history(&table), &named).unwrap().base_fee.exact, 49);
    let settings = [parse_setting("base-fee-change-denominator=125").unwrap()];
    let other = Rules::new(&chain, Some(canyon.apply(&settings).unwrap())).unwrap();
    assert!(ensure_rule(&history(&table), &other).is_err());
}

/// A table of Base since Jovian whose rule and footprint change on the way: number, time, gas used, gas
/// limit, base fee, blob gas used and extra data.
fn jovian(blocks: u64, with: impl Fn(u64) -> HeaderFees) -> String {
    let mut text = format!("{},excess_blob_gas,blob_gas_used,extra_data\n", generated::HEADER);
    let (limit, mut fee) = (240_000_000_u64, 3_000_000_u128);
    for index in 0..blocks {
        let fees = with(index);
        let used = (index * 7_919 % 90) * 1_000_000;
        // Every third block's data weighs more than its gas.
        let footprint = if index % 3 == 0 { used + 11_000_000 } else { used / 2 };
        let data: String = fees.encode().iter().map(|byte| format!("{byte:02x}")).collect();
        let (number, time) = (39_000_000 + index, 1_765_000_000 + 2 * index);
        text.push_str(&format!("{number},{time},{used},{limit},{fee},0,{footprint},0x{data}\n"));
        fee = fees.rule().next(fee, used.max(footprint), limit);
    }
    text
}

fn fees(denominator: u32, floor: u64) -> HeaderFees {
    HeaderFees {
        change_denominator: denominator,
        elasticity_multiplier: 6,
        min_base_fee_wei: Some(floor),
    }
}

#[test]
fn a_block_of_base_is_held_to_the_rule_that_the_one_before_it_says() {
    let changing = |index| if index < 40 { fees(250, 2_000_000) } else { fees(125, 2_900_000) };
    let text = jovian(100, changing);
    let rules = Rules::of(&ChainId::evm(8_453)).unwrap();
    let table = FeeHistory::decode(text.as_bytes()).unwrap();
    let report = ensure_rule(&table, &rules).unwrap();
    assert_eq!((report.base_fee.exact, report.base_fee.by_extra_data), (99, 99));
    // Upside down it is the same table.
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].reverse();
    let upside_down = FeeHistory::decode(lines.join("\n").as_bytes()).unwrap();
    assert_eq!(
        (upside_down.digest(), upside_down.header_fees(99)),
        (table.digest(), table.header_fees(99))
    );
    // Another number in one block's extra data is another table, and no rule.
    let wrong = text.replacen("00000000001e8480", "00000000004e8480", 1);
    let wrong = FeeHistory::decode(wrong.as_bytes()).unwrap();
    assert_ne!(wrong.digest(), table.digest());
    let error = ensure_rule(&wrong, &rules).unwrap_err().to_string();
    assert!(error.contains("in the extra data of the block before it"), "{error}");
}

#[test]
fn the_footprint_moves_the_base_fee_since_jovian_and_its_absence_is_said() {
    let text = jovian(100, |_| fees(250, 2_000_000));
    let rules = Rules::of(&ChainId::evm(8_453)).unwrap();
    let without: String = text
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{},{}\n", cells[..5].join(","), cells[7])
        })
        .collect();
    let table = FeeHistory::decode(without.as_bytes()).unwrap();
    let error = ensure_rule(&table, &rules).unwrap_err().to_string();
    assert!(error.contains("base fees follow blob_gas_used"), "{error}");
}

#[test]
fn extra_data_of_another_form_is_refused_where_it_has_to_say_the_rule() {
    let text = jovian(20, |_| fees(250, 2_000_000)).replacen("0x01", "0x02", 1);
    let table = FeeHistory::decode(text.as_bytes()).unwrap();
    let error = ensure_rule(&table, &Rules::of(&ChainId::evm(8_453)).unwrap()).unwrap_err();
    assert!(matches!(error, RuleError::ExtraData { line: 2, number: 39_000_000, .. }), "{error}");
    // On Ethereum anybody writes anything there.
    let text = "number,timestamp,gas_used,gas_limit,base_fee_wei,extra_data\n\
        12965000,1628166822,30025257,30029122,1000000000,0x68747470733a2f2f7777772e6b7279707465782e6f7267\n\
        12965001,1628166835,29985144,29999798,1124967822,hello\n";
    let table = FeeHistory::decode(text.as_bytes()).unwrap();
    assert_eq!(
        ensure_rule(&table, &Rules::of(&ChainId::evm(1)).unwrap()).unwrap().base_fee.exact,
        1
    );
    let plain: String =
        text.lines().map(|line| format!("{}\n", line.rsplit_once(',').unwrap().0)).collect();
    assert_eq!(table.digest(), FeeHistory::decode(plain.as_bytes()).unwrap().digest());
}

#[test]
fn the_next_blocks_parameters_are_those_that_the_newest_block_says() {
    let rules = Rules::of(&ChainId::evm(8_453)).unwrap();
    let after = |fees| rules.parameters_after(39_000_000, 1_765_000_000, fees).unwrap();
    let parameters = after(Some(fees(125, 2_900_000))).unwrap();
    assert_eq!(parameters.base_fee_change_denominator(), 125);
    assert_eq!((parameters.min_base_fee_wei(), parameters.block_time_ms()), (2_900_000, 2_000));
    assert_eq!(after(None), None);
}

#[test]
fn parameters_of_another_family_are_refused() {
    let of =
        |chain: u64, preset: Preset| Rules::new(&ChainId::evm(chain), Some(preset.parameters()));
    let refused = of(1, Preset::Base2026).unwrap_err().to_string();
    assert!(refused.contains("eip155:1 is of the family ethereum"), "{refused}");
    assert!(of(8_453, Preset::London).is_err());
    assert!(of(777, Preset::Base2026).is_ok() && of(31_337, Preset::Base2026).is_ok());
    // On Arbitrum no header holds what the price follows from: that is said, and no pair counts.
    let table = history(&rows(&MAINNET, 50, 1));
    let report = ensure_rule(&table, &of(42_161, Preset::Arbos51).unwrap()).unwrap();
    assert_eq!((report.unchecked, report.base_fee.pairs), (Some(Family::Arbitrum), 0));
}

#[test]
fn the_tables_own_chain_is_held_to_the_named_one() {
    let text = "number,timestamp,gas_used,gas_limit,base_fee_wei,chain_id\n5,60,0,30000000,7,10\n";
    let table = FeeHistory::decode(text.as_bytes()).unwrap();
    let error = ensure_rule(&table, &Rules::of(&ChainId::evm(1)).unwrap()).unwrap_err();
    assert_eq!(error, RuleError::OtherChain { expected: 1, found: 10 });
}

#[test]
fn a_base_fee_of_zero_stays_zero_below_the_target() {
    let free = Chain { fee: 0, ..MAINNET };
    let mut table = rows(&free, 100, 1);
    for row in &mut table {
        (row[2], row[4]) = (row[2] % 10_000_000, 0);
    }
    assert_eq!(check(&table, 1).unwrap().base_fee.exact, 99);
}

#[test]
fn excess_blob_gas_follows_the_schedule_of_its_fork() {
    let header = "number,timestamp,excess_blob_gas,blob_gas_used";
    let table = |last: u64| {
        // Pectra at 1746612311: three blobs above the target of three before it, none after six.
        let rows = format!(
            "{header}\n22431082,1746612287,1000000,786432\n22431083,1746612299,1393216,786432\n\
             22431084,1746612311,1393216,786432\n22431085,1746612323,{last},0\n"
        );
        let history = FeeHistory::decode(rows.as_bytes()).unwrap();
        ensure_rule(&history, &Rules::of(&ChainId::evm(1)).unwrap())
    };
    let report = table(1_393_216).unwrap();
    assert_eq!((report.blobs.pairs, report.blobs.holding, report.base_fee.pairs), (3, 3, 0));
    let error = table(1_393_217).unwrap_err().to_string();
    assert!(error.contains("line 5") && error.contains("excess blob gas"), "{error}");
}

#[test]
fn one_demand_needs_consecutive_blocks() {
    let fit = |rows: &[Row]| ensure_one_demand(history(rows).blocks());
    let all = rows(&MAINNET, 2_000, 1);
    assert_eq!(fit(&all), Ok(()));
    assert!(matches!(fit(&all[..1]), Err(FitError::TooShort { found: 1, .. })));
    let gappy: Vec<Row> = all.iter().copied().filter(|row| row[0] % 7 != 0).collect();
    assert!(matches!(fit(&gappy), Err(FitError::TooShort { found: 6, .. })));
    let hole: Vec<Row> = all.iter().copied().filter(|row| row[0] != 18_001_500).collect();
    let error = fit(&hole).unwrap_err();
    assert!(
        matches!(error, FitError::Gaps { missing: 1, after: 18_001_499, found: 1_500, .. }),
        "{error}"
    );
    let old: FeeHistory =
        FeeHistory::decode(b"number,timestamp,gas_used,gas_limit,base_fee_wei\n5,60,0,30000000,\n")
            .unwrap();
    assert!(matches!(ensure_one_demand(old.blocks()), Err(FitError::NoBaseFee { blocks: 1 })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A history made by any rule follows that rule and, changed in one fee, does not.
    #[test]
    fn a_changed_fee_is_found(
        seed in any::<u64>(),
        elasticity in 2u64..8,
        denominator in 4u64..300,
        place in 1usize..99,
    ) {
        let mut chain = ROLLUP;
        chain.fee = 1_000_000_000;
        (chain.rule.elasticity_multiplier, chain.rule.change_denominator) = (elasticity, denominator);
        let settings: Vec<Setting> = [
            format!("elasticity-multiplier={elasticity}"),
            format!("base-fee-change-denominator={denominator}"),
        ]
        .iter()
        .map(|text| parse_setting(text).unwrap())
        .collect();
        let parameters = Preset::OpCanyon.parameters().apply(&settings).unwrap();
        let rules = Rules::new(&ChainId::evm(777), Some(parameters)).unwrap();
        let mut table = rows(&chain, 100, seed);
        prop_assert_eq!(ensure_rule(&history(&table), &rules).unwrap().base_fee.exact, 99);
        table[place][4] += table[place][4] / 100 + 10;
        let broken = matches!(
            ensure_rule(&history(&table), &rules),
            Err(RuleError::Broken { number, .. }) if number == table[place][0]
        );
        prop_assert!(broken);
    }
}
