//! A bundle whose proof of inclusion is forged: how soon the program refuses it, although it is asked to run
//! the receipt's program again.

use std::{error::Error, path::Path};

use serde_json::Value;

use crate::{Figure, ROUNDS, program};

/// A simulation's receipt with its proofs.
const BUNDLE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/first/bundles/05-simulate.json");
/// Another hash than any of the proof's, as its text has them.
const HASH: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

pub(crate) fn measure(folder: &Path) -> Result<Figure, Box<dyn Error>> {
    let mut bundle: Value = serde_json::from_slice(&std::fs::read(BUNDLE)?)?;
    let proof = bundle["receipt"]["proof"].as_str().ok_or("the bundle has no proof")?;
    let mut lines: Vec<&str> = proof.split('\n').collect();
    let is_hash = |line: &&str| line.len() == HASH.len() && line.ends_with('=');
    let first = lines.iter().position(is_hash).ok_or("the proof has no hash")?;
    lines[first] = HASH;
    let forged = lines.join("\n");
    bundle["receipt"]["proof"] = forged.into();
    let path = folder.join("forged.json");
    std::fs::write(&path, serde_json::to_vec(&bundle)?)?;
    let path = path.to_str().ok_or("the folder's name is no text")?;
    let refused =
        program::median(ROUNDS, |_| program::ended(1, &["verify", path, "--reexecute", "--json"]))?;
    let measure = "log_forged_refused".to_owned();
    Ok(Figure { measure, value: refused.ms, unit: "ms", reference: None })
}
