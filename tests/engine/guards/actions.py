"""Scenes for guards that the actions ask, and the engine before each step: what happens where nobody asks.

Only those whose question is a function of its own, which can be left out alone. Of the others docs/guards.md names the
test that fails without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from incidents.actions.base import Wish
from incidents.audit.snapshot_fence import lower_fence
from incidents.engine.poller import poll_once
from incidents.models import HandBack, Resource, Run, Snapshot
from incidents.models.clock import database_now
from incidents.services.start import start
from tests.engine.guards.acts import Case, allow, announced, attempt, lose
from tests.engine.pools import move_away, plan, put, shares
from tests.scene import BROKEN, Scene, consent


@dataclass(frozen=True, slots=True)
class Elsewhere(Case):
    """Args: asks: where the question stands, as one would import it."""

    asks: str = ""


def shift(scene: Scene, action: str, wish: Wish | None = None) -> Run:
    return start(scene.operator, scene.organization, consent(plan(scene, action, wish)))


def nobody_looks_there(scene: Scene) -> list[str]:
    lose(scene)
    scene.resource().points.filter(location__slug="edge-b").delete()
    return attempt(scene, scene.start)


def announced_unseen(scene: Scene) -> bool:
    return "edge-b" in scene.visible()


def origin_has_left(scene: Scene) -> list[str]:
    """The customer has moved to another network since, so what worked then is no longer theirs to announce."""
    Resource.objects.filter(name=BROKEN).update(settings={"origins": [64500]})
    lose(scene)
    return attempt(scene, scene.start)


def proven_long_ago(scene: Scene) -> list[str]:
    lose(scene)
    old = database_now() - timedelta(days=31)
    lower_fence(connection)
    Snapshot.objects.filter(binding__resource__name=BROKEN).update(proven_until=old)
    return attempt(scene, scene.start)


def second_location_away(scene: Scene) -> list[str]:
    move_away(scene, "edge-a")
    return attempt(scene, lambda: shift(scene, "shift_traffic_away", Wish("edge-b", 60)))


def two_are_empty(scene: Scene) -> bool:
    given = shares(scene)
    return (given["edge-a"], given["edge-b"]) == (0, 0)


def away_from_the_last_that_is_ready(scene: Scene) -> list[str]:
    """One hundredth of the capacity would do, so it is not for want of that."""
    allow(action="shift_traffic_away", minimum_percent=1)
    for place in ("edge-b", "edge-c"):
        put(scene, place, 100, ready=False)
    poll_once()
    return attempt(scene, lambda: shift(scene, "shift_traffic_away", Wish("edge-a", 60)))


def last_one_is_empty(scene: Scene) -> bool:
    return shares(scene)["edge-a"] == 0


def back_to_what_fails_meanwhile(scene: Scene) -> list[str]:
    put(scene, "edge-a", 0)
    poll_once()
    return attempt(scene, lambda: shift(scene, "shift_traffic_back"), lambda run: put(scene, "edge-a", 0, ready=False))


def back_to_what_another_system_decides(scene: Scene) -> list[str]:
    status = {"ready": True, "managed_by": "Argo CD"}
    scene.put_state("balancer", "web/origin-a", {"weight": 0, "mode": "ready", "status": status})
    poll_once()
    return attempt(scene, lambda: shift(scene, "shift_traffic_back"))


def more_for_edge_a(scene: Scene) -> bool:
    return shares(scene)["edge-a"] > 0


def away_without_an_end(scene: Scene) -> list[str]:
    return attempt(scene, lambda: shift(scene, "shift_traffic_away", Wish("edge-a", 0)))


def away_for_good(scene: Scene) -> bool:
    return shares(scene)["edge-a"] == 0 and not HandBack.objects.exists()


READVERTISE, TRAFFIC = "incidents.actions.readvertise_prefix", "incidents.domain.traffic"
CASES = (
    Elsewhere("guard.no-probe", nobody_looks_there, announced_unseen, "incidents.services.propose._unwatched"),
    Elsewhere("guard.origin", origin_has_left, announced, f"{READVERTISE}.unsafe"),
    Elsewhere("guard.snapshot-age", proven_long_ago, announced, f"{READVERTISE}.not_proven"),
    Elsewhere("guard.capacity", second_location_away, two_are_empty, f"{TRAFFIC}.unsafe"),
    Elsewhere("guard.stranded", away_from_the_last_that_is_ready, last_one_is_empty, f"{TRAFFIC}.unsafe"),
    Elsewhere("guard.not-ready", back_to_what_fails_meanwhile, more_for_edge_a, "incidents.engine.capacity.not_ready"),
    Elsewhere(
        "guard.gitops",
        back_to_what_another_system_decides,
        more_for_edge_a,
        "incidents.actions.shift_traffic_back.owned",
    ),
    Elsewhere("guard.expiry", away_without_an_end, away_for_good, "incidents.actions.shift_traffic_away._wrong_time"),
)
