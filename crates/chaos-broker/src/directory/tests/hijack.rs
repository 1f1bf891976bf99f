use super::*;

#[test]
fn a_name_cannot_be_taken_by_another_key() {
    let mut world = World::new();
    let (owner, thief) = (key(2), key(3));
    let mut service = registrar(&owner, "simulator/one", "");
    world.list(&mut service, &owner, &machine("agent"), AT_S).unwrap();
    // Neither the instance nor another instance of the name, with the very same workload.
    for name in ["simulator/one", "simulator/two"] {
        let mut stolen = registrar(&thief, name, "");
        let taken = world.list(&mut stolen, &thief, &machine("agent"), AT_S);
        assert_eq!(refused(taken), Fault::NotOwner);
    }
    // Not even after it was over, for a week.
    let held = AT_S + 900 + 604_799;
    let mut stolen = registrar(&thief, "simulator/one", "");
    let taken = world.list(&mut stolen, &thief, &machine("agent"), held);
    assert_eq!(refused(taken), Fault::NotOwner);
    world.list(&mut stolen, &thief, &machine("agent"), held + 1).unwrap();
    assert_eq!(world.directory.service(&id("simulator/one")).unwrap().owner, thief.did());
}

#[test]
fn a_name_taken_between_nonce_and_request_stays_with_the_first() {
    let mut world = World::new();
    let (owner, thief) = (key(2), key(3));
    let mut stolen = registrar(&thief, "simulator/one", "");
    let challenge = world.challenge(stolen.ask(), AT_S).unwrap();
    let request = stolen
        .register(&challenge, &machine("agent"), 4, Signer { key: &thief, at_s: AT_S })
        .unwrap();
    let mut service = registrar(&owner, "simulator/one", "");
    world.list(&mut service, &owner, &machine("agent"), AT_S).unwrap();
    assert_eq!(refused(world.register(&request, AT_S)), Fault::NotOwner);
}

#[test]
fn a_heartbeat_by_another_key_is_refused() {
    let mut world = World::new();
    let (owner, thief) = (key(2), key(3));
    let mut service = registrar(&owner, "simulator/one", "");
    world.list(&mut service, &owner, &machine("agent"), AT_S).unwrap();
    let mut stolen = registrar(&thief, "simulator/one", "");
    let beat = world.beat(&mut stolen, &thief, &machine("agent"), AT_S + 1);
    assert_eq!(refused(beat), Fault::NotOwner);
    // Under the owner's name, signed by the thief.
    let challenge = world.challenge(service.ask(), AT_S + 1).unwrap();
    let genuine = service
        .heartbeat(&challenge, &machine("agent"), 4, Signer { key: &owner, at_s: AT_S + 1 })
        .unwrap();
    let forged = Signed::sign(genuine.claimed().clone(), &thief).unwrap();
    assert_eq!(refused(world.heartbeat(&forged, AT_S + 1)), Fault::SignatureInvalid);
    // The forgery did not use the nonce up.
    world.heartbeat(&genuine, AT_S + 1).unwrap();
}

#[test]
fn requests_cannot_be_replayed() {
    let mut world = World::new();
    let owner = key(2);
    let mut service = registrar(&owner, "simulator/one", "");
    let challenge = world.challenge(service.ask(), AT_S).unwrap();
    let registration = service
        .register(&challenge, &machine("agent"), 4, Signer { key: &owner, at_s: AT_S })
        .unwrap();
    world.register(&registration, AT_S).unwrap();
    assert_eq!(refused(world.register(&registration, AT_S)), Fault::NonceSpent);
    let challenge = world.challenge(service.ask(), AT_S + 1).unwrap();
    let beat = service
        .heartbeat(&challenge, &machine("agent"), 4, Signer { key: &owner, at_s: AT_S + 1 })
        .unwrap();
    world.heartbeat(&beat, AT_S + 1).unwrap();
    assert_eq!(refused(world.heartbeat(&beat, AT_S + 1)), Fault::NonceSpent);
    // An older number under a fresh nonce.
    let challenge = world.challenge(service.ask(), AT_S + 1).unwrap();
    let mut fresh = registrar(&owner, "simulator/one", "");
    let old = fresh
        .heartbeat(&challenge, &machine("agent"), 4, Signer { key: &owner, at_s: AT_S })
        .unwrap();
    assert_eq!(refused(world.heartbeat(&old, AT_S + 1)), Fault::RequestReplayed);
}

#[test]
fn a_request_to_another_directory_is_refused() {
    let mut world = World::new();
    let owner = key(2);
    let endpoints = vec![endpoint("tls://127.0.0.1:7301")];
    let mut service =
        Registrar::new(key(9).did(), owner.did(), id("simulator/one"), endpoints, Tags::default());
    let relayed = world.list(&mut service, &owner, &machine("agent"), AT_S);
    assert_eq!(refused(relayed), Fault::RequestReplayed);
}

#[test]
fn evidence_for_other_endpoints_tags_service_owner_or_nonce_is_refused() {
    let owner = key(2);
    let changes: [fn(&mut Registration); 3] = [
        |wanted| wanted.endpoints = vec![endpoint("tls://6.6.6.6:7301")],
        |wanted| wanted.tags = tags("/us//"),
        |wanted| wanted.endpoints.push(endpoint("tls://6.6.6.6:7301")),
    ];
    for change in changes {
        let mut world = World::new();
        let mut service = registrar(&owner, "simulator/one", "/eu//");
        let challenge = world.challenge(service.ask(), AT_S).unwrap();
        let request = service
            .register(&challenge, &machine("agent"), 4, Signer { key: &owner, at_s: AT_S })
            .unwrap();
        let mut wanted = request.claimed().clone();
        change(&mut wanted);
        let request = Signed::sign(wanted, &owner).unwrap();
        assert_eq!(refused(world.register(&request, AT_S)), ReasonCode::BindingMismatch);
    }
    // Evidence that a genuine environment gave for somebody else's registration.
    let mut world = World::new();
    let mut mine = registrar(&owner, "simulator/one", "");
    let mut theirs = registrar(&key(3), "another/one", "");
    let challenge = world.challenge(theirs.ask(), AT_S).unwrap();
    let other = theirs
        .register(&challenge, &machine("agent"), 4, Signer { key: &key(3), at_s: AT_S })
        .unwrap();
    let challenge = world.challenge(mine.ask(), AT_S).unwrap();
    let request = mine
        .register(&challenge, &machine("agent"), 4, Signer { key: &owner, at_s: AT_S })
        .unwrap();
    let mut wanted = request.claimed().clone();
    wanted.evidence = other.claimed().evidence.clone();
    let request = Signed::sign(wanted, &owner).unwrap();
    assert_eq!(refused(world.register(&request, AT_S)), ReasonCode::BindingMismatch);
    // A nonce that was given for somebody else.
    let challenge = world.challenge(theirs.ask(), AT_S).unwrap();
    let request = mine
        .register(&challenge, &machine("agent"), 4, Signer { key: &owner, at_s: AT_S })
        .unwrap();
    assert_eq!(refused(world.register(&request, AT_S)), ReasonCode::BindingMismatch);
}

#[test]
fn an_owner_has_a_bounded_number_of_services_and_a_service_of_endpoints() {
    let mut world = World::new();
    let owner = key(2);
    let provider = machine("agent");
    for number in 0..SERVICES_PER_OWNER_MAX {
        let mut service = registrar(&owner, &format!("simulator/n{number}"), "");
        world.list(&mut service, &owner, &provider, AT_S).unwrap();
    }
    let mut one_more = registrar(&owner, "simulator/one-more", "");
    let full = world.list(&mut one_more, &owner, &provider, AT_S);
    assert_eq!(refused(full), Fault::TableFull);
    // One that is listed can still be listed anew.
    let mut listed = registrar(&owner, "simulator/n0", "");
    world.list(&mut listed, &owner, &provider, AT_S + 1).unwrap();
    for count in [0, ENDPOINTS_MAX + 1] {
        let endpoints = vec![endpoint("tls://127.0.0.1:7301"); count];
        let service = id("simulator/n1");
        let mut service =
            Registrar::new(key(1).did(), owner.did(), service, endpoints, Tags::default());
        let odd = world.list(&mut service, &owner, &provider, AT_S + 1);
        assert_eq!(refused(odd), Fault::ServiceInvalid);
    }
}

#[test]
fn an_owner_whose_service_was_revoked_lists_no_other_instance_of_the_name() {
    let mut world = World::new();
    let owner = key(2);
    let mut first = registrar(&owner, "simulator/one", "");
    let mut listed = registrar(&owner, "simulator/two", "");
    for service in [&mut first, &mut listed] {
        world.list(service, &owner, &machine("agent"), AT_S).unwrap();
    }
    let answered = world.directory.revoke(&id("simulator/one"), AT_S + 1);
    world.record(answered).unwrap();
    let mut other = registrar(&owner, "simulator/three", "");
    for service in [&mut other, &mut listed] {
        let again = world.list(service, &owner, &machine("agent"), AT_S + 2);
        assert_eq!(refused(again), Fault::ServiceRevoked);
    }
    // What was listed lives on, and other names are free.
    world.beat(&mut listed, &owner, &machine("agent"), AT_S + 3).unwrap();
    let mut free = registrar(&owner, "another/one", "");
    world.list(&mut free, &owner, &machine("agent"), AT_S + 3).unwrap();
    let answered = world.directory.lift(&id("simulator/one"), AT_S + 4);
    world.record(answered).unwrap();
    world.list(&mut other, &owner, &machine("agent"), AT_S + 4).unwrap();
}

#[test]
fn an_owner_has_room_again_when_a_name_is_let_go_or_its_hold_is_over() {
    let mut world = World::new();
    // Events take the place of two hundred quotes.
    let hold_s = Config::default().name_hold_s;
    let owner = key(2);
    let mut listed = registrar(&owner, "first/one", "");
    world.list(&mut listed, &owner, &machine("agent"), AT_S).unwrap();
    let Some(Event::Registered(pattern)) = world.events.last().cloned() else {
        panic!("another event");
    };
    for number in 1..NAMES_PER_OWNER_MAX {
        let service = id(&format!("n{number}/one"));
        let subject = Subject { owner: owner.did(), service: service.clone() };
        let session = world.challenge(&subject, AT_S).unwrap().session;
        let event = Event::Registered(Registered { service, session, ..pattern.clone() });
        world.directory.apply(&event).unwrap();
    }
    let over = pattern.expires_at_s + 1;
    let mut one_more = registrar(&owner, "one-more/one", "");
    let full = world.list(&mut one_more, &owner, &machine("agent"), over);
    assert_eq!(refused(full), Fault::TableFull);
    // What is listed can be listed anew, another owner has names, and so has who let go of one.
    world.list(&mut listed, &owner, &machine("agent"), over).unwrap();
    let mut other = registrar(&key(3), "one-more/one", "");
    world.list(&mut other, &key(3), &machine("agent"), over).unwrap();
    let mut last = registrar(&owner, "n1/one", "");
    world.withdraw(&mut last, &owner, over).unwrap();
    let mut free = registrar(&owner, "freed/one", "");
    world.list(&mut free, &owner, &machine("agent"), over).unwrap();
    // The other holds end by themselves.
    let end_s = pattern.expires_at_s + hold_s;
    let mut late = registrar(&owner, "late/one", "");
    world.list(&mut late, &owner, &machine("agent"), end_s).unwrap();
}

#[test]
fn an_owner_holds_a_bounded_number_of_names_even_without_a_service() {
    let mut world = World::new();
    let (owner, other) = (key(2).did(), key(3).did());
    let mut listed = registrar(&key(2), "first/one", "");
    world.list(&mut listed, &key(2), &machine("agent"), AT_S).unwrap();
    let pattern = world.directory.service(&id("first/one")).unwrap().clone();
    let table = &mut world.directory.folded.state.table;
    let (over_s, hold_s) = (AT_S + 901, AT_S + 604_800);
    let mut put = |owner, service: String, expires_at_s| {
        table.prune(over_s);
        let service = id(&service);
        table.put(Service { service, owner, expires_at_s, ..pattern.clone() }, hold_s);
    };
    for number in 1..NAMES_PER_OWNER_MAX {
        put(owner, format!("held{number}/one"), AT_S + 900);
    }
    // Another's services fill the table: those of the owner, which are over, make room.
    for number in 0..SERVICES_MAX {
        put(other, format!("crowd/n{number}"), AT_S + 2_000);
    }
    assert!(table.iter().all(|service| service.owner == other));
    let full = table.ensure_room(&id("one-more/one"), &owner, AT_S + 2_000);
    assert!(full.unwrap_err().detail.contains("holds 256 names"));
    table.ensure_room(&id("held7/two"), &owner, AT_S + 2_000).unwrap();
}
