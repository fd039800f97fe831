"""Whether the console itself is well: is somebody carrying runs on, and is somebody measuring."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from incidents.domain.runs import Phase
from incidents.models import Run

# DESIGN section 2: a run starts within 3 s, and none stays without an owner for more than 30 s.
LATE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Machine:
    """Runs under way, how many of them a worker holds now, and how long the oldest has waited for one."""

    live: int
    held: int
    waits: timedelta

    @property
    def late(self) -> bool:
        return self.waits > LATE


def read_machine(now: datetime) -> Machine:
    """One query. Workers keep no list of themselves; what they leave undone tells whether they are there."""
    due = Q(wake_at__lte=now, lease_until__lte=now)
    found = Run.objects.exclude(phase=Phase.ENDED).aggregate(
        live=Count("pk"), held=Count("pk", filter=Q(lease_until__gt=now)), oldest=Min("wake_at", filter=due)
    )
    waits = now - found["oldest"] if found["oldest"] else timedelta(0)
    return Machine(found["live"], found["held"], waits)
