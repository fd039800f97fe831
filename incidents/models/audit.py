"""The audit log's two tables. The database refuses to change an entry; the proof is the tree, not the fence."""

from __future__ import annotations

from datetime import timedelta

from django.db import models


class AuditEntry(models.Model):
    """One entry: `body` is the canonical JSON, stored as bytes and never made again; `leaf` its RFC 6962 hash.

    The other columns repeat parts of the body for search; verification reads the body alone.
    """

    index = models.PositiveBigIntegerField(primary_key=True)
    body = models.BinaryField()
    leaf = models.BinaryField(max_length=32)
    at = models.DateTimeField()
    event = models.CharField(max_length=60)
    organization = models.CharField(max_length=50, blank=True)
    actor = models.CharField(max_length=150, blank=True)
    run = models.CharField(max_length=36, blank=True)

    class Meta:
        ordering = ("index",)
        indexes = (
            models.Index(fields=("organization", "index")),
            models.Index(fields=("run", "index")),
            models.Index(fields=("at", "index")),
        )

    def __str__(self) -> str:
        return f"{self.index} {self.event}"


class AuditHead(models.Model):
    """The one row that is locked to append: how many entries there are, and the roots of the full subtrees.

    `peaks` holds the RFC 6962 subtree hashes of the tree's decomposition into powers of two, largest first
    (32 bytes each), so that appending and the root cost O(log n).
    """

    id = models.PositiveSmallIntegerField(primary_key=True)
    size = models.PositiveBigIntegerField()
    peaks = models.BinaryField(blank=True)
    at = models.DateTimeField(null=True, help_text="Of the last entry.")

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="audit_one_head"),)

    def __str__(self) -> str:
        return f"{self.size} entries"


class AuditCheck(models.Model):
    """One reading of the whole log, and what it found; see `incidents.audit.verify`.

    Args:
        size: entries that the head row spoke of.
        good: how many from the first on were unchanged and in order.
        root: RFC 6962 root of those, in hexadecimal.
        fault: what was wrong with the first bad one; empty when all was well.
    """

    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    took_ms = models.PositiveBigIntegerField()
    size = models.PositiveBigIntegerField()
    good = models.PositiveBigIntegerField()
    root = models.CharField(max_length=64)
    fault = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{self.good} of {self.size} entries at {self.at}"

    @property
    def length(self) -> timedelta:
        return timedelta(milliseconds=self.took_ms)
