//! What a chain has of a log's anchors, asked of nodes that limit what they give, cut it, or make it up.

use chaos_chains::{
    Address, AnchorEvents, AnchorQuestion, B256, Error, RegistryKey, U256, keccak256,
};
use chaos_types::Digest;
use serde_json::{Value, json};

use crate::{
    connect,
    place::{Lab, ORIGIN, error},
    stub::{Reply, forward, serve},
};

/// A question about the lab's log.
fn question(lab: &Lab) -> AnchorQuestion {
    AnchorQuestion {
        chain: None,
        origin: ORIGIN.to_owned(),
        contract: None,
        publishers: vec![lab.publisher],
        first_block: None,
    }
}

/// Whatever a node's limits, all anchors are found, or it is said of which block there are none.
#[tokio::test]
async fn anchors_are_found_at_nodes_with_limits_of_any_kind() {
    let Some(lab) = Lab::start().await else { return };
    let chain = connect(lab.anvil.endpoint()).await;
    let signer = lab.anvil.signer(1);
    let key = RegistryKey { origin: Digest::of(ORIGIN.as_bytes()), publisher: lab.publisher };
    for size in 11..31 {
        chain.register_checkpoint(&signer, &key, size, [2; 32]).await.unwrap();
        chain.mine_blocks(7).await.unwrap();
    }
    let number = |value: &Value| {
        u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    };
    let width =
        move |params: &Value| number(&params[0]["toBlock"]) - number(&params[0]["fromBlock"]) + 1;
    let results = |answer: &Value| answer["result"].as_array().unwrap().len();
    let limits: [(&str, String); 5] = [
        (
            "blocks",
            lab.lying("eth_getLogs", move |params, answer| {
                if width(params) > 10 {
                    error(-32_602, "eth_getLogs is limited to a 10 blocks range")
                } else {
                    answer
                }
            }),
        ),
        (
            "results",
            lab.lying("eth_getLogs", move |_, answer| {
                if results(&answer) > 3 {
                    error(-32_005, "query returned more than 3 results")
                } else {
                    answer
                }
            }),
        ),
        (
            "range",
            lab.lying("eth_getLogs", move |params, answer| {
                if width(params) > 33 { error(-32_000, "block range too large") } else { answer }
            }),
        ),
        ("status", {
            let inner = lab.anvil.endpoint().trim_start_matches("http://").to_owned();
            serve(move |body| {
                let question: Value = serde_json::from_str(body).unwrap();
                if question["method"] == "eth_getLogs" && width(&question["params"]) > 20 {
                    return Reply::Answer(413, String::new(), "too large".to_owned());
                }
                Reply::Answer(200, String::new(), forward(&inner, body))
            })
        }),
        (
            "old states",
            lab.lying("eth_getCode", |params, answer| {
                if params[1] == "latest" { answer } else { error(-32_000, "missing trie node") }
            }),
        ),
    ];
    for (limit, url) in limits {
        let events = connect(&url).await.anchor_events(&question(&lab), &|_, _| {}).await;
        let events = events.unwrap_or_else(|error| panic!("{limit}: {error}"));
        let sizes: Vec<u64> = events.events.iter().map(|(event, _)| event.size).collect();
        assert_eq!(sizes, (10..31).collect::<Vec<_>>(), "{limit}");
    }
}

#[tokio::test]
async fn a_node_that_gives_no_events_of_a_block_is_told_with_the_block() {
    let Some(lab) = Lab::start().await else { return };
    let lacking = format!("{:#x}", lab.sought.block_number);
    let unwilling = lab.lying("eth_getLogs", move |params, answer| {
        let (first, last) = (params[0]["fromBlock"].clone(), params[0]["toBlock"].clone());
        if first == json!(lacking) && last == json!(lacking) || first != last {
            return error(-32_000, "pruned history");
        }
        answer
    });
    let refused =
        connect(&unwilling).await.anchor_events(&question(&lab), &|_, _| {}).await.unwrap_err();
    let said = refused.to_string();
    let words = format!("gives no events of block {}", lab.sought.block_number);
    assert!(said.contains(&words) && said.contains("pruned history"), "{said}");
}

/// What is cut without a word is noticed where the newest is cut away, and not in between.
#[tokio::test]
async fn a_node_that_leaves_the_newest_out_is_told() {
    let Some(lab) = Lab::start().await else { return };
    let chain = connect(lab.anvil.endpoint()).await;
    let key = RegistryKey { origin: Digest::of(ORIGIN.as_bytes()), publisher: lab.publisher };
    for size in [11, 12] {
        chain.register_checkpoint(&lab.anvil.signer(1), &key, size, [2; 32]).await.unwrap();
    }
    let keep = |kept: fn(usize) -> bool| {
        lab.lying("eth_getLogs", move |_, mut answer| {
            let events = answer["result"].as_array().unwrap().clone();
            let events = events.into_iter().enumerate().filter(|(at, _)| kept(*at));
            answer["result"] = events.map(|(_, event)| event).collect();
            answer
        })
    };
    let ask =
        async |url: String| connect(&url).await.anchor_events(&question(&lab), &|_, _| {}).await;
    for cut in [keep(|at| at < 2), keep(|_| false)] {
        let said = ask(cut).await.unwrap_err().to_string();
        assert!(said.contains("leaves out events"), "{said}");
    }
    // Nothing that one node says shows this.
    assert_eq!(ask(keep(|at| at != 1)).await.unwrap().events.len(), 2);
}

/// A node that says the same of the newest to a call: one word with its events. What it proves it cannot make up.
#[tokio::test]
async fn a_node_that_hides_the_newest_from_a_call_as_well_is_told_by_its_own_proof() {
    let Some(lab) = Lab::start().await else { return };
    let chain = connect(lab.anvil.endpoint()).await;
    let honest = ask(lab.anvil.endpoint(), &question(&lab)).await.unwrap();
    let block =
        lab.ask("eth_getBlockByNumber", &json!([format!("{:#x}", honest.last_block), false]));
    assert_eq!(json!(honest.shown_under.unwrap()), block["hash"]);
    let before = B256::from(U256::from(10));
    let key = RegistryKey { origin: Digest::of(ORIGIN.as_bytes()), publisher: lab.publisher };
    chain.register_checkpoint(&lab.anvil.signer(1), &key, 11, [2; 32]).await.unwrap();
    let hiding = |proves: bool| {
        let chain = lab.anvil.endpoint().trim_start_matches("http://").to_owned();
        serve(move |body| {
            let question: Value = serde_json::from_str(body).unwrap();
            let mut answer: Value = serde_json::from_str(&forward(&chain, body)).unwrap();
            match question["method"].as_str().unwrap() {
                "eth_getLogs" => {
                    let first = answer["result"][0].clone();
                    answer["result"] = json!([first]);
                }
                "eth_call" => {
                    answer["result"] = json!(format!("0x{before:x}{}", "01".repeat(32)));
                }
                "eth_getProof" if !proves => answer = error(-32_601, "no such method"),
                _ => {}
            }
            Reply::Answer(200, String::new(), answer.to_string())
        })
    };
    let told = ask(&hiding(true), &question(&lab)).await.unwrap_err().to_string();
    assert!(told.contains("leaves out events"), "{told}");
    // Nor is a proof taken under another block than the one whose hash is told.
    let mut is_asked = false;
    let other = lab.lying("eth_getBlockByNumber", move |params, mut answer| {
        let is_numbered = params[0].as_str().is_some_and(|at| at.starts_with("0x") && at != "0x0");
        if is_numbered && !is_asked {
            is_asked = true;
            answer["result"]["hash"] = json!(B256::repeat_byte(7));
        }
        answer
    });
    let told = ask(&other, &question(&lab)).await.unwrap_err().to_string();
    assert!(told.contains("is no longer part of the chain"), "{told}");
    // Nor is a proof that leads from the header nowhere taken for the word of a node that proves nothing.
    let broken = lab.lying("eth_getProof", |_, mut answer| {
        answer["result"]["storageProof"][0]["proof"] = json!([]);
        answer
    });
    let told = ask(&broken, &question(&lab)).await.unwrap_err().to_string();
    assert!(told.contains("does not show what the registry holds"), "{told}");
    // One that proves nothing is believed, and its word is told as that.
    let told = ask(&hiding(false), &question(&lab)).await.unwrap();
    assert_eq!((sizes(&told), told.shown_under), (vec![10], None));
}

/// Of an account that never anchored the state shows that the registry holds nothing, and a node that hides what one
/// anchored cannot show that.
#[tokio::test]
async fn that_nothing_was_anchored_is_shown_and_not_believed() {
    let Some(lab) = Lab::start().await else { return };
    let stranger = Address::repeat_byte(0x42);
    let of_stranger = AnchorQuestion { publishers: vec![stranger], ..question(&lab) };
    let told = ask(lab.anvil.endpoint(), &of_stranger).await.unwrap();
    assert_eq!(told.events.iter().filter(|(event, _)| event.publisher == stranger).count(), 0);
    let block = lab.ask("eth_getBlockByNumber", &json!([format!("{:#x}", told.last_block), false]));
    assert_eq!(json!(told.shown_under.unwrap()), block["hash"]);
    let chain = lab.anvil.endpoint().trim_start_matches("http://").to_owned();
    let hiding = serve(move |body| {
        let question: Value = serde_json::from_str(body).unwrap();
        let mut answer: Value = serde_json::from_str(&forward(&chain, body)).unwrap();
        match question["method"].as_str().unwrap() {
            "eth_getLogs" => answer["result"] = json!([]),
            "eth_call" => answer["result"] = json!(format!("0x{}", "0".repeat(128))),
            _ => {}
        }
        Reply::Answer(200, String::new(), answer.to_string())
    });
    let told = ask(&hiding, &question(&lab)).await.unwrap_err().to_string();
    assert!(told.contains("leaves out events"), "{told}");
}

/// By the deterministic deployer an address is made twice, with the code of a `CheckpointAnchor` the second time;
/// what the first life wrote is under the same address.
#[tokio::test]
async fn events_of_an_earlier_life_of_a_contract_are_found_and_accuse_no_node() {
    let Some(lab) = Lab::start().await else { return };
    let chain = connect(lab.anvil.endpoint()).await;
    let signer = lab.anvil.signer(1);
    let (made, _) = chain.deploy_anchor(&signer, ORIGIN, lab.publisher).await.unwrap();
    // An event of size 2 with a root of its own, out of code that is there for now.
    let signature = keccak256("CheckpointAnchored(uint64,bytes32)");
    let code = format!("0x7f{}5f5260027f{signature:x}60205fa200", "ee".repeat(32));
    let contract = Address::repeat_byte(0x51);
    lab.ask("anvil_setCode", &json!([contract, code]));
    let sent = json!([{"from": lab.anvil.signer(3).address(), "to": contract, "gas": "0x186a0"}]);
    lab.ask("eth_sendTransaction", &sent);
    chain.mine_blocks(2).await.unwrap();
    lab.ask("anvil_setCode", &json!([contract, "0x"]));
    chain.mine_blocks(2).await.unwrap();
    let ours = lab.ask("eth_getCode", &json!([made, "latest"]));
    lab.ask("anvil_setCode", &json!([contract, ours]));
    chain.mine_blocks(1).await.unwrap();
    chain.anchor_checkpoint(contract, &signer, 2, [7; 32]).await.unwrap();

    let of = AnchorQuestion { contract: Some(contract), publishers: Vec::new(), ..question(&lab) };
    let found = ask(lab.anvil.endpoint(), &of).await.unwrap();
    let roots: Vec<u8> = found.events.iter().map(|(event, _)| event.root[0]).collect();
    assert_eq!((found.first_block, sizes(&found), roots), (0, vec![2, 2], vec![0xee, 7]));
}

#[tokio::test]
async fn events_that_nobody_asked_for_are_refused() {
    let Some(lab) = Lab::start().await else { return };
    let lies: [fn(&mut Value); 4] = [
        |event| event["address"] = json!(Address::repeat_byte(1)),
        |event| event["topics"][1] = json!(B256::repeat_byte(1)),
        |event| event["blockNumber"] = json!("0xffff"),
        |event| event["removed"] = json!(true),
    ];
    for lie in lies {
        let liar = lab.lying("eth_getLogs", move |_, mut answer| {
            lie(&mut answer["result"][0]);
            answer
        });
        let said =
            connect(&liar).await.anchor_events(&question(&lab), &|_, _| {}).await.unwrap_err();
        assert!(said.to_string().contains("not one that was asked for"), "{said}");
    }
    // And one that the contract would have refused.
    let again = lab.lying("eth_getLogs", |_, mut answer| {
        let mut event = answer["result"][0].clone();
        event["logIndex"] = json!("0x63");
        answer["result"].as_array_mut().unwrap().push(event);
        answer
    });
    let said = connect(&again).await.anchor_events(&question(&lab), &|_, _| {}).await.unwrap_err();
    assert!(said.to_string().contains("the contract would have refused"), "{said}");
}

async fn ask(url: &str, question: &AnchorQuestion) -> Result<AnchorEvents, Error> {
    connect(url).await.anchor_events(question, &|_, _| {}).await
}

fn sizes(events: &AnchorEvents) -> Vec<u64> {
    events.events.iter().map(|(event, _)| event.size).collect()
}

/// What a node says that makes up events of one publisher: `per_block` of them in each of the chain's
/// blocks up to `last`, of which it gives so many at once and no word of the rest.
fn making_up(lab: &Lab, publisher: fn(u64) -> Address, last: u64, per_block: u64) -> String {
    let chain = lab.anvil.endpoint().trim_start_matches("http://").to_owned();
    let contract = lab.sought.contract;
    let number = |value: &Value| {
        u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    };
    let event = move |origin: &Value, signature: &Value, block: u64, at: u64| {
        let size = block * per_block + at + 1;
        json!({
            "address": contract,
            "topics": [signature, origin, publisher(size).into_word(), B256::from(U256::from(size))],
            "data": B256::repeat_byte(1),
            "blockNumber": format!("{block:#x}"),
            "blockHash": B256::repeat_byte(2),
            "transactionHash": B256::repeat_byte(3),
            "logIndex": format!("{at:#x}"),
        })
    };
    serve(move |body| {
        let question: Value = serde_json::from_str(body).unwrap();
        let params = &question["params"][0];
        let result = match question["method"].as_str().unwrap() {
            "eth_getLogs" => {
                let blocks = number(&params["fromBlock"])..=number(&params["toBlock"]).min(last);
                let topics = &params["topics"];
                let all = blocks.flat_map(|block| (0..per_block).map(move |at| (block, at)));
                let all = all.map(|(block, at)| event(&topics[1], &topics[0], block, at));
                let of = |event: &Value| topics[2].is_null() || event["topics"][2] == topics[2];
                Value::Array(all.filter(of).take(1_000).collect())
            }
            "eth_call" => {
                let newest = B256::from(U256::from(last * per_block + per_block));
                json!(format!("0x{newest:x}{}", "01".repeat(32)))
            }
            // It cannot prove what it makes up.
            "eth_getProof" => Value::Null,
            _ => return Reply::Answer(200, String::new(), forward(&chain, body)),
        };
        let answer = json!({"jsonrpc": "2.0", "id": 0, "result": result});
        Reply::Answer(200, String::new(), answer.to_string())
    })
}

/// A thousand at once and no word of the rest, which is what a full page may mean.
#[tokio::test]
async fn a_node_that_cuts_at_a_round_number_is_asked_for_less() {
    let Some(lab) = Lab::start().await else { return };
    let cutting = making_up(&lab, |_| Address::repeat_byte(7), 60, 50);
    let of = AnchorQuestion {
        publishers: vec![Address::repeat_byte(7)],
        first_block: Some(0),
        ..question(&lab)
    };
    let found = ask(&cutting, &of).await.unwrap();
    assert_eq!(sizes(&found), (1..=61 * 50).collect::<Vec<_>>());
}

/// Anybody may anchor under the log's name, as often as he pays for it.
#[tokio::test]
async fn what_others_anchor_is_listed_as_far_as_it_goes() {
    let Some(lab) = Lab::start().await else { return };
    let spammed = making_up(&lab, |size| Address::from_word(U256::from(size).into()), 60, 50);
    let of = AnchorQuestion { publishers: Vec::new(), first_block: Some(0), ..question(&lab) };
    let found = ask(&spammed, &of).await.unwrap();
    assert!(found.is_cut);
    assert_eq!(sizes(&found), (1..=1_000).collect::<Vec<_>>());
    let found = ask(lab.anvil.endpoint(), &question(&lab)).await.unwrap();
    assert_eq!((sizes(&found), found.is_cut), (vec![10], false));
}

#[tokio::test]
async fn what_is_left_out_on_the_askers_word_is_no_word_against_the_node() {
    let Some(lab) = Lab::start().await else { return };
    let chain = connect(lab.anvil.endpoint()).await;
    let key = RegistryKey { origin: Digest::of(ORIGIN.as_bytes()), publisher: lab.publisher };
    let later =
        chain.register_checkpoint(&lab.anvil.signer(1), &key, 11, [2; 32]).await.unwrap().fact;
    let from = |block| AnchorQuestion { first_block: Some(block), ..question(&lab) };
    let found = ask(lab.anvil.endpoint(), &from(later.block_number)).await.unwrap();
    assert_eq!((sizes(&found), found.first_block), (vec![11], later.block_number));
    chain.mine_blocks(3).await.unwrap();
    let beyond = ask(lab.anvil.endpoint(), &from(later.block_number + 1)).await.unwrap();
    assert_eq!((sizes(&beyond), beyond.earlier_newest), (vec![], Some(11)));
    assert_eq!(found.earlier_newest, None);
    // One that leaves out what is newest is told as before.
    let silent = lab.lying("eth_getLogs", |_, mut answer| {
        answer["result"] = json!([]);
        answer
    });
    let missing = ask(&silent, &from(later.block_number)).await.unwrap_err();
    let words = format!("events of blocks {} to", later.block_number);
    assert!(missing.to_string().contains(&words), "{missing}");
}
