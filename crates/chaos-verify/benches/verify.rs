//! Receipts verified per second on one core, against bare Ed25519 verification in the same run.
//!
//! `cargo xtask bench verify [--json]`. A receipt is verified as the fold does it: parse the
//! canonical envelope, check the signature, parse the statement.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark's answer")]

use std::{hint::black_box, time::Instant};

use chaos_agency::{
    Action, Evidence, Kinds, Receipt,
    action::Run,
    receipt::{Draft, Execution, Input, Product, Program, Replay},
};
use chaos_types::{
    AgentKey, CodeIdentity, Digest,
    dsse::{Envelope, PAYLOAD_TYPE, pre_authentication_encoding},
};

const RECEIPTS: usize = 2_000;
const ROUNDS: usize = 9;

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let key = AgentKey::from_seed(&[7; 32]);
    let envelopes: Vec<Vec<u8>> =
        (0..RECEIPTS).map(|n| envelope(&key, n).to_bytes().unwrap()).collect();
    let messages: Vec<(Vec<u8>, [u8; 64])> = (0..RECEIPTS)
        .map(|n| {
            let receipt = envelope(&key, n).verify().unwrap();
            let message = pre_authentication_encoding(PAYLOAD_TYPE, &receipt.payload);
            let signature = key.sign(&message);
            (message, signature)
        })
        .collect();
    let did = key.did();
    let mut receipts = Vec::new();
    let mut bare = Vec::new();
    // Interleaved, so that both see the same weather.
    for _ in 0..ROUNDS {
        receipts.push(rate(|| {
            for bytes in &envelopes {
                black_box(Receipt::open_bytes(bytes, &Kinds::default()).unwrap());
            }
        }));
        bare.push(rate(|| {
            for (message, signature) in &messages {
                assert!(black_box(did.verifies(message, signature)));
            }
        }));
    }
    let (receipts, bare) = (median(receipts), median(bare));
    if json {
        println!(
            "{{\"measure\":\"receipts verified\",\"value\":{receipts:.0},\"unit\":\"1/s per core\",\
             \"reference\":{bare:.0},\"ratio\":{:.3}}}",
            receipts / bare
        );
    } else {
        println!(
            "receipts verified  {receipts:.0}/s per core, bare Ed25519 {bare:.0}/s, ratio {:.3}",
            receipts / bare
        );
    }
}

fn rate(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    RECEIPTS as f64 / started.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A receipt of ordinary size, about 1.5 kB.
fn envelope(key: &AgentKey, n: usize) -> Envelope {
    let digest = Digest::of(&n.to_be_bytes());
    Draft {
        log: key.did(),
        agent: key.did(),
        claimed_at_ms: n as u64,
        parents: vec![digest],
        subjects: vec![Product::new("simulation-result", digest)],
        evidence: Evidence::Replayable(Replay {
            program: Program { name: "chaos-simulation".into(), version: "0.1.0".into() },
            inputs: vec![
                Input { name: "experiment".into(), digest },
                Input { name: "eip155:1/blocks/19426587".into(), digest },
            ],
            output: digest,
        }),
        action: Action::Run(Run {
            execution: Execution {
                code: CodeIdentity {
                    component: digest,
                    engine: "wasmtime 48.0.8".into(),
                    configuration: digest,
                    interface: "chaoschain:agent@0.1.0".into(),
                },
                world: "generic".into(),
                input: digest,
                output: digest,
                fuel: n as u64,
                transcript: digest,
            },
            answered: true,
        }),
    }
    .sign(&[key])
    .unwrap()
}
