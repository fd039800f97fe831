"""The terms of a preapproval: what was agreed in review, read from the inventory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from incidents.domain.canonical import Json, JsonObject
from incidents.domain.verdicts import Proof

# The longest that an inventory may hold a withdrawal up.
LONGEST_FLAP = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Window:
    """At most `most` resources changed within `minutes`."""

    most: int
    minutes: int

    def as_json(self) -> JsonObject:
        return {"most": self.most, "minutes": self.minutes}


@dataclass(frozen=True, slots=True)
class Terms:
    """Tier, stages and guards of one preapproval.

    Args:
        tier: 1 preview and one button; 2 a tick that states the consequence; 3 a reason and a second person.
        stages: locations reached after each stage (`1`, `25%`, `100%`); for what is changed location by location.
        steps: percent of the way after each step (10, 50, 100); for traffic, which all locations share.
        minimum_percent: of the known-good capacity that must be ready and serving at every step.
        most_resources: in one run.
        tolerate: locations that may be left out because they do not answer.
        expire: a run ends after this, whatever happens.
        usual: shortest and longest usual time, until there are earlier runs to tell from.
        snapshot_age: a known-good state older than this is not restored.
        organization_window, platform_window: most resources changed in a rolling window.
        location_window, zone_window: the same at each location, and in each zone; None where that is not limited.
        cool_down: what a run of the action has changed is left alone by the next one for so long.
        overridable: codes of guards that may be overridden by name, with a reason and a second person.
        flap: a withdraw waits this long after an announcement.
        rpki: slug of the probe that says whether an origin is valid; empty where none is configured.
        second_person_above: with more resources than this a second person is asked for at any tier; None for never.
        break_glass: whether one person may start alone what takes two, with a reason and a review afterwards.
        in_incident: whether an incident of the organization must be open.
        on_call: slug of the rota by which the person must be on call; empty where that is not asked.
        probes: slugs of the probes whose points must pass; at least one.
        proof: how the verdict on a stage is reached.
    """

    tier: int
    stages: tuple[str, ...]
    steps: tuple[int, ...]
    minimum_percent: int
    most_resources: int
    tolerate: int
    expire: timedelta
    usual: tuple[timedelta, timedelta]
    snapshot_age: timedelta
    organization_window: Window
    platform_window: Window
    flap: timedelta
    rpki: str
    probes: tuple[str, ...]
    proof: Proof = field(default_factory=Proof)
    second_person_above: int | None = None
    break_glass: bool = False
    in_incident: bool = False
    on_call: str = ""
    location_window: Window | None = None
    zone_window: Window | None = None
    cool_down: timedelta = timedelta()
    overridable: tuple[str, ...] = ()

    def as_json(self) -> JsonObject:
        return {
            "tier": self.tier,
            "stages": list(self.stages),
            "steps": list(self.steps),
            "minimum_percent": self.minimum_percent,
            "most_resources": self.most_resources,
            "tolerate": self.tolerate,
            "expire_seconds": _seconds(self.expire),
            "usual_seconds": [_seconds(self.usual[0]), _seconds(self.usual[1])],
            "snapshot_days": self.snapshot_age.days,
            "windows": {
                "organization": self.organization_window.as_json(),
                "platform": self.platform_window.as_json(),
                "location": self.location_window.as_json() if self.location_window else None,
                "zone": self.zone_window.as_json() if self.zone_window else None,
            },
            "cool_down_minutes": _seconds(self.cool_down) // 60,
            "overridable": list(self.overridable),
            "flap_minutes": _seconds(self.flap) // 60,
            "rpki": self.rpki,
            "second_person_above": self.second_person_above,
            "break_glass": self.break_glass,
            "in_incident": self.in_incident,
            "on_call": self.on_call,
            "proof": {
                "probes": list(self.probes),
                "in_a_row": self.proof.in_a_row,
                "every_ms": self.proof.every // timedelta(milliseconds=1),
                "within_seconds": _seconds(self.proof.within),
            },
        }


def read_terms(value: JsonObject) -> Terms:
    """The terms behind JSON that `as_json` wrote; raises KeyError or TypeError on anything else."""
    windows, proof = _object(value["windows"]), _object(value["proof"])
    shortest, longest = (timedelta(seconds=_integer(item)) for item in _list(value["usual_seconds"]))
    return Terms(
        tier=_integer(value["tier"]),
        stages=tuple(str(item) for item in _list(value["stages"])),
        steps=tuple(_integer(item) for item in _list(value["steps"])),
        minimum_percent=_integer(value["minimum_percent"]),
        most_resources=_integer(value["most_resources"]),
        tolerate=_integer(value["tolerate"]),
        expire=timedelta(seconds=_integer(value["expire_seconds"])),
        usual=(shortest, longest),
        snapshot_age=timedelta(days=_integer(value["snapshot_days"])),
        organization_window=_window(windows["organization"]),
        platform_window=_window(windows["platform"]),
        flap=timedelta(minutes=_integer(value["flap_minutes"])),
        rpki=str(value["rpki"]),
        probes=tuple(str(item) for item in _list(proof["probes"])),
        proof=Proof(
            in_a_row=_integer(proof["in_a_row"]),
            every=timedelta(milliseconds=_integer(proof["every_ms"])),
            within=timedelta(seconds=_integer(proof["within_seconds"])),
        ),
        second_person_above=None if value["second_person_above"] is None else _integer(value["second_person_above"]),
        break_glass=value["break_glass"] is True,
        in_incident=value["in_incident"] is True,
        on_call=str(value["on_call"]),
        location_window=None if windows["location"] is None else _window(windows["location"]),
        zone_window=None if windows["zone"] is None else _window(windows["zone"]),
        cool_down=timedelta(minutes=_integer(value["cool_down_minutes"])),
        overridable=tuple(str(item) for item in _list(value["overridable"])),
    )


def _window(value: Json) -> Window:
    fields = _object(value)
    return Window(most=_integer(fields["most"]), minutes=_integer(fields["minutes"]))


def _seconds(span: timedelta) -> int:
    return span // timedelta(seconds=1)


def _object(value: Json) -> JsonObject:
    if not isinstance(value, dict):
        raise TypeError("a JSON object was expected")
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError("a list was expected")
    return value


def _integer(value: Json) -> int:
    if not isinstance(value, int):
        raise TypeError("a whole number was expected")
    return value
