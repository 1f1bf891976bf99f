use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  export CHAOSCHAIN_PASSWORD=...
  chaoschain witness --name witness.example.org/w --log-policy logs.policy
  chaoschain log checkpoint --log-policy witnesses.policy

A policy is a C2SP tlog-policy file:
  log <the log's verifier key>
  witness w <the witness's verifier key> http://127.0.0.1:7312
  quorum w";

/// A witness serves the calls of C2SP tlog-witness.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WitnessArgs {
    /// The witness's name in its cosignatures, such as a URL without its scheme.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: chaos_log::KeyName,
    /// A policy file; the logs that it names are cosigned, and no others.
    #[arg(long, value_name = "FILE")]
    pub(crate) log_policy: PathBuf,
    /// Where its key and its memory are. What it cosigned last is also kept in the folder
    /// CHAOSCHAIN_HEADS, or chaoschain/heads in the user's state folder, which tells an old copy of
    /// this one. On another machine that is not there: move both, and keep no copies.
    #[arg(long, value_name = "DIR", default_value = "chaoschain-witness")]
    pub(crate) folder: PathBuf,
    /// You vouch that the clock is right now: what was cosigned at later times was cosigned by a clock that
    /// was ahead, and cosigning goes on.
    #[arg(long)]
    pub(crate) accept_clock: bool,
    /// You vouch that DIR holds what was cosigned last and is no old copy: what it knows is taken up where
    /// the other memory lacks it.
    #[arg(long)]
    pub(crate) only_copy: bool,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7312")]
    pub(crate) listen: SocketAddr,
}
