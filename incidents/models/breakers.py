"""That an action has been stopped everywhere, because its changes went wrong, too fast or too broad."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from incidents.models.people import Person


class Breaker(models.Model):
    """One opening of the breaker of an action. While `closed_at` is empty none of its runs has a new effect.

    `rescue` says which of the two it is: that of repairs, or that of everything else.
    """

    action = models.CharField(max_length=40, help_text="Name in the catalogue.")
    rescue = models.BooleanField()
    opened_at = models.DateTimeField()
    because = models.CharField(max_length=300)
    run = models.ForeignKey("incidents.Run", on_delete=models.PROTECT, related_name="+", help_text="That opened it.")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    closed_because = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("action", "rescue"), condition=Q(closed_at__isnull=True), name="breaker_open_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.action} since {self.opened_at:%H:%M}"
