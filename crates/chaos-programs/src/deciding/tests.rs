use std::{fs, path::Path};

use chaos_governance::receipts::EXTENSION;
use chaos_verify::Fault;
use tempfile::TempDir;

use super::*;
use crate::Silent;

const KINDS: Kinds = Kinds::new(&[EXTENSION]);

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/first").join(name)
}

/// A verdict is signed and stays in the log: a verifier without the blocks has refuted nobody.
#[test]
fn receipt_whose_inputs_are_not_here_is_judged_as_not_run_again_and_not_as_failed() {
    let nothing = TempDir::new().unwrap();
    let inputs = Inputs::new(vec![nothing.path().to_owned()]);
    let bundle = fs::read(recorded("bundles/04-analyse.json")).unwrap();
    let run = check_alone(&bundle, &inputs);
    assert_eq!(run.result.unwrap_err().code, Fault::InputMissing.into());
    let (report, reexecuted) = held(&bundle, KINDS, &inputs, &Silent);
    assert!(report.result.is_ok() && !reexecuted, "{:?}", report.result);
    let inputs = Inputs::new(vec![recorded("inputs")]);
    let (report, reexecuted) = held(&bundle, KINDS, &inputs, &Silent);
    assert!(report.result.is_ok() && reexecuted, "{:?}", report.result);
}

fn check_alone(bundle: &[u8], inputs: &Inputs) -> Report {
    let appraiser = Appraiser::new(known_anchors(), None, None);
    let chain = ChainView::default();
    let kinds = KINDS;
    let reader = Reader { log: None, policy: None, now_ms: None, copy: None, kinds, chain };
    check(bundle, reader, &appraiser, Some(inputs), &Silent)
}
