"""Cloudflare BYOIP by HTTPS: whether a prefix is advertised, and which services it is bound to.

Its API says yes when it has noted a request; a prefix is advertised some minutes later, withdrawn some fifteen minutes
later. What it then shows is what it was told, so only probes prove that it is so.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self, TypeVar

from incidents.adapters import cloudflare_byoip_states as states
from incidents.adapters.base import check_batch
from incidents.adapters.cloudflare_byoip_api import Api, Broken, Gone, NotNow
from incidents.adapters.cloudflare_byoip_states import Holder, Sight
from incidents.domain.changes import Cause, Change, Receipt, Reply, State, same
from incidents.domain.errors import AdapterError, BackendRefused, BackendTimeout, BackendUnreachable, InventoryFault
from incidents.domain.findings import Finding, blocker
from incidents.wire.deadline import Deadline
from incidents.wire.http import Client, check_guarded_url, trust
from incidents.wire.settings import Settings, fault

SETTINGS = frozenset({"account", "token", "url", "ca"})
URL = "https://api.cloudflare.com/client/v4"
# Calls under way at once for one batch.
AT_ONCE = 8
# Changes that are compared with one reading, so that none of them waits long after it.
CHANGES_A_READING = 8

Item = TypeVar("Item")
Result = TypeVar("Result")


class CloudflareByoip:
    """An `Adapter`; keys and states are described in `cloudflare_byoip_states`.

    Args:
        name: slug of the backend, for messages.
        api: the account, not yet connected to.
        keys: what the inventory binds to this backend.
        budget_seconds: the longest that one call may take, connecting included.
    """

    def __init__(self, *, name: str, api: Api, keys: frozenset[str], budget_seconds: float) -> None:
        self._name, self._api, self._keys, self._budget = name, api, keys, budget_seconds
        # Ids only, never states; those of approved prefixes, for an approval is not taken back.
        self._holders: dict[str, Holder] = {}
        self._lock = threading.Lock()

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
        account = given.text("account")
        if not re.fullmatch(r"[0-9a-f]{32}", account):
            raise fault("account", "must be the id of an account, 32 hexadecimal digits in small letters")
        url = _url(given)
        tls = trust("ca", given.secret("ca", secret) if given.has("ca") else None)
        token = given.secret("token", secret).strip()
        if not re.fullmatch(r"[!-~]+", token):
            raise fault("token", "must be a token of the API: printable ASCII without spaces")
        if any(cls.normalize_key(key) != key for key in keys):
            raise InventoryFault("the keys of this backend are not in their one form")
        client = Client(name, url, {"Authorization": f"Bearer {token}"}, tls)
        api = Api(name=name, client=client, account=account, token=token)
        return cls(name=name, api=api, keys=keys, budget_seconds=budget_seconds)

    @staticmethod
    def normalize_key(key: str) -> str:
        """A canonical prefix, or one with `/bindings` after it. Raises InventoryFault for anything else."""
        return states.normalize_key(key)

    def observe(self, keys: Sequence[str]) -> Mapping[str, State]:
        """What the account does not have is told as not advertised and locked, so that the others are still seen."""
        check_batch(keys, self._keys, self._name)
        return {key: sight.state for key, sight in self._look(keys, Deadline(self._budget)).items()}

    def rehearse(self, changes: Sequence[Change]) -> Sequence[Finding]:
        """What would be refused for a reason that can be seen now. Whether the token may change anything cannot.

        Raises: UnknownKey; BackendUnreachable, BackendTimeout, BackendRefused.
        """
        if not changes:
            return []
        keys = [change.key for change in changes]
        check_batch(keys, self._keys, self._name)
        seen = self._look(keys, Deadline(self._budget))
        findings = []
        for change in changes:
            code, text = states.refusal(change.key, change.after, seen[change.key].state)
            if code:
                findings.append(blocker(code, text, change.key))
        return findings

    def apply(self, changes: Sequence[Change], cause: Cause) -> Sequence[Receipt]:
        """Reads, compares, then asks for each route by itself; absolute, so the idempotency key is not needed.

        The API has no place for the cause of a change; nothing of it is sent.
        """
        keys = [change.key for change in changes]
        check_batch(keys, self._keys, self._name)
        deadline, brake = Deadline(self._budget), _Brake()
        routes = [place for place, key in enumerate(keys) if not states.is_bindings(key)]
        receipts = {place: Receipt(key, Reply.REFUSED, states.HOURS) for place, key in enumerate(keys)}
        try:
            held = self._holders_of([keys[place] for place in routes], deadline)
        except AdapterError as error:
            receipts |= {place: Receipt(keys[place], _unread(error), str(error)) for place in routes}
        else:
            groups = _groups(routes, [held[keys[place]] for place in routes])
            answers = _each(lambda group: self._carry_out([changes[at] for at in group], deadline, brake), groups)
            for group, answered in zip(groups, answers, strict=True):
                receipts |= dict(zip(group, answered, strict=True))
        return [receipts[place] for place in range(len(keys))]

    def close(self) -> None:
        self._api.close()

    def _carry_out(self, changes: Sequence[Change], deadline: Deadline, brake: _Brake) -> Sequence[Receipt]:
        """Changes of one holder: one reading, then a request for each."""
        try:
            brake.check()
            seen = self._look([change.key for change in changes], deadline)
        except AdapterError as error:
            brake.note(error)
            return [Receipt(change.key, _unread(error), str(error)) for change in changes]
        return [self._switch(change, seen[change.key], deadline, brake) for change in changes]

    def _switch(self, change: Change, sight: Sight, deadline: Deadline, brake: _Brake) -> Receipt:
        key = change.key
        if same(sight.state, change.after):
            return Receipt(key, Reply.ACCEPTED, "it is so already")
        _, words = states.refusal(key, change.after, sight.state)
        if sight.route and states.has_moved(change, sight.state):
            words = f"{key} is neither what it was when this was planned nor what it was to become; nothing was sent."
        if words:
            return Receipt(key, Reply.REFUSED, words)
        try:
            brake.check()
            self._api.advertise(sight.holder, sight.route, change.after["advertised"] is True, deadline)
        except AdapterError as error:
            brake.note(error)
            if isinstance(error, Gone):
                self._forget()
            return Receipt(key, _unanswered(error), str(error))
        return Receipt(key, Reply.ACCEPTED)

    def _look(self, keys: Iterable[str], deadline: Deadline) -> Mapping[str, Sight]:
        """What is there of each key: one list of each holder, and of the account where a holder is not known yet."""
        try:
            return self._look_once(keys, deadline)
        except Gone:
            # A prefix that was taken away and brought back has another id.
            self._forget()
            return self._look_once(keys, deadline)

    def _look_once(self, keys: Iterable[str], deadline: Deadline) -> Mapping[str, Sight]:
        held = self._holders_of(keys, deadline)
        lists: dict[tuple[Holder, bool], list[str]] = defaultdict(list)
        seen: dict[str, Sight] = {}
        for key, holder in held.items():
            if holder is None:
                seen[key] = Sight(states.ABSENT_BINDINGS if states.is_bindings(key) else states.ABSENT)
            else:
                lists[holder, states.is_bindings(key)].append(key)

        def read(of: tuple[Holder, bool]) -> Mapping[str, Sight]:
            holder, bindings = of
            if bindings:
                rows = self._api.bindings(holder.id, deadline)
                return {key: Sight(states.state_of_bindings(key, rows), holder.id) for key in lists[of]}
            rows = self._api.routes(holder.id, deadline)
            return states.sights_of_routes(lists[of], holder, rows)

        for part in _each(read, list(lists)):
            seen |= part
        return {key: seen[key] for key in held}

    def _holders_of(self, keys: Iterable[str], deadline: Deadline) -> Mapping[str, Holder | None]:
        """The holder of each key; None where the account has none, which is never remembered."""
        with self._lock:
            known = dict(self._holders)
        wanted = list(dict.fromkeys(keys))
        if all(key in known for key in wanted):
            return {key: known[key] for key in wanted}
        prefixes = self._api.prefixes(deadline)
        found = states.find_holders(self._keys, prefixes)
        with self._lock:
            self._holders = {key: holder for key, holder in found.items() if holder and not holder.pending}
        return {key: found[key] for key in wanted}

    def _forget(self) -> None:
        with self._lock:
            self._holders = {}


@dataclass(slots=True)
class _Brake:
    """Stops a batch when the backend takes no more calls: each further one would be refused in the same way."""

    words: str = ""

    def check(self) -> None:
        """Raises NotNow once that has happened."""
        if self.words:
            raise NotNow(self.words)

    def note(self, error: AdapterError) -> None:
        if isinstance(error, NotNow):
            self.words = str(error)


def _url(given: Settings) -> str:
    """The address of the API; the token goes with every call."""
    url = check_guarded_url("url", given.text("url") if given.has("url") else URL)
    if given.has("ca") and not url.startswith("https:"):
        raise fault("ca", "has no meaning without https")
    return url


def _groups(places: Sequence[int], holders: Sequence[Holder | None]) -> Sequence[Sequence[int]]:
    """Places of a batch by what holds them, not too many in one."""
    together: dict[Holder | None, list[int]] = defaultdict(list)
    for place, holder in zip(places, holders, strict=True):
        together[holder].append(place)
    return [
        group[start : start + CHANGES_A_READING]
        for group in together.values()
        for start in range(0, len(group), CHANGES_A_READING)
    ]


def _each(work: Callable[[Item], Result], items: Sequence[Item]) -> Sequence[Result]:
    """The work done for every item, some at a time; what has not begun when one fails is left undone."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(AT_ONCE, len(items))) as pool:
        calls = [pool.submit(work, item) for item in items]
        try:
            return [call.result() for call in calls]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _unread(error: AdapterError) -> Reply:
    """What a look that failed means for the change that was to follow it: nothing was sent to change anything."""
    later = isinstance(error, NotNow | Broken | Gone | BackendUnreachable | BackendTimeout)
    return Reply.NOT_SENT if later else Reply.REFUSED


def _unanswered(error: AdapterError) -> Reply:
    """What came of a request to change something."""
    if isinstance(error, NotNow | BackendUnreachable):
        return Reply.NOT_SENT
    refused = isinstance(error, BackendRefused) and not isinstance(error, Broken)
    return Reply.REFUSED if refused else Reply.UNANSWERED
