//! Named parameters that the calls set.

use std::collections::BTreeMap;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue as _;

use crate::{
    book::Ground,
    review::{EventReview, Review, SlotReview},
};

/// The event by which a `ParameterRegistry` says that it set one.
const SET: &str = "ParameterSet(bytes32,bytes32,string,string,uint256)";
/// The slot of a registry's mapping, as the compiler lays it out.
const PARAMETERS: U256 = U256::ONE;

/// A parameter that the calls set in a `ParameterRegistry`. Which registry a chain obeys is not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterWrite {
    /// The registry.
    pub registry: Address,
    /// The parameter's chain, as the registry is told.
    pub chain: String,
    /// The parameter's name, as the registry is told.
    pub name: String,
    /// The value that the registry had before the calls; `None` if nobody had set one.
    pub before: Option<U256>,
    /// The value that it has after them.
    pub after: U256,
}

impl Review {
    /// What the calls set in contracts whose code is a `ParameterRegistry`'s, however they reach it. It follows from
    /// events and changes, so it is no part of the review's form.
    #[must_use]
    pub fn parameter_writes(&self) -> Vec<ParameterWrite> {
        let mut last = BTreeMap::new();
        for event in &self.events {
            if let Some((chain, name, value)) = set(event) {
                last.insert((event.address, chain, name), value);
            }
        }
        let writes = last.into_iter().map(|((registry, chain, name), after)| {
            let before = self.before(registry, (&chain, &name), after);
            ParameterWrite { registry, chain, name, before, after }
        });
        writes.collect()
    }

    /// What a registry held that now holds `after`: the same where no change says otherwise.
    fn before(&self, registry: Address, of: (&str, &str), after: U256) -> Option<U256> {
        let account = self.changes.iter().find(|it| it.address == registry);
        let slots: &[SlotReview] = account.map(|it| &it.slots[..]).unwrap_or_default();
        let key = keccak256(of.abi_encode_params());
        let value = U256::from_be_bytes(keccak256((key, PARAMETERS).abi_encode()).0);
        let before = |slot: U256| slots.iter().find(|it| it.slot == B256::from(slot));
        // The next slot says whether the parameter was ever set, and nothing unsets it.
        match before(value.wrapping_add(U256::ONE)) {
            Some(_) => None,
            None => Some(before(value).map_or(after, |it| U256::from_be_bytes(it.before.0))),
        }
    }
}

/// The chain, the name and the value of such an event by a registry. Text that is no UTF-8 is read as other text than
/// was set, which its hash tells.
fn set(event: &EventReview) -> Option<(String, String, U256)> {
    use DynSolValue::{FixedBytes, String as Text, Uint};
    let decoded = event.decoded.as_ref()?;
    if decoded.ground != Ground::Code || decoded.signature != SET {
        return None;
    }
    match &decoded.values[..] {
        [
            FixedBytes(of_chain, _),
            FixedBytes(of_name, _),
            Text(chain),
            Text(name),
            Uint(value, _),
        ] if keccak256(chain) == *of_chain && keccak256(name) == *of_name => {
            Some((chain.clone(), name.clone(), *value))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
