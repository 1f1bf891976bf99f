"""Running the ``chaoschain`` program."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from ._errors import ProgramError
from ._study import Study

# The exit codes of `chaoschain --help`.
_MEANINGS = {
    1: "a check failed",
    2: "the command line is wrong",
    3: "an input is wrong",
    4: "something outside is missing or unreachable",
    5: "the data directory is locked, damaged or full",
}


def run(
    experiment: str | os.PathLike[str],
    out: str | os.PathLike[str],
    program: str | os.PathLike[str] = "chaoschain",
    *,
    timeout_s: float | None = None,
) -> Study:
    """Run an experiment file and open the study that it gives.

    ``program`` is found like any command, or is a path. A run that was stopped is resumed by the
    program when it is called again with the same ``out``. Without ``timeout_s`` it takes the time
    it takes. Raises ``ProgramError`` with the program's own words when it fails.
    """
    arguments = command(experiment, out, program)
    try:
        # No shell reads the arguments.
        done = subprocess.run(  # noqa: S603, the caller names the program
            arguments,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
        )
    except OSError as error:
        message = f"cannot run {arguments[0]}: {error.strerror}"
        raise ProgramError(message) from error
    except subprocess.TimeoutExpired as error:
        message = f"{arguments[0]} was stopped after {timeout_s} s"
        raise ProgramError(message) from error
    if done.returncode != 0:
        meaning = _MEANINGS.get(done.returncode, "it was ended")
        message = f"{arguments[0]} gave {done.returncode} ({meaning}): {done.stderr.strip()}"
        raise ProgramError(message, done.returncode)
    return Study.open(out)


def command(
    experiment: str | os.PathLike[str],
    out: str | os.PathLike[str],
    program: str | os.PathLike[str],
) -> Sequence[str]:
    """Build the command line; a path that begins with a dash stays a path."""
    return [
        os.fspath(program),
        "simulate",
        f"--experiment={os.fspath(experiment)}",
        f"--out={os.fspath(out)}",
    ]
