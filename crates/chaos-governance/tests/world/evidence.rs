//! Scope, method, validation and rows of the made-up study.

use super::*;

const GWEI: i128 = 1_000_000_000;
const ETHER: i128 = 1_000_000_000_000_000_000;

pub(super) fn scope(text: &str) -> Scope {
    Scope {
        blocks: vec![
            format!(
                "Blocks 12,965,000 to 12,999,999: London's launch, mint rushes included {text}"
            ),
            "60 recorded blocks from 2015 to 2025, quiet ones and full ones.".into(),
        ],
        sample: vec![
            ("headers in the fee model".into(), 35_000),
            ("blocks re-executed".into(), 60),
            (format!("transactions re-executed {text}"), 17_814),
        ],
        exclusions: vec!["No block after October 2025: no pre-state is recorded.".into()],
    }
}

pub(super) fn method(text: &str) -> Vec<Definition> {
    let define = |metric: &str, formula: &str, unit: &str, origin, source: &str| Definition {
        metric: metric.into(),
        formula: format!("{formula} {text}"),
        unit: unit.into(),
        origin,
        source: source.into(),
    };
    vec![
        define("base_fee_median", "median of b over blocks", "wei", Origin::Model, "EIP-1559"),
        define("base_fee_p99", "99th percentile of b", "wei", Origin::Model, "EIP-1559"),
        define(
            "inclusion_delay_p95",
            "95th percentile of inclusion block less arrival block",
            "milli_blocks",
            Origin::Model,
            "Liu et al., CCS 2022",
        ),
        define(
            "evm_gas_used",
            "sum of gas used over blocks",
            "gas_per_block",
            Origin::Reexecuted,
            "header",
        ),
    ]
}

pub(super) fn validation(text: &str) -> Validation {
    let row = |label: &str, unit: &str, p10, p50, p90, actual| BacktestRow {
        label: label.into(),
        unit: unit.into(),
        p10,
        p50,
        p90,
        actual,
    };
    Validation {
        model: Part::Known(vec![ModelRow {
            label: format!("full blocks {text}"),
            unit: "ppm".into(),
            observed: 233_000,
            modelled: 251_000,
        }]),
        replay: Part::Known(Replay {
            blocks: 60,
            gas_matched: 60,
            roots_comparable: 52,
            roots_matched: 52,
            unknown_reads: 0,
            skipped_transactions: 0,
        }),
        base_fee_rule: Part::Known((34_999, 34_999)),
        backtests: Part::Known(vec![Backtest {
            what: format!("London's launch, block 12,965,000 {text}"),
            how: "Fitted on 7,000 blocks, forecast of the next 7,000".into(),
            rows: vec![
                row("base fee, median", "wei", 31 * GWEI, 38 * GWEI, 46 * GWEI, 40 * GWEI),
                row("full blocks", "ppm", 180_000, 215_000, 250_000, 233_000),
                row("base-fee volatility", "ppm", 61_000, 70_000, 80_000, 89_000),
            ],
        }]),
        coverage: Part::Known(vec![
            Coverage {
                label: "base fee, median".into(),
                nominal_ppm: 800_000,
                hits: 40,
                trials: 49,
            },
            Coverage { label: text.into(), nominal_ppm: 800_000, hits: 0, trials: 0 },
        ]),
        notes: vec![format!("Proof of work had variable block times {text}")],
    }
}

fn row(
    (metric, label): (&str, &str),
    unit: &str,
    origin: Origin,
    (baseline, proposal): (i128, i128),
    interval: Option<(i128, i128)>,
    threshold: Option<Threshold>,
) -> Row {
    Row {
        metric: metric.into(),
        label: label.into(),
        unit: unit.into(),
        origin,
        baseline,
        proposal,
        difference: proposal - baseline,
        interval,
        threshold,
    }
}

const fn at_most(subject: Subject, value: i128, standing: Standing) -> Option<Threshold> {
    Some(Threshold { subject, side: Side::AtMost, value, standing })
}

pub(super) fn decision(text: &str) -> Vec<Row> {
    use Standing::{Met, Undecided};
    vec![
        row(
            ("base_fee_median", "base fee, median"),
            "wei",
            Origin::Model,
            (12_400_000_000, 9_550_000_000),
            Some((-3_100_000_000, -2_600_000_000)),
            at_most(Subject::Relative, -100_000, Met),
        ),
        row(
            ("base_fee_p99", "base fee, 99th percentile"),
            "wei",
            Origin::Model,
            (81_200_000_000, 58_000_000_000),
            Some((-26_000_000_000, -19_500_000_000)),
            None,
        ),
        row(
            ("inclusion_delay_p95", "inclusion delay, p95 of the lowest tenth of tips"),
            "milli_blocks",
            Origin::Model,
            (9_000, 4_000),
            Some((-5_600, -4_400)),
            at_most(Subject::Difference, 0, Met),
        ),
        row(
            ("fee_burned", "fees burnt"),
            "wei_per_day",
            Origin::Model,
            (1_310 * ETHER, 1_215 * ETHER),
            Some((-130 * ETHER, -61 * ETHER)),
            Some(Threshold {
                subject: Subject::Relative,
                side: Side::AtLeast,
                value: -80_000,
                standing: Undecided,
            }),
        ),
        row(
            ("state_growth", "state growth"),
            "bytes_per_month",
            Origin::Reexecuted,
            (3_120_000_000, 3_920_000_000),
            None,
            at_most(Subject::Proposal, 4_300_000_000, Met),
        ),
        row(
            ("worst_block_time", "worst block, execution time"),
            "microseconds",
            Origin::Timed,
            (1_420_000, 1_893_000),
            None,
            at_most(Subject::Proposal, 4_000_000, Met),
        ),
        row(
            ("transactions_broken", text),
            "count",
            Origin::Reexecuted,
            (0, 0),
            None,
            at_most(Subject::Proposal, 0, Met),
        ),
    ]
}

pub(super) fn others() -> Vec<Row> {
    vec![
        row(
            ("blocks_full", "full blocks"),
            "ppm",
            Origin::Model,
            (223_000, 141_000),
            Some((-91_000, -73_000)),
            None,
        ),
        row(
            ("utilisation_mean", "utilisation, mean"),
            "ppm",
            Origin::Model,
            (516_000, 507_000),
            Some((-14_000, -4_000)),
            None,
        ),
        row(
            ("base_fee_volatility", "base-fee volatility"),
            "ppm",
            Origin::Model,
            (71_000, 64_000),
            Some((-9_000, -5_000)),
            None,
        ),
    ]
}

pub(super) fn scenarios(text: &str) -> Vec<Scenario> {
    vec![
        Scenario {
            name: format!("demand doubled {text}"),
            what: "Twice the demand at every price".into(),
            rows: decision(text),
        },
        Scenario { name: "quiet".into(), what: "Half the demand".into(), rows: others() },
    ]
}
