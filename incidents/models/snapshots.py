"""What was seen, what was proven good, and what is concluded from it. History is appended, never rewritten.

A row is written when something *changes*; that it was looked at again, and nothing had changed, is one `Look` a
backend or a probe and round. So a round costs the same with nothing changed, whatever the number of resources.
"""

from __future__ import annotations

from django.db import models

from incidents.domain.diagnosis import Damage
from incidents.domain.verdicts import Mark
from incidents.models.inventory import Backend, Binding, Point, Probe, Resource


class Observation(models.Model):
    """What one binding was, from `at` until the next observation of it."""

    binding = models.ForeignKey(Binding, on_delete=models.CASCADE, related_name="observations")
    state = models.JSONField()
    at = models.DateTimeField()
    source = models.CharField(max_length=60, help_text="Who looked: the poller, or a run by its reference.")

    class Meta:
        indexes = (
            # The history of one binding, newest first: drift, and the state at a chosen moment.
            models.Index(fields=("binding", "-at")),
        )

    def __str__(self) -> str:
        return f"{self.binding_id} at {self.at:%H:%M:%S}"


class Snapshot(models.Model):
    """A state that was proven good: every point of the resource at this location passed, with this state.

    The database refuses to change one (`incidents.audit.snapshot_fence`); only `proven_until` grows. `digest` is that
    of the settings of the state, so whoever reads one can tell whether it is as it was: `domain.known_good`.
    """

    binding = models.ForeignKey(Binding, on_delete=models.CASCADE, related_name="snapshots")
    state = models.JSONField()
    digest = models.CharField(max_length=64)
    proven_at = models.DateTimeField()
    proven_until = models.DateTimeField(help_text="The last look that found it so, with green probes.")
    proof = models.JSONField(help_text="Which probes were green.")

    class Meta:
        indexes = (models.Index(fields=("binding", "-proven_at")),)

    def __str__(self) -> str:
        return f"{self.binding_id} good at {self.proven_at:%Y-%m-%d %H:%M}"


class SnapshotRelease(models.Model):
    """While a transaction holds such a row, it alone may delete snapshots of any age: `engine.snapshots.released`.

    A table of its own: a trigger of SQLite that names a table breaks every later migration that rebuilds that table.
    """

    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"released at {self.at:%H:%M:%S}"


class Look(models.Model):
    """One round of looking at a backend or through a probe: how fresh everything behind it is."""

    backend = models.ForeignKey(Backend, null=True, on_delete=models.CASCADE, related_name="looks")
    probe = models.ForeignKey(Probe, null=True, on_delete=models.CASCADE, related_name="looks")
    at = models.DateTimeField()
    answered = models.BooleanField()
    detail = models.CharField(max_length=200, blank=True)
    looked_at = models.PositiveIntegerField()
    changed = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(backend__isnull=True) ^ models.Q(probe__isnull=True), name="look_at_one_thing"
            ),
        )
        indexes = (
            models.Index(fields=("backend", "-at")),
            models.Index(fields=("probe", "-at")),
            # Thinning walks by age.
            models.Index(fields=("at",)),
        )

    def __str__(self) -> str:
        return f"{self.backend_id or self.probe_id} at {self.at:%H:%M:%S}"


class Measurement(models.Model):
    """A stretch of equal readings of one point; the newest is open (`until` is null)."""

    point = models.ForeignKey(Point, on_delete=models.CASCADE, related_name="measurements")
    mark = models.CharField(max_length=12, choices=[(str(mark), str(mark)) for mark in Mark])
    milliseconds = models.IntegerField(help_text="Of the first reading of the stretch; -1 where not measured.")
    detail = models.CharField(max_length=200, blank=True)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("point",), condition=models.Q(until__isnull=True), name="measurement_open_once"
            ),
        )
        indexes = (models.Index(fields=("point", "-since")), models.Index(fields=("until",)))

    def __str__(self) -> str:
        return f"{self.point_id} {self.mark} since {self.since:%H:%M:%S}"


class Diagnosis(models.Model):
    """A stretch in which a resource was in one damage state; the newest is open (`until` is null)."""

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="diagnoses")
    damage = models.CharField(max_length=24, choices=[(str(damage), str(damage)) for damage in Damage])
    repair = models.CharField(max_length=40, blank=True, help_text="The action that can repair it, if any.")
    repairable = models.JSONField(help_text="Slugs of the locations that the action can repair.")
    affected = models.JSONField(help_text="Slugs of the locations where something is wrong.")
    unseen = models.JSONField(help_text="Slugs of the locations without a recent look or measurement.")
    unreachable = models.JSONField(help_text="Slugs of the locations through which it cannot be reached.")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("resource",), condition=models.Q(until__isnull=True), name="diagnosis_open_once"
            ),
        )
        indexes = (models.Index(fields=("resource", "-since")),)

    def __str__(self) -> str:
        return f"{self.resource_id} {self.damage}"


class EngineerEntry(models.Model):
    """What customers cannot repair themselves, waiting for an engineer."""

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="engineer_entries")
    damage = models.CharField(max_length=24)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    taken_by = models.ForeignKey("incidents.Person", null=True, on_delete=models.PROTECT, related_name="+")
    taken_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True, help_text="What the customer reads about it.")
    noted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("resource",), condition=models.Q(closed_at__isnull=True), name="engineer_entry_open_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.resource_id} since {self.opened_at:%H:%M}"
