//! Durable appends per second: one to a commit, and in groups of 256, next to what the same disk
//! does in the same run for a bare file: a page and a sync, and the bytes of 256 records and a
//! sync. All numbers are medians of several rounds.
//!
//! `cargo bench -p chaos-store --bench append` prints a table, `-- --json` one object per measure.

#![expect(clippy::print_stdout, reason = "the table is the output")]

use std::{
    error::Error,
    fs::File,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use chaos_store::{Append, GROUP_MAX, GroupCommit, Records as _, Store};
use chaos_types::Digest;

/// Length of a record in bytes; about that of a receipt in its envelope.
const RECORD_BYTES: usize = 1_500;

/// Length of a leaf in bytes.
const LEAF_BYTES: usize = 120;

const ROUNDS: usize = 5;

struct Measure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    reference: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut syncs = Vec::new();
    let mut files = Vec::new();
    let mut singles = Vec::new();
    let mut batches = Vec::new();
    let mut groups = Vec::new();
    for round in 0..ROUNDS {
        let data = directory.path().join(round.to_string());
        syncs.push(bare_writes(directory.path(), 4_096, 200)?);
        files.push(bare_writes(directory.path(), GROUP_MAX * (RECORD_BYTES + LEAF_BYTES), 100)?);
        let mut store = Store::open(&data)?;
        singles.push(one_by_one(&mut store)?);
        batches.push(in_batches(&mut store)?);
        groups.push(through_the_committer(store)?);
    }
    let sync = median(syncs);
    let file = median(files) * f64::from(u32::try_from(GROUP_MAX)?);
    let measure = |name, value, reference| Measure { name, value, unit: "1/s", reference };
    print(&[
        measure("fsync", sync, sync),
        measure("append_single", median(singles), sync),
        measure("bare_file_256", file, file),
        measure("append_batch_256", median(batches), file),
        measure("append_group_commit", median(groups), file),
    ]);
    Ok(())
}

/// Writes of `bytes` bytes, each followed by a sync, per second.
fn bare_writes(directory: &Path, bytes: usize, count: usize) -> Result<f64, Box<dyn Error>> {
    let path = directory.join("bare");
    let mut file = File::create(&path)?;
    let data = vec![7; bytes];
    let rate = per_second(count, || {
        for _ in 0..count {
            file.write_all(&data)?;
            file.sync_all()?;
        }
        Ok(())
    })?;
    std::fs::remove_file(path)?;
    Ok(rate)
}

fn one_by_one(store: &mut Store) -> Result<f64, Box<dyn Error>> {
    let appends = appends("single", 200)?;
    per_second(appends.len(), || {
        for append in &appends {
            store.append_batch(std::slice::from_ref(append))?;
        }
        Ok(())
    })
}

fn in_batches(store: &mut Store) -> Result<f64, Box<dyn Error>> {
    let appends = appends("batch", 100 * GROUP_MAX)?;
    per_second(appends.len(), || {
        for batch in appends.chunks(GROUP_MAX) {
            store.append_batch(batch)?;
        }
        Ok(())
    })
}

/// One caller who queues faster than the disk commits, as many callers together would; making and
/// hashing the records counts.
fn through_the_committer(store: Store) -> Result<f64, Box<dyn Error>> {
    let commit = GroupCommit::start(store)?;
    let count = 100 * GROUP_MAX;
    let rate = per_second(count, || {
        let mut tickets = Vec::with_capacity(count);
        for number in 0..count {
            tickets.push(commit.submit(append("group", number)?)?);
        }
        for ticket in tickets {
            ticket.wait()?;
        }
        Ok(())
    })?;
    drop(commit.shut_down());
    Ok(rate)
}

fn appends(kind: &str, count: usize) -> Result<Vec<Append>, Box<dyn Error>> {
    (0..count).map(|number| append(kind, number)).collect()
}

fn append(kind: &str, number: usize) -> Result<Append, Box<dyn Error>> {
    let mut record = format!("{kind} {number} ").into_bytes();
    record.resize(RECORD_BYTES, b'.');
    let mut leaf = Digest::of(&record).to_hex().into_bytes();
    leaf.resize(LEAF_BYTES, b'.');
    Ok(Append::new(record, leaf)?)
}

fn per_second(
    count: usize,
    work: impl FnOnce() -> Result<(), Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    work()?;
    let elapsed = start.elapsed().max(Duration::from_nanos(1));
    Ok(f64::from(u32::try_from(count)?) / elapsed.as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn print(measures: &[Measure]) {
    let json = std::env::args().any(|argument| argument == "--json");
    for Measure { name, value, unit, reference } in measures {
        let ratio = value / reference;
        if json {
            let object = serde_json::json!({
                "measure": name,
                "value": value,
                "unit": unit,
                "reference": reference,
                "ratio": ratio,
            });
            println!("{object}");
        } else {
            println!("{name:<20} {value:>10.0} {unit}  {ratio:>6.3} of {reference:.0}");
        }
    }
}
