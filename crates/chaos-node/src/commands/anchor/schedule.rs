//! `chaoschain anchor --every`.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use chaos_chains::Signer;

use super::{Done, once};
use crate::{
    args::AnchorArgs,
    exit::Failure,
    output::{self, count},
    runtime::Stop,
};

/// The first pause after something failed outside; it doubles up to the largest.
const PAUSE: Duration = Duration::from_secs(5);
/// The largest pause after something failed outside.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// Anchors at most once in a time, until it is stopped. In between nobody else is kept from the log.
///
/// Time is counted by a clock that nobody sets. Only where this process does not know when the last anchor was, at its
/// start and after something failed, the journal says it.
pub(super) async fn run(
    args: &AnchorArgs,
    signer: &Signer,
    every: Duration,
) -> Result<ExitCode, Failure> {
    let stop = Stop::new()?;
    tokio::pin! { let stopped = stop.asked(); }
    let (mut anchored, mut pause, mut is_known) = (0_u64, PAUSE, false);
    loop {
        let began = Instant::now();
        let since = (!is_known).then_some(every);
        // What is dropped at a wait has nothing half done: bytes are durable before they are sent.
        let done = tokio::select! {
            done = Box::pin(once(args, signer, since)) => done,
            () = &mut stopped => return Ok(end(anchored)),
        };
        let next = match done {
            Ok(done) => {
                pause = PAUSE;
                is_known = !matches!(done, Done::Adopted);
                match done {
                    Done::Adopted => Duration::ZERO,
                    Done::NotDue(left) => {
                        let seconds = left.as_secs();
                        output::tell(format_args!(
                            "by the journal the next anchor is due in {seconds} s"
                        ));
                        left
                    }
                    Done::Anchored => {
                        anchored += 1;
                        every.saturating_sub(began.elapsed())
                    }
                    Done::Unchanged => every.saturating_sub(began.elapsed()),
                }
            }
            Err(failure) if failure.is_passing() => {
                failure.report();
                let now = pause.min(every);
                pause = (pause * 2).min(PAUSE_MAX);
                is_known = false;
                output::tell(format_args!("trying again in {} s", now.as_secs()));
                now
            }
            Err(failure) => return Err(failure),
        };
        tokio::select! {
            () = &mut stopped => return Ok(end(anchored)),
            () = tokio::time::sleep(next) => {}
        }
    }
}

fn end(anchored: u64) -> ExitCode {
    let anchors = count(anchored, "anchor", "anchors");
    output::tell(format_args!("stopped after {anchors}; what was sent stays in the journal"));
    ExitCode::SUCCESS
}
