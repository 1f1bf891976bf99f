//! The story by separate commands, on a chain that nobody here started for it.

use std::fs;

use chaos_chains::{Anvil, AnvilConfig, EvmChain, OpenVote, Outbox};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    funding::funds_from_another,
    handed::{claims_one_share, refuses_other_shares},
    program::{DEVELOPMENT_KEY, Run, anvil_is_there, root, run_with},
    proxy::{Proxy, ask},
    shown::refuses_what_is_not_so,
    transactions::ended,
};

/// The account of [`DEVELOPMENT_KEY`].
pub(crate) const ACCOUNT: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

/// Terms under which a vote is over soon, and a cap that deploying a governor stays below.
pub(crate) const DEPLOY: [&str; 8] =
    ["chain", "deploy", "--max-cost", "0.1", "--voting-period", "5", "--timelock", "4"];

/// A chain of its own, a folder, and the memory of one user.
pub(crate) struct Story {
    dir: TempDir,
    pub(crate) anvil: Anvil,
    /// Who signs in place of a key.
    pub(crate) signer: Option<Proxy>,
}

impl Story {
    /// None after saying that the test is skipped.
    pub(crate) fn start() -> Option<Self> {
        anvil_is_there().then(|| {
            let config =
                AnvilConfig { root: Some(root()), chain_id: 1337, ..AnvilConfig::default() };
            let (dir, anvil) = (TempDir::new().unwrap(), Anvil::start(&config).unwrap());
            Self { dir, anvil, signer: None }
        })
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs the program; words that begin with `@` are files of the folder.
    pub(crate) fn run(&self, line: &[&str]) -> Run {
        let line: Vec<String> = line
            .iter()
            .map(|word| match word.strip_prefix('@') {
                Some(name) => self.path(name),
                None => (*word).to_owned(),
            })
            .collect();
        let (data, heads) = (self.path("data"), self.path("heads"));
        let variables = [
            ("CHAOSCHAIN_PASSWORD", "test"),
            match &self.signer {
                Some(signer) => ("CHAOSCHAIN_SIGNER", signer.url.as_str()),
                None => ("CHAOSCHAIN_PRIVATE_KEY", DEVELOPMENT_KEY),
            },
            ("CHAOSCHAIN_HEADS", heads.as_str()),
            ("CHAOSCHAIN_DATA", data.as_str()),
        ];
        run_with(line, &variables)
    }

    /// The same, on the chain, whose deployment is in the folder.
    pub(crate) fn on(&self, line: &[&str]) -> Run {
        let place = ["--rpc-url", self.anvil.endpoint()];
        self.run(&[line, &place[..]].concat())
    }

    pub(crate) fn ask(&self, method: &str, params: &Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": params});
        let answer = ask(self.anvil.endpoint(), &body.to_string());
        serde_json::from_str::<Value>(&answer).unwrap()["result"].clone()
    }

    /// Transactions of the account that are in a block.
    pub(crate) fn landed(&self) -> u64 {
        let count = self.ask("eth_getTransactionCount", &json!([ACCOUNT, "latest"]));
        u64::from_str_radix(count.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    }

    /// Two agents, and a proposal that they drafted from recorded blocks.
    pub(crate) fn propose(&self) {
        for (name, role) in [("ada", "researcher"), ("linus", "core_developer")] {
            self.run(&["agent", "register", "--name", name, "--role", role]).expect_code(0);
        }
        let blocks = root().join("fixtures/first/inputs");
        let line = ["propose", "--blocks", blocks.to_str().unwrap(), "--paths", "4"];
        let by = ["--researcher", "ada", "--developer", "linus", "--out", "@proposal"];
        self.run(&[&line[..], &by].concat()).expect_code(0);
    }

    /// Registers the account of a chain at which an agent is paid, which signs for it.
    pub(crate) fn register_account(&self, agent: &str, number: usize, chain: &str) {
        let signer = self.anvil.signer(number);
        let account = format!("{:#x}", signer.address());
        let line = ["agent", "account", agent, "--chain", chain, "--account", &account];
        let text = self.run(&line).expect_code(0).stdout;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let signing = signer.sign_text(text.strip_suffix('\n').unwrap());
        let signature = runtime.block_on(signing).unwrap();
        fs::write(self.path("signature"), signature).unwrap();
        self.run(&[&line[..], &["--signature", "@signature"]].concat()).expect_code(0);
    }

    /// Writes the file that describes the chain.
    fn describe(&self, finality: &str) {
        let first = self.ask("eth_getBlockByNumber", &json!(["0x0", false]));
        let text = format!(
            "version = 1\nid = \"eip155:1337\"\ngenesis = {}\nendpoints = [\"{}\"]\nblock_time_ms = 2000\n\
             finality = \"{finality}\"\n",
            first["hash"],
            self.anvil.endpoint()
        );
        fs::write(self.path("chain.toml"), text).unwrap();
    }
}

/// The words of a command with the files of the folder.
const PLACE: [&str; 2] = ["--chain-config", "@chain.toml"];
pub(crate) const DEPLOYED: [&str; 2] = ["--deployment", "@deployment.json"];
pub(crate) const VOTE: [&str; 4] = ["--vote", "@vote.json", "--deployment", "@deployment.json"];

#[test]
fn a_proposal_goes_from_a_draft_to_what_its_vote_set_by_separate_commands() {
    let Some(story) = Story::start() else { return };
    story.propose();
    // Blocks come by themselves, whether anything is sent or not, and stay under two.
    story.ask("anvil_mine", &json!(["0x1"]));
    story.ask("evm_setIntervalMining", &json!([2]));
    story.describe("included:9");
    story.run(&[&["chain", "doctor"], &PLACE[..]].concat()).expect_code(0);

    let deploy = [&DEPLOY[..], &PLACE, &DEPLOYED].concat();
    story.run(&[&deploy[..], &["--finality", "included"]].concat()).expect_code(0);
    let first = fs::read(story.path("deployment.json")).unwrap();
    // A reorganisation, of fewer blocks than make one final here, takes the last contracts out, and the same bytes
    // go in again.
    story.ask("anvil_reorg", &json!([3, []]));
    story.run(&[&deploy[..], &["--finality", "included:2"]].concat()).expect_code(0);
    story.describe("included:2");
    assert_eq!(fs::read(story.path("deployment.json")).unwrap(), first);
    assert_eq!(story.landed(), 6);

    story.run(&[&["vote", "delegate"], &PLACE[..], &DEPLOYED].concat()).expect_code(0);
    let submit = ["proposal", "submit", "@proposal/proposal.json", "--agent", "linus", "--json"];
    let submit = [&submit[..], &PLACE, &DEPLOYED].concat();
    let submitted = story.run(&submit).expect_code(0).json().remove(0);
    assert_eq!(submitted["finality"], "final");
    let again = story.run(&submit);
    again.expect_error(3, &["submitted before", submitted["receipt"].as_str().unwrap()]);

    story.register_account("ada", 4, "eip155:1337");
    story.register_account("linus", 5, "eip155:1337");
    let open = ["vote", "open", "@proposal/proposal.json", "--out", "@vote.json"];
    let opened = story.run(&[&open[..], &PLACE, &DEPLOYED].concat()).expect_code(0);
    assert!(opened.stdout.starts_with("a vote on gas-limit = "), "{}", opened.stdout);
    let cast = ["vote", "cast", "for", "--reason", "it repeats"];
    let cast = [&cast[..], &PLACE, &VOTE].concat();
    let voted = story.run(&cast).expect_code(0);
    assert!(voted.stdout.starts_with("1000000 votes are cast: for\n"), "{}", voted.stdout);
    // The same again is answered, another choice refused; neither is paid for.
    let landed = story.landed();
    story.run(&cast).expect_code(0);
    let against = [&["vote", "cast", "against"], &PLACE[..], &VOTE].concat();
    ended(story.run(&against), 3, &["has voted on this already"]);
    assert_eq!(story.landed(), landed);

    let watched = story.run(&[&["vote", "watch", "--json"], &PLACE[..], &VOTE].concat());
    let watched = watched.expect_code(0).json();
    assert_eq!(watched.last().unwrap()["state"], "succeeded");
    queues(&story);
    let execute = [&["vote", "execute", "--json"], &PLACE[..], &VOTE].concat();
    let executed = story.run(&execute).expect_code(0).json().remove(0);
    assert_eq!(executed["value"], executed["expected"]);
    story.run(&execute).expect_code(0);

    let receipt = submitted["receipt"].as_str().unwrap();
    let observe = ["vote", "observe", "--submission", receipt, "--json"];
    let observe = [&observe[..], &PLACE, &VOTE].concat();
    let observed = story.run(&observe).expect_code(0).json().remove(0);
    assert_eq!(observed["state"], "executed");
    assert_eq!(observed["kind"], "OpenZeppelin Governor");
    let block = story.ask("eth_getBlockByHash", &json!([observed["block_hash"], false]));
    assert!(block.is_object(), "the block that it was read in");
    // An outcome is logged once.
    let known = format!("its outcome is receipt {}", observed["receipt"].as_str().unwrap());
    story.run(&observe).expect_error(3, &["outcome-repeated", &known]);
    let payment = pays(&story, observed["receipt"].as_str().unwrap());
    let observed = observed["receipt"].as_str().unwrap();
    shows(&story, [receipt, observed, &payment]);
    let entries = story.run(&["log", "show", "--json"]).expect_code(0).stdout;
    for kind in ["submit", "observe_vote", "pay"] {
        assert!(entries.contains(&format!("\"{kind}\"")), "{kind}: {entries}");
    }
}

/// A dry run waits for nothing: neither before the vote is queued nor while the timelock is closed.
fn queues(story: &Story) {
    let dry = [&["vote", "execute", "--dry-run"], &PLACE[..], &VOTE].concat();
    let planned = story.run(&dry).expect_code(0);
    assert!(planned.stdout.contains("would send queue("), "{}", planned.stdout);
    // The chain's time stands still while nothing is sent.
    story.ask("evm_setIntervalMining", &json!([0]));
    story.ask("evm_setAutomine", &json!([true]));
    let vote = OpenVote::parse(&fs::read(story.path("vote.json")).unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let chain = EvmChain::connect(story.anvil.endpoint(), None).await.unwrap();
        let outbox = Outbox::local(&story.dir.path().join("another"), || 0);
        let chain = chain.sending(outbox).await.unwrap();
        chain.queue(vote.governor, &story.anvil.signer(2), &vote.call).await.unwrap();
    });
    let landed = story.landed();
    let planned = story.run(&dry).expect_code(0);
    assert!(planned.stdout.contains("would send execute("), "{}", planned.stdout);
    assert!(planned.stderr.contains("the timelock opens in 4 s"), "{}", planned.stderr);
    assert_eq!(story.landed(), landed);
    story.ask("evm_setAutomine", &json!([false]));
    story.ask("evm_setIntervalMining", &json!([1]));
}

/// What the receipts say of the chain is shown to whoever has a node of it, and knows the governor.
fn shows(story: &Story, receipts: [&str; 3]) {
    let text = fs::read_to_string(story.path("deployment.json")).unwrap();
    let deployment: Value = serde_json::from_str(&text).unwrap();
    let governor = deployment["contracts"]["governor"]["address"].as_str().unwrap();
    let placed = ["--rpc-url", story.anvil.endpoint(), "--finality", "included"];
    let mut bundles = Vec::new();
    for (receipt, is_made) in receipts.into_iter().zip([true, false, true]) {
        story
            .run(&["log", "prove", receipt, "--without-anchor", "--out", "@it.json"])
            .expect_code(0);
        let text = fs::read_to_string(story.path("it.json")).unwrap();
        bundles.push(serde_json::from_str::<Value>(&text).unwrap());
        let offline = story.run(&["verify", "@it.json", "--json"]).expect_code(0).json().remove(0);
        let word = if is_made { "not_placed" } else { "unvouched" };
        assert_eq!(offline["words"]["on_chain"], word, "{offline}");
        assert_eq!(offline["not_placed"].as_array().unwrap().len(), 1, "{offline}");
        let ask = ["verify", "@it.json", "--json", "--require", "on-chain"];
        story.run(&ask).expect_code(1);
        let ask = [&ask[..], &placed].concat();
        let code = i32::from(!is_made);
        let shown = story.run(&ask).expect_code(code).json().remove(0);
        assert_eq!(shown["claim_nodes"][0]["agrees"], true, "{shown}");
        let ask = [&ask[..], &["--trust-contract", governor]].concat();
        let shown = story.run(&ask).expect_code(0).json().remove(0);
        assert_eq!(shown["words"]["on_chain"], "shown", "{shown}");
        assert_eq!(shown["not_placed"], json!([]), "{shown}");
    }
    refuses_what_is_not_so(&bundles[1], &bundles[2]);
}

/// A file of somebody who funds as little as he likes, of the same work, in the same token. The file is as it was
/// afterwards.
fn records_no_other_amount(story: &Story, claim: &[&str]) {
    let own = fs::read_to_string(story.path("payment.json")).unwrap();
    let mut dust: Value = serde_json::from_str(&own).unwrap();
    dust["funder"] = json!(format!("{:#x}", story.anvil.signer(6).address()));
    let sponsored = dust.to_string();
    dust["document"]["pool"] = json!("22");
    let landed = story.landed();
    fs::write(story.path("payment.json"), dust.to_string()).unwrap();
    story.run(claim).expect_error(3, &["nobody here says how much is to be paid", "--pool"]);
    let with = |pool: &str| story.run(&[claim, &["--pool", pool]].concat());
    with("1000").expect_error(3, &["it divides 0.000000000000000022", "and --pool says 1000"]);
    // What an account funds in its own name is of its own choice.
    fs::write(story.path("payment.json"), &own).unwrap();
    with("999").expect_error(3, &["it divides 1000 CHAOS, and --pool says 999"]);
    // Somebody else's of the amount that is named is gone on with: this one funded nothing.
    fs::write(story.path("payment.json"), sponsored).unwrap();
    ended(with("1000"), 4, &["shares are not paid"]);
    fs::write(story.path("payment.json"), own).unwrap();
    assert_eq!(story.landed(), landed);
}

/// Who worked is paid at the accounts that were registered before the outcome, once. Gives the receipt.
fn pays(story: &Story, outcome: &str) -> String {
    let plan = ["pay", "plan", "--outcome", outcome, "--pool", "1000", "--out", "@payment.json"];
    let plan = [&plan[..], &["--json"], &PLACE, &DEPLOYED].concat();
    let planned = story.run(&plan).expect_code(0).json();
    let amount = |row: &Value| row["amount"].as_str().unwrap().parse::<u128>().unwrap();
    assert_eq!(planned.iter().map(amount).sum::<u128>(), 1_000 * 10_u128.pow(18));
    let step = |command: &'static str| {
        [&["pay", command, "--payment", "@payment.json", "--json"], &PLACE[..]].concat()
    };
    story.run(&step("claim")).expect_error(3, &["does not say who funded it"]);
    // The log knows where the agents are to be paid: what it would refuse afterwards is not paid for.
    let planned_file = fs::read_to_string(story.path("payment.json")).unwrap();
    let [found, other] =
        [4, 9].map(|number| format!("{:#x}", story.anvil.signer(number).address()));
    assert!(planned_file.contains(&found), "{planned_file}");
    fs::write(story.path("payment.json"), planned_file.replace(&found, &other)).unwrap();
    // The deployment's own token has the unit of its code.
    let fund = [&step("fund")[..], &DEPLOYED].concat();
    story.run(&fund).expect_error(3, &["had registered account", "nothing was sent"]);
    fs::write(story.path("payment.json"), &planned_file).unwrap();
    refuses_other_shares(story, &PLACE);
    let funded = story.run(&fund).expect_code(0).json().remove(0);
    let landed = story.landed();
    let again = story.run(&fund).expect_code(0).json().remove(0);
    assert_eq!((again, story.landed()), (funded, landed));
    story.run(&step("refund")).expect_error(4, &["RefundNotOpen"]);
    claims_one_share(story, 0);
    // What is logged ends the outcome: in which token, the reader says.
    let unnamed = [&step("claim")[..], &["--record"]].concat();
    story.run(&unnamed).expect_error(3, &["says in which token you pay", "--token"]);
    records_no_other_amount(story, &[&unnamed[..], &DEPLOYED].concat());
    let claim = [&unnamed[..], &DEPLOYED, &["--pool", "1000"]].concat();
    let claimed = story.run(&claim).expect_code(0).json();
    assert_eq!(claimed.len(), 3, "{claimed:?}");
    for (due, row) in planned.iter().zip(&claimed) {
        assert_eq!((&due["account"], &due["amount"]), (&row["account"], &row["amount"]));
        let hash = &row["transaction"];
        let receipt = story.ask("eth_getTransactionReceipt", &json!([hash]));
        assert_eq!(receipt["status"], "0x1");
    }
    // The one that its payee claimed is shown by the distributor's event.
    assert_eq!(claimed[0]["is_from_here"], false);
    assert_eq!(claimed[1]["is_from_here"], true);
    assert_eq!(story.landed(), landed + 1);
    story
        .run(&claim)
        .expect_error(3, &["was paid for before", claimed[2]["receipt"].as_str().unwrap()]);
    story.run(&plan).expect_error(3, &["was paid for before"]);
    // One who has the plan as it was before anybody funded it, and a log that says what became of it.
    fs::write(story.path("payment.json"), planned_file).unwrap();
    let second = funds_from_another(story, "data");
    ended(second, 3, &["was paid for before", "nothing was sent"]);
    claimed[2]["receipt"].as_str().unwrap().to_owned()
}

/// A command that lost its patience, and a log that grew before the next one: another checkpoint would be
/// other bytes, and a second submission.
#[test]
fn a_submission_that_was_paid_for_is_logged_although_the_log_grew() {
    let Some(story) = Story::start() else { return };
    story.propose();
    story
        .on(&[&["chain", "deploy", "endpoint", "--finality", "included"], &DEPLOYED[..]].concat())
        .expect_code(0);
    let submit = ["proposal", "submit", "@proposal/proposal.json", "--agent", "linus", "--json"];
    let submit = [&submit[..], &DEPLOYED].concat();
    let early = story.on(&[&submit[..], &["--wait", "1"]].concat());
    ended(early, 4, &["not final yet", "the same command goes on with it"]);
    assert_eq!(story.landed(), 2);
    story.run(&["agent", "register", "--name", "grace", "--role", "researcher"]).expect_code(0);
    let done = story.on(&[&submit[..], &["--finality", "included"]].concat()).expect_code(0);
    assert_eq!(done.json()[0]["proposal_id"], "1");
    assert_eq!(story.landed(), 2);
}

#[test]
fn what_is_not_what_it_says_is_refused_before_anything_is_sent() {
    let Some(story) = Story::start() else { return };
    story.propose();
    let deploy = ["chain", "deploy", "endpoint", "--finality", "included"];
    let deploy = [&deploy[..], &DEPLOYED].concat();
    // A dry run writes nothing.
    let planned = story.on(&[&deploy[..], &["--dry-run"]].concat()).expect_code(0);
    assert!(planned.stdout.contains("would send ProposalEndpoint"), "{}", planned.stdout);
    assert!(!fs::exists(story.path("deployment.json")).unwrap());
    story.on(&deploy).expect_code(0);
    let landed = story.landed();
    let text = fs::read_to_string(story.path("deployment.json")).unwrap();
    let change = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        fs::write(story.path("deployment.json"), text.replacen(from, to, 1)).unwrap();
    };
    let submit = ["proposal", "submit", "@proposal/proposal.json", "--agent", "linus"];
    let submit = [&submit[..], &["--finality", "included"], &DEPLOYED].concat();
    change("eip155:1337", "eip155:1338");
    story.on(&deploy).expect_error(3, &["it is of eip155:1338", "deployment.json"]);
    story.on(&submit).expect_error(3, &["it is of eip155:1338"]);
    change("\"genesis\": \"0x", "\"genesis\": \"0x00");
    story.on(&deploy).expect_error(3, &["not a deployment"]);
    let hash = "\"code_hash\": \"0x";
    let at = text.find(hash).unwrap() + hash.len();
    change(&text[at..at + 8], "00000000");
    story.on(&submit).expect_error(3, &["is not the ProposalEndpoint", "nothing was sent"]);
    // Who deployed it knows better.
    story.on(&deploy).expect_code(0);
    assert_eq!(fs::read_to_string(story.path("deployment.json")).unwrap(), text);
    change("\"proposal_endpoint\"", "\"reward_distributor\"");
    story.on(&submit).expect_error(3, &["it names no ProposalEndpoint"]);
    change("eip155", "eip155");

    let proposal = fs::read_to_string(story.path("proposal/proposal.json")).unwrap();
    let other = proposal.replacen("gas-limit", "gas-linit", 1);
    fs::write(story.path("proposal/other.json"), other).unwrap();
    let line = ["proposal", "submit", "@proposal/other.json", "--agent", "linus"];
    let refused = story.on(&[&line[..], &DEPLOYED].concat());
    refused.expect_error(3, &["it says that it is sha256:", "other.json"]);
    let line = ["proposal", "submit", "@proposal/proposal.json", "--agent", "ada"];
    let refused = story.on(&[&line[..], &DEPLOYED].concat());
    refused.expect_error(3, &["`ada` may not submit"]);

    fs::write(story.path("chain.toml"), "version = 1\nfee = 2\n").unwrap();
    let refused = story.run(&[&["chain", "doctor"], &PLACE[..]].concat());
    refused.expect_error(3, &["chain.toml", "line 2: unknown field `fee`"]);
    story.describe("named");
    let text = fs::read_to_string(story.path("chain.toml")).unwrap();
    let at = text.find("0x").unwrap();
    fs::write(story.path("chain.toml"), text.replace(&text[at..at + 6], "0x0000")).unwrap();
    let refused = story.run(&[&["chain", "doctor"], &PLACE[..]].concat());
    refused.expect_error(3, &["wrong chain", "first block"]);
    assert_eq!(story.landed(), landed);
}
