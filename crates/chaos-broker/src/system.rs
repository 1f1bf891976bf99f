use chaos_ledger::System;

/// The system's randomness as this crate takes it.
///
/// # Panics
/// The source panics if the system has no randomness: nothing that needs it may go on.
pub(crate) fn source(system: System) -> impl FnMut(&mut [u8]) {
    move |bytes| (system.random)(bytes).expect("the system has randomness once it is up")
}
