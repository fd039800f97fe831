"""What sign-in remembers: codes that were used, and how often somebody has tried."""

from __future__ import annotations

from django.db import models

from incidents.models.people import Person


class UsedCode(models.Model):
    """A code of an authenticator app that was used. The unique constraint decides who used it first.

    `counter` is the number of the 30 seconds that it belongs to (RFC 6238 section 4.2).
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    counter = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("person", "counter"), name="code_used_once"),)

    def __str__(self) -> str:
        return f"{self.person_id}: {self.counter}"


class Tally(models.Model):
    """How many tries one scope has had since its first one, until it begins anew.

    `scope` is a keyed hash: what was typed as a name may have been a password.
    """

    scope = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.count} until {self.until}"
