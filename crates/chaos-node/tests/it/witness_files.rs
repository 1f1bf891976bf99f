//! Every file that a witness keeps, changed, cut off or gone: it starts with what the other place has and says so,
//! or names the way back, and that way leads back.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    copies::{Machine, text, witness_with},
    running::Running,
};

/// A witness that has cosigned heads by two keys of a log, and has ended; with a copy of all that it keeps.
struct Kept {
    machine: Machine,
    /// The log's lines.
    lines: String,
}

/// The folder of its memory elsewhere.
const HEADS: &str = "its-heads";

impl Kept {
    fn new() -> Self {
        let machine = Machine::new();
        machine.grow("data", "ada");
        let root = machine.key("data");
        let mut kept = Self { machine, lines: root.clone() };
        let mut first = kept.start(&[]);
        kept.grow(&mut first, "grace");
        assert_eq!(first.stop(), 0);
        let rotated = kept.machine.on("data", &["log", "rotate-key"]).expect_code(4);
        let newer = rotated.stdout.lines().find_map(|line| line.strip_prefix("log "));
        kept.lines = format!("{root}\nlog {}", newer.unwrap());
        let mut second = kept.start(&[]);
        kept.grow(&mut second, "edsger");
        assert_eq!(second.stop(), 0);
        for folder in ["witness", HEADS] {
            kept.machine.copy(folder, &format!("{folder}-kept"));
        }
        kept
    }

    fn start(&self, options: &[&str]) -> Running {
        let heads = self.machine.path(HEADS);
        let there = [("CHAOSCHAIN_HEADS", text(&heads))];
        witness_with(&self.machine, &self.lines, options, &there).0
    }

    /// Has a larger head cosigned.
    fn grow(&self, running: &mut Running, agent: &str) {
        let ready = running.wait_for("ready");
        let (key, url) = (ready["witness"].as_str().unwrap(), ready["url"].as_str().unwrap());
        let policy = self.machine.path("witnesses.policy");
        fs::write(&policy, format!("witness w {key} {url}\nquorum w\n")).unwrap();
        self.machine.register("data", agent).expect_code(0);
        let checkpoint = ["log", "checkpoint", "--log-policy", text(&policy)];
        self.machine.on("data", &checkpoint).expect_code(0);
    }

    /// Puts everything back as it was.
    fn restore(&self) {
        for folder in ["witness", HEADS] {
            fs::remove_dir_all(self.machine.path(folder)).unwrap();
            self.machine.copy(&format!("{folder}-kept"), folder);
        }
    }

    /// The only folder in this one, or the only one that begins like this.
    fn within(&self, folder: &str, begin: &str) -> PathBuf {
        let inner = fs::read_dir(self.machine.path(folder)).unwrap();
        let mut inner = inner.map(|inner| inner.unwrap().path());
        inner.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(begin)).unwrap()
    }

    /// Every file that is kept, and the other place of each that has one.
    fn files(&self) -> Vec<(PathBuf, Option<PathBuf>)> {
        let log = self.within("witness/logs", "");
        let memories = self.within(HEADS, "witness-");
        let hash = log.file_name().unwrap().to_str().unwrap();
        let pairs = [
            (log.join("checkpoint"), memories.join(hash)),
            (log.join("keys"), memories.join(format!("{hash}.keys"))),
        ];
        let both = |(one, other): (PathBuf, PathBuf)| {
            [(one.clone(), Some(other.clone())), (other, Some(one))]
        };
        let alone =
            ["witness", "keys/witness.pem"].map(|name| self.machine.path("witness").join(name));
        alone.map(|file| (file, None)).into_iter().chain(pairs.into_iter().flat_map(both)).collect()
    }
}

/// What becomes of a file; none where nothing is left of it.
type Damage = (&'static str, fn(&[u8]) -> Option<Vec<u8>>);

/// A bit of the byte that is this many parts of eight into the file.
fn flipped(bytes: &[u8], eighths: usize) -> Option<Vec<u8>> {
    let mut changed = bytes.to_vec();
    let at = bytes.len() * eighths / 8;
    changed[at] ^= 1;
    Some(changed)
}

fn first_line(bytes: &[u8]) -> Option<Vec<u8>> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some(bytes[..=end].to_vec())
}

const DAMAGES: [Damage; 7] = [
    ("gone", |_| None),
    ("empty", |_| Some(Vec::new())),
    ("its first line alone", first_line),
    ("cut in two", |bytes| Some(bytes[..bytes.len() / 2].to_vec())),
    ("flipped at the front", |bytes| flipped(bytes, 1)),
    ("flipped in the middle", |bytes| flipped(bytes, 4)),
    ("flipped at the end", |bytes| flipped(bytes, 7)),
];

/// Follows what the message says, and gives the options that it names.
fn follow(kept: &Kept, said: &str, file: &Path, other: Option<&Path>) -> Vec<&'static str> {
    assert!(said.contains(text(file)) || said.contains("does not: the folder may"), "{said}");
    match other {
        Some(other) if said.contains("put a copy of it in the place of the other") => {
            assert!(said.contains(text(other)), "{said}");
            fs::copy(other, file).unwrap();
        }
        Some(_) => {
            assert!(said.contains("`--only-copy` says so"), "{said}");
            return vec!["--only-copy"];
        }
        None if said.contains("put a backup of") => {
            let backup = kept.machine.path("witness-kept/keys/witness.pem");
            fs::copy(backup, file).unwrap();
        }
        None => {
            assert!(said.contains(&format!("remove {}", text(file))), "{said}");
            fs::remove_file(file).unwrap();
        }
    }
    vec![]
}

#[test]
fn witness_goes_on_from_every_file_that_it_keeps_changed_cut_off_or_gone() {
    let kept = Kept::new();
    let mut grown = 0;
    for (file, other) in kept.files() {
        for (damage, of) in DAMAGES {
            kept.restore();
            let case = format!("{} {damage}", file.display());
            let before = fs::read(&file).unwrap();
            match of(&before) {
                Some(changed) if changed == before => continue,
                Some(changed) => fs::write(&file, changed).unwrap(),
                None => fs::remove_file(&file).unwrap(),
            }
            let mut running = kept.start(&[]);
            if running.is_ready() {
                assert_eq!(running.stop(), 0, "{case}");
                let tells = ["says counts, and the next checkpoint is written", "was written anew"];
                let is_told = tells.iter().any(|told| running.said.contains(told));
                assert!(is_told && running.said.contains(text(&file)), "{case}: {}", running.said);
            } else {
                let said = &running.said;
                assert!(said.contains("hint: "), "{case}: {said}");
                let options = follow(&kept, said, &file, other.as_deref());
                let mut again = kept.start(&options);
                assert!(again.is_ready(), "{case}: {}", again.said);
                assert_eq!(again.stop(), 0, "{case}");
            }
            if damage == "gone" {
                let mut again = kept.start(&[]);
                kept.grow(&mut again, &format!("agent-{grown}"));
                grown += 1;
                assert_eq!(again.stop(), 0, "{case}");
                // What was cosigned since is in both places.
                let mut quiet = kept.start(&[]);
                assert!(quiet.is_ready(), "{case}: {}", quiet.said);
                assert_eq!(quiet.stop(), 0, "{case}");
                assert!(!quiet.said.contains("says counts"), "{case}: {}", quiet.said);
            }
        }
    }
}

#[test]
fn vouching_for_the_folder_replaces_no_longer_memory_of_keys_and_takes_up_nothing_damaged() {
    let kept = Kept::new();
    let [_, _, (checkpoint, elsewhere), _, (keys, keys_elsewhere), _] = &kept.files()[..] else {
        panic!("six files are kept")
    };
    let (elsewhere, keys_elsewhere) =
        (elsewhere.as_deref().unwrap(), keys_elsewhere.as_deref().unwrap());
    // An old copy of the folder, beside keys that went on.
    let longer = fs::read(keys_elsewhere).unwrap();
    fs::write(keys, first_line(&longer).unwrap()).unwrap();
    fs::remove_file(elsewhere).unwrap();
    let mut running = kept.start(&["--only-copy"]);
    assert!(running.is_ready(), "{}", running.said);
    assert_eq!(running.stop(), 0);
    assert_eq!(fs::read(keys_elsewhere).unwrap(), longer);
    // What is damaged is not made the only memory.
    kept.restore();
    fs::remove_file(elsewhere).unwrap();
    fs::write(checkpoint, flipped(&fs::read(checkpoint).unwrap(), 0).unwrap()).unwrap();
    let mut running = kept.start(&["--only-copy"]);
    assert!(!running.is_ready(), "{}", running.said);
    assert!(running.said.contains("the log's mirrors have"), "{}", running.said);
    assert!(!elsewhere.exists());
}

#[test]
fn of_two_witnesses_that_begin_in_one_folder_at_once_the_one_that_starts_has_the_key_that_is_kept()
{
    let machine = Machine::new();
    machine.grow("data", "ada");
    let key = machine.key("data");
    for round in 0..3 {
        let _none = fs::remove_dir_all(machine.path("witness"));
        let mut both = [(); 2].map(|()| witness_with(&machine, &key, &[], &[]).0);
        let ready = both.each_mut().map(|running| running.is_ready());
        assert_eq!(ready.iter().filter(|ready| **ready).count(), 1, "round {round}");
        both.each_mut().iter_mut().for_each(|running| running.kill());
        let mut again = witness_with(&machine, &key, &[], &[]).0;
        assert!(again.is_ready(), "round {round}: {}", again.said);
        again.kill();
    }
    let parts =
        Command::new("find").arg(machine.path("witness")).args(["-name", "*.part"]).output();
    assert!(parts.unwrap().stdout.is_empty());
}
