use chaos_governance::*;
use chaos_simulation::{*, load::*, fee_market::ObservedBlock};
use chaos_studio::Studio;
#[test]
fn gen_scratch() {
    let load = generate(&LoadParameters::default()).unwrap();
    let observed: Vec<ObservedBlock> = load.blocks.iter().map(|b| {
        let r = evm::RecordedBlock::decode(&b.json, None).unwrap().block;
        ObservedBlock { number: r.header.number, timestamp: r.header.timestamp, gas_used: r.header.gas_used, gas_limit: r.header.gas_limit, base_fee_wei: r.header.base_fee_per_gas.map(Into::into) }
    }).collect();
    let studio = Studio::parse(DEFAULT_STUDIO).unwrap();
    let facts: Vec<BlockFacts> = observed.iter().copied().map(Into::into).collect();
    let m = Metrics::measure(&facts, 2, studio.policy().evidence()).unwrap();
    for (k, v) in &m.values { println!("{} {} {} n={}", k.name(), v.value, k.unit(), v.n); }
    let parameters = Parameters::ethereum(15_000_000).unwrap();
    for o in analyse(&m, &parameters, studio.policy(), &Thresholds::of_studio(&studio).unwrap()) {
        println!("== {:?} {} {}", o.rule, o.strength_ppm, o.reason);
        let draft = Draft::new(&o, &parameters, studio.policy()).unwrap();
        let outcome = refine::run(&draft, studio.policy(), |change| {
            let e = Experiment::new(parameters, parameters.with(change.setting()));
            let material = Material { chain: "eip155:1".parse().unwrap(), program: Program::this(), inputs: vec![], observed: &observed, evm: &[] };
            chaos_simulation::run(&e, &material, std::num::NonZeroUsize::new(2).unwrap()).map(|s| s.result)
        }).unwrap();
        for r in &outcome.rounds {
            println!("-- round {} {} {:?}", r.number, r.change, r.decision);
            for v in &r.verdicts { println!("   {:?} {} {:?}", v.criterion, v.metric, v.judgement); }
        }
    }
}
