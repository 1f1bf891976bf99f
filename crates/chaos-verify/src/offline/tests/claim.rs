//! What a receipt says of a chain: one word for what of it was shown.

use chaos_agency::action::{Pay, Payment};
use chaos_types::ChainId;

use super::*;
use crate::{Requirement, words::OnChain};

/// What shows the payment.
const DOCUMENT: &[u8] = b"document";

/// A reader that finds the same of each document.
struct Found {
    is_placed: bool,
    is_contract_known: bool,
}

impl ReadClaim for Found {
    fn read_claim(
        &self,
        _: &Receipt,
        document: &[u8],
        origin: &str,
    ) -> Result<ShownClaim, Rejection> {
        assert_eq!(origin, "test.example/log");
        if document != DOCUMENT {
            let fault = Fault::ChainProofInvalid;
            return Err(Rejection::new(Check::Evidence, fault, "it shows something else"));
        }
        let Self { is_placed, is_contract_known } = *self;
        let (time_s, detail) = (None, "after block 7 it is so".to_owned());
        let said = vec![Said { who: "a node".into(), agrees: is_placed, says: "has it".into() }];
        Ok(ShownClaim { block: Block { is_placed, time_s, detail, said }, is_contract_known })
    }
}

/// A payment that names a document, and its bundle, with these documents beside it.
fn bundle(shown_by: Option<&[u8]>, beside: &[&[u8]]) -> Vec<u8> {
    let account = format!("0x{}", "aa".repeat(20));
    let body = Pay {
        chain: ChainId::evm(1),
        token: account.clone(),
        distributor: account.clone(),
        distribution_id: "1".into(),
        // Of the one leaf.
        merkle_root: "0x33c114b44e166c13f2fd564e964bc61ef6263471bbc24c55d72a7326c62f796b".into(),
        pool: 100,
        payments: vec![Payment { agent: key(AGENT).did(), account, amount: 100 }],
        returned: 0,
        outcome: Digest::of(b"outcome"),
        transactions: vec![],
        funder: None,
        shown_by: shown_by.map(Digest::of),
    };
    let mut world = World::new();
    let receipt =
        world.append(OPERATOR, &[OPERATOR], Evidence::Replayable(replay()), Action::Pay(body));
    let mut bundle = world.bundle(receipt, &[0]);
    let mut attachments = Attachments::default();
    beside.iter().for_each(|bytes| {
        attachments.insert(bytes.to_vec());
    });
    bundle.attachments = attachments.to_wire();
    bytes(&bundle)
}

fn read(bundle: &[u8], found: Option<&Found>) -> Report {
    let claim = found.map(|found| found as &dyn ReadClaim);
    verify(bundle, &Options { claim, ..Options::default() })
}

#[test]
fn the_word_is_the_least_of_contract_and_block() {
    let bundle = bundle(Some(DOCUMENT), &[DOCUMENT]);
    for (is_contract_known, is_placed, word) in [
        (true, true, OnChain::Shown),
        (true, false, OnChain::NotPlaced),
        (false, true, OnChain::Unvouched),
        (false, false, OnChain::Unvouched),
    ] {
        let report = read(&bundle, Some(&Found { is_placed, is_contract_known }));
        assert_eq!(report.result.as_ref().err(), None);
        assert_eq!(report.words.on_chain, word);
        assert_eq!(report.claim_said.len(), 1);
        // Once it is shown, nothing of it is left to be placed.
        assert_eq!(report.not_placed.is_empty(), word == OnChain::Shown, "{word}");
        assert_eq!(Requirement::OnChain.ensure(&report).is_ok(), word == OnChain::Shown);
        assert!(report.words.to_string().ends_with(&word.to_string()), "{}", report.words);
    }
}

#[test]
fn what_is_not_named_not_there_or_not_read_is_the_signers_word() {
    let found = Found { is_placed: true, is_contract_known: true };
    for (shown_by, beside, found) in [
        (None, vec![], Some(&found)),
        (Some(DOCUMENT), vec![], Some(&found)),
        (Some(DOCUMENT), vec![DOCUMENT], None),
    ] {
        let report = read(&bundle(shown_by, &beside), found);
        assert_eq!(report.result.as_ref().err(), None);
        assert_eq!(report.words.on_chain, OnChain::Claimed);
        assert_eq!(report.not_placed.len(), 1);
        let lack = Requirement::OnChain.ensure(&report).expect_err("it is not shown");
        assert_eq!(lack.code, Code::from(Fault::NotOnChain));
    }
}

#[test]
fn a_document_that_shows_something_else_refuses_the_receipt() {
    let found = Found { is_placed: true, is_contract_known: true };
    let report = read(&bundle(Some(b"other"), &[b"other"]), Some(&found));
    assert_eq!(report.result.expect_err("refused").code, Code::from(Fault::ChainProofInvalid));
    assert_eq!(report.words.on_chain, OnChain::NotSaid);
}

#[test]
fn a_receipt_that_says_nothing_of_a_chain_has_no_such_word() {
    let report = read(&bytes(&good()), Some(&Found { is_placed: true, is_contract_known: true }));
    assert_eq!(report.words.on_chain, OnChain::NotSaid);
    assert!(!report.words.to_string().contains("chain"), "{}", report.words);
}
