use std::path::PathBuf;

use clap::{Args, ValueEnum};

const HELP: &str = "\
Examples:
  chaoschain attest quote --report-data $(printf '00%.0s' $(seq 64)) --out evidence
  chaoschain attest verify evidence/quote.bin --collateral evidence/collateral.json \\
      --root evidence/root.der --policy development

Where a TDX guest runs:
  chaoschain attest quote --report-data HEX --provider configfs --out evidence

The development provider simulates a TDX machine under a PKI that everybody
has the keys of. Its quotes show that the machinery works and nothing about
hardware; no production policy accepts them. The configfs provider asks the
kernel of the TDX guest that this runs in; it gives no collateral.";

/// Where quotes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProviderKind {
    /// A simulated TDX machine under a development PKI.
    Development,
    /// The kernel of a TDX guest.
    Configfs,
}

/// The quote format's version, for the development provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum QuoteVersion {
    /// Version 4, TD 1.0 body.
    #[value(name = "4")]
    V4,
    /// Version 5, TD 1.5 body.
    #[value(name = "5")]
    V5,
}

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct AttestQuoteArgs {
    /// The 64 bytes that the quote is to carry, 128 hexadecimal digits.
    #[arg(long, value_name = "HEX")]
    pub(crate) report_data: String,
    /// Where the quote comes from.
    #[arg(long, value_enum, default_value = "development")]
    pub(crate) provider: ProviderKind,
    /// The quote format's version; the development provider only.
    #[arg(long, value_enum, default_value = "4")]
    pub(crate) quote_version: QuoteVersion,
    /// The simulated trust domain: every measurement derives from this name; the development
    /// provider only.
    #[arg(long, value_name = "NAME", default_value = "demonstration")]
    pub(crate) td: String,
    /// The day that the collateral is issued on, in Unix seconds, otherwise today; the development
    /// provider only.
    #[arg(long, value_name = "UNIX_SECONDS")]
    pub(crate) at: Option<u64>,
    /// Where the kernel has its interface; the configfs provider only.
    #[arg(long, value_name = "DIR", default_value = chaos_attestation::provide::TSM_ROOT)]
    pub(crate) tsm: PathBuf,
    /// The folder that quote.bin, collateral.json and root.der are written to.
    #[arg(long, value_name = "DIR", default_value = "chaoschain-quote")]
    pub(crate) out: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
