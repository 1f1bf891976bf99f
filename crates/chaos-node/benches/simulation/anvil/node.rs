//! An `anvil` that stands right before one recorded block.

use std::{
    io::{self, BufRead, BufReader},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use alloy_consensus::TxEnvelope;
use alloy_eips::eip2718::Encodable2718;
use chaos_chains::anvil::ProcessGroup;
use chaos_evm::RecordedBlock;
use serde_json::{Value, json};

use super::http::Connection;

/// Seconds from one block to the next.
const SLOT_S: u64 = 12;
/// Questions in one batch while the state is loaded.
const BATCH: usize = 1_000;

/// What every node is started with.
const FIXED: [&str; 15] = [
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    "--accounts",
    "0",
    "--chain-id",
    "1",
    "--no-mining",
    "--order",
    "fifo",
    "--no-request-size-limit",
    "--disable-min-priority-fee",
    "--disable-default-create2-deployer",
    "--disable-console-log",
];

/// A running node. Dropping it ends the process.
pub(super) struct Node {
    /// Held, so that it ends with the node.
    _processes: ProcessGroup,
    connection: Connection,
    /// What the next block gets beside its transactions.
    environment: Vec<(&'static str, Value)>,
}

impl Node {
    /// Starts a node and loads the state before the block.
    pub(super) fn start(
        binary: &Path,
        recorded: &RecordedBlock,
        pre_state: &Value,
        codes: &Value,
    ) -> Result<Self, String> {
        let header = &recorded.block.header;
        let base_fee = header.base_fee_per_gas.ok_or("it has no base fee")?;
        let fork = recorded.block.rules.spec.to_string();
        let values = [
            ("--hardfork", hardfork(&fork)),
            ("--number", (header.number - 1).to_string()),
            ("--timestamp", (header.timestamp - SLOT_S).to_string()),
            ("--gas-limit", header.gas_limit.to_string()),
            ("--base-fee", base_fee.to_string()),
        ];
        let values = values.iter().flat_map(|(name, value)| [*name, value]);
        let mut processes = ProcessGroup::start(binary, FIXED.into_iter().chain(values))
            .map_err(|error| format!("anvil did not start: {error}"))?;
        let address = address(&mut processes)?;
        let connection = Connection::open(&address).map_err(failed)?;
        let environment = vec![
            ("anvil_setCoinbase", json!([header.beneficiary])),
            ("evm_setNextBlockTimestamp", json!([header.timestamp])),
            ("anvil_setNextBlockBaseFeePerGas", json!([format!("{base_fee:#x}")])),
        ];
        let mut node = Self { _processes: processes, connection, environment };
        for calls in state_calls(pre_state, codes).chunks(BATCH) {
            node.batch(calls)?;
        }
        Ok(node)
    }

    /// Remembers the state; [`Self::leave`] returns to it.
    pub(super) fn enter(&mut self) -> Result<Value, String> {
        let environment = self.environment.clone();
        let snapshot = self.ask("evm_snapshot", &json!([]))?;
        self.batch(&environment)?;
        Ok(snapshot)
    }

    /// Undoes everything since [`Self::enter`].
    pub(super) fn leave(&mut self, snapshot: &Value) -> Result<(), String> {
        match self.ask("evm_revert", &json!([snapshot]))? {
            Value::Bool(true) => Ok(()),
            other => Err(format!("anvil did not go back: {other}")),
        }
    }

    /// Sends all transactions and mines them; tells how long each of the two took.
    pub(super) fn run(&mut self, requests: &[String]) -> Result<(Duration, Duration), String> {
        let mut answers = Vec::with_capacity(requests.len());
        let start = Instant::now();
        for request in requests {
            answers.push(self.connection.post(request).map_err(failed)?);
        }
        let sending = start.elapsed();
        let start = Instant::now();
        let mined = self.connection.post(&request("evm_mine", &json!([]))).map_err(failed)?;
        let mining = start.elapsed();
        for answer in answers.iter().chain([&mined]) {
            result(answer)?;
        }
        Ok((sending, mining))
    }

    /// Refuses a block that is not the recorded one, as far as gas shows it.
    pub(super) fn ensure_block(
        &mut self,
        number: u64,
        gas_used: u64,
        transactions: usize,
    ) -> Result<(), String> {
        let block = self.ask("eth_getBlockByNumber", &json!([format!("{number:#x}"), false]))?;
        let mined = block["transactions"].as_array().map_or(0, Vec::len);
        let found = block["gasUsed"].as_str().unwrap_or_default();
        if found == format!("{gas_used:#x}") && mined == transactions {
            return Ok(());
        }
        let found = u64::from_str_radix(found.trim_start_matches("0x"), 16).unwrap_or(0);
        Err(format!(
            "anvil ran {mined} of {transactions} transactions and used {found} gas, not {gas_used}"
        ))
    }

    fn ask(&mut self, method: &str, parameters: &Value) -> Result<Value, String> {
        result(&self.connection.post(&request(method, parameters)).map_err(failed)?)
    }

    fn batch(&mut self, calls: &[(&str, Value)]) -> Result<(), String> {
        let body: Vec<Value> = calls
            .iter()
            .map(|(method, parameters)| {
                json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": parameters})
            })
            .collect();
        let answer = self.connection.post(&Value::Array(body).to_string()).map_err(failed)?;
        let answers: Vec<Value> = serde_json::from_slice(&answer).map_err(|e| e.to_string())?;
        match answers.iter().find(|answer| answer.get("error").is_some()) {
            Some(answer) => Err(format!("anvil refused its state: {}", answer["error"])),
            None => Ok(()),
        }
    }
}

/// Reads until the node listens, and leaves a thread behind that drains what it prints.
fn address(processes: &mut ProcessGroup) -> Result<String, String> {
    let output = processes.take_stdout().ok_or("anvil has no output")?;
    let mut talk = processes.take_stderr();
    thread::spawn(move || talk.as_mut().map(|talk| io::copy(talk, &mut io::sink())));
    let mut lines = BufReader::new(output).lines();
    let address = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.trim().strip_prefix("Listening on ").map(str::to_owned))
        .ok_or("anvil ended before it listened")?;
    thread::spawn(move || lines.for_each(drop));
    Ok(address)
}

/// The spelling of a fork on `anvil`'s command line.
fn hardfork(fork: &str) -> String {
    match fork {
        "Merge" => "paris".to_owned(),
        other => other.to_ascii_lowercase(),
    }
}

/// The calls that write the recorded accounts.
fn state_calls(pre_state: &Value, codes: &Value) -> Vec<(&'static str, Value)> {
    let mut calls = Vec::new();
    for (address, account) in pre_state.as_object().into_iter().flatten() {
        calls.push(("anvil_setBalance", json!([address, account["balance"]])));
        calls.push(("anvil_setNonce", json!([address, quantity(&account["nonce"])])));
        let code = account["code_hash"].as_str().and_then(|hash| codes.get(hash));
        if let Some(code) = code {
            calls.push(("anvil_setCode", json!([address, code])));
        }
        for (slot, value) in account["storage"].as_object().into_iter().flatten() {
            let value = word(value.as_str().unwrap_or_default());
            calls.push(("anvil_setStorageAt", json!([address, word(slot), value])));
        }
    }
    calls
}

/// A number or a hexadecimal text as a hexadecimal text.
fn quantity(value: &Value) -> String {
    match value.as_u64() {
        Some(number) => format!("{number:#x}"),
        None => value.as_str().unwrap_or("0x0").to_owned(),
    }
}

/// A hexadecimal text as 32 bytes.
fn word(text: &str) -> String {
    format!("0x{:0>64}", text.trim_start_matches("0x"))
}

/// The requests that send the recorded transactions, signed as they were.
pub(super) fn sendings(transactions: &Value) -> Result<Vec<String>, String> {
    let transactions = transactions.as_array().ok_or("it has no transactions")?;
    transactions
        .iter()
        .map(|json| {
            let signed: TxEnvelope = serde_json::from_value(json.clone())
                .map_err(|error| format!("a transaction is not recorded whole: {error}"))?;
            if json["hash"] != format!("{:#x}", signed.tx_hash()) {
                return Err(format!("transaction {} is recorded otherwise", json["hash"]));
            }
            let raw = format!("0x{}", hex::encode(signed.encoded_2718()));
            Ok(request("eth_sendRawTransaction", &json!([raw])))
        })
        .collect()
}

fn request(method: &str, parameters: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": parameters}).to_string()
}

fn result(answer: &[u8]) -> Result<Value, String> {
    let mut answer: Value = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
    match answer.get("error") {
        Some(error) => Err(format!("anvil refuses: {}", error["message"])),
        None => Ok(answer["result"].take()),
    }
}

fn failed(error: std::io::Error) -> String {
    format!("anvil cannot be reached: {error}")
}
