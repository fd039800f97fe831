"""Duties that one process holds at a time, such as polling. A lease in the database; no scheduler decides.

`sweep` is held by nobody: every worker sweeps, and the row says who did last, and when (`incidents.engine.heartbeat`).
"""

from __future__ import annotations

from django.db import models


class Duty(models.Model):
    name = models.CharField(max_length=40, primary_key=True)
    owner = models.CharField(max_length=80)
    lease_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} by {self.owner}"
