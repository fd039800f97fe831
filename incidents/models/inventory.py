"""What there is: locations, backends, organizations, resources and their bindings. Written by the inventory only."""

from __future__ import annotations

import uuid

from django.db import models

from incidents.domain.kinds import Kind


class InventoryRevision(models.Model):
    """One applied inventory file; its id is the version by which processes know that adapters must be made anew."""

    digest = models.CharField(max_length=64)
    applied_at = models.DateTimeField()
    applied_by = models.CharField(max_length=150)

    def __str__(self) -> str:
        return f"revision {self.pk}"


class Location(models.Model):
    """One place where a resource lives."""

    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=100)
    zone = models.CharField(max_length=50, blank=True)
    staging = models.BooleanField(default=False, help_text="Nobody is hurt there, so runs visit it before all others.")
    position = models.PositiveIntegerField(help_text="Runs visit locations in this order.")

    class Meta:
        ordering = ("position",)

    def __str__(self) -> str:
        return self.title


class Backend(models.Model):
    """One control system that we talk to."""

    slug = models.SlugField(unique=True)
    kind = models.CharField(max_length=30)
    budget_ms = models.PositiveIntegerField(help_text="The longest that one call may take, all in all.")
    every_seconds = models.PositiveIntegerField(
        default=0, help_text="The poller asks it at most this often; 0 means in every round."
    )
    slots = models.PositiveIntegerField(help_text="Calls at the same time in one process, at most.")
    settings = models.JSONField(default=dict, help_text="Secrets only as references.")

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug


class Organization(models.Model):
    """A customer; the tenant. `version` grows whenever something that its pages show has changed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=100)
    version = models.PositiveBigIntegerField(default=1)

    class Meta:
        ordering = ("slug",)
        default_permissions = ()
        permissions = (
            ("see_organization", "See the organization's resources, runs and incidents"),
            ("act_for_organization", "Start, stop and undo runs of the organization"),
            ("manage_people", "Invite and remove people of the organization, and change their roles"),
            ("support_organization", "Help the organization: act with its consent, and freeze it"),
            ("review_organization", "Review what was done for the organization"),
            ("engineer_organization", "Settle what the organization cannot repair itself"),
        )

    def __str__(self) -> str:
        return self.title


class Resource(models.Model):
    """What is restored: a prefix, a service, a pool."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="resources")
    kind = models.CharField(max_length=20, choices=[(str(kind), str(kind)) for kind in Kind])
    name = models.CharField(max_length=100)
    title = models.CharField(max_length=100, blank=True)
    settings = models.JSONField(default=dict)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("position", "name")
        constraints = (
            # Two organizations with one prefix would let one repair, or harm, the other; and plans, the audit log and
            # `remove` know a resource by its name alone.
            models.UniqueConstraint(fields=("name",), name="resource_name_once"),
        )

    def __str__(self) -> str:
        return self.name


class Binding(models.Model):
    """Resource x location -> backend and the key in it; one row an aspect.

    `seen` points at the newest observation, so that what is now costs one join.
    """

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="bindings")
    location = models.ForeignKey(Location, on_delete=models.PROTECT)
    backend = models.ForeignKey(Backend, on_delete=models.PROTECT)
    aspect = models.CharField(max_length=20)
    key = models.CharField(max_length=200)
    seen = models.ForeignKey("incidents.Observation", null=True, on_delete=models.SET_NULL, related_name="+")
    good = models.ForeignKey("incidents.Snapshot", null=True, on_delete=models.SET_NULL, related_name="+")
    moved_at = models.DateTimeField(
        null=True, help_text="When it came to this backend and key; what was proven before speaks of another place."
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("resource", "location", "aspect"), name="binding_aspect_once"),
            models.UniqueConstraint(fields=("backend", "key"), name="binding_key_once"),
        )

    def __str__(self) -> str:
        return f"{self.key} on {self.backend_id}"


class Probe(models.Model):
    """One instrument that looks from outside."""

    slug = models.SlugField(unique=True)
    kind = models.CharField(max_length=20)
    budget_ms = models.PositiveIntegerField()
    settings = models.JSONField(default=dict)

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug


class Point(models.Model):
    """What a probe looks at: one resource through one location."""

    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="points")
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="points")
    location = models.ForeignKey(Location, on_delete=models.PROTECT)
    address = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("probe", "resource", "location"), name="point_once"),)

    def __str__(self) -> str:
        return f"{self.probe_id}: {self.resource_id} through {self.location_id}"


class Preapproval(models.Model):
    """Who may run which action on which resources within which guards. `terms` is the reviewed text, `digest` its name.

    Who: groups that hold `use_preapproval` on this row; those that hold `approve_preapproval` are the second person.
    `resources` are rows, never a rule, so that an empty selector stays empty.
    """

    slug = models.SlugField(unique=True)
    action = models.CharField(max_length=40)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="preapprovals")
    resources = models.ManyToManyField(Resource, related_name="preapprovals")
    terms = models.JSONField()
    digest = models.CharField(max_length=64)
    seal = models.CharField(max_length=100, blank=True, help_text="That the inventory wrote this: see engine.seals.")

    class Meta:
        ordering = ("slug",)
        default_permissions = ()
        permissions = (
            ("use_preapproval", "Run the action within this preapproval"),
            ("approve_preapproval", "Agree, as a second person, to what somebody wants to run within it"),
        )

    def __str__(self) -> str:
        return self.slug
