use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::Workloads;

const DAY_S: u64 = 86_400;
const FROM_S: u64 = 1_790_000_000;
const UNTIL_S: u64 = FROM_S + 7 * DAY_S;

fn key(number: u8) -> AgentKey {
    AgentKey::from_seed(&[number; 32])
}

fn issuer() -> AgentKey {
    key(1)
}

fn workload(number: u8) -> WorkloadId {
    WorkloadId::from(Digest::from_bytes([number; 32]))
}

fn build(number: u8) -> Build {
    Build {
        workload: workload(number),
        name: "executor".to_owned(),
        repository: "https://example.org/executor.git".to_owned(),
        commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        toolchain: "rustc 1.95, 4 vCPU, 8 GiB".to_owned(),
        code: None,
    }
}

/// An entry that these builders vouch for.
fn entry(number: u8, builders: &[u8]) -> Entry {
    let build = build(number);
    let rebuilds = builders.iter().map(|&builder| build.vouch(&key(builder)).unwrap()).collect();
    Entry { build, rebuilds }
}

fn list(sequence: u64, entries: Vec<Entry>) -> Allowlist {
    Allowlist {
        issuer: issuer().did(),
        sequence,
        not_before_s: FROM_S,
        expires_at_s: UNTIL_S,
        entries,
        revoked: Vec::new(),
    }
}

fn revocation(number: u8) -> Revocation {
    Revocation { workload: workload(number), reason: "key leaked".to_owned() }
}

fn signed(list: &Allowlist) -> Vec<u8> {
    list.sign(&issuer()).unwrap()
}

/// Follows the issuer; keys 11, 12 and 13 are builders and two of them are needed.
fn trust() -> Trust {
    Trust {
        issuer: issuer().did(),
        builders: [11, 12, 13].map(|number| key(number).did()).into(),
        rebuilds_min: 2,
    }
}

fn state() -> State {
    State::new(trust())
}

#[track_caller]
fn check_code<T: std::fmt::Debug>(found: Result<T, Refusal>, code: ReasonCode, part: &str) {
    let refusal = found.unwrap_err();
    assert_eq!(refusal.code, code, "{refusal}");
    assert!(refusal.detail.contains(part), "{refusal}");
}

#[test]
fn a_workload_that_two_known_builders_vouch_for_is_active() {
    let mut state = state();
    check_code(
        state.active(&workload(1), FROM_S),
        ReasonCode::WorkloadNotAllowed,
        "no allowlist was accepted yet",
    );
    let envelope = signed(&list(1, vec![entry(1, &[11, 12]), entry(2, &[11])]));
    let accepted = state.accept(&envelope, FROM_S).unwrap();
    assert_eq!(accepted, Accepted { sequence: 1, digest: Digest::of(&envelope) });
    assert_eq!(state.active(&workload(1), FROM_S).unwrap().build, build(1));
    let one = state.active(&workload(2), FROM_S);
    check_code(one, ReasonCode::WorkloadNotAllowed, "needs 2 rebuilds by known builders, has 1");
    let absent = state.active(&workload(3), FROM_S);
    check_code(absent, ReasonCode::WorkloadNotAllowed, "is not on allowlist 1");
}

#[test]
fn a_state_answers_for_policies() {
    let mut state = state();
    let envelope = signed(&list(4, vec![entry(1, &[11, 12])]));
    state.accept(&envelope, FROM_S).unwrap();
    let workloads: &dyn Workloads = &state;
    assert_eq!(workloads.ensure_active(&workload(1), FROM_S), Ok(()));
    let absent = workloads.ensure_active(&workload(2), FROM_S);
    check_code(absent, ReasonCode::WorkloadNotAllowed, "is not on allowlist 4");
    assert_eq!(workloads.about(), format!("allowlist 4 {}", Digest::of(&envelope)));
}

#[test]
fn builders_that_the_verifier_does_not_know_do_not_count() {
    let mut state = state();
    state.accept(&signed(&list(1, vec![entry(1, &[11, 50, 51])])), FROM_S).unwrap();
    check_code(
        state.active(&workload(1), FROM_S),
        ReasonCode::WorkloadNotAllowed,
        "needs 2 rebuilds by known builders, has 1",
    );
}

#[test]
fn one_builder_cannot_vouch_twice() {
    let mut twice = list(1, vec![entry(1, &[11, 11])]);
    check_code(state().accept(&signed(&twice), FROM_S), ReasonCode::AllowlistInvalid, "twice");
    twice.entries[0].rebuilds.pop();
    state().accept(&signed(&twice), FROM_S).unwrap();
}

#[test]
fn a_rebuild_does_not_cover_another_build() {
    let mut borrowed = entry(1, &[11, 12]);
    borrowed.build.workload = workload(2);
    let forged = signed(&list(1, vec![borrowed]));
    check_code(state().accept(&forged, FROM_S), ReasonCode::AllowlistInvalid, "not signed by it");
    let mut elsewhere = entry(1, &[11, 12]);
    elsewhere.build.repository = "https://example.org/fork.git".to_owned();
    let forged = signed(&list(1, vec![elsewhere]));
    check_code(state().accept(&forged, FROM_S), ReasonCode::AllowlistInvalid, "not signed by it");
}

#[test]
fn an_older_or_different_list_is_a_rollback() {
    let mut state = state();
    let old = signed(&list(1, vec![entry(1, &[11, 12])]));
    let new = signed(&list(2, vec![entry(2, &[11, 12])]));
    state.accept(&old, FROM_S).unwrap();
    state.accept(&new, FROM_S + 1).unwrap();
    let kept = state.clone();
    check_code(
        state.accept(&old, FROM_S + 2),
        ReasonCode::AllowlistRollback,
        "number 1 after number 2",
    );
    let replaced = signed(&list(2, vec![entry(1, &[11, 12])]));
    check_code(
        state.accept(&replaced, FROM_S + 2),
        ReasonCode::AllowlistRollback,
        "another list under number 2",
    );
    assert_eq!(state, kept);
    state.accept(&new, FROM_S + 2).unwrap();
    assert!(state.active(&workload(1), FROM_S + 2).is_err());
    assert!(state.active(&workload(2), FROM_S + 2).is_ok());
}

#[test]
fn a_kept_state_refuses_what_it_refused_before() {
    let mut state = state();
    let old = signed(&list(1, vec![entry(1, &[11, 12])]));
    state.accept(&signed(&list(2, vec![entry(2, &[11, 12])])), FROM_S + 5).unwrap();
    let mut kept = State::from_bytes(trust(), &state.to_bytes()).unwrap();
    assert_eq!(kept, state);
    check_code(kept.accept(&old, FROM_S + 6), ReasonCode::AllowlistRollback, "after number 2");
    check_code(kept.observe(FROM_S + 4), ReasonCode::ClockSetBack, "it was already");
    let other = Trust { issuer: key(2).did(), ..trust() };
    let refused = State::from_bytes(other, &state.to_bytes());
    check_code(refused, ReasonCode::AllowlistInvalid, "expected a list by");
    check_code(State::from_bytes(trust(), b"{}"), ReasonCode::AllowlistInvalid, "kept allowlist");
}

#[test]
fn a_list_that_is_over_still_keeps_older_ones_out_after_a_restart() {
    let old = list(4, vec![entry(1, &[11, 12])]);
    let old = signed(&Allowlist { expires_at_s: UNTIL_S + 30 * DAY_S, ..old });
    let last = Allowlist { revoked: vec![revocation(1)], ..list(5, vec![entry(2, &[11, 12])]) };
    let last = signed(&last);
    let later_s = UNTIL_S + DAY_S;
    let mut running = state();
    running.accept(&last, FROM_S).unwrap();
    running.observe(UNTIL_S).unwrap();
    let restored = [
        State::restore(trust(), &last, UNTIL_S).unwrap(),
        State::from_bytes(trust(), &running.to_bytes()).unwrap(),
    ];
    for mut state in restored {
        assert_eq!(state, running);
        let over = ReasonCode::AllowlistExpired;
        check_code(state.active(&workload(2), later_s), over, "allowlist 5 holds from");
        let rollback = ReasonCode::AllowlistRollback;
        check_code(state.accept(&old, later_s), rollback, "number 4 after number 5");
        check_code(state.observe(UNTIL_S - 1), ReasonCode::ClockSetBack, "it was already");
        // A newer list must still say what was revoked.
        let forgetful = list(6, vec![entry(1, &[11, 12])]);
        let forgetful = signed(&Allowlist { expires_at_s: UNTIL_S + 30 * DAY_S, ..forgetful });
        check_code(state.accept(&forgetful, later_s), rollback, "takes back the revocation");
        assert!(state.active(&workload(1), later_s).is_err());
    }
    let foreign = Trust { issuer: key(2).did(), ..trust() };
    let refused = State::restore(foreign, &last, UNTIL_S);
    check_code(refused, ReasonCode::AllowlistInvalid, "expected a list by");
}

#[test]
fn trust_in_which_one_key_decides_is_not_sound() {
    assert_eq!(trust().ensure_sound(), Ok(()));
    let one = Trust { rebuilds_min: 1, ..trust() };
    check_code(one.ensure_sound(), ReasonCode::AllowlistInvalid, "found 1 by 3 builders");
    let few = Trust { rebuilds_min: 4, ..trust() };
    check_code(few.ensure_sound(), ReasonCode::AllowlistInvalid, "found 4 by 3 builders");
    let mut own = trust();
    own.builders.insert(issuer().did());
    check_code(own.ensure_sound(), ReasonCode::AllowlistInvalid, "the issuer among them");
}

#[test]
fn a_list_by_another_key_is_refused() {
    let mut foreign = list(1, vec![entry(1, &[11, 12])]);
    check_code(foreign.sign(&key(2)), ReasonCode::AllowlistInvalid, "the issuer is");
    foreign.issuer = key(2).did();
    let envelope = foreign.sign(&key(2)).unwrap();
    check_code(
        state().accept(&envelope, FROM_S),
        ReasonCode::AllowlistInvalid,
        "expected a list by",
    );
}

/// Signs any statement with any keys, as an attacker can.
fn forged(list: &Allowlist, subject: Vec<Subject>, keys: &[&AgentKey]) -> Vec<u8> {
    let statement = Statement::new(subject, PREDICATE_TYPE, list);
    Envelope::sign(&canonical::to_vec(&statement).unwrap(), keys).to_bytes().unwrap()
}

#[test]
fn forged_envelopes_are_refused() {
    let honest = list(1, vec![entry(1, &[11, 12])]);
    let subject = honest.subject().unwrap();
    let invalid = ReasonCode::AllowlistInvalid;
    let by_another = forged(&honest, subject.clone(), &[&key(2)]);
    check_code(state().accept(&by_another, FROM_S), invalid, "is not signed by it alone");
    let by_two = forged(&honest, subject.clone(), &[&issuer(), &key(2)]);
    check_code(state().accept(&by_two, FROM_S), invalid, "is not signed by it alone");
    let other_subject = vec![Subject::new("workload-allowlist", Digest::of(b"other"))];
    let about_another = forged(&honest, other_subject, &[&issuer()]);
    check_code(state().accept(&about_another, FROM_S), invalid, "not the digest of the list");
    let statement = json!({"_type": "https://in-toto.io/Statement/v1", "subject": subject,
        "predicateType": "https://example.org/other", "predicate": honest});
    let payload = canonical::to_vec(&statement).unwrap();
    let other_kind = Envelope::sign(&payload, &[&issuer()]).to_bytes().unwrap();
    check_code(state().accept(&other_kind, FROM_S), invalid, "expected predicateType");
    // An entry replaced after signing.
    let envelope = signed(&honest);
    let mut changed: Envelope = serde_json::from_slice(&envelope).unwrap();
    let replacement = list(1, vec![entry(3, &[11, 12])]);
    let replacement: Envelope = serde_json::from_slice(&signed(&replacement)).unwrap();
    changed.payload = replacement.payload;
    let changed = changed.to_bytes().unwrap();
    check_code(state().accept(&changed, FROM_S), invalid, "does not match the payload");
}

#[test]
fn a_list_outside_its_dates_is_refused() {
    let envelope = signed(&list(1, vec![entry(1, &[11, 12])]));
    let expired = ReasonCode::AllowlistExpired;
    check_code(state().accept(&envelope, FROM_S - 1), expired, "allowlist 1 holds from");
    check_code(state().accept(&envelope, UNTIL_S), expired, "allowlist 1 holds from");
    let mut state = state();
    state.accept(&envelope, FROM_S).unwrap();
    assert!(state.active(&workload(1), UNTIL_S - 1).is_ok());
    check_code(state.active(&workload(1), UNTIL_S), expired, "allowlist 1 holds from");
}

#[test]
fn a_clock_set_back_is_refused() {
    let mut state = state();
    let envelope = signed(&list(1, vec![entry(1, &[11, 12])]));
    state.accept(&envelope, FROM_S + 10).unwrap();
    let back = ReasonCode::ClockSetBack;
    check_code(state.active(&workload(1), FROM_S + 9), back, "it was already");
    check_code(state.accept(&envelope, FROM_S + 9), back, "it was already");
    state.observe(FROM_S + 20).unwrap();
    check_code(state.active(&workload(1), FROM_S + 19), back, "it was already");
}

#[test]
fn a_revocation_is_immediate_and_cannot_be_taken_back() {
    let mut state = state();
    state.accept(&signed(&list(1, vec![entry(1, &[11, 12])])), FROM_S).unwrap();
    let revoking = Allowlist { revoked: vec![revocation(1)], ..list(2, Vec::new()) };
    state.accept(&signed(&revoking), FROM_S).unwrap();
    check_code(
        state.active(&workload(1), FROM_S),
        ReasonCode::WorkloadNotAllowed,
        "is revoked: key leaked",
    );
    check_code(
        state.accept(&signed(&list(3, vec![entry(1, &[11, 12])])), FROM_S),
        ReasonCode::AllowlistRollback,
        "takes back the revocation",
    );
}

#[test]
fn lists_that_break_a_rule_can_be_neither_signed_nor_read() {
    let good = list(1, vec![entry(1, &[11, 12]), entry(2, &[11, 12])]);
    let both = Allowlist { revoked: vec![revocation(1)], ..good.clone() };
    let mut unordered = good.clone();
    unordered.entries.reverse();
    let mut repeated = good.clone();
    repeated.entries[1] = repeated.entries[0].clone();
    let mut commit = good.clone();
    commit.entries[0].build.commit = "main".to_owned();
    let mut name = good.clone();
    name.entries[0].build.name = "a\nb".to_owned();
    let mut empty = good.clone();
    empty.entries[0].build.toolchain.clear();
    let crowded =
        Allowlist { revoked: vec![revocation(1); REVOCATIONS_MAX + 1], ..list(1, vec![]) };
    let cases = [
        (Allowlist { sequence: 0, ..good.clone() }, "expected a sequence from 1"),
        (Allowlist { expires_at_s: FROM_S, ..good.clone() }, "an end after the beginning"),
        (both, "both an entry and revoked"),
        (unordered, "not in ascending order"),
        (repeated, "not in ascending order"),
        (commit, "found `main`"),
        (name, "name: expected 1 to 256 bytes"),
        (empty, "toolchain: expected 1 to 256 bytes"),
        (crowded, "1025 revocations, the limit is 1024"),
    ];
    for (list, part) in cases {
        check_code(list.sign(&issuer()), ReasonCode::AllowlistInvalid, part);
        let envelope = forged(&list, list.subject().unwrap(), &[&issuer()]);
        check_code(state().accept(&envelope, FROM_S), ReasonCode::AllowlistInvalid, part);
    }
    let builders: Vec<u8> = (60..69).collect();
    let vouched = signed(&list(1, vec![entry(1, &builders)]));
    check_code(
        Allowlist::open(&vouched),
        ReasonCode::AllowlistInvalid,
        "9 rebuilds, the limit is 8",
    );
}

#[test]
fn oversized_lists_are_refused_before_they_are_parsed() {
    let bytes = vec![b'{'; ALLOWLIST_BYTES_MAX + 1];
    check_code(state().accept(&bytes, FROM_S), ReasonCode::MessageTooLarge, "the limit is 1048576");
}

#[test]
fn the_signed_bytes_of_a_build_do_not_change() {
    // DSSE by its specification, the JSON spelled by hand.
    let json = format!(
        concat!(
            r#"{{"code":null,"commit":"0123456789abcdef0123456789abcdef01234567","#,
            r#""name":"executor","repository":"https://example.org/executor.git","#,
            r#""toolchain":"rustc 1.95, 4 vCPU, 8 GiB","workload":"sha256:{}"}}"#
        ),
        "01".repeat(32)
    );
    let message =
        format!("DSSEv1 40 application/vnd.chaoschain.build.v1+json {} {json}", json.len());
    assert_eq!(build(1).message().unwrap(), message.as_bytes());
}

fn any_list() -> impl Strategy<Value = Allowlist> {
    let numbers = prop::collection::btree_set(any::<u8>(), 0..6);
    (1_u64..1 << 53, numbers, 0_usize..6).prop_map(|(sequence, numbers, split)| {
        let numbers: Vec<u8> = numbers.into_iter().collect();
        let (active, revoked) = numbers.split_at(split.min(numbers.len()));
        Allowlist {
            revoked: revoked.iter().copied().map(revocation).collect(),
            ..list(sequence, active.iter().map(|&number| entry(number, &[11])).collect())
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_signed_list_reads_back_as_it_was(list in any_list()) {
        prop_assert_eq!(Allowlist::open(&signed(&list)).unwrap(), list);
    }

    #[test]
    fn no_flipped_bit_of_a_signed_list_is_accepted(at in any::<prop::sample::Index>(), bit in 0..8) {
        let mut envelope = signed(&list(1, vec![entry(1, &[11, 12])]));
        let at = at.index(envelope.len());
        envelope[at] ^= 1_u8 << bit;
        prop_assert!(state().accept(&envelope, FROM_S).is_err());
    }

    #[test]
    fn the_held_number_never_falls(sequences in prop::collection::vec(1_u64..6, 1..12)) {
        let mut state = state();
        let mut highest = 0;
        for sequence in sequences {
            let envelope = signed(&list(sequence, vec![entry(1, &[11, 12])]));
            prop_assert_eq!(state.accept(&envelope, FROM_S).is_ok(), sequence >= highest);
            highest = highest.max(sequence);
            prop_assert_eq!(state.accepted().unwrap().sequence, highest);
        }
    }
}

#[test]
fn drafts_stay_in_the_order_that_a_signature_asks_for() {
    let before = list(3, vec![entry(2, &[11, 12])]);
    let mut next = Allowlist::next(issuer().did(), Some(before), FROM_S, 7);
    assert_eq!((next.sequence, next.expires_at_s), (4, UNTIL_S));
    for number in [5, 1, 3] {
        next.add(build(number)).unwrap();
    }
    next.enter(entry(4, &[11])).unwrap();
    next.enter(entry(3, &[12])).unwrap();
    for number in [4, 1] {
        next.revoke(revocation(number)).unwrap();
    }
    let left: Vec<_> = next.entries.iter().map(|entry| entry.build.workload).collect();
    assert_eq!(left, [2, 3, 5].map(workload));
    assert_eq!(next.entries[1], entry(3, &[12]));
    Allowlist::open(&signed(&next)).unwrap();
}

#[test]
fn what_is_revoked_is_never_entered_again() {
    let mut draft = Allowlist::next(issuer().did(), None, FROM_S, 7);
    draft.add(build(1)).unwrap();
    check_code(draft.add(build(1)), ReasonCode::AllowlistInvalid, "on the draft already");
    draft.revoke(revocation(1)).unwrap();
    check_code(draft.add(build(1)), ReasonCode::AllowlistInvalid, "for ever: key leaked");
    check_code(draft.enter(entry(1, &[])), ReasonCode::AllowlistInvalid, "for ever");
    check_code(draft.revoke(revocation(1)), ReasonCode::AllowlistInvalid, "revoked already");
    check_code(
        draft.vouch(&workload(1), &key(11)),
        ReasonCode::AllowlistInvalid,
        "not on the draft",
    );
}

#[test]
fn builder_that_vouches_again_counts_once() {
    let mut draft = Allowlist::next(issuer().did(), None, FROM_S, 7);
    draft.add(build(1)).unwrap();
    let counts = [11, 12, 11].map(|number| draft.vouch(&workload(1), &key(number)).unwrap());
    assert_eq!(counts, [1, 2, 2]);
    Allowlist::open(&signed(&draft)).unwrap();
}
