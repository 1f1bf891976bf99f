//! Anchors on a schedule: how often, for how much, and what a node that is down, a signal and a kill leave.

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    program::DEVELOPMENT_KEY,
    proxy::{Proxy, Reply},
    transactions::Lab,
};

/// What is waited for comes within this time, or the test fails.
const DEADLINE: Duration = Duration::from_secs(120);

/// A schedule that runs.
struct Schedule {
    child: Child,
    said: Receiver<String>,
    told: Receiver<String>,
}

/// The lines of a pipe as they come.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The first line with these words; those before it are passed over.
#[track_caller]
fn wait_for(lines: &Receiver<String>, words: &str) -> String {
    let mut before = Vec::new();
    let until = Instant::now() + DEADLINE;
    loop {
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) if line.contains(words) => return line,
            Ok(line) => before.push(line),
            Err(error) => panic!("`{words}`: {error} after {before:?}"),
        }
    }
}

impl Schedule {
    fn start(lab: &Lab, url: &str, more: &[&str]) -> Self {
        let path = |name: &str| lab.dir.path().join(name).to_str().unwrap().to_owned();
        let mut command = Command::new(env!("CARGO_BIN_EXE_chaoschain"));
        command.args(["anchor", "--json", "--rpc-url", url, "--finality", "included"]).args(more);
        command.args(["--data", &path("data")]);
        command.env("CHAOSCHAIN_PASSWORD", "test").env("CHAOSCHAIN_HEADS", path("heads"));
        command.env("CHAOSCHAIN_PRIVATE_KEY", DEVELOPMENT_KEY);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program was built");
        let (said, told) =
            (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
        Self { child, said, told }
    }

    /// The next line of data with these words.
    #[track_caller]
    fn says(&self, words: &str) -> Value {
        serde_json::from_str(&wait_for(&self.said, words)).unwrap()
    }

    /// The exit code after SIGTERM.
    fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        wait_for(&self.told, "stopped after");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// What was anchored.
fn size(line: &Value) -> u64 {
    line["anchor"]["log_size"].as_str().unwrap().parse().unwrap()
}

/// One more entry. A schedule has the directory now and then.
fn grow(lab: &Lab, name: &str) {
    let line = ["agent", "register", "--name", name, "--role", "researcher"];
    for _ in 0..1_000 {
        let run = lab.run(&line, "data");
        if run.code == 0 {
            return;
        }
        assert!(run.stderr.contains("is in use by"), "{}", run.stderr);
        thread::yield_now();
    }
    panic!("the directory is never free");
}

#[test]
fn a_schedule_anchors_what_is_new_and_ends_well_when_it_is_asked_to() {
    let Some(lab) = Lab::start() else { return };
    let url = lab.anvil.endpoint();
    let schedule = Schedule::start(&lab, url, &["--deploy", "--every", "1s", "--min-new", "2"]);
    let first = schedule.says("\"anchor\"");
    assert!(first["receipt"].is_string(), "{first}");
    let idle = schedule.says("nothing_to_anchor");
    assert_eq!((&idle["new_entries"], &idle["min_new"]), (&"0".into(), &"2".into()), "{idle}");
    let landed = lab.landed();
    grow(&lab, "grace");
    let few = schedule.says("\"new_entries\":\"1\"");
    assert_eq!(few["event"], "nothing_to_anchor");
    assert_eq!(lab.landed(), landed, "one is not enough");
    grow(&lab, "alan");
    let second = schedule.says("\"anchor\"");
    assert!(size(&second) > size(&first), "{second}");
    assert_eq!(schedule.terminate(), Some(0));
    assert_eq!(lab.landed(), landed + 1);
}

#[test]
fn a_schedule_that_is_started_again_goes_by_the_journal() {
    let Some(lab) = Lab::start() else { return };
    lab.deployed();
    grow(&lab, "grace");
    let landed = lab.landed();
    let schedule = Schedule::start(&lab, lab.anvil.endpoint(), &["--every", "1h"]);
    let told = wait_for(&schedule.told, "by the journal the next anchor is due in ");
    let left = told.split(' ').rev().nth(1).unwrap().parse::<u64>().unwrap();
    assert!((1..=3_600).contains(&left), "{told}");
    assert_eq!(schedule.terminate(), Some(0));
    assert_eq!(lab.landed(), landed);
}

#[test]
fn a_schedule_outlives_a_node_that_is_down() {
    let Some(lab) = Lab::start() else { return };
    let is_down = Arc::new(AtomicBool::new(true));
    let told = Arc::clone(&is_down);
    let node = Proxy::start(lab.anvil.endpoint(), move |_, _| {
        if told.load(Ordering::SeqCst) { Reply::HangUp } else { Reply::Forward }
    });
    let schedule = Schedule::start(&lab, &node.url, &["--deploy", "--every", "1s"]);
    wait_for(&schedule.told, "is unreachable");
    wait_for(&schedule.told, "trying again in 1 s");
    is_down.store(false, Ordering::SeqCst);
    schedule.says("\"anchor\"");
    assert_eq!(schedule.terminate(), Some(0));
    assert_eq!(lab.landed(), 2);
}

/// The node takes the bytes and loses them: what was signed is what lands, once, whoever goes on with it.
#[test]
fn what_a_schedule_sent_before_it_was_stopped_is_not_paid_twice() {
    let Some(lab) = Lab::start() else { return };
    lab.deployed();
    grow(&lab, "grace");
    let landed = lab.landed();
    let losing = lab.losing();
    let schedule = Schedule::start(&lab, &losing.url, &["--every", "1s", "--wait", "600"]);
    wait_for(&schedule.told, "sending CheckpointRegistry.anchor on ");
    assert_eq!(schedule.terminate(), Some(0));
    let open = lab.list();
    let waiting: Vec<&Value> =
        open.iter().filter(|it| it["state"] == "sent" || it["state"] == "prepared").collect();
    let [sent] = &waiting[..] else { panic!("{open:?}") };
    let hash = sent["attempts"][0]["transaction"].clone();
    assert_eq!(lab.landed(), landed);
    // The log grows meanwhile, and the next schedule logs what was paid for before it anchors more.
    grow(&lab, "alan");
    let again = Schedule::start(&lab, lab.anvil.endpoint(), &["--every", "1s"]);
    let adopted = again.says("adopted");
    assert_eq!(adopted["anchor"]["transaction"], hash, "the same bytes");
    let newer = again.says("\"checkpoint\"");
    assert!(size(&newer) > size(&adopted), "{newer}");
    assert_eq!(again.terminate(), Some(0));
    assert_eq!(lab.landed(), landed + 2);
}

#[test]
fn what_was_spent_within_a_day_bounds_what_is_sent_next() {
    let Some(lab) = Lab::start() else { return };
    let url = lab.anvil.endpoint();
    let refused = lab.anchor(url, &["--deploy", "--max-per-day", "0.0000001"]);
    refused.expect_error(4, &["up to 0 of the chain's coin in 24 hours", "raise --max-per-day"]);
    assert_eq!(lab.landed(), 0);
    lab.deployed();
    grow(&lab, "grace");
    let landed = lab.landed();
    // Enough for one more by itself, and not with what was spent before.
    let cap = ["--max-per-day", "0.0005"];
    lab.anchor(url, &[&["--dry-run"], &cap[..]].concat()).expect_error(4, &["in 24 hours"]);
    let refused = lab.anchor(url, &cap).expect_error(4, &["in 24 hours", "could cost"]);
    assert!(!refused.stderr.contains("up to 0 of"), "{}", refused.stderr);
    assert_eq!(lab.landed(), landed);
    // A schedule goes on past it, and sends nothing.
    let schedule = Schedule::start(&lab, url, &["--every", "1s", "--max-per-day", "0.0005"]);
    wait_for(&schedule.told, "in 24 hours");
    wait_for(&schedule.told, "trying again in 1 s");
    assert_eq!(schedule.terminate(), Some(0));
    assert_eq!(lab.landed(), landed);
    lab.anchor(url, &["--max-per-day", "1"]).expect_code(0);
}

#[test]
fn a_time_between_anchors_is_read_as_people_write_it() {
    let Some(lab) = Lab::start() else { return };
    for wrong in ["", "0", "1w", "h", "-1s", "31d", "1.5h"] {
        let refused = lab.anchor(lab.anvil.endpoint(), &["--every", wrong]);
        assert_eq!(refused.code, 2, "`{wrong}`: {}", refused.stderr);
    }
    let refused = lab.anchor(lab.anvil.endpoint(), &["--every", "1h", "--dry-run"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
}
