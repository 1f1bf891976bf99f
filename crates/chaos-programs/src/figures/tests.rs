use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chaos_agency::Kinds;
use chaos_governance::receipts::EXTENSION;
use chaos_verify::Bundle;

use super::*;

const KINDS: Kinds = Kinds::new(&[EXTENSION]);

/// The figures of a recorded bundle, and those of it without its documents.
#[track_caller]
fn figures_of(name: &str) -> (Option<String>, Option<String>) {
    let bundles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/first/bundles");
    let bytes = fs::read(bundles.join(name)).unwrap();
    let bundle = Bundle::from_bytes(&bytes).unwrap();
    let receipt = Receipt::open(&bundle.receipt.envelope, &KINDS).unwrap();
    let mut documents = Attachments::default();
    for text in bundle.attachments.values() {
        documents.insert(STANDARD.decode(text).unwrap());
    }
    (figures(&receipt, &documents), figures(&receipt, &Attachments::default()))
}

#[test]
fn score_says_who_has_which_and_a_simulation_what_it_came_to() {
    let (score, without) = figures_of("13-score.json");
    let score = score.unwrap();
    assert!(score.starts_with("its table says, of 1000000: did:key:z"), "{score}");
    assert!(score.contains(" as researcher in governance "), "{score}");
    assert_eq!(without.unwrap(), "its table is not in the bundle, so that no figure is shown");
    let (result, without) = figures_of("05-simulate.json");
    let result = result.unwrap();
    assert!(result.starts_with("its result says: median base fee "), "{result}");
    assert!(result.contains(" gwei") && result.contains("full blocks "), "{result}");
    assert_eq!(without.unwrap(), "its result is not in the bundle, so that no figure is shown");
}

#[test]
fn receipt_whose_own_bytes_have_its_figures_is_left_as_it_is() {
    for name in ["04-analyse.json", "10-draft.json", "12-observe-vote.json", "14-pay.json"] {
        assert_eq!(figures_of(name), (None, None), "{name}");
    }
}

#[test]
fn names_of_any_length_make_no_sentence_of_any_length() {
    let bundles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/first/bundles");
    let bundle = Bundle::from_bytes(&fs::read(bundles.join("13-score.json")).unwrap()).unwrap();
    let mut receipt = Receipt::open(&bundle.receipt.envelope, &KINDS).unwrap().into_inner();
    let Action::Score(score) = &mut receipt.action else { panic!("it is a score") };
    let table = bundle.attachments.get(&score.table.to_string()).unwrap();
    let mut table: Table = serde_json::from_slice(&STANDARD.decode(table).unwrap()).unwrap();
    table.scores[0].role = "r".repeat(100_000);
    let mut documents = Attachments::default();
    score.table = documents.insert(serde_json::to_vec(&table).unwrap());
    let told = figures(&receipt, &documents).unwrap();
    assert!(told.chars().count() == CHARS_MAX + 1 && told.ends_with('…'), "{}", told.len());
}
