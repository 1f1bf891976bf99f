"""Opening a study and reading figures from it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import chaoschain
from chaoschain import Interval, Study
from chaoschain._tables import SCHEMAS, TableName, file_of

from .conftest import TABLES, edit_manifest, replace_file

CELL = "gas-limit=60000000"


def studies() -> list[Path]:
    """Give the fixture, and the study that CHAOSCHAIN_STUDY names, if any."""
    named = os.environ.get("CHAOSCHAIN_STUDY")
    return [TABLES / "study", *([Path(named)] if named else [])]


@pytest.mark.parametrize("folder", studies(), ids=str)
def test_the_interval_from_paths_is_the_stored_one(folder: Path) -> None:
    study = Study.open(folder)
    compared = 0
    known = {tuple(row.values()) for row in _kinds(study.paths())}
    for row in study.metrics().to_pylist():
        keys = {key: row[key] for key in ("cell", "scenario", "model")}
        if (*keys.values(), row["metric"]) in known:
            stored = Interval(int(row["low"]), int(row["high"]))
            assert study.interval(row["metric"], **keys) == stored, row
            assert study.metric(row["metric"], **keys).interval == stored, row
            compared += 1
    assert compared > 0


def _kinds(paths: pa.Table) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = paths.select(["cell", "scenario", "model", "metric"]).to_pylist()
    return rows


def test_figures_are_exact_integers(study_folder: Path) -> None:
    study = Study.open(study_folder)
    metric = study.metric("fee_burned", scenario="stationary")
    seventh = 10**18 // 7
    assert (metric.baseline, metric.proposal) == (3 * 10**18, 3 * 10**18 - seventh)
    assert (metric.unit, metric.layer, metric.cell) == ("wei_per_block", "fee_market", CELL)
    assert metric.interval == Interval(-6 * seventh, 4 * seventh)
    assert study.interval("fee_burned", 0, 100, scenario="stationary") == Interval(
        -11 * seventh, 5 * seventh
    )


def test_a_choice_that_fits_several_kinds_lists_them(study_folder: Path) -> None:
    study = Study.open(study_folder)
    several = r"more than one scenario: choose scenario= from \['demand_shock', 'stationary'\]"
    with pytest.raises(chaoschain.SelectionError, match=several):
        study.interval("base_fee_median")
    with pytest.raises(chaoschain.SelectionError, match=several):
        study.metric("base_fee_median")


def test_a_choice_that_fits_nothing_lists_what_there_is(study_folder: Path) -> None:
    study = Study.open(study_folder)
    known = "'base_fee'; the study has base_fee_median, fee_burned, use_vs_target"
    with pytest.raises(chaoschain.SelectionError, match=known):
        study.metric("base_fee", scenario="stationary")
    with pytest.raises(chaoschain.SelectionError, match="the study has base_fee_wei"):
        study.series("gas")
    assert study.paths(scenario="absent").num_rows == 0


def test_series_are_chosen_by_quantity_and_scenario(study_folder: Path) -> None:
    study = Study.open(study_folder)
    rows = study.series("base_fee_wei", scenario="demand_shock")
    assert rows.num_rows == 48
    assert set(rows["arm"].to_pylist()) == {"baseline", "proposal"}
    # Ten gwei, then twelve blocks up by an eighth and twelve down by a ninth, cut to wei.
    fees = [10**10]
    for block in range(23):
        fees.append(fees[-1] * 9 // 8 if block < 12 else fees[-1] * 8 // 9)
    baseline = [int(row["p50"]) for row in rows.to_pylist() if row["arm"] == "baseline"]
    assert baseline == fees


def test_the_result_is_parsed(study_folder: Path) -> None:
    study = Study.open(study_folder)
    assert study.result == {"format": "fixture", "seed": "1"}
    assert study.result_digest.startswith("sha256:")
    assert study.directory == study_folder
    assert repr(study) == f"Study({str(study_folder)!r}, {study.result_digest})"


@pytest.mark.parametrize(
    "name", ["metrics.parquet", "paths.parquet", "series.parquet", "result.json"]
)
def test_one_changed_byte_in_any_file_is_refused(study_folder: Path, name: str) -> None:
    path = study_folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(chaoschain.DigestError, match=f"{name} was changed: expected sha256:"):
        Study.open(study_folder)


def test_a_file_changed_after_opening_is_refused_when_read(study_folder: Path) -> None:
    study = Study.open(study_folder)
    (study_folder / "paths.parquet").write_bytes(b"")
    with pytest.raises(chaoschain.DigestError, match=r"paths\.parquet was changed"):
        study.paths()


def test_an_absent_file_is_refused(study_folder: Path) -> None:
    (study_folder / "series.parquet").unlink()
    with pytest.raises(chaoschain.DigestError, match=r"series\.parquet belongs to the study"):
        Study.open(study_folder)


def test_a_file_that_the_manifest_adds_is_checked_too(study_folder: Path) -> None:
    replace_file(study_folder, "report.html", b"<p>")
    Study.open(study_folder)
    (study_folder / "report.html").write_bytes(b"<b>")
    with pytest.raises(chaoschain.DigestError, match=r"report\.html was changed"):
        Study.open(study_folder)


def test_a_table_that_the_manifest_does_not_name_is_refused(study_folder: Path) -> None:
    files = json.loads((study_folder / "manifest.json").read_text())["files"]
    del files["paths.parquet"]
    edit_manifest(study_folder, files=files)
    with pytest.raises(chaoschain.ManifestError, match=r"does not name paths\.parquet"):
        Study.open(study_folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "chaoschain-study-manifest/2"}, "found 'chaoschain-study-manifest/2'"),
        ({"files": []}, "expected an object `files`, found list"),
        ({"files": {"paths.parquet": "sha256:ABC"}}, "64 hexadecimal digits, found 'sha256:ABC'"),
        ({"result_digest": None}, "result_digest: expected"),
        ({"files": {"../secret": "sha256:" + "0" * 64}}, r"inside the study's folder"),
        ({"files": {"/etc/passwd": "sha256:" + "0" * 64}}, r"inside the study's folder"),
        ({"files": {"a\\b": "sha256:" + "0" * 64}}, r"inside the study's folder"),
        ({"files": {"": "sha256:" + "0" * 64}}, r"inside the study's folder"),
    ],
)
def test_a_manifest_that_says_something_else_is_refused(
    study_folder: Path, changes: dict[str, object], message: str
) -> None:
    edit_manifest(study_folder, **changes)
    with pytest.raises(chaoschain.ManifestError, match=message):
        Study.open(study_folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "[" * 100_000, '{"format": "x"'])
def test_a_manifest_that_is_no_object_is_refused(study_folder: Path, text: str) -> None:
    (study_folder / "manifest.json").write_text(text)
    with pytest.raises(chaoschain.ManifestError, match=r"manifest\.json"):
        Study.open(study_folder)


def test_a_folder_without_a_manifest_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(chaoschain.ManifestError, match="is not a study"):
        Study.open(tmp_path)


def test_columns_are_those_that_the_writers_write() -> None:
    document = json.loads((TABLES / "schema.json").read_text())
    spelled = {"string": "string", "int32": "int32", "decimal128(38, 0)": "decimal(38,0)"}
    ours = {
        file_of(name): [[field.name, spelled[str(field.type)]] for field in schema]
        for name, schema in SCHEMAS.items()
    }
    assert ours == document["tables"]


def written(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    data: bytes = sink.getvalue().to_pybytes()
    return data


@pytest.mark.parametrize("name", ["metrics", "paths", "series"])
def test_other_columns_are_refused_even_with_their_digest(
    study_folder: Path, name: TableName
) -> None:
    table = pq.read_table(study_folder / file_of(name))
    amount = table.column_names[-1]
    as_float = table.set_column(
        table.num_columns - 1, amount, table[amount].cast(pa.float64(), safe=False)
    )
    for other in (as_float, table.drop_columns([amount]), table.append_column("x", table["cell"])):
        replace_file(study_folder, file_of(name), written(other))
        with pytest.raises(chaoschain.SchemaError, match="expected the columns"):
            Study.open(study_folder).to_pandas(name)


def test_missing_values_are_refused(study_folder: Path) -> None:
    table = pq.read_table(study_folder / "paths.parquet")
    holes = pa.array([None] * table.num_rows, pa.decimal128(38, 0))
    field = pa.field("proposal", pa.decimal128(38, 0))
    spoilt = table.set_column(table.num_columns - 1, field, holes)
    replace_file(study_folder, "paths.parquet", written(spoilt))
    with pytest.raises(chaoschain.SchemaError, match="column `proposal` lacks values"):
        Study.open(study_folder).paths()


def test_a_path_that_counts_twice_is_refused(study_folder: Path) -> None:
    table = pq.read_table(study_folder / "paths.parquet")
    doubled = pa.concat_tables([table, table.slice(0, 1)])
    replace_file(study_folder, "paths.parquet", written(doubled))
    study = Study.open(study_folder)
    with pytest.raises(chaoschain.SchemaError, match="more than one row for a path"):
        study.interval("base_fee_median", scenario="stationary")
    study.interval("fee_burned", scenario="stationary")


def test_what_is_not_parquet_is_refused(study_folder: Path) -> None:
    replace_file(study_folder, "metrics.parquet", b"PAR1 not at all PAR1")
    with pytest.raises(chaoschain.SchemaError, match="is not Parquet"):
        Study.open(study_folder).metrics()


@pytest.mark.parametrize("text", [b"[]", b"{", b"\xff"])
def test_a_result_that_is_no_object_is_refused(study_folder: Path, text: bytes) -> None:
    replace_file(study_folder, "result.json", text)
    with pytest.raises(chaoschain.StudyError, match=r"result\.json: expected"):
        _ = Study.open(study_folder).result


def test_pandas_frames_hold_exact_integers(study_folder: Path) -> None:
    frame = Study.open(study_folder).to_pandas()
    values = frame.set_index(["scenario", "metric"])["low"]
    assert values["stationary", "fee_burned"] == -6 * (10**18 // 7)
    assert type(values["stationary", "fee_burned"]) is int
    assert len(Study.open(study_folder).to_pandas("paths")) == 72
