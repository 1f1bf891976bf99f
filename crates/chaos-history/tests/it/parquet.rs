//! Tables of Parquet as cryo and BigQuery write them.

use std::sync::Arc;

use chaos_history::{FeeHistory, HistoryError};
use parquet::{
    data_type::{ByteArray, ByteArrayType, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

use crate::generated::{MAINNET, Row, csv, rows};

/// The rows as a table with a column that nobody asked for; `time` is the type of its times.
fn table(rows: &[Row], time: &str, scale: i64) -> Vec<u8> {
    let schema = format!(
        "message blocks {{ required binary block_hash; required int64 block_number; \
         required int64 timestamp {time}; required int64 gas_used (INTEGER(64,false)); \
         required int64 gas_limit; optional int64 base_fee_per_gas; }}"
    );
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let hashes: Vec<ByteArray> = rows.iter().map(|_| ByteArray::from("hash")).collect();
    column.typed::<ByteArrayType>().write_batch(&hashes, None, None).unwrap();
    column.close().unwrap();
    for (place, scale) in [(0, 1), (1, scale), (2, 1), (3, 1), (4, 1)] {
        let values: Vec<i64> =
            rows.iter().map(|row| i64::try_from(row[place]).unwrap() * scale).collect();
        // Only the last column may be empty, and no row of it is.
        let levels = vec![1i16; rows.len()];
        let levels = (place == 4).then_some(levels.as_slice());
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&values, levels, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn parquet_of_the_same_rows_is_the_same_history() {
    let rows = rows(&MAINNET, 300, 1);
    let plain = FeeHistory::decode(csv(&rows).as_bytes()).unwrap();
    for (time, scale) in
        [("", 1), ("(TIMESTAMP(MICROS,true))", 1_000_000), ("(TIMESTAMP(MILLIS,true))", 1_000)]
    {
        let history = FeeHistory::decode(&table(&rows, time, scale)).unwrap();
        assert_eq!(history.blocks(), plain.blocks(), "{time}");
        assert_eq!(history.digest(), plain.digest(), "{time}");
    }
}

#[test]
fn a_damaged_parquet_file_is_refused() {
    let whole = table(&rows(&MAINNET, 300, 1), "", 1);
    for length in [4, 100, whole.len() / 2, whole.len() - 1] {
        let error = FeeHistory::decode(&whole[..length]).unwrap_err();
        assert!(matches!(error, HistoryError::Parquet(_)), "{length}: {error}");
    }
    let negative = [[5, 60, 0, 30_000_000, 7]];
    let error = FeeHistory::decode(&table(&negative, "", -1)).unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("timestamp"), "{error}");
}
