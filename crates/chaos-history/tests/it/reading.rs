use std::io::Write as _;

use chaos_history::{Columns, FeeHistory, HistoryError};
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use crate::generated::{MAINNET, ROLLUP, csv, rows};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read(text: &str) -> FeeHistory {
    FeeHistory::decode(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refuses(text: &str, words: &[&str]) {
    let error = FeeHistory::decode(text.as_bytes()).expect_err("it is refused").to_string();
    for word in words {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
}

/// The rows of a table with its lines changed.
fn with_lines(text: &str, change: impl Fn(usize, &str) -> String) -> String {
    let lines: Vec<String> = text.lines().enumerate().map(|(at, line)| change(at, line)).collect();
    lines.join("\n")
}

#[test]
fn every_spelling_of_the_same_rows_is_the_same_history_and_digest() {
    let plain = csv(&rows(&MAINNET, 40, 1));
    let history = read(&plain);
    let descending: Vec<_> = rows(&MAINNET, 40, 1).into_iter().rev().collect();
    let other_columns = with_lines(&plain, |at, line| match at {
        0 => "base_fee_per_gas,hash,gas_limit,block_number,gas_used,timestamp,chain_id".to_owned(),
        _ => {
            let f: Vec<&str> = line.split(',').collect();
            format!("{},0xab,{},{},{},{},1", f[4], f[3], f[0], f[2], f[1])
        }
    });
    let hex = with_lines(&plain, |at, line| match at {
        0 => line.to_owned(),
        _ => {
            let f = line.split(',').map(|f| format!("{:#x}", f.parse::<u64>().unwrap()));
            f.collect::<Vec<_>>().join(",")
        }
    });
    let quoted = with_lines(&plain, |_, line| format!("\"{}\"", line.replace(',', "\",\"")));
    for (name, text) in [
        ("CRLF", plain.replace('\n', "\r\n")),
        ("byte order mark", format!("\u{feff}{plain}")),
        ("blank last lines", format!("{plain}\n\r\n\n")),
        ("no last line end", plain.trim_end().to_owned()),
        ("descending", csv(&descending)),
        ("other columns", other_columns),
        ("hexadecimal", hex),
        ("quotes", quoted),
    ] {
        let other = read(&text);
        assert_eq!(other.blocks(), history.blocks(), "{name}");
        assert_eq!(other.digest(), history.digest(), "{name}");
    }
    let zipped = FeeHistory::decode(&gzip(plain.as_bytes())).unwrap();
    assert_eq!(zipped, history, "gzip");
    // The digest is that of the bytes that an export writes.
    assert_eq!(history.digest(), chaos_types::Digest::of(plain.as_bytes()));
    assert_ne!(history.digest(), read(&csv(&rows(&MAINNET, 40, 2))).digest());
}

#[test]
fn all_members_of_a_gzip_file_count_and_nothing_may_follow_them() {
    let plain = csv(&rows(&MAINNET, 2_400, 1));
    let (first, second) = plain.split_at(plain.len() / 2);
    let mut members = gzip(first.as_bytes());
    members.extend(gzip(second.as_bytes()));
    assert_eq!(FeeHistory::decode(&members).unwrap().blocks().len(), 2_400);
    let mut followed = gzip(plain.as_bytes());
    followed.extend(b"and more");
    assert!(matches!(FeeHistory::decode(&followed), Err(HistoryError::Gzip(_))));
    let mut cut = gzip(plain.as_bytes());
    cut.truncate(cut.len() - 9);
    assert!(matches!(FeeHistory::decode(&cut), Err(HistoryError::Gzip(_))));
}

#[test]
fn an_empty_cell_is_not_known_and_never_zero() {
    let header = "number,timestamp,gas_used,gas_limit,base_fee_wei,excess_blob_gas,blob_gas_used";
    let history = read(&format!("{header}\n5,60,,,,131072,0\n6,72,21000,30000000,,,\n7,84,,,,,\n"));
    assert_eq!((history.blocks().len(), history.blobs().len(), history.bare_rows()), (1, 1, 1));
    assert_eq!(history.blocks()[0].base_fee_wei, None);
    assert_eq!(history.unpriced(), 1);
    refuses(&format!("{header}\n5,60,21000,,7,,\n"), &["line 2", "gas_used without gas_limit"]);
    refuses(&format!("{header}\n5,60,,,7,,\n"), &["line 2", "base_fee_wei without gas_used"]);
    refuses(
        &format!("{header}\n5,60,,,,,0\n"),
        &["line 2", "blob_gas_used without excess_blob_gas"],
    );
    refuses(&format!("{header}\n,60,,,,,0\n"), &["line 2", "number expects a value"]);
}

#[test]
fn columns_can_be_named() {
    let text = "height,when,used,limit,fee\n5,60,21000,30000000,7\n";
    let columns = "number=height,timestamp=when,gas_used=used,gas_limit=limit,base_fee_wei=fee";
    let columns: Columns = columns.parse().unwrap();
    let history = FeeHistory::read(text.as_bytes(), &columns).unwrap();
    assert_eq!(history.blocks()[0].base_fee_wei, Some(7));
    refuses(text, &["number, timestamp", "missing", "`height`", "`fee`"]);
}

#[test]
fn damage_is_named_with_its_line() {
    let good = csv(&rows(&MAINNET, 5, 1));
    let last = "18000005,1700000060";
    let with = |row: &str| format!("{good}{row}\n");
    refuses("", &["line 1", "missing"]);
    refuses(&with("1,2,3"), &["line 7", "expected 5 columns, found 3"]);
    refuses(&with(&format!("{last},x,30000000,4")), &["line 7", "gas_used expects", "`x`"]);
    refuses(&with(&format!("{last},-3,30000000,4")), &["found `-3`"]);
    refuses(&with(&format!("{last},\"1,000\",30000000,4")), &["without separators", "`1,000`"]);
    refuses(&with(&format!("{last},5,30000000,20.5")), &["wei, not in gwei"]);
    refuses(&with(&format!("{last},50000,30000,4")), &["line 7", "above the limit 30000"]);
    refuses(&with(&format!("{last},0,4000,4")), &["line 7", "gas limit 4000", "below 5000"]);
    refuses(&with(&format!("{last},0,0,4")), &["line 7", "gas limit 0"]);
    refuses(&with(&format!("{last},\"5,30000000,4")), &["line 7", "quote"]);
    refuses(&with("\n18000005,1700000060,5,30000000,4"), &["line 7", "empty"]);
    refuses("{\"result\":{\"gasUsedRatio\":[0.5]}}", &["eth_feeHistory", "neither gas limits"]);
    refuses("date,timestamp,gas_limit_avg\n", &["table of days"]);
    let bytes = [good.as_bytes(), b"18000005,\xff"].concat();
    assert!(FeeHistory::decode(&bytes).unwrap_err().to_string().contains("line 7"));
}

#[test]
fn repeated_blocks_are_told_apart_from_conflicting_ones() {
    let rows = rows(&MAINNET, 6, 1);
    let twice = [&rows[..4], &rows[3..]].concat();
    refuses(&csv(&twice), &["line 6", "twice, with the same figures as in line 5"]);
    let mut other = twice.clone();
    other[4][2] += 1;
    refuses(&csv(&other), &["line 6", "twice, with other figures than in line 5", "two chains"]);
    let again = [&rows[..], &rows[1..2]].concat();
    refuses(&csv(&again), &["line 8", "twice, with the same figures as in line 3"]);
    let mut unordered = rows;
    unordered.swap(2, 4);
    refuses(&csv(&unordered), &["line 5", "does not come after"]);
    let chains = "number,timestamp,gas_used,gas_limit,base_fee_wei,chain_id\n\
                  5,60,0,30000000,7,1\n6,72,0,30000000,7,10\n";
    refuses(chains, &["line 3", "chain 10, in a table of chain 1"]);
}

#[test]
fn time_that_is_none_is_refused() {
    let table = |time: &dyn Fn(u64) -> u64| {
        let mut rows = rows(&MAINNET, 200, 1);
        for (row, index) in rows.iter_mut().zip(0..) {
            row[1] = time(index);
        }
        csv(&rows)
    };
    refuses(&table(&|index| 1_700_000_000 - index), &["line 3", "earlier"]);
    refuses(&table(&|_| 1_700_000_000), &["101 blocks in a row have the time 1700000000"]);
    refuses(&table(&|index| 1_700_000_000_000 + index), &["line 2", "milliseconds"]);
    // Chains with four blocks a second are none of these.
    read(&table(&|index| 1_700_000_000 + index / 4));
}

#[test]
fn gaps_are_counted() {
    let rows: Vec<_> = rows(&ROLLUP, 70, 1)
        .into_iter()
        .enumerate()
        .filter(|(at, _)| at % 7 != 3)
        .map(|(_, row)| row)
        .collect();
    let gaps = read(&csv(&rows)).gaps();
    assert_eq!((gaps.count, gaps.blocks, gaps.first_after), (10, 10, Some(10_000_002)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever the bytes are, reading ends without a panic, and what is read ascends.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(history) = FeeHistory::decode(&bytes) {
            prop_assert!(history.blocks().is_sorted_by(|a, b| a.number < b.number));
        }
    }

    #[test]
    fn any_cells_are_read_or_refused(cells in proptest::collection::vec("[0-9x.,\" \\-TZ:a]{0,12}", 0..40)) {
        let mut text = "number,timestamp,gas_used,gas_limit,base_fee_wei\n".to_owned();
        for row in cells.chunks(5) {
            text.push_str(&row.join(","));
            text.push('\n');
        }
        if let Ok(history) = FeeHistory::decode(text.as_bytes()) {
            let within = |block: &chaos_simulation::flow::ObservedBlock| block.gas_used <= block.gas_limit;
            prop_assert!(history.blocks().iter().all(within));
        }
    }

    /// What was read, written in the canonical form, is read again as the same.
    #[test]
    fn the_digest_is_of_the_rows(seed in any::<u64>(), count in 1u64..60) {
        let rows = rows(&MAINNET, count, seed);
        let text = csv(&rows);
        prop_assert_eq!(read(&text).digest(), chaos_types::Digest::of(text.as_bytes()));
        let mut changed = rows;
        let last = changed.len() - 1;
        changed[last][2] ^= 1;
        prop_assert_ne!(read(&csv(&changed)).digest(), chaos_types::Digest::of(text.as_bytes()));
    }
}
