//! What a witness may be told about its memory and its clock, through the program.

use std::{fs, path::Path};

use chaos_ledger::{Keys, Password, System};
use chaos_log::{SignedCheckpoint, WitnessKey};

use crate::{
    copies::{Machine, text, witness, witness_with},
    program::heads,
    running::Running,
};

const NAME: &str = "witness.example.org/w";

/// In the year 2096, in seconds.
const FAR_S: u64 = 4_000_000_000;

/// Keys are read here, not made.
const SYSTEM: System = System {
    kinds: chaos_agency::Kinds::new(&[]),
    now_ms: || 0,
    random: |_| Err(std::io::Error::other("a reader needs none")),
};

/// A log with a head that a witness has cosigned, and the log's key; the witness has ended.
pub(crate) fn cosigned() -> (Machine, String) {
    let machine = Machine::new();
    machine.grow("data", "ada");
    let key = machine.key("data");
    let (mut running, policy) = witness(&machine, &key);
    machine.register("data", "grace").expect_code(0);
    machine.on("data", &["log", "checkpoint", "--log-policy", text(&policy)]).expect_code(0);
    assert_eq!(running.stop(), 0);
    (machine, key)
}

/// Signs a larger head, which the witness is asked about.
fn ask(
    machine: &Machine,
    running: &mut Running,
    policy: &Path,
    agent: &str,
) -> crate::program::Run {
    let ready = running.wait_for("ready");
    let (key, url) = (ready["witness"].as_str().unwrap(), ready["url"].as_str().unwrap());
    fs::write(policy, format!("witness w {key} {url}\nquorum w\n")).unwrap();
    machine.register("data", agent).expect_code(0);
    machine.on("data", &["log", "checkpoint", "--log-policy", text(policy)])
}

#[test]
fn witness_on_another_machine_cosigns_once_somebody_vouches_that_its_folder_is_no_old_copy() {
    let (machine, key) = cosigned();
    let elsewhere = machine.path("elsewhere");
    let there = [("CHAOSCHAIN_HEADS", text(&elsewhere))];
    let (mut refused, _) = witness_with(&machine, &key, &[], &there);
    assert_eq!(refused.wait_for_end(), 5);
    assert!(refused.said.contains("--only-copy"), "{}", refused.said);
    let (mut running, policy) = witness_with(&machine, &key, &["--only-copy"], &there);
    ask(&machine, &mut running, &policy, "edsger").expect_code(0);
    assert_eq!(running.stop(), 0);
    // It was taken up, and nobody has to vouch again.
    let (mut running, policy) = witness_with(&machine, &key, &[], &there);
    ask(&machine, &mut running, &policy, "barbara").expect_code(0);
}

#[test]
fn witness_whose_clock_was_ahead_cosigns_nothing_until_somebody_vouches_for_the_clock_of_now() {
    let (machine, key) = cosigned();
    let folder = machine.path("witness");
    let logs = fs::read_dir(folder.join("logs")).unwrap();
    let [hash] = &logs.map(|log| log.unwrap().file_name()).collect::<Vec<_>>()[..] else {
        panic!("it knows one log")
    };
    let password = Password::from("test".to_owned());
    let seed = Keys::new(&folder, Some(&password), SYSTEM).open("witness").unwrap();
    let witness_key =
        WitnessKey::from_seed(NAME.parse().unwrap(), &seed.as_signing_key().to_bytes());
    let kept = fs::read_to_string(folder.join("logs").join(hash).join("checkpoint")).unwrap();
    let bare: String = kept.split_inclusive('\n').filter(|line| !line.contains(NAME)).collect();
    let mut dated = SignedCheckpoint::parse(bare.as_bytes()).unwrap();
    dated.add(witness_key.cosign(&dated, FAR_S).unwrap()).unwrap();
    let memories = fs::read_dir(heads()).unwrap().map(|memory| memory.unwrap().path().join(hash));
    let places = memories.filter(|place| place.exists());
    let places: Vec<_> =
        places.chain([folder.join("logs").join(hash).join("checkpoint")]).collect();
    assert_eq!(places.len(), 2, "{places:?}");
    places.iter().for_each(|place| fs::write(place, dated.to_string()).unwrap());

    let (mut running, policy) = witness_with(&machine, &key, &[], &[]);
    let kept_back = ask(&machine, &mut running, &policy, "edsger").expect_code(4);
    assert!(kept_back.stderr.contains("nothing was published"), "{}", kept_back.stderr);
    running.wait_for_words("chaoschain witness --accept-clock");
    assert_eq!(running.stop(), 0);
    let (mut running, policy) = witness_with(&machine, &key, &["--accept-clock"], &[]);
    ask(&machine, &mut running, &policy, "barbara").expect_code(0);
    assert_eq!(running.stop(), 0);
    // The date of what was cosigned since is the clock's.
    let (mut running, policy) = witness_with(&machine, &key, &[], &[]);
    ask(&machine, &mut running, &policy, "dana").expect_code(0);
}

#[test]
fn witness_refuses_a_newer_keys_line_above_the_older_ones_and_says_what_it_holds() {
    let (machine, root) = cosigned();
    let rotated = machine.on("data", &["log", "rotate-key"]).expect_code(4);
    let newer = rotated.stdout.lines().find_map(|line| line.strip_prefix("log "));
    let newer = newer.unwrap().to_owned();
    let (mut refused, _) = witness_with(&machine, &format!("{newer}\nlog {root}"), &[], &[]);
    assert_eq!(refused.wait_for_end(), 3);
    let lines = format!("the line of `{newer}` above that of `{root}`");
    for said in [lines.as_str(), "swap the two lines"] {
        assert!(refused.said.contains(said), "{said}: {}", refused.said);
    }
    let (mut running, policy) = witness(&machine, &format!("{root}\nlog {newer}"));
    machine.on("data", &["log", "checkpoint", "--log-policy", text(&policy)]).expect_code(0);
    assert_eq!(running.stop(), 0);
    let held = format!("{root}, then {newer}; the last head was cosigned by {root}");
    for said in [held.as_str(), &format!("none by {root} is any more")] {
        assert!(running.said.contains(said), "{said}: {}", running.said);
    }
}

#[test]
fn witness_shares_no_folder_with_a_log_and_says_at_the_start_which_memory_is_damaged() {
    let (machine, key) = cosigned();
    let known = machine.path("known.policy");
    fs::write(&known, format!("log {key}\nquorum none\n")).unwrap();
    let start = |folder: &Path| {
        let start = ["witness", "--name", NAME, "--log-policy", text(&known)];
        let more = ["--listen", "127.0.0.1:0", "--folder", text(folder)];
        crate::program::run_with([&start[..], &more].concat(), &[("CHAOSCHAIN_PASSWORD", "test")])
    };
    let data = machine.path("data");
    start(&data).expect_error(3, &["is the data directory of a log", "a folder of its own"]);
    assert!(!data.join("keys/witness.pem").exists());
    let register = ["agent", "register", "--name", "ada", "--role", "researcher"];
    let refused = machine.on("witness", &register).expect_error(3, &["is the folder of a witness"]);
    assert!(refused.stderr.contains("--data"), "{}", refused.stderr);
    // One flipped bit of what was cosigned.
    let folder = machine.path("witness").join("logs");
    let log = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path().join("checkpoint");
    let mut note = fs::read(&log).unwrap();
    note[40] ^= 1;
    fs::write(&log, note).unwrap();
    let (mut refused, _) = witness_with(&machine, &key, &[], &[]);
    assert_eq!(refused.wait_for_end(), 5);
    for said in ["checkpoint", "is damaged", "in the place of the other"] {
        assert!(refused.said.contains(said), "{said}: {}", refused.said);
    }
}
