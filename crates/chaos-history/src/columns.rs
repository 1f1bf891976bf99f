//! Which column gives what, by the names that public sources document.
//!
//! - this project's exports: `number,timestamp,gas_used,gas_limit,base_fee_wei`, and with blobs
//!   `excess_blob_gas,blob_gas_used`; of OP-stack chains `extra_data`;
//! - BigQuery's `crypto_ethereum.blocks` and ethereum-etl's `blocks.csv`, whose schema it is
//!   (<https://ethereum-etl.readthedocs.io/en/latest/schema/>): `base_fee_per_gas`, times as text;
//! - Dune's `<chain>.blocks` (<https://docs.dune.com/data-catalog/evm/ethereum/raw/blocks>): `time`;
//! - cryo's `blocks` (<https://docs.rs/crate/cryo_freeze/latest>): `block_number`, `chain_id`, and
//!   `gas_limit` only if it is asked for;
//! - the field names of JSON-RPC (<https://ethereum.github.io/execution-apis>): `baseFeePerGas`.
//!
//! Etherscan documents exports by day alone, which are no fee histories.

use std::{fmt, str::FromStr};

use crate::HistoryError;

/// What a column gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The block's number.
    Number,
    /// Its time: Unix seconds or ISO 8601.
    Timestamp,
    /// Gas that its transactions used.
    GasUsed,
    /// Its gas limit.
    GasLimit,
    /// Its base fee in wei.
    BaseFee,
    /// Its excess blob gas.
    ExcessBlobGas,
    /// The blob gas of its blobs.
    BlobGasUsed,
    /// The EIP-155 number of its chain.
    ChainId,
    /// The free bytes of its header, in hexadecimal; OP-stack chains keep their fee rule there.
    ExtraData,
}

impl Field {
    pub(crate) const COUNT: usize = 9;

    /// All fields, in the order of the canonical form.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Number,
        Self::Timestamp,
        Self::GasUsed,
        Self::GasLimit,
        Self::BaseFee,
        Self::ExcessBlobGas,
        Self::BlobGasUsed,
        Self::ChainId,
        Self::ExtraData,
    ];

    /// The name here, in exports and in `--columns`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Timestamp => "timestamp",
            Self::GasUsed => "gas_used",
            Self::GasLimit => "gas_limit",
            Self::BaseFee => "base_fee_wei",
            Self::ExcessBlobGas => "excess_blob_gas",
            Self::BlobGasUsed => "blob_gas_used",
            Self::ChainId => "chain_id",
            Self::ExtraData => "extra_data",
        }
    }

    /// The names elsewhere, in lower case and with underscores for spaces.
    const fn others(self) -> &'static [&'static str] {
        match self {
            Self::Number => &["block_number", "blocknumber", "block_num", "block"],
            Self::Timestamp => &["block_timestamp", "block_time", "time", "unixtimestamp"],
            Self::GasUsed => &["gasused"],
            Self::GasLimit => &["gaslimit"],
            Self::BaseFee => &["base_fee_per_gas", "basefeepergas", "base_fee"],
            Self::ExcessBlobGas => &["excessblobgas"],
            Self::BlobGasUsed => &["blobgasused"],
            Self::ChainId => &["chainid"],
            Self::ExtraData => &["extradata", "extra_data_raw"],
        }
    }

    fn is_called(self, name: &str) -> bool {
        self.name() == name || self.others().contains(&name)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The columns that the reader of a table named, by field; the others are found by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns(Vec<(Field, String)>);

/// Why a text names no columns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnsError {
    /// A part has no `=`.
    #[error("expected field=column such as `number=block_number`, found `{found}`")]
    NoEquals {
        /// The part.
        found: String,
    },
    /// There is no such field.
    #[error("unknown field `{found}`; known: {known}", known = known())]
    Unknown {
        /// The field as named.
        found: String,
    },
    /// A field is named twice.
    #[error("{field} is named twice")]
    Twice {
        /// The field.
        field: Field,
    },
}

fn known() -> String {
    Field::ALL.map(Field::name).join(", ")
}

impl FromStr for Columns {
    type Err = ColumnsError;

    /// Reads `number=block_number,base_fee_wei=fee`.
    fn from_str(text: &str) -> Result<Self, ColumnsError> {
        let short = |text: &str| text.chars().take(80).collect::<String>();
        let mut named: Vec<(Field, String)> = Vec::new();
        for part in text.split(',') {
            let (field, column) = part
                .split_once('=')
                .ok_or_else(|| ColumnsError::NoEquals { found: short(part) })?;
            let field = Field::ALL
                .into_iter()
                .find(|known| known.name() == field.trim())
                .ok_or_else(|| ColumnsError::Unknown { found: short(field) })?;
            if named.iter().any(|(other, _)| *other == field) {
                return Err(ColumnsError::Twice { field });
            }
            named.push((field, column.trim().to_owned()));
        }
        Ok(Self(named))
    }
}

/// Where each field stands in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) places: [Option<usize>; Field::COUNT],
    /// How many columns a row has.
    pub(crate) width: usize,
}

impl Layout {
    /// The layout of a table with this header.
    pub(crate) fn of(header: &[String], columns: &Columns) -> Result<Self, HistoryError> {
        let mut layout = Self { places: [None; Field::COUNT], width: header.len() };
        for field in Field::ALL {
            layout.places[field as usize] =
                match columns.0.iter().find(|(named, _)| *named == field) {
                    Some((_, column)) => Some(place(header, field, column)?),
                    None => found(header, field)?,
                };
        }
        layout.ensure_enough(header)?;
        Ok(layout)
    }

    pub(crate) const fn has(&self, field: Field) -> bool {
        self.places[field as usize].is_some()
    }

    fn ensure_enough(&self, header: &[String]) -> Result<(), HistoryError> {
        let gas = [Field::GasUsed, Field::GasLimit, Field::BaseFee];
        let blobs = [Field::ExcessBlobGas, Field::BlobGasUsed];
        let all = |fields: &[Field]| fields.iter().all(|field| self.has(*field));
        let needed = [Field::Number, Field::Timestamp];
        let only_blobs = all(&blobs) && !gas.iter().any(|field| self.has(*field));
        let mut missing: Vec<&str> = needed
            .iter()
            .chain(gas.iter().filter(|_| !only_blobs))
            .filter(|field| !self.has(**field))
            .map(|field| field.name())
            .collect();
        // One of the two figures of a blob market says nothing without the other.
        if self.has(Field::ExcessBlobGas) != self.has(Field::BlobGasUsed) {
            missing.extend(blobs.iter().filter(|field| !self.has(**field)).map(|f| f.name()));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let has_date = header.iter().any(|name| normal(name) == "date" || normal(name) == "day");
        if !self.has(Field::Number) && has_date {
            return Err(HistoryError::Days { found: listed(header) });
        }
        Err(HistoryError::Header { missing: missing.join(", "), found: listed(header) })
    }
}

fn place(header: &[String], field: Field, column: &str) -> Result<usize, HistoryError> {
    header.iter().position(|name| name == column).ok_or_else(|| HistoryError::NoColumn {
        field,
        column: column.to_owned(),
        found: listed(header),
    })
}

fn found(header: &[String], field: Field) -> Result<Option<usize>, HistoryError> {
    let mut places = (0..header.len()).filter(|place| field.is_called(&normal(&header[*place])));
    let first = places.next();
    if let (Some(first), Some(second)) = (first, places.next()) {
        return Err(HistoryError::Ambiguous {
            field,
            first: header[first].clone(),
            second: header[second].clone(),
        });
    }
    Ok(first)
}

fn normal(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace(' ', "_")
}

/// The names for an error, at most 300 characters of them.
fn listed(header: &[String]) -> String {
    let names: Vec<String> = header.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ").chars().take(300).collect()
}

#[cfg(test)]
mod tests;
