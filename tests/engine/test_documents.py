"""Documents on their way through the engine: whole, with a proof, and nothing private is kept of them."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest

from incidents.domain.changes import Change, unreadable
from incidents.domain.drift import Verdict
from incidents.domain.runs import Outcome, Seen
from incidents.engine.looking import Sighted
from incidents.engine.poller import poll_once
from incidents.engine.snapshots import released
from incidents.engine.targets import _compare
from incidents.lab import talk
from incidents.models import (
    AuditEntry,
    Backend,
    Binding,
    Diagnosis,
    Location,
    Observation,
    Plan,
    Point,
    Preapproval,
    Resource,
    Snapshot,
)
from incidents.models.clock import database_now
from incidents.selectors.chosen import Chosen
from incidents.selectors.drift import look_for_drift, read_drift
from incidents.services.propose import propose
from incidents.services.start import start
from tests import factories
from tests.scene import Scene, consent

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
GOOD = json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "2026", "x": "A" * 43}]})
LEAK = json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "2026", "x": "A" * 43, "d": SECRET}]})
ABSENT: dict[str, object] = {"document": None}


def settle(scene: Scene, kind: str, aspect: str, action: str, document: str) -> Resource:
    """A document in the simulated repository, that is watched where 203.0.113.0/24 is watched."""
    backend = Backend.objects.get(slug="shop-repo")
    resource = Resource.objects.create(organization=scene.organization, kind=kind, name=f"its {kind}")
    edge = Location.objects.get(slug="edge-a")
    # A key that the simulated repository knows, which the service then has no longer.
    with released():
        Binding.objects.filter(backend=backend).delete()
    Binding.objects.create(resource=resource, location=edge, backend=backend, aspect=aspect, key="checkout/edge-a")
    seen = Point.objects.filter(location=edge, probe__slug="tcp", resource__name="192.0.2.0/24").get()
    Point.objects.create(probe=seen.probe, resource=resource, location=edge, address=seen.address)
    terms = replace(factories.make_terms(), probes=("tcp",))
    row = Preapproval.objects.create(
        slug=f"its-{kind}", action=action, organization=scene.organization, terms=terms.as_json(), digest="x"
    )
    row.resources.set([resource])
    factories.agree_on(row, row.terms)
    factories.let_act(row)
    put(scene, {"document": document})
    for _ in range(2):
        poll_once()
    return resource


def put(scene: Scene, state: dict[str, object]) -> None:
    talk.ask(scene.lab.facts()["world"]["address"], op="put", backend="shop-repo", states={"checkout/edge-a": state})


def everything_stored() -> str:
    rows = [
        *Observation.objects.values_list("state", flat=True),
        *Snapshot.objects.values_list("state", flat=True),
        *(bytes(body).decode() for body in AuditEntry.objects.values_list("body", flat=True)),
        *(bytes(body).decode() for body in Plan.objects.values_list("body", flat=True)),
        *Plan.objects.values_list("findings", flat=True),
    ]
    return json.dumps(rows)


def test_a_private_key_among_public_ones_is_neither_stored_nor_logged(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    resource = settle(scene, "keys", "keyset", "restore_keys", GOOD)
    with caplog.at_level(logging.DEBUG):
        put(scene, {"document": LEAK})
        poll_once()
        plan = propose(scene.operator, scene.organization, "restore_keys", [resource])
    assert SECRET not in everything_stored() + caplog.text
    [binding] = Binding.objects.filter(resource=resource).select_related("seen", "good")
    assert binding.seen is not None
    assert binding.seen.state == {
        "status": {"settled": False, "problem": "checkout/edge-a is not kept: it holds the private part d of a key"}
    }
    assert binding.good is not None
    assert binding.good.state == {"document": GOOD}
    # What is there is not known, so nothing is written over it.
    [finding] = [one for one in plan.findings if one["severity"] == "blocker"]
    assert finding["text"].startswith("What is in Amsterdam cannot be read (checkout/edge-a is not kept: it holds ")
    assert Diagnosis.objects.get(resource=resource, until=None).damage == "unknown"
    chosen = Chosen(organization="example-shop")
    for found in (look_for_drift(chosen), read_drift(chosen, database_now())):
        [line] = [one for one in found.lines if one.resource == resource.pk]
        assert (line.verdict, line.now) == (Verdict.UNSEEN, None)
        assert line.silence == "checkout/edge-a is not kept: it holds the private part d of a key"


def test_what_cannot_be_read_any_more_is_no_change_by_somebody_else() -> None:
    change = Change("r", "login", "edge-a", "git", "1", "keyset", "jwks", {"document": "b"}, {"document": "a"})
    seen = {
        Seen.UNREADABLE: unreadable("jwks is not read: it is a link"),
        Seen.OTHER: {"document": "c"},
        Seen.BEFORE: {"document": "b"},
        Seen.AFTER: {"document": "a"},
    }
    for expected, state in seen.items():
        assert _compare(change, Sighted({1: state}, {})) is expected


@pytest.mark.parametrize(
    ("kind", "aspect", "action", "damage"),
    [
        ("policy", "document", "roll_back_policy", "policy_blocks"),
        ("keys", "keyset", "restore_keys", "keys_wrong"),
    ],
)
def test_what_is_gone_goes_back_whole(scene: Scene, kind: str, aspect: str, action: str, damage: str) -> None:
    resource = settle(scene, kind, aspect, action, GOOD)
    put(scene, ABSENT)
    poll_once()
    found = Diagnosis.objects.get(resource=resource, until=None)
    assert (found.damage, found.repair) == (damage, action)
    plan = propose(scene.operator, scene.organization, action, [resource])
    run = scene.carry_on(start(scene.operator, scene.organization, consent(plan)))
    assert run.outcome == Outcome.SUCCEEDED, (run.because, run.detail)
    assert scene.states("shop-repo")["checkout/edge-a"] == {"document": GOOD}
