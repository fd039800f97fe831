"""A backend of the lab's world: one line of JSON each way over TCP, a new connection a call.

Requests and answers are described in docs/lab.md. A state is any JSON object; the world compares nothing.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from incidents.adapters.base import check_batch
from incidents.domain.changes import Cause, Change, Receipt, Reply, State
from incidents.domain.errors import BackendRefused, BackendTimeout, BackendUnreachable, InventoryFault
from incidents.domain.findings import Finding
from incidents.wire.deadline import Deadline
from incidents.wire.settings import Settings

SETTINGS = frozenset({"address", "backend", "token"})
# An answer about 10,000 keys is a few megabytes; more than this is no answer.
LARGEST_ANSWER = 32 * 1024 * 1024
LONGEST_DETAIL = 200
LONGEST_KEY = 200


class Simulated:
    """An `Adapter` for one backend of the world.

    Args:
        name: slug of the backend, for messages.
        address: host and port of the world; numeric, so that no look-up of a name can outlast the budget.
        backend: what the world calls this backend.
        token: sent with each request; never part of a message or a log.
        keys: what the inventory binds to this backend.
        budget_seconds: the longest that one call may take, connecting included.
    """

    def __init__(
        self,
        *,
        name: str,
        address: tuple[str, int],
        backend: str,
        token: str,
        keys: frozenset[str],
        budget_seconds: float,
    ) -> None:
        self._name, self._address, self._backend, self._token = name, address, backend, token
        self._keys, self._budget = keys, budget_seconds

    @classmethod
    def from_settings(
        cls,
        *,
        name: str,
        settings: Mapping[str, object],
        secret: Callable[[str], str],
        keys: frozenset[str],
        budget_seconds: float,
    ) -> Self:
        """Raises InventoryFault for a setting that is unknown, missing or ill-typed; see docs/backends/."""
        given = Settings.of(settings, SETTINGS)
        return cls(
            name=name,
            address=given.socket_address("address"),
            backend=given.text("backend") if given.has("backend") else name,
            token=given.secret("token", secret) if given.has("token") else "",
            keys=keys,
            budget_seconds=budget_seconds,
        )

    @staticmethod
    def normalize_key(key: str) -> str:
        """Any printable text without space at its ends, as it is. Raises InventoryFault."""
        if not key or not key.isprintable() or key != key.strip() or len(key) > LONGEST_KEY:
            raise InventoryFault(f"{key[:LONGEST_KEY]!r} must be printable text of at most {LONGEST_KEY} characters")
        return key

    def observe(self, keys: Sequence[str]) -> Mapping[str, State]:
        check_batch(keys, self._keys, self._name)
        asked = sorted(set(keys))
        try:
            answer = self._ask({"op": "observe", "keys": asked}, Deadline(self._budget))
        except TimeoutError as error:
            raise BackendTimeout(f"{self._name} did not answer within {self._budget:g} s") from error
        except (OSError, ValueError) as error:
            raise BackendUnreachable(f"{self._name} could not be reached") from error
        if answer.get("ok") is not True:
            raise BackendRefused(f"{self._name} refused: {self._words(answer.get('error'))}")
        states = answer.get("states")
        if not isinstance(states, dict) or any(not isinstance(states.get(key), dict) for key in asked):
            raise BackendRefused(f"{self._name} gave no state for some of the keys")
        return {key: states[key] for key in asked}

    def rehearse(self, changes: Sequence[Change]) -> Sequence[Finding]:
        """The world cannot pretend; `changes` are not looked at."""
        return []

    def apply(self, changes: Sequence[Change], cause: Cause) -> Sequence[Receipt]:
        check_batch([change.key for change in changes], self._keys, self._name)
        request: dict[str, object] = {
            "op": "apply",
            "idempotency_key": cause.key,
            "changes": [{"key": change.key, "after": change.after} for change in changes],
        }
        deadline = Deadline(self._budget)
        try:
            connection = socket.create_connection(self._address, deadline.left())
        except OSError:
            return [Receipt(change.key, Reply.NOT_SENT, f"no connection to {self._name}") for change in changes]
        try:
            with connection:
                answer = self._exchange(connection, request, deadline)
        except TimeoutError:
            return [Receipt(change.key, Reply.UNANSWERED, "no answer in time") for change in changes]
        except (OSError, ValueError):
            lost = "the connection was lost before an answer came"
            return [Receipt(change.key, Reply.UNANSWERED, lost) for change in changes]
        return self._receipts(changes, answer)

    def close(self) -> None:
        """Nothing to end: each call has a connection of its own."""

    def _ask(self, request: dict[str, object], deadline: Deadline) -> dict[str, object]:
        with socket.create_connection(self._address, deadline.left()) as connection:
            return self._exchange(connection, request, deadline)

    def _exchange(self, connection: socket.socket, request: dict[str, object], deadline: Deadline) -> dict[str, object]:
        """One line out, one line back.

        Raises:
            TimeoutError: the deadline passed, however many bytes dripped in.
            OSError, ValueError: the connection broke, or the answer is no JSON object.
        """
        line = json.dumps({**request, "backend": self._backend, "token": self._token}) + "\n"
        connection.settimeout(deadline.left())
        connection.sendall(line.encode())  # the timeout of sendall is one for all of its writes
        received = bytearray()
        while not received.endswith(b"\n"):
            connection.settimeout(deadline.left())
            piece = connection.recv(65536)
            received += piece
            if not piece or len(received) > LARGEST_ANSWER:
                raise ConnectionError("the answer has no end")
        answer = json.loads(received)
        if not isinstance(answer, dict):
            raise ValueError("the answer is no object")
        return answer

    def _receipts(self, changes: Sequence[Change], answer: dict[str, object]) -> list[Receipt]:
        if answer.get("ok") is not True:
            words = self._words(answer.get("error"))
            return [Receipt(change.key, Reply.REFUSED, words) for change in changes]
        listed = answer.get("receipts")
        items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
        told = {item.get("key"): item for item in items}
        return [self._receipt(change.key, told.get(change.key)) for change in changes]

    def _receipt(self, key: str, item: Mapping[str, object] | None) -> Receipt:
        reply = item.get("reply") if item else None
        if item is None or reply not in (Reply.ACCEPTED, Reply.REFUSED):
            return Receipt(key, Reply.UNANSWERED, "the answer says nothing about this key")
        return Receipt(key, Reply(str(reply)), self._words(item.get("detail")))

    def _words(self, said: object) -> str:
        """What the backend said, for people: short, and without our token even if it was echoed."""
        words = said if isinstance(said, str) else ""
        if self._token:
            words = words.replace(self._token, "(secret)")
        return words[:LONGEST_DETAIL]
