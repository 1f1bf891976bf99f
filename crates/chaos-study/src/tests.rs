//! Studies from their file to their cells, on blocks made up here.

use std::{error::Error as _, num::NonZeroUsize};

use chaos_parameters::{ParameterName, Parameters};
use chaos_types::{ChainId, Digest};

use super::*;
use chaos_simulation::{Input, Material, Program, flow::ObservedBlock};

mod cells;
mod file;
mod judge;
mod models;
mod rules;

/// A study of one alternative that every table of errors starts from.
const SMALL: &str = r#"
version = 1
name = "small"
title = "A small study"
question = "Does it work?"
attacks = []

[baseline]
preset = "london"
gas-limit = 30_000_000

[proposal]
gas-limit = 60_000_000

[grid]
gas-limit = [15_000_000, 45_000_000]

[[scenarios]]
name = "as observed"
what = "demand of the blocks"
elasticity = "0.2"

[market]
seed = 7
paths = 6
blocks = 60
warmup_blocks = 20
screen_paths = 0
agent_paths = 2

[[thresholds]]
metric = "base_fee_median"
side = "at_most"
change = "-0.1"

[[goals]]
metric = "base_fee_median"
better = "lower"
"#;

/// [`SMALL`] with one passage replaced.
#[track_caller]
fn edited(from: &str, to: &str) -> String {
    assert_eq!(SMALL.matches(from).count(), 1, "`{from}` is not one passage");
    SMALL.replacen(from, to, 1)
}

#[track_caller]
fn small_with(from: &str, to: &str) -> Study {
    Study::parse(&edited(from, to)).unwrap()
}

fn small() -> Study {
    Study::parse(SMALL).unwrap()
}

fn baseline(study: &Study) -> Parameters {
    study.baseline(None).unwrap()
}

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

/// A hundred unconnected blocks with some spread, so that stated noise is used.
fn sparse() -> Vec<ObservedBlock> {
    (0..100)
        .map(|index| ObservedBlock {
            number: 18_000_000 + index * 1_000,
            timestamp: 1_700_000_000 + index * 12_000,
            gas_used: 10_000_000 + (index * 7_919 % 100) * 100_000,
            gas_limit: 30_000_000,
            base_fee_wei: Some(20_000_000_000 + u128::from(index % 10) * 1_000_000_000),
        })
        .collect()
}

fn material(observed: &[ObservedBlock]) -> Material<'_> {
    let inputs = vec![Input { name: "blocks".to_owned(), digest: Digest::of(b"blocks") }];
    Material { chain: ChainId::evm(1), program: Program::this(), inputs, observed, evm: &[] }
}

/// The error with its causes, as the program prints it.
fn chain(error: &FileError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}
