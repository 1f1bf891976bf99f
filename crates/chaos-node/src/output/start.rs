//! Whether the program was started with a place for its data.
//!
//! Before `main`, the standard library opens `/dev/null` in the place of each standard descriptor that is
//! closed, so that a file that is opened later is not taken for one of them. From then on `>&-` cannot be
//! told from `> /dev/null`, or from the `/dev/null` that many programs start others with, and those lose
//! nothing that anybody wanted. So the descriptor is looked at before the standard library does that.

use std::io;
#[cfg(target_os = "linux")]
use std::{
    os::fd::AsFd as _,
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether standard output was closed when the program began.
#[cfg(target_os = "linux")]
static CLOSED: AtomicBool = AtomicBool::new(false);

/// What the system calls before the standard library starts.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "nothing that runs later can tell; the function runs once, alone, and touches a number"
)]
#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = look;

/// A closed descriptor cannot be duplicated.
#[cfg(target_os = "linux")]
extern "C" fn look() {
    const BAD_DESCRIPTOR: i32 = 9;
    let duplicate = io::stdout().as_fd().try_clone_to_owned();
    let is_closed = duplicate.is_err_and(|error| error.raw_os_error() == Some(BAD_DESCRIPTOR));
    CLOSED.store(is_closed, Ordering::Relaxed);
}

/// Refuses to take data for printed that went nowhere. Where the system is not Linux, a closed descriptor is
/// not seen.
pub(super) fn ensure_open() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if CLOSED.load(Ordering::Relaxed) {
        return Err(io::Error::other("standard output is closed"));
    }
    Ok(())
}
