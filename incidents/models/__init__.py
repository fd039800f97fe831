"""The tables, a file a subject."""

from __future__ import annotations

from incidents.models.audit import AuditEntry, AuditHead
from incidents.models.handbacks import HandBack
from incidents.models.inventory import (
    Backend,
    Binding,
    InventoryRevision,
    Location,
    Organization,
    Point,
    Preapproval,
    Probe,
    Resource,
)
from incidents.models.people import (
    OrganizationGroupObjectPermission,
    OrganizationUserObjectPermission,
    Person,
    PreapprovalGroupObjectPermission,
    PreapprovalUserObjectPermission,
)
from incidents.models.runs import (
    Attempt,
    Incident,
    Plan,
    ResourceLock,
    Run,
    RunReading,
    StageVerdict,
    Target,
)
from incidents.models.sign_in import Tally, UsedCode
from incidents.models.snapshots import Diagnosis, EngineerEntry, Look, Measurement, Observation, Snapshot
from incidents.models.workers import Duty

__all__ = [
    "Attempt",
    "AuditEntry",
    "AuditHead",
    "Backend",
    "Binding",
    "Diagnosis",
    "Duty",
    "EngineerEntry",
    "HandBack",
    "Incident",
    "InventoryRevision",
    "Location",
    "Look",
    "Measurement",
    "Observation",
    "Organization",
    "OrganizationGroupObjectPermission",
    "OrganizationUserObjectPermission",
    "Person",
    "Plan",
    "Point",
    "Preapproval",
    "PreapprovalGroupObjectPermission",
    "PreapprovalUserObjectPermission",
    "Probe",
    "Resource",
    "ResourceLock",
    "Run",
    "RunReading",
    "Snapshot",
    "StageVerdict",
    "Tally",
    "Target",
    "UsedCode",
]
