"""By which terms an entry of the audit log is found: numbers made of its words and of its facts.

A term is a hash, so nothing that anybody types can reach a database as part of a query language, and both databases
keep the same small numbers. What a word is: a run of letters, digits and the signs between them, in whatever case;
`203.0.113.0/24` is one. It is found as a whole, from its beginning up to a sign (`203.0.113`), and, where they hold
a letter, by its parts (`edge` finds `edge-a`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Literal

from incidents.domain.canonical import Json, JsonObject
from incidents.domain.happenings import outcome_of

Facet = Literal["word", "event", "organization", "person", "action", "resource", "outcome"]

# Whatever begins and ends with a letter or digit and holds neither space nor quote, bracket, comma or bar.
WORD = re.compile(r"\w(?:[^\s\"'`()\[\]{}<>,;|]*\w)?")
PART = re.compile(r"[^\W_]+")
# Longer words than this are found as a whole and by so many beginnings.
MOST_PARTS = 8
# Under which names entries tell of people and of resources.
PEOPLE = frozenset({"person", "by", "asked_by", "caller_person", "on_behalf_of"})
RESOURCES = frozenset({"resource", "resources"})
ACTIONS = frozenset({"action", "actions"})
# What somebody looked for in the log; who looks for the same shall find it, and not every earlier look.
LOOKED_FOR = "search"


def term(facet: Facet, value: str) -> int:
    """The number of one word or fact: 64 bits with a sign, as both databases keep it."""
    spoken = f"{facet}\0{fold(value)}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(spoken, digest_size=8).digest(), "big", signed=True)


def fold(text: str) -> str:
    """The text without the differences that a searcher does not mean: case, width, and ligatures."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def words_of(text: str) -> list[str]:
    """The words that are asked for by a text, each once."""
    return list(dict.fromkeys(WORD.findall(fold(text))))


def terms_of(entry: JsonObject) -> list[int]:
    """Every term by which an entry is found, in order.

    Args:
        entry: the body, as `incidents.audit.log` writes it.
    """
    actor, data, event = entry["actor"], entry["data"], str(entry["event"])
    name = str(actor["name"]) if isinstance(actor, Mapping) else ""
    # The way by which a person came, where it was no page.
    way = actor.get("by") if isinstance(actor, Mapping) else None
    facts = dict(data) if isinstance(data, Mapping) else {}
    found = {term("person", name), term("outcome", outcome_of(event, facts))}
    found.update(term("event", kind) for kind in _beginnings(event))
    if entry["organization"]:
        found.add(term("organization", str(entry["organization"])))
    told = [event, name, str(entry["organization"]), str(entry["run"]), *(text for _, text in _texts(way, ""))]
    for key, text in _texts(facts, ""):
        told.append(text)
        for facet, keys in FACETS:
            if key in keys:
                found.add(term(facet, text))
    spoken = {spelled for text in told for word in WORD.findall(fold(text)) for spelled in _spellings(word)}
    return sorted(found | {term("word", word) for word in spoken})


FACETS: tuple[tuple[Facet, frozenset[str]], ...] = (("person", PEOPLE), ("resource", RESOURCES), ("action", ACTIONS))


def _beginnings(event: str) -> Iterator[str]:
    """`run.accepted` is found by itself and by `run`."""
    parts = event.split(".")
    for count in range(1, len(parts) + 1):
        yield ".".join(parts[:count])


def _spellings(word: str) -> Iterator[str]:
    """The word, its beginnings, and its parts that hold a letter."""
    yield word
    if word.isalnum():
        return
    for count, part in enumerate(PART.finditer(word)):
        if count == MOST_PARTS:
            return
        yield word[: part.end()]
        if not part.group().isdigit():
            yield part.group()


def _texts(value: Json, key: str) -> Iterator[tuple[str, str]]:
    """(name, text) of every text in the facts, and of every name that is no word of ours; a list has its own name."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            # The names of things may be keys, such as those of changed resources.
            yield "", name
            if name != LOOKED_FOR:
                yield from _texts(item, name)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item, key)
