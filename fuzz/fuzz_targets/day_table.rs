//! A table of days that is read ascends by whole days, and its rows written again are the same table.

#![no_main]

use chaos_history::DayTable;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(table) = DayTable::read(bytes) {
        assert!(table.days().is_sorted_by(|a, b| a.timestamp < b.timestamp));
        assert!(table.days().iter().all(|day| day.timestamp % 86_400 == 0));
        let mut text = "timestamp,gas_limit_avg,gas_used_total,avg_gas_price_wei\n".to_owned();
        for day in table.days() {
            let price = day.price_wei.map(|price| price.to_string()).unwrap_or_default();
            text.push_str(&format!(
                "{},{},{},{price}\n",
                day.timestamp, day.gas_limit, day.gas_used
            ));
        }
        let again = DayTable::read(text.as_bytes()).expect("what was read is a table");
        assert_eq!(again, table);
    }
});
