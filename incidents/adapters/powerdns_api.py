"""The two calls of PowerDNS's API that this kind needs, what its answers amount to, and turns at a zone.

    GET   /api/v1/servers/{server}/zones/{zone}
    PATCH /api/v1/servers/{server}/zones/{zone}   {"rrsets": [{name, type, ttl, changetype: "REPLACE", records}]}

The whole zone is read, never `rrset_name` alone: PowerDNS leaves out records that are switched off when it is asked for
one name (its issue 11473), and older ones ignore the filter (14539); what we do not see, REPLACE would delete.
Source: PowerDNS Authoritative Server, HTTP API, page "Zones"; tried with 4.7.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from incidents.adapters.powerdns_sets import NOT_THERE, Reading, read_zone
from incidents.domain.canonical import Json, JsonObject
from incidents.domain.errors import BackendRefused, BackendUnreachable
from incidents.wire.deadline import Deadline
from incidents.wire.http import Answer, Client

LONGEST_WORDS = 200
# A 4xx that does not say whether the request was looked at.
REQUEST_TIMEOUT = 408


class Broken(BackendRefused):
    """A failure of its own, or no answer that makes sense: what was sent may have been done."""


class Turn:
    """Whose turn it is to change something, among the threads of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


# By address, server and zone; by an empty zone for the server as a whole. Adapters hold those that they may need, and
# what nobody holds any more goes.
_TURNS: weakref.WeakValueDictionary[tuple[str, str, str], Turn] = weakref.WeakValueDictionary()
_TURNS_LOCK = threading.Lock()


class Api:
    """Speaks to one server.

    Args:
        name: slug of the backend, for messages.
        client: whose url ends before `/api/v1`, and whose headers hold the key of the API.
        server: its id, `localhost` for every PowerDNS Authoritative Server.
        secret: the key of the API, which must never stand in a message, whoever sends it back to us.
        zones: the only ones that may be asked for.

    Raises (both calls): BackendUnreachable, BackendTimeout, Broken, and BackendRefused for any other no.
    """

    def __init__(self, *, name: str, client: Client, server: str, secret: str, zones: frozenset[str]) -> None:
        self._name, self._client, self._server, self._secret = name, client, server, secret
        self._turns = {zone: _turn_of(client.url, server, zone) for zone in zones}
        self._writing = _turn_of(client.url, server, "")

    def zone(self, zone: str, deadline: Deadline) -> Reading:
        """What the zone holds; `NOT_THERE` where the server has none by that name."""
        answer = self._client.call(deadline, "GET", self._path(zone))
        if answer.status == 404:
            return NOT_THERE
        self._check(answer)
        body = answer.body
        if answer.status != 200 or not isinstance(body, dict):
            raise self._broken(answer)
        try:
            return read_zone(zone, body)
        except BackendRefused as error:
            raise Broken(f"{self._name}: {error}") from None

    def replace(self, zone: str, sets: Sequence[JsonObject], deadline: Deadline) -> None:
        """Replaces sets of one zone, all or none of them; see `powerdns_sets.replacement` for what one is.

        One request at a time: PowerDNS answers 500 to the second one where a database, such as SQLite, has one writer.
        """
        if not sets:
            raise ValueError("nothing is to be replaced")
        path = self._path(zone)
        with self._in_turn(self._writing, zone, deadline):
            answer = self._client.call(deadline, "PATCH", path, {"rrsets": [*sets]})
        self._check(answer)
        if answer.status != 204:
            raise self._broken(answer)

    def turn(self, zone: str, deadline: Deadline) -> AbstractContextManager[None]:
        """Lets one thread at a time read, compare and write a zone.

        PowerDNS detects no conflict (its issue 6247), and changes of one zone that overlap have left records twice
        (8374, 7128).

        Raises BackendUnreachable when the time was over before it was our turn.
        """
        return self._in_turn(self._turns[zone], zone, deadline)

    def close(self) -> None:
        self._client.close()

    @contextmanager
    def _in_turn(self, turn: Turn, zone: str, deadline: Deadline) -> Iterator[None]:
        try:
            ours = turn.lock.acquire(timeout=deadline.left())
        except TimeoutError:
            ours = False
        if not ours:
            raise BackendUnreachable(f"no time was left when it was our turn to change {zone} at {self._name}")
        try:
            yield
        finally:
            turn.lock.release()

    def _path(self, zone: str) -> str:
        if zone not in self._turns:
            raise ValueError(f"{zone!r} is no zone of this backend")
        # How the server spells ids of zones: what is no letter, digit, dot or hyphen is `=` and its code.
        spelt = "".join(one if one.isalnum() or one in ".-" else f"={ord(one):02X}" for one in zone)
        return f"/api/v1/servers/{self._server}/zones/{spelt}"

    def _check(self, answer: Answer) -> None:
        """Raises BackendRefused for a no that certainly had no effect."""
        status = answer.status
        if status in (401, 403):
            raise BackendRefused(f"{self._name} does not accept our API key{self._said(answer.body)}")
        if 400 <= status < 500 and status != REQUEST_TIMEOUT:
            raise BackendRefused(f"{self._name} refused, with status {status}{self._said(answer.body)}")

    def _broken(self, answer: Answer) -> Broken:
        said = self._said(answer.body)
        return Broken(f"{self._name} gave no usable answer, with status {answer.status}{said}")

    def _said(self, body: Json) -> str:
        """The words of its error, for the end of a sentence."""
        error = body.get("error") if isinstance(body, dict) else None
        # The key goes first: a part of it that a cut leaves would not be found any more.
        text = " ".join(str(error or "").replace(self._secret, "(our key)").split())
        printable = "".join(letter for letter in text if letter.isprintable())
        return f": {printable[:LONGEST_WORDS]}" if printable else ""


def _turn_of(url: str, server: str, zone: str) -> Turn:
    """The same one for every adapter of this process that is given the same address."""
    with _TURNS_LOCK:
        return _TURNS.setdefault((url.rstrip("/").lower(), server, zone), Turn())
