"""Percentiles against the definition, counted out."""

from __future__ import annotations

from fractions import Fraction

import pytest

from chaoschain._interval import Interval, paired_interval, percentile


def smallest_with_enough_below(values: list[int], percent: int) -> int:
    """Nearest rank as it is defined: the smallest value that `percent` of all do not exceed."""
    need = Fraction(percent, 100) * len(values)
    return next(
        value for value in sorted(values) if sum(other <= value for other in values) >= need
    )


@pytest.mark.parametrize("count", [1, 2, 3, 10, 11, 12, 50, 99, 100, 101])
def test_percentile_is_the_smallest_value_with_enough_below(count: int) -> None:
    values = sorted((index * 7_919) % 257 for index in range(count))
    for percent in range(101):
        assert percentile(values, percent) == smallest_with_enough_below(values, percent), percent


def test_the_hundred_first_numbers_are_their_own_percentiles() -> None:
    values = list(range(1, 101))
    assert [percentile(values, percent) for percent in (1, 10, 50, 90, 99, 100)] == [
        1,
        10,
        50,
        90,
        99,
        100,
    ]


def test_amounts_beyond_a_double_stay_exact() -> None:
    pairs = [(10**37, 10**37 + step) for step in (1, 2, 3)]
    assert paired_interval(pairs, 0, 100) == Interval(1, 3)


def test_refuses_no_values_and_percentages_that_are_none() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 10)
    with pytest.raises(ValueError, match="from 0 to 100, found 101"):
        percentile([1], 101)
    with pytest.raises(ValueError, match="low <= high"):
        paired_interval([(0, 1)], 90, 10)
