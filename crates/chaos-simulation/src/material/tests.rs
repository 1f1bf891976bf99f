use std::num::NonZeroUsize;

use chaos_parameters::Parameters;
use chaos_types::{ChainId, Digest, canonical};
use proptest::prelude::*;

use super::{MATERIAL_FORMAT, MaterialDocument, MaterialError, simulate};
use crate::{EvmBlockFigures, Experiment, Material, Program, flow::ObservedBlock, run};

fn block(number: u64, base_fee_wei: Option<u128>) -> ObservedBlock {
    let (gas_used, gas_limit) = (15_000_000 + number % 7, 30_000_000);
    ObservedBlock { number, timestamp: 12 * number, gas_used, gas_limit, base_fee_wei }
}

fn document(observed: &[ObservedBlock], evm: &[EvmBlockFigures]) -> MaterialDocument {
    let parameters = Parameters::ethereum(30_000_000).unwrap();
    let experiment = Experiment {
        paths: 2,
        blocks: 20,
        warmup_blocks: 5,
        ..Experiment::new(parameters, parameters)
    };
    let (chain, program) = (ChainId::evm(1), Program::this());
    MaterialDocument::new(
        &experiment,
        &Material { chain, program, inputs: Vec::new(), observed, evm },
    )
}

fn figures() -> EvmBlockFigures {
    EvmBlockFigures {
        number: u64::MAX,
        gas_reproduced: true,
        gas_limit_baseline: 30,
        gas_limit_proposal: 60,
        gas_used_baseline: 20,
        gas_used_proposal: 21,
        included_baseline: 2,
        included_proposal: 3,
        excluded_baseline: 1,
        excluded_proposal: 0,
        diverged_proposal: 1,
        unknown_reads_baseline: 0,
        unknown_reads_proposal: 4,
    }
}

#[test]
fn layout_is_the_one_that_other_programs_read() {
    // A golden vector: to change it is to change the format's number.
    let text = String::from_utf8(document(&[block(8, None)], &[]).to_canonical().unwrap()).unwrap();
    let start = r#"{"chain":"eip155:1","evm":[],"experiment":{"assumptions":{"#;
    assert!(text.starts_with(start), "{text}");
    let end = concat!(
        r#""format":"chaos-simulation/material/1","inputs":[],"observed":[{"base_fee_wei":null,"#,
        r#""gas_limit":"30000000","gas_used":"15000001","number":"8","timestamp":"96"}],"#,
        r#""program":{"name":"chaos-simulation","version":"0.1.0"}}"#
    );
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn bytes_in_bytes_out_is_the_run_on_any_number_of_threads() {
    let observed: Vec<_> = (0..40).map(|n| block(n, Some(1_000_000_000))).collect();
    let evm = [figures()];
    let document = document(&observed, &evm);
    let bytes = simulate(&document.to_canonical().unwrap()).unwrap();
    let material = Material {
        chain: ChainId::evm(1),
        program: Program::this(),
        inputs: Vec::new(),
        observed: &observed,
        evm: &evm,
    };
    let direct = run(&document.experiment, &material, NonZeroUsize::new(3).unwrap()).unwrap();
    assert_eq!(Digest::of(&bytes), direct.result.digest().unwrap());
}

#[track_caller]
fn check(change: impl FnOnce(&mut MaterialDocument), expect: &str, no_answer: bool) {
    let mut document = document(&[block(1, Some(7))], &[]);
    change(&mut document);
    let error = simulate(&document.to_canonical().unwrap()).unwrap_err();
    assert_eq!(error.text(), expect);
    assert_eq!(error.is_no_answer(), no_answer);
}

#[test]
fn unusable_documents_are_refused_with_what_and_where() {
    check(
        |document| document.format = "chaos-simulation/material/0".to_owned(),
        "material: format: expected `chaos-simulation/material/1`, found `chaos-simulation/material/0`",
        false,
    );
    check(
        |document| document.program.version = "7".to_owned(),
        "material: program: this is chaos-simulation 0.1.0, the document is for chaos-simulation 7",
        false,
    );
    check(
        |document| document.observed[0].gas_used = 30_000_001,
        "material: observed[0]: gas used 30000001 is above the limit 30000000",
        false,
    );
    check(
        |document| document.experiment.blocks = 1,
        "simulation: experiment: blocks must be from 2 to 32768, found 1",
        false,
    );
    check(
        |document| document.observed.clear(),
        "simulation: demand cannot be calibrated: none of the 0 observed blocks has a base fee; the \
         fee market needs blocks from London on",
        true,
    );
}

#[test]
fn a_wrong_field_is_named_by_its_path() {
    let good = document(&[block(1, Some(7))], &[figures()]);
    let mut value = serde_json::to_value(&good).unwrap();
    value["evm"][0]["gas_reproduced"] = "yes".into();
    let bytes = canonical::to_vec(&value).unwrap();
    let error = MaterialDocument::from_canonical(&bytes).unwrap_err();
    let MaterialError::Field { path, .. } = &error else { panic!("{error:?}") };
    assert_eq!(path, "evm[0].gas_reproduced");
    let text = simulate(b"{}").unwrap_err().text();
    assert_eq!(text, "material: the document: missing field `format` at line 1 column 2");
    assert_eq!(MATERIAL_FORMAT, good.format);
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(
        blocks in prop::collection::vec(
            (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>(), any::<Option<u128>>()), 0..5,
        ),
    ) {
        let observed: Vec<_> = blocks
            .into_iter()
            .map(|(number, timestamp, a, b, base_fee_wei)| ObservedBlock {
                number, timestamp, gas_used: a.min(b), gas_limit: a.max(b), base_fee_wei,
            })
            .collect();
        let document = document(&observed, &[figures()]);
        let bytes = document.to_canonical().unwrap();
        prop_assert_eq!(MaterialDocument::from_canonical(&bytes).unwrap(), document);
    }

    /// Whatever the blocks say, the same bytes come out twice and nothing overflows.
    #[test]
    fn no_block_makes_a_run_panic(
        blocks in prop::collection::vec(
            (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>(), any::<Option<u128>>()), 0..5,
        ),
    ) {
        let observed: Vec<_> = blocks
            .into_iter()
            .map(|(number, timestamp, a, b, base_fee_wei)| ObservedBlock {
                number, timestamp, gas_used: a.min(b), gas_limit: a.max(b), base_fee_wei,
            })
            .collect();
        let bytes = document(&observed, &[figures()]).to_canonical().unwrap();
        let told = |result: Result<Vec<u8>, MaterialError>| result.map_err(|error| error.text());
        prop_assert_eq!(told(simulate(&bytes)), told(simulate(&bytes)));
    }
}
