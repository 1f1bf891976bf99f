//! State from traces and state proofs, judged by headers and by state that was recorded otherwise.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use alloy_trie::{
    HashBuilder, Nibbles, TrieAccount, proof::ProofRetainer, root::storage_root_unhashed,
};
use chaos_evm::{
    Block, BlockReplay, Bytecodes, RecordedAccount, RecordedBlock, ReplayInput,
    block::TransactionKind,
    import::{ImportError, StateProof, prestate, record_complete},
    replay,
};
use serde_json::{Value, json};

fn data() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/chain/ethereum");
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: ../shared/data is absent");
    None
}

fn recorded(number: u64) -> Option<(RecordedBlock, BTreeMap<B256, Bytes>)> {
    let data = data()?;
    let read = |path: String| fs::read(data.join(path)).unwrap();
    let block = RecordedBlock::decode(&read(format!("blocks/{number}.json.gz")), Some(1)).unwrap();
    let mut json = String::new();
    let bytes = read("bytecodes.json.gz".to_owned());
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut json)
        .unwrap();
    let codes: BTreeMap<B256, Bytes> = serde_json::from_str(&json).unwrap();
    let used: BTreeSet<B256> = block.pre_state.values().map(|account| account.code_hash).collect();
    Some((block, codes.into_iter().filter(|(hash, _)| used.contains(hash)).collect()))
}

/// The root over `leaves` and all nodes of the trie, from alloy's own builder.
fn trie(leaves: &BTreeMap<B256, Vec<u8>>) -> (B256, Vec<Bytes>) {
    let keys = leaves.keys().map(Nibbles::unpack).collect();
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(keys));
    for (key, value) in leaves {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    let root = builder.root();
    let nodes = builder.take_proof_nodes().into_nodes_sorted();
    (root, nodes.into_iter().map(|(_, node)| node).collect())
}

struct Built {
    block: Block,
    headers: Vec<Header>,
    state_root: B256,
    nodes: Vec<Bytes>,
    codes: Vec<Bytes>,
}

impl Built {
    /// Puts the recorded accounts into a state trie of their own, under a parent header of its own.
    fn from(recorded: &RecordedBlock, codes: &BTreeMap<B256, Bytes>) -> Self {
        let mut nodes = Vec::new();
        let mut leaves = BTreeMap::new();
        for (address, account) in &recorded.pre_state {
            let slots: Vec<(B256, U256)> = account
                .storage
                .iter()
                .filter(|(_, value)| !value.is_zero())
                .map(|(slot, value)| (B256::from(*slot), *value))
                .collect();
            let hashed: BTreeMap<B256, Vec<u8>> = slots
                .iter()
                .map(|(slot, value)| (keccak256(slot), alloy_rlp::encode(value)))
                .collect();
            let (storage_root, storage_nodes) = trie(&hashed);
            assert_eq!(storage_root, storage_root_unhashed(slots));
            nodes.extend(storage_nodes);
            let account =
                TrieAccount::new(account.nonce, account.balance, storage_root, account.code_hash);
            leaves.insert(keccak256(address), alloy_rlp::encode(account));
        }
        let (state_root, state_nodes) = trie(&leaves);
        nodes.extend(state_nodes);
        let mut block = recorded.block.clone();
        // Headers of our own from the oldest hash that the block asks for, which is the real one,
        // up to the parent, which names the state root.
        let number = block.header.number;
        let oldest = recorded.block_hashes.first_key_value().filter(|(n, _)| **n < number - 1);
        let (below, mut parent_hash) = oldest.map_or((number - 2, B256::ZERO), |(n, h)| (*n, *h));
        let mut headers: Vec<Header> = Vec::new();
        for number in below + 1..number {
            let header = Header { number, parent_hash, state_root, ..Header::default() };
            parent_hash = header.hash_slow();
            headers.push(header);
        }
        block.header.parent_hash = parent_hash;
        block.header.hash = None;
        Self { block, headers, state_root, nodes, codes: codes.values().cloned().collect() }
    }

    fn parent(&self) -> &Header {
        self.headers.last().unwrap()
    }

    fn rlp(&self) -> Value {
        let encoded = self.headers.iter().map(alloy_rlp::encode);
        encoded.map(|header| json!(hex::encode_prefixed(header))).collect()
    }

    fn state_proof(&self, headers: &Value) -> Value {
        json!({"state": self.nodes, "codes": self.codes, "keys": null, "headers": headers})
    }

    fn decode(&self, state_proof: &Value) -> Result<StateProof, ImportError> {
        StateProof::decode(&serde_json::to_vec(state_proof).unwrap(), &self.block, None)
    }
}

#[track_caller]
fn executes_from_its_state_proof(number: u64) {
    let Some((recorded, codes)) = recorded(number) else { return };
    let built = Built::from(&recorded, &codes);
    let state_proof = built.decode(&built.state_proof(&built.rlp())).unwrap();
    assert_eq!(state_proof.state_root(), built.state_root);
    let imported = record_complete(&built.block, &state_proof).unwrap();
    assert!(imported.replay.agrees(), "block {number}: {:?}", imported.replay.receipts_root);
    assert_eq!(imported.replay.unknown_reads.total(), 0);

    // What is kept of it is what an archive recorded, no more, and replays without the state proof.
    for (address, account) in &imported.recorded.pre_state {
        let known = &recorded.pre_state[address];
        assert_eq!((account.nonce, account.balance), (known.nonce, known.balance), "{address}");
        assert_eq!(account.code_hash, known.code_hash, "{address}");
        for (slot, value) in &account.storage {
            assert_eq!(known.storage.get(slot).copied().unwrap_or_default(), *value);
        }
    }
    let codes = Bytecodes::from_codes(imported.codes).unwrap();
    let again = RecordedBlock::decode(&imported.recorded.encode(), Some(1)).unwrap();
    assert_eq!(again.digest, imported.recorded.digest);
    // The parent is of our own making, so the header has no hash that a chain knows.
    let unbound = again.block.unbound.clone();
    let again = replay(&ReplayInput::new(again, &codes)).unwrap();
    assert_eq!(again, BlockReplay { unbound, ..imported.replay });
}

#[test]
fn london_block_executes_from_a_state_proof() {
    executes_from_its_state_proof(15_050_000);
}

#[test]
fn shanghai_block_executes_from_a_state_proof() {
    executes_from_its_state_proof(18_884_864);
}

#[test]
fn cancun_block_executes_from_a_state_proof() {
    executes_from_its_state_proof(22_244_135);
}

#[test]
fn every_client_s_form_of_a_state_proof_means_the_same() {
    let Some((recorded, codes)) = recorded(19_923_400) else { return };
    let built = Built::from(&recorded, &codes);
    let rlp = built.rlp();
    let geth = json!(built.headers);
    let map = |blobs: &[Bytes]| -> Value {
        blobs.iter().map(|blob| (keccak256(blob).to_string(), json!(blob))).collect()
    };
    let mut by_hash = built.state_proof(&rlp);
    by_hash["state"] = map(&built.nodes);
    by_hash["codes"] = map(&built.codes);
    let enveloped = json!({"jsonrpc": "2.0", "id": 1, "result": built.state_proof(&rlp)});
    let digests: BTreeSet<_> =
        [built.state_proof(&rlp), built.state_proof(&geth), by_hash, enveloped]
            .iter()
            .map(|form| record_complete(&built.block, &built.decode(form).unwrap()).unwrap())
            .map(|imported| imported.recorded.digest)
            .collect();
    assert_eq!(digests.len(), 1);

    // Without headers, the parent's header is given apart, and checked.
    let bare = serde_json::to_vec(&built.state_proof(&json!(null))).unwrap();
    let parent = serde_json::to_vec(built.parent()).unwrap();
    StateProof::decode(&bare, &built.block, Some(&parent)).unwrap();
    let error = StateProof::decode(&bare, &built.block, None).unwrap_err();
    assert!(matches!(error, ImportError::ParentMissing { .. }), "{error}");
}

#[test]
fn ancestor_that_no_header_proves_is_an_error_and_not_a_zero() {
    let Some((recorded, codes)) = recorded(19_923_400) else { return };
    let asked = *recorded.block_hashes.first_key_value().unwrap().0;
    let built = Built::from(&recorded, &codes);
    let only_parent = json!([hex::encode_prefixed(alloy_rlp::encode(built.parent()))]);
    let state_proof = built.decode(&built.state_proof(&only_parent)).unwrap();
    let error = error_chain(&record_complete(&built.block, &state_proof).unwrap_err());
    assert!(error.contains(&format!("does not reach back to block {asked}")), "{error}");
}

#[test]
fn forged_state_proof_is_refused_or_fails_where_it_is_read() {
    let Some((recorded, codes)) = recorded(19_923_400) else { return };
    let built = Built::from(&recorded, &codes);
    let forged = Header { state_root: B256::repeat_byte(7), ..built.parent().clone() };
    let forged = json!([hex::encode_prefixed(alloy_rlp::encode(forged))]);
    let error = built.decode(&built.state_proof(&forged)).unwrap_err();
    assert!(matches!(error, ImportError::HeaderLink { .. }), "{error}");

    let honest = built.state_proof(&built.rlp());
    let (mut tried, mut failed) = (0, 0);
    for index in (0..built.nodes.len()).step_by(9) {
        tried += 1;
        let mut state_proof = honest.clone();
        let mut node = built.nodes[index].to_vec();
        let last = node.len() - 1;
        node[last] ^= 1;
        state_proof["state"][index] = json!(Bytes::from(node));
        // A changed node has another hash, so it is as if the node were missing.
        match built.decode(&state_proof) {
            Err(ImportError::RootMissing { .. }) => failed += 1,
            Err(error) => panic!("{error}"),
            Ok(state_proof) => match record_complete(&built.block, &state_proof) {
                Ok(imported) => assert!(imported.replay.agrees(), "node {index}"),
                Err(error) => {
                    let cause = error_chain(&error);
                    assert!(cause.contains("does not prove"), "{cause}");
                    failed += 1;
                }
            },
        }
    }
    assert!(failed > 0 && failed * 2 > tried, "{failed} of {tried}");

    let mut broken = honest.clone();
    broken["headers"][0] = json!("0xc0");
    let error = error_chain(&built.decode(&broken).unwrap_err());
    assert!(error.contains("headers[0]"), "{error}");
    let mut broken = honest;
    broken["state"][3] = json!("0xzz");
    let error = error_chain(&built.decode(&broken).unwrap_err());
    assert!(error.contains("state[3]"), "{error}");
}

fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// One account as geth's tracer writes it.
fn traced(account: &RecordedAccount, codes: &BTreeMap<B256, Bytes>) -> Value {
    let storage: Value = account
        .storage
        .iter()
        .map(|(slot, value)| (B256::from(*slot).to_string(), json!(B256::from(*value))))
        .collect();
    let mut value = json!({"balance": account.balance, "storage": storage});
    if account.nonce > 0 {
        value["nonce"] = json!(account.nonce);
    }
    if let Some(code) = codes.get(&account.code_hash) {
        value["code"] = json!(code);
    }
    value
}

/// The whole recorded state as what the first transaction touches, and of every further entry only
/// the sender with a balance that must not count.
fn trace_of(recorded: &RecordedBlock, codes: &BTreeMap<B256, Bytes>) -> Value {
    let entries = recorded.block.transactions.iter().enumerate().map(|(index, transaction)| {
        let result: Value = if index == 0 {
            recorded
                .pre_state
                .iter()
                .map(|(address, account)| (address.to_string(), traced(account, codes)))
                .collect()
        } else {
            json!({transaction.sender().to_string(): {"balance": "0x1", "nonce": 1}})
        };
        json!({"txHash": transaction.hash, "result": result})
    });
    entries.collect()
}

#[test]
fn block_executes_from_its_trace() {
    let Some((recorded, codes)) = recorded(22_244_135) else { return };
    let trace = serde_json::to_vec(&trace_of(&recorded, &codes)).unwrap();
    let (imported, found) =
        prestate(&trace, None, &recorded.block).unwrap().into_recorded(recorded.block.clone());
    assert_eq!(found, codes);
    let input = ReplayInput::new(imported, &Bytecodes::from_codes(found).unwrap());
    let result = replay(&input).unwrap();
    assert!(result.agrees());
    assert_eq!(result.unknown_reads.total(), 0);
    let kept = record_complete(&recorded.block, input.snapshot().view()).unwrap();
    assert_eq!(kept.replay, result);
}

/// A made-up block of two transactions from one sender to one recipient.
fn pair() -> Block {
    let transaction = |index: u8| {
        json!({
            "type": "0x0", "hash": B256::repeat_byte(index), "from": Address::repeat_byte(0xaa),
            "to": Address::repeat_byte(0xbb), "nonce": format!("{index:#x}"), "gas": "0x5208",
            "value": "0x1", "input": "0x", "chainId": "0x1", "gasPrice": "0x1",
        })
    };
    let block = json!({
        "number": "0x989680", "timestamp": "0x5eb00000", "parentHash": B256::ZERO,
        "miner": Address::ZERO, "gasLimit": "0x989680", "gasUsed": "0xa410", "difficulty": "0x1",
        "mixHash": B256::ZERO, "receiptsRoot": B256::ZERO,
        "transactions": [transaction(0), transaction(1)],
    });
    let block = Block::decode_rpc(&serde_json::to_vec(&block).unwrap(), Some(1)).unwrap();
    assert_eq!(block.transactions[0].kind, TransactionKind::Ordinary);
    block
}

const SENDER: &str = "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const RECIPIENT: &str = "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const INNER: &str = "0xcccccccccccccccccccccccccccccccccccccccc";

fn at(text: &str) -> Address {
    text.parse().unwrap()
}

fn two(first: &Value, second: &Value) -> Vec<u8> {
    serde_json::to_vec(&json!([{"result": first}, {"result": second}])).unwrap()
}

#[test]
fn first_value_seen_of_each_account_and_slot_wins() {
    let slot = |slot: u64, value: u64| {
        (B256::from(U256::from(slot)).to_string(), json!(B256::from(U256::from(value))))
    };
    let first: Value = [slot(1, 10), slot(2, 0)].into_iter().collect();
    let second: Value = [slot(1, 11), slot(3, 30)].into_iter().collect();
    let account = |balance: &str, storage: &Value| {
        json!({
            SENDER: {"balance": balance, "nonce": 5},
            RECIPIENT: {"balance": "0x0", "code": "0x00", "storage": storage},
        })
    };
    let trace = two(&account("0x64", &first), &account("0x32", &second));
    let state = prestate(&trace, None, &pair()).unwrap();
    let recipient = &state.accounts[&at(RECIPIENT)];
    let slots: Vec<(u64, u64)> =
        recipient.storage.iter().map(|(slot, value)| (slot.to(), value.to())).collect();
    assert_eq!(slots, [(1, 10), (2, 0), (3, 30)]);
    assert_eq!(state.accounts[&at(SENDER)].balance, U256::from(0x64));
    assert_eq!(state.codes[&keccak256([0])], Bytes::from_static(&[0]));
}

#[test]
fn account_made_in_the_block_is_absent_at_its_start() {
    let sender = json!({"balance": "0x64"});
    // The recipient is paid by the first transaction, the inner account is made by it.
    let trace = two(
        &json!({SENDER: sender}),
        &json!({SENDER: sender, RECIPIENT: {"balance": "0x1"}, INNER: {"nonce": 1}}),
    );
    let state = prestate(&trace, None, &pair()).unwrap();
    assert!(state.absent.contains(&at(RECIPIENT)));
    assert!(!state.accounts.contains_key(&at(RECIPIENT)));
    assert!(state.accounts.contains_key(&at(INNER)), "only a diff can tell");
    let diff = two(
        &json!({"pre": {SENDER: sender}, "post": {SENDER: sender, INNER: {"nonce": 1}}}),
        &json!({"pre": {}, "post": {}}),
    );
    let state = prestate(&trace, Some(&diff), &pair()).unwrap();
    assert!(state.absent.contains(&at(INNER)));
}

#[test]
fn bad_trace_is_refused_and_the_error_names_the_place() {
    let check = |trace: Value, expect: &[&str]| {
        let trace = serde_json::to_vec(&trace).unwrap();
        let error = error_chain(&prestate(&trace, None, &pair()).unwrap_err());
        for expect in expect {
            assert!(error.contains(expect), "`{expect}` is not in: {error}");
        }
    };
    let good = json!({SENDER: {"balance": "0x64"}});
    check(json!([]), &["the trace has 0 entries", "2 transactions"]);
    check(json!([{"result": good}, {"error": "timeout"}]), &["`trace[1]`", "timeout"]);
    check(json!([{"result": {}}, {"result": good}]), &["`trace[0].result`", "sender"]);
    let hash = B256::repeat_byte(9);
    check(json!([{"result": good}, {"result": good, "txHash": hash}]), &["`trace[1].txHash`"]);
    check(
        json!([{"result": {SENDER: {"storage": {"0x0": "0xzz"}}}}, {"result": good}]),
        &["[0].result", "storage", "0x-prefixed"],
    );
    check(json!([{"result": {"0x1": {}}}, {"result": good}]), &["[0].result", "no address"]);
    check(
        json!({"result": [{"result": {"pre": {}, "post": {}}}]}),
        &["result[0].result", "diff mode"],
    );
    check(json!({"id": 1}), &["result"]);
}
