"""Reads the terms of a preapproval."""

from __future__ import annotations

import re
from datetime import timedelta

import yaml

from incidents.domain.guards import OVERRIDABLE
from incidents.domain.terms import LONGEST_FLAP, Terms, Window
from incidents.domain.verdicts import Proof
from incidents.inventory.nodes import TAG, Fields, whole

TERMS = (
    "tier",
    "stages",
    "steps",
    "minimum_percent",
    "most_resources",
    "tolerate",
    "expire_seconds",
    "usual_seconds",
    "snapshot_days",
    "windows",
    "flap_minutes",
    "cool_down_minutes",
    "overridable",
    "rpki",
    "second_person_above",
    "break_glass",
    "only_when",
    "proof",
)
WAVE = re.compile(r"([1-9][0-9]{0,3})(%?)")
DAY_SECONDS = 24 * 3600
SECOND, MILLISECOND = timedelta(seconds=1), timedelta(milliseconds=1)


def read_terms(fields: Fields) -> Terms:
    expire = fields.integer("expire_seconds", 10, DAY_SECONDS, default=900)
    windows = _part(fields, "windows", ("organization", "platform", "location", "zone"))
    probes, proof = _read_proof(fields)
    only_when = _part(fields, "only_when", ("incident", "on_call"))
    return Terms(
        tier=fields.integer("tier", 1, 3),
        stages=_read_stages(fields),
        steps=_read_steps(fields),
        minimum_percent=fields.integer("minimum_percent", 1, 100, default=50),
        most_resources=fields.integer("most_resources", 1, 100_000),
        tolerate=fields.integer("tolerate", 0, 1000, default=0),
        expire=timedelta(seconds=expire),
        usual=_read_usual(fields, expire),
        snapshot_age=timedelta(days=fields.integer("snapshot_days", 1, 3650, default=30)),
        organization_window=_read_window(windows, "organization") or Window(most=2000, minutes=60),
        platform_window=_read_window(windows, "platform") or Window(most=20_000, minutes=60),
        location_window=_read_window(windows, "location"),
        zone_window=_read_window(windows, "zone"),
        cool_down=timedelta(minutes=fields.integer("cool_down_minutes", 0, 24 * 60, default=0)),
        overridable=_read_overridable(fields),
        flap=timedelta(minutes=fields.integer("flap_minutes", 0, LONGEST_FLAP // timedelta(minutes=1), default=15)),
        rpki=fields.slug("rpki", default=""),
        probes=probes,
        proof=proof,
        second_person_above=fields.integer("second_person_above", 0, 100_000)
        if fields.has("second_person_above")
        else None,
        break_glass=fields.flag("break_glass"),
        in_incident=only_when is not None and only_when.flag("incident"),
        on_call=only_when.slug("on_call", default="") if only_when is not None else "",
    )


def _read_stages(fields: Fields) -> tuple[str, ...]:
    """Counts of locations (`1`) and shares of them (`25%`); counts come first, and both grow."""
    waves: list[str] = []
    if fields.has("steps") and not fields.has("stages"):
        return ("100%",)
    for node, path in fields.items("stages", empty="name at least one stage, such as [1, 25%, 100%]"):
        text = str(node.value) if isinstance(node, yaml.ScalarNode) and node.tag in (TAG + "int", TAG + "str") else ""
        match = WAVE.fullmatch(text)
        if match is None or (match[2] and int(match[1]) > 100):
            fields.sheet.fault(path, "must be a number of locations such as 1, or a share from 1% to 100%")
            continue
        if waves and not _grows(waves[-1], text):
            fields.sheet.fault(path, f"{text} after {waves[-1]}: stages must grow, numbers before shares")
        waves.append(text)
    return tuple(waves)


def _read_steps(fields: Fields) -> tuple[int, ...]:
    """Percents that grow and end with 100."""
    if not fields.has("steps"):
        return (10, 50, 100)
    steps = [whole(fields.sheet, node, path, 1, 100) for node, path in fields.items("steps")]
    if not steps or steps != sorted(set(steps)) or steps[-1] != 100:
        fields.fault("steps", "must be percents that grow and end with 100, such as [10, 50, 100]")
    return tuple(steps)


def _grows(before: str, after: str) -> bool:
    if before.endswith("%") != after.endswith("%"):
        return after.endswith("%")
    return int(after.rstrip("%")) > int(before.rstrip("%"))


def _read_usual(fields: Fields, expire: int) -> tuple[timedelta, timedelta]:
    if not fields.has("usual_seconds"):
        return timedelta(seconds=1), timedelta(seconds=30)
    found = [whole(fields.sheet, node, path, 1, DAY_SECONDS) for node, path in fields.items("usual_seconds")]
    if len(found) != 2 or found[0] > found[1]:
        fields.fault("usual_seconds", "must be two numbers, the shortest and the longest usual time, such as [1, 30]")
        return timedelta(), timedelta()
    if found[1] > expire:
        fields.fault("usual_seconds", f"{found[1]} is longer than expire_seconds ({expire}): a run would end before it")
    return timedelta(seconds=found[0]), timedelta(seconds=found[1])


def _read_overridable(fields: Fields) -> tuple[str, ...]:
    if not fields.has("overridable"):
        return ()
    codes = tuple(fields.texts("overridable", empty="leave it out where nothing may be overridden"))
    for index, code in enumerate(codes):
        if code and code not in OVERRIDABLE:
            words = ", ".join(sorted(OVERRIDABLE))
            fields.sheet.fault(
                f"{fields.at('overridable')}[{index}]", f"{code} cannot be overridden; these can: {words}"
            )
    return codes


def _read_window(windows: Fields | None, key: str) -> Window | None:
    window = windows and _part(windows, key, ("most", "minutes"))
    if window is None:
        return None
    return Window(most=window.integer("most", 1, 1_000_000), minutes=window.integer("minutes", 1, 7 * 24 * 60))


def _read_proof(fields: Fields) -> tuple[tuple[str, ...], Proof]:
    default = Proof()
    proof = Fields(
        fields.sheet, fields.node("proof"), fields.at("proof"), ("probes", "in_a_row", "every_ms", "within_seconds")
    )
    probes = proof.texts("probes", empty="only proof from outside is success, so name at least one probe")
    return tuple(probes), Proof(
        in_a_row=proof.integer("in_a_row", 1, 20, default=default.in_a_row),
        every=timedelta(milliseconds=proof.integer("every_ms", 5, 60_000, default=default.every // MILLISECOND)),
        within=timedelta(seconds=proof.integer("within_seconds", 1, 3600, default=default.within // SECOND)),
    )


def _part(fields: Fields, key: str, known: tuple[str, ...]) -> Fields | None:
    if not fields.has(key):
        return None
    return Fields(fields.sheet, fields.node(key), fields.at(key), known)
