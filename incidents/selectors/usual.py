"""How long an action usually takes, from what it took before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from incidents.domain.runs import Outcome
from incidents.domain.terms import Terms
from incidents.models import Organization, Run

# Fewer runs than this say nothing about the next one.
ENOUGH = 5
# The newest runs say more than old ones.
NEWEST = 200


@dataclass(frozen=True, slots=True)
class Usual:
    """Nine of ten runs end between `low` and `high`; `runs` is 0 when it is the preapproval that says so."""

    low: timedelta
    high: timedelta
    runs: int


def usual_time(organization: Organization, action: str, terms: Terms) -> Usual:
    """From this organization's earlier runs that succeeded; from the terms until there are enough. One query."""
    ended = Run.objects.filter(
        organization=organization, action=action, outcome=Outcome.SUCCEEDED, because="", undo_of=None
    )
    moments = ended.order_by("-accepted_at").values_list("accepted_at", "ended_at")[:NEWEST]
    took = sorted(ended_at - accepted_at for accepted_at, ended_at in moments if ended_at is not None)
    if len(took) < ENOUGH:
        return Usual(terms.usual[0], terms.usual[1], 0)
    return nine_of_ten(took)


def nine_of_ten(took: Sequence[timedelta]) -> Usual:
    """From sorted lengths of time, one at least."""
    return Usual(took[len(took) // 10], took[(len(took) * 9 - 1) // 10], len(took))
