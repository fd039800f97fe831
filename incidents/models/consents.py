"""That a caller has agreed to let somebody of the operator act for their organization."""

from __future__ import annotations

import uuid

from django.db import models

from incidents.domain.people import Recognised
from incidents.models.inventory import Organization
from incidents.models.people import Person


class CallerConsent(models.Model):
    """One consent: who asked, how they were recognised, what they agreed to, and for how long.

    It holds while `ended_at` is empty and `expires_at` has not come. What it allows is in `allowed`, as rows and never
    as a rule: a consent without rows allows nothing.
    """

    class Because(models.TextChoices):
        """Who ended it, or that its time was over."""

        CUSTOMER = "customer"
        STAFF = "staff"
        OVER = "over"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="consents")
    staff = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="consents_to_act")
    caller = models.CharField(max_length=100, help_text="Who asked, as they gave their name.")
    caller_person = models.ForeignKey(
        Person, null=True, on_delete=models.PROTECT, related_name="+", help_text="The same, where we know them."
    )
    recognised = models.CharField(max_length=12, choices=[(str(way), str(way)) for way in Recognised])
    recognised_by = models.CharField(
        max_length=300, help_text="Which number, where the word is kept, who confirmed it; never the word."
    )
    agreed = models.CharField(max_length=500, help_text="What they agreed to, in their words.")
    began_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    ended_because = models.CharField(max_length=12, blank=True, choices=Because.choices)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=("staff", "organization"), condition=models.Q(ended_at__isnull=True), name="consent_open_once"
            ),
        )
        indexes = (
            # What the poller asks each round: those whose time is over.
            models.Index(fields=("expires_at",), condition=models.Q(ended_at__isnull=True), name="consent_over"),
        )

    def __str__(self) -> str:
        return f"{self.caller} to {self.staff_id}"


class ConsentedAction(models.Model):
    """One action that a consent allows, by its name in the catalogue."""

    consent = models.ForeignKey(CallerConsent, on_delete=models.CASCADE, related_name="allowed")
    action = models.CharField(max_length=40)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("consent", "action"), name="consented_action_once"),)

    def __str__(self) -> str:
        return f"{self.consent_id}: {self.action}"
