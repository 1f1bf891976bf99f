//! Columns into the bytes of a Parquet file, and those onto the disk.

use std::{path::Path, sync::Arc};

use chaos_files::{Readers, write_synced};
use chaos_types::Digest;
use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    column::writer::ColumnWriter,
    data_type::{ByteArray, FixedLenByteArray},
    errors::{ParquetError, Result as Encoded},
    file::{
        properties::{WriterProperties, WriterPropertiesPtr},
        writer::SerializedFileWriter,
    },
    schema::types::{Type, TypePtr},
};

use super::Error;

/// The name of the writer in the file; a version of ours or of a library would change the bytes.
const CREATED_BY: &str = "chaoschain";

/// How many rows are encoded at a time. It shapes the bytes.
const ROW_GROUP_ROWS: usize = 1 << 17;

/// The most decimal digits of an amount.
const DECIMAL_DIGITS: i32 = 38;

/// The largest amount, in either direction: 38 nines.
const DECIMAL_MAX: u128 = 10u128.pow(38) - 1;

/// The bytes of an amount, big-endian two's complement.
const DECIMAL_BYTES: i32 = 16;

/// A column of some rows.
pub(super) struct Column<'a> {
    pub(super) name: &'static str,
    pub(super) values: Values<'a>,
}

/// A column's values, none of them missing.
pub(super) enum Values<'a> {
    /// UTF-8.
    Texts(Vec<&'a str>),
    /// Whole numbers of at most 31 bits.
    Indices(Vec<u32>),
    /// Amounts of at most 38 decimal digits.
    Decimals(Vec<i128>),
}

/// Encodes the lines and puts the file in its place in one step, so that a kill leaves the whole
/// file or none. Returns the digest of the file's bytes.
pub(super) fn write<'a, L>(
    path: &Path,
    lines: &[L],
    columns: fn(&[L]) -> Vec<Column<'a>>,
) -> Result<Digest, Error> {
    let unencoded = |source| Error::Encode { path: path.to_owned(), source };
    let schema = schema(&columns(&[])).map_err(unencoded)?;
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, properties()).map_err(unencoded)?;
    for (start, chunk) in (0..).step_by(ROW_GROUP_ROWS).zip(lines.chunks(ROW_GROUP_ROWS)) {
        let columns = columns(chunk);
        for column in &columns {
            column.ensure_in_range(start)?;
        }
        append(&mut writer, &columns).map_err(unencoded)?;
    }
    let bytes = writer.into_inner().map_err(unencoded)?;
    write_synced(path, Readers::Everyone, &bytes)
        .map_err(|source| Error::Write { path: path.to_owned(), source })?;
    Ok(Digest::of(&bytes))
}

fn properties() -> WriterPropertiesPtr {
    let properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::SNAPPY)
        .build();
    Arc::new(properties)
}

fn schema(columns: &[Column<'_>]) -> Encoded<TypePtr> {
    let fields = columns.iter().map(Column::field).collect::<Encoded<_>>()?;
    Ok(Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?))
}

fn append(writer: &mut SerializedFileWriter<Vec<u8>>, columns: &[Column<'_>]) -> Encoded<()> {
    let mut group = writer.next_row_group()?;
    for column in columns {
        let mut place = group.next_column()?.ok_or_else(|| {
            ParquetError::General(format!("the schema has no column for `{}`", column.name))
        })?;
        column.append_to(place.untyped())?;
        place.close()?;
    }
    group.close()?;
    Ok(())
}

impl Column<'_> {
    fn field(&self) -> Encoded<TypePtr> {
        let (physical, logical) = match self.values {
            Values::Texts(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Values::Indices(_) => (Physical::INT32, None),
            Values::Decimals(_) => {
                (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(0, DECIMAL_DIGITS)))
            }
        };
        let mut field = Type::primitive_type_builder(self.name, physical)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(logical);
        if let Values::Decimals(_) = self.values {
            field = field.with_length(DECIMAL_BYTES).with_precision(DECIMAL_DIGITS).with_scale(0);
        }
        Ok(Arc::new(field.build()?))
    }

    /// `start` is the number of the first row.
    fn ensure_in_range(&self, start: usize) -> Result<(), Error> {
        let column = self.name;
        match &self.values {
            Values::Texts(_) => {}
            Values::Indices(values) => {
                if let Some((row, &value)) =
                    (start..).zip(values).find(|(_, value)| i32::try_from(**value).is_err())
                {
                    return Err(Error::Index { column, row, value });
                }
            }
            Values::Decimals(values) => {
                if let Some((row, &value)) =
                    (start..).zip(values).find(|(_, value)| value.unsigned_abs() > DECIMAL_MAX)
                {
                    return Err(Error::Decimal { column, row, value });
                }
            }
        }
        Ok(())
    }

    fn append_to(&self, place: &mut ColumnWriter<'_>) -> Encoded<()> {
        match (&self.values, place) {
            (Values::Texts(values), ColumnWriter::ByteArrayColumnWriter(place)) => {
                let values: Vec<_> = values.iter().map(|text| ByteArray::from(*text)).collect();
                place.write_batch(&values, None, None)?;
            }
            (Values::Indices(values), ColumnWriter::Int32ColumnWriter(place)) => {
                let values: Vec<_> = values.iter().map(|value| value.cast_signed()).collect();
                place.write_batch(&values, None, None)?;
            }
            (Values::Decimals(values), ColumnWriter::FixedLenByteArrayColumnWriter(place)) => {
                let size = size_of::<i128>();
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
                let bytes = ByteArray::from(bytes);
                let values: Vec<_> = (0..values.len())
                    .map(|row| bytes.slice(row * size, size).into())
                    .collect::<Vec<FixedLenByteArray>>();
                place.write_batch(&values, None, None)?;
            }
            (Values::Texts(_) | Values::Indices(_) | Values::Decimals(_), _) => {
                let wrong = format!("the schema gives `{}` another type", self.name);
                return Err(ParquetError::General(wrong));
            }
        }
        Ok(())
    }
}
