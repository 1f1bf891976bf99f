"""Calling the program, against stand-ins that behave like it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import chaoschain

from .conftest import TABLES


def program(folder: Path, body: str) -> Path:
    """Write an executable script."""
    path = folder / "chaoschain"
    path.write_text(f"#!{sys.executable}\nimport pathlib, shutil, sys, time\n{body}\n")
    path.chmod(0o755)
    return path


COPIES = f"""
command, experiment, out = sys.argv[1:]
assert command == "simulate", sys.argv
assert experiment.startswith("--experiment="), sys.argv
assert pathlib.Path(experiment.removeprefix("--experiment=")).read_text() == "seed = 1"
shutil.copytree({str(TABLES / "study")!r}, out.removeprefix("--out="))
"""


def test_runs_the_experiment_and_opens_the_study(tmp_path: Path) -> None:
    # A shell would read this name as two commands.
    experiment = tmp_path / "a b; exit 9 $(x).toml"
    experiment.write_text("seed = 1")
    study = chaoschain.run(experiment, tmp_path / "out", program(tmp_path, COPIES))
    assert study.directory == tmp_path / "out"
    assert study.metrics().num_rows == 6


def test_a_failure_gives_the_programs_own_words_and_code(tmp_path: Path) -> None:
    fails = program(tmp_path, "sys.exit(print('error: unknown key', file=sys.stderr) or 3)")
    words = r"gave 3 \(an input is wrong\): error: unknown key$"
    with pytest.raises(chaoschain.ProgramError, match=words) as failure:
        chaoschain.run("absent.toml", tmp_path / "out", fails)
    assert failure.value.exit_code == 3


def test_an_absent_program_is_named(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    with pytest.raises(chaoschain.ProgramError, match=r"cannot run .*absent") as failure:
        chaoschain.run("e.toml", tmp_path / "out", absent)
    assert failure.value.exit_code is None


def test_a_program_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    hangs = program(tmp_path, "sys.stdin.read() or time.sleep(60)")
    with pytest.raises(chaoschain.ProgramError, match=r"was stopped after 0\.5 s"):
        chaoschain.run("e.toml", tmp_path / "out", hangs, timeout_s=0.5)


def test_success_without_a_study_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(chaoschain.ManifestError, match="is not a study"):
        chaoschain.run("e.toml", tmp_path, program(tmp_path, ""))
