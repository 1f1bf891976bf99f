"""The fan chart. Floats begin here: a picture needs no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Told apart by readers who see few colours, and in print (Okabe and Ito).
_COLOURS = {"baseline": "#0072b2", "proposal": "#d55e00"}


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
        ax.plot(fan.blocks, fan.p50, color=colour, linewidth=1.5, label=fan.arm)
    ax.set_yscale("log")
    ax.set_xlabel("block")
    ax.set_ylabel("base fee (gwei)")
    ax.set_title("Base fee: median, and 10 % to 90 % of paths")
    ax.legend(frameon=False)
    return ax
