"""What people outside the console are told: by which routes, what, and each attempt at it."""

from __future__ import annotations

import uuid

from django.db import models

from incidents.models.inventory import Resource


class Channel(models.Model):
    """One way out of the inventory: mail, a webhook, or what apprise reaches. Secrets only as references."""

    slug = models.SlugField(unique=True)
    kind = models.CharField(max_length=20)
    settings = models.JSONField(default=dict)

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug


class NoticeRoute(models.Model):
    """Who is told what: lists of names as the inventory has written them out; an empty one means nothing.

    Args:
        organizations: slugs.
        platform: whether it also hears what concerns nobody in particular, such as a freeze of everyone.
        kinds: words of `domain.notices.About`.
        severity: the least of which it hears.
        channels: slugs.
    """

    slug = models.SlugField(unique=True)
    organizations = models.JSONField(default=list)
    platform = models.BooleanField(default=False)
    kinds = models.JSONField(default=list)
    severity = models.CharField(max_length=10)
    channels = models.JSONField(default=list)

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug


class Telling(models.Model):
    """The one row that says how far the audit log has been told: entries below `size` have."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    size = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="telling_one_row"),)

    def __str__(self) -> str:
        return f"{self.size} entries"


class Believed(models.Model):
    """What a route was told last of a resource that it believes to be damaged; no row: it believes it to be well."""

    route = models.ForeignKey(NoticeRoute, on_delete=models.CASCADE, related_name="believed")
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="+")
    damage = models.CharField(max_length=24)
    lost = models.BooleanField(help_text="Whether it could not be reached from somewhere.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("route", "resource"), name="believed_once"),)

    def __str__(self) -> str:
        return f"{self.route_id}: {self.damage}"


class Letter(models.Model):
    """One notice, written once and sent to several. `key` says what it tells of, so that it is written once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=120, unique=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=30)
    severity = models.CharField(max_length=10)
    organization = models.CharField(max_length=50, blank=True, help_text="Slug; empty where it concerns several.")
    route = models.CharField(max_length=50, blank=True, help_text="The route that it is for, where it is for one.")
    subject = models.CharField(max_length=100)
    text = models.TextField(blank=True)
    path = models.CharField(max_length=200, blank=True, help_text="Of the page that tells the whole.")
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ("-at",)
        indexes = (models.Index(fields=("route", "at")),)

    def __str__(self) -> str:
        return self.subject


class Delivery(models.Model):
    """One letter to one receiver by one channel. `attempts` is also the number by which owners tell who has it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        GIVEN_UP = "given-up"
        FOLDED = "folded"  # told together with others, in a letter of its own

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=50)
    to = models.CharField(max_length=254, blank=True, help_text="Of a person; empty where the channel is the receiver.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    because = models.CharField(max_length=200, blank=True, help_text="Why it was given up.")
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "deliveries"
        constraints = (models.UniqueConstraint(fields=("letter", "channel", "to"), name="delivery_once"),)
        indexes = (models.Index(fields=("next_at",), condition=models.Q(state="waiting"), name="delivery_waiting"),)

    def __str__(self) -> str:
        return f"{self.channel}: {self.state}"


class DeliveryAttempt(models.Model):
    """One try, as it went. `to` is masked."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    to = models.CharField(max_length=200)
    took_ms = models.PositiveIntegerField()
    went = models.BooleanField()
    status = models.CharField(max_length=10, blank=True)
    detail = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=("delivery", "number"), name="delivery_attempt_once"),)

    def __str__(self) -> str:
        return f"{self.number}: {self.status or self.detail}"
