//! Heads and proofs judged together: whatever is seen first, and whichever charge.

use std::sync::LazyLock;

use super::{forks::*, state::Stated, *};
use crate::{Heads, Judgement, ProvedFork, Requirement, SignerProof, StateBundle, words};

/// The key after [`LATEST`].
const LAST: u8 = 22;

/// What a call can hold.
#[derive(Debug, Clone)]
enum Piece {
    Head(Box<Head>),
    Proof(ProvedFork),
}

/// The head of a log by a key, with the delegations at these entries shown under it.
fn head_under(log: &Stated, by: u8, at: &[usize]) -> Head {
    let bundle = StateBundle {
        checkpoint: head(log, by).to_string(),
        keys: (!at.is_empty()).then(|| delegations(log, at)),
        ..log.bundle(1)
    };
    head_of(&bundle, Some(&root()))
}

/// The log of two rotations up to the second, with another entry after it.
fn forked_by_the_latest() -> Stated {
    let mut log = rotated();
    log.run(AGENT);
    let body = Action::Delegate(log.placing(handed(2, LATEST, LATER)));
    log.add(OPERATOR, &[OPERATOR, LATEST, LATER], Evidence::None {}, body);
    log.run(AGENT);
    log
}

/// Somebody who has the key of between goes on alone from the first rotation.
fn stolen(more: usize) -> Stated {
    let mut log = other_branch();
    for _ in 0..more {
        log.go_on();
    }
    log
}

/// Proof that the key of between signs after its end.
fn late() -> ProvedFork {
    let file = keys_file(&rotated_twice(), &[2, 5], LATEST);
    let proof = SignerProof::new(root(), &file, head(&stolen(4), LATER)).unwrap();
    ProvedFork::Signer(Box::new(proof))
}

fn owner_of_4() -> Head {
    head_under(&rotated(), LATER, &[2])
}

/// The tree that the second delegation names.
fn owner_of_5() -> Head {
    let mut log = rotated();
    log.run(AGENT);
    head_under(&log, LATER, &[2])
}

fn owner_of_7() -> Head {
    head_under(&rotated_twice(), LATEST, &[2, 5])
}

fn other_of_7() -> Head {
    head_under(&forked_by_the_latest(), LATEST, &[2, 5])
}

fn thief_of_4() -> Head {
    head_under(&stolen(0), LATER, &[2])
}

/// Every order of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let with = |order: Vec<usize>| {
        (0..count).map(move |at| {
            let mut order = order.clone();
            order.insert(at, count - 1);
            order
        })
    };
    orders(count - 1).into_iter().flat_map(with).collect()
}

/// What is found of each head, in short, whatever is seen first.
#[track_caller]
fn check(pieces: &[Piece], expected: &[&str]) {
    for order in orders(pieces.len()) {
        let judged = judged(pieces, &order);
        assert_eq!(judged.iter().map(|(word, _)| word.as_str()).collect::<Vec<_>>(), expected);
    }
}

/// The judgement of each head in the order of the pieces, with its code or word in short.
fn judged(pieces: &[Piece], order: &[usize]) -> Vec<(String, Judgement)> {
    let mut heads = Heads::default();
    for at in order {
        let whose = format!("file {at}");
        match &pieces[*at] {
            Piece::Head(head) => heads.see(head, &whose),
            Piece::Proof(proof) => heads.accuse(proof, &whose),
        }
    }
    let all = heads.judge();
    let mut seen: Vec<usize> = order.to_vec();
    seen.sort_unstable();
    let heads = seen.iter().filter_map(|at| match &pieces[*at] {
        Piece::Head(head) => Some(all.of(head).unwrap().clone()),
        Piece::Proof(_) => None,
    });
    let word = |judgement: Judgement| {
        let word = match &judgement {
            Judgement::Stands => "stands".to_owned(),
            Judgement::ByRetiredKey { since } => format!("retired since {since}"),
            Judgement::Refused(rejection) => rejection.code.to_string(),
        };
        (word, judgement)
    };
    heads.map(word).collect()
}

fn heads(all: impl IntoIterator<Item = Head>) -> Vec<Piece> {
    all.into_iter().map(|head| Piece::Head(Box::new(head))).collect()
}

#[test]
fn fork_by_the_key_in_force_is_told_beside_a_thiefs_head() {
    let all = heads([thief_of_4(), owner_of_7(), other_of_7()]);
    check(&all, &["retired-key-head", "log-forked", "log-forked"]);
    check(&all[1..], &["log-forked", "log-forked"]);
}

#[test]
fn two_heads_by_one_key_are_a_fork_until_something_shows_that_it_is_retired() {
    let (owner, thief) = (owner_of_4(), thief_of_4());
    check(&heads([owner.clone(), thief.clone()]), &["log-forked", "log-forked"]);
    // What the later head shows of its tree shows the owner's head to be of the same.
    let all = heads([owner.clone(), thief.clone(), owner_of_7()]);
    check(&all, &["stands", "retired-key-head", "stands"]);
    // A later head that shows none of it.
    let blind = Head { nodes: Vec::new(), ..owner_of_7() };
    let all = heads([owner, thief, blind]);
    check(&all, &["retired-key-head", "retired-key-head", "stands"]);
}

#[test]
fn being_shown_to_be_of_the_log_clears_a_head_of_a_retired_keys_deeds_alone() {
    let (vouched, later) = (owner_of_5(), owner_of_7());
    let mut all = heads([vouched, later]);
    all.push(Piece::Proof(invented(4, LATER)));
    check(&all, &["stands", "stands"]);
    all.push(Piece::Proof(invented(2, OPERATOR)));
    check(&all, &["log-forked", "log-forked"]);
}

#[test]
fn use_of_a_key_after_its_end_is_a_charge_against_its_heads_within_its_time() {
    let mut all = heads([owner_of_4(), thief_of_4(), owner_of_5()]);
    all[0] = Piece::Proof(late());
    check(&all, &["retired-key-head", "stands"]);
    // A bundle under such a head shows the same as a proof.
    let blind = Head { nodes: Vec::new(), ..owner_of_7() };
    let mut on = rotated();
    for _ in 0..4 {
        on.go_on();
    }
    let all = heads([owner_of_4(), head_under(&on, LATER, &[2]), blind.clone()]);
    check(&all, &["retired-key-head", "key-retired", "stands"]);
    // The first head that holds the delegation may have lost the line of the next key.
    let mut cut = rotated();
    cut.run(AGENT);
    let body = Action::Delegate(cut.placing(handed(2, LATEST, LATER)));
    cut.add(OPERATOR, &[OPERATOR, LATEST, LATER], Evidence::None {}, body);
    let cut = head(&cut, LATER);
    let cut = Head { checkpoint: cut, nodes: Vec::new(), ..owner_of_4() };
    check(&heads([owner_of_4(), cut, blind]), &["retired since 5", "key-retired", "stands"]);
}

#[test]
fn head_by_a_retired_key_stands_as_that_keys_word_where_nothing_shows_more() {
    let blind = Head { nodes: Vec::new(), ..owner_of_7() };
    check(&heads([owner_of_4(), blind.clone()]), &["retired since 5", "stands"]);
    check(&heads([owner_of_4(), owner_of_7()]), &["stands", "stands"]);
    check(&heads([owner_of_5(), blind]), &["stands", "stands"]);
    check(&heads([owner_of_4()]), &["stands"]);
    // The report says so, and what rests on it is no longer shown.
    let (trusted, bytes) = (root(), bundle(&rotated()).to_bytes().unwrap());
    let options = Options { log: Some(&trusted), ..Options::default() };
    let mut report = verify(&bytes, &options);
    assert!(Requirement::Counted.ensure(&report).is_ok());
    report.by_retired_key(5);
    let checkpoint = report.outcomes.iter().find(|found| found.check == Check::Checkpoint).unwrap();
    assert_eq!(checkpoint.status, Status::NotShown);
    let says = "by a key retired since entry 5, and not held against the root-signed history";
    assert!(checkpoint.detail.ends_with(says), "{}", checkpoint.detail);
    assert_eq!(report.words.placed, words::Placed::ByARetiredKey);
    assert_eq!(report.words.counted, words::Counted::Stated);
    assert_eq!(Requirement::Counted.ensure(&report).unwrap_err().code, Fault::NotCounted.code());
}

#[test]
fn of_two_retired_keys_the_earlier_one_harms_itself_alone() {
    let mut log = rotated_twice();
    log.go_on();
    let body = Action::Delegate(log.placing(handed(3, LAST, LATEST)));
    assert_eq!(log.add(OPERATOR, &[OPERATOR, LAST, LATEST], Evidence::None {}, body), 8);
    log.go_on();
    let last = Head { nodes: Vec::new(), ..head_under(&log, LAST, &[2, 5, 8]) };
    // The later one's head holds the delegation that put its key there, and the history before that.
    let all = heads([thief_of_4(), owner_of_7(), last.clone()]);
    check(&all, &["retired-key-head", "retired since 8", "stands"]);
    let all = heads([owner_of_7(), other_of_7(), last]);
    check(&all, &["retired-key-head", "retired-key-head", "stands"]);
}

#[test]
fn word_of_a_key_that_was_retired_since_accuses_no_other() {
    // The first head that the leaving key may sign, with another last entry than the delegation.
    let mut thief = rotated();
    thief.run(AGENT);
    thief.run(AGENT);
    let file = keys_file(&rotated_twice(), &[2, 5], LATEST);
    let proof = SignerProof::of_place(root(), &file, head(&thief, LATER), 5, None).unwrap();
    let proof = Piece::Proof(ProvedFork::Signer(Box::new(proof)));
    let mut all = heads([owner_of_4()]);
    all.push(proof);
    check(&all, &["retired-key-head"]);
    let mut log = rotated_twice();
    log.go_on();
    let body = Action::Delegate(log.placing(handed(3, LAST, LATEST)));
    log.add(OPERATOR, &[OPERATOR, LAST, LATEST], Evidence::None {}, body);
    log.go_on();
    let last = Head { nodes: Vec::new(), ..head_under(&log, LAST, &[2, 5, 8]) };
    all.extend(heads([last]));
    check(&all, &["retired since 5", "stands"]);
}

#[test]
fn root_key_that_signed_another_history_than_its_delegation_forks_the_log() {
    let log = Stated::new();
    let early = head_under(&log, OPERATOR, &[]);
    check(&heads([early.clone(), owner_of_4(), owner_of_7()]), &["stands", "stands", "stands"]);
    let other = Checkpoint::new("test.example/log", 2, chaos_log::EMPTY_ROOT).unwrap();
    let other = other.sign(&log_key(OPERATOR)).unwrap();
    let other = Head { checkpoint: other, nodes: Vec::new(), ..early };
    let forked = ["log-forked", "log-forked", "log-forked"];
    check(&heads([other, owner_of_4(), owner_of_7()]), &forked);
    // Whoever signs with it after it was handed on says nothing against those who sign since.
    let late = Head { nodes: Vec::new(), ..head_under(&rotated_twice(), OPERATOR, &[]) };
    check(&heads([late, owner_of_4(), owner_of_7()]), &["key-retired", "stands", "stands"]);
}

/// A line that names a key of the log's, or a stranger's, and is over another text.
fn false_line(by: u8) -> String {
    let other = Checkpoint::new("test.example/log", 1, chaos_log::EMPTY_ROOT).unwrap();
    let signed = other.sign(&log_key(by)).unwrap().to_string();
    format!("{}\n", signed.lines().last().unwrap())
}

/// The same head with such lines below the others.
fn with_lines(head: &Head, by: &[u8]) -> Head {
    let lines: String = by.iter().map(|by| false_line(*by)).collect();
    let text = format!("{}{lines}", head.checkpoint);
    let checkpoint = SignedCheckpoint::parse(text.as_bytes()).unwrap();
    Head { checkpoint, ..head.clone() }
}

/// The owner's own newest tree, signed by the key of between alone, which says that nothing retired it.
fn signed_again() -> Head {
    let checkpoint = head(&rotated_twice(), LATER);
    Head { checkpoint, succession: owner_of_4().succession, ..owner_of_7() }
}

#[test]
fn false_line_that_names_the_key_in_force_makes_no_head_that_keys() {
    for lines in [&[][..], &[LATEST], &[LATEST, OPERATOR, 77], &[LATER, LATEST]] {
        let thief = with_lines(&signed_again(), lines);
        check(&heads([thief.clone(), owner_of_7()]), &["key-retired", "stands"]);
        let all = heads([thief, owner_of_4(), owner_of_7()]);
        check(&all, &["key-retired", "stands", "stands"]);
        let blind = Head { nodes: Vec::new(), ..owner_of_7() };
        let other = with_lines(&head_under(&stolen(4), LATER, &[2]), lines);
        check(&heads([other, blind]), &["key-retired", "stands"]);
    }
}

#[test]
fn proof_is_of_the_lines_that_hold_whatever_was_laid_below_them() {
    let file = keys_file(&rotated_twice(), &[2, 5], LATEST);
    let expected = late().to_string();
    let late = head_under(&stolen(4), LATER, &[2]);
    for lines in [&[LATEST][..], &[OPERATOR, LATER, LATEST, 77]] {
        let note = with_lines(&late, lines).checkpoint;
        let proof = SignerProof::new(root(), &file, note.clone()).unwrap();
        assert_eq!(proof.to_string(), expected);
        // A file with more lines is read, and says the same.
        let text = expected.replace(&late.checkpoint.to_string(), &note.to_string());
        assert_ne!(text, expected);
        assert_eq!(SignerProof::parse(text.as_bytes()).unwrap().to_string(), expected);
    }
    let unsigned = with_lines(&owner_of_7(), &[LATER]).checkpoint;
    SignerProof::new(root(), &file, unsigned).unwrap_err();
}

#[test]
fn head_that_nobody_signed_is_refused_and_accuses_nobody() {
    let mut checkpoint = with_lines(&other_of_7(), &[LATEST]).checkpoint;
    let mut first = true;
    checkpoint.retain(|_| !std::mem::take(&mut first));
    let nobody = Head { checkpoint, ..other_of_7() };
    check(&heads([nobody, owner_of_7()]), &["checkpoint-invalid", "stands"]);
}

/// Something of everything, in the order in which it is named.
static CAST: LazyLock<Vec<Piece>> = LazyLock::new(|| {
    let mut all = heads([
        owner_of_4(),
        owner_of_5(),
        owner_of_7(),
        other_of_7(),
        thief_of_4(),
        head_under(&stolen(1), LATER, &[2]),
        head_under(&stolen(4), LATER, &[2]),
        head_under(&Stated::new(), OPERATOR, &[]),
        Head { nodes: Vec::new(), ..owner_of_7() },
        signed_again(),
    ]);
    let proofs = [invented(4, LATER), invented(7, LATEST), invented(2, OPERATOR), late()];
    all.extend(proofs.into_iter().chain([invented(9, 77)]).map(Piece::Proof));
    all
});

/// How many that are.
const PIECES: usize = 15;

/// Those that show every delegation.
const KNOWING: [usize; 3] = [2, 3, 8];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_seen_first_changes_no_judgement(
        order in Just((0..PIECES).collect::<Vec<usize>>()).prop_shuffle(),
        mask in 1_u32..(1 << PIECES),
    ) {
        prop_assert_eq!(CAST.len(), PIECES);
        let judged = |order: &[usize]| judged(&CAST, order);
        let order: Vec<usize> = order.into_iter().filter(|at| mask >> at & 1 == 1).collect();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        prop_assert_eq!(judged(&order), judged(&sorted));
        // Once it is known which keys are retired, more evidence acquits the others of nothing.
        let fewer = &sorted[..sorted.len() - 1];
        let is_forked = |order| judged(order).iter().any(|(word, _)| word == "log-forked");
        if fewer.iter().any(|at| KNOWING.contains(at)) && is_forked(fewer) {
            prop_assert!(is_forked(&sorted));
        }
    }

    #[test]
    fn lines_that_hold_for_nobody_change_no_judgement(
        mask in 1_u32..(1 << PIECES),
        lines in prop::collection::vec(
            prop::collection::vec(prop::sample::select(vec![OPERATOR, LATER, LATEST, LAST, 77]), 0..4),
            PIECES,
        ),
    ) {
        let spoilt: Vec<Piece> = CAST
            .iter()
            .zip(&lines)
            .map(|(piece, lines)| match piece {
                Piece::Head(head) => Piece::Head(Box::new(with_lines(head, lines))),
                Piece::Proof(proof) => Piece::Proof(proof.clone()),
            })
            .collect();
        let order: Vec<usize> = (0..PIECES).filter(|at| mask >> at & 1 == 1).collect();
        let words = |pieces: &[Piece]| -> Vec<String> {
            judged(pieces, &order).into_iter().map(|(word, _)| word).collect()
        };
        prop_assert_eq!(words(&spoilt), words(&CAST));
    }
}

#[test]
fn two_trees_by_the_root_key_fork_the_log_whatever_their_size() {
    for size in [1, 2, 4] {
        let mut all = heads([owner_of_4(), owner_of_7()]);
        all.push(Piece::Proof(invented(size, OPERATOR)));
        check(&all, &["log-forked", "log-forked"]);
    }
    for size in [5, 6, 7] {
        let mut all = heads([owner_of_7()]);
        all.push(Piece::Proof(invented(size, OPERATOR)));
        check(&all, &["log-forked"]);
    }
}

#[test]
fn line_of_a_stranger_beside_the_logs_own_says_nothing() {
    let strange = head(&rotated(), 77).to_string();
    let line = strange.lines().last().unwrap();
    let text = format!("{}{line}\n", owner_of_4().checkpoint);
    let checkpoint = SignedCheckpoint::parse(text.as_bytes()).unwrap();
    let mut all = heads([Head { checkpoint, ..owner_of_4() }]);
    all.push(Piece::Proof(invented(4, 77)));
    check(&all, &["stands"]);
}
