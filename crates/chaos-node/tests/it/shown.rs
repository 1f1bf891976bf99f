//! What receipts say of a chain, and proofs of something else.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chaos_agency::{Action, Body, Receipt, action::Pay};
use chaos_chains::StateProof;
use chaos_governance::receipts::{ObserveVote, Submit, VoteState};
use chaos_types::{ChainId, Digest, dsse::Envelope};
use chaos_verify::Attachments;
use serde_json::{Value, json};

use crate::{
    compatibility::KINDS,
    forged::{Forged, Made, failure},
    program::{root, run},
    proxy::{Proxy, Reply},
    story::{DEPLOYED, Story},
};

/// An address at which nothing stands until somebody puts it there.
const ELSEWHERE: &str = "0x00000000000000000000000000000000000000e0";

const SUBMIT: [&str; 7] =
    ["proposal", "submit", "@proposal/proposal.json", "--agent", "linus", "--finality", "included"];

/// A submission in the endpoint that `chain deploy` made, by its bundle.
fn submitted(story: &Story) -> Value {
    story.propose();
    let deploy = ["chain", "deploy", "endpoint", "--finality", "included"];
    story.on(&[&deploy[..], &DEPLOYED].concat()).expect_code(0);
    let submit = [&SUBMIT[..], &DEPLOYED, &["--json"]].concat();
    let receipt = story.on(&submit).expect_code(0).json().remove(0)["receipt"].clone();
    bundle(story, receipt.as_str().unwrap())
}

fn bundle(story: &Story, receipt: &str) -> Value {
    story.run(&["log", "prove", receipt, "--out", "@it.json"]).expect_code(0);
    serde_json::from_str(&fs::read_to_string(story.path("it.json")).unwrap()).unwrap()
}

/// A receipt of a bundle, and what shows what it says of a chain.
struct Honest {
    receipt: Receipt,
    document: Vec<u8>,
}

impl Honest {
    fn of(bundle: &Value) -> Self {
        let envelope: Envelope = serde_json::from_value(bundle["envelope"].clone()).unwrap();
        let receipt = Receipt::open(&envelope, &KINDS).unwrap().into_inner();
        let digest = receipt.action.shown_by().unwrap().to_string();
        let document = STANDARD.decode(bundle["attachments"][&digest].as_str().unwrap()).unwrap();
        Self { receipt, document }
    }

    fn body<B: Body>(&self) -> B {
        self.receipt.action.read().unwrap()
    }

    /// What the receipt is made of, with another action.
    fn made(&self, action: Action) -> Made {
        let Receipt { parents, subjects, evidence, .. } = self.receipt.clone();
        let kind = action.kind();
        let subjects = subjects.into_iter().filter(|subject| subject.name != kind).collect();
        Made { parents, subjects, evidence, action }
    }

    /// The receipt with another action, and this document beside it.
    fn forged(&self, action: Action, document: &[u8]) -> Forged {
        let mut attachments = Attachments::default();
        attachments.insert(document.to_vec());
        Forged::of(self.made(action), &attachments)
    }

    /// An action that its document does not show.
    #[track_caller]
    fn refuses(&self, what: &str, action: Action) {
        let refused = self.forged(action, &self.document).verify(&[], 1);
        assert_eq!(failure(&refused), ("evidence", "chain-proof-invalid"), "{what}: {refused}");
    }
}

/// Of an outcome and of a payment that went through: whatever else they said would be refused.
pub(crate) fn refuses_what_is_not_so(outcome: &Value, payment: &Value) {
    let honest = Honest::of(outcome);
    let same = honest.forged(honest.receipt.action.clone(), &honest.document).verify(&[], 0);
    assert_eq!(same["words"]["on_chain"], "unvouched", "{same}");
    type Change = fn(&mut ObserveVote);
    let changes: [(&str, Change); 6] = [
        ("more votes", |body| body.votes_for += 1),
        ("more votes against", |body| body.votes_against += 1),
        ("another state", |body| body.state = VoteState::Succeeded),
        ("another block", |body| body.block_number += 1),
        ("another governor", |body| body.governor = ELSEWHERE.to_owned()),
        ("another vote", |body| body.proposal_id = "7".to_owned()),
    ];
    for (what, change) in changes {
        let mut body: ObserveVote = honest.body();
        change(&mut body);
        honest.refuses(what, Action::of(&body));
    }

    let honest = Honest::of(payment);
    let Action::Pay(body) = honest.receipt.action.clone() else { panic!("a payment") };
    let same = honest.forged(Action::Pay(body.clone()), &honest.document).verify(&[], 0);
    assert_eq!(same["words"]["on_chain"], "not_placed", "{same}");
    type Falsify = fn(&mut Pay);
    let changes: [(&str, Falsify); 4] = [
        ("another outcome", |body| body.outcome = Digest::of(b"another outcome")),
        ("another distribution", |body| body.distribution_id = "7".to_owned()),
        ("another token", |body| body.token = ELSEWHERE.to_owned()),
        ("another distributor", |body| body.distributor = ELSEWHERE.to_owned()),
    ];
    for (what, change) in changes {
        let mut body = body.clone();
        change(&mut body);
        honest.refuses(what, Action::Pay(body));
    }
}

#[test]
fn a_submission_that_the_proof_does_not_show_is_refused() {
    let Some(story) = Story::start() else { return };
    let honest = Honest::of(&submitted(&story));
    let same = honest.forged(honest.receipt.action.clone(), &honest.document).verify(&[], 0);
    assert_eq!(same["words"]["on_chain"], "not_placed", "{same}");

    type Change = fn(&mut Submit);
    let changes: [(&str, Change); 5] = [
        ("another contract", |body| body.contract = ELSEWHERE.to_owned()),
        ("another number", |body| body.proposal_id = "2".to_owned()),
        ("the same number in another spelling", |body| body.proposal_id = "01".to_owned()),
        ("another chain", |body| body.chain = ChainId::evm(1)),
        ("a later block", |body| body.block_number += 1),
    ];
    for (what, change) in changes {
        let mut body: Submit = honest.body();
        change(&mut body);
        honest.refuses(what, Action::of(&body));
    }
    // Another draft than the one that the account signed for.
    let mut made = honest.made(honest.receipt.action.clone());
    made.parents = vec![Digest::of(b"another draft")];
    let mut attachments = Attachments::default();
    attachments.insert(honest.document.clone());
    let refused = Forged::of(made, &attachments).verify(&[], 1);
    assert_eq!(failure(&refused), ("evidence", "chain-proof-invalid"), "{refused}");
    // A node less, and bytes that are no proof.
    let mut short = StateProof::from_bytes(&honest.document).unwrap();
    short.nodes.pop();
    for (document, code) in
        [(short.to_bytes(), "chain-proof-invalid"), (b"no proof".to_vec(), "chain-proof-malformed")]
    {
        let mut body: Submit = honest.body();
        body.shown_by = Some(Digest::of(&document));
        let refused = honest.forged(Action::of(&body), &document).verify(&[], 1);
        assert_eq!(failure(&refused), ("evidence", code), "{refused}");
    }
    // What a bundle's maker leaves out is not counted against the receipt, and shows nothing.
    let made = honest.made(honest.receipt.action.clone());
    let without = Forged::of(made, &Attachments::default());
    let line = without.verify(&[], 0);
    assert_eq!(line["words"]["on_chain"], "claimed", "{line}");
    without.verify(&["--require", "on-chain"], 1);
    // A block of another chain of the same number places nothing.
    let other = Story::start().unwrap();
    let node = ["--rpc-url", other.anvil.endpoint(), "--finality", "included"];
    let same = honest.forged(honest.receipt.action.clone(), &honest.document);
    let line = same.verify(&node, 0);
    assert_eq!(line["words"]["on_chain"], "not_placed", "{line}");
}

/// Our code, at an address that its maker chose: whatever stands in its storage, its constructor can have written.
#[test]
fn a_contract_that_anybody_can_have_made_shows_nothing_but_to_who_knows_it() {
    let Some(story) = Story::start() else { return };
    story.propose();
    let deploy = ["chain", "deploy", "endpoint", "--finality", "included"];
    story.on(&[&deploy[..], &DEPLOYED].concat()).expect_code(0);
    let deployment = fs::read_to_string(story.path("deployment.json")).unwrap();
    let deployment: Value = serde_json::from_str(&deployment).unwrap();
    let made = &deployment["contracts"]["proposal_endpoint"]["address"];
    let code = story.ask("eth_getCode", &json!([made, "latest"]));
    story.ask("anvil_setCode", &json!([ELSEWHERE, code]));

    // A node that proves no state is refused before anything is paid.
    let landed = story.landed();
    let node = Proxy::start(story.anvil.endpoint(), |_, body| {
        if body.contains("eth_getProof") {
            let refusal =
                json!({"jsonrpc": "2.0", "id": 0, "error": {"code": -32601, "message": "no"}});
            return Reply::Answer(200, String::new(), refusal.to_string());
        }
        Reply::Forward
    });
    let submit = [&SUBMIT[..], &["--endpoint", ELSEWHERE, "--json"]].concat();
    let refused = story.run(&[&submit[..], &["--rpc-url", &node.url]].concat());
    refused.expect_error(4, &["eth_getProof", "nothing was sent"]);
    assert_eq!(story.landed(), landed);

    let receipt = story.on(&submit).expect_code(0).json().remove(0)["receipt"].clone();
    bundle(&story, receipt.as_str().unwrap());
    let placed = ["--rpc-url", story.anvil.endpoint(), "--finality", "included"];
    let ask = [&["verify", "@it.json", "--json"], &placed[..]].concat();
    let line = story.run(&ask).expect_code(0).json().remove(0);
    assert_eq!(line["words"]["on_chain"], "unvouched", "{line}");
    let said = story.run(&["verify", "@it.json"]).expect_code(0).stdout;
    assert!(said.contains("on chain: by a contract that anybody can have made"), "{said}");
    assert!(said.contains("--trust-contract"), "{said}");
    let require = [&ask[..], &["--require", "on-chain"]].concat();
    let line = story.run(&require).expect_code(1).json().remove(0);
    assert_eq!(line["lacks"][0]["code"], "not-on-chain", "{line}");
    let trusted = [&require[..], &["--trust-contract", ELSEWHERE]].concat();
    story.run(&trusted).expect_code(0);
    // Nodes of the reader's are of the chain that it means: on another one nothing is placed by them.
    story.run(&[&trusted[..], &["--chain", "eip155:1337"]].concat()).expect_code(0);
    let other = story.run(&[&trusted[..], &["--chain", "eip155:1"]].concat()).expect_code(1);
    let line = other.json().remove(0);
    assert_eq!(line["words"]["on_chain"], "not_placed", "{line}");
}

/// Bundles of a log on a chain that is gone, as the first version with such proofs wrote them: each with the block that
/// shows it.
const KEPT: [(&str, &str); 3] = [
    ("submit", "0x08c83b1f4cdfed4077cc95befdc0a44f9da4349f73ad2d2defa4234983100ff0"),
    ("observe-vote", "0x9531b609ead5b82368a76221cebb0870ba1525855a49347202e48760b53d50c5"),
    ("pay", "0x2f4e85f827b07b0993cda78077badd8ef1576d918748cf06350b8279a8325279"),
];
const ANCHORED_IN: &str = "0x610fcb2271ebf4920bc9c9cbe5eba9ef94a914ca460b15cff684f99f38680bd0";
const GOVERNOR: &str = "0xe7f1725e7734ce288f8367e1bb143e90bb3f0512";

#[test]
fn bundles_of_what_receipts_say_of_a_chain_are_read_for_ever() {
    for (kind, block) in KEPT {
        let file = root().join(format!("fixtures/chain-claims/{kind}.json"));
        let ask = ["verify", file.to_str().unwrap(), "--json", "--trust-contract", GOVERNOR];
        let line = run(ask).expect_code(0).json().remove(0);
        assert_eq!(line["words"]["on_chain"], "not_placed", "{line}");
        let chain = |chain| ["--chain", chain, "--block-hash", block, "--block-hash", ANCHORED_IN];
        let named =
            [&ask[..], &chain("eip155:31337"), &["--require", "on-chain,anchored"]].concat();
        let line = run(named).expect_code(0).json().remove(0);
        assert_eq!(
            (&line["words"]["on_chain"], &line["not_placed"]),
            (&json!("shown"), &json!([]))
        );
        // The hash of another block, and none of what shows it.
        let other = ["--chain", "eip155:31337", "--block-hash", ANCHORED_IN];
        let line = run([&ask[..], &other].concat()).expect_code(0).json().remove(0);
        assert_eq!(line["words"]["on_chain"], "not_placed", "{line}");
        let said = format!("not placed: named is {ANCHORED_IN}");
        assert!(line.to_string().contains(&said), "{line}");
    }
}
