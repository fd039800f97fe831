"""Backends of the world: free JSON states by key, and the ways in which real backends misbehave."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

JsonObject = dict[str, Any]
# What a backend tells of a state besides, see `incidents.domain.changes`.
STATUS = "status"
FOR_EVER = 3600.0


class Mode(StrEnum):
    """How a backend behaves until it is told otherwise."""

    OK = "ok"
    SLOW = "slow"  # does it, and answers after some seconds
    HANG = "hang"  # does nothing and never answers
    REFUSE = "refuse"  # does nothing and says so
    LIE = "lie"  # does nothing and says that it did
    DROP_REPLY = "drop_reply"  # does it, and closes the connection without a word
    DIE = "die"  # does the first half, and closes the connection
    PARTIAL = "partial"  # does the first half, and says which
    DRIP = "drip"  # does it, and answers one byte a second


class Dropped(Exception):
    """The connection is to be closed without an answer."""


@dataclass(slots=True)
class Ledger:
    """Every effect that was asked for and performed, a line of JSON each, in the order in which they came."""

    file: Path

    def note(self, **entry: object) -> None:
        entry["at"] = datetime.now(UTC).isoformat()
        with self.file.open("a") as lines:
            lines.write(json.dumps(entry) + "\n")


@dataclass(slots=True)
class Backend:
    """One simulated control system.

    Args:
        name: what requests call it.
        states: everything that it knows; a key that is not here is unknown for good.
        token: what requests must carry; empty lets everyone in.
        seconds: how long `slow` waits.
        only: the one operation that the mode is for (`observe` or `apply`); empty for both.
        labels: what people call states, by their `tree` or `document`. Records are called by what they hold.
    """

    name: str
    ledger: Ledger
    states: dict[str, JsonObject] = field(default_factory=dict)
    token: str = ""
    mode: Mode = Mode.OK
    seconds: float = 1.0
    only: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    requests: int = 0

    async def answer(self, request: JsonObject) -> JsonObject:
        """The answer to `observe` or `apply`, by the rules of the mode. Raises Dropped."""
        self.requests += 1
        if not hmac.compare_digest(str(request.get("token", "")).encode(), self.token.encode()):
            return _no("the token is wrong")
        applying = request.get("op") == "apply"
        mode = self.mode if self.only in ("", request.get("op")) else Mode.OK
        if mode is Mode.HANG:
            await asyncio.sleep(FOR_EVER)
        changes: Sequence[JsonObject] = request["changes"] if applying else []
        keys = [change["key"] for change in changes] if applying else request["keys"]
        unknown = [key for key in keys if key not in self.states]
        if unknown:
            return _no(f"{self.name} knows no key {unknown[0]}")
        idempotency_key = str(request.get("idempotency_key", ""))
        answer = self._apply(mode, changes, idempotency_key) if applying else self._observe(mode, keys)
        if mode is Mode.SLOW:
            await asyncio.sleep(self.seconds)
        return answer

    def put(self, states: Mapping[str, JsonObject]) -> None:
        """Changes the world behind everybody's back: damage, and its repair, by the lab."""
        self.states.update(states)
        self.ledger.note(backend=self.name, op="put", performed=list(states))

    def _observe(self, mode: Mode, keys: Sequence[str]) -> JsonObject:
        if mode is Mode.REFUSE:
            return _no("refused on purpose")
        if mode in (Mode.DROP_REPLY, Mode.DIE):
            raise Dropped
        return {"ok": True, "states": {key: self._told(self.states[key]) for key in keys}}

    def _told(self, state: JsonObject) -> JsonObject:
        held = str(state.get("tree") or state.get("document"))
        label = self.labels.get(held) or ", ".join(state.get("records", ()))
        return {**state, STATUS: {"label": label, **state.get(STATUS, {})}} if label else state

    def _apply(self, mode: Mode, changes: Sequence[JsonObject], idempotency_key: str) -> JsonObject:
        done = changes[: _how_many(mode, len(changes))]
        self.states.update({change["key"]: self._after(change) for change in done})
        self.ledger.note(
            backend=self.name,
            op="apply",
            mode=str(mode),
            idempotency_key=idempotency_key,
            asked=[change["key"] for change in changes],
            performed=[change["key"] for change in done],
        )
        if mode is Mode.REFUSE:
            return _no("refused on purpose")
        if mode in (Mode.DROP_REPLY, Mode.DIE):
            raise Dropped
        told = len(changes) if mode is Mode.LIE else len(done)
        return {
            "ok": True,
            "receipts": [
                {"key": change["key"], "reply": "accepted", "detail": ""}
                if place < told
                else {"key": change["key"], "reply": "refused", "detail": "not done on purpose"}
                for place, change in enumerate(changes)
            ],
        }

    def _after(self, change: JsonObject) -> JsonObject:
        """What is now: how well something is does not change by being told what it shall be."""
        held, after = self.states[change["key"]], change["after"]
        return {**after, STATUS: held[STATUS]} if STATUS in held else after


def _how_many(mode: Mode, asked: int) -> int:
    """How many of the changes are performed in this mode."""
    if mode in (Mode.REFUSE, Mode.LIE):
        return 0
    if mode is Mode.DIE:
        return (asked + 1) // 2
    return asked // 2 if mode is Mode.PARTIAL else asked


def _no(error: str) -> JsonObject:
    return {"ok": False, "error": error}
