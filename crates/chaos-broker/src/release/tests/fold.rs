use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    SetBack,
    Challenge { job: u8 },
    Obtain { job: u8, machine: u8, renew: bool },
    Replay,
    Rotate { secret: u8 },
    RevokeSecret { secret: u8 },
    Allow { secret: u8 },
    Forbid { secret: u8 },
    RevokeLease,
    RevokeJob { job: u8 },
    LiftJob { job: u8 },
    Expel,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..400_u64).prop_map(Step::Wait),
        1 => Just(Step::SetBack),
        2 => (0..2_u8).prop_map(|job| Step::Challenge { job }),
        6 => (0..2_u8, 0..3_u8, any::<bool>())
            .prop_map(|(job, machine, renew)| Step::Obtain { job, machine, renew }),
        1 => Just(Step::Replay),
        1 => (0..3_u8).prop_map(|secret| Step::Rotate { secret }),
        1 => (0..3_u8).prop_map(|secret| Step::RevokeSecret { secret }),
        1 => (0..3_u8).prop_map(|secret| Step::Allow { secret }),
        1 => (0..3_u8).prop_map(|secret| Step::Forbid { secret }),
        1 => Just(Step::RevokeLease),
        1 => (0..2_u8).prop_map(|job| Step::RevokeJob { job }),
        2 => (0..2_u8).prop_map(|job| Step::LiftJob { job }),
        1 => Just(Step::Expel),
    ]
}

const SECRETS: [&str; 3] = ["a/key", "a/more", "b/key"];

fn asking(job: u8) -> Client {
    if job == 0 { client("a/job", &["a/key", "a/more"]) } else { client("b/job", &["b/key"]) }
}

/// Runs steps; what is refused is as good as what is not.
struct Run {
    world: World,
    at_s: u64,
    last: Option<ReleaseRequest>,
}

impl Run {
    fn step(&mut self, step: &Step) {
        let at_s = self.at_s;
        let world = &mut self.world;
        let lease = world.broker.leases().last().map(|lease| lease.id);
        let named = |secret: &u8| SECRETS[usize::from(*secret)];
        match step {
            Step::Wait(by_s) => self.at_s += by_s,
            Step::SetBack => drop(world.challenge(&asking(0).ask(None), at_s - 1)),
            Step::Challenge { job } => drop(world.challenge(&asking(*job).ask(None), at_s)),
            Step::Obtain { job, machine: number, renew } => {
                let purpose = asking(*job).ask(lease.filter(|_| *renew));
                let provider = machine(["agent", "other", "stranger"][usize::from(*number)]);
                if let Ok(challenge) = world.challenge(&purpose, at_s) {
                    let (_, request) = asking(*job)
                        .prove(purpose, &challenge, &provider, &mut world.random, at_s)
                        .unwrap();
                    drop(world.release(&request, at_s));
                    self.last = Some(request);
                }
            }
            Step::Replay => {
                if let Some(request) = &self.last {
                    assert!(world.release(request, at_s).is_err());
                }
            }
            Step::Rotate { secret: number } => {
                let text = secret(&format!("rotated-{at_s}"));
                drop(world.vault.rotate(&id(named(number)), &text, &mut world.random));
                world.learn(at_s).unwrap();
            }
            Step::RevokeSecret { secret } => {
                drop(world.vault.revoke(&id(named(secret))));
                world.learn(at_s).unwrap();
            }
            Step::Allow { secret } => {
                let answered =
                    world.broker.allow(rule(machine("other").workload(), named(secret)), at_s);
                drop(world.record(answered));
            }
            Step::Forbid { secret } => {
                let old = rule(machine("other").workload(), named(secret));
                let answered = world.broker.forbid(&old, at_s);
                drop(world.record(answered));
            }
            Step::RevokeLease => {
                if let Some(lease) = lease {
                    let answered = world.broker.revoke_lease(&lease, at_s);
                    drop(world.record(answered));
                }
            }
            Step::RevokeJob { job } => {
                let answered = world.broker.revoke_job(&asking(*job).ask(None).job, at_s);
                drop(world.record(answered));
            }
            Step::LiftJob { job } => {
                let answered = world.broker.lift_job(&asking(*job).ask(None).job, at_s);
                drop(world.record(answered));
            }
            Step::Expel => drop(world.appraiser.allowed.remove(&machine("other").workload())),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The log carries the broker: what was written and read again gives the same state, and no
    /// lease is live whose secrets were revoked or rotated.
    #[test]
    fn the_fold_of_the_events_is_the_live_state(
        steps in prop::collection::vec(step(), 1..24)
    ) {
        let mut run = Run { world: World::new(), at_s: AT_S + 1, last: None };
        for step in &steps {
            run.step(step);
        }
        let World { broker, events, vault, .. } = run.world;
        let read: Vec<Event> = events
            .iter()
            .map(|event| {
                let bytes = wire::to_bytes(event).unwrap();
                chaos_types::canonical::from_slice(&bytes).unwrap()
            })
            .collect();
        prop_assert_eq!(&read, &events);
        let folded = Broker::fold(key(1).did(), Config::default(), &read).unwrap();
        prop_assert_eq!(&folded, &broker);
        for lease in broker.leases() {
            for (secret, version) in &lease.secrets {
                if broker.ensure_lease(&lease.id, secret, run.at_s).is_ok() {
                    let (current, _) = vault.open(secret).unwrap();
                    prop_assert_eq!(*version, current);
                    prop_assert!(!lease.revoked && lease.expires_at_s > run.at_s);
                    prop_assert_eq!(secret.tenant(), lease.job.tenant());
                }
            }
        }
    }
}

#[test]
fn an_event_that_does_not_follow_is_refused() {
    let mut world = World::new();
    world.obtain(&client("a/job", &["a/key"]), None, AT_S).unwrap();
    let fold = |events: &[Event]| Broker::fold(key(1).did(), Config::default(), events).map(|_| ());
    let events = world.events;
    fold(&events).unwrap();
    for left_out in 0..events.len() - 1 {
        let mut events = events.clone();
        let gone = events.remove(left_out);
        let needed = matches!(gone, Event::ChallengeGiven(_));
        assert_eq!(fold(&events).is_err(), needed, "{gone:?}");
    }
    let twice: Vec<Event> = events.iter().chain(events.last()).cloned().collect();
    assert_eq!(refused(fold(&twice)), Fault::EventInvalid);
    let mut swapped = events;
    swapped.swap(3, 4);
    let late = swapped.pop().unwrap();
    swapped.insert(0, late);
    assert_eq!(refused(fold(&swapped)), Fault::EventInvalid);
}

#[test]
fn the_fold_does_not_depend_on_how_long_nonces_live_now() {
    let mut world = World::new();
    let purpose = client("a/job", &["a/key"]).ask(None);
    let longer = Config { nonce_life_s: 86_400, ..Config::default() };
    for at_s in (AT_S..).step_by(10).take(crate::exchange::SESSIONS_MAX + 100) {
        world.challenge(&purpose, at_s).unwrap();
    }
    let last_s = world.events.last().unwrap().at_s();
    let (_, request) = world.request(&client("a/job", &["a/key"]), None, &machine("agent"), last_s);
    world.broker = Broker::fold(key(1).did(), longer, &world.events).unwrap();
    let late = world.release(&request, last_s + 300);
    assert_eq!(refused(late), Fault::NonceExpired);
}
