"""May this network announce this prefix? A validator of the RPKI says so, as Routinator does by HTTP.

    GET /api/v1/status                    `lastUpdateDone` and `now`, ISO 8601: how fresh its records are
    GET /api/v1/validity/AS64496/PREFIX   `validated_route.validity`: state, reason, and the records (VRPs) behind it

Source: manual of Routinator 0.15, "API Endpoints", "JSON Metrics" and "Validity Checker". Its `/status` is plain text.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self, TypeAlias

from incidents.domain.canonical import Json
from incidents.domain.errors import AdapterError
from incidents.domain.rpki import Origin, Validity
from incidents.domain.verdicts import Mark, Reading
from incidents.probes.base import Point
from incidents.wire.deadline import Deadline
from incidents.wire.http import Answer, Client, check_url, trust
from incidents.wire.settings import Settings, fault

SETTINGS = frozenset({"url", "stale_minutes", "ca"})
STALE_MINUTES = 60
LONGEST_STALE_MINUTES = 1440
# Questions under way at once.
AT_ONCE = 8
# Records that are named in an answer; a holder with more of them is told enough by these.
MOST_ROAS = 8
HIGHEST_AS = 2**32 - 1

WATCHES_NOTHING = Reading(Mark.ERROR, detail="this probe is asked by actions and watches nothing")

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Route: TypeAlias = tuple[int, str]


class Rpki:
    """A `Validator`; as a `Probe` it measures nothing, and says so.

    Args:
        name: slug of the probe, for messages.
        client: of the validator, not yet connected.
        stale: how long ago its last complete look at the records may be.
        budget_seconds: the longest that one batch of questions may take.
    """

    def __init__(self, *, name: str, client: Client, stale: timedelta, budget_seconds: float) -> None:
        self._name, self._client, self._stale, self._budget = name, client, stale, budget_seconds

    @classmethod
    def from_settings(
        cls, *, name: str, settings: Mapping[str, object], secret: Callable[[str], str], budget_seconds: float
    ) -> Self:
        """Raises InventoryFault for a setting that is unknown or ill-typed; see docs/probes.md."""
        given = Settings.of(settings, SETTINGS)
        url = check_url("url", given.text("url"), plain=True)
        if given.has("ca") and not url.startswith("https:"):
            raise fault("ca", "is of no use without https")
        tls = trust("ca", given.secret("ca", secret) if given.has("ca") else None)
        stale = timedelta(minutes=_minutes(given))
        return cls(name=name, client=Client(name, url, tls=tls), stale=stale, budget_seconds=budget_seconds)

    def measure(self, points: Sequence[Point]) -> Mapping[int, Reading]:
        """An `error` for every point: what is authorised says nothing about what is reachable."""
        return {point.id: WATCHES_NOTHING for point in points}

    def validity(self, routes: Sequence[Route]) -> Mapping[Route, Validity]:
        """What the RPKI says of each (origin AS, prefix).

        Everything is `unknown` when the validator does not answer or is stale: what it knew may have been taken back
        since. What cannot be understood is `unknown` too. Nothing is raised for its trouble.
        """
        wanted = list(dict.fromkeys(routes))
        if not wanted:
            return {}
        deadline = Deadline(self._budget)
        trouble = self._trouble(deadline)
        if trouble:
            return dict.fromkeys(wanted, _unknown(trouble))
        try:
            with ThreadPoolExecutor(min(AT_ONCE, len(wanted))) as pool:
                answers = pool.map(lambda route: self._ask(route[0], route[1], deadline), wanted)
                return dict(zip(wanted, answers, strict=True))
        except RuntimeError:  # the system lets no further thread start
            return dict.fromkeys(wanted, _unknown(f"this machine could not ask {self._name}"))

    def close(self) -> None:
        self._client.close()

    def _trouble(self, deadline: Deadline) -> str:
        """Why nothing that it says now can be relied on; empty where it can."""
        try:
            answer = self._client.call(deadline, "GET", "/api/v1/status")
        except AdapterError as error:
            return str(error)
        if answer.status == 503:
            return f"{self._name} has not read all records yet"
        body = answer.body if answer.status == 200 and isinstance(answer.body, Mapping) else {}
        done, now = _moment(body.get("lastUpdateDone")), _moment(body.get("now"))
        if done is None or now is None:
            return f"{self._name} does not say when it read the records"
        # The later of both clocks: one of them may be wrong, and an answer may come out of a cache.
        age = max(now, datetime.now(UTC)) - done
        if age < timedelta(0):
            return f"{self._name} says that it read the records in the future"
        if age > self._stale:
            return f"{self._name} has not read the records for {age // timedelta(minutes=1)} minutes"
        return ""

    def _ask(self, asn: int, prefix: str, deadline: Deadline) -> Validity:
        try:
            network = ipaddress.ip_network(prefix)
        except ValueError:
            return _unknown(f"{prefix!r} is no prefix")
        if not 0 <= asn <= HIGHEST_AS:
            return _unknown(f"{asn} is no AS number")
        try:
            answer = self._client.call(deadline, "GET", f"/api/v1/validity/AS{asn}/{network}")
            return _validity(answer, asn, network)
        except AdapterError as error:
            return _unknown(str(error))
        except ValueError as error:
            return _unknown(f"{self._name} gave {error}")


@dataclass(frozen=True, slots=True)
class _Record:
    """A validated ROA payload (VRP): this AS may announce this prefix, and parts of it down to that length."""

    asn: int
    network: Network
    longest: int

    def __str__(self) -> str:
        return f"AS{self.asn} {self.network} max /{self.longest}"

    def covers(self, network: Network) -> bool:
        return self.network.version == network.version and network.subnet_of(self.network)  # type: ignore[arg-type]

    def matches(self, asn: int, network: Network) -> bool:
        return self.covers(network) and self.asn == asn and network.prefixlen <= self.longest


def _unknown(detail: str) -> Validity:
    return Validity(Origin.UNKNOWN, detail=detail)


def _validity(answer: Answer, asn: int, network: Network) -> Validity:
    """The answer to the question about this route. Raises ValueError, for the end of "it gave ...", for any other."""
    if answer.status != 200:
        raise ValueError(f"no answer, with status {answer.status}")
    answered = _object(_object(answer.body).get("validated_route"))
    if not answered:
        raise ValueError("no usable answer")
    route, validity = _object(answered.get("route")), _object(answered.get("validity"))
    if (_asn(route.get("origin_asn")), _network(route.get("prefix"))) != (asn, network):
        raise ValueError("an answer to another question")
    lists = _object(validity.get("VRPs"))
    names = ("matched", "unmatched_as", "unmatched_length")
    covering = [record for name in names for record in _records(lists.get(name)) if record.covers(network)]
    state = _state(covering, asn, network)
    if validity.get("state") != state:
        raise ValueError("an answer that its own records contradict")
    reason = validity.get("reason") if state is Origin.INVALID else ""
    telling = [record for record in covering if state is Origin.INVALID or record.matches(asn, network)]
    return Validity(state, reason if reason in ("as", "length") else "", tuple(map(str, telling[:MOST_ROAS])))


def _state(covering: Sequence[_Record], asn: int, network: Network) -> Origin:
    """RFC 6811 section 2, over the records that cover the prefix."""
    if any(record.matches(asn, network) for record in covering):
        return Origin.VALID
    return Origin.INVALID if covering else Origin.NOT_FOUND


def _records(value: Json) -> Sequence[_Record]:
    if not isinstance(value, list):
        raise ValueError("an answer without its records")
    rows = [_object(row) for row in value]
    return [_Record(_asn(row.get("asn")), _network(row.get("prefix")), _length(row.get("max_length"))) for row in rows]


def _asn(value: Json) -> int:
    if not re.fullmatch(r"AS[0-9]{1,10}", str(value)):
        raise ValueError("an answer with an AS number that is none")
    return int(str(value)[2:])


def _network(value: Json) -> Network:
    try:
        return ipaddress.ip_network(str(value))
    except ValueError:
        raise ValueError("an answer with a prefix that is none") from None


def _length(value: Json) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", str(value)):
        raise ValueError("an answer with a length that is none")
    return int(str(value))


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _moment(value: Json) -> datetime | None:
    """A moment of a time zone; None for anything else."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def _minutes(given: Settings) -> int:
    value = given.given.get("stale_minutes", STALE_MINUTES)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST_STALE_MINUTES:
        raise fault("stale_minutes", f"must be a whole number from 1 to {LONGEST_STALE_MINUTES}")
    return value
