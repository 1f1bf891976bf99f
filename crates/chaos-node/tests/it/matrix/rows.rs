//! The rows. What is in `says` is what a person reads; what is in `sends` is what the account paid for meanwhile.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Asked, PROBE};
use crate::{
    bench::{ACCOUNT, Bench, anchoring},
    program::DEVELOPMENT_KEY,
    proxy::{Reply, ask, refusal, result},
    transactions::ended,
};

/// A key whose account holds nothing, and that account.
const POOR_KEY: &str = "0x1111111111111111111111111111111111111111111111111111111111111111";
const POOR: &str = "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a";
/// Another of the development accounts.
const STRANGER: &str = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";
/// What it is sent: one coin.
const COIN: u128 = 1_000_000_000_000_000_000;

pub(super) struct Row {
    pub(super) situation: &'static str,
    /// What the node does with each question while the command runs.
    pub(super) node: fn(&Asked<'_>) -> Reply,
    /// Another place than the node's.
    pub(super) url: Option<&'static str>,
    /// Further words of the command; `@name` is a file in the folder.
    pub(super) more: &'static [&'static str],
    /// How many seconds the command waits.
    pub(super) wait: &'static str,
    pub(super) key: &'static str,
    pub(super) account: &'static str,
    pub(super) before: fn(&Bench),
    pub(super) after: fn(&Bench),
    /// How the command ends, and words that it says.
    pub(super) code: i32,
    pub(super) says: &'static [&'static str],
    /// Transactions of the account that are in the chain then.
    pub(super) sends: u64,
    /// Commands that people are told to give next, before the same again.
    pub(super) then: &'static [&'static [&'static str]],
    /// What took the nonce, as whoever looks elsewhere finds it, or what was given up: the same again takes its word.
    pub(super) taker: fn(&Bench) -> Option<String>,
    /// Transactions of the account that are none of the program's anchors.
    pub(super) others: u64,
    /// What the account is given meanwhile, in wei.
    pub(super) gets: u128,
    pub(super) anvil_only: bool,
}

const NOTHING: fn(&Bench) = |_| ();
const HONEST: fn(&Asked<'_>) -> Reply = |_| Reply::Forward;

/// A command that goes through.
const PLAIN: Row = Row {
    situation: "",
    node: HONEST,
    url: None,
    more: &[],
    wait: "60",
    key: DEVELOPMENT_KEY,
    account: ACCOUNT,
    before: NOTHING,
    after: NOTHING,
    code: 0,
    says: &[],
    sends: 1,
    then: &[],
    taker: |_| None,
    others: 0,
    gets: 0,
    anvil_only: false,
};

/// One that is refused, and nothing is paid.
const REFUSED: Row = Row { code: 4, sends: 0, ..PLAIN };

/// The answer of the chain, changed.
fn changed(asked: &Asked<'_>, change: impl FnOnce(&mut Value)) -> Reply {
    let mut answer = asked.answer()["result"].clone();
    change(&mut answer);
    result(asked.body, &answer)
}

/// The newest transaction to somebody, as the chain has it.
fn sent_to(bench: &Bench, receiver: &str) -> String {
    let newest = bench.number("eth_blockNumber", &json!([]));
    let of_block =
        |number| bench.ask("eth_getBlockByNumber", &json!([format!("{number:#x}"), true]));
    let found = (0..=newest).rev().find_map(|number| {
        let block = of_block(number);
        let sent = block["transactions"].as_array()?.iter().find(|it| it["to"] == receiver)?;
        Some(sent["hash"].as_str()?.to_owned())
    });
    found.unwrap()
}

/// One anchor before, so that the account has a past.
fn anchored(bench: &Bench) {
    bench.anchor(bench.endpoint(), &[]).expect_code(0);
}

/// A block in which somebody else's transactions are of a kind of their own.
fn with_kind(asked: &Asked<'_>, kind: &str) -> Reply {
    if !asked.method.starts_with("eth_getBlockBy") || !asked.body.contains(",true]") {
        return Reply::Forward;
    }
    changed(asked, |block| block["transactions"] = json!([{"type": kind, "hash": "0x00"}]))
}

pub(super) const ROWS: &[Row] = &[
    Row { situation: "an honest node", ..PLAIN },
    // The wrong place.
    Row {
        situation: "another chain than was named",
        more: &["--chain", "eip155:1"],
        code: 3,
        says: &["wrong chain: expected eip155:1, got eip155:1337"],
        ..REFUSED
    },
    Row {
        situation: "no chain's name",
        more: &["--chain", "1"],
        code: 3,
        says: &["expected a CAIP-2 chain id"],
        ..REFUSED
    },
    Row {
        situation: "nobody answers",
        url: Some("http://127.0.0.1:9"),
        says: &["http://127.0.0.1:9 is unreachable"],
        ..REFUSED
    },
    Row {
        situation: "an address without code",
        more: &["--contract", "0x000000000000000000000000000000000000dEaD"],
        code: 3,
        says: &["its code is none"],
        ..REFUSED
    },
    Row {
        situation: "other code at the registry's address",
        node: |asked| match asked.method {
            "eth_getCode" => result(asked.body, &json!("0x6001")),
            _ => Reply::Forward,
        },
        says: &["expected code 0xed59", "found 0x"],
        ..REFUSED
    },
    Row {
        situation: "a chain that was started anew has no registry",
        node: |asked| match asked.method {
            "eth_getCode" => result(asked.body, &json!("0x")),
            _ => Reply::Forward,
        },
        code: 3,
        says: &["has no CheckpointRegistry", "--deploy puts it there"],
        ..REFUSED
    },
    Row {
        situation: "another first block than before",
        before: anchored,
        node: |asked| {
            if asked.body.contains("\"0x0\",false") {
                let hash = format!("0x{}", "ab".repeat(32));
                return changed(asked, |block| block["hash"] = json!(hash));
            }
            Reply::Forward
        },
        says: &["this node's first block is 0xabab", "tx cancel"],
        ..REFUSED
    },
    Row {
        situation: "a chain without fee caps",
        node: |asked| {
            if asked.body.contains("\"latest\",false") {
                return changed(asked, |block| {
                    block.as_object_mut().unwrap().remove("baseFeePerGas");
                });
            }
            Reply::Forward
        },
        says: &["does not support EIP-1559"],
        ..REFUSED
    },
    // Lies about money.
    Row {
        situation: "a tip of 50 million gwei",
        node: |asked| match asked.method {
            "eth_maxPriorityFeePerGas" => result(asked.body, &json!("0xb1a2bc2ec50000")),
            _ => Reply::Forward,
        },
        ..PLAIN
    },
    Row {
        situation: "a tip of 2^127, in the history as well",
        node: |asked| match asked.method {
            "eth_maxPriorityFeePerGas" => {
                result(asked.body, &json!("0x80000000000000000000000000000000"))
            }
            "eth_feeHistory" => changed(asked, |history| {
                history["reward"] = json!([["0x80000000000000000000000000000000"]]);
                history["gasUsedRatio"] = json!([0.5]);
            }),
            _ => Reply::Forward,
        },
        ..PLAIN
    },
    Row {
        situation: "2^64 gas",
        node: |asked| match asked.method {
            "eth_estimateGas" => result(asked.body, &json!("0xffffffffffffffff")),
            _ => Reply::Forward,
        },
        says: &["18446744073709551615 gas, and no more than 2240000", "name another node"],
        ..REFUSED
    },
    Row {
        situation: "2 million gas at a price for which an anchor is above the cap",
        node: |asked| match asked.method {
            "eth_estimateGas" => result(asked.body, &json!("0x1c0000")),
            _ => Reply::Forward,
        },
        more: &["--max-cost", "0.000001"],
        says: &["the transaction could cost", "the cap is 0.000001", "raise --max-cost"],
        ..REFUSED
    },
    Row {
        situation: "30,000 gas, for which an anchor would fail",
        node: |asked| match asked.method {
            "eth_estimateGas" => result(asked.body, &json!("0x7530")),
            _ => Reply::Forward,
        },
        ..PLAIN
    },
    Row {
        situation: "enough gas, and the same run with it fails",
        node: |asked| match asked.method {
            "eth_call" if asked.body.contains("\"gas\"") => {
                refusal(asked.body, -32000, "out of gas")
            }
            _ => Reply::Forward,
        },
        says: &[
            "has it fail with the 84000 that would be signed for: out of gas",
            "nothing was sent",
        ],
        ..REFUSED
    },
    Row {
        situation: "a base fee of a coin for each gas",
        node: |asked| {
            if asked.method == "eth_getBlockByNumber" && asked.body.contains("\"latest\",false") {
                return changed(asked, |block| block["baseFeePerGas"] = json!("0xde0b6b3a7640000"));
            }
            Reply::Forward
        },
        says: &["the cap is", "raise --max-fee"],
        ..REFUSED
    },
    // What the node does not do.
    Row {
        situation: "no eth_getProof",
        node: |asked| match asked.method {
            "eth_getProof" => refusal(asked.body, -32601, "method not found"),
            _ => Reply::Forward,
        },
        says: &["does not support eth_getProof", "nothing was sent"],
        ..REFUSED
    },
    Row {
        situation: "no eth_getTransactionReceipt",
        node: |asked| match asked.method {
            "eth_getTransactionReceipt" => refusal(asked.body, -32601, "method not found"),
            _ => Reply::Forward,
        },
        says: &["does not support eth_getTransactionReceipt", "nothing was sent"],
        ..REFUSED
    },
    Row {
        situation: "no history of fees, no tip, no receipts of blocks, no events",
        node: |asked| match asked.method {
            "eth_feeHistory"
            | "eth_maxPriorityFeePerGas"
            | "eth_getBlockReceipts"
            | "eth_getLogs" => {
                refusal(asked.body, -32601, "the method does not exist/is not available")
            }
            _ => Reply::Forward,
        },
        ..PLAIN
    },
    Row {
        situation: "events of few blocks at once, and no names for blocks that stay",
        node: |asked| {
            if asked.method == "eth_getLogs" {
                return refusal(asked.body, -32602, "query exceeds max block range 10");
            }
            if asked.body.contains("\"safe\"") || asked.body.contains("\"finalized\"") {
                return refusal(asked.body, -32602, "unknown block tag");
            }
            Reply::Forward
        },
        ..PLAIN
    },
    Row {
        situation: "Arbitrum's first transaction of a block, type 0x6a",
        node: |asked| with_kind(asked, "0x6a"),
        ..PLAIN
    },
    Row {
        situation: "a deposit of the OP Stack, type 0x7e",
        node: |asked| with_kind(asked, "0x7e"),
        ..PLAIN
    },
    // What the node says wrongly.
    Row {
        situation: "another block than was asked for",
        node: |asked| {
            let mut question: Value = serde_json::from_str(asked.body).unwrap();
            let is_number = question["params"][0].as_str().is_some_and(|at| at.starts_with("0x"));
            if asked.method != "eth_getBlockByNumber" || !is_number {
                return Reply::Forward;
            }
            question["params"][0] = json!("0x1");
            Reply::Answer(200, String::new(), ask(asked.chain, &question.to_string()))
        },
        says: &["eth_getProof", "nothing was sent"],
        ..REFUSED
    },
    Row {
        situation: "an answer that is none",
        node: |asked| match asked.method {
            "eth_getProof" => result(asked.body, &json!({"accountProof": 7})),
            _ => Reply::Forward,
        },
        ..REFUSED
    },
    Row {
        situation: "receipts of transactions that nobody sent",
        node: |asked| match asked.method {
            "eth_getTransactionReceipt" => result(
                asked.body,
                &json!({"status": "0x1", "blockNumber": "0x1", "blockHash": format!("0x{}", "11".repeat(32)),
                    "gasUsed": "0x1", "contractAddress": null, "logs": []}),
            ),
            _ => Reply::Forward,
        },
        // Half a minute, for a node that may be behind; once is enough.
        anvil_only: true,
        ..REFUSED
    },
    // Words that are lost.
    Row {
        situation: "the answer to a sent transaction is lost twice",
        node: |asked| match (asked.method, asked.time) {
            ("eth_sendRawTransaction", 1 | 2) => Reply::Deaf,
            _ => Reply::Forward,
        },
        ..PLAIN
    },
    Row {
        situation: "502 to what is no transaction, so that none is signed",
        node: |asked| match asked.method {
            PROBE => Reply::Answer(502, String::new(), String::new()),
            _ => Reply::Forward,
        },
        says: &["is unreachable: no answer to eth_sendRawTransaction"],
        ..REFUSED
    },
    Row {
        situation: "502 to a sent transaction, for ever, although it was taken",
        node: |asked| match asked.method {
            "eth_sendRawTransaction" => {
                asked.answer();
                Reply::Answer(502, String::new(), String::new())
            }
            _ => Reply::Forward,
        },
        says: &["is unreachable: no answer to eth_sendRawTransaction"],
        code: 4,
        ..PLAIN
    },
    Row {
        situation: "a transaction is said to be taken and is lost",
        node: |asked| match asked.method {
            "eth_sendRawTransaction" => result(asked.body, &json!(format!("0x{}", "0".repeat(64)))),
            _ => Reply::Forward,
        },
        wait: "2",
        says: &["not mined within 2 s", "the same command goes on with it"],
        ..REFUSED
    },
    Row {
        situation: "the receipt is refused once it is sent",
        node: |asked| match (asked.method, asked.time) {
            ("eth_getTransactionReceipt", 3..) => refusal(asked.body, -32000, "header not found"),
            _ => Reply::Forward,
        },
        code: 4,
        sends: 1,
        ..PLAIN
    },
    Row {
        situation: "every second question is one too many",
        node: |asked| match asked.time % 2 {
            1 => Reply::Answer(429, String::new(), String::new()),
            _ => Reply::Forward,
        },
        ..PLAIN
    },
    Row {
        situation: "every question is one too many",
        node: |asked| refusal(asked.body, -32005, "limit exceeded"),
        says: &["limits the rate of requests"],
        ..REFUSED
    },
    Row {
        situation: "every answer is late",
        node: |_| Reply::Late(Duration::from_millis(50)),
        ..PLAIN
    },
    Row {
        situation: "the node restarts: the first question of each kind gets no answer",
        node: |asked| if asked.time <= 1 { Reply::HangUp } else { Reply::Forward },
        ..PLAIN
    },
    Row {
        situation: "every question is asked of the chain twice",
        node: |_| Reply::Twice,
        ..PLAIN
    },
    // The chain's bad day.
    Row {
        situation: "no block comes",
        before: |bench| bench.mine_by_itself(false),
        after: |bench| {
            bench.mine_by_itself(true);
            bench.mine();
        },
        wait: "2",
        says: &["not mined within 2 s", "tx bump"],
        ..REFUSED
    },
    Row {
        situation: "no block comes, and the price of gas rises twentyfold",
        before: |bench| bench.mine_by_itself(false),
        after: |bench| {
            bench.ask("anvil_setNextBlockBaseFeePerGas", &json!(["0x4a817c800"]));
            bench.mine();
            bench.mine_by_itself(true);
        },
        wait: "2",
        says: &["not mined within 2 s", "tx bump"],
        anvil_only: true,
        ..REFUSED
    },
    Row {
        situation: "a reorganisation takes the last anchor's block",
        before: |bench| {
            anchored(bench);
            bench.ask("anvil_mine", &json!(["0x2"]));
        },
        node: HONEST,
        after: |bench| drop(bench.ask("anvil_reorg", &json!([1, []]))),
        then: &[&["tx", "resume", "--finality", "included"]],
        anvil_only: true,
        ..PLAIN
    },
    // Accounts.
    Row {
        situation: "an account with nothing on it",
        key: POOR_KEY,
        account: POOR,
        says: &["send it at least", "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"],
        after: |bench| {
            let coin = format!("{COIN:#x}");
            let money = json!([{"from": STRANGER, "to": POOR, "value": coin}]);
            assert!(bench.ask("eth_sendTransaction", &money).is_string());
        },
        gets: COIN,
        ..REFUSED
    },
    Row {
        situation: "a nonce that was used",
        before: anchored,
        node: |asked| match asked.method {
            "eth_getTransactionCount" => result(asked.body, &json!("0x0")),
            _ => Reply::Forward,
        },
        says: &["next nonce", "is 0, and nonce", "another node"],
        ..REFUSED
    },
    Row {
        situation: "a nonce that cannot be reached",
        node: |asked| match asked.method {
            "eth_getTransactionCount" => result(asked.body, &json!("0x3e8")),
            _ => Reply::Forward,
        },
        wait: "2",
        then: &[&["tx", "cancel", "1000"]],
        taker: |bench| {
            let open = bench
                .run(&["tx", "list", "--json", "--rpc-url", bench.endpoint()])
                .expect_code(0)
                .json();
            Some(open[0]["attempts"][1]["transaction"].as_str().unwrap().to_owned())
        },
        // Ganache answers once it is in a block.
        anvil_only: true,
        ..REFUSED
    },
    Row {
        situation: "the nonce is taken at a higher price, which the node does not show",
        before: |bench| {
            bench.mine_by_itself(false);
            let price = "0xd18c2e2800";
            let taker = json!([{"from": ACCOUNT, "to": STRANGER, "value": "0x1", "gas": "0x5208",
                "maxFeePerGas": price, "maxPriorityFeePerGas": "0x3b9aca00"}]);
            assert!(bench.ask("eth_sendTransaction", &taker).is_string());
        },
        node: |asked| {
            if asked.method == "eth_getTransactionCount" {
                let newest = asked.body.replace("\"pending\"", "\"latest\"");
                return Reply::Answer(200, String::new(), ask(asked.chain, &newest));
            }
            Reply::Forward
        },
        says: &["underpriced", "stays in the journal"],
        after: |bench| {
            bench.mine();
            bench.mine_by_itself(true);
            // Ganache calls each block final.
            if bench.is_anvil() {
                let words = ["used by another transaction", "may still be replaced"];
                ended(bench.anchor(bench.endpoint(), &["--wait", "2"]), 4, &words);
                bench.ask("anvil_mine", &json!(["0x50"]));
            }
        },
        taker: |bench| Some(sent_to(bench, STRANGER)),
        others: 1,
        ..REFUSED
    },
    Row {
        situation: "what waits was sent by a program that is not here",
        before: |bench| {
            bench.mine_by_itself(false);
            let other = json!([{"from": ACCOUNT, "to": STRANGER, "value": "0x1", "gas": "0x5208"}]);
            assert!(bench.ask("eth_sendTransaction", &other).is_string());
        },
        says: &["has 1 transactions waiting", "not in this journal"],
        after: |bench| {
            bench.mine();
            bench.mine_by_itself(true);
        },
        others: 1,
        // Ganache counts nothing that waits.
        anvil_only: true,
        ..REFUSED
    },
    Row {
        situation: "another log of the same account anchored meanwhile",
        before: |bench| {
            anchored(bench);
            bench.begin();
            anchored(bench);
        },
        node: HONEST,
        ..PLAIN
    },
    Row {
        situation: "a second anchor of what was anchored",
        before: anchored,
        after: |bench| {
            let spent = bench.spent();
            let again = anchoring(bench.endpoint());
            bench.run(&[&again[..], &["--if-changed"]].concat()).expect_code(0);
            assert_eq!(bench.spent(), spent, "nothing but receipts of anchors is new");
        },
        ..PLAIN
    },
];
