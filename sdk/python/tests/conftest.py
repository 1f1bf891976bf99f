"""What the tests share: the fixture study and ways to spoil a copy of it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from chaoschain._manifest import digest_of

# Before anything imports pyplot: figures without a screen.
os.environ["MPLBACKEND"] = "Agg"

ROOT = Path(__file__).resolve().parents[3]
TABLES = ROOT / "fixtures" / "tables"
NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


@pytest.fixture
def study_folder(tmp_path: Path) -> Path:
    """Give a copy of the study that the Rust writers wrote."""
    return Path(shutil.copytree(TABLES / "study", tmp_path / "study"))


def edit_manifest(folder: Path, **changes: Any) -> None:  # noqa: ANN401, any JSON
    """Write other values into the manifest's top level."""
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def replace_file(folder: Path, name: str, data: bytes) -> None:
    """Put other bytes into the study as its author would: with their digest in the manifest."""
    (folder / name).write_bytes(data)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    edit_manifest(folder, files={**files, name: digest_of(data)})
