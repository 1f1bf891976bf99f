//! The figures about fees, blocks and limits, by formula where there are many numbers.

use super::*;

const ETHER: i128 = 1_000_000_000_000_000_000;

/// The next number below `bound` of a small generator; enough for noise in a picture.
fn noise(state: &mut u64, bound: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % bound
}

pub(super) fn fan() -> Fan {
    let mut state = 7;
    let blocks: Vec<i64> = (-20..=120).map(|step| step * 60).collect();
    let (mut baseline, mut proposal) = (Percentiles::default(), Percentiles::default());
    let mut level = 14_000_i128;
    for block in &blocks {
        level += i128::from(noise(&mut state, 1_400)) - 690;
        level = level.clamp(7_000, 42_000);
        let relief = if *block <= 0 { 1_000 } else { 1_000 - (i128::from(*block) / 8).min(240) };
        for (band, factor) in [(&mut baseline, 1_000), (&mut proposal, relief)] {
            let median = level * factor * 1_000;
            band.p50.push(median);
            band.p10.push(median * 55 / 100);
            band.p90.push(median * 21 / 10);
        }
    }
    Fan {
        label: "base fee".into(),
        unit: "wei".into(),
        origin: Origin::Model,
        blocks,
        baseline,
        proposal,
        sample: "50 paths".into(),
    }
}

pub(super) fn differences() -> Differences {
    let mut state = 11;
    let samples = (0..7_200)
        .map(|_| {
            let sum: u64 = (0..6).map(|_| noise(&mut state, 2_000_000_000)).sum();
            i128::from(sum) - 8_300_000_000
        })
        .collect();
    Differences {
        label: "base fee".into(),
        unit: "wei".into(),
        origin: Origin::Model,
        better: Better::Lower,
        samples,
    }
}

pub(super) fn delays() -> Vec<Delay> {
    let arm = |p50_milli_blocks, p95_milli_blocks, never| Arm {
        p50_milli_blocks,
        p95_milli_blocks,
        never_ppm: Some(never),
    };
    (1..=10_u8)
        .map(|decile| {
            let rank = u64::from(11 - decile);
            Delay {
                decile,
                baseline: arm(
                    1_000 + rank * rank * 15,
                    1_200 + rank * rank * 78,
                    900 * u32::from(11 - decile),
                ),
                proposal: arm(
                    1_000 + rank * rank * 6,
                    1_100 + rank * rank * 29,
                    300 * u32::from(11 - decile),
                ),
            }
        })
        .collect()
}

pub(super) fn fullness() -> Fullness {
    Fullness {
        origin: Origin::Model,
        baseline: Histogram {
            target_ppm: 500_000,
            counts: vec![
                310, 140, 190, 230, 260, 290, 330, 360, 380, 390, 380, 360, 330, 300, 280, 270,
                260, 250, 330, 1_560,
            ],
        },
        proposal: Some(Histogram {
            target_ppm: 500_000,
            counts: vec![
                420, 180, 230, 280, 320, 360, 400, 430, 460, 470, 450, 420, 380, 340, 310, 280,
                250, 220, 250, 750,
            ],
        }),
        finding: String::new(),
    }
}

pub(super) fn revenue(text: &str) -> Revenue {
    let component = |name: &str, baseline: i128, proposal: i128| Component {
        name: name.into(),
        baseline: baseline * ETHER / 10,
        proposal: proposal * ETHER / 10,
    };
    Revenue {
        unit: "wei_per_day".into(),
        origin: Origin::Model,
        components: vec![
            component("base fee, burnt", 13_100, 12_150),
            component("blob fee, burnt", 210, 212),
            component("tips to proposers", 2_840, 3_010),
            component(&format!("direct payments {text}"), 640, 610),
        ],
    }
}

pub(super) fn outcomes(text: &str) -> Outcomes {
    let groups = vec![
        ("unchanged".into(), 17_689),
        ("gas only".into(), 41),
        ("succeeds with changes".into(), 22),
        ("fixable with a higher gas limit".into(), 9),
        ("potentially broken".into(), 0),
        ("already failing before".into(), 38),
        ("not included: fee too low".into(), 13),
        (format!("unknown {text}"), 2),
    ];
    Outcomes::new(groups, 17_814).expect("the groups of the fixture add up")
}

pub(super) fn gas_changes() -> GasChanges {
    let bin = |from_ppm, to_ppm, count| GasBin { from_ppm, to_ppm, count };
    GasChanges {
        bins: vec![
            bin(None, Some(-500_000), 2),
            bin(Some(-500_000), Some(-100_000), 7),
            bin(Some(-100_000), Some(0), 19),
            bin(Some(0), Some(0), 17_711),
            bin(Some(0), Some(100_000), 51),
            bin(Some(100_000), Some(500_000), 18),
            bin(Some(500_000), None, 6),
        ],
        ratio_of_sums_ppm: 8_000,
        mean_of_ratios_ppm: 1_400,
    }
}

pub(super) fn worst_blocks(text: &str) -> WorstBlocks {
    let block = |operation: &str, speed: u64, bytes: Option<(u64, u64)>| WorstBlock {
        operation: operation.into(),
        construction: format!("calls in a loop until the gas is used {text}"),
        fixture: Some(format!("fixtures/worst/{}.json", operation.replace(' ', "-"))),
        gas_per_second: Some(speed),
        microseconds: Some((45_000_000_000_000 / speed, 60_000_000_000_000 / speed)),
        bytes,
        slots: Some((0, 0)),
    };
    WorstBlocks {
        machine: format!("2 cores of a shared virtual machine {text}"),
        time_limit: Some(Limit { value: 4_000, why: "attestation deadline".into() }),
        bytes_limit: Some(Limit { value: 10_485_760, why: "EIP-7934".into() }),
        blocks: vec![
            block("modexp even modulus", 31_700_000, None),
            block("cold SLOAD", 96_000_000, None),
            block("ecrecover", 141_000_000, None),
            block("point evaluation", 118_000_000, None),
            block("EXTCODESIZE cold", 88_000_000, None),
            block("calldata, non-zero bytes", 900_000_000, Some((1_125_000, 1_500_000))),
            block("calldata, zero bytes", 950_000_000, Some((4_500_000, 6_000_000))),
            WorstBlock {
                slots: Some((2_036, 2_715)),
                ..block("SSTORE, new slots", 210_000_000, None)
            },
            block("access list", 400_000_000, Some((1_180_000, 1_580_000))),
        ],
    }
}

pub(super) fn growth(text: &str) -> Growth {
    let category =
        |name: &str, baseline, proposal| GrowthCategory { name: name.into(), baseline, proposal };
    Growth {
        origin: Origin::Reexecuted,
        categories: vec![
            category("storage slots", 2_480_000_000, 3_120_000_000),
            category("accounts", 490_000_000, 610_000_000),
            category(&format!("code {text}"), 150_000_000, 190_000_000),
        ],
        reference: Some((2_813_000_000, "How to raise the gas limit, part 1".into())),
    }
}

pub(super) fn constraints(text: &str) -> Vec<Constraint> {
    let constraint =
        |name: &str, unit: &str, origin, (limit, baseline, proposal), source: &str| Constraint {
            name: name.into(),
            unit: unit.into(),
            origin,
            limit,
            baseline,
            proposal,
            source: source.into(),
        };
    vec![
        constraint(
            "worst block, execution",
            "microseconds",
            Origin::Timed,
            (4_000_000, 1_420_000, 1_893_000),
            "attestation deadline",
        ),
        constraint(
            "block bytes on the wire",
            "bytes",
            Origin::Arithmetic,
            (10_485_760, 4_500_000, 6_000_000),
            "EIP-7934",
        ),
        constraint(
            "state growth",
            "bytes_per_month",
            Origin::Reexecuted,
            (4_300_000_000, 3_120_000_000, 3_920_000_000),
            text,
        ),
        constraint(
            "transaction gas cap",
            "gas",
            Origin::Arithmetic,
            (16_777_216, 15_900_000, 15_900_000),
            "EIP-7825",
        ),
        constraint(
            "receipts, bytes",
            "bytes",
            Origin::Reexecuted,
            (10_485_760, 8_100_000, 10_800_000),
            "eth/68 message size",
        ),
    ]
}
