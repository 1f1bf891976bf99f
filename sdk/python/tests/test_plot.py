"""The fan chart, and the notebook that draws it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from matplotlib.axes import Axes

import chaoschain
from chaoschain import Study

from .conftest import NOTEBOOKS, TABLES, replace_file


def check_fan(ax: Axes) -> None:
    """Compare what is drawn with the table, read apart from the package."""
    rows = pq.read_table(TABLES / "study" / "series.parquet").to_pylist()
    assert ax.get_yscale() == "log"
    assert ax.get_ylabel() == "base fee (gwei)"
    lines = {str(line.get_label()): line for line in ax.get_lines()}
    assert set(lines) == {"baseline", "proposal"}
    for area, (arm, line) in zip(ax.collections, lines.items(), strict=True):
        own = [row for row in rows if row["arm"] == arm]
        assert np.asarray(line.get_xdata()).tolist() == [row["block"] for row in own]
        medians = [float(row["p50"]) / 1e9 for row in own]
        assert np.asarray(line.get_ydata()).tolist() == pytest.approx(medians)
        heights = {float(point[1]) for point in np.asarray(area.get_paths()[0].vertices)}
        edges = [float(row[band]) / 1e9 for row in own for band in ("p10", "p90")]
        assert sorted(heights) == pytest.approx(sorted(set(edges)))


def test_the_fan_draws_the_table() -> None:
    figure, ax = plt.subplots()
    assert Study.open(TABLES / "study").plot_base_fee(ax) is ax
    check_fan(ax)
    plt.close(figure)


def test_a_fan_of_nothing_is_refused() -> None:
    figure, ax = plt.subplots()
    with pytest.raises(chaoschain.SelectionError, match="the study has base_fee_wei"):
        Study.open(TABLES / "study").plot_base_fee(ax, scenario="stationary")
    plt.close(figure)


def test_a_fan_of_one_arm_is_refused(study_folder: Path) -> None:
    table = pq.read_table(study_folder / "series.parquet", filters=[("arm", "=", "baseline")])
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    replace_file(study_folder, "series.parquet", sink.getvalue().to_pybytes())
    figure, ax = plt.subplots()
    with pytest.raises(chaoschain.SchemaError, match=r"found \['baseline'\]"):
        Study.open(study_folder).plot_base_fee(ax)
    plt.close(figure)


def cells(notebook: Path) -> list[str]:
    """Give the code of a notebook's cells, in order."""
    document: dict[str, Any] = json.loads(notebook.read_text(encoding="utf-8"))
    assert document["nbformat"] == 4
    code = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] for cell in code), "commit notebooks without outputs"
    return ["".join(cell["source"]) for cell in code]


def test_the_notebook_draws_the_reports_main_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAOSCHAIN_STUDY", str(TABLES / "study"))
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, source in enumerate(cells(NOTEBOOKS / "base_fee_fan.ipynb")):
        exec(compile(source, f"cell {number}", "exec"), names)  # noqa: S102, our own notebook
    check_fan(names["ax"])
    plt.close("all")


def test_a_frame_without_pandas_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(chaoschain.MissingExtraError, match=r"pip install chaoschain\[pandas\]"):
        Study.open(TABLES / "study").to_pandas()
