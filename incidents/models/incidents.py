"""What people say in an incident, and that one which was closed has come back."""

from __future__ import annotations

from django.db import models

from incidents.models.people import Person
from incidents.models.runs import Incident


class IncidentNote(models.Model):
    """What one person wrote down. It is never changed; a newer one of the same person may take its place.

    `text` is as it was typed, with whatever it holds: whoever shows it makes it harmless.
    """

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="notes")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    text = models.TextField()
    corrects = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="corrected_by")
    key = models.CharField(max_length=64, help_text="Idempotency key of the form.")

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("incident", "by", "key"), name="incident_note_key_once"),)
        indexes = (models.Index(fields=("incident", "at")),)

    def __str__(self) -> str:
        return f"note {self.pk} of {self.incident_id}"


class Reopening(models.Model):
    """An incident that was closed, and went on when damage returned; keeps what the closing had said."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="reopenings")
    closed_at = models.DateTimeField()
    closed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    closed_because = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    because = models.CharField(max_length=300)

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=("incident", "at")),)

    def __str__(self) -> str:
        return f"{self.incident_id} again at {self.at:%H:%M}"
