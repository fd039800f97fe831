"""Plans, runs and their targets. The row is the truth; a message only says "look at this run"."""

from __future__ import annotations

import uuid

from django.db import models

from incidents.domain.plans import Plan as PlanValue
from incidents.domain.plans import thaw
from incidents.domain.proofs import Role
from incidents.domain.runs import Outcome, Phase, Step
from incidents.domain.verdicts import Mark
from incidents.models.inventory import Binding, Location, Organization, Preapproval, Probe, Resource
from incidents.models.people import Person

# References begin here, so that nobody mistakes one for a count.
FIRST_INCIDENT = 2000


class Incident(models.Model):
    """Something broke for an organization; runs belong to one.

    Opened by the first run, declared by a person (`declared_by`), or opened by measurements (with `because` alone).
    `well_since` and `damaged` are what `engine.incidents` goes by to close it when everything stays well.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="incidents")
    opened_at = models.DateTimeField()
    declared_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    because = models.CharField(max_length=300, blank=True, help_text="Why it was declared.")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    closed_because = models.CharField(max_length=300, blank=True)
    damaged = models.BooleanField(default=False, help_text="Whether measurements have seen anything broken in it.")
    well_since = models.DateTimeField(null=True, help_text="Since when nothing is; empty while something is.")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("organization",), condition=models.Q(closed_at__isnull=True), name="incident_open_once"
            ),
        )
        indexes = (
            # The one that was closed last, and those that were closed lately.
            models.Index(fields=("organization", "closed_at")),
        )

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        return f"INC-{FIRST_INCIDENT + self.pk}"


class Plan(models.Model):
    """Every change, in stages, frozen. `body` is the canonical JSON; `digest` is its SHA-256 and its name."""

    digest = models.CharField(max_length=64, primary_key=True)
    body = models.BinaryField()
    action = models.CharField(max_length=40)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="plans")
    preapproval = models.ForeignKey(Preapproval, on_delete=models.CASCADE)
    proposed_by = models.ForeignKey(Person, on_delete=models.PROTECT)
    undo_of = models.ForeignKey("incidents.Run", null=True, on_delete=models.PROTECT, related_name="undo_plans")
    consent = models.ForeignKey(
        "incidents.CallerConsent",
        null=True,
        on_delete=models.PROTECT,
        related_name="plans",
        help_text="By which somebody of the operator acts; repeats what stands in the body.",
    )
    findings = models.JSONField()
    seal = models.CharField(max_length=100, blank=True, help_text="As of a run.")
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        # What the desk asks: the newest preview of each customer.
        indexes = (models.Index(fields=("organization", "-proposed_at")),)

    def __str__(self) -> str:
        return self.digest[:12]

    def thaw(self) -> PlanValue:
        """What was frozen. Raises ValueError when the bytes are not those that the digest names."""
        return thaw(bytes(self.body), self.digest)


class Run(models.Model):
    """One execution of one plan.

    `lease_until`, `owner` and `epoch` say who may advance it and for which time; every write of a pass carries the
    epoch, so that an owner who froze past the lease writes nothing.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=16, unique=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="runs")
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="runs")
    plan = models.OneToOneField(Plan, on_delete=models.PROTECT, related_name="run")
    action = models.CharField(max_length=40)
    rescue = models.BooleanField(default=True, help_text="Whether it repairs; repeats what stands in the plan.")
    undo_of = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="undone_by")
    started_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="runs")
    reason = models.TextField(blank=True)
    idempotency_key = models.CharField(max_length=64)
    request_digest = models.CharField(max_length=64)
    seal = models.CharField(
        max_length=100, blank=True, help_text="That this row was written by the console: see engine.seals."
    )

    phase = models.CharField(max_length=12, choices=[(str(phase), str(phase)) for phase in Phase])
    outcome = models.CharField(max_length=12, blank=True, choices=[(str(item), str(item)) for item in Outcome])
    because = models.CharField(max_length=60, blank=True, help_text="Stable code of why it waits, pauses or ended.")
    detail = models.TextField(blank=True, help_text="The same in a sentence.")
    stage = models.PositiveIntegerField(default=0)
    stage_began_at = models.DateTimeField(help_text="When this stage, or its newest attempt, began.")
    in_place_at = models.DateTimeField(null=True, help_text="When the changes of this stage were seen in place.")
    accepted_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    stop_asked_at = models.DateTimeField(null=True)
    stop_asked_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    wake_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    owner = models.CharField(max_length=80, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    crashes = models.PositiveIntegerField(default=0, help_text="Claims in a row whose owner never finished its pass.")
    version = models.PositiveBigIntegerField(default=1, help_text="Grows with everything that its page shows.")

    class Meta:
        ordering = ("-accepted_at",)
        constraints = (models.UniqueConstraint(fields=("organization", "idempotency_key"), name="run_key_once"),)
        indexes = (
            # What the sweep asks every 2 s: live runs that are due.
            models.Index(fields=("wake_at",), condition=~models.Q(phase=Phase.ENDED.value), name="run_due"),
            models.Index(fields=("organization", "-accepted_at")),
            # What is measured of the machine: how runs ended and how long they took, from the index alone.
            models.Index(
                fields=("ended_at", "accepted_at", "action", "outcome"),
                condition=models.Q(ended_at__isnull=False),
                name="run_ended",
            ),
        )

    def __str__(self) -> str:
        return self.reference

    @property
    def is_live(self) -> bool:
        return self.phase != Phase.ENDED


class ResourceLock(models.Model):
    """That a run is changing a resource. One live lock a resource, kept by the database, not by a cache."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="locks")
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="locks")
    live = models.BooleanField(default=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("resource",), condition=models.Q(live=True), name="resource_one_run"),
        )

    def __str__(self) -> str:
        return f"{self.resource_id} by {self.run_id}"


class Target(models.Model):
    """One change of the plan (by its `index` in it) in one stage, and how far it has come."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="targets")
    index = models.PositiveIntegerField()
    stage = models.PositiveIntegerField()
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="+")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    binding = models.ForeignKey(Binding, null=True, on_delete=models.SET_NULL, related_name="+")
    up = models.BooleanField(help_text="Whether its change makes it serve traffic, rather than ends that.")
    step = models.CharField(max_length=12, choices=[(str(step), str(step)) for step in Step])
    attempts = models.PositiveIntegerField(default=0)
    because = models.CharField(max_length=60, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ("run", "index")
        constraints = (models.UniqueConstraint(fields=("run", "index"), name="target_once"),)
        indexes = (
            # The rolling windows: what was attempted lately, by organization and platform.
            models.Index(fields=("resource", "changed_at")),
        )

    def __str__(self) -> str:
        return f"{self.run_id}#{self.index} {self.step}"


class Attempt(models.Model):
    """One committed intent to apply, and what the backend answered. Committed before the backend is called."""

    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField()
    epoch = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    reply = models.CharField(max_length=12, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("target", "number"), name="attempt_once"),)
        indexes = (models.Index(fields=("at",)),)

    def __str__(self) -> str:
        return f"{self.target_id} attempt {self.number}"


class RunReading(models.Model):
    """What one point said for a stage: before the run's first effect, and the newest mark since, how often in a row."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="readings")
    stage = models.PositiveIntegerField()
    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="+")
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="+")
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="+")
    point = models.ForeignKey("incidents.Point", null=True, on_delete=models.SET_NULL, related_name="+")
    wanted = models.CharField(max_length=12, help_text="What it should say when the change is in place.")
    role = models.CharField(max_length=5, choices=[(str(role), str(role)) for role in Role], default=Role.PROVE)
    baseline = models.CharField(max_length=12, blank=True)
    latest = models.CharField(max_length=12, blank=True)
    right = models.PositiveIntegerField(default=0, help_text="How often in a row it said what it should.")
    wrong = models.PositiveIntegerField(default=0, help_text="How often in a row it said the opposite.")
    detail = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("run", "stage", "point"), name="run_reading_once"),)

    def __str__(self) -> str:
        return f"{self.run_id} {self.latest}"


class StageVerdict(models.Model):
    """The verdict on one stage, and the person who overruled it, if one did."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="verdicts")
    stage = models.PositiveIntegerField()
    mark = models.CharField(max_length=12, choices=[(str(mark), str(mark)) for mark in Mark])
    at = models.DateTimeField()
    overruled_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    overruled_because = models.TextField(blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("run", "stage"), name="verdict_once"),)

    def __str__(self) -> str:
        return f"{self.run_id} stage {self.stage}: {self.mark}"
