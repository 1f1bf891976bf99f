"""Read, check and plot ChaosChain simulation studies.

>>> import chaoschain
>>> study = chaoschain.Study.open("study-out")  # doctest: +SKIP
>>> study.metric("base_fee_median", scenario="demand_shock").interval  # doctest: +SKIP
Interval(low=-493827156, high=740740734)

Amounts are exact integers in their unit; floats appear in pictures alone.
"""

from ._errors import (
    DigestError,
    Error,
    ManifestError,
    MissingExtraError,
    ProgramError,
    SchemaError,
    SelectionError,
    StudyError,
)
from ._interval import Interval
from ._run import run
from ._study import Metric, Study

__all__ = [
    "DigestError",
    "Error",
    "Interval",
    "ManifestError",
    "Metric",
    "MissingExtraError",
    "ProgramError",
    "SchemaError",
    "SelectionError",
    "Study",
    "StudyError",
    "run",
]
