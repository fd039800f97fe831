"""Tokens by which programs act for a person, and the answers that were given to requests under a key."""

from __future__ import annotations

import uuid

from django.db import models

from incidents.models.inventory import Organization
from incidents.models.people import Person


class ApiToken(models.Model):
    """What a program shows instead of a person. Only a hash of it is kept, so nobody can read the token here.

    Args:
        prefix: its first letters, by which people and the database find it; says nothing about the rest.
        digest: SHA-256 of the whole token.
        scopes: of `incidents.domain.tokens.Scope`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="api_tokens")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=50)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    scopes = models.JSONField()
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, help_text="The last use, to the minute.")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-made_at",)

    def __str__(self) -> str:
        return f"{self.prefix} {self.name}"


class KeyedAnswer(models.Model):
    """A request to act under an idempotency key of one token; `status` is 0 while it is being worked on.

    `request_digest` is of everything that must be equal when the key is used again.
    """

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="answers")
    key = models.CharField(max_length=64)
    request_digest = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("token", "key"), name="answer_key_once"),)

    def __str__(self) -> str:
        return f"{self.key}: {self.status or 'under way'}"
