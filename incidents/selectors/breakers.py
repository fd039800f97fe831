"""What a breaker has stopped everywhere, as the operator's people see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidents.models import Breaker


@dataclass(frozen=True, slots=True)
class Line:
    """One open breaker.

    Args:
        action: name in the catalogue.
        rescue: whether repairs are stopped; otherwise what repairs nothing, such as an undo.
        run: reference of the run at which it opened.
    """

    id: int
    action: str
    rescue: bool
    since: datetime
    because: str
    run: str


def read_breakers() -> tuple[Line, ...]:
    """One query."""
    rows = Breaker.objects.filter(closed_at=None).select_related("run").order_by("opened_at")
    return tuple(Line(row.pk, row.action, row.rescue, row.opened_at, row.because, row.run.reference) for row in rows)


def find_breaker(pk: int) -> Breaker | None:
    return Breaker.objects.filter(pk=pk).first()
