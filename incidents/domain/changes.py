"""States of bindings, the absolute changes between them, and what a backend answers to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from incidents.domain.canonical import JsonObject

# What one binding is, as its adapter sees it: a JSON object with lists (never tuples), so that `==` is the diff.
State: TypeAlias = JsonObject


@dataclass(frozen=True, slots=True)
class Change:
    """One absolute before/after at one location, so that repeating it is harmless.

    Args:
        resource: id of the resource.
        name: how people know the resource, such as `203.0.113.0/24`.
        location: slug of the location.
        backend: slug of the backend that is asked.
        binding: id of the binding (resource x location x aspect).
        aspect: which side of the resource, such as `route` or `service`.
        key: what the backend calls it.
        before: what was observed when the plan was made.
        after: what shall be.
    """

    resource: str
    name: str
    location: str
    backend: str
    binding: str
    aspect: str
    key: str
    before: State
    after: State

    def as_json(self) -> JsonObject:
        return {field: getattr(self, field) for field in self.__slots__}

    @staticmethod
    def from_json(value: JsonObject) -> Change:
        before, after = value["before"], value["after"]
        if not isinstance(before, Mapping) or not isinstance(after, Mapping):
            raise TypeError("a state is a JSON object")
        return Change(
            resource=str(value["resource"]),
            name=str(value["name"]),
            location=str(value["location"]),
            backend=str(value["backend"]),
            binding=str(value["binding"]),
            aspect=str(value["aspect"]),
            key=str(value["key"]),
            before=before,
            after=after,
        )

    def reversed(self) -> Change:
        """The change that puts back what was."""
        return replace(self, before=self.after, after=self.before)


class Reply(StrEnum):
    """What came of asking a backend. Never a result: only an observation says what is."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not_sent"  # certainly without effect
    UNANSWERED = "unanswered"  # sent, perhaps done


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the backend answered to one change. `detail` is for people and holds no secret."""

    key: str
    reply: Reply
    detail: str = ""


def is_up(state: State) -> bool:
    """Whether this state serves traffic: a route that is advertised, a service that is bound."""
    return state.get("advertised") is not False and state.get("bound") is not False
