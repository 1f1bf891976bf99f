//! What costs more is not started while what costs less does not hold.

use super::{attested::attested, *};

/// The bundle of a receipt with every kind of evidence and an anchor, so that each check applies.
pub(super) fn full() -> Bundle {
    let mut world = World::new();
    let receipt = world.append(AGENT, &[AGENT, attested::INSIDE], attested(Some(replay())), ran());
    let checkpoint = world.checkpoint();
    let root = hex::encode(checkpoint.claimed().root().as_bytes());
    let mut attachments = Attachments::default();
    for part in [&b"21"[..], b"quote", b"collateral"] {
        attachments.insert(part.to_vec());
    }
    Bundle {
        anchor: Some(anchored(OPERATOR, checkpoint.claimed().size(), root)),
        attachments: attachments.to_wire(),
        ..world.bundle(receipt, &[1])
    }
}

/// Changes one base64 character of the first hash of a proof.
fn forge(proof: &str) -> String {
    let mut lines: Vec<String> = proof.lines().map(ToOwned::to_owned).collect();
    let hash = &mut lines[2];
    let first = if hash.starts_with('A') { "B" } else { "A" };
    hash.replace_range(0..1, first);
    lines.join("\n") + "\n"
}

/// For each check a bundle that it refuses.
fn broken() -> [(Check, Bundle, Hands); 9] {
    let with = |change: &dyn Fn(&mut Bundle)| {
        let mut bundle = full();
        change(&mut bundle);
        bundle
    };
    let refused = |check| Rejection::new(check, Code::named("made-up"), "made up");
    let (attestation, evidence) = (refused(Check::Attestation), refused(Check::Evidence));
    let other_log = LogKey::from_seed("other.example/log".parse().unwrap(), &[OPERATOR; 32]);
    [
        (Check::Format, with(&|bundle| bundle.format.push('0')), Hands::new()),
        (
            Check::Envelope,
            with(&|bundle| {
                let signatures = &mut bundle.receipt.envelope.signatures;
                signatures[0].sig = signatures[1].sig.clone();
            }),
            Hands::new(),
        ),
        (
            Check::Statement,
            with(&|bundle| {
                let envelope = chaos_types::dsse::Envelope::sign(b"{}", &[&key(AGENT)]);
                bundle.receipt.envelope = envelope;
            }),
            Hands::new(),
        ),
        (
            Check::Inclusion,
            with(&|bundle| bundle.receipt.proof = forge(&bundle.receipt.proof)),
            Hands::new(),
        ),
        (
            Check::Checkpoint,
            with(&|bundle| bundle.log = other_log.verifier().to_string()),
            Hands::new(),
        ),
        (Check::Agent, with(&|bundle| bundle.history.clear()), Hands::new()),
        (
            Check::Anchor,
            with(&|bundle| bundle.anchor.as_mut().unwrap().proof = 8.into()),
            Hands::new(),
        ),
        (Check::Attestation, full(), Hands { appraised: Err(attestation), ..Hands::new() }),
        (Check::Evidence, full(), Hands { repeatable: Err(evidence), ..Hands::new() }),
    ]
}

#[test]
fn broken_bundle_starts_no_computation_and_no_appraisal() {
    for (check, bundle, hands) in broken() {
        let report = verify(&bytes(&bundle), &hands.options());
        let rejection = report.result.expect_err("broken");
        assert_eq!(rejection.check, check, "{rejection}");
        assert_eq!(hands.reexecutions.get(), 0, "{check}");
        // Only an appraisal can refuse a quote.
        let appraisals = u32::from(check == Check::Attestation);
        assert_eq!(hands.appraisals.get(), appraisals, "{check}");
    }
}

#[test]
fn whole_bundle_is_appraised_once_and_run_once() {
    let hands = Hands::new();
    let log = World::log_key();
    let options = Options { log: Some(log.verifier()), ..hands.options() };
    let report = verify(&bytes(&full()), &options);
    assert!(report.result.is_ok(), "{:?}", report.outcomes);
    for Outcome { check, status, .. } in &report.outcomes {
        // That no registry entry was left out is what a bundle cannot show.
        let shown = if *check == Check::Agent { Status::NotShown } else { Status::Passed };
        assert_eq!(*status, shown, "{check}");
    }
    assert_eq!((hands.reexecutions.get(), hands.appraisals.get()), (1, 1));
}

/// `ok` stands only before what has been shown: nothing after the check that failed is passed.
#[test]
fn no_check_passes_that_rests_on_one_that_failed() {
    for (check, bundle, hands) in broken() {
        let report = verify(&bytes(&bundle), &hands.options());
        let later = |outcome: &&Outcome| outcome.check > check;
        for outcome in report.outcomes.iter().filter(later) {
            assert_eq!(outcome.status, Status::NotReached, "{check}: {outcome:?}");
        }
        let failed = report.outcomes.iter().find(|outcome| outcome.check == check).unwrap();
        assert_eq!(failed.code, Some(report.result.unwrap_err().code));
    }
}

/// A registry entry that was changed is a fault of the agent's history, not of the receipt's place.
#[test]
fn forged_history_is_refused_by_the_check_agent() {
    let mut bundle = full();
    bundle.history[0].proof = forge(&bundle.history[0].proof);
    let rejection = rejected(&bundle, Check::Agent);
    assert_eq!(rejection.code, Fault::NotIncluded.code(), "{rejection}");
}
