"""A pool of the simulated world, in short words, for the tests of traffic."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from incidents.actions.base import Wish
from incidents.domain.findings import Finding, blockers
from incidents.models import AuditEntry, HandBack, Plan, Run
from incidents.services.propose import propose
from incidents.services.start import start
from tests.scene import Scene, consent

POOL = "shop-web"
ORIGINS = {"edge-a": "web/origin-a", "edge-b": "web/origin-b", "edge-c": "web/origin-c"}


def shares(scene: Scene) -> dict[str, int]:
    """What each location gets, by the world's own word."""
    states = scene.states("balancer")
    return {place: states[key]["weight"] if states[key]["mode"] == "ready" else 0 for place, key in ORIGINS.items()}


def put(scene: Scene, place: str, weight: int, *, ready: bool = True, mode: str = "ready") -> None:
    state = {"weight": weight, "mode": mode, "status": {"ready": ready}}
    scene.put_state("balancer", ORIGINS[place], state)


def plan(scene: Scene, action: str, wish: Wish | None = None) -> Plan:
    return propose(scene.operator, scene.organization, action, [scene.resource(POOL)], wish or Wish())


def against(made: Plan) -> list[str]:
    return [finding.code for finding in blockers(tuple(Finding.from_json(item) for item in made.findings))]


def move_away(scene: Scene, place: str = "edge-a", minutes: int = 60) -> Run:
    made = plan(scene, "shift_traffic_away", Wish(place, minutes))
    assert against(made) == []
    return scene.carry_on(start(scene.operator, scene.organization, consent(made)))


def time_is_over(run: Run) -> None:
    past = timezone.now() - timedelta(seconds=1)
    HandBack.objects.filter(run=run).update(due_at=past, try_at=past)


def events(run: Run) -> list[str]:
    return list(AuditEntry.objects.filter(run=str(run.pk)).order_by("index").values_list("event", flat=True))
