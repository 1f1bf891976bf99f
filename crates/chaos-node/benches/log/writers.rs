//! Durable appends by many writers, each with several under way, on a disk whose sync takes 5 ms.

use std::{
    collections::VecDeque,
    error::Error,
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use chaos_ledger::{Ledger, Prepared};
use chaos_log::{InclusionProof, prove_inclusions};
use chaos_store::{Commit, GroupCommit, Ticket};
use chaos_types::dsse::Envelope;

use crate::{
    Figure,
    generate::{self, Actor, SYSTEM},
};

const WRITERS: u64 = 64;
const IN_FLIGHT: usize = 16;
/// How many receipts each writer appends.
const RECEIPTS: u64 = 400;
/// What a sync takes beside what this disk needs: one a group.
const SYNC: Duration = Duration::from_millis(5);

/// A ledger on a slow disk.
struct Slow(Ledger);

impl Commit for Slow {
    type Item = <Ledger as Commit>::Item;
    type Done = InclusionProof;
    type Error = io::Error;

    fn commit_group(&mut self, items: Vec<Self::Item>) -> Vec<io::Result<InclusionProof>> {
        let answers = self.0.commit_group(items);
        #[expect(clippy::disallowed_methods, reason = "a slow disk is what is simulated")]
        thread::sleep(SYNC);
        let indices = answers.iter().filter_map(|answer| answer.as_ref().ok());
        let indices = indices.map(|accepted| accepted.index);
        let mut proofs = match prove_inclusions(self.0.store(), indices, self.0.size()) {
            Ok(proofs) => proofs.into_iter(),
            Err(error) => {
                let failed = answers.iter().map(|_| Err(io::Error::other(error.to_string())));
                return failed.collect();
            }
        };
        let placed = answers.into_iter().map(|answer| {
            answer.map_err(io::Error::other)?;
            proofs.next().ok_or_else(|| io::Error::other("an entry has no proof"))
        });
        placed.collect()
    }
}

/// Appends per second, and how long the slowest hundredth waited for its proof of inclusion. Signatures are
/// checked within the measure, on the writers' threads; receipts are signed before it.
pub(crate) fn measure(data: &Path) -> Result<[Figure; 2], Box<dyn Error>> {
    let actor = Actor::numbered(0);
    let ledger = generate::ledger(data, &actor)?;
    let log = ledger.operator();
    let signed = (0..WRITERS * RECEIPTS)
        .map(|number| actor.verdict(log, number))
        .collect::<Result<Vec<Envelope>, _>>()?;
    let commit = GroupCommit::start(Slow(ledger))?;
    let start = Instant::now();
    let mut waits: Vec<Duration> = thread::scope(|scope| {
        let share = signed.len().div_ceil(usize::try_from(WRITERS).unwrap_or(1));
        let writers: Vec<_> = signed
            .chunks(share)
            .map(|envelopes| scope.spawn(|| write(&commit, envelopes)))
            .collect();
        let joined = writers
            .into_iter()
            .map(|writer| writer.join().unwrap_or_else(|_| Err("a writer ended".to_owned())));
        joined.collect::<Result<Vec<_>, String>>().map(|waits| waits.concat())
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let Slow(ledger) = commit.shut_down();
    if ledger.size() != 2 + WRITERS * RECEIPTS {
        return Err(format!("{} entries", ledger.size()).into());
    }
    waits.sort_unstable();
    let count = u32::try_from(waits.len())?;
    let p99 = waits[waits.len() * 99 / 100];
    let figure = |measure: &str, value, unit| Figure {
        measure: measure.to_owned(),
        value,
        unit,
        reference: None,
    };
    Ok([
        figure("log_writers", f64::from(count) / seconds, "1/s"),
        figure("log_writers_p99", p99.as_secs_f64() * 1e3, "ms"),
    ])
}

/// Waits for the receipt's proof of inclusion.
fn proved(ticket: Ticket<InclusionProof, io::Error>) -> Result<InclusionProof, String> {
    ticket.wait().map_err(|error| error.to_string())
}

/// One writer: how long each of its receipts waited from the queue to its proof.
fn write(commit: &GroupCommit<Slow>, envelopes: &[Envelope]) -> Result<Vec<Duration>, String> {
    let text = |error: &dyn Error| error.to_string();
    let mut waits = Vec::with_capacity(envelopes.len());
    let mut under_way = VecDeque::new();
    for envelope in envelopes {
        let prepared = Prepared::read(envelope, &SYSTEM.kinds).map_err(|error| text(&error))?;
        let since = Instant::now();
        under_way.push_back((since, commit.submit(prepared).map_err(|error| text(&error))?));
        if under_way.len() == IN_FLIGHT
            && let Some((since, ticket)) = under_way.pop_front()
        {
            proved(ticket)?;
            waits.push(since.elapsed());
        }
    }
    for (since, ticket) in under_way {
        proved(ticket)?;
        waits.push(since.elapsed());
    }
    Ok(waits)
}
