use super::*;

fn asking() -> Client {
    client("a/job", &["a/key", "a/more"])
}

fn revocations(world: &World, at_s: u64) -> Signed<Revocations> {
    world.broker.revocations(&key(1), at_s).unwrap()
}

#[test]
fn a_lease_is_renewed_by_new_evidence_and_keeps_its_name() {
    let mut world = World::new();
    let first = world.obtain(&asking(), None, AT_S).unwrap();
    let mut second = world.obtain(&asking(), Some(first.lease()), AT_S + 800).unwrap();
    assert_eq!(first.lease(), second.lease());
    assert_eq!(second.expires_at_s(), AT_S + 800 + 900);
    assert!(second.secret(&id("a/key"), AT_S + 1600).is_ok());
    let lease = second.lease();
    assert!(world.broker.ensure_lease(&lease, &id("a/key"), AT_S + 1600).is_ok());
}

#[test]
fn a_workload_taken_off_the_allowlist_cannot_renew_from_that_moment() {
    let mut world = World::new();
    let held = world.obtain(&asking(), None, AT_S).unwrap();
    world.appraiser.allowed.remove(&machine("agent").workload());
    let renewal = world.obtain(&asking(), Some(held.lease()), AT_S + 1);
    assert_eq!(refused(renewal), ReasonCode::WorkloadNotAllowed);
}

#[test]
fn a_lease_is_void_when_it_is_over() {
    let mut world = World::new();
    let mut held = world.obtain(&asking(), None, AT_S).unwrap();
    let lease = held.lease();
    assert!(held.secret(&id("a/key"), AT_S + 899).is_ok());
    assert_eq!(refused(held.secret(&id("a/key"), AT_S + 900)), Fault::LeaseExpired);
    assert_eq!(held.secrets().count(), 0);
    let used = world.broker.ensure_lease(&lease, &id("a/key"), AT_S + 900).map(|_| ());
    assert_eq!(refused(used), Fault::LeaseExpired);
    let renewal = world.challenge(&asking().ask(Some(lease)), AT_S + 900);
    assert_eq!(refused(renewal), Fault::LeaseExpired);
}

#[test]
fn a_lease_does_not_outlive_the_collateral() {
    let mut world = World::new();
    // The development collateral ends thirty days after midnight.
    let end = chaos_attestation::provide::development::Window::of_day(AT_S).expires_at_s;
    let held = world.obtain(&asking(), None, end - 100).unwrap();
    assert!(held.expires_at_s() <= end, "{} is after {end}", held.expires_at_s());
}

#[test]
fn a_revoked_lease_is_void_at_once_on_both_sides() {
    let mut world = World::new();
    let mut held = world.obtain(&asking(), None, AT_S).unwrap();
    let lease = held.lease();
    let answered = world.broker.revoke_lease(&lease, AT_S + 1);
    world.record(answered).unwrap();
    let used = world.broker.ensure_lease(&lease, &id("a/key"), AT_S + 1).map(|_| ());
    assert_eq!(refused(used), Fault::LeaseRevoked);
    let renewal = world.challenge(&asking().ask(Some(lease)), AT_S + 1);
    assert_eq!(refused(renewal), Fault::LeaseRevoked);
    let list = revocations(&world, AT_S + 2);
    assert_eq!(refused(held.observe(&list, AT_S + 2)), Fault::LeaseRevoked);
    assert_eq!(refused(held.secret(&id("a/key"), AT_S + 2)), Fault::SecretUnknown);
}

#[test]
fn a_lease_revoked_between_nonce_and_answer_is_not_renewed() {
    let mut world = World::new();
    let lease = world.obtain(&asking(), None, AT_S).unwrap().lease();
    let (_, request) = world.request(&asking(), Some(lease), &machine("agent"), AT_S);
    let answered = world.broker.revoke_lease(&lease, AT_S);
    world.record(answered).unwrap();
    assert_eq!(refused(world.release(&request, AT_S)), Fault::LeaseRevoked);
}

#[test]
fn a_revoked_job_loses_its_leases_and_open_nonces_and_no_other_does() {
    let mut world = World::new();
    let mine = world.obtain(&asking(), None, AT_S).unwrap().lease();
    let other = world.obtain(&client("b/job", &["b/key"]), None, AT_S).unwrap().lease();
    let (_, open) = world.request(&asking(), None, &machine("agent"), AT_S);
    let answered = world.broker.revoke_job(&"a/job".parse().unwrap(), AT_S);
    world.record(answered).unwrap();
    let used = world.broker.ensure_lease(&mine, &id("a/key"), AT_S).map(|_| ());
    assert_eq!(refused(used), Fault::LeaseRevoked);
    assert_eq!(refused(world.release(&open, AT_S)), Fault::NonceSpent);
    assert!(world.broker.ensure_lease(&other, &id("b/key"), AT_S).is_ok());
}

#[test]
fn rotation_makes_leases_stale_and_renewal_gives_the_new_version() {
    let mut world = World::new();
    let mut held = world.obtain(&asking(), None, AT_S).unwrap();
    let lease = held.lease();
    world.vault.rotate(&id("a/key"), &secret("alpha-two"), &mut world.random).unwrap();
    world.learn(AT_S + 1).unwrap();
    let used = world.broker.ensure_lease(&lease, &id("a/key"), AT_S + 1).map(|_| ());
    assert_eq!(refused(used), Fault::LeaseStale);
    assert!(world.broker.ensure_lease(&lease, &id("a/more"), AT_S + 1).is_ok());
    let list = revocations(&world, AT_S + 1);
    assert_eq!(refused(held.observe(&list, AT_S + 1)), Fault::LeaseStale);
    assert_eq!(refused(held.secret(&id("a/key"), AT_S + 1)), Fault::SecretUnknown);
    assert!(held.secret(&id("a/more"), AT_S + 1).is_ok());
    let mut renewed = world.obtain(&asking(), Some(lease), AT_S + 2).unwrap();
    assert_eq!(renewed.secret(&id("a/key"), AT_S + 2).unwrap().expose(), b"alpha-two");
    assert!(world.broker.ensure_lease(&lease, &id("a/key"), AT_S + 2).is_ok());
    assert!(renewed.observe(&revocations(&world, AT_S + 2), AT_S + 2).is_ok());
}

#[test]
fn a_revoked_secret_is_released_no_more() {
    let mut world = World::new();
    let lease = world.obtain(&asking(), None, AT_S).unwrap().lease();
    world.vault.revoke(&id("a/key")).unwrap();
    world.learn(AT_S + 1).unwrap();
    let used = world.broker.ensure_lease(&lease, &id("a/key"), AT_S + 1).map(|_| ());
    assert_eq!(refused(used), Fault::SecretRevoked);
    let renewal = world.obtain(&asking(), Some(lease), AT_S + 1);
    assert_eq!(refused(renewal), Fault::SecretRevoked);
}

#[test]
fn an_older_vault_put_back_is_noticed() {
    let mut world = World::new();
    let source = KeyFile::new(&Secret::new(vec![7; 32]).unwrap()).unwrap();
    let older = world.vault.to_bytes(&mut world.random).unwrap();
    world.vault.rotate(&id("a/key"), &secret("alpha-two"), &mut world.random).unwrap();
    world.learn(AT_S).unwrap();
    world.vault = Vault::from_bytes(&older, &source).unwrap();
    assert_eq!(refused(world.learn(AT_S)), Fault::VaultRollback);
    assert_eq!(refused(world.obtain(&asking(), None, AT_S)), Fault::VaultRollback);
    // One that lacks a secret, or holds a revoked one again.
    world.vault = Vault::create(&source, &mut world.random).unwrap();
    assert_eq!(refused(world.learn(AT_S)), Fault::VaultRollback);
}

#[test]
fn a_lease_is_not_renewed_for_another_job_workload_or_list() {
    let mut world = World::new();
    let lease = world.obtain(&asking(), None, AT_S).unwrap().lease();
    for other in [client("a/other", &["a/key", "a/more"]), client("a/job", &["a/key"])] {
        let challenge = world.challenge(&other.ask(Some(lease)), AT_S);
        assert_eq!(refused(challenge), Fault::LeaseMismatch);
    }
    for secret in ["a/key", "a/more"] {
        let answered = world.broker.allow(rule(machine("other").workload(), secret), AT_S);
        world.record(answered).unwrap();
    }
    let (_, request) = world.request(&asking(), Some(lease), &machine("other"), AT_S);
    assert_eq!(refused(world.release(&request, AT_S)), Fault::LeaseMismatch);
}

#[test]
fn a_clock_set_back_is_refused_everywhere() {
    let mut world = World::new();
    let mut held = world.obtain(&asking(), None, AT_S).unwrap();
    let lease = held.lease();
    let (_, request) = world.request(&asking(), None, &machine("agent"), AT_S + 10);
    let before = world.broker.clone();
    let back = AT_S + 9;
    assert_eq!(refused(world.challenge(&asking().ask(None), back)), ReasonCode::ClockSetBack);
    assert_eq!(refused(world.release(&request, back)), ReasonCode::ClockSetBack);
    assert_eq!(refused(world.learn(back)), ReasonCode::ClockSetBack);
    let answered = world.broker.revoke_lease(&lease, back);
    assert_eq!(refused(world.record(answered)), ReasonCode::ClockSetBack);
    let used = world.broker.ensure_lease(&lease, &id("a/key"), back).map(|_| ());
    assert_eq!(refused(used), ReasonCode::ClockSetBack);
    assert_eq!(refused(world.broker.revocations(&key(1), back)), ReasonCode::ClockSetBack);
    assert_eq!(world.broker, before);
    assert!(held.secret(&id("a/key"), AT_S + 500).is_ok());
    assert_eq!(refused(held.secret(&id("a/key"), AT_S + 499)), ReasonCode::ClockSetBack);
    // The nonce was not used up by that.
    world.release(&request, AT_S + 10).unwrap();
}

#[test]
fn a_revocation_list_is_signed_counted_and_fresh() {
    let mut world = World::new();
    let mut held = world.obtain(&asking(), None, AT_S).unwrap();
    let other = world.obtain(&client("b/job", &["b/key"]), None, AT_S).unwrap().lease();
    let old = revocations(&world, AT_S);
    let answered = world.broker.revoke_lease(&other, AT_S + 1);
    world.record(answered).unwrap();
    let new = revocations(&world, AT_S + 1);
    assert!(new.claimed().sequence > old.claimed().sequence);
    assert_eq!(new.claimed().leases, [other]);
    held.observe(&new, AT_S + 1).unwrap();
    assert_eq!(refused(held.observe(&old, AT_S + 1)), Fault::RevocationListRollback);
    assert_eq!(refused(held.observe(&new, AT_S + 301)), Fault::RevocationListExpired);
    let forged = Signed::sign(new.claimed().clone(), &key(9)).unwrap();
    assert_eq!(refused(held.observe(&forged, AT_S + 301)), Fault::SignatureInvalid);
    assert!(held.secret(&id("a/key"), AT_S + 301).is_ok());
    assert_eq!(refused(world.broker.revocations(&key(9), AT_S + 2)), Fault::SignatureInvalid);
}

#[test]
fn a_revoked_lease_denies_its_role_and_workload_until_it_is_lifted() {
    let mut world = World::new();
    for secret in ["a/key", "a/more"] {
        let answered = world.broker.allow(rule(machine("other").workload(), secret), AT_S);
        world.record(answered).unwrap();
    }
    let job = "a/job".parse().unwrap();
    let sibling = world.obtain(&asking(), None, AT_S).unwrap().lease();
    let lease = world.obtain(&asking(), None, AT_S).unwrap().lease();
    let answered = world.broker.revoke_lease(&lease, AT_S + 1);
    world.record(answered).unwrap();
    // Neither a new lease nor the renewal of another, not even when the lease is long forgotten.
    for renews in [None, Some(sibling)] {
        let again = world.obtain(&asking(), renews, AT_S + 2);
        assert_eq!(refused(again), Fault::LeaseRevoked);
    }
    let later = AT_S + 900 + lease::LEASE_MEMORY_S + 1;
    world.obtain(&client("a/other", &["a/key"]), None, later).unwrap();
    assert!(world.broker.leases().all(|remembered| remembered.id != lease));
    assert_eq!(refused(world.obtain(&asking(), None, later)), Fault::LeaseRevoked);
    // Another workload and another job are served.
    let (_, request) = world.request(&asking(), None, &machine("other"), later);
    world.release(&request, later).unwrap();
    let answered = world.broker.lift_job(&job, later);
    world.record(answered).unwrap();
    world.obtain(&asking(), None, later).unwrap();
    let answered = world.broker.lift_job(&job, later);
    assert_eq!(refused(world.record(answered)), Fault::JobNotRevoked);
}

#[test]
fn a_revoked_job_gets_no_nonce_until_it_is_lifted() {
    let mut world = World::new();
    let job = "a/job".parse().unwrap();
    let lease = world.obtain(&asking(), None, AT_S).unwrap().lease();
    let answered = world.broker.revoke_job(&job, AT_S + 1);
    world.record(answered).unwrap();
    let year_s = 365 * 86_400;
    for at_s in [AT_S + 1, AT_S + year_s] {
        let challenge = world.challenge(&asking().ask(None), at_s);
        assert_eq!(refused(challenge), Fault::JobRevoked);
    }
    world.challenge(&client("b/job", &["b/key"]).ask(None), AT_S + year_s).unwrap();
    let answered = world.broker.lift_job(&job, AT_S + year_s);
    world.record(answered).unwrap();
    world.challenge(&asking().ask(None), AT_S + year_s).unwrap();
    // The old lease stays what it was.
    assert!(world.broker.leases().all(|known| known.id != lease || known.revoked));
}

/// A release that the broker makes now, while our clock shows another time at its two moments.
fn obtained(proven_s: u64, opened_s: u64) -> Result<Held, Refusal> {
    let mut world = World::new();
    let purpose = asking().ask(None);
    let challenge = world.challenge(&purpose, AT_S).unwrap();
    let provider = machine("agent");
    let (pending, request) =
        asking().prove(purpose, &challenge, &provider, &mut world.random, proven_s)?;
    let grant = world.release(&request, AT_S).unwrap();
    pending.open(&grant, opened_s)
}

#[test]
fn a_clock_far_from_the_brokers_gets_no_secret() {
    let week_s = 7 * 86_400;
    for wrong in [AT_S - week_s, AT_S - 61, AT_S + 61] {
        assert_eq!(refused(obtained(wrong, wrong)), Fault::ClockSkewed);
        // The challenge is not signed; the grant is.
        assert_eq!(refused(obtained(AT_S, wrong)), Fault::ClockSkewed);
    }
    for borne in [AT_S - 60, AT_S + 60] {
        assert!(obtained(borne, borne).is_ok());
    }
}

#[test]
fn a_clock_that_is_behind_makes_no_lease_longer() {
    let behind = AT_S - 60;
    let mut held = obtained(behind, behind).unwrap();
    assert_eq!(held.expires_at_s(), behind + 900);
    assert!(held.secret(&id("a/key"), behind + 899).is_ok());
    assert_eq!(refused(held.secret(&id("a/key"), behind + 900)), Fault::LeaseExpired);
    let ahead = obtained(AT_S + 60, AT_S + 60).unwrap();
    assert_eq!(ahead.expires_at_s(), AT_S + 900);
}

#[test]
fn a_renewal_keeps_what_was_seen_of_clock_and_revocation_lists() {
    let mut world = World::new();
    let mut held = world.obtain(&asking(), None, AT_S).unwrap();
    let other = world.obtain(&client("b/job", &["b/key"]), None, AT_S).unwrap().lease();
    let old = revocations(&world, AT_S);
    let answered = world.broker.revoke_lease(&other, AT_S + 1);
    world.record(answered).unwrap();
    let new = revocations(&world, AT_S + 30);
    held.observe(&new, AT_S + 30).unwrap();
    let machine = machine("agent");
    let (pending, request) = world.request(&asking(), Some(held.lease()), &machine, AT_S + 30);
    let grant = world.release(&request, AT_S + 30).unwrap();
    let (foreign, request) = world.request(&asking(), None, &machine, AT_S + 30);
    let unrelated = world.release(&request, AT_S + 30).unwrap();
    let back = held.renew(pending, &grant, AT_S + 29);
    assert_eq!(refused(back), ReasonCode::ClockSetBack);
    let mismatch = held.renew(foreign, &unrelated, AT_S + 30);
    assert_eq!(refused(mismatch), Fault::LeaseMismatch);
    assert_eq!(held.expires_at_s(), AT_S + 900);
    let (pending, request) = world.request(&asking(), Some(held.lease()), &machine, AT_S + 40);
    let grant = world.release(&request, AT_S + 40).unwrap();
    held.renew(pending, &grant, AT_S + 40).unwrap();
    assert_eq!(held.expires_at_s(), AT_S + 40 + 900);
    assert_eq!(refused(held.observe(&old, AT_S + 41)), Fault::RevocationListRollback);
    assert_eq!(refused(held.secret(&id("a/key"), AT_S + 39)), ReasonCode::ClockSetBack);
    assert!(held.secret(&id("a/key"), AT_S + 41).is_ok());
}
