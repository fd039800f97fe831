"""YAML with line numbers: takes typed values out of nodes, and collects every fault on the way.

A fault never ends the reading: what could not be read becomes an empty value of its type, and the checks that follow
pass over empty values, so one mistake is told once. The caller throws the result away when there was any fault.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

import yaml

from incidents.domain.canonical import LARGEST_INTEGER, Json, JsonObject
from incidents.domain.errors import InventoryFault

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")
# YAML 1.1 also reads 010 as eight and 1:30 as ninety; only what everybody reads alike is a number here.
INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?")
TAG = "tag:yaml.org,2002:"
SHOWN = 12
WORDS = {"true": True, "false": False}

Node: TypeAlias = yaml.Node


@dataclass(slots=True)
class Sheet:
    """What one reading collects: the faults, and the line of every path."""

    faults: list[InventoryFault] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)

    def fault(self, path: str, message: str) -> None:
        self.faults.append(InventoryFault(message, path=path, line=self.line(path)))

    def line(self, path: str) -> int:
        """The line of `path`, or of the nearest thing round it that is in the file."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 0)

    def note(self, path: str, node: Node) -> None:
        self.lines.setdefault(path, node.start_mark.line + 1)


class Fields:
    """One mapping of the file. Refuses keys that are not `known`, and keys that stand twice."""

    def __init__(self, sheet: Sheet, node: Node | None, path: str, known: Sequence[str]) -> None:
        self.sheet, self.path = sheet, path
        # A mapping that is itself in fault has no missing keys to complain about.
        self.broken = not isinstance(node, yaml.MappingNode)
        self._nodes: dict[str, Node] = {}
        self._meant: set[str] = set()
        if isinstance(node, yaml.MappingNode):
            sheet.note(path, node)
            for key, value in pairs(sheet, node, path):
                self._take(key, value, known)
        elif node is not None:
            sheet.note(path, node)
            sheet.fault(path, f"must be a mapping with the keys {', '.join(known)}")

    def _take(self, key: str, value: Node, known: Sequence[str]) -> None:
        if key in known:
            self._nodes[key] = value
            return
        # A misspelt key is one fault; that the right one is missing is not another.
        self._meant.update(difflib.get_close_matches(key, known, n=1))
        self.sheet.fault(self.at(key), f"is an unknown key; {near(key, known)}")

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def fault(self, key: str, message: str) -> None:
        self.sheet.fault(self.at(key), message)

    def has(self, key: str) -> bool:
        return key in self._nodes

    def node(self, key: str) -> Node | None:
        """The node of a key that must be there; None, and a fault, when it is not."""
        if key not in self._nodes and key not in self._meant and not self.broken:
            self.fault(key, "is missing")
        return self._nodes.get(key)

    def text(self, key: str, *, default: str | None = None, longest: int = 100) -> str:
        """Text of at most `longest` characters, not blank; `default` when the key is left out."""
        if default is not None and not self.has(key):
            return default
        node = self.node(key)
        return "" if node is None else scalar(self.sheet, node, self.at(key), longest)

    def slug(self, key: str, *, default: str | None = None) -> str:
        """A name. One that is ill-formed is a fault, but given back, so that references to it are not faults too."""
        text = self.text(key, default=default)
        if text and text != default and not SLUG.fullmatch(text):
            better = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:50]
            hint = f", perhaps {better}" if better else ""
            self.fault(key, f"{text!r} is no name: use at most 50 lower-case letters, digits and hyphens{hint}")
        return text

    def choice(self, key: str, known: Sequence[str], default: str | None = None) -> str:
        """One of `known` words; empty, and a fault, otherwise."""
        text = self.text(key, default=default)
        if not text or text in known:
            return text
        self.fault(key, f"{text} is not known here; {near(text, known)}")
        return ""

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number from `low` to `high`; `low` when there is a fault."""
        if default is not None and not self.has(key):
            return default
        node = self.node(key)
        return low if node is None else whole(self.sheet, node, self.at(key), low, high)

    def flag(self, key: str) -> bool:
        """An optional `true` or `false`; false when it is left out, or there is a fault."""
        node = self._nodes.get(key)
        if node is None:
            return False
        if not isinstance(node, yaml.ScalarNode) or node.value not in WORDS:
            self.fault(key, "must be true or false")
            return False
        return WORDS[node.value]

    def thousandths(self, key: str, low: int, high: int, default: int) -> int:
        """A number of seconds, with a fraction if need be, as whole milliseconds from `low` to `high`."""
        node = self._nodes.get(key)
        if node is None:
            return default
        plain = isinstance(node, yaml.ScalarNode) and node.tag in (TAG + "int", TAG + "float")
        value = int(Decimal(node.value) * 1000) if plain and DECIMAL.fullmatch(node.value) else None
        if value is None or not low <= value <= high:
            self.fault(key, f"must be a number of seconds from {low / 1000:g} to {high / 1000:g}")
            return low
        return value

    def items(self, key: str, *, empty: str = "", optional: bool = False) -> list[tuple[Node, str]]:
        """The items of a list, each with its path; where a list must not be empty, `empty` says why."""
        node = self._nodes.get(key) if optional else self.node(key)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.fault(key, "must be a list")
            return []
        if empty and not node.value:
            self.fault(key, f"is empty; {empty}")
        path = self.at(key)
        numbered = [(item, f"{path}[{index}]") for index, item in enumerate(node.value)]
        for item, place in numbered:
            self.sheet.note(place, item)
        return numbered

    def texts(self, key: str, longest: int = 100, *, empty: str = "", optional: bool = False) -> list[str]:
        """A list of texts; one that is in fault is empty text, so that places in the list stay."""
        items = self.items(key, empty=empty, optional=optional)
        return [scalar(self.sheet, item, path, longest) for item, path in items]

    def json(self, key: str) -> JsonObject:
        """Any mapping, as JSON; empty when it is left out."""
        node = self._nodes.get(key)
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.fault(key, "must be a mapping")
            return {}
        return _object(self.sheet, node, self.at(key))


def near(name: str, known: Collection[str]) -> str:
    """The end of a fault about a name that is not known: the one that was probably meant, or what there is."""
    closest = difflib.get_close_matches(name, known, n=1)
    if closest:
        return f"did you mean {closest[0]}?"
    if not known:
        return "there is none at all"
    named = ", ".join(list(known)[:SHOWN])
    return f"there are {named}" + (", and more" if len(known) > SHOWN else "")


def pairs(sheet: Sheet, node: yaml.MappingNode, path: str) -> Iterator[tuple[str, Node]]:
    """Keys and values of a mapping; a key that is no text, or stands twice, is a fault and left out."""
    seen: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or key.tag != TAG + "str":
            sheet.faults.append(InventoryFault("has a key that is no text; put it into quotes", path, line))
            continue
        place = f"{path}.{key.value}" if path else str(key.value)
        if key.value in seen:
            message = f"stands twice; it is already on line {seen[key.value]}"
            sheet.faults.append(InventoryFault(message, place, line))
            continue
        seen[key.value] = line
        sheet.lines[place] = line
        yield str(key.value), value


def scalar(sheet: Sheet, node: Node, path: str, longest: int) -> str:
    """Text; empty, and a fault, otherwise. What stands there is never repeated: it might be a secret."""
    if not isinstance(node, yaml.ScalarNode) or node.tag == TAG + "null":
        sheet.fault(path, "must be text")
    elif node.tag != TAG + "str":
        sheet.fault(path, "must be text; if it is meant as text, put it into quotes")
    elif not node.value.strip():
        sheet.fault(path, "must not be empty")
    elif len(node.value) > longest:
        sheet.fault(path, f"must not be longer than {longest} characters")
    elif not node.value.isprintable():
        sheet.fault(path, "must be one line without control characters")
    else:
        return str(node.value)
    return ""


def whole(sheet: Sheet, node: Node, path: str, low: int, high: int) -> int:
    """A whole number from `low` to `high`; `low`, and a fault, otherwise."""
    plain = isinstance(node, yaml.ScalarNode) and node.tag == TAG + "int" and INTEGER.fullmatch(node.value)
    if not plain or not low <= int(node.value) <= high:
        sheet.fault(path, f"must be a whole number from {low:,} to {high:,}")
        return low
    return int(node.value)


def _object(sheet: Sheet, node: yaml.MappingNode, path: str) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in pairs(sheet, node, path):
        if not key.isascii():
            sheet.fault(f"{path}.{key}", "must be a key in ASCII letters")
        found[key] = _json(sheet, value, f"{path}.{key}")
    return found


def _json(sheet: Sheet, node: Node, path: str) -> Json:
    sheet.note(path, node)
    if isinstance(node, yaml.MappingNode):
        return _object(sheet, node, path)
    if isinstance(node, yaml.SequenceNode):
        return [_json(sheet, item, f"{path}[{index}]") for index, item in enumerate(node.value)]
    value, kind = str(node.value), node.tag.removeprefix(TAG)
    if kind == "str":
        return value
    if kind == "null":
        return None
    if kind == "bool" and value.lower() in WORDS:
        return WORDS[value.lower()]
    if kind == "int" and INTEGER.fullmatch(value) and abs(int(value)) <= LARGEST_INTEGER:
        return int(value)
    sheet.fault(path, "must be text, a whole number, true or false; put text into quotes")
    return None
