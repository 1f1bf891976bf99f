use std::time::Duration;

use chaos_evm::load::LoadParameters;
use chaos_study::STUDY_FORMAT_CHECKED;
use tempfile::TempDir;

use super::*;
use crate::{Silent, fixture::write_blocks, simulation::threads};

/// The format of the result of a study of recorded blocks, with these lines in its file.
fn format_with(lines: &str, elasticity: &str, path_blocks: u32) -> String {
    let dir = TempDir::new().unwrap();
    let load =
        LoadParameters { blocks: 4, gas_limit: 5_000_000, accounts: 200, ..Default::default() };
    write_blocks(&dir.path().join("recorded"), &load);
    let file = dir.path().join("study.toml");
    let text = format!(
        "version = 1\nname = \"small\"\ntitle = \"t\"\nquestion = \"q?\"\nsources.blocks = \"recorded\"\n\
         baseline.preset = \"london\"\nscenarios = [{{ name = \"one\", what = \"it\" }}]\n{lines}\n\
         goals = [{{ metric = \"base_fee_median\", better = \"lower\" }}]\n\
         market = {{ paths = 4, blocks = {path_blocks}, warmup_blocks = 20, screen_paths = 2, \
         transaction_paths = 1, elasticity = \"{elasticity}\" }}\n"
    );
    fs::write(&file, text).unwrap();
    let conditions = Conditions {
        threads: threads(None),
        now_s: 1_767_225_600,
        elapsed: || Duration::ZERO,
        progress: &Silent,
        copied: Copied::IfSmall,
    };
    let study = StudyFile::read(&file).unwrap();
    study.run(&dir.path().join("out"), &conditions).unwrap().result().format.clone()
}

#[test]
fn a_study_whose_fits_were_checked_has_a_format_of_its_own() {
    let raised = "proposal.gas-limit = 6_000_000";
    assert_eq!(format_with(raised, "0.1", 300), STUDY_FORMAT_CHECKED);
}
