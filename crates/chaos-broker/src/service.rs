//! The broker: directory of services and release of secrets, over the attached log.
//!
//! Its state is a fold: every event becomes an `oversee` receipt whose document is kept as a blob,
//! and a restart applies those documents again. The vault alone is a file of its own, since secrets
//! are in no log; the record shows if an older one is put in its place.

mod access;
mod desk;
mod event;
mod judge;
mod protocol;
mod safe;
mod serve;
mod settings;

pub(crate) use self::{
    access::{Access, into_failure, runtime},
    desk::Caller,
    event::Passage,
    protocol::{Answer, LeaseRow, Order, Question, Report, SecretRow, ServiceRow},
    serve::{Stop, serve},
    settings::{Lives, PolicyName, REBUILDS_MIN, Settings},
};
