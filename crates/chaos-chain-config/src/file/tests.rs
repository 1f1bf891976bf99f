use proptest::prelude::*;

use crate::ChainConfig;

const GOOD: &str = r#"
id = 777
name = "A chain"
names = ["mine"]
family = "op_stack"
block_time_ms = 1_000
execution = "partial"

[sources]
forks = "us"
fees = "us"
block_time = "us"

[[forks]]
name = "bedrock"
ethereum = "paris"
since_block = 0

[[forks]]
name = "fjord"
since_time = 10

[[fees]]
since_block = 0
preset = "op-canyon"
set = { min-base-fee = 7 }
"#;

#[track_caller]
fn check(from: &str, to: &str, expect: &str) {
    assert!(GOOD.contains(from), "{from}");
    let text = GOOD.replace(from, to);
    let error = ChainConfig::decode(text.as_bytes()).unwrap_err().to_string();
    assert!(error.contains(expect), "{error}");
}

#[test]
fn a_whole_file_is_read() {
    let chain = ChainConfig::decode(GOOD.as_bytes()).unwrap();
    let rules = chain.parameters_at(5, 5).unwrap();
    assert_eq!((rules.min_base_fee_wei(), rules.block_time_ms()), (7, 1_000));
    assert_eq!(chain.fork_at(5, 10).unwrap().ethereum, "paris");
}

#[test]
fn what_is_not_known_is_refused_with_its_name() {
    check("block_time_ms", "blocktime", "unknown field `blocktime`");
    check("since_time = 10", "since_time = 10\ngas = 1", "unknown field `gas`");
    check("family = \"op_stack\"", "family = \"cosmos\"", "cosmos");
    check("ethereum = \"paris\"", "ethereum = \"amsterdam\"", "forks[0].ethereum");
    check("\"op-canyon\"", "\"op-canyon-2\"", "op-canyon-2");
    check("min-base-fee", "min-fee", "min-fee");
    check("block_time = \"us\"", "block_time = \"us\"\nweather = \"us\"", "sources.weather");
}

#[test]
fn what_contradicts_itself_is_refused() {
    check("since_time = 10", "since_block = 3\nsince_time = 10", "expected one of since_block");
    check("since_time = 10", "", "expected one of since_block");
    check(
        "name = \"bedrock\"\nethereum = \"paris\"\nsince_block = 0",
        "name = \"bedrock\"\nethereum = \"paris\"\nsince_time = 11",
        "before the one in front of it",
    );
    check(
        "preset = \"op-canyon\"\nset = { min-base-fee = 7 }",
        "preset = \"osaka\"",
        "parameters of the family ethereum on a chain of the family op_stack",
    );
    check(
        "name = \"bedrock\"\nethereum = \"paris\"",
        "name = \"bedrock\"",
        "the first fork has to say",
    );
    check("id = 777", "id = 0", "EIP-155");
    check("[\"mine\"]", "[\"Mine\"]", "names");
    check("fees = \"us\"", "", "no source is stated for what the file says of fees");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(ChainConfig::decode(&bytes));
    }
}
