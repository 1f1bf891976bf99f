//! A study that is accepted has cells, all of them consistent, the proposal's first.

#![no_main]

use chaos_study::Study;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(study) = Study::parse(text) {
        let baseline = study.baseline(None).expect("parsing checks it");
        let proposal = baseline.apply(&study.proposal).expect("parsing checks it");
        let cells = study.cells(&baseline).expect("parsing checks them");
        let (own, alternatives) = cells.split_at(study.scenarios.len());
        assert!(own.iter().enumerate().all(|(index, cell)| cell.scenario == index));
        assert!(own.iter().all(|cell| cell.parameters == proposal));
        assert!(alternatives.iter().all(|cell| cell.scenario == 0));
        assert!(cells.iter().all(|cell| cell.parameters.ensure_consistent().is_ok()));
        assert!(study.grid.iter().all(|axis| axis.values.is_sorted_by(|a, b| a < b)));
    }
});
