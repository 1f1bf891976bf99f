//! Tables of Parquet, by the columns of the same names.

use bytes::Bytes;
use parquet::{
    file::{reader::FileReader as _, serialized_reader::SerializedFileReader},
    record::{Field as Value, Row as Record},
    schema::types::Type,
};

use crate::{
    Columns, FeeHistory, Field, HistoryError,
    cell::{self, CellError, Extra},
    columns::Layout,
    gather::{Gather, Row},
};

/// What a Parquet file begins with.
pub(crate) const MAGIC: &[u8] = b"PAR1";

pub(crate) fn read(bytes: Vec<u8>, columns: &Columns) -> Result<FeeHistory, HistoryError> {
    let file = SerializedFileReader::new(Bytes::from(bytes)).map_err(HistoryError::Parquet)?;
    let schema = file.metadata().file_metadata().schema().clone();
    let fields = schema.get_fields();
    let names: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
    let layout = Layout::of(&names, columns)?;
    // Only the columns that are wanted are decoded: a table of blocks has long binary ones.
    let wanted: Vec<usize> = (0..fields.len())
        .filter(|place| layout.places.contains(&Some(*place)) && fields[*place].is_primitive())
        .collect();
    let projection = Type::group_type_builder(schema.name())
        .with_fields(wanted.iter().map(|place| fields[*place].clone()).collect())
        .build()
        .map_err(HistoryError::Parquet)?;
    let mut gather = Gather::default();
    let rows = file.get_row_iter(Some(projection)).map_err(HistoryError::Parquet)?;
    for (record, line) in rows.zip(2..) {
        let record = record.map_err(HistoryError::Parquet)?;
        gather.push(&row(&record, &wanted, line, &layout)?, line)?;
    }
    gather.finish()
}

fn row(record: &Record, wanted: &[usize], line: u64, layout: &Layout) -> Result<Row, HistoryError> {
    let mut values = [None; Field::COUNT];
    let mut extra = None;
    for ((_, value), place) in record.get_column_iter().zip(wanted) {
        for field in Field::ALL {
            if layout.places[field as usize] != Some(*place) {
                continue;
            }
            if field == Field::ExtraData {
                extra = read_extra(value);
            } else {
                values[field as usize] = read_value(value, field).map_err(|problem| {
                    let found = value.to_string().chars().take(80).collect();
                    HistoryError::Cell { line, field, problem, found }
                })?;
            }
        }
    }
    Row::new(values, extra, line)
}

/// Extra data as text, or as bytes, which cryo writes.
fn read_extra(value: &Value) -> Option<Extra> {
    match value {
        Value::Null => None,
        Value::Str(text) => cell::extra_data(text),
        Value::Bytes(bytes) => Some(Extra::of(bytes.data())),
        _ => Some(Extra::Other),
    }
}

fn read_value(value: &Value, field: Field) -> Result<Option<u64>, CellError> {
    let whole = |number: i64| u64::try_from(number).map(Some).map_err(|_| CellError::Whole);
    let seconds = |time: i64, parts: i64| match (field, time % parts) {
        (Field::Timestamp, 0) => whole(time / parts),
        (Field::Timestamp, _) => Err(CellError::Subsecond),
        _ => Err(CellError::Whole),
    };
    match value {
        Value::Null => Ok(None),
        Value::Byte(number) => whole((*number).into()),
        Value::Short(number) => whole((*number).into()),
        Value::Int(number) => whole((*number).into()),
        Value::Long(number) => whole(*number),
        Value::UByte(number) => Ok(Some((*number).into())),
        Value::UShort(number) => Ok(Some((*number).into())),
        Value::UInt(number) => Ok(Some((*number).into())),
        Value::ULong(number) => Ok(Some(*number)),
        Value::TimestampMillis(time) => seconds(*time, 1_000),
        Value::TimestampMicros(time) => seconds(*time, 1_000_000),
        Value::Str(text) if field == Field::Timestamp => cell::time(text),
        Value::Str(text) => cell::number(text),
        // Written out these are whole numbers with a fraction of zeros, if they are whole.
        Value::Decimal(_) | Value::Float(_) | Value::Double(_) => cell::number(&value.to_string()),
        Value::Bool(_)
        | Value::Float16(_)
        | Value::Bytes(_)
        | Value::Date(_)
        | Value::TimeMillis(_)
        | Value::TimeMicros(_)
        | Value::Group(_)
        | Value::ListInternal(_)
        | Value::MapInternal(_) => Err(CellError::Whole),
    }
}
