//! Honest receipts, made by the libraries alone and not by the code under test.

use std::{path::Path, sync::LazyLock};

use chaos_agency::{
    Action, Evidence, Receipt,
    action::{Pay, Payment, Score},
    receipt::{Input, Product, Program, Replay},
};
use chaos_evm::load::LoadParameters;
use chaos_governance::{
    Analysis, DEFAULT_STUDIO,
    receipts::{Analyse, Blocks, Decision, Draft, ParameterChange, Simulate},
    refine, rounds,
};
use chaos_reputation::{Model, ScoreDocument};
use chaos_simulation::Experiment;
use chaos_studio::Studio;
use chaos_types::{AgentKey, ChainId, Check, Digest, Rejection, canonical};
use chaos_verify::Attachments;
use tempfile::TempDir;

use crate::{
    Silent, blocks,
    fixture::write_blocks,
    program::RewardDocument,
    reexecution::{
        ANALYSE, BRIEF, DIVIDE, DRAFT, DraftBrief, EVIDENCE, EXPERIMENT, Inputs, REWARDS, SCORE,
        SIMULATE, STUDIO, ensure_repeatable, reexecute,
    },
    simulation::{BlockSet, threads},
};

/// An honest receipt and the bytes that it names.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) receipt: Receipt,
    pub(super) attachments: Attachments,
}

impl Case {
    pub(super) fn new(
        program: &str,
        mut inputs: Vec<Input>,
        files: &[(&str, Vec<u8>)],
        action: Action,
    ) -> Self {
        let mut attachments = Attachments::default();
        for (name, bytes) in files {
            let digest = attachments.insert(bytes.clone());
            inputs.push(Input { name: (*name).to_owned(), digest });
        }
        let did = AgentKey::from_seed(&[7; 32]).did();
        let output = Digest::of(b"to be computed");
        let program =
            Program { name: program.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
        let receipt = Receipt {
            id: Digest::of(b"receipt"),
            signers: vec![did],
            log: did,
            agent: did,
            claimed_at_ms: 0,
            parents: vec![],
            subjects: vec![Product::new("output", output)],
            evidence: Evidence::Replayable(Replay { program, inputs, output }),
            action,
        };
        Self { receipt, attachments }
    }

    /// The same receipt with this output as its evidence's and its only subject.
    pub(super) fn stating(mut self, output: Digest) -> Self {
        self.receipt.subjects = vec![Product::new("output", output)];
        match &mut self.receipt.evidence {
            Evidence::Replayable(replay) => replay.output = output,
            Evidence::None {} | Evidence::Attested(_) => unreachable!("a case is replayable"),
        }
        self
    }

    pub(super) fn inputs(&mut self) -> &mut Vec<Input> {
        match &mut self.receipt.evidence {
            Evidence::Replayable(replay) => &mut replay.inputs,
            Evidence::None {} | Evidence::Attested(_) => unreachable!("a case is replayable"),
        }
    }

    pub(super) fn run(&self, folder: &Path) -> Result<Digest, Rejection> {
        let inputs = Inputs::new(vec![folder.to_owned()]);
        reexecute(&self.receipt, &self.attachments, &inputs, &Silent)
    }

    /// Changes the receipt, which must then be rejected with a reason that has these words.
    #[track_caller]
    pub(super) fn refuse(&self, lie: impl FnOnce(&mut Self), words: &[&str]) {
        let mut case = self.clone();
        lie(&mut case);
        ensure_says(&case.run(STORY.dir.path()).expect_err("a lie"), words);
    }

    /// As [`Self::refuse`], by the receipt and its bundle alone: no block is at hand, nothing runs.
    #[track_caller]
    pub(super) fn refuse_unread(&self, lie: impl FnOnce(&mut Self), words: &[&str]) {
        let mut case = self.clone();
        lie(&mut case);
        let refused = ensure_repeatable(&case.receipt, &case.attachments);
        ensure_says(&refused.expect_err("a lie"), words);
    }
}

#[track_caller]
fn ensure_says(rejection: &Rejection, words: &[&str]) {
    assert_eq!(rejection.check, Check::Evidence);
    for word in words {
        assert!(rejection.reason.contains(word), "`{word}` is not in: {}", rejection.reason);
    }
}

/// Generated blocks and honest receipts of all three programs that read them.
pub(super) struct Story {
    pub(super) dir: TempDir,
    pub(super) analyse: Case,
    pub(super) simulate: Case,
    pub(super) draft: Case,
    pub(super) outputs: [Digest; 3],
    /// What the simulation's component is given.
    pub(super) material: Vec<u8>,
}

pub(super) static STORY: LazyLock<Story> = LazyLock::new(Story::tell);

/// The blocks of a folder, replayed.
pub(super) fn block_set(folder: &Path) -> BlockSet {
    let blocks = blocks::load_folder(folder, None, &Silent).unwrap().main_chain().unwrap();
    BlockSet::prepare(blocks, None, threads(None), &Silent).unwrap()
}

/// The blocks as a receipt names them.
pub(super) fn named_inputs(block_set: &BlockSet) -> Vec<Input> {
    block_set
        .sources
        .iter()
        .map(|source| Input { name: source.name.clone(), digest: source.digest })
        .collect()
}

impl Story {
    /// Does the agents' work by the libraries alone, not by the code under test.
    fn tell() -> Self {
        let dir = TempDir::new().unwrap();
        write_blocks(dir.path(), &LoadParameters::default());
        let ground = block_set(dir.path());
        let chain = ground.chain.clone();
        let named = named_inputs(&ground);
        let studio = Studio::parse(DEFAULT_STUDIO).unwrap();
        let studio_file = (STUDIO, DEFAULT_STUDIO.as_bytes().to_vec());
        let today = ground.baseline().unwrap();

        let analysis = Analysis::run(chain.clone(), &ground.facts(), today, &studio).unwrap();
        let opportunities =
            analysis.opportunities.iter().map(|found| found.reason.clone()).collect();
        let body = Analyse {
            chain: chain.clone(),
            blocks: Blocks { first: 1, last: 32, count: 32 },
            opportunities,
        };
        let analyse = Case::new(
            ANALYSE,
            named.clone(),
            std::slice::from_ref(&studio_file),
            Action::of(&body),
        );

        let found = &analysis.opportunities[0];
        let first = chaos_governance::Draft::new(found, &today, studio.policy()).unwrap();
        let mut template = Experiment::new(today, today);
        (template.paths, template.blocks) = (4, 100);
        let outcome = refine::run(&first, studio.policy(), |change| {
            let proposal = today.with(change.setting());
            ground.run(&Experiment { proposal, ..template }).map(|done| done.result)
        })
        .unwrap();
        let last = outcome.last();
        let changes = vec![ParameterChange {
            parameter: last.change.parameter().flag().to_owned(),
            current: last.change.current().into(),
            proposed: last.change.proposed().into(),
        }];
        let decision = match &last.decision {
            refine::Decision::GiveUp(why) => Decision::GivenUp { reason: why.to_string() },
            refine::Decision::Finalise | refine::Decision::Refine { .. } => Decision::Finalised {},
        };
        let brief = DraftBrief { rule: found.rule.as_str().to_owned(), experiment: template };
        let files = [(BRIEF, canonical::to_vec(&brief).unwrap()), studio_file];
        let body = Draft {
            title: format!("{} {}", found.rule.as_str(), last.change),
            chain: chain.clone(),
            changes: changes.clone(),
            rounds: outcome.rounds.len().try_into().unwrap(),
            decision,
        };
        let draft = Case::new(DRAFT, named.clone(), &files, Action::of(&body));

        let asked = Experiment { proposal: today.with(last.change.setting()), ..template };
        let files = [(EXPERIMENT, canonical::to_vec(&asked).unwrap())];
        let body = Simulate { chain, changes, round: 1 };
        let simulate = Case::new(SIMULATE, named, &files, Action::of(&body));
        let rounds = rounds::to_canonical(found.rule, &outcome).unwrap();
        let outputs = [
            Digest::of(&analysis.to_canonical().unwrap()),
            ground.run(&asked).unwrap().result.digest().unwrap(),
            Digest::of(&rounds),
        ];
        let simulate = simulate.stating(outputs[1]);
        let material = ground.document(&asked).unwrap();
        Self { dir, analyse, simulate, draft, outputs, material }
    }
}

pub(super) fn score_case() -> Case {
    let fact = chaos_reputation::Evidence {
        receipt: Digest::of(b"work"),
        judged_by: Digest::of(b"vote"),
        agent: "did:key:zWorker".to_owned(),
        domain: "governance".to_owned(),
        role: "researcher".to_owned(),
        payer: "did:key:zSponsor".to_owned(),
        task_class: "measure".to_owned(),
        at_ms: 1_000,
        outcome: chaos_reputation::Outcome::Success,
        class: chaos_reputation::EvidenceClass::Replayable,
        units_micro: chaos_reputation::TASK_UNIT_MICRO,
    };
    let model = chaos_reputation::Params::of(Model::NEWEST);
    let table = chaos_reputation::score(std::slice::from_ref(&fact), 2_000, &model).unwrap();
    let document = canonical::to_vec(&ScoreDocument::new(Model::NEWEST, 2_000, &[fact])).unwrap();
    let body = Score {
        model: table.model_id,
        as_of_ms: 2_000,
        log_size: 9,
        table: table.digest().unwrap(),
    };
    Case::new(SCORE, vec![], &[(EVIDENCE, document)], Action::Score(body))
}

pub(super) const ACCOUNTS: [&str; 2] =
    ["0x1111111111111111111111111111111111111111", "0x2222222222222222222222222222222222222222"];

/// A pool of 100 over the weights 3 and 1.
pub(super) fn pay_case() -> Case {
    let slots = vec![
        ("measure".to_owned(), 3, ACCOUNTS[0].to_owned()),
        ("draft".to_owned(), 1, ACCOUNTS[1].to_owned()),
    ];
    let document = RewardDocument { pool: 100, slots };
    let claims = ACCOUNTS
        .map(|account| account.parse().unwrap())
        .into_iter()
        .zip([75_u64, 25].map(chaos_chains::U256::from));
    let root = chaos_incentives::Distribution::new(claims).unwrap().root();
    let agent = AgentKey::from_seed(&[7; 32]).did();
    let payment = |account: &str, amount| Payment { agent, account: account.to_owned(), amount };
    let body = Pay {
        chain: ChainId::evm(31337),
        token: String::new(),
        distributor: String::new(),
        distribution_id: "1".to_owned(),
        merkle_root: format!("{root:#x}"),
        pool: 100,
        payments: vec![payment(ACCOUNTS[0], 75), payment(ACCOUNTS[1], 25)],
        returned: 0,
        outcome: Digest::of(b"vote"),
        transactions: vec![],
        funder: None,
        shown_by: None,
    };
    let files = [(REWARDS, canonical::to_vec(&document).unwrap())];
    Case::new(DIVIDE, vec![], &files, Action::Pay(body))
}
