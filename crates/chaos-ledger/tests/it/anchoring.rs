//! A log says where it is anchored, and bundles show it beside the anchor.

use chaos_agency::{
    Action, Evidence,
    action::{Anchor, DeclareAnchoring},
};
use chaos_ledger::{Error, Heads, KeptAnchor, Ledger, NewEntry, bundle};
use chaos_log::SignedCheckpoint;
use chaos_types::{ChainId, Digest};
use chaos_verify::{
    Fault, Options, Report, StateBundle, verify,
    words::{Anchored, Declared},
};
use serde_json::json;
use tempfile::TempDir;

use crate::{NOW_MS, open, registration};

const CHAIN: u64 = 1;

/// A log, the memory of its heads, and how many agents it has.
struct World {
    _folder: TempDir,
    heads: Heads,
    ledger: Ledger,
    agents: u64,
}

fn place(chain: u64, account: u8) -> DeclareAnchoring {
    DeclareAnchoring {
        chain: ChainId::evm(chain),
        contract: format!("0x{}", "01".repeat(20)),
        publisher: format!("0x{}", hex(account)),
    }
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}").repeat(20)
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let heads = Heads::new(folder.path().join("heads"));
        let ledger = open(&folder.path().join("data"));
        Self { _folder: folder, heads, ledger, agents: 0 }
    }

    fn enrol(&mut self) -> Digest {
        self.agents += 1;
        let group = [registration(self.ledger.operator(), self.agents)];
        self.ledger.append_group(&group, NOW_MS).unwrap().pop().unwrap().unwrap().receipt
    }

    fn head(&mut self) -> SignedCheckpoint {
        self.ledger.checkpoint(&self.heads).unwrap()
    }

    /// Logs that a head was anchored in a place, with a proof that nobody here reads.
    fn anchor(&mut self, checkpoint: &SignedCheckpoint, place: DeclareAnchoring) -> Digest {
        let kept = self.ledger.keep_anchor(checkpoint, json!({"shows": "it"})).unwrap();
        let DeclareAnchoring { chain, contract, publisher } = place;
        let head = checkpoint.claimed();
        let anchor = Anchor {
            chain,
            contract,
            publisher: Some(publisher),
            shown_by: Some(kept),
            log_size: head.size(),
            root: head.root().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect(),
            transaction: None,
            block_number: 7,
            block_hash: format!("0x{}", "03".repeat(32)),
        };
        let key = self.ledger.operator_for(Anchor::KIND).unwrap();
        self.ledger
            .record(NewEntry {
                agent: self.ledger.operator(),
                keys: vec![&key],
                parents: vec![],
                subjects: vec![],
                evidence: Evidence::None {},
                action: Action::Anchor(anchor),
            })
            .unwrap()
    }

    /// The newest anchor that covers a receipt.
    fn newest(&self, receipt: &Digest) -> Option<KeptAnchor> {
        let index = chaos_store::Records::index_of(self.ledger.store(), receipt).unwrap().unwrap();
        self.ledger.newest_anchor(index).unwrap()
    }

    fn bundle(&self, receipt: &Digest) -> StateBundle {
        let KeptAnchor { checkpoint, anchored } = self.newest(receipt).expect("an anchor");
        let bytes = bundle(&self.ledger, receipt, &checkpoint, Some(anchored)).unwrap();
        StateBundle::from_bytes(&bytes).unwrap()
    }
}

fn read(bundle: &StateBundle) -> Report {
    verify(&bundle.to_bytes().unwrap(), &Options::default())
}

#[track_caller]
fn refused(bundle: &StateBundle, fault: Fault) {
    let rejection = read(bundle).result.expect_err("refused");
    assert_eq!(rejection.code, fault.code(), "{rejection}");
}

#[track_caller]
fn says(bundle: &StateBundle, declared: Declared) {
    let report = read(bundle);
    assert!(report.result.is_ok(), "{:?}", report.result);
    assert_eq!((report.words.anchored, report.words.declared), (Anchored::NotPlaced, declared));
}

#[test]
fn the_newest_anchor_that_holds_a_receipt_is_found_with_what_the_log_declared_by_then() {
    let mut world = World::new();
    let early = world.enrol();
    let undeclared = world.head();
    world.anchor(&undeclared, place(CHAIN, 2));
    assert_eq!(world.newest(&early).unwrap().checkpoint, undeclared);
    says(&world.bundle(&early), Declared::Nothing);

    world.ledger.declare_anchoring(place(CHAIN, 2)).unwrap();
    let late = world.enrol();
    assert!(world.newest(&late).is_none(), "no head that holds it is anchored");
    let declared = world.head();
    world.anchor(&declared, place(CHAIN, 2));
    let after = world.enrol();
    let newest = world.head();
    for receipt in [&early, &late] {
        assert_eq!(world.newest(receipt).unwrap().checkpoint, declared, "not the head {newest}");
        says(&world.bundle(receipt), Declared::There);
    }
    assert!(world.newest(&after).is_none());
}

#[test]
fn an_anchor_elsewhere_than_the_log_declares_is_refused_and_never_shown() {
    let mut world = World::new();
    world.ledger.declare_anchoring(place(CHAIN, 2)).unwrap();
    let receipt = world.enrol();
    let head = world.head();
    let mut anchors = Vec::new();
    for other in [place(CHAIN + 1, 2), place(CHAIN, 3)] {
        world.anchor(&head, other);
        assert!(world.newest(&receipt).is_none(), "it is not shown");
        anchors.push(world.ledger.size() - 1);
    }
    let good = {
        world.anchor(&head, place(CHAIN, 2));
        world.bundle(&receipt)
    };
    says(&good, Declared::There);
    for index in anchors {
        let entry = chaos_store::Records::entry(world.ledger.store(), index).unwrap().unwrap();
        let envelope = chaos_types::canonical::from_slice(&entry.record).unwrap();
        let mut bad = good.clone();
        bad.anchor.as_mut().unwrap().envelope = envelope;
        refused(&bad, Fault::AnchorElsewhere);
    }
}

#[test]
fn another_place_is_in_force_from_its_entry_on() {
    let mut world = World::new();
    world.ledger.declare_anchoring(place(CHAIN, 2)).unwrap();
    let receipt = world.enrol();
    let head = world.head();
    world.anchor(&head, place(CHAIN, 2));
    let again = world.ledger.declare_anchoring(place(CHAIN, 2)).unwrap_err();
    assert!(matches!(again, Error::Inadmissible(_)), "{again:?}");
    world.ledger.declare_anchoring(place(CHAIN + 1, 9)).unwrap();
    // What was anchored before stays what it is.
    assert_eq!(world.newest(&receipt).unwrap().checkpoint, head);
    says(&world.bundle(&receipt), Declared::There);
    let later = world.head();
    world.anchor(&later, place(CHAIN, 2));
    assert_eq!(world.newest(&receipt).unwrap().checkpoint, head, "the old place counts no longer");
    world.anchor(&later, place(CHAIN + 1, 9));
    assert_eq!(world.newest(&receipt).unwrap().checkpoint, later);
    says(&world.bundle(&receipt), Declared::There);
    assert_eq!(world.ledger.declaration(head.claimed().size()).unwrap().unwrap().index, 1);
}

#[test]
fn what_the_log_declares_can_neither_be_left_out_nor_be_of_another_head() {
    let mut world = World::new();
    let receipt = world.enrol();
    let head = world.head();
    world.anchor(&head, place(CHAIN, 2));
    let undeclared = world.bundle(&receipt);
    world.ledger.declare_anchoring(place(CHAIN, 2)).unwrap();
    world.ledger.declare_anchoring(place(CHAIN, 3)).unwrap();
    let head = world.head();
    world.anchor(&head, place(CHAIN, 3));
    let good = world.bundle(&receipt);
    says(&good, Declared::There);
    let with = |rows: Vec<_>| StateBundle { anchoring: rows, ..good.clone() };
    refused(&with(vec![]), Fault::DeclarationNotShown);
    refused(&with(good.anchoring[..1].to_vec()), Fault::DeclarationMalformed);
    refused(&with(good.anchoring[1..].to_vec()), Fault::DeclarationMalformed);
    refused(&with(good.anchoring.iter().rev().cloned().collect()), Fault::DeclarationMalformed);
    // Of a head at which the log declared nothing.
    refused(&with(undeclared.anchoring.clone()), Fault::DeclarationMalformed);
    // Rows of something else that is absent.
    let mut other = good.anchoring[1].clone();
    other.key = vec!["anchoring".to_owned(), "7".to_owned()];
    refused(&with(vec![other]), Fault::DeclarationMalformed);
    // And beside no anchor nobody asks for them.
    refused(&StateBundle { anchor: None, ..good.clone() }, Fault::StateUnasked);
}
