"""How people come to their roles in an organization: invitations, who gave which role, and attempts in vain."""

from __future__ import annotations

import uuid

from django.db import models

from incidents.models.inventory import Organization
from incidents.models.people import Person


class Invitation(models.Model):
    """A link that an owner hands over. Only the SHA-256 of its token is kept, so nobody can read the link here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="invitations")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=20)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="invitations_made")
    invited_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("invited_at",)

    def __str__(self) -> str:
        return f"{self.person} to {self.organization}"


class RoleChange(models.Model):
    """The last word on the role of one person in one organization; the words before it are in the audit log.

    Args:
        role: a key of ORGANIZATION_ROLES; empty when it was taken away.
        by: the owner who decided it on the page; None when the inventory did.
        settled_at: since when the inventory agrees; until then it may not say otherwise.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="role_changes")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="role_changes")
    role = models.CharField(max_length=20, blank=True)
    by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="roles_given")
    at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("person", "organization"), name="role_change_once"),)

    def __str__(self) -> str:
        return f"{self.person} in {self.organization}: {self.role or 'nothing'}"


class Denial(models.Model):
    """One refusal of a door that went into the audit log; kept for minutes, so that nobody can fill the log.

    `address` is empty for the entry that says that there were more.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="denials")
    address = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("person", "at")),)

    def __str__(self) -> str:
        return f"{self.person_id} at {self.address or 'more'}"
