//! Reports of forks.

use super::reject;
use crate::{
    Fault, Key, State, Stop, Writes,
    action::ReportFork,
    forks::{self, Reported},
    state::ForkedRow,
};

/// A report proves its fork, and says more than those before it: that the key's heads conflict from a
/// smaller size on.
pub(super) fn admit(
    body: &ReportFork,
    index: u64,
    state: &dyn State,
    writes: &mut Writes,
) -> Result<(), Stop> {
    let (log, size) = forks::about(&forks::read(body)?)?;
    let before = Reported::of(state, &log)?;
    if let Some(Reported { index, size: known, .. }) = before.filter(|before| before.size <= size) {
        return Err(reject(
            Fault::ForkReported,
            format!(
                "entry {index} reports that the log of {log} forked from size {known} on, this proof \
                 shows it from {size} on"
            ),
        ));
    }
    let number = before.map_or(0, |before| before.count);
    writes.put(Key::forked(&log, number), &ForkedRow { index, size });
    Ok(())
}
