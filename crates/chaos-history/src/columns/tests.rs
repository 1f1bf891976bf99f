use super::*;

fn layout(header: &str, columns: &str) -> Result<Layout, HistoryError> {
    let header: Vec<String> = header.split(',').map(str::to_owned).collect();
    let columns = if columns.is_empty() { Columns::default() } else { columns.parse().unwrap() };
    Layout::of(&header, &columns)
}

#[track_caller]
fn refuses(header: &str, columns: &str, words: &[&str]) {
    let error = layout(header, columns).unwrap_err().to_string();
    for word in words {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
}

#[test]
fn documented_headers_are_known() {
    for header in [
        "number,timestamp,gas_used,gas_limit,base_fee_wei",
        "number,timestamp,gas_used,gas_limit,base_fee_wei,excess_blob_gas,blob_gas_used",
        // BigQuery and ethereum-etl.
        "timestamp,number,hash,gas_limit,gas_used,transaction_count,base_fee_per_gas,blob_gas_used,excess_blob_gas",
        // Dune.
        "time,number,gas_limit,gas_used,difficulty,size,base_fee_per_gas,hash,date",
        // cryo with gas_limit.
        "block_hash,author,block_number,gas_used,extra_data,timestamp,base_fee_per_gas,chain_id,gas_limit",
        // JSON-RPC.
        "number,timestamp,gasUsed,gasLimit,baseFeePerGas",
        "number,timestamp,excess_blob_gas,blob_gas_used",
    ] {
        layout(header, "").unwrap_or_else(|error| panic!("{header}: {error}"));
    }
}

#[test]
fn what_is_missing_is_named_with_what_was_found() {
    // cryo leaves the limit out unless it is asked for.
    refuses(
        "block_number,timestamp,gas_used,base_fee_per_gas",
        "",
        &["gas_limit missing", "`block_number`"],
    );
    refuses(
        "a,b",
        "",
        &["number, timestamp, gas_used, gas_limit, base_fee_wei missing", "`a`, `b`"],
    );
    refuses("date,timestamp,gas_limit_avg", "", &["table of days"]);
    refuses("number,timestamp,blob_gas_used", "", &["excess_blob_gas"]);
}

#[test]
fn named_columns_come_before_found_ones() {
    let header = "number,block,timestamp,gas_used,gas_limit,fee";
    refuses(header, "base_fee_wei=fee", &["`number` and `block` both give number"]);
    let found = layout(header, "number=block,base_fee_wei=fee").unwrap();
    assert_eq!(found.places[Field::Number as usize], Some(1));
    assert_eq!(found.places[Field::BaseFee as usize], Some(5));
    refuses(header, "number=block,base_fee_wei=fees", &["no column `fees`"]);
}

#[test]
fn a_mapping_that_means_nothing_is_refused() {
    let refused = |text: &str| text.parse::<Columns>().unwrap_err().to_string();
    assert!(refused("number").contains("field=column"));
    assert!(refused("nonce=n").contains("unknown field `nonce`"));
    assert!(refused("number=a,number=b").contains("twice"));
}
