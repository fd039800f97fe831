"""People, and what they may do. Permissions are rows with direct foreign keys, so they die with what they speak of."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from incidents.models.inventory import Organization, Preapproval


class Person(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in. Made by the inventory, or by an owner's invitation and inactive until that is accepted.

    Nobody is a superuser, by a constraint in the database.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(max_length=150, unique=True)
    title = models.CharField(max_length=100, help_text="How others read who this is.")
    identity = models.CharField(
        max_length=100, blank=True, help_text="Equal for two sign-ins of one human; empty where nobody has said it."
    )
    is_active = models.BooleanField(default=True)
    invited_by = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="invited")
    first_password = models.CharField(
        max_length=128, blank=True, help_text="The hash of the password that the inventory gave last; empty for others."
    )
    company_id = models.CharField(
        max_length=255,
        blank=True,
        db_index=True,
        help_text="The subject by which the company's sign-in knows them; empty where it does not.",
    )

    mail = models.CharField(
        max_length=254, blank=True, help_text="Where notices to their groups go; nobody signs in by it."
    )

    objects = BaseUserManager()

    USERNAME_FIELD = "username"

    class Meta:
        default_permissions = ()
        constraints = (
            # django-guardian answers yes to a superuser without a row; no such person can exist here.
            models.CheckConstraint(condition=models.Q(is_superuser=False), name="person_never_superuser"),
        )

    def __str__(self) -> str:
        return self.title or self.username


class OrganizationUserObjectPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey(Organization, on_delete=models.CASCADE)


class OrganizationGroupObjectPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Organization, on_delete=models.CASCADE)


class PreapprovalUserObjectPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey(Preapproval, on_delete=models.CASCADE)


class PreapprovalGroupObjectPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Preapproval, on_delete=models.CASCADE)
