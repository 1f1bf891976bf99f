//! What a log holds about a parameter that a proposal sets.

use super::*;

/// A log with a proposal's studies in it, and what the proposal changes.
struct Studied {
    data: String,
    heads: String,
    chain: String,
    proposed: u64,
}

impl Studied {
    fn new(lab: &Lab) -> Self {
        let mut log = Self {
            data: lab.out("data"),
            heads: lab.out("heads"),
            chain: String::new(),
            proposed: 0,
        };
        for (name, role) in [("ada", "researcher"), ("linus", "core_developer")] {
            log.run(&["agent", "register", "--name", name, "--role", role]).expect_code(0);
        }
        let (blocks, out) = (root().join("fixtures/first/inputs"), lab.out("proposal"));
        let line = ["propose", "--blocks", blocks.to_str().unwrap(), "--paths", "4", "--out", &out];
        let by = ["--researcher", "ada", "--developer", "linus"];
        log.run(&[&line[..], &by].concat()).expect_code(0);
        let file = fs::read(format!("{out}/proposal.json")).unwrap();
        let proposal = &serde_json::from_slice::<Value>(&file).unwrap()["proposal"];
        proposal["chain"].as_str().unwrap().clone_into(&mut log.chain);
        log.proposed = proposal["changes"][0]["proposed"].as_str().unwrap().parse().unwrap();
        log
    }

    fn run(&self, line: &[&str]) -> Run {
        let variables = [
            ("CHAOSCHAIN_PASSWORD", "test"),
            ("CHAOSCHAIN_HEADS", self.heads.as_str()),
            ("CHAOSCHAIN_DATA", self.data.as_str()),
        ];
        run_with(line, &variables)
    }

    /// A file of calls that sets the gas limit of the chain.
    fn file(&self, lab: &Lab, value: u64, text: &str) -> String {
        let (chain, name) = (self.chain.clone(), "gas-limit".to_owned());
        let call = ParameterRegistry::setCall { chain, name, value: U256::from(value) };
        lab.file(&[Act { target: lab.stack().registry, input: call.abi_encode() }], text)
    }
}

#[test]
fn a_check_names_the_studies_that_the_log_holds_of_a_parameter() {
    let Some(lab) = Lab::start() else { return };
    let log = Studied::new(&lab);
    let file = log.file(&lab, log.proposed, "");
    let (out, bundle) = (lab.out("checked"), lab.out("check.json"));
    let line = ["proposal", "check", "--calls", &file, "--rpc-url", lab.url()];
    let more = ["--agent", "operator", "--bundle", &bundle, "--out", &out];
    let run = log.run(&[&line[..], &more].concat()).expect_code(0);
    let title = "Parameters that are set, and what is known of that change";
    for said in [
        title,
        &format!("  gas-limit of {}: no value → {}", log.chain, log.proposed),
        "ada simulated gas-limit 15000000 to",
        "linus drafted `",
        "      in the log, evidence replayable; claimed, not re-executed",
        "      it starts from 15000000; the registry has no value",
    ] {
        assert!(run.stdout.contains(said), "`{said}` is not in\n{}", run.stdout);
    }
    assert!(!run.stdout.contains("no study of"), "{}", run.stdout);
    let page = fs::read_to_string(Path::new(&out).join("report.html")).unwrap();
    assert!(page.contains(title) && page.contains("claimed, not re-executed"));
    // The receipt stands after those of the studies, and is run again as any other.
    let json = log.run(&[&line[..], &["--json"]].concat()).expect_code(0);
    let found = &json.json()[0]["parameters"][0];
    let studies = found["studies"].as_array().unwrap();
    let mut named: Vec<_> = studies.iter().map(|it| it["receipt"].clone()).collect();
    named.sort_by_key(Value::to_string);
    let shown = log.run(&["log", "show", "--last", "1", "--json"]).expect_code(0);
    assert_eq!(shown.json()[0]["action"]["parents"], json!(named));
    log.run(&["verify", &bundle, "--reexecute"]).expect_code(0);
}

#[test]
fn a_text_that_claims_a_study_does_not_make_one() {
    let Some(lab) = Lab::start() else { return };
    let log = Studied::new(&lab);
    let other = log.proposed + 1;
    let file = log.file(&lab, other, &format!("Simulated: gas-limit = {other} is safe."));
    let line = ["proposal", "check", "--calls", &file, "--rpc-url", lab.url()];
    let run = log.run(&line).expect_code(0);
    let said = format!("    no study of gas-limit = {other} in the log");
    assert!(run.stdout.contains(&said), "{}", run.stdout);
    assert!(run.stdout.contains(&log.proposed.to_string()), "{}", run.stdout);
    let nowhere = lab.out("nowhere");
    let run = lab.check(&["--calls", &file, "--data", &nowhere]).expect_code(0);
    assert!(run.stdout.contains("no log is at hand"), "{}", run.stdout);
    lab.check(&["--calls", &file, "--log-dir", &nowhere]).expect_error(3, &["nowhere"]);
}
