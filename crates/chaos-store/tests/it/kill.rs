//! Processes that really die and disks that are really full.
//!
//! The test binary starts itself again as the process that appends; the child's part is the test
//! [`child`], which does nothing unless it was started that way.

use std::{
    collections::VecDeque,
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use chaos_store::{Blobs as _, GroupCommit, Head, Records as _, Store};
use chaos_types::Digest;

use crate::{append, chain, record};

/// Names the data directory and the first record to the child.
const DIRECTORY: &str = "CHAOS_STORE_TEST_DIRECTORY";
const FIRST: &str = "CHAOS_STORE_TEST_FIRST";

/// Appends that the child has under way at any time.
const UNDER_WAY: usize = 40;

#[test]
fn child() {
    let Some(directory) = env::var_os(DIRECTORY) else { return };
    let first: u64 = env::var(FIRST).unwrap().parse().unwrap();
    let store = Store::open(directory).unwrap();
    let commit = GroupCommit::start(store).unwrap();
    let mut say = std::io::stdout().lock();
    // The test harness has begun a line.
    writeln!(say).unwrap();
    let mut tickets = VecDeque::new();
    let mut numbers = first..;
    let mut full = false;
    loop {
        while !full && tickets.len() < UNDER_WAY {
            let number = numbers.next().unwrap();
            if number % 50 == 0 {
                let blob = blob(number);
                commit.run(move |store| store.blobs().put(&blob)).unwrap().unwrap();
            }
            tickets.push_back((number, commit.submit(append(&number.to_string())).unwrap()));
        }
        let Some((number, ticket)) = tickets.pop_front() else { break };
        match ticket.wait() {
            Ok(appended) => writeln!(say, "acknowledged {number} {}", appended.index).unwrap(),
            Err(error) => {
                full = true;
                writeln!(say, "refused {}", chain(&error)).unwrap();
            }
        }
        say.flush().unwrap();
    }
    // Only a full disk leads here: the log must be as whole as it is after a kill.
    let store = commit.shut_down();
    let refused = store.blobs().put(&vec![9; 4 << 20]).unwrap_err();
    writeln!(say, "refused {}", chain(&refused)).unwrap();
    writeln!(say, "left {}", store.check().unwrap().size).unwrap();
}

fn blob(number: u64) -> Vec<u8> {
    format!("blob {number}").repeat(100).into_bytes()
}

/// Runs the child, `kill_after` so many acknowledgements if given, else until it ends by itself.
/// Returns its complete lines.
fn run_child(
    mut command: Command,
    directory: &Path,
    first: u64,
    kill_after: Option<usize>,
) -> Vec<String> {
    let mut child = command
        .args(["--exact", "kill::child", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        // What the child wrote before it died counts; a line cut off by its death does not.
        if output.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
            break;
        }
        lines.push(line.trim_end().to_owned());
        let count = lines.iter().filter(|line| line.starts_with("acknowledged")).count();
        if Some(count) == kill_after {
            // On Unix this is SIGKILL. The child may have gone on since; its pipe is read to the end.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    lines
}

fn acknowledged(lines: &[String]) -> Vec<(u64, u64)> {
    let pair = |line: &String| {
        let (number, index) = line.strip_prefix("acknowledged ")?.split_once(' ')?;
        Some((number.parse().unwrap(), index.parse().unwrap()))
    };
    lines.iter().filter_map(pair).collect()
}

/// Everything acknowledged is in the log at its index, and the log is whole.
fn check_log(directory: &Path, acknowledged: &[(u64, u64)]) -> (Store, Head) {
    let store = Store::open(directory).unwrap();
    let head = store.check().unwrap();
    for (number, index) in acknowledged {
        let entry = store.entry(*index).unwrap().unwrap();
        assert_eq!(entry.record, record(&number.to_string()), "entry {index}");
        if number % 50 == 0 {
            let blob = blob(*number);
            assert_eq!(store.blobs().get(&Digest::of(&blob)).unwrap(), blob);
        }
    }
    assert!(head.size >= acknowledged.len() as u64);
    (store, head)
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    let mut first = 0;
    // Fixed, but with no pattern in relation to the groups in which the child commits.
    for kill_after in [1, 2, 37, 40, 41, 113, 256, 257, 391, 640] {
        let command = Command::new(env::current_exe().unwrap());
        let lines = run_child(command, directory.path(), first, Some(kill_after));
        let new = acknowledged(&lines);
        assert!(new.len() >= kill_after, "{} of {kill_after}", new.len());
        all.extend(&new);
        let (mut store, head) = check_log(directory.path(), &all);
        // Appending goes on, and a record that was acknowledged is known.
        let known = store.append_batch(&[append(&new[0].0.to_string())]).unwrap()[0];
        assert_eq!((known.index, known.duplicate), (new[0].1, true));
        let next = store.append_batch(&[append(&format!("after {first}"))]).unwrap()[0];
        assert_eq!((next.index, next.duplicate), (head.size, false));
        assert_eq!(store.check().unwrap().size, head.size + 1);
        first += 100_000;
    }
}

#[test]
fn a_full_disk_is_reported_and_leaves_the_log_whole() {
    let directory = tempfile::tempdir().unwrap();
    // The shell caps every file at 2 MiB or less (its unit is 512 or 1,024 bytes), and the signal
    // that would kill the writer is ignored, so that writing fails as on a full disk.
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap());
    let lines = run_child(command, directory.path(), 0, None);
    let acknowledged = acknowledged(&lines);
    let end = &lines[lines.len().saturating_sub(8)..];
    assert!(!acknowledged.is_empty(), "{end:?}");
    let refused: Vec<_> = lines.iter().filter(|line| line.starts_with("refused")).collect();
    let [first, .., last] = refused.as_slice() else { panic!("{end:?}") };
    let database = directory.path().join(chaos_store::DATABASE_FILE);
    assert!(first.contains("the group was not appended"), "{first}");
    assert!(first.contains(&database.display().to_string()), "{first}");
    assert!(last.contains("cannot write"), "{last}");
    assert!(end.contains(&format!("left {}", acknowledged.len())), "{end:?}");

    let (mut store, head) = check_log(directory.path(), &acknowledged);
    assert_eq!(head.size, acknowledged.len() as u64, "nothing refused is in the log");
    assert_eq!(store.append_batch(&[append("after")]).unwrap()[0].index, head.size);
    let temporary = directory.path().join("blobs/temporary");
    assert_eq!(std::fs::read_dir(temporary).unwrap().count(), 0);
}
