//! A node that misbehaves by a seed: the same seed gives the same faults at the same questions.

use std::{collections::HashMap, time::Duration};

use serde_json::{Value, json};

use crate::proxy::{Reply, ask, method, refusal, result};

/// One question in so many meets a fault.
const FAULT_EVERY: u64 = 6;

/// Numbers that follow from a seed (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    /// Mixed once, or neighbours would walk the same numbers, one step apart.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(mixed(seed.wrapping_add(0x51ab_5eed)))
    }

    /// One of `0..bound`.
    pub(crate) const fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0) % bound
    }
}

const fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// What a seed does to each question.
pub(crate) struct Faults {
    random: Random,
    /// Answers of before, for a node that is behind.
    earlier: HashMap<String, String>,
    /// For people, when a seed fails: question and fault.
    pub(crate) done: Vec<String>,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), earlier: HashMap::new(), done: Vec::new() }
    }

    /// What becomes of a question to a chain.
    pub(crate) fn reply(&mut self, chain: &str, body: &str) -> Reply {
        let method = method(body);
        if self.random.below(FAULT_EVERY) > 0 {
            return self.honest(chain, body);
        }
        let (fault, reply) = match self.random.below(14) {
            0 => ("hang up", Reply::HangUp),
            1 => ("hang up after asking", Reply::Deaf),
            2 => ("429", Reply::Answer(429, String::new(), String::new())),
            3 => ("502", Reply::Answer(502, String::new(), String::new())),
            4 => {
                ask(chain, body);
                ("502 after asking", Reply::Answer(502, String::new(), String::new()))
            }
            5 => ("twice", Reply::Twice),
            6 | 7 => match self.earlier.get(body) {
                Some(answer) => ("stale", Reply::Answer(200, String::new(), answer.clone())),
                None => return self.honest(chain, body),
            },
            fault @ (8 | 9) => match lie(&method, body, fault == 9) {
                Some(lie) => ("lie", lie),
                None => return self.honest(chain, body),
            },
            10 => ("refused", refusal(body, -32000, "header not found")),
            11 => ("cut off", Reply::CutOff),
            12 => ("nothing", result(body, &Value::Null)),
            _ => ("late", Reply::Late(Duration::from_millis(20))),
        };
        self.done.push(format!("{method}: {fault}"));
        reply
    }

    fn honest(&mut self, chain: &str, body: &str) -> Reply {
        let answer = ask(chain, body);
        self.earlier.insert(body.to_owned(), answer.clone());
        Reply::Answer(200, String::new(), answer)
    }
}

/// What a node may say that costs money, or time. How much gas something takes it may overstate or understate.
fn lie(method: &str, body: &str, understates: bool) -> Option<Reply> {
    Some(match method {
        "eth_maxPriorityFeePerGas" => result(body, &json!("0xb1a2bc2ec50000")),
        "eth_feeHistory" => result(
            body,
            &json!({"oldestBlock": "0x1", "baseFeePerGas": ["0x1"], "gasUsedRatio": [0.5],
                "reward": [["0xb1a2bc2ec50000"]]}),
        ),
        "eth_estimateGas" if understates => result(body, &json!("0x5208")),
        "eth_estimateGas" => result(body, &json!("0xffffffffff")),
        "eth_getLogs" => refusal(body, -32602, "query exceeds max block range 10"),
        "eth_getBalance" => result(body, &json!("0x0")),
        "eth_gasPrice" => result(body, &json!("0xb1a2bc2ec50000")),
        _ => return None,
    })
}
