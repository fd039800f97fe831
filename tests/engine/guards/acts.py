"""What the scenes of the guards have in common: agree on terms, lose a route, try, and tell what stood in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from django.contrib.auth.models import Group

from incidents.domain import guards
from incidents.domain.errors import Refused
from incidents.domain.runs import Outcome
from incidents.domain.terms import read_terms
from incidents.engine.poller import poll_once
from incidents.models import Person, Preapproval, Run
from incidents.services.start import start
from incidents.services.undo import propose_undo
from tests.factories import agree_on
from tests.scene import BROKEN, EDGES, Scene, consent

OTHER = "192.0.2.0/24"
SHOP, BANK = "example-shop", "example-bank"


@dataclass(frozen=True, slots=True)
class Case:
    """One guard, and what happens to the world without it.

    Args:
        code: of the guard.
        act: sets the scene and does what the guard is about; gives the codes that stood in the way.
        harm: whether the harm has come about, by the world's own word.
    """

    code: str
    act: Callable[[Scene], list[str]]
    harm: Callable[[Scene], bool]


def take_out(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry without this one; everything else stays as it is."""
    left = tuple(guard for guard in guards.GUARDS if guard.code != code)
    assert len(left) == len(guards.GUARDS) - 1
    monkeypatch.setattr(guards, "GUARDS", left)


def rules(organization: str = SHOP, action: str = "readvertise_prefix") -> Preapproval:
    return Preapproval.objects.select_related("organization").get(action=action, organization__slug=organization)


def allow(organization: str = SHOP, action: str = "readvertise_prefix", **terms: object) -> None:
    """The review has agreed on this, and the inventory was applied."""
    row = rules(organization, action)
    agree_on(row, replace(read_terms(row.terms), **terms).as_json())  # type: ignore[arg-type]


def lose(scene: Scene, name: str = BROKEN, edges: tuple[str, ...] = EDGES) -> None:
    for edge in edges:
        scene.put(edge, {"advertised": False}, name)
    poll_once()


def leave(person: Person, group: str) -> None:
    person.groups.remove(Group.objects.get(name=group))


def attempt(scene: Scene, begin: Callable[[], Run], meanwhile: Callable[[Run], object] | None = None) -> list[str]:
    """Starts a run and carries it on to its end; the codes that stood in the way, at the start or later.

    Args:
        meanwhile: what happens after the start and before the first effect.
    """
    try:
        run = begin()
    except Refused as refused:
        return [finding.code for finding in refused.findings]
    if meanwhile is not None:
        meanwhile(run)
    run = scene.carry_on(run)
    return [run.because] if run.outcome == Outcome.STOPPED else []


def rescued(scene: Scene, *names: str) -> Run:
    """A run that has worked."""
    run = scene.carry_on(scene.start(*names))
    assert run.outcome == Outcome.SUCCEEDED, (run.because, run.detail)
    return run


def undo(scene: Scene, run: Run) -> Run:
    return start(scene.operator, scene.organization, consent(propose_undo(scene.operator, run)))


def announced(scene: Scene) -> bool:
    """Whether the run had any effect: nothing is announced where the scene begins."""
    return scene.visible() != []


def silenced(scene: Scene) -> bool:
    """Whether what worked is withdrawn everywhere."""
    return scene.visible() == []
