"""BIRD 2 by its control socket: the prefixes that a router announces from one generated file.

The file holds a `protocol static` for each address family with one route a prefix, and belongs to us alone; what is
running, not what is written there, is what is observed. A change is `configure check`, `configure soft timeout N`, a
look, and `configure confirm`: without the last the router goes back by itself. All of it is tried with 2.0.12.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self

from incidents.adapters.base import check_batch
from incidents.adapters.bird_batch import Batch, Stopped, check
from incidents.adapters.bird_change import Reconfiguration, check_agreement
from incidents.adapters.bird_file import Held, Include, NotOurs
from incidents.adapters.bird_router import View, all_routes, some_routes, view_of
from incidents.adapters.bird_routes import ABSENT, Protocol, file_text
from incidents.adapters.bird_talk import CHECKED, Talk
from incidents.adapters.prefixes import exact_prefix
from incidents.domain.changes import STATUS, Cause, Change, Receipt, Reply, State, settings_of
from incidents.domain.errors import BackendRefused, BackendTimeout, BackendUnreachable
from incidents.domain.findings import Finding, Severity, blocker
from incidents.wire.deadline import Deadline
from incidents.wire.settings import Settings, fault

SETTINGS = frozenset({"socket", "include", "protocol4", "protocol6", "table4", "table6", "timeout_seconds"})
# BIRD's own limit is 64 letters; the words that it has a meaning for itself are refused by BIRD.
SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
LONGEST_SOCKET_PATH = 107  # of sockaddr_un on Linux
LONGEST_TIMEOUT_SECONDS = 3600


class Bird:
    """An `Adapter` whose keys are canonical prefixes; states are described in `bird_routes`.

    Args:
        name: slug of the backend, for messages.
        socket: path of the control socket.
        include: the generated file.
        protocols: ours, one for each address family.
        seconds: after which the router goes back by itself; at least 1.
        keys: the prefixes that the inventory binds to this backend.
        budget_seconds: the longest that one call may take, waiting for other writers included.
    """

    def __init__(
        self,
        *,
        name: str,
        socket: str,
        include: Include,
        protocols: Sequence[Protocol],
        seconds: int,
        keys: frozenset[str],
        budget_seconds: float,
    ) -> None:
        self._name, self._socket, self._include, self._protocols = name, socket, include, protocols
        self._seconds, self._keys, self._budget = seconds, keys, budget_seconds

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
        socket = _path(given, "socket")
        if len(socket.encode()) > LONGEST_SOCKET_PATH:
            raise fault("socket", f"must be at most {LONGEST_SOCKET_PATH} bytes long")
        protocols = [
            Protocol(version, _symbol(given, f"protocol{version}", f"handrail{version}"), _table(given, version))
            for version in (4, 6)
        ]
        if protocols[0].name == protocols[1].name:
            raise fault("protocol6", "must differ from protocol4")
        return cls(
            name=name,
            socket=socket,
            include=Include(_path(given, "include")),
            protocols=protocols,
            seconds=_seconds(given),
            keys=keys,
            budget_seconds=budget_seconds,
        )

    @staticmethod
    def normalize_key(key: str) -> str:
        """See `prefixes.exact_prefix`."""
        return exact_prefix(key)

    def observe(self, keys: Sequence[str]) -> Mapping[str, State]:
        check_batch(keys, self._keys, self._name)
        try:
            with Talk(self._socket, Deadline(self._budget)) as talk:
                view = view_of(talk, self._protocols)
                found = some_routes(talk, view.present, dict.fromkeys(keys))
        except TimeoutError as error:
            raise BackendTimeout(f"{self._name} did not answer within {self._budget:g} s") from error
        except (OSError, ValueError) as error:
            raise BackendUnreachable(f"{self._name} could not be reached") from error
        status: dict[str, int | bool | str] = {"sessions": view.sessions}
        if self._include.unsettled():
            status["settled"] = False
        if view.problem:
            status["problem"] = view.problem
        return {key: {**found.get(key, ABSENT), STATUS: status} for key in keys}

    def rehearse(self, changes: Sequence[Change]) -> Sequence[Finding]:
        """What BIRD says to its own configuration, and to ours in a file of its own; nothing is configured."""
        if not changes:
            return []
        check_batch([change.key for change in changes], self._keys, self._name)
        findings = [_refusal(str(error), change.name) for change in changes for error in _errors(change)]
        place, deadline = changes[0].location, Deadline(self._budget)
        try:
            with self._include.locked(deadline) as held, Talk(self._socket, deadline) as talk:
                view = view_of(talk, self._protocols)
                if view.sessions == 0:
                    words = "No session with a neighbour is established, so no neighbour would hear of it."
                    findings.append(blocker("backend.no-session", words, place))
                for words in self._obstacles(talk, held, view, changes):
                    findings.append(_refusal(words, place))
        except (NotOurs, BackendRefused) as error:
            findings.append(_refusal(str(error), place))
        except (OSError, ValueError):
            words = f"{self._name} could not be asked what it would say to this."
            findings.append(Finding("backend.not-rehearsed", Severity.NOTE, words, place))
        return findings

    def apply(self, changes: Sequence[Change], cause: Cause) -> Sequence[Receipt]:
        """All that can be written, in one configuration; absolute, so the idempotency key is not needed."""
        check_batch([change.key for change in changes], self._keys, self._name)
        batch, deadline = Batch(changes), Deadline(self._budget)
        if not batch.keys:
            return batch.receipts(Reply.REFUSED)
        try:
            with self._include.locked(deadline) as held, Talk(self._socket, deadline) as talk:
                Reconfiguration(talk, held, self._protocols, self._seconds, deadline).carry_out(batch)
        except Stopped as stopped:
            return batch.receipts(stopped.reply, stopped.detail)
        except (NotOurs, BackendRefused) as error:
            return batch.receipts(Reply.REFUSED, str(error))
        except TimeoutError:
            return batch.receipts(Reply.NOT_SENT, f"{self._name} did not answer in time, or others were changing it")
        except (OSError, ValueError):
            return batch.receipts(Reply.NOT_SENT, f"no connection to {self._name}")
        return batch.receipts(Reply.ACCEPTED)

    def close(self) -> None:
        """Nothing to end: each call has a conversation of its own."""

    def _obstacles(self, talk: Talk, held: Held, view: View, changes: Sequence[Change]) -> Iterator[str]:
        """Why it would not be done, for people. Raises NotOurs, BackendRefused, OSError."""
        text = held.read()
        if view.problem:
            yield view.problem
        elif not held.mark():
            keys = frozenset(change.key for change in changes)
            check_agreement(held, text, self._protocols, all_routes(talk, view.present), keys)
        answer = talk.ask("configure check")
        if answer.code != CHECKED:
            yield f"the configuration of the router has a fault already: {answer.words}"
        routes = {change.key: settings_of(change.after) for change in changes if not any(_errors(change))}
        with held.candidate(self._alone(routes)) as path:
            answer = talk.ask(f'configure check "{path}"')
        if answer.words.endswith(("Permission denied", "No such file or directory")):
            raise PermissionError("the router cannot read what it should look at")
        if answer.code != CHECKED:
            yield f"the router refuses it: {answer.words}"

    def _alone(self, routes: Mapping[str, State]) -> str:
        """A whole configuration of our protocols alone, to be checked and never used."""
        tables = [f"ipv{one.version} table {one.table};" for one in self._protocols if one.table]
        present = {key: state for key, state in routes.items() if state != ABSENT}
        return "\n".join(["router id 192.0.2.1;", *tables, file_text(self._protocols, present)])


def _errors(change: Change) -> list[ValueError]:
    try:
        check(change)
    except ValueError as error:
        return [error]
    return []


def _refusal(words: str, subject: str) -> Finding:
    return blocker("backend.refused", f"{words[:1].upper()}{words[1:]}.", subject)


def _path(given: Settings, name: str) -> str:
    path = given.text(name)
    # BIRD reads paths of ours between quotes, and knows no way to write a quote within.
    if not path.startswith("/") or path.endswith("/") or not path.isprintable() or '"' in path:
        raise fault(name, "must be an absolute path without quotes")
    return path


def _symbol(given: Settings, name: str, default: str) -> str:
    symbol = given.text(name) if given.has(name) else default
    if not SYMBOL.fullmatch(symbol):
        raise fault(name, "must be a name of BIRD's: letters, digits and _, at most 63 of them")
    return symbol


def _table(given: Settings, version: int) -> str:
    name = f"table{version}"
    return _symbol(given, name, "") if given.has(name) else ""


def _seconds(given: Settings) -> int:
    value = given.given.get("timeout_seconds", 30)
    if type(value) is not int or not 1 <= value <= LONGEST_TIMEOUT_SECONDS:
        raise fault("timeout_seconds", f"must be a whole number from 1 to {LONGEST_TIMEOUT_SECONDS}")
    return value
