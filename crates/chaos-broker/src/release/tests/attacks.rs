use chaos_attestation::provide::development;

use super::*;

const JOB: &str = "a/job";

#[test]
fn a_nonce_works_once() {
    let mut world = World::new();
    let (_, request) = world.request(&client(JOB, &["a/key"]), None, &machine("agent"), AT_S);
    world.release(&request, AT_S).unwrap();
    assert_eq!(refused(world.release(&request, AT_S)), Fault::NonceSpent);
    // It stays spent when its time is over.
    assert_eq!(refused(world.release(&request, AT_S + 301)), Fault::NonceSpent);
}

#[test]
fn a_nonce_is_used_up_by_a_refusal_too() {
    let mut world = World::new();
    let (_, request) = world.request(&client(JOB, &["a/key"]), None, &machine("stranger"), AT_S);
    assert_eq!(refused(world.release(&request, AT_S)), ReasonCode::WorkloadNotAllowed);
    world.appraiser.allowed.insert(machine("stranger").workload());
    assert_eq!(refused(world.release(&request, AT_S)), Fault::NonceSpent);
}

#[test]
fn an_expired_or_unknown_nonce_is_refused() {
    let mut world = World::new();
    let asking = client(JOB, &["a/key"]);
    let (_, request) = world.request(&asking, None, &machine("agent"), AT_S);
    let (_, late) = world.request(&asking, None, &machine("agent"), AT_S);
    let foreign = ReleaseRequest { nonce: late.nonce.clone(), ..request.clone() };
    assert_eq!(refused(world.release(&foreign, AT_S)), Fault::NonceUnknown);
    // The guess did not use it up.
    world.release(&request, AT_S + 299).unwrap();
    assert_eq!(refused(world.release(&late, AT_S + 300)), Fault::NonceExpired);
    let mut other = World::new();
    assert_eq!(refused(other.release(&request, AT_S)), Fault::NonceUnknown);
}

#[test]
fn a_quote_for_another_key_or_a_key_from_another_quote_is_refused() {
    let mut world = World::new();
    let asking = client(JOB, &["a/key"]);
    let (_, one) = world.request(&asking, None, &machine("agent"), AT_S);
    let (_, two) = world.request(&asking, None, &machine("agent"), AT_S);
    let mixed_key = ReleaseRequest { key: two.key, ..one.clone() };
    assert_eq!(refused(world.release(&mixed_key, AT_S)), ReasonCode::BindingMismatch);
    let mixed_quote = ReleaseRequest { evidence: one.evidence, ..two };
    assert_eq!(refused(world.release(&mixed_quote, AT_S)), ReasonCode::BindingMismatch);
}

#[test]
fn another_job_role_or_secret_than_the_nonce_was_given_for_is_refused() {
    let changes: [fn(&mut Purpose); 4] = [
        |purpose| purpose.job = "a/other".parse().unwrap(),
        |purpose| purpose.role = "auditor".parse().unwrap(),
        |purpose| purpose.secrets.push(id("a/more")),
        |purpose| purpose.secrets = vec![id("a/more")],
    ];
    for change in changes {
        let mut world = World::new();
        let (_, mut request) =
            world.request(&client(JOB, &["a/key"]), None, &machine("agent"), AT_S);
        change(&mut request.purpose);
        assert_eq!(refused(world.release(&request, AT_S)), ReasonCode::BindingMismatch);
    }
}

#[test]
fn an_extra_secret_that_the_quote_does_not_bind_is_refused() {
    // The host asks the nonce for two secrets; the code inside binds one.
    let mut world = World::new();
    let wide = client(JOB, &["a/key", "a/more"]).ask(None);
    let narrow = client(JOB, &["a/key"]);
    let challenge = world.challenge(&wide, AT_S).unwrap();
    let (_, mut request) = narrow
        .prove(narrow.ask(None), &challenge, &machine("agent"), &mut world.random, AT_S)
        .unwrap();
    request.purpose = wide;
    assert_eq!(refused(world.release(&request, AT_S)), ReasonCode::BindingMismatch);
}

#[test]
fn evidence_of_a_debug_domain_is_refused() {
    let mut world = World::new();
    let debug = crate::tests::faulty("agent", development::Fault::DebugTd);
    // The attributes are part of the workload, so the list would refuse it as well.
    world.appraiser.allowed.insert(debug.workload());
    let (_, request) = world.request(&client(JOB, &["a/key"]), None, &debug, AT_S);
    assert_eq!(refused(world.release(&request, AT_S)), ReasonCode::DebugRefused);
}

#[test]
fn stale_collateral_is_refused() {
    let mut world = World::new();
    let stale = crate::tests::faulty("agent", development::Fault::TcbInfoExpired);
    let (_, request) = world.request(&client(JOB, &["a/key"]), None, &stale, AT_S);
    assert_eq!(refused(world.release(&request, AT_S)), ReasonCode::CollateralExpired);
}

#[test]
fn a_workload_without_a_rule_gets_nothing() {
    let mut world = World::new();
    let (_, request) = world.request(&client(JOB, &["a/key"]), None, &machine("other"), AT_S);
    assert_eq!(refused(world.release(&request, AT_S)), Fault::SecretForbidden);
    // A rule for one job is none for another.
    let mut narrow = rule(machine("other").workload(), "a/key");
    narrow.job = Some("a/special".parse().unwrap());
    let answered = world.broker.allow(narrow, AT_S);
    world.record(answered).unwrap();
    let (_, request) = world.request(&client(JOB, &["a/key"]), None, &machine("other"), AT_S);
    assert_eq!(refused(world.release(&request, AT_S)), Fault::SecretForbidden);
    let (_, request) =
        world.request(&client("a/special", &["a/key"]), None, &machine("other"), AT_S);
    world.release(&request, AT_S).unwrap();
}

#[test]
fn one_secret_that_is_not_allowed_withholds_all() {
    let mut world = World::new();
    let forbidden = rule(machine("agent").workload(), "a/more");
    let answered = world.broker.forbid(&forbidden, AT_S);
    world.record(answered).unwrap();
    let asking = client(JOB, &["a/key", "a/more"]);
    assert_eq!(refused(world.obtain(&asking, None, AT_S)), Fault::SecretForbidden);
    assert_eq!(world.broker.leases().count(), 0);
}

#[test]
fn the_secrets_of_two_tenants_never_mix() {
    let mut world = World::new();
    // The workload may read both tenants' secrets, but in no one job.
    for asking in [client("b/job", &["a/key"]), client("a/job", &["a/key", "b/key"])] {
        assert_eq!(refused(world.obtain(&asking, None, AT_S)), Fault::SecretForbidden);
    }
    let crossing =
        Rule { job: Some("b/job".parse().unwrap()), ..rule(machine("agent").workload(), "a/key") };
    let answered = world.broker.allow(crossing, AT_S);
    assert_eq!(refused(world.record(answered)), Fault::SecretForbidden);
    let mut held = world.obtain(&client("b/job", &["b/key"]), None, AT_S).unwrap();
    assert_eq!(held.secret(&id("b/key"), AT_S).unwrap().expose(), b"bravo-bravo");
}

#[test]
fn a_substituted_answer_does_not_open() {
    let mut world = World::new();
    let asking = client(JOB, &["a/key"]);
    let (first, one) = world.request(&asking, None, &machine("agent"), AT_S);
    let (second, two) = world.request(&asking, None, &machine("agent"), AT_S);
    let tenant = client("b/job", &["b/key"]);
    let (third, three) = world.request(&tenant, None, &machine("agent"), AT_S);
    let one = world.release(&one, AT_S).unwrap();
    let two = world.release(&two, AT_S).unwrap();
    let three = world.release(&three, AT_S).unwrap();
    // A genuine answer to another request, lease or tenant.
    assert_eq!(refused(first.open(&two, AT_S)), ReasonCode::BindingMismatch);
    assert_eq!(refused(third.open(&one, AT_S)), ReasonCode::BindingMismatch);
    // A ciphertext of another answer put into this one, signed by the host's own key or by none.
    let mut patched = two.claimed().clone();
    patched.sealed = three.claimed().sealed.clone();
    let json = wire::to_bytes(&two).unwrap();
    let mut unsigned: serde_json::Value = serde_json::from_slice(&json).unwrap();
    unsigned["body"] = serde_json::to_value(&patched).unwrap();
    let unsigned: Signed<Grant> = serde_json::from_value(unsigned).unwrap();
    assert_eq!(refused(second.open(&unsigned, AT_S)), Fault::SignatureInvalid);
    let (fourth, four) = world.request(&asking, None, &machine("agent"), AT_S);
    let grant = world.release(&four, AT_S).unwrap();
    let by_host = Signed::sign(grant.claimed().clone(), &key(9)).unwrap();
    assert_eq!(refused(fourth.open(&by_host, AT_S)), Fault::SignatureInvalid);
}

#[test]
fn swapped_ciphertexts_do_not_open_even_under_the_brokers_signature() {
    let mut world = World::new();
    let (pending, request) =
        world.request(&client(JOB, &["a/key", "a/more"]), None, &machine("agent"), AT_S);
    let mut grant = world.release(&request, AT_S).unwrap().claimed().clone();
    grant.sealed.swap(0, 1);
    let names = [id("a/key"), id("a/more")];
    for (sealed, name) in grant.sealed.iter_mut().zip(names) {
        sealed.secret = name;
    }
    let signed = Signed::sign(grant, &key(1)).unwrap();
    assert_eq!(refused(pending.open(&signed, AT_S)), Fault::CiphertextInvalid);
}

#[test]
fn a_broker_under_another_key_is_refused_on_both_sides() {
    let mut world = World::new();
    let (_, request) = world.request(&client(JOB, &["a/key"]), None, &machine("agent"), AT_S);
    world.key = key(9);
    assert_eq!(refused(world.release(&request, AT_S)), Fault::SignatureInvalid);
    world.key = key(1);
    world.release(&request, AT_S).unwrap();
}

#[test]
fn no_secret_and_no_nonce_appears_in_any_event_message_error_or_debug_text() {
    let mut world = World::new();
    let asking = client(JOB, &["a/key"]);
    let purpose = asking.ask(None);
    let challenge = world.challenge(&purpose, AT_S).unwrap();
    let (pending, request) =
        asking.prove(purpose, &challenge, &machine("agent"), &mut world.random, AT_S).unwrap();
    let grant = world.release(&request, AT_S).unwrap();
    let again = world.release(&request, AT_S).unwrap_err();
    let public = Message::Grant(Box::new(grant.clone())).to_bytes().unwrap();
    let mut shown = format!("{world_:?} {pending:?} {again} {again:?}", world_ = world.broker);
    let held = pending.open(&grant, AT_S).unwrap();
    shown += &format!("{held:?} {:?} {:?} {request:?} {challenge:?}", world.vault, world.events);
    shown += &String::from_utf8(public).unwrap();
    for event in &world.events {
        shown += &String::from_utf8(wire::to_bytes(event).unwrap()).unwrap();
    }
    let nonce = challenge.nonce.as_bytes();
    for needle in [&b"alpha-alpha"[..], b"alpha-more", b"bravo-bravo", nonce] {
        use base64::Engine as _;
        let base64 = base64::engine::general_purpose::STANDARD.encode(needle);
        for text in [hex::encode(needle), base64, format!("{needle:?}")] {
            assert!(!shown.contains(&text), "{text}");
        }
    }
    assert!(!shown.contains("alpha-") && !shown.contains("bravo-"));
    // The search would find it.
    assert!(format!("{:?}", nonce).len() > 64 && shown.contains(&challenge.session.to_string()));
}

#[test]
fn evidence_of_another_class_never_satisfies_a_rule() {
    let mut world = World::new();
    let (_, request) = world.request(&client(JOB, &["a/key"]), None, &machine("other"), AT_S);
    // The workload, role and job are those of the rule; the machine is a development one.
    let production =
        Rule { anchor: AnchorClass::IntelProduction, ..rule(machine("other").workload(), "a/key") };
    let answered = world.broker.allow(production.clone(), AT_S);
    world.record(answered).unwrap();
    assert_eq!(refused(world.release(&request, AT_S)), ReasonCode::AnchorClassRefused);
    assert_eq!(world.broker.leases().count(), 0);
    let development = Rule { anchor: AnchorClass::Development, ..production };
    let answered = world.broker.allow(development, AT_S);
    world.record(answered).unwrap();
    let (_, request) = world.request(&client(JOB, &["a/key"]), None, &machine("other"), AT_S);
    world.release(&request, AT_S).unwrap();
}
