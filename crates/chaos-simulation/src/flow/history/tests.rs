use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::*;

const TABLE: &str = "number,timestamp,gas_used,gas_limit,base_fee_wei
12964999,1628166812,15000000,15029122,
12965000,1628166822,30025257,30029122,1000000000
12965001,1628166835,29985144,29999798,1124967822
";

#[test]
fn plain_and_compressed_files_read_alike() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(TABLE.as_bytes()).unwrap();
    let plain = FeeHistory::decode(TABLE.as_bytes()).unwrap();
    assert_eq!(plain, FeeHistory::decode(&encoder.finish().unwrap()).unwrap());
    assert_eq!(plain.blocks()[0].base_fee_wei, None);
    assert_eq!(plain.blocks()[2].base_fee_wei, Some(1_124_967_822));
    assert!(plain.blocks()[1].is_saturated());
}

#[track_caller]
fn refuses(table: &str, expected: &str) {
    let message = FeeHistory::decode(table.as_bytes()).unwrap_err().to_string();
    assert!(message.contains(expected), "{message}");
}

#[test]
fn damage_is_named_by_line() {
    refuses("", "line 1: expected `number,");
    refuses("a,b", "found `a,b`");
    refuses(&format!("{TABLE}1,2,3"), "line 5: expected 5 columns, found 3");
    refuses(&format!("{TABLE}12965002,1,x,3,4"), "line 5: gas_used expects");
    refuses(&format!("{TABLE}12965002,1,-3,3,4"), "found `-3`");
    refuses(&format!("{TABLE}12965002,1,5,3,4"), "line 5: gas used 5 is above the limit 3");
    refuses(&format!("{TABLE}12965001,1,2,3,4"), "line 5: block 12965001 does not come after");
    refuses(&format!("{TABLE}12965002,1,2,3,99999999999999999999"), "base_fee_wei expects");
}

#[test]
fn a_cut_gzip_stream_is_refused() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(TABLE.as_bytes()).unwrap();
    let mut bytes = encoder.finish().unwrap();
    bytes.truncate(bytes.len() - 9);
    assert!(matches!(FeeHistory::decode(&bytes), Err(HistoryError::Gzip(_))));
}
