"""The spec of a NetworkPolicy as people read it: lines like YAML, always in the same order, and a few words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from incidents.adapters.kube_read import items
from incidents.domain.canonical import Json, JsonObject

LARGEST_TEXT = 64 * 1024  # bytes of UTF-8
CUT = "(the rest is too long to be shown)"
# What needs no quotes: words that YAML reads as words, and networks such as 10.0.0.0/8.
_PLAIN = re.compile(r"(?!(?i:true|false|yes|no|on|off|null|y|n)$)[A-Za-z][A-Za-z0-9_./-]*|[0-9a-f.:]+/[0-9]{1,3}")
# The type in policyTypes, the list of its rules, whom those are about, and which way that is.
DIRECTIONS = (("Ingress", "ingress", "from", "in"), ("Egress", "egress", "to", "out"))


def text_of(spec: JsonObject) -> str:
    """One line a field, sorted, without a line break at the end; at most 64 KiB, with a word where it was cut."""
    kept: list[str] = []
    left = LARGEST_TEXT - len(CUT)
    for line in _lines(spec):
        left -= len(line.encode()) + 1
        if left < 0:
            return "\n".join([*kept, CUT])
        kept.append(line)
    return "\n".join(kept)


def label_of(spec: JsonObject) -> str:
    """How much it lets through, such as `12 rules in, nothing out`; a direction that it leaves alone is left out."""
    types = spec.get("policyTypes")
    listed = types if isinstance(types, list) else []
    said = [f"{_count(spec, rules, peers)} {way}" for kind, rules, peers, way in DIRECTIONS if kind in listed]
    return ", ".join(said) or "no rules"


def _count(spec: JsonObject, rules: str, peers: str) -> str:
    found = list(items(spec, rules))
    # A rule that names neither peers nor ports, or empty lists of them, lets everybody through everywhere.
    if any(not rule.get(peers) and not rule.get("ports") for rule in found):
        return "everything"
    return {0: "nothing", 1: "1 rule"}.get(len(found), f"{len(found)} rules")


def _lines(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for name in sorted(value):
            yield from _field(_scalar(name), value[name])
    elif isinstance(value, list | tuple) and value:
        for item in value:
            mark = "- "
            for line in _lines(item):
                yield mark + line
                mark = "  "
    else:
        yield _scalar(value)


def _field(name: str, value: Json) -> Iterator[str]:
    if value and isinstance(value, Mapping | list | tuple):
        margin = "  " if isinstance(value, Mapping) else ""
        yield f"{name}:"
        yield from (margin + line for line in _lines(value))
    else:
        yield f"{name}: {_scalar(value)}"


def _scalar(value: Json) -> str:
    """On one line, whatever signs it holds."""
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=not (isinstance(value, str) and value.isprintable()))
