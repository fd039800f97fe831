"""HAProxy 2.x and 3.x by its runtime API: weights and administrative states of servers.

What it does, tried with 2.6: it answers an empty line for success and words for an error, and goes on with the next
command of the line either way. It keeps a change in memory only; its server-state file carries it over a reload, and
is for us to write. It knows no compare-and-set, so between our look and our command somebody may change a server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from incidents.adapters import haproxy_servers as servers
from incidents.adapters.base import check_batch
from incidents.adapters.haproxy_batch import errands_of, receipt, send
from incidents.adapters.haproxy_file import StateFile
from incidents.adapters.haproxy_servers import NotUnderstood, Reading
from incidents.adapters.haproxy_socket import NotConnected, RuntimeApi, address_of, path_of
from incidents.domain.changes import Cause, Change, Receipt, Reply, State
from incidents.domain.errors import AdapterError, BackendRefused, BackendTimeout, BackendUnreachable, InventoryFault
from incidents.domain.findings import Finding, blocker
from incidents.wire.deadline import Deadline
from incidents.wire.settings import Settings

SETTINGS = frozenset({"address", "state_file"})
LONGEST_FILE = 4095
LEVEL = "show cli level"


class HaProxy:
    """An `Adapter` whose keys are `BACKEND/SERVER`; states are described in `haproxy_servers`.

    Args:
        name: slug of the backend, for messages.
        api: where the runtime API is; connected to anew for each line of commands.
        state_file: what HAProxy restores its servers from when it starts; None to leave that to others.
        keys: the servers that the inventory binds to this backend.
        budget_seconds: the longest that one call may take, connecting included.
    """

    def __init__(
        self, *, name: str, api: RuntimeApi, state_file: StateFile | None, keys: frozenset[str], budget_seconds: float
    ) -> None:
        self._name, self._api, self._state_file, self._keys = name, api, state_file, keys
        self._budget = budget_seconds

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
        """Raises InventoryFault for a setting that is unknown, missing or ill-typed, or a key that is no server."""
        given = Settings.of(settings, SETTINGS)
        api = RuntimeApi(address_of(given, "address"))
        file = StateFile(Path(path_of(given, "state_file", LONGEST_FILE))) if given.has("state_file") else None
        # Keys become parts of commands, so nothing but what `normalize_key` lets through may ever get that far.
        if any(cls.normalize_key(key) != key for key in keys):
            raise InventoryFault("the keys of this backend are not in their one form")
        return cls(name=name, api=api, state_file=file, keys=keys, budget_seconds=budget_seconds)

    @staticmethod
    def normalize_key(key: str) -> str:
        """`BACKEND/SERVER`, as HAProxy spells them. Raises InventoryFault for anything else."""
        return servers.normalize_key(key)

    def observe(self, keys: Sequence[str]) -> Mapping[str, State]:
        check_batch(keys, self._keys, self._name)
        reading = self._look(Deadline(self._budget))
        missing = sorted({key for key in keys if key not in reading.states})
        if missing:
            named = ", ".join(missing[:3])
            raise BackendRefused(f"{self._name} has no server {named}; it may have been renamed in its configuration")
        return {key: reading.states[key] for key in keys}

    def rehearse(self, changes: Sequence[Change]) -> Sequence[Finding]:
        """What would be refused for a reason that can be seen now: no right, no such server, one that is locked.

        Which weights a balance algorithm takes cannot be seen beforehand.

        Raises: UnknownKey; BackendUnreachable, BackendTimeout, BackendRefused.
        """
        if not changes:
            return []
        check_batch([change.key for change in changes], self._keys, self._name)
        deadline = Deadline(self._budget)
        reading = self._look(deadline)
        findings = []
        for change in changes:
            code, text = servers.refusal(change.key, change.after, reading)
            if code:
                findings.append(blocker(code, text, change.key))
        level = self._level(deadline)
        if level in ("user", "operator"):
            text = f"{self._name} lets us look and not change: its socket has the level {level}, and admin is needed."
            findings.append(blocker("backend.no-permission", text, self._name))
        return findings

    def apply(self, changes: Sequence[Change], cause: Cause) -> Sequence[Receipt]:
        """Looks, sends what is needed, looks again; absolute, so the idempotency key is not needed.

        HAProxy has no place for the cause of a change; nothing of it is sent.
        """
        check_batch([change.key for change in changes], self._keys, self._name)
        deadline = Deadline(self._budget)
        try:
            before = self._look(deadline)
        except AdapterError as error:
            return [Receipt(change.key, Reply.NOT_SENT, str(error)) for change in changes]
        errands = errands_of(changes, before)
        send(errands, lambda commands: self._api.ask(commands, deadline))
        after: Reading | None = before
        if any(errand.sent for errand in errands):
            after = self._look_or_none(deadline)
        return self._kept([receipt(errand, after) for errand in errands], after, deadline)

    def close(self) -> None:
        """Nothing is held open between calls."""

    def _look(self, deadline: Deadline) -> Reading:
        """Raises BackendUnreachable, BackendTimeout, BackendRefused."""
        try:
            answers = self._api.ask([servers.SHOW], deadline)
            if len(answers) != 1:
                raise ConnectionError("the answer has no end")
            return servers.read(answers[0])
        except NotConnected as error:
            raise BackendUnreachable(f"{self._name} could not be reached: {error}") from error
        except TimeoutError as error:
            raise BackendTimeout(f"{self._name} did not answer within {self._budget:g} s") from error
        except NotUnderstood as error:
            raise BackendRefused(f"{self._name} gave no list of servers: {error}") from error
        except OSError as error:
            raise BackendUnreachable(f"the connection to {self._name} was lost before an answer came") from error

    def _look_or_none(self, deadline: Deadline) -> Reading | None:
        try:
            return self._look(deadline)
        except AdapterError:
            return None

    def _level(self, deadline: Deadline) -> str:
        """What this socket may do; empty where HAProxy does not tell."""
        try:
            return " ".join(self._api.ask([LEVEL], deadline))
        except OSError:
            return ""

    def _kept(self, receipts: list[Receipt], now: Reading | None, deadline: Deadline) -> list[Receipt]:
        """The receipts, once the server-state file holds what is; those of done changes say so when it does not."""
        if self._state_file is None or all(one.reply is not Reply.ACCEPTED for one in receipts):
            return receipts
        why = "the servers could not be read back"
        if now is not None:
            try:
                self._state_file.keep(now, lambda: self._look_or_none(deadline))
            except OSError as error:
                why = f"the server-state file could not be written ({error.strerror})"
            else:
                return receipts
        text = f"done, but it will not survive a reload of HAProxy: {why}"
        return [replace(one, detail=text) if one.reply is Reply.ACCEPTED else one for one in receipts]
