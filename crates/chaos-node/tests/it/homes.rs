//! Which folders the program's makings share, and which they do not.

use std::fs;

use crate::{
    copies::{Machine, text, witness, witness_with},
    program::{DEVELOPMENT_KEY, Run, run_with},
};

/// A broker's key, which nobody reaches.
const BROKER: &str = "did:key:z6MkveXJYyDspKRpvxepKF8MYtNT1PmZ5DBgHxXuK4FB61P7";

/// A machine with each kind of folder: a log's `data`, its copy `copy`, an export `public`, a stopped witness's
/// `witness`, and `empty`. Gives the log's key too.
fn furnished() -> (Machine, String) {
    let machine = Machine::new();
    machine.grow("data", "ada");
    let key = machine.key("data");
    machine.on("data", &["log", "export", text(&machine.path("public"))]).expect_code(0);
    let [public, copy] = ["public", "copy"].map(|name| text(&machine.path(name)).to_owned());
    run_with(["log", "mirror", &public, &copy, "--log", &key], &[]).expect_code(0);
    let (mut running, _) = witness(&machine, &key);
    assert_eq!(running.stop(), 0);
    (machine, key)
}

/// Makes something of each kind in a folder.
fn make(machine: &Machine, key: &str, making: &str, folder: &str) -> Run {
    let (public, path) = (machine.path("public"), machine.path(folder));
    let known = machine.path("known.policy");
    fs::write(&known, format!("log {key}\nquorum none\n")).unwrap();
    let heads = machine.path("heads");
    let variables = [
        ("CHAOSCHAIN_PASSWORD", "test"),
        ("CHAOSCHAIN_HEADS", text(&heads)),
        ("CHAOSCHAIN_PRIVATE_KEY", DEVELOPMENT_KEY),
    ];
    let run = |arguments: &[&str]| run_with(arguments, &variables);
    match making {
        "log" => machine.register(folder, "mallory"),
        "mirror" | "monitor" => run(&["log", making, text(&public), text(&path), "--log", key]),
        "export" => machine.on("data", &["log", "export", text(&path)]),
        "witness" => {
            let start =
                ["witness", "--name", "witness.example.org/other", "--listen", "127.0.0.1:0"];
            let more = ["--log-policy", text(&known), "--folder", text(&path)];
            run(&[&start[..], &more].concat())
        }
        "broker" => machine.on(folder, &["broker", "serve", "--policy", "development"]),
        "executor" => {
            let start = ["executor", "run", "--broker", "127.0.0.1:1", "--broker-key", BROKER];
            let more = ["--name", "work", "--owner", "work", "--endpoint", "tls://127.0.0.1:2"];
            let place = ["--provider", "development", "--data", text(&path)];
            run(&[&start[..], &more, &place].concat())
        }
        "journal" => {
            let deploy = ["chain", "deploy", "--rpc-url", "http://127.0.0.1:1", "--data"];
            run(&[&deploy[..], &[text(&path)]].concat())
        }
        other => panic!("{other}"),
    }
}

/// Everything below a folder, with what the files hold.
fn content(machine: &Machine, folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut folders = vec![machine.path(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((text(&path).to_owned(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn each_making_refuses_the_home_of_another_and_changes_nothing_in_it() {
    let (machine, key) = furnished();
    for (making, folder, said) in [
        ("log", "witness", "is the folder of a witness"),
        ("log", "public", "holds a published log"),
        ("mirror", "witness", "is the folder of a witness"),
        // It is what is copied.
        ("mirror", "public", "are one folder"),
        ("mirror", "data", "holds a log that is not a mirror"),
        ("monitor", "witness", "is the folder of a witness"),
        ("monitor", "public", "are one folder"),
        ("monitor", "data", "holds a log that is not a mirror"),
        ("witness", "data", "is the data directory of a log"),
        ("witness", "copy", "is the data directory of a log"),
        ("witness", "public", "holds a published log"),
        ("export", "data", "is in a data directory"),
        ("export", "copy", "is in a data directory"),
        ("export", "witness", "is in the folder of a witness"),
        ("export", "witness/logs", "is in the folder of a witness"),
        ("broker", "witness", "is the folder of a witness"),
        ("broker", "public", "holds a published log"),
        ("executor", "witness", "is the folder of a witness"),
        ("executor", "public", "holds a published log"),
        ("journal", "witness", "is the folder of a witness"),
        ("journal", "public", "holds a published log"),
    ] {
        let before = content(&machine, folder);
        let refused = make(&machine, &key, making, folder);
        assert_eq!(refused.code, 3, "{making} in {folder}: {}", refused.stderr);
        assert!(refused.stderr.contains(said), "{making} in {folder}: {}", refused.stderr);
        let names = |content: &[(String, Vec<u8>)]| {
            content.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let (before, after) = (names(&before), names(&content(&machine, folder)));
        // SQLite's notes come and go with whoever reads.
        let is_kept = |name: &&String| !name.contains("chaoschain.sqlite-");
        assert_eq!(
            after.iter().filter(is_kept).collect::<Vec<_>>(),
            before.iter().filter(is_kept).collect::<Vec<_>>(),
            "{making} in {folder}"
        );
    }
    // What belongs to a log lies beside it.
    make(&machine, &key, "monitor", "copy").expect_code(0);
    make(&machine, &key, "mirror", "copy").expect_code(0);
}

/// As an earlier version of the program left it: a copy of the log in the witness's folder.
#[test]
fn witness_whose_folder_has_a_log_in_it_is_told_how_it_goes_on_with_its_own_key() {
    let (machine, key) = furnished();
    let (copy, folder) = (machine.path("copy"), machine.path("witness"));
    fs::copy(copy.join("chaoschain.sqlite"), folder.join("chaoschain.sqlite")).unwrap();
    fs::create_dir(folder.join("blobs")).unwrap();
    let (mut refused, _) = witness_with(&machine, &key, &[], &[]);
    assert_eq!(refused.wait_for_end(), 3);
    for said in ["take no new key", "(chaoschain.sqlite, blobs)", "start it again"] {
        assert!(refused.said.contains(said), "{said}: {}", refused.said);
    }
    for name in ["chaoschain.sqlite", "blobs"] {
        fs::rename(folder.join(name), machine.path(&format!("moved-{name}"))).unwrap();
    }
    let (mut running, _) = witness(&machine, &key);
    assert_eq!(running.stop(), 0);
}
