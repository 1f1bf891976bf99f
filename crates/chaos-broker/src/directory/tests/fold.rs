use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    List { owner: u8, name: u8, tags: u8, machine: u8 },
    Beat { owner: u8, name: u8 },
    Withdraw { owner: u8, name: u8 },
    Revoke(u8),
    Lift(u8),
    SetBack,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..500_u64).prop_map(Step::Wait),
        1 => (500_000..700_000_u64).prop_map(Step::Wait),
        6 => (2..4_u8, 0..4_u8, 0..3_u8, 0..3_u8)
            .prop_map(|(owner, name, tags, machine)| Step::List { owner, name, tags, machine }),
        3 => (2..4_u8, 0..4_u8).prop_map(|(owner, name)| Step::Beat { owner, name }),
        2 => (2..4_u8, 0..4_u8).prop_map(|(owner, name)| Step::Withdraw { owner, name }),
        1 => (0..4_u8).prop_map(Step::Revoke),
        1 => (0..4_u8).prop_map(Step::Lift),
        1 => Just(Step::SetBack),
    ]
}

const NAMES: [&str; 4] = ["alpha/one", "alpha/two", "bravo/one", "charlie/one"];
const TAGS: [&str; 3] = ["kraken/eu//", "kraken///", ""];

fn run(world: &mut World, at_s: &mut u64, step: &Step) {
    let now_s = *at_s;
    let registrar = |owner: u8, name: u8, tags: u8| {
        registrar(&key(owner), NAMES[usize::from(name)], TAGS[usize::from(tags)])
    };
    match step {
        Step::Wait(by_s) => *at_s += by_s,
        Step::List { owner, name, tags, machine: number } => {
            let provider = machine(["agent", "other", "stranger"][usize::from(*number)]);
            let mut registrar = registrar(*owner, *name, *tags);
            drop(world.list(&mut registrar, &key(*owner), &provider, now_s));
        }
        Step::Beat { owner, name } => {
            for tags in 0..3 {
                let mut registrar = registrar(*owner, *name, tags);
                drop(world.beat(&mut registrar, &key(*owner), &machine("other"), now_s));
            }
        }
        Step::Withdraw { owner, name } => {
            let mut registrar = registrar(*owner, *name, 0);
            if let Ok(challenge) = world.challenge(registrar.ask(), now_s) {
                let request = registrar
                    .withdraw(&challenge, Signer { key: &key(*owner), at_s: now_s })
                    .unwrap();
                let answered = world.directory.withdraw(&request, now_s);
                drop(world.record(answered));
            }
        }
        Step::Revoke(name) => {
            let answered = world.directory.revoke(&id(NAMES[usize::from(*name)]), now_s);
            drop(world.record(answered));
        }
        Step::Lift(name) => {
            let answered = world.directory.lift(&id(NAMES[usize::from(*name)]), now_s);
            drop(world.record(answered));
        }
        Step::SetBack => {
            let asked = registrar(2, 0, 0);
            assert!(world.challenge(asked.ask(), AT_S - 1).is_err());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The log carries the directory, and the indexes find what looking at every service finds.
    #[test]
    fn the_fold_of_the_events_is_the_live_state(
        steps in prop::collection::vec(step(), 1..40)
    ) {
        let mut world = World::new();
        // A first event, so that the clock can be set back.
        let asked = registrar(&key(2), "alpha/one", "");
        world.challenge(asked.ask(), AT_S).unwrap();
        let mut at_s = AT_S + 1;
        for step in &steps {
            run(&mut world, &mut at_s, step);
        }
        let read: Vec<Event> = world
            .events
            .iter()
            .map(|event| {
                let bytes = wire::to_bytes(event).unwrap();
                chaos_types::canonical::from_slice(&bytes).unwrap()
            })
            .collect();
        prop_assert_eq!(&read, &world.events);
        let folded = Directory::fold(key(1).did(), Config::default(), &read).unwrap();
        prop_assert_eq!(&folded, &world.directory);

        world.appraiser.allowed.remove(&machine("other").workload());
        for tagged in TAGS {
            let query = Query { name: None, tags: tags(tagged) };
            let wanted = &query.tags;
            let fits = |service: &&Service| {
                (wanted.exchange.is_none() || service.tags.exchange == wanted.exchange)
                    && (wanted.region.is_none() || service.tags.region == wanted.region)
                    && !service.revoked
                    && service.expires_at_s > at_s
                    && service.workload == machine("agent").workload()
            };
            let slow: Vec<String> = world
                .directory
                .services()
                .filter(fits)
                .map(|service| service.service.to_string())
                .collect();
            prop_assert_eq!(world.found(&query, at_s), slow);
        }
    }
}
