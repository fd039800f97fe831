"""That somebody sweeps: one row for all workers together, so that it can be told when nobody does."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

from django.db.models.functions import Now

from incidents.models import Duty
from incidents.models.clock import database_now

DUTY = "sweep"
# Whoever sweeps writes it down no more often than this, however many they are.
EVERY = timedelta(seconds=5)


def beat() -> None:
    """Notes that a sweep has reached its end. One query, and a write every `EVERY`."""
    if Duty.objects.filter(name=DUTY, lease_until__gt=Now() - EVERY).exists():
        return
    owner = f"{socket.gethostname()[:30]}:{os.getpid()}"
    if Duty.objects.filter(name=DUTY).update(owner=owner, lease_until=Now()) == 0:
        made = Duty(name=DUTY, owner=owner, lease_until=database_now())
        Duty.objects.bulk_create([made], ignore_conflicts=True)
