//! The project's own contracts, which their code names, and slots whose meaning is published.

use std::collections::BTreeMap;

use alloy_json_abi::JsonAbi;
use alloy_primitives::{B256, Bytes, U256, b256, map::B256Map};
use serde::Deserialize;

/// A contract of the project.
#[derive(Debug)]
pub(super) struct Ours {
    pub(super) name: &'static str,
    pub(super) abi: JsonAbi,
    /// The code; a constant that the constructor sets is zero in it.
    code: Bytes,
    /// Where such constants stand.
    constants: Vec<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    abi: JsonAbi,
    deployed_bytecode: Bytes,
}

const PUSH1: u8 = 0x60;
const PUSH32: u8 = 0x7f;

/// The project's contracts.
pub(super) fn ours() -> Vec<Ours> {
    let artifacts = [
        ("ChaosGovernor", include_str!("../../../../contracts/artifacts/ChaosGovernor.json")),
        ("ChaosToken", include_str!("../../../../contracts/artifacts/ChaosToken.json")),
        (
            "ParameterRegistry",
            include_str!("../../../../contracts/artifacts/ParameterRegistry.json"),
        ),
        (
            "RewardDistributor",
            include_str!("../../../../contracts/artifacts/RewardDistributor.json"),
        ),
        (
            "CheckpointRegistry",
            include_str!("../../../../contracts/artifacts/CheckpointRegistry.json"),
        ),
        ("ProposalEndpoint", include_str!("../../../../contracts/artifacts/ProposalEndpoint.json")),
    ];
    artifacts
        .into_iter()
        .map(|(name, json)| {
            let artifact: Artifact =
                serde_json::from_str(json).expect("the artifacts are the project's own");
            let code = artifact.deployed_bytecode;
            Ours { name, abi: artifact.abi, constants: constants(&code), code }
        })
        .collect()
}

/// Where 32 zero bytes are pushed: the compiler leaves them for what the constructor sets.
fn constants(code: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut place = 0;
    while let Some(opcode) = code.get(place) {
        let pushed =
            if (PUSH1..=PUSH32).contains(opcode) { usize::from(opcode - PUSH1) + 1 } else { 0 };
        let operand = code.get(place + 1..place + 1 + pushed).unwrap_or_default();
        if *opcode == PUSH32 && operand.len() == 32 && operand.iter().all(|byte| *byte == 0) {
            found.push(place + 1);
        }
        place += 1 + pushed;
    }
    found
}

impl Ours {
    /// Whether this is its code, whatever its constructor set.
    pub(super) fn is_code(&self, code: &[u8]) -> bool {
        if code.len() != self.code.len() {
            return false;
        }
        let mut own = self.code.to_vec();
        for place in &self.constants {
            own[*place..*place + 32].copy_from_slice(&code[*place..*place + 32]);
        }
        own == code
    }
}

/// Slots whose place says what they hold, whatever the contract: the place is a hash over a name.
const PUBLISHED: [(B256, &str); 9] = [
    (b256!("0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"), IMPLEMENTATION),
    (
        b256!("0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103"),
        "proxy admin (EIP-1967)",
    ),
    (b256!("0xa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50"), BEACON),
    (
        b256!("0xc5f16f0fcc639fa48a6947836d9850f504798523bf8c9a3a87d5876cf622bcf7"),
        "proxy implementation (EIP-1822)",
    ),
    (
        b256!("0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3"),
        "proxy implementation (zeppelinos)",
    ),
    (
        b256!("0xf0c57e16840df040f15088dc2f81fe391c3923bec73e23a9662efc9c229c6a00"),
        "Initializable (OpenZeppelin, ERC-7201)",
    ),
    (
        b256!("0x9016d09d72d40fdae2fd8ceac6b6234c7706214fd39c1cd1e609a0528c199300"),
        "owner (OpenZeppelin, ERC-7201)",
    ),
    (
        b256!("0x237e158222e3e6968b72b9db0d8043aacf074ad9f650f0d1606b4d82ee432c00"),
        "pending owner (OpenZeppelin, ERC-7201)",
    ),
    (
        b256!("0xcd5ed15c6e187e77e9aee88184c21f4f2182ab5827cb3b7e07fbedcd63f03300"),
        "Pausable (OpenZeppelin, ERC-7201)",
    ),
];

/// The name of the slot that holds a proxy's implementation.
pub(crate) const IMPLEMENTATION: &str = "proxy implementation (EIP-1967)";
/// The name of the slot that holds a proxy's beacon.
pub(crate) const BEACON: &str = "proxy beacon (EIP-1967)";

/// Variables of the project's contracts by their slot, as the compiler lays them out.
const VARIABLES: [(&str, u64, &str); 19] = [
    ("ChaosGovernor", 4, "_proposals"),
    ("ChaosGovernor", 5, "_governanceCall"),
    ("ChaosGovernor", 7, "_proposalThreshold"),
    ("ChaosGovernor", 8, "_votingDelay and _votingPeriod"),
    ("ChaosGovernor", 10, "_quorumNumeratorHistory"),
    ("ChaosGovernor", 11, "_timelock"),
    ("ChaosToken", 0, "_balances"),
    ("ChaosToken", 1, "_allowances"),
    ("ChaosToken", 2, "_totalSupply"),
    ("ChaosToken", 7, "_nonces"),
    ("ChaosToken", 8, "_delegatee"),
    ("ChaosToken", 9, "_delegateCheckpoints"),
    ("ChaosToken", 10, "_totalCheckpoints"),
    ("CheckpointRegistry", 0, "_heads"),
    ("ParameterRegistry", 0, "_owner"),
    ("ParameterRegistry", 1, "_parameters"),
    ("ProposalEndpoint", 1, "_proposals"),
    ("RewardDistributor", 0, "_distributions"),
    ("RewardDistributor", 1, "_claimed"),
];

/// What a slot is called: by its place, by the contract's layout, or by what was hashed to find it.
/// `None` if nothing says.
#[must_use]
pub(crate) fn name_of_slot(
    contract: Option<&str>,
    slot: U256,
    preimages: &B256Map<(B256, B256)>,
) -> Option<String> {
    let place = B256::from(slot);
    if let Some((_, name)) = PUBLISHED.into_iter().find(|(known, _)| *known == place) {
        return Some(name.to_owned());
    }
    if let Some(name) = variable(contract, slot) {
        return Some(name.to_owned());
    }
    // A structure in a mapping begins where its key was hashed to and goes on for a few slots.
    for field in 0..8_u64 {
        let Some(start) = slot.checked_sub(U256::from(field)) else { break };
        if let Some((key, of)) = preimages.get(&B256::from(start)) {
            let of = U256::from_be_bytes(of.0);
            let whole = name_of_mapping(contract, of, preimages, 0)?;
            let field = if field == 0 { String::new() } else { format!(" + {field}") };
            return Some(format!("{whole}[{}]{field}", key_words(*key)));
        }
    }
    None
}

/// Mappings in mappings that are followed.
const NESTING_MAX: usize = 4;

fn name_of_mapping(
    contract: Option<&str>,
    slot: U256,
    preimages: &B256Map<(B256, B256)>,
    depth: usize,
) -> Option<String> {
    if let Some(name) = variable(contract, slot) {
        return Some(name.to_owned());
    }
    if let Some((key, of)) = preimages.get(&B256::from(slot))
        && depth < NESTING_MAX
    {
        let whole = name_of_mapping(contract, U256::from_be_bytes(of.0), preimages, depth + 1)?;
        return Some(format!("{whole}[{}]", key_words(*key)));
    }
    u64::try_from(slot).ok().map(|slot| format!("mapping at slot {slot}"))
}

fn variable(contract: Option<&str>, slot: U256) -> Option<&'static str> {
    let contract = contract?;
    let names: BTreeMap<U256, &'static str> = VARIABLES
        .into_iter()
        .filter(|(of, ..)| *of == contract)
        .map(|(_, slot, name)| (U256::from(slot), name))
        .collect();
    names.get(&slot).copied()
}

/// A key that fits an address is shown as one, a small one as a number.
fn key_words(key: B256) -> String {
    let number = U256::from_be_bytes(key.0);
    match number.bit_len() {
        0..=64 => number.to_string(),
        65..=160 => alloy_primitives::Address::from_word(key).to_string(),
        _ => key.to_string(),
    }
}
