"""That a change goes back by itself: agreed to with the run that made it, kept by the database until it is done."""

from __future__ import annotations

from django.db import models

from incidents.models.people import Person
from incidents.models.runs import Run


class HandBack(models.Model):
    """What one run changed is put back at `due_at`, by a run of its own. A row without `ended_at` is still to be done.

    `try_at` is when it is tried next; `because` the code of why the last try was not possible, or why none is needed.
    """

    run = models.OneToOneField(Run, on_delete=models.PROTECT, related_name="hand_back")
    due_at = models.DateTimeField()
    try_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    because = models.CharField(max_length=60, blank=True)
    detail = models.TextField(blank=True)
    extended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    done_by = models.OneToOneField(Run, null=True, on_delete=models.PROTECT, related_name="hands_back")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            # What the sweep asks every 2 s.
            models.Index(fields=("try_at",), condition=models.Q(ended_at__isnull=True), name="hand_back_due"),
        )

    def __str__(self) -> str:
        return f"{self.run_id} until {self.due_at:%H:%M}"
