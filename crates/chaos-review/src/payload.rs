//! What a proposal does, as its file or its governor says it.

use alloy_json_abi::Function;
use alloy_primitives::{Address, Bytes, U256};
use chaos_evm::calls::{CALLS_MAX, Call};
use serde::{Deserialize, Serialize};

/// Name and version of a file of calls.
pub(crate) const FORMAT: &str = "chaoschain-calls/1";
/// Most bytes of a file of calls.
pub const FILE_BYTES_MAX: usize = 8 << 20;
/// Most bytes of one call's input.
pub(crate) const INPUT_BYTES_MAX: usize = 128 << 10;
/// Most bytes of the text.
pub(crate) const TEXT_BYTES_MAX: usize = 256 << 10;

/// What is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Who makes the calls, if it is said.
    pub sender: Option<Address>,
    /// Wei that whoever executes it sends along.
    pub sent_along: U256,
    /// The text that people vote on.
    pub description: String,
    /// The calls, in their order.
    pub calls: Vec<ProposedCall>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedCall {
    /// Whom it calls, with what.
    pub call: Call,
    /// The signature that the proposal itself holds and whose hash begins the input (Compound).
    pub signature: Option<String>,
}

/// Why there is no payload.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// It is too large to be read.
    #[error("{found} bytes; a file of calls has at most {FILE_BYTES_MAX}")]
    TooLarge {
        /// How many there are.
        found: usize,
    },
    /// It is not of the form.
    #[error("no file of calls")]
    Form(#[source] serde_json::Error),
    /// It is of another form, or of another version.
    #[error("`format` is {found:?}, expected {FORMAT:?}")]
    Format {
        /// What it says.
        found: String,
    },
    /// There is nothing to run.
    #[error("it has no calls")]
    Empty,
    /// There are too many calls.
    #[error("{found} calls; at most {CALLS_MAX} are run")]
    TooManyCalls {
        /// How many there are.
        found: usize,
    },
    /// Lists that belong together have different lengths.
    #[error("{targets} targets, {values} values and {inputs} inputs do not belong together")]
    Lengths {
        /// How many targets.
        targets: usize,
        /// How many values.
        values: usize,
        /// How many inputs.
        inputs: usize,
    },
    /// A call has too much input.
    #[error("`calls[{call}].calldata` has {found} bytes, at most {INPUT_BYTES_MAX} are run")]
    Input {
        /// The call's place, from zero.
        call: usize,
        /// How many there are.
        found: usize,
    },
    /// The text is too long.
    #[error("`description` has {found} bytes, at most {TEXT_BYTES_MAX} are read")]
    Text {
        /// How many there are.
        found: usize,
    },
    /// An amount is no number of wei.
    #[error("`{field}` is {found:?}, expected wei in decimal digits")]
    Amount {
        /// Which field.
        field: String,
        /// What it says.
        found: String,
    },
    /// A signature is none.
    #[error("`calls[{call}].signature` is {found:?}, expected such as transfer(address,uint256)")]
    Signature {
        /// The call's place, from zero.
        call: usize,
        /// What it says.
        found: String,
    },
}

/// A file of calls.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wire {
    format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sender: Option<Address>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_along: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    calls: Vec<WireCall>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCall {
    target: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    #[serde(default)]
    calldata: Bytes,
}

/// Lists as a governor keeps them.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    /// Whom to call.
    pub targets: Vec<Address>,
    /// Wei for each.
    pub values: Vec<U256>,
    /// A signature for each, or none at all; an empty one says that the input has its selector.
    pub signatures: Vec<String>,
    /// The input of each.
    pub inputs: Vec<Bytes>,
}

impl Payload {
    /// Reads a file of calls.
    ///
    /// # Errors
    /// If it is none, or exceeds a limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(PayloadError::TooLarge { found: bytes.len() });
        }
        Self::of(serde_json::from_slice(bytes).map_err(PayloadError::Form)?)
    }

    pub(crate) fn of(wire: Wire) -> Result<Self, PayloadError> {
        if wire.format != FORMAT {
            return Err(PayloadError::Format { found: wire.format });
        }
        let sent_along = wei("sent_along", wire.sent_along.as_deref())?;
        let mut lists = Lists::default();
        for (index, call) in wire.calls.into_iter().enumerate() {
            lists.targets.push(call.target);
            lists.values.push(wei(&format!("calls[{index}].value"), call.value.as_deref())?);
            lists.signatures.push(call.signature.unwrap_or_default());
            lists.inputs.push(call.calldata);
        }
        let mut payload = Self::of_lists(lists, wire.description)?;
        payload.sender = wire.sender;
        payload.sent_along = sent_along;
        Ok(payload)
    }

    /// Joins the lists of a governor.
    ///
    /// # Errors
    /// If they do not belong together, or exceed a limit.
    pub fn of_lists(lists: Lists, description: String) -> Result<Self, PayloadError> {
        let Lists { targets, values, signatures, inputs } = lists;
        let (found, values_found, inputs_found) = (targets.len(), values.len(), inputs.len());
        let signatures_fit = signatures.is_empty() || signatures.len() == found;
        if values_found != found || inputs_found != found || !signatures_fit {
            let (targets, values, inputs) = (found, values_found, inputs_found);
            return Err(PayloadError::Lengths { targets, values, inputs });
        }
        if found == 0 {
            return Err(PayloadError::Empty);
        }
        if found > CALLS_MAX {
            return Err(PayloadError::TooManyCalls { found });
        }
        if description.len() > TEXT_BYTES_MAX {
            return Err(PayloadError::Text { found: description.len() });
        }
        let signatures = signatures.into_iter().map(Some).chain(std::iter::repeat(None));
        let parts = targets.into_iter().zip(values).zip(inputs).zip(signatures);
        let calls = parts.enumerate().map(|(call, (((target, value), input), signature))| {
            if input.len() > INPUT_BYTES_MAX {
                return Err(PayloadError::Input { call, found: input.len() });
            }
            proposed(call, target, value, input, signature.filter(|text| !text.is_empty()))
        });
        let calls = calls.collect::<Result<_, _>>()?;
        Ok(Self { sender: None, sent_along: U256::ZERO, description, calls })
    }

    /// The calls as they are made.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.calls.iter().map(|it| it.call.clone()).collect()
    }

    pub(crate) fn to_wire(&self) -> Wire {
        let calls = self.calls.iter().map(|ProposedCall { call, signature }| WireCall {
            target: call.target,
            value: Some(call.value.to_string()),
            calldata: match signature {
                Some(_) => Bytes::copy_from_slice(call.input.get(4..).unwrap_or_default()),
                None => call.input.clone(),
            },
            signature: signature.clone(),
        });
        Wire {
            format: FORMAT.to_owned(),
            sender: self.sender,
            sent_along: Some(self.sent_along.to_string()),
            description: self.description.clone(),
            calls: calls.collect(),
        }
    }
}

fn wei(field: &str, text: Option<&str>) -> Result<U256, PayloadError> {
    let Some(text) = text else { return Ok(U256::ZERO) };
    let wrong = || PayloadError::Amount { field: field.to_owned(), found: text.to_owned() };
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

fn proposed(
    call: usize,
    target: Address,
    value: U256,
    input: Bytes,
    signature: Option<String>,
) -> Result<ProposedCall, PayloadError> {
    let input = match &signature {
        None => input,
        // The timelock hashes the text as it is, so a text that is no signature still has a selector;
        // nobody could say what such a call means.
        Some(text) => match Function::parse(text) {
            Ok(function) if function.signature() == *text => {
                [function.selector().as_slice(), &input].concat().into()
            }
            _ => return Err(PayloadError::Signature { call, found: text.clone() }),
        },
    };
    Ok(ProposedCall { call: Call { target, value, input }, signature })
}

#[cfg(test)]
mod tests;
