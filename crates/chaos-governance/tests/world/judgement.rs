//! How far to trust the made-up study, and what else could be done.

use super::*;

const GWEI: i128 = 1_000_000_000;
const ETHER: i128 = 1_000_000_000_000_000_000;

pub(super) fn tornado(text: &str) -> Tornado {
    let row = |assumption: &str, settings: [&str; 3], low: i128, high: i128| TornadoRow {
        assumption: assumption.into(),
        low_setting: settings[0].into(),
        base_setting: settings[1].into(),
        high_setting: settings[2].into(),
        low: low * GWEI / 100,
        high: high * GWEI / 100,
    };
    Tornado {
        label: "median base fee".into(),
        unit: "wei".into(),
        origin: Origin::Model,
        base: -2_850_000_000,
        rows: vec![
            row("block sample", ["quiet", "all", "busy"], -220, -390),
            row("price elasticity", ["0.006", "0.175", "0.44"], -610, 40),
            row("demand level", ["\u{d7}0.5", "\u{d7}1", "\u{d7}2.5"], -90, -480),
            row("builder", ["by tip", "by tip", "bundles first"], -285, -260),
            row(&format!("patient users {text}"), ["0 %", "20 %", "50 %"], -300, -270),
        ],
    }
}

pub(super) fn sweep() -> Sweep {
    let point = |elasticity_ppm: u32, difference: i128| SweepPoint {
        elasticity_ppm,
        baseline: 12_800_000_000,
        proposal: 12_800_000_000 + difference,
        difference,
        interval: (difference * 13 / 10, difference * 7 / 10),
    };
    Sweep {
        label: "base fee, median".into(),
        unit: "wei".into(),
        origin: Origin::Model,
        sample: "50 paths".into(),
        points: vec![
            point(20_000, -3_800_000_000),
            point(100_000, -2_900_000_000),
            point(300_000, -2_000_000_000),
        ],
    }
}

pub(super) fn attacks(text: &str) -> Attacks {
    let measure = |label: &str, unit: &str, baseline, proposal| AttackRow {
        label: label.into(),
        unit: unit.into(),
        baseline,
        proposal,
    };
    let attack = |name: &str, cost: (i128, i128), damage: AttackRow| Attack {
        name: name.into(),
        mechanism: format!("Somebody pays for what others must do {text}"),
        source: "arXiv 2304.11478".into(),
        origin: Origin::Model,
        cost: measure("cost", "wei", cost.0, cost.1),
        damage: vec![damage],
        notes: vec![format!("Bribes are not modelled {text}")],
    };
    Attacks {
        ether_usd: Some(3_000),
        attacks: vec![
            attack(
                "base-fee suppression",
                (2 * ETHER, 3 * ETHER),
                measure("base fee lost", "ppm", 125_000, 119_000),
            ),
            attack(
                "block stuffing",
                (118 * ETHER, 157 * ETHER),
                measure("blocks delayed", "blocks", 20, 20),
            ),
            attack(
                "worst-case gas",
                (ETHER / 2, ETHER * 2 / 3),
                measure("execution time", "microseconds", 1_420_000, 1_893_000),
            ),
            attack(
                "calldata bloat",
                (ETHER * 9 / 20, ETHER * 3 / 5),
                measure("block bytes", "bytes", 4_500_000, 6_000_000),
            ),
            attack(
                "refund overclocking",
                (ETHER * 3 / 5, ETHER * 4 / 5),
                measure("gas above the limit", "gas", 9_000_000, 12_000_000),
            ),
            attack(
                "blob griefing",
                (ETHER * 3 / 10, ETHER * 3 / 10),
                measure("blob fee", "wei", 2_000_000_000, 2_000_000_000),
            ),
            attack(
                "demand shock",
                (40 * ETHER, 40 * ETHER),
                measure("blocks until settled", "blocks", 21, 14),
            ),
            attack(
                "state bloat",
                (22 * ETHER, 24 * ETHER),
                measure("new slots", "count", 2_036, 2_715),
            ),
            attack("parameter edges", (0, 0), measure("refused settings", "count", 9, 9)),
        ],
    }
}

pub(super) fn forecast(text: &str) -> Forecast {
    let row = |metric: &str, label: &str, unit: &str, p10, p50, p90| ForecastRow {
        metric: metric.into(),
        label: label.into(),
        unit: unit.into(),
        p10,
        p50: Some(p50),
        p90,
        actual: None,
    };
    Forecast {
        made: "2026-11-21".into(),
        activation: format!("block 24,000,000 {text}"),
        horizon_blocks: 50_400,
        score_on: "2026-12-21".into(),
        is_hindcast: false,
        digest: None,
        rows: vec![
            row(
                "base_fee_median",
                "base fee, median",
                "wei",
                7_200_000_000,
                9_550_000_000,
                12_900_000_000,
            ),
            row(
                "base_fee_p99",
                "base fee, 99th percentile",
                "wei",
                39_000_000_000,
                58_000_000_000,
                92_000_000_000,
            ),
            row("blocks_full", "full blocks", "ppm", 112_000, 141_000, 174_000),
            row("utilisation_mean", "utilisation, mean", "ppm", 501_000, 507_000, 515_000),
        ],
    }
}

pub(super) fn grid() -> Grid {
    let limits = [36, 45, 60, 80, 100].map(|limit| limit * 1_000_000_i128);
    let mut cells = Vec::new();
    for x in 0..limits.len() {
        for y in 0..4_usize {
            if (x, y) == (4, 3) {
                continue;
            }
            let standing = match x + y {
                0 | 1 => Standing::Missed,
                2..=4 => Standing::Met,
                5 => Standing::Undecided,
                _ => Standing::Missed,
            };
            let value = -i128::try_from(x * 95_000 + y * 12_000).unwrap_or(0);
            cells.push(Cell { x, y, value, standing, pareto: x + y == 4 });
        }
    }
    Grid {
        x: Axis { name: "gas-limit".into(), unit: "gas".into(), values: limits.to_vec() },
        y: Axis { name: "denominator".into(), unit: "ratio".into(), values: vec![4, 8, 16, 32] },
        label: "change of the median base fee".into(),
        unit: "ppm".into(),
        origin: Origin::Model,
        cells,
        current: Some((1, 1)),
        proposed: Some((2, 1)),
    }
}

pub(super) fn pareto(text: &str) -> Pareto {
    Pareto {
        columns: vec![
            ParetoColumn {
                label: "base fee, median".into(),
                unit: "wei".into(),
                better: Better::Lower,
            },
            ParetoColumn {
                label: format!("gas served {text}"),
                unit: "gas_per_block".into(),
                better: Better::Higher,
            },
        ],
        rows: vec![
            ParetoRow {
                name: "60 Mgas, denominator 8".into(),
                values: vec![9_550_000_000, 30_400_000],
                mark: "proposed".into(),
                standing: Standing::Met,
            },
            ParetoRow {
                name: "80 Mgas, denominator 4".into(),
                values: vec![7_900_000_000, 40_900_000],
                mark: String::new(),
                standing: Standing::Met,
            },
        ],
    }
}

pub(super) fn affected(text: &str) -> Vec<Affected> {
    vec![
        Affected {
            who: "senders in the lowest tenth of tips".into(),
            effect: Effect::Gains,
            text: "p95 of the wait falls from 9 to 4 blocks".into(),
            origin: Origin::Model,
        },
        Affected {
            who: "holders".into(),
            effect: Effect::Loses,
            text: format!("95 ETH a day less are burnt {text}"),
            origin: Origin::Model,
        },
        Affected {
            who: "home stakers".into(),
            effect: Effect::Unclear,
            text: "bandwidth was not measured".into(),
            origin: Origin::Arithmetic,
        },
    ]
}

pub(super) fn contracts(text: &str) -> Vec<Contract> {
    vec![
        Contract {
            name: "0xdAC17F958D2ee523a2206206994597C13D831ec7".into(),
            transactions: 2_104,
            changed: 0,
            gas_change_ppm: 0,
        },
        Contract { name: text.into(), transactions: 611, changed: 8, gas_change_ppm: 12_300 },
    ]
}

pub(super) fn assumptions(text: &str) -> Vec<Assumption> {
    vec![
        Assumption {
            name: "price elasticity of demand".into(),
            value: "0.175".into(),
            note: "published values differ by a factor of 30".into(),
        },
        Assumption {
            name: "demand growth".into(),
            value: "none".into(),
            note: format!("the sample's level is kept {text}"),
        },
        Assumption {
            name: "builder".into(),
            value: "by effective tip".into(),
            note: "bundles are not modelled".into(),
        },
    ]
}

pub(super) fn readiness(text: &str) -> Readiness {
    Readiness {
        status: format!("ready {text}"),
        step: (2, 4),
        plan: "45 to 60 Mgas; in all 30 to 100 Mgas".into(),
        block_time_ms: 2_000,
        doubling_milli_blocks: (35_000, 70_000),
        climbs: vec![
            Climb { label: "floor of 1 wei".into(), from_wei: 1, to_wei: 1_000_000, blocks: 411 },
            Climb {
                label: "floor of 0.2 Mwei".into(),
                from_wei: 200_000,
                to_wei: 1_000_000,
                blocks: 59,
            },
        ],
        floors: vec![
            Floor {
                floor_wei: 200_000,
                transfer_wei: 9_000_000_000,
                transfer_usd_micros: Some(27),
            },
            Floor {
                floor_wei: 1_000_000,
                transfer_wei: 45_000_000_000,
                transfer_usd_micros: Some(135),
            },
        ],
        transfer_gas: 45_000,
        built_in_time_ppm: Part::Known((998_200, 997_100)),
        launch: Part::Known(Launch {
            what: format!("A launch as on 31 January {text}"),
            delays: measured::delays(),
        }),
        checks: vec![Check {
            what: format!("monitoring {text}"),
            passed: true,
            finding: "alerts were tried".into(),
        }],
    }
}
