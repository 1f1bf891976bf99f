//! Fee histories: read from files, and held to a chain's fee rule before anything follows from them.

use std::{
    fs::File,
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use chaos_chain_config::ChainConfig;
use chaos_history::{
    Columns, FeeHistory, Report, Rules, check_rule, ensure_one_demand, ensure_rule,
};
use chaos_parameters::Parameters;
use chaos_types::{ChainId, Digest};

use crate::Error;

/// A fee history as a file gave it. Nothing follows from it before it is [`checked`](Self::checked).
#[derive(Debug)]
pub struct ReadHistory {
    path: PathBuf,
    history: FeeHistory,
    digest: Digest,
}

/// A fee history whose every pair of consecutive blocks follows the fee rule, as far as headers show
/// it.
#[derive(Debug)]
pub struct CheckedHistory {
    path: PathBuf,
    /// The blocks.
    pub history: FeeHistory,
    /// The digest of the rows, by which receipts and results name them.
    pub digest: Digest,
    /// By which rules.
    pub rules: Rules,
    /// What was checked.
    pub report: Report,
}

/// Reads a fee history; `columns` names those that have other names than documented ones.
///
/// # Errors
/// If the file is no fee history.
pub fn read(path: &Path, columns: &Columns) -> Result<ReadHistory, Error> {
    let cannot = |source| Error::Read { path: path.to_owned(), source };
    // A pipe among files that somebody else packed would be waited for without end.
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(cannot(io::Error::other("not a regular file")));
    }
    let reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(cannot)?);
    let history = FeeHistory::read(reader, columns)
        .map_err(|source| Error::FeeHistory { path: path.to_owned(), source })?;
    let digest = history.digest();
    Ok(ReadHistory { path: path.to_owned(), history, digest })
}

/// The rules of a chain, or those of the `named` parameters.
///
/// # Errors
/// If the chain is unknown and nothing is named, or what is named is of another family.
pub fn rules(chain: &ChainId, named: Option<Parameters>) -> Result<Rules, Error> {
    Rules::new(chain, named).map_err(|error| Error::Rules(Box::new(error)))
}

/// The rules of a chain by a chain config that somebody brought, or those of the `named` parameters.
///
/// # Errors
/// If what is named is of another family.
pub fn rules_of_config(
    config: &'static ChainConfig,
    named: Option<Parameters>,
) -> Result<Rules, Error> {
    Rules::of_config(config, named).map_err(|error| Error::Rules(Box::new(error)))
}

impl ReadHistory {
    /// The digest of the rows.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The chain that the table's own column names, by its EIP-155 number.
    #[must_use]
    pub const fn chain_number(&self) -> Option<u64> {
        self.history.chain_number()
    }

    /// The rows in the form of which [`Self::digest`] is the digest.
    pub(crate) fn to_csv(&self) -> Vec<u8> {
        self.history.to_csv()
    }

    /// Whether there are blob figures and no base fee at all.
    #[must_use]
    pub fn prices_no_gas(&self) -> bool {
        let blocks = self.history.blocks();
        !self.history.blobs().is_empty() && blocks.iter().all(|block| block.base_fee_wei.is_none())
    }

    /// The rows, which nothing has been held to yet.
    pub(crate) const fn history(&self) -> &FeeHistory {
        &self.history
    }

    /// Whether the rules of all blocks with a base fee are known by `rules`.
    pub(crate) fn is_known_to(&self, rules: &Rules) -> bool {
        check_rule(&self.history, rules).base_fee.unruled == 0
    }

    /// The same under the digest that a receipt of an earlier release names it by: that of its file.
    pub(crate) fn named(self, digest: Digest) -> Self {
        Self { digest, ..self }
    }

    /// Holds every pair of consecutive blocks to the rules.
    ///
    /// # Errors
    /// If one does not follow, or the rule of one is not known.
    pub fn checked(self, rules: Rules) -> Result<CheckedHistory, Error> {
        let Self { path, history, digest } = self;
        match ensure_rule(&history, &rules) {
            Ok(report) => Ok(CheckedHistory { path, history, digest, rules, report }),
            Err(source) => Err(Error::FeeRule { path, source: Box::new(source) }),
        }
    }
}

impl CheckedHistory {
    /// The parameters by which the block after the newest one with a base fee has its own; `None` if they
    /// are not known.
    ///
    /// # Errors
    /// If a number in extra data is out of bounds.
    pub(crate) fn newest_parameters(&self) -> Result<Option<Parameters>, Error> {
        let blocks = self.history.blocks();
        let Some(place) = blocks.iter().rposition(|block| block.base_fee_wei.is_some()) else {
            return Ok(None);
        };
        let (newest, fees) = (&blocks[place], self.history.header_fees(place));
        Ok(self.rules.parameters_after(newest.number, newest.timestamp, fees)?)
    }

    /// Refuses a history to which one demand cannot be fitted.
    ///
    /// # Errors
    /// If blocks are too few, or some are missing between them.
    pub fn ensure_one_demand(&self) -> Result<(), Error> {
        ensure_one_demand(self.history.blocks())
            .map_err(|source| Error::Fit { path: self.path.clone(), source })
    }
}
