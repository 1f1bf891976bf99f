//! Reports of forks.

use super::reject;
use crate::{Fault, Key, State, Stop, Writes, action::ReportFork, forks, state::ForkedRow};

/// A report proves its fork, and no entry before it reports one by the same key of the same sizes.
pub(super) fn admit(
    body: &ReportFork,
    index: u64,
    state: &dyn State,
    writes: &mut Writes,
) -> Result<(), Stop> {
    let about = forks::about(&forks::read(body)?)?;
    if let Some(before) = about.reported(state)? {
        let ([one, other], log) = (about.sizes, about.log);
        return Err(reject(
            Fault::ForkReported,
            format!(
                "entry {before} reports that {log} signed conflicting heads of {one} and {other} entries"
            ),
        ));
    }
    writes.put(Key::forked(&about), &ForkedRow { index });
    Ok(())
}
