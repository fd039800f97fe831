"""A stand-in for a validator: answers as Routinator's over real HTTP, from records of its own, and misbehaviour."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from tests.fakes.web import Answer, Request, Web


class FakeValidator:
    """Use it as a context; fill `records` with (AS, prefix, longest length), set `mode`, look into `asked`.

    Modes: `ok`; `slow` (answers after `seconds`); `hang` (never answers); `cut` (the connection is lost); `broken`
    (500); `first` (503, as until its first run is complete); `garbage` (text); `empty` (an object without anything in
    it); `other` (answers another question); `flatter` (says valid whatever its records say). `status_mode` is the same
    for its status. `minutes` is how long ago its last run ended; `done` and `now` overrule what its status says.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.mode, self.status_mode, self.seconds = "ok", "ok", 0.3
        self.records: list[tuple[int, str, int]] = []
        self.minutes = 5.0
        self.done: Any = ...
        self.now: Any = ...
        self.asked: list[str] = []
        self.web = Web(self._answer, tls)
        self.url = self.web.url

    def __enter__(self) -> Self:
        self.web.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.web.__exit__()

    def _answer(self, request: Request) -> Answer | None:
        self.asked.append(request.path)
        about_itself = request.path == "/api/v1/status"
        mode = self.status_mode if about_itself else self.mode
        if mode in ("slow", "hang"):
            self.web.ended.wait(self.seconds if mode == "slow" else None)
        if mode in ("hang", "cut"):
            return None
        fixed = {
            "broken": Answer(500, "internal server error"),
            "first": Answer(503, "Initial validation ongoing. Please wait."),
            "garbage": Answer(200, "valid"),
            "empty": Answer(200, {}),
        }
        if mode in fixed:
            return fixed[mode]
        if about_itself:
            return Answer(200, self._status())
        asn, _, prefix = request.path.removeprefix("/api/v1/validity/").partition("/")
        return Answer(200, self._validity("AS64511" if mode == "other" else asn, prefix, mode == "flatter"))

    def _status(self) -> dict[str, Any]:
        now = datetime.now(UTC)
        done = _as_routinator(now - timedelta(minutes=self.minutes)) if self.done is ... else self.done
        return {
            "version": "routinator/0.15.1",
            "serial": 7,
            "now": _as_routinator(now) if self.now is ... else self.now,
            "lastUpdateStart": _as_routinator(now),
            "lastUpdateDone": done,
        }

    def _validity(self, asn: str, prefix: str, flatter: bool) -> dict[str, Any]:
        network = ipaddress.ip_network(prefix)
        lists: dict[str, list[dict[str, str]]] = {"matched": [], "unmatched_as": [], "unmatched_length": []}
        for number, covering, longest in self.records:
            other = ipaddress.ip_network(covering)
            if other.version != network.version or not network.subnet_of(other):  # type: ignore[arg-type]
                continue
            fits = "matched" if f"AS{number}" == asn else "unmatched_as"
            name = "unmatched_length" if network.prefixlen > longest else fits
            lists[name].append({"asn": f"AS{number}", "prefix": covering, "max_length": str(longest)})
        validity: dict[str, Any] = {"state": "not-found", "description": "No VRP Covers the Route Prefix"}
        if lists["matched"] or flatter:
            validity = {"state": "valid", "description": "At least one VRP Matches the Route Prefix"}
        elif lists["unmatched_as"] or lists["unmatched_length"]:
            reason = "as" if lists["unmatched_as"] else "length"
            validity = {"state": "invalid", "reason": reason, "description": "At least one VRP Covers the Route Prefix"}
        route = {"origin_asn": asn, "prefix": prefix}
        return {"validated_route": {"route": route, "validity": {**validity, "VRPs": lists}}}


def _as_routinator(moment: datetime) -> str:
    """With the nine digits of a second that it writes."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f000+00:00")
