"""Intervals of paired differences, in exact integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """From a lower to an upper percentile, both in the metric's unit."""

    low: int
    high: int


def percentile(ascending: Sequence[int], percent: int) -> int:
    """Give the nearest-rank percentile of ascending values: of n, the ⌈n·percent/100⌉-th.

    Every result is one of the values: nothing is interpolated, so nothing is rounded.
    """
    if not ascending:
        message = "a percentile of no values"
        raise ValueError(message)
    if not 0 <= percent <= 100:
        message = f"expected a percentile from 0 to 100, found {percent}"
        raise ValueError(message)
    rank = max(1, -(-len(ascending) * percent // 100))
    return ascending[rank - 1]


def paired_interval(pairs: Sequence[tuple[int, int]], low: int, high: int) -> Interval:
    """Give the percentiles of proposal less baseline over (baseline, proposal) of each path."""
    if low > high:
        message = f"expected low <= high, found {low} and {high}"
        raise ValueError(message)
    differences = sorted(proposal - baseline for baseline, proposal in pairs)
    return Interval(percentile(differences, low), percentile(differences, high))
