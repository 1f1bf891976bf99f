"""The fan chart. Floats begin here: a picture needs no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# As in the report; dashes tell the arms apart in print too.
_COLOURS = {"baseline": "#6b7683", "proposal": "#1f5fbf"}
_DASHES = {"baseline": "--", "proposal": "-"}


@dataclass(frozen=True)
class Fan:
    """The percentiles over paths of one arm, block by block."""

    arm: str
    blocks: Sequence[int]
    p10: Sequence[float]
    p50: Sequence[float]
    p90: Sequence[float]


def draw_fan(ax: Axes, fans: Sequence[Fan]) -> Axes:
    """Draw each arm's median as a line and its 10 % to 90 % of paths as an area."""
    for fan in fans:
        colour = _COLOURS[fan.arm]
        ax.fill_between(
            fan.blocks, fan.p10, fan.p90, color=colour, alpha=0.2, linewidth=0, label="_nolegend_"
        )
        ax.plot(fan.blocks, fan.p50, _DASHES[fan.arm], color=colour, linewidth=1.5, label=fan.arm)
    ax.set_yscale("log")
    ax.set_xlabel("block")
    ax.set_ylabel("base fee (gwei)")
    ax.set_title("Base fee: median, and 10 % to 90 % of paths")
    ax.legend(frameon=False)
    return ax
