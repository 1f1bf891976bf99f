use super::*;
use crate::Parameters;

#[test]
fn smoke() {
    let baseline = Rules::new(Parameters::ethereum(36_000_000).unwrap());
    let proposal = Rules::new(Parameters::ethereum(60_000_000).unwrap());
    let setting = Setting::new(baseline, proposal);
    for scenario in Scenario::ALL {
        let start = std::time::Instant::now();
        let result = run(scenario, &setting).unwrap();
        println!("== {scenario} {:?}", start.elapsed());
        for row in std::iter::once(&result.cost).chain(&result.damage) {
            println!("{:45} {:>30} {:>30} {}", row.name, row.baseline, row.proposal, row.unit);
        }
    }
}
