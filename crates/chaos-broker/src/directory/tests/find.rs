use std::collections::BTreeMap;

use super::*;

/// Six services with tags, capacities and owners, entered as a log would enter them.
fn world() -> World {
    let mut world = World::new();
    let listed = [
        ("alpha/one", "kraken/eu/small/production", 2),
        ("alpha/two", "kraken/us/small/production", 3),
        ("alpha/three", "binance/eu/large/production", 4),
        ("bravo/one", "kraken/eu/large/staging", 5),
        ("bravo/two", "/eu/small/production", 6),
        ("charlie/one", "///", 7),
    ];
    for (name, tagged, owner) in listed {
        let owner = if name.starts_with("alpha") { key(2) } else { key(owner) };
        let owner = if name.starts_with("bravo") { key(5) } else { owner };
        let mut service = registrar(&owner, name, tagged);
        world.list(&mut service, &owner, &machine("agent"), AT_S).unwrap();
    }
    world
}

#[test]
fn queries_narrow_by_name_and_every_kind_of_tag() {
    let world = world();
    let by_tags = |text: &str| world.found(&Query { name: None, tags: tags(text) }, AT_S);
    assert_eq!(by_tags("kraken///"), ["alpha/one", "alpha/two", "bravo/one"]);
    assert_eq!(by_tags("kraken/eu//"), ["alpha/one", "bravo/one"]);
    assert_eq!(by_tags("/eu/small/production"), ["alpha/one", "bravo/two"]);
    assert_eq!(by_tags("///staging"), ["bravo/one"]);
    assert_eq!(by_tags("//huge/"), [""; 0]);
    assert_eq!(by_tags("").len(), 6);
    let mut query = named("alpha");
    assert_eq!(world.found(&query, AT_S), ["alpha/one", "alpha/two", "alpha/three"]);
    query.tags = tags("/eu//");
    assert_eq!(world.found(&query, AT_S), ["alpha/one", "alpha/three"]);
}

/// Asks 60 times and counts the answers.
fn counts(world: &World, policy: &mut dyn Selection, query: &Query) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for _ in 0..60 {
        let chosen = world.directory.select(query, policy, &world.appraiser, AT_S).unwrap();
        *counts.entry(chosen.service.to_string()).or_default() += 1;
    }
    counts
}

#[test]
fn round_robin_takes_each_in_turn_and_goes_on_when_one_leaves() {
    let mut world = world();
    let mut policy = RoundRobin::default();
    assert_eq!(
        counts(&world, &mut policy, &named("alpha")),
        BTreeMap::from([
            ("alpha/one".to_owned(), 20),
            ("alpha/two".to_owned(), 20),
            ("alpha/three".to_owned(), 20)
        ])
    );
    let mut next = |world: &World| {
        let chosen = world.directory.select(&named("alpha"), &mut policy, &world.appraiser, AT_S);
        chosen.unwrap().service.to_string()
    };
    assert_eq!(next(&world), "alpha/one");
    let answered = world.directory.revoke(&id("alpha/two"), AT_S);
    world.record(answered).unwrap();
    assert_eq!([next(&world), next(&world)], ["alpha/three", "alpha/one"]);
}

#[test]
fn capacity_is_used_up_between_heartbeats_and_then_none_is_chosen() {
    let mut world = world();
    let mut policy = CapacityAware::default();
    let query = named("alpha");
    let mut chosen = Vec::new();
    while let Ok(service) = world.directory.select(&query, &mut policy, &world.appraiser, AT_S) {
        chosen.push(service.service.to_string());
    }
    // Three services with four places each, the emptiest first.
    assert_eq!(chosen.len(), 12);
    assert_eq!(chosen[..4], ["alpha/one", "alpha/two", "alpha/three", "alpha/one"]);
    let mut service = registrar(&key(2), "alpha/two", "kraken/us/small/production");
    world.beat(&mut service, &key(2), &machine("agent"), AT_S + 1).unwrap();
    let again = world.directory.select(&query, &mut policy, &world.appraiser, AT_S + 1).unwrap();
    assert_eq!(again.service, id("alpha/two"));
}

#[test]
fn choices_follow_reputation_and_skip_those_without() {
    let world = world();
    let score = |owner: &chaos_types::Did| match owner {
        owner if *owner == key(2).did() => 1,
        owner if *owner == key(5).did() => 3,
        _ => 0,
    };
    let mut policy = ReputationAware::new(score);
    // Three services weigh one each, two weigh three each: nine in sixty-three, less rounding.
    let counts = counts(&world, &mut policy, &Query::default());
    assert_eq!(counts.get("charlie/one"), None);
    for (name, weight) in [("alpha/one", 1), ("alpha/two", 1), ("bravo/one", 3), ("bravo/two", 3)] {
        let fair = 60 * weight / 9;
        assert!(counts[name].abs_diff(fair) <= 1, "{name}: {} of {fair}", counts[name]);
    }
    let mut nobody = ReputationAware::new(|_: &chaos_types::Did| 0);
    let query = Query::default();
    let chosen = world.directory.select(&query, &mut nobody, &world.appraiser, AT_S);
    assert_eq!(refused(chosen), Fault::NoServiceFits);
}
