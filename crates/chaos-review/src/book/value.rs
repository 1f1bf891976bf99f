//! Values in words.

use alloy_dyn_abi::DynSolValue;

/// Bytes that are shown of a longer string of them.
const BYTES_SHOWN: usize = 64;
/// Characters that are shown of a text.
const CHARACTERS_SHOWN: usize = 200;
/// Entries that are shown of a list.
const ENTRIES_SHOWN: usize = 8;

pub(super) fn words(value: &DynSolValue) -> String {
    match value {
        DynSolValue::Bool(yes) => yes.to_string(),
        DynSolValue::Int(number, _) => number.to_string(),
        DynSolValue::Uint(number, _) => number.to_string(),
        DynSolValue::FixedBytes(word, size) => hex(&word[..(*size).min(32)]),
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::Function(function) => hex(function.as_slice()),
        DynSolValue::Bytes(bytes) => hex(bytes),
        DynSolValue::String(text) => quoted(text),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => list(values, '[', ']'),
        DynSolValue::Tuple(values) => list(values, '(', ')'),
    }
}

fn list(values: &[DynSolValue], open: char, close: char) -> String {
    let mut text: Vec<String> = values.iter().take(ENTRIES_SHOWN).map(words).collect();
    if values.len() > ENTRIES_SHOWN {
        text.push(format!("… {} in all", values.len()));
    }
    format!("{open}{}{close}", text.join(", "))
}

fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(CHARACTERS_SHOWN).collect();
    let rest = text.chars().count().saturating_sub(CHARACTERS_SHOWN);
    if rest == 0 { format!("{shown:?}") } else { format!("{shown:?} and {rest} more characters") }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let shown = alloy_primitives::hex::encode_prefixed(&bytes[..bytes.len().min(BYTES_SHOWN)]);
    if bytes.len() > BYTES_SHOWN { format!("{shown}… ({} bytes)", bytes.len()) } else { shown }
}
