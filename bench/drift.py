"""Drift: 10,000 targets beside their known-good states, looked at now and as stored; and what digests cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from statistics import median

from bench.figures import milliseconds, say, seconds
from incidents.lab import talk
from incidents.lab.lab import Lab

ROUNDS = 5


def drift(lab: Lab) -> None:
    """Prints each command beside plain reading of the same states, without a console in between."""
    from incidents.models import Binding

    count = Binding.objects.count()
    address = lab.facts()["world"]["address"]
    asked = _asked()
    plain = _median(lambda: [_ask(address, *one) for one in asked])
    ours = _median(lambda: _command())
    say(f"drift, looking at {count:,} targets now", milliseconds(ours))
    say("  the same states asked for directly", milliseconds(plain))
    say("  ratio", f"{ours / plain:.2f}x")
    rows = _median(_read_rows)
    stored = _median(lambda: _command("--stored"))
    say(f"drift --stored, {count:,} targets", milliseconds(stored))
    say("  the same rows read plainly", milliseconds(rows))
    say("  ratio", f"{stored / rows:.2f}x")
    _past(count, rows)
    _digests(count)


def _median(work: Callable[[], object]) -> float:
    work()
    return median(seconds(work) for _ in range(ROUNDS))


def _command(*arguments: str) -> None:
    """Raises RuntimeError when it does not find all as it should be: then it would be another figure."""
    from django.core.management import call_command

    said = StringIO()
    try:
        call_command("drift", *arguments, stdout=said)
    except SystemExit as end:
        raise RuntimeError(said.getvalue()) from end


def _asked() -> list[tuple[str, str, list[str]]]:
    """Name of each backend in the world, its token, and the keys that are bound to it."""
    from incidents.engine.backends import secret_of
    from incidents.models import Backend

    found = []
    for row in Backend.objects.filter(kind="simulated"):
        keys = list(row.binding_set.values_list("key", flat=True))
        token = row.settings.get("token", "")
        found.append((row.settings.get("backend", row.slug), token and secret_of(token), keys))
    return found


def _ask(address: str, backend: str, token: str, keys: list[str]) -> object:
    return talk.ask(address, op="observe", backend=backend, token=token, keys=keys)["states"]


def _read_rows() -> None:
    """Both states of every binding, read and parsed, by a query as a person would write it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT organization.slug, resource.name, location.slug, binding.aspect, seen.state, good.state "
            "FROM incidents_binding binding "
            "JOIN incidents_resource resource ON resource.id = binding.resource_id "
            "JOIN incidents_organization organization ON organization.id = resource.organization_id "
            "JOIN incidents_location location ON location.id = binding.location_id "
            "LEFT JOIN incidents_observation seen ON seen.id = binding.seen_id "
            "LEFT JOIN incidents_snapshot good ON good.id = binding.good_id "
            "ORDER BY organization.slug, resource.position, resource.name, location.position, binding.aspect"
        )
        for *_, seen, good in cursor.fetchall():
            json.loads(seen), json.loads(good)


def _past(count: int, rows: float) -> None:
    from incidents.engine.history import was_at
    from incidents.engine.known_good import good_at
    from incidents.models import Binding
    from incidents.models.clock import database_now

    moment = database_now()
    for name, read in (("was_at", was_at), ("good_at", good_at)):
        took = _median(lambda read=read: read(Binding.objects.all(), moment))  # type: ignore[misc]
        say(f"{name}, {count:,} targets", milliseconds(took), f"{took / rows:.2f}x of the plain reading")


def _digests(count: int) -> None:
    """What taking every digest anew costs, as a share of the round of the poller in which it is done twice."""
    from incidents.domain.known_good import is_whole
    from incidents.engine.poller import poll_once
    from incidents.models import Binding

    states = list(Binding.objects.values_list("good__state", "good__digest"))
    took = _median(lambda: [is_whole(state, digest) for state, digest in states])
    whole = _median(poll_once)
    say(f"{count:,} digests taken anew", milliseconds(took), f"{2 * took / whole:.3f} of a round of the poller, twice")
    say("  the whole round", milliseconds(whole))
