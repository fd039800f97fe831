"""Who may advance a run, and which time it is. The database's clock stands on both sides of every comparison."""

from __future__ import annotations

import os
import socket
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Case, F, Value, When
from django.db.models.functions import Now

from incidents.domain.errors import Fenced
from incidents.domain.runs import Phase
from incidents.models import Run

# A run whose owner died is taken over after this, well below the 30 s that promise 3 gives.
LEASE = timedelta(seconds=15)
# A pass renews its lease before each step when this much of it is gone. What is left is longer than the longest step:
# a call of `MOST_BUDGET` and what it may overrun; a test holds the three together.
RENEW_AFTER = timedelta(seconds=3)


class Overtaken(Exception):
    """A person has written to the run since it was read; it is ours still, and is to be read again."""


@dataclass(slots=True)
class Claim:
    """One owner's hold on one run. `epoch` is the fencing number of every write; `version` the row that was read."""

    run_id: uuid.UUID
    epoch: int
    version: int
    claimed_at: datetime
    started: float = field(default_factory=time.monotonic)
    renewed: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        """The database's time, carried on by a clock that cannot jump."""
        return self.claimed_at + timedelta(seconds=time.monotonic() - self.started)

    def write(self, *, unless_overtaken: bool = False, **fields: object) -> None:
        """Changes the run's row as its owner, and renews the lease. Call it first in each transaction of a pass.

        Raises:
            Fenced: another owner has claimed the run: 0 rows, so nothing else may be written.
            Overtaken: with `unless_overtaken`, when a person has written to the run since it was read.
        """
        row = Run.objects.filter(pk=self.run_id, epoch=self.epoch)
        if unless_overtaken:
            row = row.filter(version=self.version)
        asked = time.monotonic()
        if row.update(**fields, version=F("version") + 1, lease_until=Now() + LEASE) == 1:
            self.version += 1
            self.renewed = asked
        elif unless_overtaken and Run.objects.filter(pk=self.run_id, epoch=self.epoch).exists():
            raise Overtaken(f"run {self.run_id}: a person has spoken")
        else:
            raise Fenced(f"run {self.run_id}: epoch {self.epoch} is over")

    def left(self) -> timedelta:
        """How much of the lease is left, at least: it was renewed after it was asked for."""
        return LEASE - timedelta(seconds=time.monotonic() - self.renewed)

    def renew(self) -> None:
        """Before a step: makes sure that the lease outlives it. Raises Fenced when another owner has the run."""
        if self.left() > LEASE - RENEW_AFTER:
            return
        asked = time.monotonic()
        if Run.objects.filter(pk=self.run_id, epoch=self.epoch).update(lease_until=Now() + LEASE) != 1:
            raise Fenced(f"run {self.run_id}: epoch {self.epoch} is over")
        self.renewed = asked

    def release(self, wake_at: datetime, *, phase: Phase, because: str) -> bool:
        """Lets go until `wake_at`. False when a person wrote to the run since it was read: read it again first.

        The version grows only when the page has something new to show.
        """
        row = Run.objects.filter(pk=self.run_id, epoch=self.epoch, version=self.version)
        news = Case(When(phase=phase, because=because, then=F("version")), default=F("version") + 1)
        updated = row.update(
            phase=phase, because=because, version=news, wake_at=wake_at, lease_until=Now(), owner="", crashes=0
        )
        return updated == 1

    def drop(self, wake_at: datetime, *, counts: bool = True) -> None:
        """Lets go in the middle of a pass. If it counts, the owner stays named, and the next claim sees a crash."""
        row = Run.objects.filter(pk=self.run_id, epoch=self.epoch)
        row.update(wake_at=wake_at, lease_until=Now(), owner=F("owner") if counts else "")


def claim(run_id: uuid.UUID) -> Claim | None:
    """Takes the run if it is live and nobody holds it; None otherwise, which needs no further thought."""
    owner = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    taken = (
        Run.objects.filter(pk=run_id, lease_until__lte=Now())
        .exclude(phase=Phase.ENDED)
        .update(
            owner=owner,
            epoch=F("epoch") + 1,
            lease_until=Now() + LEASE,
            # An owner that is still named never finished its pass.
            crashes=Case(When(owner="", then=Value(0)), default=F("crashes") + 1),
        )
    )
    if taken != 1:
        return None
    row = Run.objects.filter(pk=run_id, owner=owner).values_list("epoch", "version", Now()).first()
    return None if row is None else Claim(run_id, *row)
