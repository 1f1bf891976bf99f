//! Registers an agent, runs a study, signs what its blocks show, and verifies the bundle: the
//! libraries alone, without the `chaoschain` program.

use std::{error::Error, path::Path, time::Duration};

use chaos_agency::Kinds;
use chaos_ledger::{Heads, Ledger, System, agents};
use chaos_programs::{
    ChainView, Reader, Silent,
    appraisal::{Appraiser, known_anchors},
    blocks, check,
    proposing::Signer,
    reexecution::Inputs,
    simulation::{BlockSet, threads},
    studio,
    study::{Conditions, Copied, StudyFile},
};

/// The studios whose receipts this program knows.
const KINDS: Kinds = Kinds::new(&[chaos_governance::receipts::EXTENSION]);

fn main() -> Result<(), Box<dyn Error>> {
    run(tempfile::tempdir()?.path())
}

/// The whole way, in a folder of its own.
pub(crate) fn run(folder: &Path) -> Result<(), Box<dyn Error>> {
    // A program hands in its clock, the system's randomness, and the studios that it knows.
    let random = |bytes: &mut [u8]| getrandom::fill(bytes).map_err(std::io::Error::other);
    let system = System { now_ms: || 1_767_225_600_000, random, kinds: KINDS };
    let password = Some("correct horse battery staple".to_owned().into());
    let heads = Heads::new(folder.join("heads"));
    let mut ledger = Ledger::open_or_create(&folder.join("data"), password, Some(&heads), system)?;
    let rules = studio::load(None)?;
    agents::enrol(&mut ledger, rules.profile("ada", "researcher", &KINDS)?)?;

    let (threads, now_s) = (threads(None), system.now_s());
    let conditions = Conditions {
        threads,
        now_s,
        elapsed: || Duration::ZERO,
        progress: &Silent,
        copied: Copied::IfSmall,
    };
    let question = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/library.toml");
    let file = StudyFile::read(&question)?;
    let study = file.run(&folder.join("study"), &conditions)?;
    // The receipt's bundle goes into the folder, whose documents name it.
    let actor = Signer::of(&ledger, "ada")?;
    let receipt = study.sign(&mut ledger, &actor)?;
    let checkpoint = ledger.checkpoint(&heads)?;
    let bundle = chaos_ledger::bundle(&ledger, &receipt, &checkpoint, None)?;
    let study = study.write(&folder.join("study"), &conditions, Some(&bundle))?;
    assert!(folder.join("study/report.html").exists() && study.result.generated);

    let found = folder.join("study/generated-blocks");
    let chain = blocks::load_folder(&found, None, &Silent)?.main_chain()?;
    let block_set = BlockSet::prepare(chain, None, threads, &Silent)?;
    let receipt = Signer::of(&ledger, "ada")?.analyse(&mut ledger, &block_set, &rules)?.receipt;

    let checkpoint = ledger.checkpoint(&heads)?;
    let bundle = chaos_ledger::bundle(&ledger, &receipt, &checkpoint, None)?;
    // A stranger has the bundle, the log's key and the blocks, and nothing else from here.
    let (log, inputs) = (ledger.log_key()?, Inputs::new(vec![found]));
    let chain = ChainView::default();
    let reader = Reader {
        log: Some(log.verifier()),
        policy: None,
        now_ms: None,
        copy: None,
        kinds: KINDS,
        chain,
    };
    let appraiser = Appraiser::new(known_anchors(), None, None);
    let report = check(&bundle, reader, &appraiser, Some(&inputs), &Silent);
    assert_eq!(report.result?.id, receipt, "a stranger accepts it after running it again");
    Ok(())
}
