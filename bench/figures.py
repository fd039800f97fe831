"""How figures are taken and printed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence


def seconds(work: Callable[[], object]) -> float:
    """How long the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def percentile(values: Sequence[float], share: int) -> float:
    """The value below which `share` per cent of the values lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1] if len(values) > 1 else values[0]


def say(what: str, *figures: str) -> None:
    """One line a figure."""
    print(f"{what:<44} {'   '.join(figures)}", flush=True)


def milliseconds(value: float) -> str:
    return f"{value * 1000:.1f} ms"


def times(value: float, limit: float) -> str:
    """A ratio beside its limit."""
    return f"{value:.2f}x of at most {limit:g}x" + ("" if value <= limit else "  ABOVE THE LIMIT")


def beside(value: float, limit: float, unit: str) -> str:
    """A figure as a share of its limit."""
    return f"{value:.0f} {unit} = {value / limit:.2f} of {limit:g} {unit}" + (
        "" if value <= limit else "  ABOVE THE LIMIT"
    )
