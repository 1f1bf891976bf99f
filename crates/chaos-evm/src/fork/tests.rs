use super::*;

#[track_caller]
fn check(number: u64, timestamp: u64, expect: SpecId) {
    assert_eq!(rules(ETHEREUM, number, timestamp).unwrap().spec, expect, "block {number}");
}

#[test]
fn ethereum_forks_start_at_their_first_block() {
    check(0, 1_438_269_988, SpecId::FRONTIER);
    check(1_149_999, 1_457_981_342, SpecId::FRONTIER);
    check(1_150_000, 1_457_981_393, SpecId::HOMESTEAD);
    check(2_463_000, 1_476_796_771, SpecId::TANGERINE);
    check(2_675_000, 1_479_831_344, SpecId::SPURIOUS_DRAGON);
    check(4_369_999, 1_508_131_303, SpecId::SPURIOUS_DRAGON);
    check(4_370_000, 1_508_131_331, SpecId::BYZANTIUM);
    check(7_280_000, 1_551_383_524, SpecId::PETERSBURG);
    check(9_069_000, 1_575_764_709, SpecId::ISTANBUL);
    check(12_243_999, 1_618_481_214, SpecId::ISTANBUL);
    check(12_244_000, 1_618_481_223, SpecId::BERLIN);
    check(12_965_000, 1_628_166_822, SpecId::LONDON);
    check(15_537_393, 1_663_224_162, SpecId::LONDON);
    check(15_537_394, 1_663_224_179, SpecId::MERGE);
    check(17_034_869, 1_681_338_443, SpecId::MERGE);
    check(17_034_870, 1_681_338_479, SpecId::SHANGHAI);
    check(19_426_587, 1_710_338_135, SpecId::CANCUN);
    check(22_431_084, 1_746_612_311, SpecId::PRAGUE);
    check(23_935_694, 1_764_798_551, SpecId::OSAKA);
}

#[test]
fn blob_fee_fraction_follows_the_schedule() {
    let fraction = |timestamp| {
        rules(ETHEREUM, 24_000_000, timestamp).unwrap().blobs.map(|b| b.update_fraction)
    };
    assert_eq!(fraction(1_700_000_000), None);
    assert_eq!(fraction(1_710_338_135), Some(3_338_477));
    assert_eq!(fraction(1_746_612_311), Some(5_007_716));
    assert_eq!(fraction(1_765_290_070), Some(5_007_716));
    assert_eq!(fraction(1_765_290_071), Some(8_346_193));
    assert_eq!(fraction(1_767_747_671), Some(11_684_671));
}

#[test]
fn refuses_a_chain_without_a_schedule() {
    assert_eq!(rules(5, 1, 1), Err(UnknownChain { chain_id: 5 }));
}

/// By go-ethereum's `params/config.go`.
#[test]
fn public_testnets_follow_their_own_schedules() {
    let spec = |chain, number, timestamp| rules(chain, number, timestamp).unwrap().spec;
    assert_eq!(spec(11_155_111, 1_450_408, 1_656_000_000), SpecId::LONDON);
    assert_eq!(spec(11_155_111, 1_450_409, 1_656_000_000), SpecId::MERGE);
    assert_eq!(spec(11_155_111, 2_990_908, 1_677_557_088), SpecId::SHANGHAI);
    assert_eq!(spec(11_155_111, 11_779_968, 1_741_159_775), SpecId::CANCUN);
    assert_eq!(spec(11_155_111, 11_779_968, 1_760_427_360), SpecId::OSAKA);
    assert_eq!(spec(17_000, 0, 0), SpecId::MERGE);
    assert_eq!(spec(17_000, 1, 1_707_305_664), SpecId::CANCUN);
    assert_eq!(spec(560_048, 0, 0), SpecId::CANCUN);
    assert_eq!(spec(560_048, 9, 1_742_999_832), SpecId::PRAGUE);
    let fraction = |timestamp| rules(560_048, 9, timestamp).unwrap().blobs.unwrap().update_fraction;
    assert_eq!(fraction(1_762_365_719), 5_007_716);
    assert_eq!(fraction(1_762_365_720), 8_346_193);
    assert_eq!(fraction(1_762_955_544), 11_684_671);
}

#[test]
fn unknown_chain_is_told_with_those_that_are_known() {
    let text = UnknownChain { chain_id: 59144 }.to_string();
    for known in [
        "59144",
        "8453 (Base)",
        "1 (Ethereum)",
        "11155111 (Sepolia)",
        "17000 (Holesky)",
        "560048 (Hoodi)",
    ] {
        assert!(text.contains(known), "{text}");
    }
}

#[test]
fn every_built_in_fork_is_one_of_ours() {
    assert_eq!(Hardfork::ALL.map(Hardfork::name), chaos_chain_config::ETHEREUM_FORKS);
    for chain in ChainConfig::all() {
        for fork in &chain.forks {
            fork.ethereum.parse::<Hardfork>().unwrap();
        }
    }
}

#[test]
fn a_chain_whose_forks_are_not_known_is_refused() {
    assert_eq!(rules(59_144, 1, 1), Err(UnknownChain { chain_id: 59_144 }));
    assert_eq!(rules(42_170, 1, 1), Err(UnknownChain { chain_id: 42_170 }));
}

#[test]
fn rollups_run_the_rules_that_they_adopted() {
    let base = |time| rules(8_453, 9, time).unwrap();
    assert_eq!(base(1_704_992_401).spec, SpecId::SHANGHAI);
    assert_eq!(base(1_746_806_401).spec, SpecId::PRAGUE);
    assert_eq!((base(0).family, base(0).execution), (Family::OpStack, Execution::Partial));
    assert_eq!(rules(10, 105_235_063, 1_783_526_401).unwrap().spec, SpecId::OSAKA);
    assert_eq!(rules(42_161, 348_448_105, 1_750_201_532).unwrap().family, Family::Arbitrum);
    assert_eq!(rules(ETHEREUM, 1, 1).unwrap().execution, Execution::Exact);
}

#[test]
fn p256_is_there_from_ecotone_on_and_osakas_own_from_karst_on() {
    let has = |time| {
        let precompiles = rules(10, 105_235_063, time).unwrap().precompiles();
        precompiles.precompiles.contains(secp256r1::P256VERIFY.address())
    };
    assert!(!has(1_704_992_401) && has(1_720_627_201) && has(1_746_806_401) && has(1_783_526_401));
}
