//! A log that forked, as its mirrors and its readers find out.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, run, run_with};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs a command on a data directory whose signed heads are remembered beside it.
fn on(data: &Path, arguments: &[&str]) -> Run {
    let heads = data.with_extension("heads");
    let variables = [("CHAOSCHAIN_PASSWORD", "test"), ("CHAOSCHAIN_HEADS", text(&heads))];
    let arguments = [arguments, &["--data", text(data), "--json"]].concat();
    run_with(arguments, &variables).expect_code(0)
}

fn register(data: &Path, name: &str) {
    on(data, &["agent", "register", "--name", name, "--role", "researcher"]);
}

fn sign(data: &Path) -> Value {
    on(data, &["log", "checkpoint"]).json().remove(0)
}

/// Two data directories of one log that went two ways, as a machine and its restored copy do, and the
/// log's verifier key.
fn forked(dir: &Path) -> (std::path::PathBuf, std::path::PathBuf, String) {
    let (one, other) = (dir.join("one"), dir.join("other"));
    register(&one, "ada");
    let key = sign(&one)["log"].as_str().unwrap().to_owned();
    let copied = Command::new("cp").arg("-r").args([&one, &other]).status().unwrap();
    assert!(copied.success());
    register(&one, "grace");
    sign(&one);
    // The copy's machine does not remember, and somebody vouches for what is not so.
    on(&other, &["log", "resume", "--only-copy"]);
    for name in ["edsger", "barbara"] {
        register(&other, name);
    }
    (one, other, key)
}

#[test]
fn mirror_and_monitor_end_with_6_and_leave_a_proof_that_verify_reads() {
    let dir = TempDir::new().unwrap();
    let (one, other, key) = forked(dir.path());
    let (mirror, watched) = (dir.path().join("mirror"), dir.path().join("watched"));
    for (command, folder) in [("mirror", &mirror), ("monitor", &watched)] {
        run(["log", command, text(&one), text(folder), "--log", &key]).expect_code(0);
    }
    // The other branch is longer, so that the proof is of a prefix.
    sign(&other);
    run(["log", "mirror", text(&other), text(&mirror)]).expect_error(6, &["forked"]);
    let seen =
        run(["log", "monitor", text(&other), text(&watched), "--json"]).expect_code(6).json();
    assert_eq!(seen[0]["alarm"], "fork");
    let alarm = seen[0]["file"].as_str().unwrap();
    let proof = alarm.replace(".json", ".fork");
    let shown = run(["verify", &proof, "--log", &key]).expect_code(6).stdout;
    assert!(shown.contains("the tree of size 4 that it signed does not start with"), "{shown}");
    // Whoever has a bundle of either branch learns of it from the file.
    let receipt =
        on(&one, &["log", "show"]).json()[2]["action"]["receipt"].as_str().unwrap().to_owned();
    let bundle = dir.path().join("bundle.json");
    on(&one, &["log", "prove", &receipt, "--out", text(&bundle)]);
    run(["verify", text(&bundle), "--log", &key]).expect_code(0);
    let lines = run(["verify", text(&bundle), &proof, "--json"]).expect_code(6).json();
    assert_eq!(lines[0]["verdict"], "rejected", "{}", lines[0]);
    assert!(fs::exists(alarm).unwrap());
}

/// The receipt of an entry.
fn receipt(data: &Path, index: usize) -> String {
    on(data, &["log", "show"]).json()[index]["action"]["receipt"].as_str().unwrap().to_owned()
}

#[test]
fn any_log_takes_in_a_fork_and_readers_of_its_copies_refuse_both_branches() {
    let dir = TempDir::new().unwrap();
    let (one, other, key) = forked(dir.path());
    let watched = dir.path().join("watched");
    run(["log", "monitor", text(&one), text(&watched), "--log", &key]).expect_code(0);
    sign(&other);
    let seen =
        run(["log", "monitor", text(&other), text(&watched), "--json"]).expect_code(6).json();
    let proof = seen[0]["file"].as_str().unwrap().replace(".json", ".fork");
    let third = dir.path().join("third");
    register(&third, "eve");
    let report = |more: &[&str]| {
        on(&third, &[&["log", "report-fork", &proof], more].concat()).json().remove(0)
    };
    let shown = report(&[]);
    assert_eq!((&shown["from_size"], &shown["receipt"]), (&"3".into(), &Value::Null), "{shown}");
    assert_eq!(on(&third, &["log", "show"]).json().len(), 2, "nothing was written");
    let signed = report(&["--agent", "eve", "--sign"]);
    assert_eq!((&signed["entry"], &signed["reported"]), (&2.into(), &Value::Null), "{signed}");
    let again = report(&[]);
    assert_eq!(again["reported"], 2, "{again}");
    let heads = third.with_extension("heads");
    let variables = [("CHAOSCHAIN_PASSWORD", "test"), ("CHAOSCHAIN_HEADS", text(&heads))];
    let repeated = ["log", "report-fork", &proof, "--sign", "--data", text(&third)];
    run_with(repeated, &variables)
        .expect_error(3, &["entry 2 reports", "heads of 3 and 4 entries"]);
    let third_key = sign(&third)["log"].as_str().unwrap().to_owned();
    // The receipt stands for itself, under every copy of the log that took it in.
    let (copy, reported) = (dir.path().join("copy"), dir.path().join("report.json"));
    run(["log", "mirror", text(&third), text(&copy), "--log", &third_key]).expect_code(0);
    on(&third, &["log", "prove", &receipt(&third, 2), "--out", text(&reported)]);
    let require = ["--require", "counted,reexecuted", "--log", &third_key];
    let arguments = [&["verify", text(&reported), "--log-dir", text(&copy)], &require[..]].concat();
    let shown = run(arguments).expect_code(0).stdout;
    // Anybody can name a log as he likes: it is its key.
    let by = format!("both signed by {key}");
    for said in ["counted: recomputed", "re-executed", "says it reported that log", "size 3", &by] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    on(&third, &["log", "rebuild", "--check"]);
    // A bundle of either branch, for whoever has a copy of the third log or the report's bundle.
    for (branch, index) in [(&one, 2), (&other, 3)] {
        let bundle = dir.path().join("bundle.json");
        on(branch, &["log", "prove", &receipt(branch, index), "--out", text(&bundle)]);
        run(["verify", text(&bundle), "--log", &key]).expect_code(0);
        let refused = run(["verify", text(&bundle), "--log-dir", text(&copy)]).expect_code(6);
        assert!(refused.stdout.contains("entry 2 of the log in"), "{}", refused.stdout);
        assert!(refused.stdout.contains("(log-forked)"), "{}", refused.stdout);
        let lines = run(["verify", text(&bundle), text(&reported), "--json"]).expect_code(6).json();
        assert_eq!(lines[0]["verdict"], "rejected", "{}", lines[0]);
        assert_eq!(lines[1]["verdict"], "accepted", "{}", lines[1]);
    }
}

#[test]
fn once_a_log_has_a_policy_no_command_publishes_a_head_without_its_quorum() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    register(&data, "ada");
    let key = sign(&data)["log"].as_str().unwrap().to_owned();
    let policy = |name: &str, lines: &str| {
        let path = dir.path().join(name);
        fs::write(&path, lines).unwrap();
        text(&path).to_owned()
    };
    // Nobody listens at port 9.
    let name = "witness.example.org/w".parse().unwrap();
    let witness = chaos_log::WitnessKey::from_seed(name, &[1; 32]).verifier().to_string();
    let absent = policy("absent", &format!("witness w {witness} http://127.0.0.1:9\nquorum w\n"));
    let other = policy(
        "other",
        "log example.com/log+9be5d3c6+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\nquorum none\n",
    );
    let none = policy("none", &format!("log {key}\nquorum none\n"));
    let heads = data.with_extension("heads");
    let variables = [("CHAOSCHAIN_PASSWORD", "test"), ("CHAOSCHAIN_HEADS", text(&heads))];
    let tried = |arguments: &[&str], code: i32| {
        let arguments = [arguments, &["--data", text(&data)]].concat();
        run_with(arguments, &variables).expect_code(code)
    };
    tried(&["log", "checkpoint", "--log-policy", &other], 3);
    register(&data, "grace");
    tried(&["log", "checkpoint", "--log-policy", &absent], 4);
    tried(&["log", "checkpoint"], 4);
    let receipt = {
        let shown = on(&data, &["log", "show"]).json();
        shown[2]["action"]["receipt"].as_str().unwrap().to_owned()
    };
    // Nor does it give out what a head of before the policy covers.
    let shown = on(&data, &["log", "show"]).json();
    let early = shown[1]["action"]["receipt"].as_str().unwrap();
    tried(&["log", "prove", early], 4);
    let refused = tried(&["log", "prove", &receipt], 4);
    assert!(refused.stderr.contains("short of quorum `w`"), "{}", refused.stderr);
    assert!(refused.stderr.contains("witness w: "), "{}", refused.stderr);
    let public = dir.path().join("public");
    tried(&["log", "export", text(&public)], 0);
    let published = fs::read_to_string(public.join("checkpoint")).unwrap();
    assert_eq!(published.lines().nth(1), Some("2"), "the head of before the policy stays up");
    tried(&["log", "checkpoint", "--log-policy", &none], 0);
    tried(&["log", "prove", &receipt], 0);
}

/// A server that takes a connection and says nothing.
#[test]
fn monitor_that_waits_for_a_silent_server_stops_when_it_is_asked_to() {
    let dir = TempDir::new().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let key = "example.com/log+9be5d3c6+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
    for (command, more) in [("monitor", &["--every", "60"][..]), ("mirror", &[])] {
        let folder = dir.path().join(command);
        let mut child = Command::new(env!("CARGO_BIN_EXE_chaoschain"))
            .args(["log", command, &url, text(&folder), "--log", key])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The program is within its round once it has connected.
        let held = silent.accept().unwrap();
        let began = Instant::now();
        let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let code = child.wait().unwrap().code();
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert_eq!(code, Some(4), "nothing was shown by {command}");
        drop(held);
    }
}
