//! The crate as its users see it: tables as others write them, and histories as chains make them.

mod generated;
mod parquet;
mod reading;
mod rules;
mod shared;
