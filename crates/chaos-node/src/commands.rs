//! One module per subcommand.

pub(crate) mod agent;
pub(crate) mod anchor;
pub(crate) mod attest;
pub(crate) mod backtest;
pub(crate) mod broker;
pub(crate) mod demo;
pub(crate) mod executor;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod log;
pub(crate) mod propose;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod secret;
pub(crate) mod simulate;
pub(crate) mod validate;
pub(crate) mod verify;
