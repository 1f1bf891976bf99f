"""The page's examples run as they stand."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

from .conftest import TABLES

README = Path(__file__).resolve().parents[1] / "README.md"


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(TABLES / "study", tmp_path / "study-out")
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 2
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, "README.md", "exec"), names)  # noqa: S102, our own page
    assert names["metrics"].num_rows > 3
    assert (tmp_path / "base-fee.svg").stat().st_size > 1_000
    plt.close("all")
