"""PowerDNS Authoritative Server 4.x and 5.x by its HTTP API: record sets, replaced whole.

Its API takes a replacement without records as "delete this", and knows no compare-and-set. So no empty set ever leaves
this adapter, and between our look at a zone and our change only the threads of this process are kept apart.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar
from urllib.parse import urlsplit

from incidents.adapters import powerdns_sets as sets
from incidents.adapters.base import check_batch
from incidents.adapters.powerdns_api import Api, Broken
from incidents.adapters.powerdns_sets import Key, Reading
from incidents.domain.changes import Cause, Change, Receipt, Reply, State, same
from incidents.domain.errors import AdapterError, BackendRefused, BackendTimeout, BackendUnreachable, InventoryFault
from incidents.domain.findings import Finding, blocker
from incidents.wire.deadline import Deadline
from incidents.wire.http import Client, check_guarded_url, trust
from incidents.wire.settings import Settings, fault

SETTINGS = frozenset({"url", "api_key", "server", "ca"})
SERVER = "localhost"
# Zones of one batch that are asked for at once.
AT_ONCE = 4

Result = TypeVar("Result")


class PowerDns:
    """An `Adapter`; keys and states are described in `powerdns_sets`.

    Args:
        name: slug of the backend, for messages.
        api: the server, not yet connected to; it may be asked for the zones of `keys` only.
        keys: what the inventory binds to this backend, each in its one form.
        budget_seconds: the longest that one call may take, connecting included.
    """

    def __init__(self, *, name: str, api: Api, keys: Mapping[str, Key], budget_seconds: float) -> None:
        self._name, self._api, self._keys, self._budget = name, api, keys, budget_seconds

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
        url = _url(given)
        server = given.text("server") if given.has("server") else SERVER
        if not re.fullmatch(r"[0-9A-Za-z_-]{1,64}", server):
            raise fault("server", "must be the id of a server, such as localhost")
        tls = trust("ca", given.secret("ca", secret) if given.has("ca") else None)
        api_key = given.secret("api_key", secret).strip()
        if not re.fullmatch(r"[!-~]+", api_key):
            raise fault("api_key", "must be a key of the API: printable ASCII without spaces")
        if any(cls.normalize_key(key) != key for key in keys):
            raise InventoryFault("the keys of this backend are not in their one form")
        parsed = {key: sets.parse_key(key) for key in keys}
        zones = frozenset(key.zone for key in parsed.values())
        client = Client(name, url, {"X-API-Key": api_key}, tls)
        api = Api(name=name, client=client, server=server, secret=api_key, zones=zones)
        return cls(name=name, api=api, keys=parsed, budget_seconds=budget_seconds)

    @staticmethod
    def normalize_key(key: str) -> str:
        """`ZONE/NAME/TYPE`, absolute and in small letters. Raises InventoryFault for anything else."""
        return sets.normalize_key(key)

    def observe(self, keys: Sequence[str]) -> Mapping[str, State]:
        """A set that is not there is told as one without records; in a zone that is not there, as locked besides."""
        readings = self._look(keys, Deadline(self._budget))
        return {key: readings[self._keys[key].zone].state(self._keys[key]) for key in keys}

    def rehearse(self, changes: Sequence[Change]) -> Sequence[Finding]:
        """What would be refused for a reason that can be seen now. Whether the server likes a record cannot.

        Raises: UnknownKey; BackendUnreachable, BackendTimeout, BackendRefused.
        """
        if not changes:
            return []
        readings = self._look([change.key for change in changes], Deadline(self._budget))
        findings = []
        for change in changes:
            key = self._keys[change.key]
            code, text = sets.refusal(key, change.after, readings[key.zone])
            if code:
                findings.append(blocker(code, text, change.key))
        return findings

    def apply(self, changes: Sequence[Change], cause: Cause) -> Sequence[Receipt]:
        """Zone by zone: reads it, compares, then replaces all its sets with one request.

        Absolute, so the idempotency key is not needed. PowerDNS has no place for the cause but comments, which belong
        to others; nothing of it is sent.
        """
        check_batch([change.key for change in changes], frozenset(self._keys), self._name)
        deadline = Deadline(self._budget)
        receipts: dict[int, Receipt] = {}
        places: dict[str, list[int]] = defaultdict(list)
        for place, change in enumerate(changes):
            key = self._keys[change.key]
            unfit = sets.not_writable(key, change.after)
            if unfit:
                receipts[place] = Receipt(change.key, Reply.REFUSED, unfit)
            else:
                places[key.zone].append(place)
        answers = _each(
            lambda zone: self._carry_out(zone, [changes[at] for at in places[zone]], deadline), list(places)
        )
        for group, answered in zip(places.values(), answers, strict=True):
            receipts |= dict(zip(group, answered, strict=True))
        return [receipts[place] for place in range(len(changes))]

    def close(self) -> None:
        self._api.close()

    def _look(self, keys: Sequence[str], deadline: Deadline) -> Mapping[str, Reading]:
        """What each zone of these keys holds. Raises also EmptyBatch, UnknownKey."""
        check_batch(keys, frozenset(self._keys), self._name)
        zones = list(dict.fromkeys(self._keys[key].zone for key in keys))
        return dict(zip(zones, _each(lambda zone: self._api.zone(zone, deadline), zones), strict=True))

    def _carry_out(self, zone: str, changes: Sequence[Change], deadline: Deadline) -> Sequence[Receipt]:
        """Changes of one zone: one reading, then one request for all that are to be sent."""
        try:
            with self._api.turn(zone, deadline):
                reading = self._api.zone(zone, deadline)
                verdicts = [self._verdict(change, reading) for change in changes]
                unsent = [change for change, verdict in zip(changes, verdicts, strict=True) if verdict is None]
                sent = self._send(zone, unsent, deadline) if unsent else (Reply.ACCEPTED, "")
        except AdapterError as error:
            # Raised only by what comes before anything is sent to change something.
            later = isinstance(error, Broken | BackendUnreachable | BackendTimeout)
            reply = Reply.NOT_SENT if later else Reply.REFUSED
            return [Receipt(change.key, reply, str(error)) for change in changes]
        return [verdict or Receipt(change.key, *sent) for change, verdict in zip(changes, verdicts, strict=True)]

    def _verdict(self, change: Change, reading: Reading) -> Receipt | None:
        """What is told of a change without sending it; None where it is to be sent."""
        key = self._keys[change.key]
        now = reading.state(key)
        if same(now, change.after):
            return Receipt(change.key, Reply.ACCEPTED, "it is so already")
        _, words = sets.refusal(key, change.after, reading)
        if not words and not same(now, change.before):
            title = f"{key.name} {key.type}"
            words = f"{title} is neither what it was when this was planned nor what it was to become; nothing was sent."
        return Receipt(change.key, Reply.REFUSED, words) if words else None

    def _send(self, zone: str, changes: Sequence[Change], deadline: Deadline) -> tuple[Reply, str]:
        """What came of the request, for every change in it: the server does all of it, or nothing."""
        wanted = [sets.replacement(self._keys[change.key], change.after) for change in changes]
        try:
            self._api.replace(zone, wanted, deadline)
        except BackendUnreachable as error:
            return Reply.NOT_SENT, str(error)
        except (BackendTimeout, Broken) as error:
            return Reply.UNANSWERED, str(error)
        except BackendRefused as error:
            return Reply.REFUSED, str(error)
        return Reply.ACCEPTED, ""


def _url(given: Settings) -> str:
    """The address of the API: https, or http to a loopback address, for the key goes with every call."""
    url = check_guarded_url("url", given.text("url"))
    if "/api/v1" in urlsplit(url).path:
        raise fault("url", "must end before /api/v1")
    if url.startswith("http:") and given.has("ca"):
        raise fault("ca", "has no meaning without https")
    return url


def _each(work: Callable[[str], Result], zones: Sequence[str]) -> Sequence[Result]:
    """The work done for every zone, some at a time; what has not begun when one fails is left undone."""
    if len(zones) < 2:
        return [work(zone) for zone in zones]
    with ThreadPoolExecutor(min(AT_ONCE, len(zones))) as pool:
        return list(pool.map(work, zones))
