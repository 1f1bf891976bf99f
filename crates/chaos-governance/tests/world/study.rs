//! A study with figures of the size that real ones have, for the tests of all renderings.

use chaos_types::Digest;

use super::data::*;
use crate::proposal::Call;

mod evidence;
mod judgement;
mod measured;

/// Text that would be markup anywhere if it were not made inert.
pub(super) const HOSTILE: &str = "</script><img src=x onerror=\"alert('1')\"> a | b\n# head\n\n\
     [x](javascript:alert(1)) @everyone `c` **d** https://e.f \u{202e}\u{1b}[31m $x$";

/// A gas limit of 60 Mgas on Ethereum; `text` stands wherever words come from outside.
pub(super) fn study(text: &str) -> Study {
    Study {
        verdict: vec![
            format!("The median base fee falls by 23 % and its 95th percentile by 31 % {text}"),
            "Senders with the lowest tips wait 4 blocks instead of 9 (fee model).".into(),
            "No recorded transaction breaks: 99.3 % end exactly as before (re-executed).".into(),
            "The worst block takes 1.9 s on the machine of this study, 47 % of the budget.".into(),
            "The result is most sensitive to the elasticity of demand, which nobody knows.".into(),
        ],
        scope: evidence::scope(text),
        method: evidence::method(text),
        validation: evidence::validation(text),
        decision: evidence::decision(text),
        others: evidence::others(),
        scenarios: evidence::scenarios(text),
        fans: Part::Known(vec![measured::fan()]),
        differences: Part::Known(measured::differences()),
        delays: Part::Known(measured::delays()),
        fullness: Part::Known(measured::fullness()),
        revenue: Part::Known(measured::revenue(text)),
        outcomes: Part::Known(measured::outcomes(text)),
        gas_changes: Part::Known(measured::gas_changes()),
        worst_blocks: Part::Known(measured::worst_blocks(text)),
        growth: Part::Known(measured::growth(text)),
        constraints: Part::Known(measured::constraints(text)),
        tornado: Part::Known(judgement::tornado(text)),
        attacks: Part::Known(judgement::attacks(text)),
        forecast: Part::Known(judgement::forecast(text)),
        grid: Part::Known(judgement::grid()),
        sweep: Part::Known(judgement::sweep()),
        pareto: Part::Known(judgement::pareto(text)),
        affected: judgement::affected(text),
        contracts: Part::Known(judgement::contracts(text)),
        assumptions: judgement::assumptions(text),
        limits: vec![
            format!("Transactions are recorded ones: nobody reacts by writing others {text}"),
            "Execution times are in memory, without disk, trie and network.".into(),
            "An elasticity above 0.4 would turn the fall of the median fee into a rise.".into(),
        ],
        manifest: vec![
            (format!("blocks {text}"), Digest::of(b"blocks")),
            ("experiment".into(), Digest::of(b"experiment")),
            ("result".into(), Digest::of(b"result")),
        ],
        run: vec![("seed".into(), "20261121".into()), ("version".into(), text.into())],
        rollout: rollout(text),
        readiness: Part::Known(judgement::readiness(text)),
        changelog: vec![ChangelogEntry {
            version: format!("2026-11-22 {text}"),
            text: "Blocks with unknown reads are now left out of figure 7".into(),
            superseded: vec![Superseded {
                what: "gas change, ratio of sums".into(),
                was: "+0.9 %".into(),
                is: "+0.8 %".into(),
            }],
        }],
        disclosure: Disclosure {
            makers: vec![format!("analyst agent, did:key:z6Mk {text}")],
            text: format!("Nobody paid for this study {text}"),
        },
        ..Study::new(heading(text), reproduce(text))
    }
}

/// A study of which nothing but the heading is known.
pub(super) fn bare() -> Study {
    Study::new(heading(""), reproduce(""))
}

fn heading(text: &str) -> Heading {
    Heading {
        kind: Kind::Study,
        title: format!("Raise the gas limit from 45 to 60 Mgas {text}"),
        question: format!("What would a gas limit of 60 Mgas do to fees and worst cases? {text}"),
        ask: format!("Raise the gas limit to 60 Mgas {text}"),
        if_nothing_is_done: format!("one block in five stays full and p95 fees stay high {text}"),
        chain: "eip155:1".into(),
        changes: vec![Change {
            name: "gas-limit".into(),
            unit: "gas".into(),
            current: 45_000_000,
            proposed: 60_000_000,
            takes_effect: format!("by at most 1/1024 per block {text}"),
            source: "EIP-7935".into(),
        }],
        source: Source {
            kind: SourceKind::Recorded,
            text: format!("35,000 headers of August 2021 and 60 recorded blocks {text}"),
        },
        evidence: "replayable".into(),
        result: Digest::of(b"result"),
        identities: Vec::new(),
    }
}

fn reproduce(text: &str) -> Reproduce {
    Reproduce {
        command:
            "chaoschain simulate --experiment examples/gas-limit-60m.toml\nchaoschain verify out"
                .into(),
        expected: Digest::of(b"result"),
        seconds: Some(48),
        bundle: None,
        memory_mib: Some(310),
        needs: String::new(),
        not_covered: format!("block propagation {text}"),
    }
}

fn rollout(text: &str) -> Rollout {
    let call = |value: &str| Call {
        target: "0x229047fed2591dbec1eF1118d64F7aF3dB9EB290".into(),
        function: "setGasLimit(uint64)".into(),
        arguments: vec![("gasLimit".into(), value.into()), (text.into(), text.into())],
        calldata: format!("0xb40a817c{value}"),
    };
    Rollout {
        signer: format!("validators, by their clients' default {text}"),
        effective: "once half of the proposers signal it, then 295 blocks".into(),
        steps: vec![format!("Release clients {text}"), "Watch for a week".into()],
        stop_conditions: vec![format!("p95 of block arrival above 4 s for an hour {text}")],
        payload: vec![call("0000000003938700")],
        rollback: vec![call("0000000002aea540")],
    }
}
