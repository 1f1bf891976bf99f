"""The tables of a study: their columns, and reading them."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from ._errors import SchemaError

TableName = Literal["metrics", "paths", "series"]

# Amounts are exact: 38 decimal digits, never floats.
_AMOUNT = pa.decimal128(38, 0)
_KEYS = [("cell", pa.string()), ("scenario", pa.string()), ("model", pa.string())]

SCHEMAS: dict[TableName, pa.Schema] = {
    "metrics": pa.schema(
        [
            *_KEYS,
            ("metric", pa.string()),
            ("unit", pa.string()),
            ("layer", pa.string()),
            ("baseline", _AMOUNT),
            ("proposal", _AMOUNT),
            ("difference", _AMOUNT),
            ("low", _AMOUNT),
            ("high", _AMOUNT),
        ]
    ),
    "paths": pa.schema(
        [
            *_KEYS,
            ("path", pa.int32()),
            ("metric", pa.string()),
            ("baseline", _AMOUNT),
            ("proposal", _AMOUNT),
        ]
    ),
    "series": pa.schema(
        [
            *_KEYS,
            ("quantity", pa.string()),
            ("arm", pa.string()),
            ("block", pa.int32()),
            ("p10", _AMOUNT),
            ("p50", _AMOUNT),
            ("p90", _AMOUNT),
        ]
    ),
}


def file_of(name: TableName) -> str:
    """Give the file that holds a table."""
    return f"{name}.parquet"


def parse_table(name: TableName, data: bytes) -> pa.Table:
    """Read a table and refuse other columns, other types and missing values."""
    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:
        message = f"{file_of(name)} is not Parquet: {error}"
        raise SchemaError(message) from error
    expected = SCHEMAS[name]
    found = [(field.name, str(field.type)) for field in table.schema]
    wanted = [(field.name, str(field.type)) for field in expected]
    if found != wanted:
        message = f"{file_of(name)}: expected the columns {wanted}, found {found}"
        raise SchemaError(message)
    for column in table.column_names:
        if table[column].null_count:
            message = f"{file_of(name)}: column `{column}` lacks values"
            raise SchemaError(message)
    return table
