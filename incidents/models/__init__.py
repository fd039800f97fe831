"""The tables, a file a subject."""

from __future__ import annotations

from incidents.models.approvals import Approval, Notice, Review
from incidents.models.audit import AuditCheck, AuditEntry, AuditHead
from incidents.models.breakers import Breaker
from incidents.models.consents import CallerConsent, ConsentedAction
from incidents.models.freezes import Freeze
from incidents.models.handbacks import HandBack
from incidents.models.incidents import IncidentNote, Reopening
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
from incidents.models.notices import (
    Believed,
    Channel,
    Delivery,
    DeliveryAttempt,
    Letter,
    NoticeRoute,
    Telling,
)
from incidents.models.on_call import Rota
from incidents.models.people import (
    OrganizationGroupObjectPermission,
    OrganizationUserObjectPermission,
    Person,
    PreapprovalGroupObjectPermission,
    PreapprovalUserObjectPermission,
)
from incidents.models.roles import Denial, Invitation, RoleChange
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
from incidents.models.snapshots import (
    Diagnosis,
    EngineerEntry,
    Look,
    Measurement,
    Observation,
    Snapshot,
    SnapshotRelease,
)
from incidents.models.tokens import ApiToken, KeyedAnswer
from incidents.models.workers import Duty

__all__ = [
    "ApiToken",
    "Approval",
    "Attempt",
    "AuditCheck",
    "AuditEntry",
    "AuditHead",
    "Backend",
    "Believed",
    "Binding",
    "Breaker",
    "CallerConsent",
    "Channel",
    "ConsentedAction",
    "Delivery",
    "DeliveryAttempt",
    "Denial",
    "Diagnosis",
    "Duty",
    "EngineerEntry",
    "Freeze",
    "HandBack",
    "Incident",
    "IncidentNote",
    "InventoryRevision",
    "Invitation",
    "KeyedAnswer",
    "Letter",
    "Location",
    "Look",
    "Measurement",
    "Notice",
    "NoticeRoute",
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
    "Reopening",
    "Resource",
    "ResourceLock",
    "Review",
    "RoleChange",
    "Rota",
    "Run",
    "RunReading",
    "Snapshot",
    "SnapshotRelease",
    "StageVerdict",
    "Tally",
    "Target",
    "Telling",
    "UsedCode",
]
