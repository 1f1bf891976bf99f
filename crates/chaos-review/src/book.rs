//! What is known of calls, events and errors, and how well.

mod contracts;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use alloy_dyn_abi::{DynSolValue, EventExt as _, JsonAbiExt as _};
use alloy_json_abi::{Error as AbiError, Event, EventParam, Function, JsonAbi, Param};
use alloy_primitives::{Address, B256, Bytes, Log, Selector};
use serde::Serialize;

use self::contracts::Ours;
pub(crate) use self::contracts::{BEACON, IMPLEMENTATION, name_of_slot};

/// Most bytes of an ABI file.
const ABI_BYTES_MAX: usize = 4 << 20;

/// Most lists within lists in one argument of a given ABI.
const NESTING_MAX: usize = 3;
/// Most bytes of an input that has lists within lists: each entry of each may point to the same bytes, so
/// that reading them takes far more room than they do.
const NESTED_BYTES_MAX: usize = 4 << 10;

/// How it is known that bytes have a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ground {
    /// The code at the address is that of a contract whose ABI is known.
    Code,
    /// Somebody who asks says that the address has this ABI.
    Given,
    /// The proposer chose the name. Whoever executes it calls by the four bytes of its hash, which other
    /// names have too.
    Signature,
    /// Four bytes are equal to those of a name in a list. Other names have the same four bytes, and a
    /// contract may do anything under any name.
    Selector,
    /// The whole hash of an event's signature is equal. That is its name; what it means is the word of
    /// the contract that emits it.
    Topic,
}

/// A name with its arguments.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Decoded {
    /// What it is called, with the types of its arguments.
    pub(crate) signature: String,
    /// How that is known.
    pub(crate) ground: Ground,
    /// Its arguments in their order.
    pub(crate) arguments: Vec<Argument>,
    #[serde(skip)]
    pub(crate) values: Vec<DynSolValue>,
}

// A decoded value holds no float, so it is equal to itself.
impl Eq for Decoded {}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Argument {
    /// Its name; may be empty.
    pub(crate) name: String,
    /// Its value in words.
    pub(crate) value: String,
}

/// Why an ABI is not taken.
#[derive(Debug, thiserror::Error)]
pub enum AbiFault {
    /// It is too large.
    #[error("{found} bytes; an ABI has at most {ABI_BYTES_MAX}")]
    TooLarge {
        /// How many there are.
        found: usize,
    },
    /// It is no ABI.
    #[error(
        "no ABI: expected a JSON array of functions, events and errors, or an object with `abi`"
    )]
    Form(#[source] serde_json::Error),
    /// A type of it has no size, or lists in lists in lists, so that few bytes stand for any number of
    /// them.
    #[error(
        "{signature} has a type without a size, or more than {NESTING_MAX} lists in one argument"
    )]
    Type {
        /// Whose.
        signature: String,
    },
}

/// All that is known.
#[derive(Debug)]
pub(crate) struct Book {
    known: JsonAbi,
    ours: Vec<Ours>,
    given: BTreeMap<Option<Address>, JsonAbi>,
}

/// What is known of one address.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shelf<'a> {
    ours: Option<&'a Ours>,
    given: Option<&'a JsonAbi>,
    /// ABIs that stand for no address in particular.
    general: Option<&'a JsonAbi>,
}

impl Default for Book {
    fn default() -> Self {
        let lines = include_str!("known.txt").lines();
        let known = JsonAbi::parse(lines).expect("the list is the crate's own, and tested");
        Self { known, ours: contracts::ours(), given: BTreeMap::new() }
    }
}

impl Book {
    /// Takes an ABI on somebody's word, for one address or for any.
    ///
    /// # Errors
    /// If it is none, too large, or has a type without a size.
    pub(crate) fn give(&mut self, address: Option<Address>, json: &str) -> Result<(), AbiFault> {
        if json.len() > ABI_BYTES_MAX {
            return Err(AbiFault::TooLarge { found: json.len() });
        }
        #[derive(serde::Deserialize)]
        struct Artifact {
            abi: JsonAbi,
        }
        let abi = serde_json::from_str::<Artifact>(json)
            .map(|artifact| artifact.abi)
            .or_else(|_| serde_json::from_str::<JsonAbi>(json))
            .map_err(AbiFault::Form)?;
        for (signature, inputs) in signatures(&abi) {
            let is_bad = |input: &String| {
                input.contains("()") || input.contains("[0]") || nesting(input) > NESTING_MAX
            };
            if inputs.iter().any(is_bad) {
                return Err(AbiFault::Type { signature });
            }
        }
        self.given.insert(address, abi);
        Ok(())
    }

    /// What is known of an address with this code.
    #[must_use]
    pub(crate) fn shelf(&self, address: Address, code: &[u8]) -> Shelf<'_> {
        Shelf {
            ours: self.ours.iter().find(|it| it.is_code(code)),
            given: self.given.get(&Some(address)),
            general: self.given.get(&None),
        }
    }

    /// What a call's input says.
    #[must_use]
    pub(crate) fn call(&self, shelf: Shelf<'_>, input: &[u8]) -> Option<Decoded> {
        let (selector, rest) = input.split_first_chunk::<4>()?;
        let selector = Selector::from(*selector);
        self.abis(shelf).into_iter().find_map(|(abi, ground)| {
            let functions = abi.functions().filter(|it| it.selector() == selector);
            functions.filter_map(|it| decoded_call(it, ground, rest)).next()
        })
    }

    /// What a call's input says that has a name by the proposer: what the code at the address is known to
    /// have for the four bytes, and otherwise the proposer's name.
    pub(crate) fn signed_call(
        &self,
        shelf: Shelf<'_>,
        signature: &str,
        input: &[u8],
    ) -> Option<Decoded> {
        let known = self.call(shelf, input);
        if known.as_ref().is_some_and(|it| matches!(it.ground, Ground::Code | Ground::Given)) {
            return known;
        }
        let function = Function::parse(signature).ok();
        function.and_then(|it| decoded_call(&it, Ground::Signature, input.get(4..)?)).or(known)
    }

    /// Other names that a list has for the four bytes of a call.
    pub(crate) fn other_names(&self, shelf: Shelf<'_>, input: &[u8], name: &str) -> Vec<String> {
        let Some(selector) = input.first_chunk::<4>() else { return Vec::new() };
        let abis = self.abis(shelf).into_iter();
        let functions = abis.flat_map(|(abi, _)| abi.functions());
        let same = functions.filter(|it| it.selector() == *selector).map(Function::signature);
        let others: BTreeSet<String> = same.filter(|it| it != name).collect();
        others.into_iter().collect()
    }

    /// Whether an event has the topic of one that is known by `name`, however its arguments are laid out.
    pub(crate) fn is_event(&self, name: &str, topic: &B256) -> bool {
        let abis = self.ours.iter().map(|it| &it.abi).chain([&self.known]);
        abis.flat_map(|abi| abi.event(name)).flatten().any(|it| it.selector() == *topic)
    }

    /// What an error's bytes say.
    #[must_use]
    pub(crate) fn error(&self, shelf: Shelf<'_>, output: &[u8]) -> Option<Decoded> {
        let (selector, rest) = output.split_first_chunk::<4>()?;
        let selector = Selector::from(*selector);
        self.abis(shelf).into_iter().find_map(|(abi, ground)| {
            let errors = abi.errors().filter(|it| it.selector() == selector);
            errors.filter_map(|it| decoded_error(it, ground, rest)).next()
        })
    }

    /// What an event says.
    #[must_use]
    pub(crate) fn event(&self, shelf: Shelf<'_>, log: &Log) -> Option<Decoded> {
        let topic = log.topics().first()?;
        self.abis(shelf).into_iter().find_map(|(abi, ground)| {
            let events = abi.events().filter(|it| it.selector() == *topic && !it.anonymous);
            let ground = if ground == Ground::Selector { Ground::Topic } else { ground };
            events.filter_map(|it| decoded_event(it, ground, log)).next()
        })
    }

    /// Best first.
    fn abis<'a>(&'a self, shelf: Shelf<'a>) -> Vec<(&'a JsonAbi, Ground)> {
        let ours = shelf.ours.map(|it| (&it.abi, Ground::Code));
        let given = shelf.given.into_iter().chain(shelf.general).map(|abi| (abi, Ground::Given));
        let listed = self.ours.iter().map(|it| &it.abi).chain([&self.known]);
        ours.into_iter().chain(given).chain(listed.map(|abi| (abi, Ground::Selector))).collect()
    }
}

impl Shelf<'_> {
    /// The contract's name, if its code says which it is.
    #[must_use]
    pub(crate) fn name(&self) -> Option<&'static str> {
        self.ours.map(|ours| ours.name)
    }
}

fn signatures(abi: &JsonAbi) -> impl Iterator<Item = (String, Vec<String>)> {
    let of = |params: &[Param]| params.iter().map(|it| it.selector_type().into_owned()).collect();
    let functions = abi.functions().map(move |it| (it.signature(), of(&it.inputs)));
    let errors = abi.errors().map(move |it| (it.signature(), of(&it.inputs)));
    let events = abi.events().map(|it| {
        (it.signature(), it.inputs.iter().map(|it| it.selector_type().into_owned()).collect())
    });
    functions.chain(errors).chain(events)
}

/// How many lists and strings of bytes a type may hold within each other, at most.
fn nesting(kind: &str) -> usize {
    let ends = ["[]", "bytes,", "bytes)", "string"];
    let is_bytes = usize::from(kind == "bytes" || kind.starts_with("bytes["));
    is_bytes + ends.iter().map(|end| kind.matches(end).count()).sum::<usize>()
}

/// Whether so many bytes of such arguments can be read in bounded room.
fn is_readable(inputs: &[Param], bytes: usize) -> bool {
    bytes <= NESTED_BYTES_MAX || inputs.iter().all(|it| nesting(&it.selector_type()) <= 2)
}

/// Only what is written exactly so: other bytes could be read in more than one way.
fn decoded_call(function: &Function, ground: Ground, rest: &[u8]) -> Option<Decoded> {
    if !is_readable(&function.inputs, rest.len()) {
        return None;
    }
    let values = function.abi_decode_input(rest).ok()?;
    (function.abi_encode_input_raw(&values).ok()? == rest).then(|| {
        let names = function.inputs.iter().map(|it| it.name.as_str());
        decoded(function.signature(), ground, names, values)
    })
}

fn decoded_error(error: &AbiError, ground: Ground, rest: &[u8]) -> Option<Decoded> {
    if !is_readable(&error.inputs, rest.len()) {
        return None;
    }
    let values = error.abi_decode_input(rest).ok()?;
    let names = error.inputs.iter().map(|it| it.name.as_str());
    Some(decoded(error.signature(), ground, names, values))
}

fn decoded_event(event: &Event, ground: Ground, log: &Log) -> Option<Decoded> {
    let indexed = event.inputs.iter().filter(|it| it.indexed).count();
    let nested = |it: &EventParam| nesting(&it.selector_type()) > 2;
    let is_long = log.data.data.len() > NESTED_BYTES_MAX;
    if indexed + 1 != log.topics().len() || is_long && event.inputs.iter().any(nested) {
        return None;
    }
    let found = event.decode_log(&log.data).ok()?;
    let (mut indexed, mut body) = (found.indexed.into_iter(), found.body.into_iter());
    let values =
        event.inputs.iter().map(|it| if it.indexed { indexed.next() } else { body.next() });
    let values: Vec<DynSolValue> = values.collect::<Option<_>>()?;
    let names = event.inputs.iter().map(|it| it.name.as_str());
    Some(decoded(event.signature(), ground, names, values))
}

fn decoded<'a>(
    signature: String,
    ground: Ground,
    names: impl Iterator<Item = &'a str>,
    values: Vec<DynSolValue>,
) -> Decoded {
    let arguments = names
        .zip(&values)
        .map(|(name, value)| Argument { name: name.to_owned(), value: value::words(value) });
    Decoded { signature, ground, arguments: arguments.collect(), values }
}

impl Decoded {
    /// The name without its types.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        self.signature.split('(').next().unwrap_or_default()
    }

    /// Its arguments that are strings of bytes, in lists too.
    pub(crate) fn bytes(&self) -> Vec<&[u8]> {
        let mut found = Vec::new();
        let mut left: Vec<&DynSolValue> = self.values.iter().rev().collect();
        while let Some(value) = left.pop() {
            match value {
                DynSolValue::Bytes(bytes) => found.push(bytes.as_slice()),
                DynSolValue::Array(values)
                | DynSolValue::FixedArray(values)
                | DynSolValue::Tuple(values) => left.extend(values.iter().rev()),
                _ => {}
            }
        }
        found
    }
}

/// Bytes in hexadecimal, shortened.
pub(crate) fn hex(bytes: &[u8]) -> String {
    value::hex(bytes)
}

/// The four bytes that name a call.
pub(crate) fn selector_of(input: &Bytes) -> Option<String> {
    input.first_chunk::<4>().map(|selector| Selector::from(*selector).to_string())
}

/// The topic that a signature has.
pub(crate) fn topic_of(signature: &str) -> B256 {
    alloy_primitives::keccak256(signature)
}

#[cfg(test)]
mod tests;
