use super::*;
use crate::{ParameterName as P, Preset, Setting};

#[test]
fn smoke() {
    let baseline = Preset::Bpo2.parameters().with(Setting::new(P::GasLimit, 36_000_000).unwrap());
    let proposal = Preset::Bpo2.parameters();
    let case = Case::new(baseline, proposal);
    for scenario in Scenario::ALL {
        let start = std::time::Instant::now();
        let result = run(scenario, &case).unwrap();
        println!("== {scenario} {:?}", start.elapsed());
        for row in std::iter::once(&result.cost).chain(&result.damage) {
            println!("{:45} {:>30} {:>30} {}", row.name, row.baseline, row.proposal, row.unit);
        }
    }
}
