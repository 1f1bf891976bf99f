//! A chain on which everything stands that the commands need, and a folder; both go back to where they were before
//! each run.

use std::{
    cell::RefCell,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use chaos_chains::{Anvil, AnvilConfig};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    bench::{ACCOUNT, CAP, REGISTRY},
    finality::copy,
    program::{DEVELOPMENT_KEY, anvil_is_there, root},
    proxy::question,
};

/// Accounts that are paid.
const PAYEES: [&str; 2] =
    ["0x15d34aaf54267db7d7c367839aaf71a00a2c6a65", "0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc"];
/// What is divided among them, in the token's smallest unit.
const POOL: u128 = 1_000_000;

/// A command that pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Job {
    Anchor,
    Submit,
    Cast,
    Fund,
    Claim,
}

impl Job {
    pub(super) const ALL: [Self; 5] =
        [Self::Anchor, Self::Submit, Self::Cast, Self::Fund, Self::Claim];

    /// The contract that tells of it, as the deployment names it.
    const fn contract(self) -> &'static str {
        match self {
            Self::Anchor => "checkpoint_registry",
            Self::Submit => "proposal_endpoint",
            Self::Cast => "governor",
            Self::Fund | Self::Claim => "reward_distributor",
        }
    }

    /// Events of that contract, and transactions, when it was done once.
    const fn once(self) -> (usize, u64) {
        match self {
            Self::Anchor | Self::Submit | Self::Cast => (1, 1),
            // The token is approved first.
            Self::Fund => (1, 2),
            Self::Claim => (2, 2),
        }
    }

    /// The receipt that it leaves in the log.
    const fn receipt(self) -> Option<&'static str> {
        match self {
            Self::Anchor => Some("anchor"),
            Self::Submit => Some("submit"),
            Self::Cast | Self::Fund | Self::Claim => None,
        }
    }

    const fn line(self) -> &'static [&'static str] {
        match self {
            Self::Anchor => &["anchor"],
            Self::Submit => &[
                "proposal",
                "submit",
                "proposal/proposal.json",
                "--agent",
                "linus",
                "--deployment",
                "deployment.json",
            ],
            Self::Cast => {
                &["vote", "cast", "for", "--vote", "vote.json", "--deployment", "deployment.json"]
            }
            Self::Fund => &["pay", "fund", "--payment", "payment.json"],
            Self::Claim => &["pay", "claim", "--payment", "payment.json"],
        }
    }
}

/// What the chain and the log hold of a job.
#[derive(Debug)]
pub(super) struct Held {
    transactions: u64,
    balance: u128,
    block: u128,
    logged: usize,
}

pub(super) struct World {
    dir: TempDir,
    anvil: Anvil,
    deployment: Value,
    snapshot: RefCell<Value>,
}

impl World {
    /// None after saying that the test is skipped.
    pub(super) fn start() -> Option<Self> {
        if !anvil_is_there() {
            return None;
        }
        let config = AnvilConfig { root: Some(root()), chain_id: 1337, ..AnvilConfig::default() };
        let mut world = Self {
            dir: TempDir::new().unwrap(),
            anvil: Anvil::start(&config).unwrap(),
            deployment: Value::Null,
            snapshot: RefCell::new(Value::Null),
        };
        fs::create_dir(world.live()).unwrap();
        world.build();
        copy(&world.live(), &world.dir.path().join("kept"));
        *world.snapshot.borrow_mut() = world.ask("evm_snapshot", &json!([]));
        Some(world)
    }

    fn build(&mut self) {
        let blocks = root().join("fixtures/first/inputs").canonicalize().unwrap();
        let mut agents = Vec::new();
        for (name, role) in [("ada", "researcher"), ("linus", "core_developer")] {
            let line = ["agent", "register", "--name", name, "--role", role, "--json"];
            agents.push(self.done(&line)["agent"].clone());
        }
        let line = ["propose", "--blocks", blocks.to_str().unwrap(), "--paths", "4"];
        let by = ["--researcher", "ada", "--developer", "linus", "--out", "proposal"];
        self.done(&[&line[..], &by].concat());
        let deploy = ["chain", "deploy", "--max-cost", "0.1", "--timelock", "4"];
        let terms = ["--voting-period", "10000", "--deployment", "deployment.json"];
        self.done(&self.over(self.endpoint(), &[&deploy[..], &terms].concat()));
        let text = fs::read(self.live().join("deployment.json")).unwrap();
        self.deployment = serde_json::from_slice(&text).unwrap();
        let delegate = ["vote", "delegate", "--deployment", "deployment.json"];
        self.done(&self.over(self.endpoint(), &delegate));
        let open = ["vote", "open", "proposal/proposal.json", "--out", "vote.json"];
        let open = [&open[..], &["--deployment", "deployment.json"]].concat();
        self.done(&self.over(self.endpoint(), &open));
        self.ask("anvil_mine", &json!(["0x2"]));
        self.write_payment(&agents);
    }

    fn write_payment(&self, agents: &[Value]) {
        let first = self.ask("eth_getBlockByNumber", &json!(["0x0", false]));
        let slot = |at: usize| json!([format!("task-{at}"), 1, PAYEES[at]]);
        let payee = |at: usize| json!({"agent": agents[at], "account": PAYEES[at]});
        let payment = json!({
            "format": "chaoschain-payment/1",
            "chain": "eip155:1337",
            "genesis": first["hash"],
            "token": self.address("token"),
            "distributor": self.address("reward_distributor"),
            "outcome": format!("sha256:{}", "7".repeat(64)),
            "refund_after_s": null,
            "funder": null,
            "document": {"pool": POOL.to_string(), "slots": [slot(0), slot(1)]},
            "payees": [payee(0), payee(1)],
        });
        fs::write(self.live().join("payment.json"), payment.to_string()).unwrap();
    }

    pub(super) fn endpoint(&self) -> &str {
        self.anvil.endpoint()
    }

    fn live(&self) -> PathBuf {
        self.dir.path().join("live")
    }

    fn address(&self, contract: &str) -> String {
        self.deployment["contracts"][contract]["address"].as_str().unwrap().to_owned()
    }

    fn ask(&self, method: &str, params: &Value) -> Value {
        question(self.endpoint(), method, params)
    }

    fn over<'a>(&self, url: &'a str, line: &[&'a str]) -> Vec<&'a str> {
        [line, &["--rpc-url", url, "--finality", "included", "--wait", "4"]].concat()
    }

    fn program(&self, line: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chaoschain"));
        command.args(line).current_dir(self.live());
        command.env("CHAOSCHAIN_PASSWORD", "test").env("CHAOSCHAIN_PRIVATE_KEY", DEVELOPMENT_KEY);
        command.env("CHAOSCHAIN_HEADS", self.live().join("heads")).env("CHAOSCHAIN_DATA", "data");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The last line of what a command prints that goes through.
    #[track_caller]
    fn done(&self, line: &[&str]) -> Value {
        let output = self.program(line).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{line:?}: {said}");
        let printed = String::from_utf8(output.stdout).unwrap();
        printed
            .lines()
            .last()
            .map_or(Value::Null, |line| serde_json::from_str(line).unwrap_or_default())
    }

    /// A job through a node.
    pub(super) fn command(&self, job: Job, url: &str) -> Command {
        self.program(&self.over(url, job.line()))
    }

    /// Chain and folder as they were before any job.
    pub(super) fn restore(&self, job: Job) {
        let mut snapshot = self.snapshot.borrow_mut();
        self.ask("anvil_dropAllTransactions", &json!([]));
        assert_eq!(self.ask("evm_revert", &json!([*snapshot])), true);
        *snapshot = self.ask("evm_snapshot", &json!([]));
        fs::remove_dir_all(self.live()).unwrap();
        copy(&self.dir.path().join("kept"), &self.live());
        if job == Job::Claim {
            self.done(&self.over(self.endpoint(), Job::Fund.line()));
        }
    }

    fn number(&self, method: &str, params: &Value) -> u128 {
        let number = self.ask(method, params);
        u128::from_str_radix(&number.as_str().unwrap()[2..], 16).unwrap()
    }

    fn tokens(&self, account: &str) -> u128 {
        // balanceOf(address)
        let data = format!("0x70a08231{:0>64}", &account[2..]);
        let word =
            self.ask("eth_call", &json!([{"to": self.address("token"), "data": data}, "latest"]));
        u128::from_str_radix(&word.as_str().unwrap()[34..], 16).unwrap()
    }

    pub(super) fn held(&self, job: Job) -> Held {
        let at = json!([ACCOUNT, "latest"]);
        let output = self.program(&["log", "show", "--json"]).output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let kind = format!("\"kind\":\"{}\"", job.receipt().unwrap_or("none"));
        Held {
            transactions: self.number("eth_getTransactionCount", &at).try_into().unwrap(),
            balance: self.number("eth_getBalance", &at),
            block: self.number("eth_blockNumber", &json!([])),
            logged: lines.lines().filter(|line| line.contains(&kind)).count(),
        }
    }

    /// What the chain does not bear out of a job that is done.
    pub(super) fn wrong(&self, job: Job, before: &Held) -> Option<String> {
        let after = self.held(job);
        let transactions = after.transactions - before.transactions;
        let from = format!("{:#x}", before.block + 1);
        let filter = json!([{"address": self.address(job.contract()), "fromBlock": from, "toBlock": "latest"}]);
        let events = self.ask("eth_getLogs", &filter).as_array().unwrap().clone();
        let logged = after.logged - before.logged;
        let (mut once, mut paid) = job.once();
        if job == Job::Anchor {
            // A log grows by each anchor that it holds, and then another one is not the same.
            let mut sizes: Vec<_> = events.iter().map(|event| event["data"].to_string()).collect();
            sizes.dedup();
            (once, paid) = (sizes.len().max(1), sizes.len().max(1) as u64);
            assert_eq!(self.address(job.contract()), REGISTRY);
        }
        if (events.len(), transactions) != (once, paid) {
            return Some(format!(
                "{} events by {transactions} transactions, expected {once} by {paid}",
                events.len()
            ));
        }
        if job.receipt().is_some() && logged != once {
            return Some(format!("{logged} receipts in the log, expected {once}"));
        }
        let cost = before.balance - after.balance;
        if cost > CAP * u128::from(transactions) {
            return Some(format!(
                "{cost} wei for {transactions} transactions, the cap is {CAP} each"
            ));
        }
        let held = PAYEES.map(|account| self.tokens(account));
        let kept = self.tokens(&self.address("reward_distributor"));
        let expected = match job {
            Job::Anchor | Job::Submit | Job::Cast => ([0, 0], 0),
            Job::Fund => ([0, 0], POOL),
            Job::Claim => ([POOL / 2, POOL / 2], 0),
        };
        ((held, kept) != expected).then(|| format!("{held:?} and {kept}, expected {expected:?}"))
    }
}
