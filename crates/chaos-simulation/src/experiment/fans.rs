use std::collections::BTreeMap;

use super::{Experiment, PathPair};
use crate::{
    flow::{Path, percentile},
    result::{Band, Decimal, Fan},
};

/// A fan has at most this many points; more cannot be told apart in a chart.
const POINTS_MAX: u32 = 180;

/// The state of one path at one point of the fans.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    base_fee_wei: u128,
    utilisation_ppm: u128,
}

fn stride(blocks: u32) -> u32 {
    blocks.div_ceil(POINTS_MAX).max(1)
}

/// Keeps every n-th base fee and the mean utilisation of the blocks up to the next.
pub(super) fn sample(path: &Path, blocks: u32) -> Vec<Sample> {
    path.blocks
        .chunks(stride(blocks) as usize)
        .map(|chunk| {
            let used: u128 = chunk.iter().map(|block| u128::from(block.gas_used)).sum();
            let room: u128 = chunk.iter().map(|block| u128::from(block.gas_limit)).sum();
            Sample {
                base_fee_wei: chunk.first().map_or(0, |block| block.base_fee_wei),
                utilisation_ppm: used * 1_000_000 / room.max(1),
            }
        })
        .collect()
}

/// The bands of all fans.
pub(super) fn collect(experiment: &Experiment, paths: &[PathPair]) -> BTreeMap<String, Fan> {
    let step = stride(experiment.blocks);
    let blocks: Vec<u32> = (0..experiment.blocks).step_by(step as usize).collect();
    let fan = |unit: &str, value: fn(&Sample) -> u128| Fan {
        unit: unit.to_owned(),
        blocks: blocks.clone(),
        baseline: band(blocks.len(), paths, |pair| &pair.baseline_samples, value),
        proposal: band(blocks.len(), paths, |pair| &pair.proposal_samples, value),
        difference: difference(paths, value),
    };
    BTreeMap::from([
        ("base_fee".to_owned(), fan("wei", |sample| sample.base_fee_wei)),
        ("utilisation".to_owned(), fan("ppm", |sample| sample.utilisation_ppm)),
    ])
}

fn difference(paths: &[PathPair], value: fn(&Sample) -> u128) -> Vec<Decimal> {
    let signed = |sample: &Sample| i128::try_from(value(sample)).unwrap_or(i128::MAX);
    let mut differences: Vec<i128> = paths
        .iter()
        .flat_map(|pair| pair.baseline_samples.iter().zip(&pair.proposal_samples))
        .map(|(baseline, proposal)| signed(proposal) - signed(baseline))
        .collect();
    differences.sort_unstable();
    differences.into_iter().map(Decimal).collect()
}

fn band(
    points: usize,
    paths: &[PathPair],
    arm: impl Fn(&PathPair) -> &Vec<Sample>,
    value: fn(&Sample) -> u128,
) -> Band {
    let mut band = Band::default();
    for point in 0..points {
        let mut values: Vec<u128> =
            paths.iter().filter_map(|pair| arm(pair).get(point).map(value)).collect();
        values.sort_unstable();
        let at =
            |percent| Decimal(i128::try_from(percentile(&values, percent)).unwrap_or(i128::MAX));
        band.p10.push(at(10));
        band.p50.push(at(50));
        band.p90.push(at(90));
    }
    band
}
