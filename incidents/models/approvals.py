"""Approvals of plans by a second person, what must be reviewed afterwards, and messages to those whom it concerns."""

from __future__ import annotations

import uuid

from django.db import models

from incidents.domain.approvals import State
from incidents.models.inventory import Organization
from incidents.models.people import Person
from incidents.models.runs import Plan, Run


class Approval(models.Model):
    """That a second person was asked to agree to one plan, and what they said.

    `state` is for pages. What lets a run begin is `signature` over `statement`, asked again before each effect, so that
    a row that was edited in the database lets nothing begin.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    plan = models.OneToOneField(Plan, on_delete=models.PROTECT, related_name="approval")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="approvals")
    asked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    reason = models.TextField(help_text="Why it is asked for, in the words of who asks.")
    key = models.CharField(max_length=64, help_text="Idempotency key of the form.")
    request_digest = models.CharField(max_length=64)

    state = models.CharField(
        max_length=12, choices=[(str(state), str(state)) for state in State], default=State.WAITING
    )
    decided_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    words = models.TextField(blank=True, help_text="What was said with the decision.")
    alone = models.BooleanField(default=False, help_text="One person broke the glass: there was no second one.")
    statement = models.BinaryField(null=True)
    signature = models.CharField(max_length=100, blank=True)
    version = models.PositiveBigIntegerField(default=1, help_text="Grows with everything that its page shows.")

    class Meta:
        ordering = ("-asked_at",)
        constraints = (models.UniqueConstraint(fields=("organization", "key"), name="approval_key_once"),)
        indexes = (
            # What waits for somebody.
            models.Index(
                fields=("organization", "expires_at"),
                condition=models.Q(state=State.WAITING.value),
                name="approval_waiting",
            ),
        )

    def __str__(self) -> str:
        return f"{self.plan_id[:12]} {self.state}"


class Review(models.Model):
    """A run that one person started alone; another human has to look at it afterwards."""

    run = models.OneToOneField(Run, on_delete=models.PROTECT, related_name="review")
    opened_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    found = models.TextField(blank=True)

    class Meta:
        ordering = ("opened_at",)
        indexes = (models.Index(fields=("opened_at",), condition=models.Q(done_at__isnull=True), name="review_to_do"),)

    def __str__(self) -> str:
        return f"review of {self.run_id}"


class Notice(models.Model):
    """Something that a person must be told, shown on their pages until they say that they have read it."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="notices")
    at = models.DateTimeField()
    text = models.CharField(max_length=400)
    link = models.CharField(max_length=200)
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-at",)
        indexes = (
            models.Index(fields=("person", "-at"), condition=models.Q(read_at__isnull=True), name="notice_unread"),
        )

    def __str__(self) -> str:
        return self.text
