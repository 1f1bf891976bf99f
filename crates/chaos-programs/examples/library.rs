//! Registers an agent, runs a study, signs what the blocks show, and verifies the bundle: the
//! libraries alone, without the `chaoschain` program.

use std::{error::Error, fs, path::Path, time::Duration};

use chaos_agency::{
    Action, Kinds,
    action::Profile,
    receipt::{Input, Product},
};
use chaos_ledger::{Ledger, NewEntry, System, agents};
use chaos_programs::{
    Reader, Silent,
    appraisal::{Appraiser, known_anchors},
    blocks, check,
    program::{Analyse, Program as _},
    proposing::Signer,
    reexecution::{Inputs, STUDIO},
    simulation::{BlockSet, threads},
    studio,
    study::{Conditions, StudyFile},
};

/// The studios whose receipts this program knows.
const KINDS: Kinds = Kinds::new(&[chaos_governance::receipts::EXTENSION]);

/// A small question; its blocks are generated.
const STUDY: &str = r#"
version = 1
name = "library"
title = "Ten million gas"
question = "What do fees do if a block may use 10 Mgas?"
sources.when_absent = "generate"
baseline.preset = "london"
proposal.gas-limit = 10_000_000
scenarios = [{ name = "as observed", what = "demand of the blocks" }]
market = { paths = 12, blocks = 120, warmup_blocks = 20, screen_paths = 4, agent_paths = 1 }
goals = [{ metric = "base_fee_median", better = "lower" }]
"#;

fn main() -> Result<(), Box<dyn Error>> {
    run(tempfile::tempdir()?.path())
}

/// The whole way, in a folder of its own.
pub(crate) fn run(folder: &Path) -> Result<(), Box<dyn Error>> {
    // A program hands in its clock, the system's randomness, and the studios that it knows.
    let system = System {
        now_ms: || 1_767_225_600_000,
        random: |bytes| getrandom::fill(bytes).map_err(std::io::Error::other),
        kinds: KINDS,
    };
    let password = Some("correct horse battery staple".to_owned().into());
    let mut ledger = Ledger::open_or_create(&folder.join("data"), password, system)?;
    let profile = Profile {
        name: "ada".to_owned(),
        role: "researcher".to_owned(),
        capabilities: studio::role_capabilities("governance", "researcher", &KINDS)?,
        studio: "governance".to_owned(),
    };
    agents::enrol(&mut ledger, profile)?;

    fs::write(folder.join("study.toml"), STUDY)?;
    let (out, elapsed) = (folder.join("study"), || Duration::ZERO);
    let (threads, now_s) = (threads(None), system.now_s());
    let conditions = Conditions { threads, now_s, elapsed, progress: &Silent };
    let study = StudyFile::read(&folder.join("study.toml"))?.run(&out, &conditions)?;
    assert!(out.join("report.html").exists() && study.result.generated);

    let inputs = out.join("generated-blocks");
    let chain = blocks::load_folder(&inputs, None, &Silent)?.main_chain()?;
    let block_set = BlockSet::prepare(chain, None, threads, &Silent)?;
    let rules = studio::load(None)?;
    let ran = Analyse { block_set: &block_set, studio: &rules.studio }.run()?;
    let output = ledger.put_blob(&ran.document)?;
    let mut named: Vec<Input> = block_set.named_inputs();
    let digest = ledger.put_blob(rules.text.as_bytes())?;
    named.push(Input { name: STUDIO.to_owned(), digest });
    let ada = Signer::of(&ledger, "ada")?;
    let receipt = ledger.record(NewEntry {
        agent: ada.did,
        keys: vec![&ada.key],
        parents: vec![],
        subjects: vec![Product::new("analysis", output)],
        evidence: Analyse::evidence(named, output),
        action: Action::of(&ran.body),
    })?;

    let checkpoint = ledger.checkpoint()?;
    let bundle = chaos_ledger::bundle(&ledger, &receipt, &checkpoint, None)?;
    let (log, appraiser) = (ledger.log_key()?, Appraiser::new(known_anchors(), None, None));
    let inputs = Inputs::new(vec![inputs]);
    let reader = Reader { log: Some(log.verifier()), kinds: KINDS };
    let report = check(&bundle, reader, &appraiser, Some(&inputs), &Silent);
    assert_eq!(report.result?.id, receipt, "a stranger accepts it after running it again");
    Ok(())
}
