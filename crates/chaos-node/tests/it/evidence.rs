//! `chaoschain attest quote` and `chaoschain attest allowlist`.

use std::{fs, path::Path};

use crate::program::{Run, run, run_with};

/// 2026-09-21, 14:13:20 UTC.
const AT_S: &str = "1790000000";

fn quote(out: &Path, more: &[&str]) -> Run {
    let report_data = "5a".repeat(64);
    let out = out.to_str().unwrap();
    let mut line = vec!["attest", "quote", "--report-data", &report_data, "--out", out, "--json"];
    line.extend(more);
    run(line)
}

#[test]
fn two_processes_make_the_same_quote_collateral_and_root() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    for version in ["4", "5"] {
        for out in [&one, &two] {
            let run = quote(out, &["--quote-version", version, "--at", AT_S]).expect_code(0);
            assert!(run.stderr.contains("DEVELOPMENT TRUST"), "{}", run.stderr);
            let shown = &run.json()[0];
            assert_eq!(shown["development"], true);
            assert_eq!(shown["quote_version"].to_string(), version);
        }
        for file in ["quote.bin", "collateral.json", "root.der"] {
            assert_eq!(fs::read(one.join(file)).unwrap(), fs::read(two.join(file)).unwrap());
        }
        let bytes = fs::read(one.join("quote.bin")).unwrap();
        assert_eq!(u16::from_le_bytes([bytes[0], bytes[1]]).to_string(), version);
    }
}

#[test]
fn a_development_quote_is_accepted_by_development_policies_only() {
    let folder = tempfile::tempdir().unwrap();
    let made = quote(folder.path(), &["--quote-version", "5", "--at", AT_S]).expect_code(0);
    let workload = made.json()[0]["workload_id"].as_str().unwrap().to_owned();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let verify = |policy: &str, root: &[&str]| {
        let (file, collateral) = (path("quote.bin"), path("collateral.json"));
        let mut line = vec!["attest", "verify", &file, "--collateral", &collateral, "--policy"];
        line.extend([policy, "--at", AT_S, "--workload", &workload, "--json"]);
        line.extend(root);
        run(line)
    };
    let root = path("root.der");
    let accepted = verify("development", &["--root", &root]).expect_code(0);
    assert_eq!(accepted.json()[0]["verdict"], "accepted");
    assert_eq!(
        verify("production", &["--root", &root]).expect_code(1).json()[0]["verdict"],
        "refused"
    );
    assert_eq!(verify("development", &[]).expect_code(1).json()[0]["verdict"], "refused");
}

#[test]
fn another_td_is_another_workload() {
    let folder = tempfile::tempdir().unwrap();
    let id = |td: &str| {
        quote(folder.path(), &["--td", td]).expect_code(0).json()[0]["workload_id"].clone()
    };
    assert_ne!(id("demonstration"), id("other"));
}

#[test]
fn a_machine_without_tdx_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let tsm = folder.path().join("tsm");
    let more = ["--provider", "configfs", "--tsm", tsm.to_str().unwrap()];
    quote(&folder.path().join("out"), &more).expect_error(4, &["is this a TDX guest"]);
    assert!(!folder.path().join("out").exists());
    run(["attest", "quote", "--report-data", "00"]).expect_error(3, &["128 hexadecimal digits"]);
}

/// A data directory with agents, and a folder for lists.
struct Story {
    folder: tempfile::TempDir,
}

const WORKLOAD: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

impl Story {
    fn new(agents: &[&str]) -> Self {
        let story = Self { folder: tempfile::tempdir().unwrap() };
        for agent in agents {
            let data = story.path("data");
            run(["agent", "register", "--name", agent, "--role", "researcher", "--data", &data])
                .expect_code(0);
        }
        story
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn did(&self, agent: &str) -> String {
        let shown = run(["agent", "show", agent, "--data", &self.path("data"), "--json"]);
        shown.expect_code(0).json()[0]["agent"]["did"].as_str().unwrap().to_owned()
    }

    /// `attest allowlist` with files named by `@`.
    fn list(&self, line: &[&str]) -> Run {
        let line = line.iter().map(|word| {
            word.strip_prefix('@').map_or_else(|| (*word).to_owned(), |name| self.path(name))
        });
        run(["attest", "allowlist"].map(str::to_owned).into_iter().chain(line))
    }

    fn add(&self, draft: &str) -> Run {
        self.add_workload(draft, WORKLOAD)
    }

    fn add_workload(&self, draft: &str, workload: &str) -> Run {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        self.list(&[
            "add",
            draft,
            "--workload",
            workload,
            "--name",
            "executor",
            "--repository",
            "https://example.org/executor.git",
            "--commit",
            commit,
            "--toolchain",
            "nix 2.31",
        ])
    }

    fn check(&self, list: &str, more: &[&str]) -> Run {
        let [issuer, one, two] = ["ada", "bob", "eve"].map(|agent| self.did(agent));
        let mut line = vec!["check", list, "--issuer", &issuer, "--builder", &one];
        line.extend(["--builder", &two, "--workload", WORKLOAD, "--json"]);
        line.extend(more);
        self.list(&line)
    }
}

#[test]
fn a_workload_becomes_active_when_two_builders_vouch_and_revocation_ends_it() {
    let story = Story::new(&["ada", "bob", "eve"]);
    let vouch = |draft: &str, builder: &str| {
        let line = ["vouch", draft, "--workload", WORKLOAD, "--builder", builder];
        story.list(&[&line[..], &["--data", "@data"]].concat()).expect_code(0)
    };
    let sign = |draft: &str, out: &str| {
        let line = ["sign", draft, "--issuer", "ada", "--out", out, "--data", "@data"];
        story.list(&line).expect_code(0)
    };
    let begin = |line: &[&str]| {
        let base = ["new", "--issuer", "ada", "--data", "@data"];
        story.list(&[&base[..], line].concat()).expect_code(0)
    };

    begin(&["--out", "@draft1"]);
    story.add("@draft1").expect_code(0);
    story.add("@draft1").expect_error(3, &["is on the draft already"]);
    vouch("@draft1", "bob");
    sign("@draft1", "@list1");
    let refused = story.check("@list1", &[]).expect_code(1);
    assert_eq!(refused.json()[0]["code"], "workload-not-allowed");

    begin(&["--after", "@list1", "--out", "@draft2"]);
    vouch("@draft2", "eve");
    sign("@draft2", "@list2");
    let accepted = story.check("@list2", &["--after", "@list1"]).expect_code(0);
    assert_eq!(accepted.json()[0]["sequence"], 2);
    let rollback = story.check("@list1", &["--after", "@list2"]).expect_code(1);
    assert_eq!(rollback.json()[0]["code"], "allowlist-rollback");
    let later = story.check("@list2", &["--at", "4000000000"]).expect_code(1);
    assert_eq!(later.json()[0]["code"], "allowlist-expired");

    begin(&["--after", "@list2", "--out", "@draft3"]);
    story.list(&["revoke", "@draft3", "--workload", WORKLOAD, "--reason", "leaked"]).expect_code(0);
    story.add("@draft3").expect_error(3, &["is revoked, for ever"]);
    sign("@draft3", "@list3");
    let revoked = story.check("@list3", &["--after", "@list2"]).expect_code(1);
    assert!(revoked.json()[0]["detail"].as_str().unwrap().contains("is revoked: leaked"));
    let shown = story.list(&["show", "@list3"]).expect_code(0);
    assert!(shown.stdout.contains("leaked"), "{}", shown.stdout);
}

#[test]
fn only_the_issuer_signs_and_no_file_is_overwritten() {
    let story = Story::new(&["ada", "bob"]);
    let begin = ["new", "--issuer", "ada", "--data", "@data", "--out", "@draft"];
    story.list(&begin).expect_code(0);
    story.list(&begin).expect_error(3, &["cannot write", "exists"]);
    let sign = ["sign", "@draft", "--issuer", "bob", "--out", "@list", "--data", "@data"];
    story.list(&sign).expect_error(3, &["the issuer is"]);
    let sign = ["sign", "@draft", "--issuer", "eve", "--out", "@list", "--data", "@data"];
    story.list(&sign).expect_error(3, &["no agent `eve`"]);
    fs::write(story.path("list"), "{}").unwrap();
    story.list(&["show", "@list"]).expect_code(1);
    fs::write(story.path("draft"), "{}").unwrap();
    story.add("@draft").expect_error(3, &["is not a draft"]);
    let keyless = run_with(
        [
            "attest",
            "allowlist",
            "new",
            "--issuer",
            "ada",
            "--out",
            &story.path("other"),
            "--data",
            &story.path("data"),
        ],
        &[],
    );
    keyless.expect_error(3, &["CHAOSCHAIN_PASSWORD"]);
}

#[test]
fn no_entry_of_a_draft_is_lost_when_many_add_at_once() {
    let story = Story::new(&["ada"]);
    let begin = ["new", "--issuer", "ada", "--out", "@draft", "--data", "@data"];
    story.list(&begin).expect_code(0);
    let workloads: Vec<String> =
        (0..12).map(|number| format!("sha256:{}", format!("{number:x}").repeat(64))).collect();
    std::thread::scope(|scope| {
        for workload in &workloads {
            let story = &story;
            scope.spawn(move || story.add_workload("@draft", workload).expect_code(0));
        }
    });
    let draft = fs::read_to_string(story.path("draft")).unwrap();
    for workload in &workloads {
        assert!(draft.contains(workload.as_str()), "{workload} is lost: {draft}");
    }
}
