//! What a stated result says that re-execution does not give.

use chaos_simulation::{RESULT_FORMAT, RESULT_FORMAT_REVISED};
use chaos_types::{Digest, Rejection};
use chaos_verify::{Attachments, Fault};
use serde_json::Value;

use super::{json, reject};

/// A shown value is cut after this many characters.
const SHOWN_CHARS_MAX: usize = 120;

/// The result that a receipt states is not the one that re-execution gives: what differs is named as
/// far as the bundle holds what was stated.
pub(super) fn refuse(stated: &Digest, attachments: &Attachments, computed: &[u8]) -> Rejection {
    let found = Digest::of(computed);
    let how = match attachments.get(stated) {
        None => {
            "the bundle does not hold the stated result, so what differs cannot be named".into()
        }
        Some(bytes) => {
            match (serde_json::from_slice(bytes), serde_json::from_slice::<Value>(computed)) {
                (Ok(stated), Ok(computed)) => named(&stated, &computed),
                _ => "what is stated is no JSON document".to_owned(),
            }
        }
    };
    let reason =
        format!("the receipt states the result {stated}, re-execution gives {found}: {how}");
    reject(Fault::OutputNotRepeated, reason)
}

fn named(stated: &Value, computed: &Value) -> String {
    let format = |result: &Value| result.get("format").and_then(Value::as_str).map(str::to_owned);
    let (claimed, ours) = (format(stated), format(computed));
    let mut how = String::new();
    if claimed != ours {
        how.push_str(&format!("the format is stated as {}, is {}; ", json(&claimed), json(&ours)));
    }
    let former = claimed.as_deref() == Some(RESULT_FORMAT);
    if former && ours.as_deref() == Some(RESULT_FORMAT_REVISED) {
        how.push_str(
            "a program wrote that format for this comparison before a raised base-fee floor and a \
             bound gas limit held from the first block of the change, and a base fee stopped at \
             2^63 wei (docs/adr/0012-one-fee-rule.md); ",
        );
    }
    match first(stated, computed, "") {
        Some(Difference { place, stated, computed }) => {
            how.push_str(&format!("{place} is stated as {stated}, is {computed}"));
        }
        None => how.push_str("no other field differs"),
    }
    how
}

/// One place in two documents.
struct Difference {
    place: String,
    stated: String,
    computed: String,
}

/// The first place besides the format at which two documents differ, members by name.
fn first(stated: &Value, computed: &Value, place: &str) -> Option<Difference> {
    if let (Value::Object(theirs), Value::Object(ours)) = (stated, computed) {
        let names = theirs.keys().chain(ours.keys().filter(|name| !theirs.contains_key(*name)));
        return names.filter(|name| !(place.is_empty() && *name == "format")).find_map(|name| {
            let null = &Value::Null;
            let (stated, computed) =
                (theirs.get(name).unwrap_or(null), ours.get(name).unwrap_or(null));
            let dot = if place.is_empty() { "" } else { "." };
            first(stated, computed, &format!("{place}{dot}{name}"))
        });
    }
    (stated != computed).then(|| Difference {
        place: place.to_owned(),
        stated: cut(&json(stated)),
        computed: cut(&json(computed)),
    })
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
