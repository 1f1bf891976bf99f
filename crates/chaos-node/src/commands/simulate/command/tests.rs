use clap::Parser as _;

use super::*;
use crate::args::{Args, Command};

fn simulate(options: &[&str]) -> SimulationArgs {
    let start = ["chaoschain", "simulate", "--blocks", "b", "--set", "gas-limit=1"];
    let args = Args::try_parse_from(start.iter().chain(options)).unwrap();
    let Command::Simulate(args) = args.command else { unreachable!("the command was given") };
    args.simulation
}

#[test]
fn defaults_are_left_out_but_for_the_seed() {
    assert_eq!(options(&simulate(&[])), " --seed 1");
    assert_eq!(options(&simulate(&["--threads", "2"])), " --seed 1");
}

#[test]
fn every_option_that_changes_the_result_is_spelled_out() {
    let all = [
        "--seed",
        "7",
        "--elasticity",
        "0.25",
        "--paths",
        "64",
        "--path-blocks",
        "300",
        "--fee-history",
        "fees.csv.gz",
    ];
    assert_eq!(options(&simulate(&all)), format!(" {}", all.join(" ")));
}

#[test]
fn paths_stay_as_typed_and_survive_a_shell() {
    for (typed, shown) in [
        ("inputs", "inputs"),
        ("../data/ethereum", "../data/ethereum"),
        ("my data", "'my data'"),
        ("it's; rm -rf", r"'it'\''s; rm -rf'"),
        ("$HOME", "'$HOME'"),
    ] {
        assert_eq!(quoted(Path::new(typed)), shown);
    }
}
