"""That runs are paused: for everyone, for one organization, or for one action."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from incidents.models.inventory import Organization
from incidents.models.people import Person


class Freeze(models.Model):
    """One freeze. While `lifted_at` is empty no run that it covers has a new effect; one live freeze a scope."""

    class Scope(models.TextChoices):
        EVERYONE = "everyone"
        ORGANIZATION = "organization"
        ACTION = "action"

    scope = models.CharField(max_length=12, choices=Scope.choices)
    organization = models.ForeignKey(Organization, null=True, on_delete=models.PROTECT, related_name="freezes")
    action = models.CharField(max_length=40, blank=True, help_text="Name in the catalogue.")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField()
    because = models.CharField(max_length=300)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    lifted_because = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ()
        permissions = (("freeze_everyone", "Pause runs for everyone, or of one action"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(scope="everyone", organization__isnull=True, action="")
                | Q(scope="organization", organization__isnull=False, action="")
                | (Q(scope="action", organization__isnull=True) & ~Q(action="")),
                name="freeze_of_one_scope",
            ),
            models.UniqueConstraint(
                fields=("scope",), condition=Q(scope="everyone", lifted_at__isnull=True), name="freeze_everyone_once"
            ),
            models.UniqueConstraint(
                fields=("organization",),
                condition=Q(scope="organization", lifted_at__isnull=True),
                name="freeze_organization_once",
            ),
            models.UniqueConstraint(
                fields=("action",), condition=Q(scope="action", lifted_at__isnull=True), name="freeze_action_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.scope} since {self.since:%H:%M}"
