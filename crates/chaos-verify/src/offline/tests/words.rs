//! What is somebody's word is never reported as shown.

use chaos_agency::action::Score;

use super::*;
use crate::{
    Head, Heads, Judgement, Requirement,
    words::{Anchored as Anchoring, Attested as Attesting, Counted, Formed, Placed, Reexecuted},
};

fn words(bundle: &Bundle, options: &Options<'_>) -> crate::Words {
    let report = verify(&bytes(bundle), options);
    assert!(report.result.is_ok(), "{:?}", report.outcomes);
    report.words
}

/// The bundle of the third entry with the head anchored.
fn with_anchor() -> Bundle {
    let mut world = World::new();
    let receipt = world.run(AGENT);
    let checkpoint = world.checkpoint();
    let root = hex::encode(checkpoint.claimed().root().as_bytes());
    let anchor = Some(anchored(OPERATOR, checkpoint.claimed().size(), root));
    Bundle { anchor, ..world.bundle(receipt, &[1]) }
}

#[test]
fn bundle_alone_shows_a_receipt_in_a_log_that_it_names_itself() {
    let found = words(&good(), &Options::default());
    assert_eq!(found.formed, Formed::WellFormed);
    assert_eq!(found.placed, Placed::InItsOwnLog);
    assert_eq!(found.counted, Counted::NotShown);
    assert_eq!(found.anchored, Anchoring::NotAnchored);
    assert_eq!(found.reexecuted, Reexecuted::NotReexecuted);
    assert_eq!(found.attested, Attesting::NotAttested);
    let log = World::log_key();
    let named = Options { log: Some(log.verifier()), ..Options::default() };
    assert_eq!(words(&good(), &named).placed, Placed::InTheLog);
}

/// A copy of the log that says what it was made to say.
struct Copy(Result<String, Rejection>);

impl FoldedLog for Copy {
    fn ensure_counted(
        &self,
        _: &Verified<Receipt>,
        index: u64,
        head: &SignedCheckpoint,
    ) -> Result<String, Rejection> {
        assert_eq!((index, head.claimed().size()), (2, 3));
        self.0.clone()
    }
}

#[test]
fn receipt_counts_when_a_copy_of_the_log_says_so_and_is_refused_when_it_does_not() {
    let counts = Copy(Ok("3 entries folded".to_owned()));
    let options = Options { copy: Some(&counts), ..Options::default() };
    assert_eq!(words(&good(), &options).counted, Counted::Recomputed);
    let reason = "the name is taken";
    let refuses = Copy(Err(Rejection::new(Check::Agent, Fault::NotCountedByLog, reason)));
    let options = Options { copy: Some(&refuses), ..Options::default() };
    let report = verify(&bytes(&good()), &options);
    assert_eq!(report.result.expect_err("refused").code, Fault::NotCountedByLog.code());
    assert_eq!(report.words.counted, Counted::NotShown);
}

#[test]
fn anchor_in_a_block_that_nobody_placed_is_not_passed() {
    let hands = Hands::new();
    let block = Block { is_placed: false, ..hands.block.clone() };
    let unplaced = Hands { block, ..Hands::new() };
    let report = verify(&bytes(&with_anchor()), &unplaced.options());
    let anchor = report.outcomes.iter().find(|outcome| outcome.check == Check::Anchor).unwrap();
    assert_eq!(anchor.status, Status::NotPlaced);
    assert_eq!(report.words.anchored, Anchoring::NotPlaced);
    assert_eq!(words(&with_anchor(), &hands.options()).anchored, Anchoring::Anchored);
}

/// The clocks of a log and of a chain may lie a minute apart, and no further.
#[test]
fn anchor_in_a_block_older_than_an_entry_that_it_covers_is_refused() {
    let mut world = World::new();
    let receipt = world.run(AGENT);
    let (_, leaf) = &mut world.entries[receipt];
    *leaf = Leaf::new(leaf.receipt, 1_000_000_000);
    let mut log = MemoryLog::new();
    for (_, leaf) in &world.entries {
        log.append(leaf.to_bytes()).unwrap();
    }
    world.log = log;
    let checkpoint = world.checkpoint();
    let root = hex::encode(checkpoint.claimed().root().as_bytes());
    let anchor = Some(anchored(OPERATOR, checkpoint.claimed().size(), root));
    let bundle = Bundle { anchor, ..world.bundle(receipt, &[1]) };
    let at = |time_s| {
        let block = Block { time_s, ..Hands::new().block };
        verify(&bytes(&bundle), &Hands { block, ..Hands::new() }.options()).result
    };
    assert!(at(Some(1_000_000)).is_ok());
    assert!(at(Some(1_000_000 - 60)).is_ok());
    assert!(at(None).is_ok(), "a chain whose clock bounds nothing");
    let rejection = at(Some(1_000_000 - 61)).expect_err("an old block");
    assert_eq!(rejection.code, Fault::AnchorTooOld.code(), "{rejection}");
}

#[test]
fn signature_by_an_unknown_key_is_passed_over() {
    let mut bundle = good();
    let line = bundle.receipt.proof.lines().last().unwrap().replace("test.example", "x.example");
    for logged in [&mut bundle.receipt, &mut bundle.history[0]] {
        logged.proof.push_str(&format!("{line}\n"));
    }
    assert_eq!(words(&bundle, &Options::default()).placed, Placed::InItsOwnLog);
}

/// The known key's name and id over a signature that is not its own condemn the note.
#[test]
fn bad_signature_by_the_known_key_is_refused() {
    let mut bundle = good();
    let other = World::log_key();
    let text = format!("test.example/log\n9\n{}\n", chaos_log::EMPTY_ROOT);
    let mut note = chaos_log::Note::new(text).unwrap();
    note.sign(&other).unwrap();
    let line = note.to_string().lines().last().unwrap().to_owned();
    for logged in [&mut bundle.receipt, &mut bundle.history[0]] {
        logged.proof.push_str(&format!("{line}\n"));
    }
    let rejection = rejected(&bundle, Check::Checkpoint);
    assert_eq!(rejection.code, Fault::CheckpointInvalid.code(), "{rejection}");
}

#[test]
fn two_trees_of_one_size_under_one_key_are_a_fork() {
    let head = |reason: &str| {
        let mut world = World::new();
        let action = Action::Revoke(Revoke { agent: key(AGENT).did(), reason: reason.into() });
        let receipt = world.append(AGENT, &[AGENT], Evidence::None {}, action);
        let mut bundle = world.bundle(receipt, &[1]);
        bundle.attachments.clear();
        let report = verify(&bytes(&bundle), &Options::default());
        report.head.expect("the log signed it")
    };
    let mut heads = Heads::default();
    for whose in ["a", "b"] {
        heads.see(&head("lost"), whose);
        assert_eq!(heads.judge().of(&head("lost")), Some(&Judgement::Stands));
    }
    assert_eq!(heads.judge().of(&head("stolen")), None);
    heads.see(&head("stolen"), "c");
    for reason in ["lost", "stolen"] {
        let rejection = heads.judge().rejection(&head(reason)).unwrap().clone();
        assert_eq!(rejection.code, Fault::LogForked.code());
        assert!(rejection.reason.contains(" in a, ") && rejection.reason.ends_with(" in c"));
    }
    // Under another name it is the same key.
    let signer =
        chaos_log::LogKey::from_seed("other.example/log".parse().unwrap(), &[OPERATOR; 32]);
    assert_eq!(signer.verifier().public(), World::log_key().verifier().public());
    let stolen = head("stolen");
    let other = stolen.checkpoint.claimed();
    let other = chaos_log::Checkpoint::new("other.example/log", other.size(), *other.root());
    let checkpoint = other.unwrap().sign(&signer).unwrap();
    let log = signer.verifier().clone();
    let renamed = Head { log, checkpoint, nodes: vec![], ..stolen };
    let mut heads = Heads::default();
    heads.see(&head("lost"), "a");
    heads.see(&renamed, "d");
    let rejection = heads.judge().rejection(&renamed).unwrap().clone();
    assert!(rejection.reason.contains("two trees of size 3"), "{rejection}");
}

/// The head of a log with a run at entry 2 and `more` entries after it, seen from entry `at`.
fn head_seen(run: u8, more: u64, at: usize) -> Head {
    let mut world = World::new();
    let evidence = Replay { output: Digest::of(&[run]), ..replay() };
    let execution = Execution { output: Digest::of(&[run]), ..execution() };
    let action = Action::Run(Run { execution, answered: true });
    world.append(AGENT, &[AGENT], Evidence::Replayable(evidence), action);
    for number in 0..more {
        world.register(20 + u8::try_from(number).unwrap(), &format!("agent-{number}"), &[]);
    }
    let history: &[usize] = if at == 2 { &[1] } else { &[] };
    let mut bundle = world.bundle(at, history);
    bundle.attachments.clear();
    let report = verify(&bytes(&bundle), &Options::default());
    report.head.unwrap_or_else(|| panic!("{:?}", report.outcomes))
}

#[test]
fn two_trees_that_share_no_size_are_a_fork_where_they_contradict_each_other() {
    let fork = |one: &Head, other: &Head| {
        let mut heads = Heads::default();
        heads.see(one, "a");
        heads.see(other, "b");
        let judged = heads.judge();
        assert_eq!(judged.rejection(one), judged.rejection(other));
        judged.rejection(one).map(|rejection| rejection.reason.clone())
    };
    // One entry in two ways, under heads of sizes 3 and 4.
    let told = fork(&head_seen(1, 0, 2), &head_seen(2, 1, 2)).expect("a fork");
    assert!(told.contains("another entry 2"), "{told}");
    // Seen from an entry that both have alike, by a node beside the way to the root.
    let told = fork(&head_seen(1, 2, 0), &head_seen(2, 5, 0)).expect("a fork");
    assert!(told.contains("other entries from 2 to 3"), "{told}");
    // A log that only grew, seen from everywhere.
    let (mut heads, mut all) = (Heads::default(), Vec::new());
    for more in 0..12 {
        for at in 0..3 + usize::try_from(more).unwrap() {
            let head = head_seen(1, more, at);
            heads.see(&head, "a");
            all.push(head);
        }
    }
    let judged = heads.judge();
    for head in &all {
        assert_eq!(judged.of(head), Some(&Judgement::Stands));
    }
}

/// A score says how many entries it counted, which its place in the log must bear out.
#[test]
fn score_of_more_entries_than_came_before_it_is_refused() {
    let scored = |log_size| {
        let mut world = World::new();
        let table = Digest::of(b"42");
        let score = Score { model: Digest::of(b"model"), as_of_ms: 0, log_size, table };
        world.entries.clear();
        world.log = MemoryLog::new();
        world.register(OPERATOR, "operator", &["score"]);
        let why = Evidence::Replayable(replay());
        let receipt = world.append(OPERATOR, &[OPERATOR], why, Action::Score(score));
        world.bundle(receipt, &[0])
    };
    let found = words(&scored(1), &Options::default());
    assert_eq!(found.reexecuted, Reexecuted::ClaimedNotRecomputed);
    let rejection = rejected(&scored(200), Check::Evidence);
    assert_eq!(rejection.code, chaos_agency::Fault::LogSizeOther.code(), "{rejection}");
}

#[test]
fn what_a_receipt_says_about_a_chain_is_placed_by_no_anchor_of_the_head() {
    let mut world = World::new();
    let root = hex::encode(world.log.root().as_bytes());
    let (envelope, leaf) = {
        let anchored = anchored(OPERATOR, world.log.size(), root);
        let id = Digest::of(&anchored.envelope.to_bytes().unwrap());
        (anchored.envelope, Leaf::new(id, 1_002))
    };
    world.log.append(leaf.to_bytes()).unwrap();
    world.entries.push((envelope, leaf));
    let mut said = world.bundle(2, &[0]);
    said.attachments.clear();
    let report = verify(&bytes(&said), &Options::default());
    assert!(report.result.is_ok(), "{:?}", report.outcomes);
    assert_eq!(report.not_placed, ["the event in its block, or what the registry holds after it"]);
    let hands = Hands::new();
    let report = verify(&bytes(&with_anchor()), &hands.options());
    assert_eq!(report.words.anchored, Anchoring::Anchored);
    assert!(report.not_placed.is_empty(), "a run says nothing about a chain");
}

#[test]
fn entry_dated_after_the_readers_clock_is_refused_beyond_a_minute() {
    let mut world = World::new();
    let receipt = world.run(AGENT);
    let (_, leaf) = &mut world.entries[receipt];
    *leaf = Leaf::new(leaf.receipt, 1_000_000);
    let mut log = MemoryLog::new();
    for (_, leaf) in &world.entries {
        log.append(leaf.to_bytes()).unwrap();
    }
    world.log = log;
    let at = |now_ms| {
        let options = Options { now_ms, ..Options::default() };
        verify(&bytes(&world.bundle(receipt, &[1])), &options).result.map_err(|found| found.code)
    };
    assert!(at(None).is_ok(), "a reader without a clock");
    assert!(at(Some(1_000_000 - 60_000)).is_ok());
    assert_eq!(at(Some(1_000_000 - 60_001)).expect_err("the future"), Fault::DatedAhead.code());
}

/// Hashing finds nothing wrong with zeros; each takes tens of times its length once it is decoded.
#[test]
fn bundle_of_more_values_than_any_needs_is_refused_before_it_is_decoded() {
    let zeros = |count: usize| {
        let proof = serde_json::Value::Array(vec![0.into(); count]);
        let anchor = with_anchor().anchor.map(|anchor| Anchored { proof, ..anchor });
        verify(&bytes(&Bundle { anchor, ..good() }), &Options::default()).result
    };
    let rejection = zeros(1 << 17).expect_err("too many");
    assert_eq!((rejection.check, rejection.code), (Check::Format, Fault::ValuesTooMany.code()));
    assert!(zeros(1 << 16).is_ok(), "nobody reads the chain's proof here");
    // Signs within texts are no values.
    let mut worded = good();
    worded.log = ",[{\\\",".repeat(1 << 17);
    rejected(&worded, Check::Checkpoint);
}

#[test]
fn input_that_the_reader_lacks_speaks_against_nobody_and_is_no_success() {
    struct Lacks;
    impl Reexecute for Lacks {
        fn ensure_repeatable(
            &self,
            _: &Verified<Receipt>,
            _: &Attachments,
        ) -> Result<(), Rejection> {
            Ok(())
        }

        fn reexecute(
            &self,
            _: &Verified<Receipt>,
            _: u64,
            _: &Attachments,
        ) -> Result<Digest, Rejection> {
            Err(Rejection::new(Check::Evidence, Fault::InputMissing, "input `x` is not here"))
        }
    }
    let report =
        verify(&bytes(&good()), &Options { reexecute: Some(&Lacks), ..Options::default() });
    assert!(report.lacks_an_input() && report.result.is_err());
    let evidence = report.outcomes.iter().find(|found| found.check == Check::Evidence).unwrap();
    assert_eq!(evidence.status, Status::NotReexecuted);
    assert_eq!(report.words.reexecuted, Reexecuted::NotReexecuted);
    assert!(report.outcomes.iter().all(|found| found.status != Status::Failed));
    // What else is required is asked all the same.
    let attested = Requirement::Attested { by_named_policy: false };
    for (requirement, code) in [
        (Requirement::Counted, Some(Fault::NotCounted)),
        (Requirement::Anchored, Some(Fault::NotAnchored)),
        (Requirement::Declared, Some(Fault::NotDeclared)),
        (Requirement::Reexecuted, Some(Fault::NotReexecuted)),
        (attested, Some(Fault::NotAttested)),
        (Requirement::Witnessed, Some(Fault::NotWitnessed)),
        (Requirement::Replayable, None),
    ] {
        let found = requirement.ensure(&report).err().map(|rejection| rejection.code);
        assert_eq!(found, code.map(|fault| fault.code()), "{requirement:?}");
    }
}

#[test]
fn what_a_missing_input_kept_from_being_looked_at_is_not_said_to_be_found() {
    struct Early;
    impl Reexecute for Early {
        fn ensure_repeatable(
            &self,
            _: &Verified<Receipt>,
            _: &Attachments,
        ) -> Result<(), Rejection> {
            Err(Rejection::new(Check::Evidence, Fault::InputMissing, "input `x` is not here"))
        }

        fn reexecute(
            &self,
            _: &Verified<Receipt>,
            _: u64,
            _: &Attachments,
        ) -> Result<Digest, Rejection> {
            unreachable!("it is refused before")
        }
    }
    let options = Options { reexecute: Some(&Early), ..Options::default() };
    let report = verify(&bytes(&good()), &options);
    let rejection = Requirement::Anchored.ensure(&report).unwrap_err();
    assert!(rejection.reason.contains("not looked at"), "{rejection}");
}

#[test]
fn time_that_goes_back_between_shown_entries_is_refused_in_the_first_format_too() {
    let mut world = World::new();
    let receipt = world.run(AGENT);
    let (_, leaf) = &mut world.entries[receipt];
    *leaf = Leaf::new(leaf.receipt, 5);
    let mut log = MemoryLog::new();
    for (_, leaf) in &world.entries {
        log.append(leaf.to_bytes()).unwrap();
    }
    world.log = log;
    let rejection = rejected(&world.bundle(receipt, &[1]), Check::Agent);
    assert_eq!(rejection.code, chaos_agency::Fault::TimeGoesBack.code(), "{rejection}");
}
