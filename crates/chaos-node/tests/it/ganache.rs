//! A second implementation of a chain: Ganache, which lacks methods that anvil has and runs an older EVM.

mod paying;

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    thread,
};

use chaos_chains::anvil::ProcessGroup;
use serde_json::json;

use crate::{program::root, proxy::question};

/// Words that both chains make their development accounts of.
const WORDS: &str = "test test test test test test test test test test test junk";
/// The second development account.
const STRANGER: &str = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";
/// Whose one transaction puts the deterministic deployer on a chain, and what that costs.
const DEPLOYERS_ACCOUNT: &str = "0x3fab184622dc19b6109349b94811493bf2a45362";
const DEPLOYERS_COST: &str = "0x2386f26fc10000";
/// That transaction, which nobody has a key for: it is signed by its own digits.
const DEPLOYERS_TRANSACTION: &str = "0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba02222222222222222222222222222222222222222222222222222222222222222a02222222222222222222222222222222222222222222222222222222222222222";
/// How often another port is tried.
const PORTS_MAX: usize = 5;

/// A running Ganache. It ends when it is dropped, and however this process ends.
pub(crate) struct Ganache {
    _processes: ProcessGroup,
    pub(crate) endpoint: String,
}

impl Ganache {
    /// Chain 1337 with its first block alone. None after saying that the test is skipped.
    pub(crate) fn start(more: &[&str]) -> Option<Self> {
        Self::start_as("1337", more)
    }

    /// The same of another number.
    fn start_as(number: &str, more: &[&str]) -> Option<Self> {
        let program = program()?;
        let started = (0..PORTS_MAX).find_map(|_| Self::try_start(&program, number, more));
        Some(started.expect("Ganache starts"))
    }

    /// Ganache takes no port 0, so that another may take the port in between.
    fn try_start(program: &Path, number: &str, more: &[&str]) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (program, port) = (program.to_str().unwrap(), port.to_string());
        let chain = ["--chain.chainId", number, "--chain.networkId", number];
        let words = ["--wallet.mnemonic", WORDS];
        let line = [&[program, "--server.port", &port][..], &chain, &words, more].concat();
        let mut processes = ProcessGroup::start(&node(), line).unwrap();
        let mut output = BufReader::new(processes.take_stdout().unwrap());
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|length| length > 0) {
            if line.contains("RPC Listening on") {
                // The pipe is drained, or Ganache would stop when it is full.
                thread::spawn(move || output.lines().map_while(Result::ok).for_each(drop));
                let endpoint = format!("http://127.0.0.1:{port}");
                return Some(Self { _processes: processes, endpoint });
            }
            line.clear();
        }
        None
    }

    /// What anybody may do on any chain: put the deterministic deployer on it.
    pub(crate) fn put_deployer(&self) {
        let money = json!([{"from": STRANGER, "to": DEPLOYERS_ACCOUNT, "value": DEPLOYERS_COST}]);
        assert!(question(&self.endpoint, "eth_sendTransaction", &money).is_string());
        question(&self.endpoint, "evm_mine", &json!([]));
        let transaction = json!([DEPLOYERS_TRANSACTION]);
        assert!(question(&self.endpoint, "eth_sendRawTransaction", &transaction).is_string());
        question(&self.endpoint, "evm_mine", &json!([]));
    }
}

fn node() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("node"));
    found.into_iter().find(|file| file.is_file()).expect("Ganache is there, and so is Node")
}

/// Where CI runs, it must be there.
fn program() -> Option<PathBuf> {
    let file = root().join("contracts/node_modules/ganache/dist/node/cli.js");
    if file.is_file() {
        return Some(file);
    }
    assert!(std::env::var_os("CI").is_none(), "Ganache is absent; run `cargo xtask test`");
    eprintln!("skipped: Ganache is absent; `cargo xtask test` installs it");
    None
}
