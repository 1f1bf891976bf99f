//! What a newcomer gets wrong and what a bad day does: each is said as it is, with the way on.

use std::{fs, path::Path, thread};

use crate::{
    copies::{Machine, text},
    program::run,
};

/// A log of three entries that signed the last one, as `data` of a machine.
fn signed() -> Machine {
    let machine = Machine::new();
    machine.register("data", "ada").expect_code(0);
    machine.grow("data", "grace");
    machine
}

fn export(machine: &Machine, folder: &Path) -> crate::program::Run {
    machine.on("data", &["log", "export", text(folder), "--json"]).expect_code(0)
}

#[test]
fn copy_that_never_read_its_log_has_found_nothing_wrong_in_nothing() {
    let machine = signed();
    let (key, copy) = (machine.key("data"), machine.path("copy"));
    let nowhere = "http://127.0.0.1:9/";
    run(["log", "mirror", nowhere, text(&copy), "--log", &key]).expect_code(4);
    for more in [&[][..], &["--accept", "all"], &["--json"]] {
        let asked = run([&["log", "findings", text(&copy)], more].concat());
        let asked = asked.expect_error(4, &["has not read the log yet"]);
        assert!(!asked.stdout.contains("nothing was found"), "{}", asked.stdout);
    }
    run(["log", "mirror", text(&machine.path("data")), text(&copy)]).expect_code(0);
    let found = run(["log", "findings", text(&copy)]).expect_code(0).stdout;
    assert_eq!(found, "nothing was found wrong in the log so far: 3 entries\n");
}

#[test]
fn export_writes_again_what_its_folder_lost_and_a_mirror_of_it_is_the_log() {
    let machine = signed();
    let (key, public) = (machine.key("data"), machine.path("public"));
    export(&machine, &public);
    assert_eq!(export(&machine, &public).json()[0]["files"], 0);
    fs::remove_dir_all(public.join("tile")).unwrap();
    fs::write(public.join("records/000.p/3"), "").unwrap();
    fs::write(public.join("checkpoint.part"), "half").unwrap();
    let mended = export(&machine, &public).json().remove(0);
    assert_eq!((&mended["files"], &mended["files_mended"]), (&3.into(), &3.into()));
    assert!(!public.join("checkpoint.part").exists(), "strangers are served what lies there");
    let mut tile = fs::read(public.join("tile/0/000.p/3")).unwrap();
    tile[0] ^= 1;
    fs::write(public.join("tile/0/000.p/3"), tile).unwrap();
    let data = machine.path("data");
    let unread = ["log", "export", text(&public), "--data", text(&data)];
    let unread = run(unread).expect_code(0).stdout;
    assert!(
        unread.contains("3 files of earlier exports not read; --check compares them"),
        "{unread}"
    );
    let checked = ["log", "export", text(&public), "--check", "--json", "--data", text(&data)];
    let checked = run(checked).expect_code(0).json().remove(0);
    assert_eq!((&checked["files_mended"], &checked["files_unread"]), (&1.into(), &0.into()));
    run(["log", "mirror", text(&public), text(&machine.path("copy")), "--log", &key])
        .expect_code(0);
}

#[test]
fn exports_into_one_folder_at_the_same_time_all_end_well() {
    let machine = signed();
    let public = machine.path("public");
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| export(&machine, &public));
        }
    });
    assert_eq!(export(&machine, &public).json()[0]["files"], 0);
}

#[test]
fn nothing_is_compared_with_itself() {
    let machine = signed();
    let (key, data, copy) = (machine.key("data"), machine.path("data"), machine.path("copy"));
    run(["log", "mirror", text(&data), text(&copy), "--log", &key]).expect_code(0);
    let link = machine.path("link");
    std::os::unix::fs::symlink(&copy, &link).unwrap();
    for command in ["mirror", "monitor"] {
        for same in [&copy, &link] {
            run(["log", command, text(same), text(&copy)]).expect_error(3, &["are one folder"]);
        }
    }
    machine
        .on("data", &["log", "repair", "--from", text(&data)])
        .expect_error(3, &["are one folder"]);
}

#[test]
fn proof_goes_where_out_says_and_json_says_what_was_written() {
    let machine = signed();
    let (out, public) = (machine.path("proof"), machine.path("public"));
    export(&machine, &public);
    let signed_head = public.join("checkpoint");
    let prove = |more: &[&str]| machine.on("data", &[&["log", "prove"], more].concat());
    let proof = prove(&["--consistency", "2"]).expect_code(0).stdout;
    let written = prove(&["--consistency", "2", "--out", text(&out)]).expect_code(0);
    assert_eq!((fs::read_to_string(&out).unwrap(), written.stdout), (proof, String::new()));
    // What the hashes lead to is what a signed head can be held against.
    let line = prove(&["--consistency", "2", "--json"]).expect_code(0).json().remove(0);
    let head = fs::read_to_string(&signed_head).unwrap();
    assert!(head.contains(line["root"].as_str().unwrap()), "{line} {head}");
    assert_ne!(line["root"], line["old_root"]);
    let shown = machine.on("data", &["log", "show", "--json"]).json();
    let receipt = shown[1]["action"]["receipt"].as_str().unwrap();
    let written = prove(&[receipt, "--out", text(&out), "--json"]).expect_code(0).json();
    assert_eq!(written[0]["receipt"], receipt);
    assert_eq!(written[0]["bytes"], fs::metadata(&out).unwrap().len());
    let text = prove(&[receipt, "--tlog-proof", "--json"]).expect_code(0).json();
    assert!(text[0]["tlog_proof"].as_str().unwrap().starts_with("c2sp.org/tlog-proof@v1\n"));
}

#[test]
fn correction_from_an_entry_that_is_not_there_is_refused_by_its_number() {
    let machine = signed();
    for more in [&[][..], &["--sign"]] {
        machine
            .on("data", &[&["log", "correct-time", "--first", "7"], more].concat())
            .expect_error(3, &["--first 7: the log has 3 entries"]);
    }
}

#[test]
fn policy_that_names_logs_is_read_alike_by_all_who_take_one() {
    let machine = signed();
    let (key, data) = (machine.key("data"), machine.path("data"));
    let (own, other) = (machine.path("own.policy"), machine.path("other.policy"));
    fs::write(&own, format!("log {key}\nquorum none\n")).unwrap();
    fs::write(
        &other,
        "log example.com/log+9be5d3c6+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\nquorum none\n",
    )
    .unwrap();
    let shown = machine.on("data", &["log", "show", "--json"]).json();
    let (receipt, bundle) =
        (shown[1]["action"]["receipt"].as_str().unwrap(), machine.path("b.json"));
    machine.on("data", &["log", "prove", receipt, "--out", text(&bundle)]).expect_code(0);
    let words = ["names logs, and not this one"];
    for command in ["mirror", "monitor"] {
        let copy = machine.path(command);
        let round = ["log", command, text(&data), text(&copy), "--log-policy"];
        run([&round[..], &[text(&other), "--log", &key]].concat()).expect_error(3, &words);
        assert!(!copy.exists(), "{command} leaves nothing behind");
        // A policy that names the log is as good as --log.
        run([&round[..], &[text(&own)]].concat()).expect_code(0);
        let other = run([&round[..], &[text(&other)]].concat());
        other.expect_error(3, &["the mirror is of the log"]);
    }
    let verify = ["verify", text(&bundle), "--log", &key, "--log-policy"];
    run([&verify[..], &[text(&other)]].concat()).expect_error(3, &words);
    run([&verify[..], &[text(&own)]].concat()).expect_code(0);
    let checkpoint =
        |policy: &Path| machine.on("data", &["log", "checkpoint", "--log-policy", text(policy)]);
    checkpoint(&other).expect_error(3, &["names logs, and not this one"]);
    checkpoint(&own).expect_code(0);
}

#[test]
fn nothing_replaces_a_lost_key_unasked_where_nobody_could_follow() {
    let machine = signed();
    let rotate = |more: &[&str]| machine.on("data", &[&["log", "rotate-key"], more].concat());
    rotate(&[]).expect_code(0);
    let before = machine.on("data", &["log", "show"]).expect_code(0).stdout;
    let refused = rotate(&["--lost"]).expect_code(3);
    assert!(
        refused.stderr.contains("the key that is called lost opens here"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("nothing was signed"), "{}", refused.stderr);
    assert_eq!(machine.on("data", &["log", "show"]).stdout, before);
    assert!(!machine.path("data/keys/operator.log.next.pem").exists());
    let signed = rotate(&["--lost", "--unwitnessed"]).expect_code(0);
    assert!(signed.stderr.contains("refuse the log from now on"), "{}", signed.stderr);
}

#[test]
fn database_that_nobody_can_read_names_the_way_out_and_the_log_goes_on() {
    let machine = signed();
    let key = machine.key("data");
    let copy = machine.path("copy");
    run(["log", "mirror", text(&machine.path("data")), text(&copy), "--log", &key]).expect_code(0);
    let database = machine.path("data/chaoschain.sqlite");
    fs::write(&database, [7; 3_000]).unwrap();
    let repair = ["log", "repair", "--from", text(&copy)];
    for command in
        [&["log", "show"][..], &["agent", "list"], &["log", "rebuild", "--check"], &repair]
    {
        machine
            .on("data", command)
            .expect_error(5, &["log repair --from SOURCE", "move chaoschain.sqlite out"]);
    }
    fs::rename(&database, machine.path("moved")).unwrap();
    machine.on("data", &repair).expect_code(0);
    machine.grow("data", "edsger");
}

/// Whichever page of the database is damaged, either repair mends it or it names the step that does.
#[test]
fn damaged_page_is_mended_or_the_step_is_named_that_mends_it() {
    let machine = signed();
    let (key, copy) = (machine.key("data"), machine.path("copy"));
    run(["log", "mirror", text(&machine.path("data")), text(&copy), "--log", &key]).expect_code(0);
    let whole = fs::read(machine.path("data/chaoschain.sqlite")).unwrap();
    // SQLite's header says how long a page is.
    let size = usize::from(whole[16]) << 8 | usize::from(whole[17]);
    let (mut mended, mut moved) = (0, 0);
    for page in 0..whole.len() / size {
        let name = format!("page-{page}");
        machine.copy("data", &name);
        let database = machine.path(&format!("{name}/chaoschain.sqlite"));
        let mut bytes = whole.clone();
        bytes[page * size + size / 2..(page + 1) * size].fill(0xa5);
        fs::write(&database, bytes).unwrap();
        let repair = ["log", "repair", "--from", text(&copy)];
        let repaired = machine.on(&name, &repair);
        if repaired.code == 0 {
            mended += 1;
        } else {
            let said = format!("{}{}", repaired.stdout, repaired.stderr);
            assert!(said.contains("move chaoschain.sqlite out"), "page {page}: {said}");
            fs::rename(&database, machine.path(&format!("{name}.moved"))).unwrap();
            machine.on(&name, &repair).expect_code(0);
            moved += 1;
        }
        machine.on(&name, &["log", "rebuild", "--check"]).expect_code(0);
    }
    assert!(mended > 0 && moved > 0, "{mended} mended, {moved} moved");
}

#[test]
fn entry_that_was_never_signed_here_is_no_fork_to_repair() {
    let machine = signed();
    for copy in ["old", "good"] {
        machine.copy("data", copy);
    }
    machine.register("old", "eve").expect_code(0);
    machine.grow("good", "edsger");
    let good = machine.path("good");
    let refused = machine.on("old", &["log", "repair", "--from", text(&good)]);
    refused.expect_error(5, &["entry 3 here was never signed", "move chaoschain.sqlite out"]);
    fs::rename(machine.path("old/chaoschain.sqlite"), machine.path("moved")).unwrap();
    machine.on("old", &["log", "repair", "--from", text(&good)]).expect_code(0);
    machine.on("old", &["log", "checkpoint"]).expect_code(0);
}

#[test]
fn mistyped_address_and_a_file_that_is_read_twice_are_refused() {
    let machine = signed();
    let account = |address: &str| {
        let chain = ["agent", "account", "ada", "--chain", "eip155:1", "--account", address];
        machine.on("data", &chain)
    };
    account("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92267").expect_error(2, &["checksum"]);
    account("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92267").expect_code(0);
    run(["verify", "-", "-"]).expect_error(3, &["standard input is read once"]);
}

#[test]
fn copy_that_is_refused_for_want_of_a_key_leaves_no_directory() {
    let machine = signed();
    let (data, copy) = (machine.path("data"), machine.path("copy"));
    run(["log", "mirror", text(&data), text(&copy)]).expect_error(3, &["no log key is named"]);
    assert!(!copy.exists());
    let refused = run(["verify", "nothing.json", "--log-dir", text(&copy)]);
    refused.expect_error(3, &["holds no log", "the folder of a mirror"]);
}

#[test]
fn rotation_without_the_root_key_at_hand_names_the_option_that_brings_it() {
    let machine = signed();
    for command in ["rotate-key", "replace-operator"] {
        machine.on("data", &["log", command]).expect_code(0);
    }
    let root = machine.path("root.pem");
    fs::rename(machine.path("data/keys/operator.root.pem"), &root).unwrap();
    machine.on("data", &["log", "rotate-key"]).expect_error(3, &["--root names its file"]);
    let done = machine.on("data", &["log", "rotate-key", "--root", text(&root)]).expect_code(0);
    assert!(
        done.stderr.contains("no file `keys/operator*.pem` of the data directory holds it"),
        "{}",
        done.stderr
    );
}
