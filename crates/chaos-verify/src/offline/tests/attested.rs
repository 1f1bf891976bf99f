//! Receipts that an attested key signed.

use chaos_agency::receipt::Period;

use super::*;

pub(super) const INSIDE: u8 = 3;

pub(super) fn attested(replay: Option<Replay>) -> Evidence {
    Evidence::Attested(Box::new(Attested {
        key: key(INSIDE).did(),
        period: Period { from_s: 1, until_s: 2 },
        evidence_id: Digest::of(b"signed part"),
        quote: Digest::of(b"quote"),
        collateral: Digest::of(b"collateral"),
        execution: execution(),
        replay,
    }))
}

/// The bundle of a receipt that `signers` signed, with the quote and the collateral in it.
fn bundle_of(evidence: Evidence, signers: &[u8]) -> Bundle {
    let mut world = World::new();
    let receipt = world.append(AGENT, signers, evidence, ran());
    let mut bundle = world.bundle(receipt, &[1]);
    let mut attachments = Attachments::default();
    attachments.insert(b"quote".to_vec());
    attachments.insert(b"collateral".to_vec());
    bundle.attachments = attachments.to_wire();
    bundle
}

fn outcome(report: &Report, check: Check) -> &Outcome {
    report.outcomes.iter().find(|outcome| outcome.check == check).unwrap()
}

#[test]
fn both_kinds_of_evidence_are_checked_and_reported() {
    let bundle = bundle_of(attested(Some(replay())), &[AGENT, INSIDE]);
    let hands = Hands::new();
    let report = verify(&bytes(&bundle), &hands.options());
    let receipt = report.result.as_ref().expect("both hold");
    assert_eq!(receipt.evidence.classes(), "attested and replayable");
    assert_eq!(outcome(&report, Check::Evidence).status, Status::Passed);
    assert_eq!(outcome(&report, Check::Attestation).detail, "appraised");
    let logged_s = bundle.receipt.leaf.integrated_at_ms / 1000;
    assert_eq!(hands.at_s.get(), Some(logged_s), "the time is the log's, not the reader's");
}

#[test]
fn a_quote_that_nobody_appraised_is_not_reported_as_passed() {
    let bundle = bundle_of(attested(None), &[AGENT, INSIDE]);
    let report = verify(&bytes(&bundle), &Options::default());
    assert_eq!(outcome(&report, Check::Attestation).status, Status::NotAppraised);
    assert_eq!(outcome(&report, Check::Evidence).status, Status::NotApplicable);
}

/// Anybody can make such a quote.
#[test]
fn a_quote_under_a_development_root_is_not_reported_as_passed() {
    let bundle = bundle_of(attested(None), &[AGENT, INSIDE]);
    let of = |trust| {
        let appraised = Ok(Appraisal { trust, detail: "appraised".to_owned() });
        let report = verify(&bytes(&bundle), &Hands { appraised, ..Hands::new() }.options());
        (outcome(&report, Check::Attestation).status, report.words.attested)
    };
    let development = crate::words::Attested::Development;
    assert_eq!(of(Trust::Development), (Status::DevelopmentTrust, development));
    assert_eq!(of(Trust::Production), (Status::Passed, crate::words::Attested::Production));
}

#[test]
fn a_refused_quote_rejects_the_receipt_by_the_check_attestation() {
    let bundle = bundle_of(attested(Some(replay())), &[AGENT, INSIDE]);
    let refusal = Rejection::new(Check::Attestation, Code::named("anchor-class-refused"), "class");
    let hands = Hands { appraised: Err(refusal), ..Hands::new() };
    let report = verify(&bytes(&bundle), &hands.options());
    assert_eq!(report.result.expect_err("refused").check, Check::Attestation);
}

#[test]
fn the_attested_key_must_have_signed_last() {
    for (signers, check) in [
        (&[AGENT][..], Check::Statement),
        (&[INSIDE, AGENT], Check::Statement),
        (&[INSIDE], Check::Statement),
        (&[AGENT, 5, INSIDE], Check::Agent),
    ] {
        rejected(&bundle_of(attested(None), signers), check);
    }
}

#[test]
fn without_attested_evidence_no_second_key_may_sign() {
    let bundle = bundle_of(Evidence::Replayable(replay()), &[AGENT, INSIDE]);
    // The quote is not named by this receipt either, which shows first.
    let mut bare = bundle.clone();
    bare.attachments.clear();
    rejected(&bundle, Check::Format);
    rejected(&bare, Check::Agent);
}

#[test]
fn what_ran_inside_must_be_what_the_receipt_says_it_produced() {
    let Evidence::Attested(mut inside) = attested(None) else { unreachable!() };
    let draft = |evidence| Draft {
        log: key(OPERATOR).did(),
        agent: key(AGENT).did(),
        claimed_at_ms: 5,
        parents: vec![],
        subjects: vec![Product::new("result", Digest::of(b"42"))],
        evidence,
        action: ran(),
    };
    let signers = [&key(AGENT), &key(INSIDE)];
    let good = draft(Evidence::Attested(inside.clone())).sign(&signers).unwrap();
    assert!(Receipt::open(&good, &Kinds::default()).is_ok());
    inside.execution.output = Digest::of(b"43");
    let bad = draft(Evidence::Attested(inside)).sign(&signers).unwrap();
    let rejection = Receipt::open(&bad, &Kinds::default()).expect_err("43 is no subject");
    assert_eq!(rejection.check, Check::Statement, "{rejection}");

    let Evidence::Attested(mut two) = attested(Some(replay())) else { unreachable!() };
    two.replay.as_mut().unwrap().output = Digest::of(b"43");
    let mut both = draft(Evidence::Attested(two));
    both.subjects.push(Product::new("other", Digest::of(b"43")));
    let rejection =
        Receipt::open(&both.sign(&signers).unwrap(), &Kinds::default()).expect_err("two outputs");
    assert!(rejection.reason.contains("what can be run again gave"), "{rejection}");

    let Evidence::Attested(inside) = attested(None) else { unreachable!() };
    let mut execution = inside.execution.clone();
    execution.fuel -= 1;
    let mut run = draft(Evidence::Attested(inside));
    run.action = Action::Run(Run { execution, answered: true });
    let rejection =
        Receipt::open(&run.sign(&signers).unwrap(), &Kinds::default()).expect_err("two executions");
    assert!(rejection.reason.contains("not the same"), "{rejection}");
}
