use std::num::NonZeroUsize;

use chaos_history::FeeHistory;
use chaos_parameters::{Parameters, pricing::next_base_fee};
use chaos_simulation::{
    Program,
    flow::ObservedBlock,
    forecast::{Options, Request, forecast},
};
use chaos_types::ChainId;

use super::*;

/// A forecast by 1,100 blocks of which each takes 12 s, the last of them at second 13,188.
fn made() -> Forecast {
    let parameters = Parameters::ethereum(30_000_000).unwrap();
    let (mut fee, mut state) = (30_000_000_000u128, 88_172_645_463_325_252u64);
    let blocks: Vec<ObservedBlock> = (0..1_100u64)
        .map(|index| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let dear = u64::try_from(fee / 5_000).unwrap();
            let used = (13_000_000 + state % 16_000_000).saturating_sub(dear).min(30_000_000);
            let block = ObservedBlock {
                number: 1_000 + index,
                timestamp: 12 * index,
                gas_used: used,
                gas_limit: 30_000_000,
                base_fee_wei: Some(fee),
            };
            fee = next_base_fee(fee, used, &parameters);
            block
        })
        .collect();
    let request = Request {
        chain: ChainId::evm(1),
        program: Program::this(),
        inputs: vec![],
        made_at: Some(1),
        baseline: parameters,
        proposal: parameters,
        activation_block: 2_100,
    };
    let options =
        Options { paths: 40, fit_blocks: 1_100, horizon_blocks: 200, ..Options::default() };
    forecast(&request, &blocks, &options, NonZeroUsize::MIN).unwrap()
}

#[test]
fn what_is_written_is_read_and_no_byte_of_it_can_be_another() {
    let forecast = made();
    let bytes = kept_form(&forecast).unwrap();
    assert_eq!(read(&bytes).unwrap(), forecast);
    for at in (0..bytes.len()).step_by(7) {
        for by in [1u8, 2, 16] {
            let mut other = bytes.clone();
            other[at] ^= by;
            assert!(read(&other).is_err(), "byte {at} was changed by {by} unnoticed");
        }
    }
    // The document alone, as earlier releases wrote it, has nothing to hold it against.
    assert!(matches!(read(&forecast.to_canonical().unwrap()), Err(KeptError::Malformed(_))));
}

#[test]
fn a_forecast_is_a_hindcast_once_a_tenth_of_its_blocks_were_there() {
    let forecast = made();
    // Block 2,100 is due at 13,200 s, and a tenth of 200 blocks take 240 s.
    for (now_s, expected) in [(0, false), (13_200, false), (13_440, false), (13_441, true)] {
        assert_eq!(is_hindcast(&forecast, now_s), expected, "at {now_s} s");
    }
}

#[test]
fn rows_are_named_by_the_digest_of_what_they_are_written_as() {
    let text =
        b"number,timestamp,gas_used,gas_limit,base_fee_wei\n5,60,0,30000000,7\n6,72,1,30000000,\n";
    let spelled = String::from_utf8(text.to_vec()).unwrap().replace('\n', "\r\n");
    let history = FeeHistory::decode(spelled.as_bytes()).unwrap();
    assert_eq!(history.to_csv(), text);
    assert_eq!(Digest::of(&history.to_csv()), history.digest());
}
