//! A process that appends, signs and publishes, and is killed wherever it is.
//!
//! The test binary starts itself again as that process; its part is the test [`child`], which does
//! nothing unless it was started that way.

#![expect(clippy::disallowed_methods, reason = "the environment is how a test speaks to its child")]

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use chaos_ledger::{Heads, Ledger};
use chaos_log::SignedCheckpoint;
use chaos_store::Records as _;
use chaos_types::Digest;

use crate::{SYSTEM, open, registration};

/// Names the data directory, the first number and whether to sign to the child.
const DIRECTORY: &str = "CHAOS_LEDGER_TEST_DIRECTORY";
const FIRST: &str = "CHAOS_LEDGER_TEST_FIRST";
const SIGNS: &str = "CHAOS_LEDGER_TEST_SIGNS";

/// How many kills there are, if not [`KILLS`].
const KILLS_VARIABLE: &str = "CHAOSCHAIN_KILLS";
const KILLS: u64 = 200;

/// A killed process signed something every so many kills: opening the key costs it a while.
const SIGNS_EVERY: u64 = 10;

/// Everything is read and folded anew so many times, and at the end: that takes as long as the log is.
const WHOLE: u64 = 4;

#[test]
fn child() {
    let Some(directory) = env::var_os(DIRECTORY) else { return };
    let directory = Path::new(&directory);
    let first: u64 = env::var(FIRST).unwrap().parse().unwrap();
    let mut ledger = open(&directory.join("data"));
    let (log, heads) = (ledger.operator(), Heads::new(directory.join("heads")));
    let mut say = std::io::stdout().lock();
    // The test harness has begun a line.
    writeln!(say).unwrap();
    let mut number = first;
    loop {
        // Groups of one to seven.
        let group: Vec<_> =
            (0..1 + number % 7).map(|more| registration(log, number + more)).collect();
        number += group.len() as u64;
        for answer in ledger.append_group(&group, SYSTEM.now_ms()).unwrap() {
            let accepted = answer.unwrap();
            writeln!(say, "entry {} {}", accepted.index, accepted.receipt).unwrap();
        }
        if env::var_os(SIGNS).is_some() {
            let signed = ledger.checkpoint(&heads).unwrap();
            let (size, root) = (signed.claimed().size(), signed.claimed().root());
            writeln!(say, "head {size} {root}").unwrap();
        }
        say.flush().unwrap();
    }
}

/// What a child said before it was killed.
#[derive(Default)]
struct Said {
    /// Acknowledged entries, by index.
    entries: Vec<(u64, Digest)>,
    /// Signed heads: size and root.
    heads: Vec<(u64, String)>,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["entry", index, digest] => {
                self.entries.push((index.parse().unwrap(), digest.parse().unwrap()));
            }
            ["head", size, root] => self.heads.push((size.parse().unwrap(), root.to_owned())),
            _ => {}
        }
    }
}

/// Runs the child until it has said so many lines, and kills it; it may be anywhere by then.
fn run_and_kill(directory: &Path, first: u64, signs: bool, after: usize) -> Said {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "kill::child", "--nocapture", "--test-threads=1"]);
    command.env(DIRECTORY, directory).env(FIRST, first.to_string());
    if signs {
        command.env(SIGNS, "1");
    }
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let (mut said, mut count) = (Said::default(), 0);
    loop {
        let mut line = String::new();
        // What it wrote before it died counts; a line that its death cut off does not.
        if output.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
            break;
        }
        said.hear(line.trim_end());
        count = said.entries.len() + said.heads.len();
        if count == after {
            // On Unix this is SIGKILL. The child may have gone on since; its pipe is read to the end.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(count >= after, "the child ended by itself after {count} lines");
    said
}

/// Small numbers without a pattern in relation to the child's groups.
fn lines_until_kill(kill: u64) -> usize {
    let mixed = (kill + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(1 + (mixed >> 32) % 40).unwrap()
}

/// What was acknowledged is where it was said to be.
fn ensure_kept(ledger: &Ledger, said: &Said) {
    for (index, digest) in &said.entries {
        let entry = ledger.store().entry(*index).unwrap();
        assert_eq!(entry.map(|entry| entry.digest), Some(*digest), "entry {index}");
    }
    for (size, root) in &said.heads {
        let kept = ledger.store().checkpoint_at(*size).unwrap();
        let kept = kept.as_ref().map(SignedCheckpoint::claimed);
        assert_eq!(kept.map(|kept| kept.root().to_string()).as_ref(), Some(root), "head {size}");
    }
}

fn ensure_whole(ledger: &Ledger) {
    assert!(ledger.compare().unwrap().agrees());
    assert_eq!(ledger.store().check().unwrap().size, ledger.size());
}

#[test]
fn after_two_hundred_kills_everything_acknowledged_is_there_and_the_log_goes_on() {
    let kills = env::var(KILLS_VARIABLE).map_or(KILLS, |kills| kills.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let (data, heads) = (directory.path().join("data"), directory.path().join("heads"));
    drop(open(&data));
    let (mut acknowledged, mut signed) = (0, 0);
    for kill in 0..kills {
        let signs = kill % SIGNS_EVERY == 0;
        let after = if signs { 1 + lines_until_kill(kill) % 12 } else { lines_until_kill(kill) };
        let said = run_and_kill(directory.path(), kill << 32, signs, after);
        let ledger = open(&data);
        ensure_kept(&ledger, &said);
        acknowledged += said.entries.len() as u64;
        signed += said.heads.len();
        // The operator's own entry, what was acknowledged, and what the kills kept from being told.
        assert!(ledger.size() > acknowledged, "{} of {acknowledged}", ledger.size());
        if kill % (kills / WHOLE).max(1) == 0 {
            ensure_whole(&ledger);
        }
    }
    let mut ledger = open(&data);
    ensure_whole(&ledger);
    // What was signed last is continued: no kill between memory and signature made a second history.
    let head = ledger.checkpoint(&Heads::new(heads)).unwrap();
    assert_eq!(head.claimed().size(), ledger.size());
    assert!(acknowledged >= kills && signed > 0, "{kills}: {acknowledged}, {signed}");
}
