"""A study: the folder that ``chaoschain simulate --experiment`` writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ._errors import MissingExtraError, SchemaError, SelectionError, StudyError
from ._interval import Interval, paired_interval
from ._manifest import RESULT, Manifest, read_manifest
from ._plot import Fan, draw_fan
from ._tables import SCHEMAS, TableName, file_of, parse_table

if TYPE_CHECKING:
    import os

    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Metric:
    """One figure in both arms, in integers of its unit."""

    name: str
    cell: str
    scenario: str
    model: str
    unit: str
    layer: str
    baseline: int
    proposal: int
    difference: int
    interval: Interval
    """The 10th to the 90th percentile of the paired difference."""


class Study:
    """A study whose files are those that its manifest names.

    Rows are chosen with ``cell``, ``scenario`` and ``model``; one that is left out matches all.
    Where a single answer is wanted and several kinds of rows match, the error lists them.

    The digests show that the files belong together and are whole. Whether the result is what the
    experiment gives is shown by running it again: it must reach the same ``result_digest``.
    """

    def __init__(self, directory: Path, manifest: Manifest) -> None:
        self._directory = directory
        self._manifest = manifest
        self._tables: dict[TableName, pa.Table] = {}

    @classmethod
    def open(cls, directory: str | os.PathLike[str]) -> Study:
        """Open a study and check every file that the manifest names.

        Raises ``ManifestError`` when the folder holds no study, and ``DigestError`` when a file
        is absent or is not the one that the manifest names.
        """
        folder = Path(directory)
        manifest = read_manifest(folder)
        for name in {*manifest.files, *map(file_of, SCHEMAS), RESULT}:
            manifest.read(folder, name)
        return cls(folder, manifest)

    def __repr__(self) -> str:
        """Name the folder and the result."""
        return f"Study({str(self._directory)!r}, {self.result_digest})"

    @property
    def directory(self) -> Path:
        """The study's folder."""
        return self._directory

    @property
    def result_digest(self) -> str:
        """The digest that another run of the same experiment must reach."""
        return self._manifest.result_digest

    @cached_property
    def result(self) -> dict[str, Any]:
        """``result.json``; amounts that do not fit a JSON number are decimal strings."""
        try:
            document = json.loads(self._manifest.read(self._directory, RESULT))
        except (ValueError, RecursionError) as error:
            message = f"{RESULT}: expected JSON: {error}"
            raise StudyError(message) from error
        if not isinstance(document, dict):
            message = f"{RESULT}: expected an object, found {type(document).__name__}"
            raise StudyError(message)
        return document

    def metrics(
        self, *, cell: str | None = None, scenario: str | None = None, model: str | None = None
    ) -> pa.Table:
        """Every metric: baseline, proposal, paired difference and its interval."""
        return _select(self._table("metrics"), cell=cell, scenario=scenario, model=model)

    def paths(
        self, *, cell: str | None = None, scenario: str | None = None, model: str | None = None
    ) -> pa.Table:
        """Every metric on every simulated path, in both arms."""
        return _select(self._table("paths"), cell=cell, scenario=scenario, model=model)

    def series(
        self,
        quantity: str,
        *,
        cell: str | None = None,
        scenario: str | None = None,
        model: str | None = None,
    ) -> pa.Table:
        """Percentiles over paths of a quantity, such as ``base_fee_wei``, block by block."""
        rows = _select(
            self._table("series"), quantity=quantity, cell=cell, scenario=scenario, model=model
        )
        if not rows.num_rows:
            raise _nothing(self._table("series"), "quantity", quantity)
        return rows

    def metric(
        self,
        name: str,
        *,
        cell: str | None = None,
        scenario: str | None = None,
        model: str | None = None,
    ) -> Metric:
        """One metric of one cell, scenario and model."""
        rows = _select(
            self._table("metrics"), metric=name, cell=cell, scenario=scenario, model=model
        )
        _ensure_one_kind(self._table("metrics"), rows, "metric", name)
        if rows.num_rows != 1:
            message = f"expected one row for the metric {name!r}, found {rows.num_rows}"
            raise SelectionError(message)
        (row,) = rows.to_pylist()
        return Metric(
            name=row["metric"],
            cell=row["cell"],
            scenario=row["scenario"],
            model=row["model"],
            unit=row["unit"],
            layer=row["layer"],
            baseline=int(row["baseline"]),
            proposal=int(row["proposal"]),
            difference=int(row["difference"]),
            interval=Interval(int(row["low"]), int(row["high"])),
        )

    def interval(
        self,
        metric: str,
        low: int = 10,
        high: int = 90,
        *,
        cell: str | None = None,
        scenario: str | None = None,
        model: str | None = None,
    ) -> Interval:
        """Compute anew, from the paths, an interval of the paired difference.

        ``low`` and ``high`` are percentiles by nearest rank. At 10 and 90 this is the interval in
        the table of metrics.
        """
        rows = _select(
            self._table("paths"), metric=metric, cell=cell, scenario=scenario, model=model
        )
        _ensure_one_kind(self._table("paths"), rows, "metric", metric)
        numbers = rows["path"]
        if len(numbers.unique()) != len(numbers):
            message = f"{file_of('paths')}: {metric!r} has more than one row for a path"
            raise SchemaError(message)
        pairs = zip(_integers(rows["baseline"]), _integers(rows["proposal"]), strict=True)
        return paired_interval(list(pairs), low, high)

    def to_pandas(self, table: TableName = "metrics") -> Any:  # noqa: ANN401, pandas is optional
        """Give a table as a pandas frame.

        Amounts are Python integers in columns of dtype ``object``: 64-bit columns would overflow
        in silence. Convert a column that you know to be small with ``astype``.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingExtraError("pandas", "pandas") from error
        rows = self._table(table)
        columns = {}
        for field in rows.schema:
            column = rows[field.name]
            if pa.types.is_decimal(field.type):
                columns[field.name] = pd.Series(_integers(column), dtype=object)
            else:
                columns[field.name] = pd.Series(column.to_pylist())
        return pd.DataFrame(columns)

    def plot_base_fee(
        self,
        ax: Axes,
        *,
        cell: str | None = None,
        scenario: str | None = None,
        model: str | None = None,
    ) -> Axes:
        """Draw the base fee's fan, baseline against proposal: median, and 10 % to 90 % of paths.

        The axis is in gwei and logarithmic, since each block multiplies the base fee.
        """
        quantity = "base_fee_wei"
        rows = self.series(quantity, cell=cell, scenario=scenario, model=model)
        _ensure_one_kind(self._table("series"), rows, "quantity", quantity)
        arms = ["baseline", "proposal"]
        if (found := _distinct(rows["arm"])) != arms:
            message = f"{file_of('series')}: expected the arms {arms}, found {found}"
            raise SchemaError(message)
        return draw_fan(ax, [_fan(rows, arm) for arm in arms])

    def _table(self, name: TableName) -> pa.Table:
        if name not in self._tables:
            # Checked again: these are the very bytes that are parsed.
            data = self._manifest.read(self._directory, file_of(name))
            self._tables[name] = parse_table(name, data)
        return self._tables[name]


def _select(table: pa.Table, **wanted: str | None) -> pa.Table:
    """Keep the rows whose columns hold what is wanted; ``None`` matches all."""
    for column, value in wanted.items():
        if value is not None:
            table = table.filter(pc.equal(table[column], pa.scalar(value, pa.string())))
    return table


def _ensure_one_kind(table: pa.Table, rows: pa.Table, column: str, name: str) -> None:
    """Refuse an empty selection, and one of several cells, scenarios or models."""
    if not rows.num_rows:
        raise _nothing(table, column, name)
    for key in ("cell", "scenario", "model"):
        found = _distinct(rows[key])
        if len(found) > 1:
            message = f"{name!r} has rows of more than one {key}: choose {key}= from {found}"
            raise SelectionError(message)


def _nothing(table: pa.Table, column: str, name: str) -> SelectionError:
    known = ", ".join(_distinct(table[column])) or "none"
    return SelectionError(f"no such row for the {column} {name!r}; the study has {known}")


def _distinct(column: pa.ChunkedArray) -> list[str]:
    return sorted(column.unique().to_pylist())


def _integers(column: pa.ChunkedArray) -> list[int]:
    return [int(value) for value in column.to_pylist()]


def _fan(rows: pa.Table, arm: str) -> Fan:
    """One arm's rows in the order of blocks, in gwei."""
    rows = _select(rows, arm=arm).sort_by("block")
    gwei = {name: [wei / 1e9 for wei in _integers(rows[name])] for name in ("p10", "p50", "p90")}
    return Fan(arm, _integers(rows["block"]), gwei["p10"], gwei["p50"], gwei["p90"])
