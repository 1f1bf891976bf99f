//! Twenty-four kinds of change to honest bundles, none of which changes what is said.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chaos_types::dsse::Envelope;
use serde_json::{Map, Value, json};

use super::*;
use crate::StateBundle;

/// Somebody who signs whatever comes up.
const ATTACKER: u8 = 77;

/// Numbers to choose by, one after the other.
struct Dice<'a>(std::slice::Iter<'a, u64>);

impl Dice<'_> {
    fn below(&mut self, sides: usize) -> usize {
        let rolled = self.0.next().copied().unwrap_or(0);
        usize::try_from(rolled % sides.max(1) as u64).unwrap()
    }

    fn one_of<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        let at = self.below(of.len());
        of.get(at)
    }
}

/// JSON pointers to every value of a document but the document itself.
fn pointers(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value))
                .collect(),
            Value::Array(items) => {
                items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![],
        };
        for (key, child) in children {
            let path = format!("{at}/{key}");
            walk(child, &path, found);
            found.push(path);
        }
    }
    let mut found = Vec::new();
    walk(value, "", &mut found);
    found
}

/// A pointer to a value that is like this.
fn find(doc: &Value, dice: &mut Dice<'_>, is: fn(&Value) -> bool) -> Option<String> {
    let all: Vec<String> =
        pointers(doc).into_iter().filter(|at| doc.pointer(at).is_some_and(is)).collect();
    dice.one_of(&all).cloned()
}

fn written(doc: &Value) -> Vec<u8> {
    serde_json::to_vec(doc).unwrap()
}

/// Changes of the file's bytes.
fn of_bytes(kind: u8, bytes: &[u8], dice: &mut Dice<'_>) -> Option<Vec<u8>> {
    let at = dice.below(bytes.len());
    let byte = u8::try_from(dice.below(256)).unwrap();
    let mut changed = bytes.to_vec();
    match kind {
        0 => changed[at] ^= 1 << (byte % 8),
        1 => changed[at] = byte,
        2 => drop(changed.drain(at..(at + 1 + usize::from(byte % 8)).min(bytes.len()))),
        3 => drop(changed.splice(at..at, vec![byte; 1 + usize::from(byte % 4)])),
        4 => changed.truncate(at),
        5 => {
            changed.extend(dice.one_of(&[&b"\n"[..], b" ", b"\0", b"{}", b"\xef\xbb\xbf"])?.iter())
        }
        6 => drop(
            changed
                .splice(0..0, dice.one_of(&[&b"\xef\xbb\xbf"[..], b" ", b"\n", b"\0"])?.to_vec()),
        ),
        7 => {
            changed =
                serde_json::to_vec_pretty(&serde_json::from_slice::<Value>(bytes).ok()?).ok()?
        }
        8 | 9 => return spelled_otherwise(kind, bytes, dice),
        _ => return None,
    }
    Some(changed)
}

/// A key written twice, or a number in another spelling.
fn spelled_otherwise(kind: u8, bytes: &[u8], dice: &mut Dice<'_>) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    if kind == 8 {
        let keys: Vec<usize> = text.match_indices("\":").map(|(at, _)| at).collect();
        let end = *dice.one_of(&keys)?;
        let start = text[..end].rfind('"')?;
        let value = dice.one_of(&["null", "1", "\"\"", "{}"])?;
        let again = format!("{}:{value},", &text[start..=end]);
        return Some([&text[..start], &again, &text[start..]].concat().into_bytes());
    }
    let numbers: Vec<usize> = text
        .match_indices(':')
        .map(|(at, _)| at + 1)
        .filter(|at| text[*at..].starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    let start = *dice.one_of(&numbers)?;
    let end = start + text[start..].find(|c: char| !c.is_ascii_digit())?;
    let number = &text[start..end];
    let forms = ["N.0", "Ne0", "+N", "0N", "-N", "N0", "\"N\"", "1e999"];
    let form = dice.one_of(&forms)?.replace('N', number);
    Some([&text[..start], &form, &text[end..]].concat().into_bytes())
}

/// Changes of the document's values.
fn of_values(kind: u8, doc: &Value, other: &Value, dice: &mut Dice<'_>) -> Option<Value> {
    let mut changed = doc.clone();
    match kind {
        10 => {
            let at = find(doc, dice, |_| true)?;
            let was = doc.pointer(&at)?.clone();
            let to =
                [json!(null), json!(true), json!(0), json!(""), json!([]), json!({}), json!([was])];
            *changed.pointer_mut(&at)? = dice.one_of(&to)?.clone();
        }
        11 => {
            let at = find(doc, dice, |_| true)?;
            *changed.pointer_mut(&at)? = other.pointer(&at)?.clone();
        }
        12 => {
            let (one, two) = (find(doc, dice, |_| true)?, find(doc, dice, |_| true)?);
            let (first, second) = (doc.pointer(&one)?.clone(), doc.pointer(&two)?.clone());
            *changed.pointer_mut(&one)? = second;
            *changed.pointer_mut(&two)? = first;
        }
        13 => {
            let at = find(doc, dice, Value::is_object)?;
            let fields = changed.pointer_mut(&at)?.as_object_mut()?;
            let keys: Vec<String> = fields.keys().cloned().collect();
            fields.remove(dice.one_of(&keys)?);
        }
        14 => {
            let at = find(doc, dice, Value::is_object)?;
            let key = dice.one_of(&["x", "", "\u{e9}", "format", "payload"])?;
            let fields = changed.pointer_mut(&at)?.as_object_mut()?;
            fields
                .insert((*key).to_owned(), dice.one_of(&[json!(1), json!(""), json!({})])?.clone());
        }
        15 => {
            let at = find(doc, dice, Value::is_array)?;
            let items = changed.pointer_mut(&at)?.as_array_mut()?;
            match dice.below(3) {
                0 => items.reverse(),
                1 => items.extend(dice.one_of(&items.clone()).cloned()),
                _ => items.clear(),
            }
        }
        16 | 19 => {
            let at = find(doc, dice, Value::is_string)?;
            let text = doc.pointer(&at)?.as_str()?;
            let to = if kind == 16 { edited(text, dice)? } else { spare_bits(text, dice)? };
            *changed.pointer_mut(&at)? = to.into();
        }
        _ => return None,
    }
    Some(changed)
}

fn edited(text: &str, dice: &mut Dice<'_>) -> Option<String> {
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let at = *dice.one_of(&ends)?;
    let odd = ["\u{200b}", "\u{301}", "\0", "\u{2028}", "\u{ff11}", " ", "\t", "=", "\r"];
    let odd = dice.one_of(&odd)?;
    Some(match dice.below(5) {
        0 => [&text[..at], odd, &text[at..]].concat(),
        1 => text.to_uppercase(),
        2 => text.replace('+', "-").replace('/', "_"),
        3 => text.trim_end_matches('=').to_owned(),
        _ => text.chars().rev().collect(),
    })
}

/// The bits of a base64 text that no byte is made of.
fn spare_bits(text: &str, dice: &mut Dice<'_>) -> Option<String> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let spare = match padding {
        1 => 4,
        2 => 16,
        _ => return None,
    };
    let last = ALPHABET.find(digits.chars().last()?)?;
    let other = ALPHABET.chars().nth(last ^ (1 + dice.below(spare - 1)))?;
    Some(format!("{}{other}{}", &digits[..digits.len() - 1], "=".repeat(padding)))
}

/// Where a bundle of either format holds the signed statement, and the digest in its leaf.
fn envelope_and_leaf(doc: &Value) -> [&'static str; 2] {
    if doc.get("envelope").is_some() {
        ["/envelope", "/place/leaf/receipt"]
    } else {
        ["/receipt/envelope", "/receipt/leaf/receipt"]
    }
}

/// Changes of what was signed, and of who signed it.
fn of_signatures(kind: u8, doc: &Value, dice: &mut Dice<'_>) -> Option<Value> {
    let mut changed = doc.clone();
    match kind {
        17 | 20 => {
            let [at_envelope, at_leaf] = envelope_and_leaf(doc);
            let envelope = doc.pointer(at_envelope)?;
            let mut payload = payload_of(envelope)?;
            if kind == 17 {
                let at = find(&payload, dice, |_| true)?;
                let to = [json!(null), json!(1), json!("x"), json!([]), json!({})];
                *payload.pointer_mut(&at)? = dice.one_of(&to)?.clone();
            }
            let bytes = canonical::to_vec(&payload).ok()?;
            let mut forged = if kind == 17 {
                let mut forged = envelope.clone();
                forged["payload"] = STANDARD.encode(&bytes).into();
                forged
            } else {
                serde_json::to_value(Envelope::sign(&bytes, &[&key(ATTACKER)])).ok()?
            };
            if kind == 20 && dice.below(2) == 0 {
                forged["signatures"][0]["keyid"] = envelope["signatures"][0]["keyid"].clone();
            }
            *changed.pointer_mut(at_leaf)? =
                Digest::of(&canonical::to_vec(&forged).ok()?).to_string().into();
            *changed.pointer_mut(at_envelope)? = forged;
        }
        18 => {
            let at = if doc.get("checkpoint").is_some() { "/checkpoint" } else { "/receipt/proof" };
            let edited = with_line_edited(doc.pointer(at)?.as_str()?, dice)?;
            // Every entry of a bundle is proved under one note, so that a change of it is made in all.
            *changed.pointer_mut(at)? = edited.into();
        }
        21 => {
            let attacker = LogKey::from_seed("test.example/log".parse().unwrap(), &[ATTACKER; 32]);
            let world = World::new();
            let forged = Checkpoint::new("test.example/log", world.log.size(), world.log.root());
            let forged = forged.ok()?.sign(&attacker).ok()?.to_string();
            if let Some(checkpoint) = changed.get_mut("checkpoint") {
                *checkpoint = forged.into();
            } else {
                let proof = doc.pointer("/receipt/proof")?.as_str()?;
                let (head, _) = proof.split_once("\n\n")?;
                changed["receipt"]["proof"] = format!("{head}\n\n{forged}").into();
            }
            if dice.below(2) == 0 {
                changed["log"] = attacker.verifier().to_string().into();
            }
        }
        22 => {
            let proof = changed.pointer_mut("/anchor/proof")?;
            *proof = dice
                .one_of(&[json!({"block": "8"}), json!({}), json!(null), json!(["7"])])?
                .clone();
        }
        23 => {
            let mut payload = payload_of(doc.pointer("/anchor/envelope")?)?;
            payload["predicate"]["action"]["body"]["block_number"] = "8".into();
            let bytes = canonical::to_vec(&payload).ok()?;
            let envelope = Envelope::sign(&bytes, &[&key(ATTACKER)]);
            changed["anchor"]["envelope"] = serde_json::to_value(envelope).ok()?;
        }
        _ => return None,
    }
    Some(changed)
}

fn payload_of(envelope: &Value) -> Option<Value> {
    let bytes = STANDARD.decode(envelope["payload"].as_str()?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn with_line_edited(proof: &str, dice: &mut Dice<'_>) -> Option<String> {
    let mut lines: Vec<String> = proof.split('\n').map(ToOwned::to_owned).collect();
    let (at, other) = (dice.below(lines.len()), dice.below(lines.len()));
    match dice.below(6) {
        0 => lines[at].push(' '),
        1 => lines.insert(at, lines[at].clone()),
        2 => drop(lines.remove(at)),
        3 => lines.insert(at, String::new()),
        4 => lines.swap(at, other),
        _ => {
            let odd = ["extra AAAA", "ext", "\u{2014} x AAAAAAA=", "index 0", "\r"];
            lines.insert(at, (*dice.one_of(&odd)?).to_owned());
        }
    }
    Some(lines.join("\n"))
}

fn mutated(kind: u8, good: &[u8], other: &[u8], dice: &mut Dice<'_>) -> Option<Vec<u8>> {
    let doc: Value = serde_json::from_slice(good).unwrap();
    let other: Value = serde_json::from_slice(other).unwrap();
    let changed = match kind {
        0..=9 => of_bytes(kind, good, dice)?,
        10..=16 | 19 => written(&of_values(kind, &doc, &other, dice)?),
        _ => written(&of_signatures(kind, &doc, dice)?),
    };
    (changed != good && changed != written(&other)).then_some(changed)
}

/// What a bundle may lack without saying anything else: its maker can leave these out.
fn without_what_can_be_left_out(bytes: &[u8]) -> Value {
    let mut doc: Value = serde_json::from_slice(bytes).unwrap();
    doc["anchor"] = Value::Null;
    doc["attachments"] = Value::Object(Map::new());
    // Anybody may add signatures below a checkpoint: those by keys that nobody knows are passed over.
    if let Some(checkpoint) = doc.get_mut("checkpoint") {
        let note = checkpoint.as_str().unwrap().to_owned();
        *checkpoint = note.split_once("\n\n").unwrap().0.into();
    }
    doc
}

/// No change of any of the kinds makes a bundle say something else.
#[track_caller]
fn ensure_same_meaning(good: &[u8], changed: &[u8]) {
    let hands = Hands::new();
    let before = verify(good, &hands.options());
    let after = verify(changed, &hands.options());
    let Ok(receipt) = after.result else { return };
    assert_eq!(receipt, before.result.unwrap());
    let claimed = |head: Option<Head>| head.map(|head| head.checkpoint.claimed().clone());
    assert_eq!(claimed(after.head), claimed(before.head));
    assert!(after.words.anchored <= before.words.anchored);
    assert_eq!(without_what_can_be_left_out(changed), without_what_can_be_left_out(good));
    let (kept, given) = (
        serde_json::from_slice::<Value>(changed).unwrap(),
        serde_json::from_slice::<Value>(good).unwrap(),
    );
    let named = |(digest, text): (&String, &Value)| given["attachments"].get(digest) == Some(text);
    assert!(kept["attachments"].as_object().unwrap().iter().all(named));
    assert!(kept["anchor"].is_null() || kept["anchor"] == given["anchor"]);
}

/// Of each format a bundle that holds everything and a plain one.
fn both_formats() -> &'static [[Vec<u8>; 2]; 2] {
    static BUNDLES: LazyLock<[[Vec<u8>; 2]; 2]> = LazyLock::new(|| {
        let by_state = |bundle: StateBundle| bundle.to_bytes().unwrap();
        [
            [bytes(&order::full()), bytes(&good())],
            [by_state(state::full()), by_state(state::plain())],
        ]
    });
    &BUNDLES
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn no_mutation_of_a_bundle_is_accepted_but_for_what_can_be_left_out(
        kind in 0_u8..24,
        rolled in prop::collection::vec(any::<u64>(), 16),
    ) {
        let mut found = false;
        for [good, other] in both_formats() {
            if let Some(changed) = mutated(kind, good, other, &mut Dice(rolled.iter())) {
                ensure_same_meaning(good, &changed);
                found = true;
            }
        }
        prop_assume!(found);
    }
}

/// Each kind of change finds something to change, so that none of them is tested by name alone.
#[test]
fn every_kind_of_mutation_changes_an_honest_bundle() {
    let kinds = (0..24).flat_map(|kind| both_formats().iter().map(move |pair| (kind, pair)));
    for (kind, [good, other]) in kinds {
        let changes = (0..64_u64).filter(|&seed| {
            let rolled: Vec<u64> =
                (1..17).map(|step| seed.wrapping_mul(97).wrapping_add(step * step)).collect();
            mutated(kind, good, other, &mut Dice(rolled.iter())).is_some()
        });
        assert!(changes.count() > 0, "kind {kind}");
    }
}
