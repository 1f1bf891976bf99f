use chaos_parameters::{Family, ParameterName as P};
use serde_json::json;

use crate::{ChainConfig, Execution, Since};

fn read(value: &serde_json::Value) -> Result<ChainConfig, String> {
    ChainConfig::decode(value.to_string().as_bytes()).map_err(|error| error.to_string())
}

/// The form of op-geth's genesis files, with Base's numbers.
fn op_genesis() -> serde_json::Value {
    json!({
        "config": {
            "chainId": 8453, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
            "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0,
            "muirGlacierBlock": 0, "berlinBlock": 0, "londonBlock": 0, "arrowGlacierBlock": 0,
            "grayGlacierBlock": 0, "mergeNetsplitBlock": 0, "bedrockBlock": 0,
            "terminalTotalDifficulty": 0, "terminalTotalDifficultyPassed": true,
            "regolithTime": 0, "canyonTime": 1_704_992_401, "shanghaiTime": 1_704_992_401,
            "ecotoneTime": 1_710_374_401, "cancunTime": 1_710_374_401, "fjordTime": 1_720_627_201,
            "graniteTime": 1_726_070_401, "holoceneTime": 1_736_445_601,
            "isthmusTime": 1_746_806_401, "pragueTime": 1_746_806_401, "jovianTime": 1_764_691_201,
            "optimism": {
                "eip1559Elasticity": 6, "eip1559Denominator": 50, "eip1559DenominatorCanyon": 250
            }
        },
        "nonce": "0x0", "alloc": {}
    })
}

#[test]
fn an_op_stack_genesis_says_what_the_built_in_chain_says() {
    let read = read(&op_genesis()).unwrap();
    let own = ChainConfig::named("base").unwrap();
    assert_eq!((read.number, read.family), (8_453, Some(Family::OpStack)));
    assert_eq!(read.execution, Execution::Partial);
    for time in
        [1_686_789_349, 1_704_992_401, 1_715_000_000, 1_740_000_000, 1_750_000_000, 1_764_691_201]
    {
        assert_eq!(
            read.fork_at(9, time).map(|fork| &fork.ethereum),
            own.fork_at(9, time).map(|fork| &fork.ethereum),
            "{time}"
        );
        assert_eq!(read.parameters_at(9, time), own.parameters_at(9, time), "{time}");
        let [read, own] = [&read, own].map(|chain| chain.era_at(9, time).unwrap());
        assert_eq!((read.in_extra_data, read.by_footprint), (own.in_extra_data, own.by_footprint));
    }
}

#[test]
fn a_schedule_of_blobs_is_read() {
    let genesis = json!({
        "chainId": "0x309", "homesteadBlock": 0, "eip150Block": 0, "eip158Block": 0, "byzantiumBlock": 0,
        "petersburgBlock": 0, "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0,
        "terminalTotalDifficulty": "0", "shanghaiTime": 0, "cancunTime": 5, "pragueTime": 9, "osakaTime": 9, "bpo3Time": 12,
        "blobSchedule": {
            "cancun": {"target": 1, "max": 2, "baseFeeUpdateFraction": 1_112_826},
            "bpo3": {"target": 20, "max": 30, "baseFeeUpdateFraction": 16_000_000}
        }
    });
    let chain = read(&genesis).unwrap();
    assert_eq!((chain.number, chain.execution), (777, Execution::Exact));
    assert_eq!(chain.fork_at(0, 0).unwrap().ethereum, "shanghai");
    assert_eq!(chain.fork_at(3, 5).unwrap().blobs.unwrap().max, 2);
    assert_eq!(chain.parameters_at(3, 5).unwrap().get(P::BlobTarget), 1);
    assert_eq!(chain.parameters_at(3, 9).unwrap().get(P::BlobTarget), 6);
    assert_eq!(chain.fork_at(3, 12).unwrap().ethereum, "bpo2");
    assert_eq!(chain.parameters_at(3, 12).unwrap().get(P::BlobTarget), 20);
    assert_eq!(chain.forks.last().unwrap().since, Since::Time(12));
}

#[test]
fn what_may_hold_a_rule_that_is_not_read_is_refused() {
    let with = |key: &str, value: serde_json::Value| {
        let mut genesis = op_genesis();
        genesis["config"][key] = value;
        read(&genesis).unwrap_err()
    };
    let names = |error: String, name: &str| assert!(error.contains(name), "{error}");
    names(with("interopTime", json!(1_800_000_000)), "config.interopTime");
    names(with("bor", json!({"period": 2})), "config.bor");
    names(with("chainId", json!("base")), "config.chainId");
    names(with("canyonTime", json!(-3)), "config.canyonTime");
    names(with("daoForkBlock", json!(1_920_000)), "config.daoForkBlock");
    names(with("constantinopleBlock", json!(9)), "constantinopleBlock");
    names(with("optimism", json!({"eip1559Elasticity": 6})), "eip1559Denominator");
    names(with("optimism", json!({"elasticity": 6})), "config.optimism.elasticity");
    let merged =
        read(&json!({"chainId": 5, "londonBlock": 0, "terminalTotalDifficulty": 10_790_000}));
    names(merged.unwrap_err(), "terminalTotalDifficulty");
    names(read(&json!({"londonBlock": 0})).unwrap_err(), "chainId");
    assert!(read(&json!({"chainId": 5, "londonBlock": 0, "shanghaiTime": null})).is_ok());
}
