//! Commands that pay, each over a node that misbehaves by a seed, and killed at any question. Whatever happened, the
//! chain is asked afterwards: nothing was paid twice, nothing is lost, nothing stands above the cap, and one honest
//! run ends what was begun.

mod world;

use std::{
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use self::world::{Job, World};
use crate::{
    faulty::{Faults, Random},
    program::Run,
    proxy::{Proxy, Reply},
};

/// Seeds of a change's tests; `cargo xtask test --long` asks for more by [`SEEDS`].
const SEEDS_OF_A_CHANGE: u64 = 50;
/// How many seeds there are.
const SEEDS: &str = "CHAOSCHAIN_SEEDS";
/// One seed alone, to look at it.
const SEED: &str = "CHAOSCHAIN_SEED";
/// Runs over the misbehaving node, before it is honest again.
const FAULTY_RUNS: u32 = 2;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number of seeds"))
}

/// A node whose faults a seed decides, and that kills who asks at one of the questions.
struct Node {
    proxy: Proxy,
    faults: Arc<Mutex<Faults>>,
    asker: Arc<AtomicU32>,
}

/// When the program is killed: at this question, before or after the chain heard it.
#[derive(Debug, Clone, Copy)]
struct Kill {
    at: u64,
    is_heard: bool,
}

fn kill(asker: &AtomicU32) {
    let mut process = 0;
    while process == 0 {
        process = asker.load(Ordering::SeqCst);
        std::thread::yield_now();
    }
    let mut command = Command::new("kill");
    drop(command.args(["-KILL", &process.to_string()]).stderr(Stdio::null()).status());
}

impl Node {
    fn start(world: &World, faults: Option<u64>, killed: Option<Kill>) -> Self {
        let (seeded, asker) = (faults.is_some(), Arc::new(AtomicU32::new(0)));
        let faults = Arc::new(Mutex::new(Faults::new(faults.unwrap_or_default())));
        let chain = world.endpoint().to_owned();
        let (shared, whom) = (Arc::clone(&faults), Arc::clone(&asker));
        let proxy = Proxy::start(world.endpoint(), move |number, body| {
            if let Some(Kill { at, is_heard }) = killed
                && number == at
            {
                if is_heard {
                    crate::proxy::ask(&chain, body);
                }
                kill(&whom);
                return Reply::HangUp;
            }
            if seeded { shared.lock().unwrap().reply(&chain, body) } else { Reply::Forward }
        });
        Self { proxy, faults, asker }
    }

    fn run(&self, world: &World, job: Job) -> Run {
        self.asker.store(0, Ordering::SeqCst);
        let child = world.command(job, &self.proxy.url).spawn().expect("the program was built");
        self.asker.store(child.id(), Ordering::SeqCst);
        let output = child.wait_with_output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs a job until it is done, and says what the chain does not bear out.
fn ends_well(world: &World, job: Job, node: &Node, runs: u32) -> Result<(), String> {
    world.restore(job);
    let before = world.held(job);
    let mut told = Vec::new();
    let mut is_done = false;
    for _ in 0..runs {
        let run = node.run(world, job);
        told.push(format!("{}: {}", run.code, run.stderr.trim()));
        if ![-1, 0, 1, 3, 4].contains(&run.code) || run.stderr.contains("panicked") {
            return Err(format!("{job:?}: {}", told.join("\n")));
        }
        is_done = run.code == 0;
        if is_done {
            break;
        }
    }
    // The faults end.
    if !is_done {
        let run = world.command(job, world.endpoint()).output().unwrap();
        let text = String::from_utf8(run.stderr).unwrap();
        told.push(format!("honest {:?}: {}", run.status.code(), text.trim()));
        // It was logged, and what told of that was lost.
        let is_logged = text.contains("submitted before");
        if !run.status.success() && !is_logged {
            return Err(format!("{job:?} is stuck:\n{}", told.join("\n")));
        }
    }
    let wrong = world.wrong(job, &before);
    wrong.map_or(Ok(()), |wrong| Err(format!("{job:?}: {wrong}\n{}", told.join("\n"))))
}

/// What a seed does: which job, which faults, and whether and when it is killed.
fn plays(world: &World, seed: u64) -> Result<(), String> {
    let mut random = Random::new(seed ^ 0xc4a0_5c4a);
    let job = Job::ALL[usize::try_from(seed % Job::ALL.len() as u64).unwrap()];
    let kill = Kill { at: 1 + random.below(45), is_heard: random.below(2) == 0 };
    let killed = (random.below(3) == 0).then_some(kill);
    let node = Node::start(world, Some(seed), killed);
    ends_well(world, job, &node, FAULTY_RUNS).map_err(|reason| {
        let done = node.faults.lock().unwrap().done.join(", ");
        format!("{SEED}={seed}: {reason}\n{killed:?}, {done}")
    })
}

/// Every job is in each half.
fn seeds_end_well(half: u64) {
    let Some(world) = World::start() else { return };
    let seeds: Vec<u64> = match number(SEED) {
        Some(seed) => vec![seed],
        None => (0..number(SEEDS).unwrap_or(SEEDS_OF_A_CHANGE)).collect(),
    };
    let own = seeds.into_iter().filter(|seed| seed / Job::ALL.len() as u64 % 2 == half);
    let wrong: Vec<String> = own.filter_map(|seed| plays(&world, seed).err()).collect();
    assert!(wrong.is_empty(), "{} seeds end badly:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn commands_over_a_misbehaving_node_pay_once_and_end() {
    seeds_end_well(0);
}

#[test]
fn and_so_do_the_other_half_of_the_seeds() {
    seeds_end_well(1);
}

/// Kills a job at its last questions, of which there are so many, one honest run each. Asked for more seeds, at every
/// one, before and after the chain heard it.
fn kills_end_well(jobs: &[Job], last: u64) {
    let Some(world) = World::start() else { return };
    let is_long = number(SEEDS).is_some();
    let mut wrong = Vec::new();
    for &job in jobs {
        world.restore(job);
        let honest = Node::start(&world, None, None);
        let run = honest.run(&world, job);
        assert_eq!(run.code, 0, "{job:?}: {}", run.stderr);
        let questions = honest.proxy.requests();
        let first = if is_long { 1 } else { questions.saturating_sub(last).max(1) };
        for at in first..=questions {
            for is_heard in [false, true] {
                if !is_long && is_heard != (at % 2 == 0) {
                    continue;
                }
                let node = Node::start(&world, None, Some(Kill { at, is_heard }));
                if let Err(reason) = ends_well(&world, job, &node, 1) {
                    wrong.push(format!("killed at question {at} of {questions}: {reason}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Between two questions lies everything that the journal writes, so that each of its arrows is met.
#[test]
fn an_anchor_that_is_killed_at_any_question_is_paid_once_and_logged() {
    kills_end_well(&[Job::Anchor], 24);
}

#[test]
fn what_is_submitted_and_voted_is_so_once_wherever_it_is_killed() {
    kills_end_well(&[Job::Submit, Job::Cast], 9);
}

#[test]
fn what_is_paid_is_paid_once_wherever_it_is_killed() {
    kills_end_well(&[Job::Fund, Job::Claim], 9);
}

/// Else nothing would be shown by the seeds.
#[test]
fn seeds_do_what_they_say() {
    let Some(bench) = crate::bench::Bench::anvil() else { return };
    let body = r#"{"jsonrpc":"2.0","id":0,"method":"eth_estimateGas","params":[{}]}"#;
    let all: Vec<String> = (0..200)
        .flat_map(|seed| {
            let mut faults = Faults::new(seed);
            (0..20).for_each(|_| drop(faults.reply(bench.endpoint(), body)));
            faults.done
        })
        .collect();
    for fault in [
        "hang up",
        "hang up after asking",
        "429",
        "502",
        "502 after asking",
        "twice",
        "stale",
        "lie",
        "refused",
        "cut off",
        "nothing",
        "late",
    ] {
        assert!(all.contains(&format!("eth_estimateGas: {fault}")), "{fault}");
    }
    assert!((400..900).contains(&all.len()), "{} faults in 4,000 questions", all.len());
}
