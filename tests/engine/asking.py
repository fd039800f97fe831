"""What tests of a second person do again and again."""

from __future__ import annotations

from incidents.models import (
    Approval,
    Attempt,
    AuditEntry,
    Person,
)
from incidents.services import approvals
from incidents.services.approvals import Answer
from tests.scene import Scene, consent


def person(name: str) -> Person:
    return Person.objects.get(username=name)


def ask(scene: Scene, reason: str = "the shop is down") -> Approval:
    plan = scene.propose()
    return approvals.ask(scene.operator, scene.organization, consent(plan, reason=reason, word="serious"))


def yes(row: Approval) -> Answer:
    return Answer(row.plan_id)


def events(name: str) -> int:
    return AuditEntry.objects.filter(event=name).count()


def nothing_was_sent(scene: Scene) -> bool:
    return scene.visible() == [] and not Attempt.objects.exists()
