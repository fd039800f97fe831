"""States of bindings, the absolute changes between them, and what a backend answers to one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from incidents.domain.canonical import JsonObject

# What one binding is, as its adapter sees it: a JSON object with lists (never tuples), so that `==` is the diff.
#
# Under the key STATUS stands what the backend tells besides, such as how far it has come: that is never compared,
# never part of a change, and never restored. Its fields, all of them optional:
#
#   settled     false while the backend is still carrying out what it was told (a deployment that rolls out)
#   problem     why it cannot carry it out, for people
#   ready       whether there is capacity here that could take traffic now
#   text        what it says, line by line, where its fields are not readable by themselves
#   label       what people call this state, such as `shop/checkout:1.42` or `4f2c1ab Show the new basket`
#   paused      true where the backend would take a change and not carry it out
#   managed_by  who would undo a change that is made here, such as `Argo CD`
#   locked      why the backend will not let itself be changed, for people
#   sessions    how many neighbours a router has that would hear of a change
State: TypeAlias = JsonObject
STATUS = "status"
# Of these fields a plan and a snapshot keep a copy, for people to read.
KEPT = ("label", "text")


def settings_of(state: State) -> State:
    """What a state is made of, without what the backend tells besides: what is compared, planned and restored."""
    return {key: value for key, value in state.items() if key != STATUS} if STATUS in state else state


def status_of(state: State) -> JsonObject:
    """What the backend tells besides; see the fields above. Empty where it tells nothing."""
    status = state.get(STATUS)
    return status if isinstance(status, Mapping) else {}


def unreadable(why: str) -> State:
    """What an adapter tells of one key where something is that it cannot, or must not, read: nothing but why.

    It has no settings, so it is the same as nothing that was ever read, proven or planned. Its adapter refuses every
    change from it and to it.
    """
    return {STATUS: {"settled": False, "problem": why}}


def is_unreadable(state: State) -> bool:
    return not settings_of(state)


def why_unreadable(state: State) -> str:
    """What an adapter told of a key that it could not read."""
    return str(status_of(state).get("problem") or "it cannot be read")


def label_of(state: State) -> str:
    """What people call this state; empty where it has no name."""
    label = status_of(state).get("label")
    return label if isinstance(label, str) else ""


def labelled(state: State) -> State:
    """What a plan or a snapshot keeps of a state: its settings, what people call it, and what they read of it."""
    kept = {field: value for field, value in status_of(state).items() if field in KEPT and value}
    return {**settings_of(state), STATUS: kept} if kept else settings_of(state)


def same(one: State, other: State) -> bool:
    """Whether two states are one and the same, whatever their backends tell besides."""
    return one == other or settings_of(one) == settings_of(other)


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
        carried_before, carried_after: the same of whoever carries out what is written down here, such as the cluster
            that a GitOps controller keeps as Git says; None where nobody does, or it is not known.
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
    carried_before: State | None = None
    carried_after: State | None = None

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
            carried_before=_state_or_none(value["carried_before"]),
            carried_after=_state_or_none(value["carried_after"]),
        )

    def reversed(self) -> Change:
        """The change that puts back what was."""
        return replace(
            self,
            before=self.after,
            after=self.before,
            carried_before=self.carried_after,
            carried_after=self.carried_before,
        )


def _state_or_none(value: object) -> State | None:
    return value if isinstance(value, Mapping) else None


def resources_of(changes: Iterable[Change]) -> dict[str, str]:
    """Id -> name of every resource that these change, in their order."""
    return {change.resource: change.name for change in changes}


def bare(change: Change) -> Change:
    """The change as an adapter takes it: without what people call its states."""
    return replace(change, before=settings_of(change.before), after=settings_of(change.after))


def whole_way(changes: Iterable[Change]) -> tuple[Change, ...]:
    """One change a binding: from before its first step to after its last one."""
    found: dict[str, Change] = {}
    for change in changes:
        first = found.get(change.binding)
        found[change.binding] = replace(change, before=first.before) if first else change
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a backend is asked to change something: what it may write into its own log or history.

    Args:
        key: idempotency key; the same for every try of one stage of one run.
        run: reference of the run, such as `RUN-7K3P-QX`.
        person: username of who started it.
        reason: in their words; may be empty.
    """

    key: str
    run: str = ""
    person: str = ""
    reason: str = ""


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


# Aspects that locations share: what is changed at one of them is felt at all.
SHARED = frozenset({"weight"})


def is_up(state: State) -> bool:
    """Whether this state serves: a route that is advertised, a service that is bound, a weight that counts, a document
    or a set of records that is there and not empty.
    """
    return (
        state.get("present") is not False
        and state.get("document", "") is not None
        and "unread" not in state
        and state.get("records") != []
        and state.get("members") != []
        and state.get("advertised") is not False
        and state.get("bound") is not False
        and state.get("weight") != 0
        and state.get("mode", "ready") == "ready"
    )
