"""AWS Route 53: the members of a weighted record set, or the one of a simple one.

Route 53 says yes when it has noted a change; its name servers have it within about a minute, and resolvers of others
when the time to live of what they hold is over. The list shows a change at once, so only probes prove that it is so.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Self, TypeAlias
from urllib.parse import urlsplit

from incidents.adapters import route53_list as lists
from incidents.adapters.base import check_batch
from incidents.adapters.route53_api import Api, Broken, Gone, NotNow
from incidents.adapters.route53_batch import Move, comment_of, edits_of, split
from incidents.adapters.route53_keys import Key
from incidents.adapters.route53_list import Sight
from incidents.adapters.route53_members import members_of
from incidents.adapters.route53_rehearsal import Rehearsal
from incidents.adapters.route53_xml import batch_of
from incidents.domain.changes import Cause, Change, Receipt, Reply, State, same
from incidents.domain.errors import AdapterError, BackendRefused, BackendTimeout, BackendUnreachable, InventoryFault
from incidents.domain.findings import Finding
from incidents.wire.deadline import Deadline
from incidents.wire.http import Client, check_url
from incidents.wire.settings import Secret, Settings, fault

SETTINGS = frozenset({"region", "endpoint", "access_key_id", "secret_access_key", "session_token"})
REGION = "us-east-1"
ENDPOINT = "https://route53.amazonaws.com"
NO_ZONE = "our keys know of no such hosted zone"

# A change and its place in the batch.
_Aim: TypeAlias = tuple[int, Change]
# Receipts by place, and why nothing more is to be sent now, which is the receipt of all others; empty where it may.
_Done: TypeAlias = tuple[dict[int, Receipt], str]


class Route53:
    """An `Adapter`; keys are described in `route53_keys`, states in `route53_members`.

    Args:
        name: slug of the backend, for messages.
        api: the account, not yet connected to.
        keys: what the inventory binds to this backend.
        budget_seconds: the longest that one call may take, connecting included.
    """

    def __init__(self, *, name: str, api: Api, keys: frozenset[str], budget_seconds: float) -> None:
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
        # Here and not above: botocore is for workers that have such a backend.
        from incidents.adapters.route53_signing import Keys, Signer

        given = Settings.of(settings, SETTINGS)
        region = given.text("region") if given.has("region") else REGION
        if not re.fullmatch(r"[a-z]{2,4}(?:-[a-z]{2,10}){1,3}-[0-9]{1,2}", region):
            raise fault("region", "must be the name of a region, such as us-east-1")
        client = Client(name, _endpoint(given))

        def read() -> Keys:
            session = _secret(given, "session_token", secret) if given.has("session_token") else ""
            access, hidden = _secret(given, "access_key_id", secret), _secret(given, "secret_access_key", secret)
            return Keys(access, hidden, session)

        read()  # what is wrong with them is told before anything is asked
        if any(cls.normalize_key(key) != key for key in keys):
            raise InventoryFault("the keys of this backend are not in their one form")
        api = Api(name, client, Signer(name, "route53", region, read).sign)
        return cls(name=name, api=api, keys=keys, budget_seconds=budget_seconds)

    @staticmethod
    def normalize_key(key: str) -> str:
        """`ZONE/NAME/TYPE` in its one form. Raises InventoryFault for anything else."""
        return str(Key.parse(key))

    def observe(self, keys: Sequence[str]) -> Mapping[str, State]:
        """What is not there, in a zone that is not there, or not ours is told so; the others are still seen."""
        check_batch(keys, self._keys, self._name)
        deadline = Deadline(self._budget)
        seen: dict[Key, Sight] = {}
        for zone, together in _by_zone(Key.parse(key) for key in keys).items():
            seen |= self._look(zone, together, deadline)
        return {key: seen[Key.parse(key)].state for key in keys}

    def rehearse(self, changes: Sequence[Change]) -> Sequence[Finding]:
        """What would be refused for a reason that can be seen now. Whether our keys may change anything cannot.

        Raises: UnknownKey; BackendUnreachable, BackendTimeout, BackendRefused.
        """
        if not changes:
            return []
        check_batch([change.key for change in changes], self._keys, self._name)
        deadline = Deadline(self._budget)
        rehearsal = Rehearsal(self._api, deadline)
        findings: list[Finding] = []
        asked = {Key.parse(change.key): change for change in changes}
        for zone, together in _by_zone(asked).items():
            seen = self._look(zone, together, deadline)
            findings += rehearsal.of(zone, {key: (asked[key], seen[key]) for key in together})
        return findings

    def apply(self, changes: Sequence[Change], cause: Cause) -> Sequence[Receipt]:
        """Reads, compares, then asks for all changes of a zone at once; absolute, so no idempotency key is needed."""
        check_batch([change.key for change in changes], self._keys, self._name)
        deadline, comment = Deadline(self._budget), comment_of(cause)
        receipts: dict[int, Receipt] = {}
        aims: dict[Key, _Aim] = {}
        for at, change in enumerate(changes):
            key = Key.parse(change.key)
            if key in aims:
                receipts[at] = Receipt(change.key, Reply.REFUSED, f"not sent: {key} was to be changed twice at once")
            aims.setdefault(key, (at, change))
        stop = ""
        for zone, keys in _by_zone(aims).items():
            if stop:
                break
            done, stop = self._carry_out(zone, {key: aims[key] for key in keys}, comment, deadline)
            receipts |= done
        return [receipts.get(at) or Receipt(change.key, Reply.NOT_SENT, stop) for at, change in enumerate(changes)]

    def close(self) -> None:
        self._api.close()

    def _look(self, zone: str, keys: Iterable[Key], deadline: Deadline) -> Mapping[Key, Sight]:
        try:
            return lists.read(self._api, zone, keys, deadline)
        except Gone:
            return {key: lists.absent(key, NO_ZONE) for key in keys}

    def _carry_out(self, zone: str, aims: Mapping[Key, _Aim], comment: str, deadline: Deadline) -> _Done:
        """Changes of one zone: one look, then one request for all that may be sent."""
        try:
            seen = self._look(zone, list(aims), deadline)
        except NotNow as error:
            return {}, str(error)
        except AdapterError as error:
            return {at: Receipt(change.key, _unread(error), str(error)) for at, change in aims.values()}, ""
        receipts: dict[int, Receipt] = {}
        moves: list[Move] = []
        for key, (at, change) in aims.items():
            found = _decide(at, key, change, seen[key])
            if isinstance(found, Move):
                moves.append(found)
            else:
                receipts[at] = found
        sent, stop = self._send(zone, moves, comment, deadline)
        return receipts | sent, stop

    def _send(self, zone: str, moves: Sequence[Move], comment: str, deadline: Deadline) -> _Done:
        receipts: dict[int, Receipt] = {}
        for batch in split(moves):
            edits = [edit for move in batch for edit in move.edits]
            try:
                noted = self._api.change(zone, batch_of(edits, comment), deadline)
                reply, words = Reply.ACCEPTED, f"noted as {noted}; its name servers have it in about a minute"
            except NotNow as error:
                return receipts, str(error)
            except AdapterError as error:
                reply, words = _unanswered(error), str(error)
                if reply is Reply.REFUSED and len(batch) > 1:
                    words = f"{words}; of {len(batch)} changes that were asked for together none was made"
            receipts |= {move.at: Receipt(str(move.key), reply, words) for move in batch}
        return receipts, ""


def _decide(at: int, key: Key, change: Change, sight: Sight) -> Move | Receipt:
    """What to ask for, or a receipt where nothing needs to be, or may be, asked for."""
    if same(sight.state, change.after) and not sight.other and sight.members:
        return Receipt(change.key, Reply.ACCEPTED, "it is so already")
    if sight.other:
        return Receipt(change.key, Reply.REFUSED, f"not sent: {key} is left alone: {sight.other}")
    try:
        wanted = members_of(key.type, change.after)
    except ValueError as error:
        return Receipt(change.key, Reply.REFUSED, f"not sent: {key} {error}")
    if not same(sight.state, change.before):
        words = f"not sent: {key} is neither what it was when this was planned nor what it was to become"
        return Receipt(change.key, Reply.REFUSED, words)
    move = Move(at, key, edits_of(key, sight.members, wanted))
    if move.is_too_large:
        return Receipt(change.key, Reply.REFUSED, f"not sent: {key} is more than Route 53 changes in one request")
    return move


def _by_zone(keys: Iterable[Key]) -> Mapping[str, Sequence[Key]]:
    zones: dict[str, list[Key]] = defaultdict(list)
    for key in keys:
        zones[key.zone].append(key)
    return dict(zones)


def _endpoint(given: Settings) -> str:
    """Where the API is: https, or http to a loopback address, for a session token goes with every call."""
    url = check_url("endpoint", given.text("endpoint") if given.has("endpoint") else ENDPOINT, plain=True)
    parts = urlsplit(url)
    if parts.scheme == "http":
        try:
            loopback = ip_address(parts.hostname or "").is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise fault("endpoint", "must begin with https://; http:// is for a numeric loopback address only")
    return url


def _secret(given: Settings, setting: str, secret: Secret) -> str:
    text = given.secret(setting, secret).strip()
    pattern = r"[0-9A-Z]{16,128}" if setting == "access_key_id" else r"[!-~]{1,8192}"
    if not re.fullmatch(pattern, text):
        raise fault(setting, "must be as AWS gives it: printable ASCII without spaces")
    return text


def _unread(error: AdapterError) -> Reply:
    """What a look that failed means for the change that was to follow it: nothing was sent to change anything."""
    later = isinstance(error, Broken | BackendUnreachable | BackendTimeout)
    return Reply.NOT_SENT if later else Reply.REFUSED


def _unanswered(error: AdapterError) -> Reply:
    """What came of a request to change something."""
    if isinstance(error, BackendUnreachable):
        return Reply.NOT_SENT
    refused = isinstance(error, BackendRefused) and not isinstance(error, Broken)
    return Reply.REFUSED if refused else Reply.UNANSWERED
