//! One account and one log at a time, on a chain that has the registry: what the chain holds afterwards is asked
//! of the chain.

use std::{fs, path::PathBuf};

use chaos_chains::{Anvil, AnvilConfig};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    ganache::Ganache,
    program::{DEVELOPMENT_KEY, Run, anvil_is_there, root, run_with},
    proxy::question,
};

/// The account of [`DEVELOPMENT_KEY`].
pub(crate) const ACCOUNT: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
/// The registry of checkpoints, on every chain.
pub(crate) const REGISTRY: &str = "0x81cee7a3281247cef7e07d84eb543555a04a8a97";
/// What one transaction may cost at most, in wei: the default of `--max-cost`.
pub(crate) const CAP: u128 = 20_000_000_000_000_000;

enum Node {
    Anvil(Anvil),
    Ganache(Ganache),
}

/// A chain with the registry, and a folder for a log at a time.
pub(crate) struct Bench {
    node: Node,
    pub(crate) dir: TempDir,
}

/// What an account did on the chain so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) transactions: u64,
    pub(crate) balance: u128,
    pub(crate) anchors: usize,
}

impl Bench {
    /// None after saying that the test is skipped.
    pub(crate) fn anvil() -> Option<Self> {
        anvil_is_there().then(|| {
            let config =
                AnvilConfig { root: Some(root()), chain_id: 1337, ..AnvilConfig::default() };
            Self::on(Node::Anvil(Anvil::start(&config).unwrap()))
        })
    }

    /// None after saying that the test is skipped.
    pub(crate) fn ganache() -> Option<Self> {
        let ganache = Ganache::start(&[])?;
        ganache.put_deployer();
        Some(Self::on(Node::Ganache(ganache)))
    }

    fn on(node: Node) -> Self {
        let bench = Self { node, dir: TempDir::new().unwrap() };
        bench.begin();
        bench.anchor(bench.endpoint(), &["--deploy"]).expect_code(0);
        bench
    }

    pub(crate) fn is_anvil(&self) -> bool {
        matches!(self.node, Node::Anvil(_))
    }

    pub(crate) fn endpoint(&self) -> &str {
        match &self.node {
            Node::Anvil(anvil) => anvil.endpoint(),
            Node::Ganache(ganache) => &ganache.endpoint,
        }
    }

    /// A new log and a new memory of a user.
    pub(crate) fn begin(&self) {
        for entry in fs::read_dir(self.dir.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
        }
        let line = ["agent", "register", "--name", "ada", "--role", "researcher"];
        self.run(&line).expect_code(0);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn run(&self, line: &[&str]) -> Run {
        self.run_by(DEVELOPMENT_KEY, line)
    }

    pub(crate) fn run_by(&self, key: &str, line: &[&str]) -> Run {
        let text = |name: &str| self.path(name).to_str().unwrap().to_owned();
        let variables = [
            ("CHAOSCHAIN_PASSWORD", "test"),
            ("CHAOSCHAIN_PRIVATE_KEY", key),
            ("CHAOSCHAIN_HEADS", &text("heads")),
            ("CHAOSCHAIN_DATA", &text("data")),
        ];
        run_with(line, &variables)
    }

    /// Anchors through an endpoint, and counts what is in a block.
    pub(crate) fn anchor(&self, url: &str, more: &[&str]) -> Run {
        self.run(&[&anchoring(url)[..], more].concat())
    }

    pub(crate) fn ask(&self, method: &str, params: &Value) -> Value {
        question(self.endpoint(), method, params)
    }

    pub(crate) fn number(&self, method: &str, params: &Value) -> u128 {
        let number = self.ask(method, params);
        u128::from_str_radix(&number.as_str().unwrap()[2..], 16).unwrap()
    }

    /// A word of a command line; `@name` is a file in the folder.
    pub(crate) fn word(&self, word: &str) -> String {
        match word.strip_prefix('@') {
            Some(name) => self.path(name).to_str().unwrap().to_owned(),
            None => word.to_owned(),
        }
    }

    pub(crate) fn spent(&self) -> Spent {
        self.spent_by(ACCOUNT)
    }

    /// As the chain says.
    pub(crate) fn spent_by(&self, account: &str) -> Spent {
        let at = json!([account, "latest"]);
        let filter = json!([{"address": REGISTRY, "fromBlock": "0x0", "toBlock": "latest"}]);
        Spent {
            transactions: self.number("eth_getTransactionCount", &at).try_into().unwrap(),
            balance: self.number("eth_getBalance", &at),
            anchors: self.ask("eth_getLogs", &filter).as_array().unwrap().len(),
        }
    }

    /// Receipts of anchors in the log.
    pub(crate) fn logged(&self) -> usize {
        let lines = self.run(&["log", "show", "--json"]).expect_code(0).json();
        lines.iter().filter(|line| line["action"]["kind"] == "anchor").count()
    }

    /// Makes blocks come only when they are asked for, or by themselves again.
    pub(crate) fn mine_by_itself(&self, is_on: bool) {
        match (&self.node, is_on) {
            (Node::Anvil(_), _) => drop(self.ask("evm_setAutomine", &json!([is_on]))),
            (Node::Ganache(_), false) => drop(self.ask("miner_stop", &json!([]))),
            (Node::Ganache(_), true) => drop(self.ask("miner_start", &json!([]))),
        }
    }

    pub(crate) fn mine(&self) {
        self.ask("evm_mine", &json!([]));
    }
}

/// The words of anchoring through an endpoint.
pub(crate) fn anchoring(url: &str) -> [&str; 6] {
    ["anchor", "--rpc-url", url, "--finality", "included", "--json"]
}
