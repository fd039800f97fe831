"""A stand-in for Cloudflare's addressing API: its published fields over real HTTP, and misbehaviour on demand."""

from __future__ import annotations

import ssl
from itertools import count
from types import TracebackType
from typing import Any, Self

from tests.fakes.web import Answer, Request, Web

ACCOUNT = "0123456789abcdef0123456789abcdef"
TOKEN = "v1.0-e7c3-only-for-tests"
MODES = (
    "ok",
    "slow",
    "hang",
    "refuse",
    "unauthorized",
    "unsuccessful",
    "limit",
    "broken",
    "garbage",
    "lie",
    "drop_reply",
    "cut",
    "die",
)


class FakeCloudflare:
    """Use it as a context; add prefixes, set a mode for each method, look into `calls` and `changes`.

    Modes: `ok`; `slow` (answers after `seconds`); `hang` (does nothing, never answers); `refuse` (403, repeating the
    token); `unauthorized` (401); `unsuccessful` (200 with `success: false`); `limit` (429 with Retry-After); `broken`
    (502, a page); `garbage` (200 with text); `lie` (says yes and does nothing); `drop_reply` (does it, then the
    connection is lost); `cut` (does nothing, and the connection is lost); `die` (does nothing, every connection is
    lost, and nobody listens any more).

    `only` limits a mode to requests whose path holds it. `per_page` makes pages that long. `calls` are (method, path
    after the account, query); `changes` counts the requests that changed something.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.modes = {"GET": "ok", "PATCH": "ok"}
        self.only, self.seconds, self.per_page, self.repeats_pages = "", 0.3, 0, False
        self.prefixes: dict[str, dict[str, Any]] = {}
        self.routes: dict[str, list[dict[str, Any]]] = {}
        self.bindings: dict[str, list[dict[str, Any]]] = {}
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.changes = 0
        self._ids = count(1)
        self.web = Web(self._answer, tls)
        self.url = f"{self.web.url}/client/v4"

    def __enter__(self) -> Self:
        self.web.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.web.__exit__()

    def add(self, cidr: str, *parts: str, services: tuple[str, ...] = ("CDN",), **row: Any) -> str:
        """A prefix with what can be advertised of it: itself where no parts are named. Gives its id."""
        holder = self._id()
        self.prefixes[holder] = {
            "id": holder,
            "account_id": ACCOUNT,
            "cidr": cidr,
            "asn": 64496,
            "approved": "V",
            **row,
        }
        self.routes[holder] = []
        for part in parts or (cidr,):
            self.add_route(holder, part)
        self.bindings[holder] = [self.binding(cidr, service) for service in services]
        return holder

    def add_route(self, holder: str, cidr: str) -> dict[str, Any]:
        demand = {
            "advertised": False,
            "advertised_modified_at": "2026-02-20T17:56:00Z",
            "on_demand_enabled": True,
            "on_demand_locked": False,
        }
        route = {
            "id": self._id(),
            "cidr": cidr,
            "asn": 64496,
            "asn_prepend_count": 0,
            "on_demand": demand,
            "bgp_signal_opts": {"enabled": False, "modified_at": None},
        }
        self.routes[holder].append(route)
        return route

    def binding(self, cidr: str, service: str, state: str = "active") -> dict[str, Any]:
        return {
            "id": self._id(),
            "cidr": cidr,
            "service_id": self._id(),
            "service_name": service,
            "provisioning": {"state": state},
        }

    def route(self, cidr: str) -> dict[str, Any]:
        """What can be advertised under that prefix, to be looked at or tampered with."""
        return next(route for routes in self.routes.values() for route in routes if route["cidr"] == cidr)

    def advertised(self, cidr: str) -> bool:
        return bool(self.route(cidr)["on_demand"]["advertised"])

    def asked(self, method: str) -> int:
        return sum(call[0] == method for call in self.calls)

    def _id(self) -> str:
        return f"{next(self._ids):032x}"

    def _answer(self, request: Request) -> Answer | None:
        top = f"/client/v4/accounts/{ACCOUNT}/addressing"
        path = request.path.removeprefix(top)
        self.calls.append((request.method, path, dict(request.query)))
        mode = self.modes.get(request.method, "ok") if self.only in request.path else "ok"
        if mode == "slow":
            self.web.ended.wait(self.seconds)
        elif mode == "die":
            self.web.die()
        if mode in ("hang", "cut", "die"):
            if mode == "hang":
                self.web.ended.wait()
            return None
        refusal = self._refusal(mode, request)
        if refusal is not None:
            return refusal
        if path == request.path:
            return _errors(404, 7003, "Could not route to this account")
        answer = self._change(path, request.body, mode) if request.method == "PATCH" else self._look(path, request)
        return None if mode == "drop_reply" else answer

    def _refusal(self, mode: str, request: Request) -> Answer | None:
        authorization = request.headers.get("authorization", "")
        if mode == "unauthorized" or authorization != f"Bearer {TOKEN}":
            return _errors(401, 1000, "Invalid API Token")
        if mode == "refuse":
            return _errors(403, 10000, f"Not with\n{authorization}: " + "it lacks a permission, " * 30)
        if mode == "unsuccessful":
            return _errors(200, 1001, f"That cannot be, {TOKEN}")
        if mode == "limit":
            return Answer(429, {"success": False, "errors": []}, {"retry-after": "120"})
        if mode == "broken":
            return Answer(502, "<html>Bad gateway</html>", {"Content-Type": "text/html"})
        return Answer(200, "all is well") if mode == "garbage" else None

    def _look(self, path: str, request: Request) -> Answer:
        parts = path.strip("/").split("/")
        if parts == ["prefixes"]:
            return self._page(list(self.prefixes.values()), request)
        if len(parts) > 2 and parts[1] in self.prefixes:
            lists = {"bgp/prefixes": self.routes, "bindings": self.bindings}
            rows = lists.get("/".join(parts[2:]))
            if rows is not None:
                return self._page(rows[parts[1]], request)
        return _errors(404, 1000, "Not found")

    def _page(self, rows: list[dict[str, Any]], request: Request) -> Answer:
        size = self.per_page or max(1, len(rows))
        page = 1 if self.repeats_pages else int(request.query.get("page", "1"))
        shown = rows[(page - 1) * size : page * size]
        info = {
            "page": page,
            "per_page": size,
            "count": len(shown),
            "total_count": len(rows),
            "total_pages": -(-len(rows) // size),
        }
        return Answer(200, {"success": True, "errors": [], "messages": [], "result": shown, "result_info": info})

    def _change(self, path: str, body: Any, mode: str) -> Answer:
        """Only what a narrow token may change is taken: one flag, of one route."""
        parts = path.strip("/").split("/")
        known = len(parts) == 5 and parts[0] == "prefixes" and parts[2:4] == ["bgp", "prefixes"]
        routes = self.routes.get(parts[1], []) if known else []
        route = next((row for row in routes if row["id"] == parts[4]), None)
        if route is None:
            return _errors(404, 1000, "Not found")
        demand = body.get("on_demand", {}) if isinstance(body, dict) else {}
        if set(body) != {"on_demand"} or set(demand) != {"advertised"} or not isinstance(demand["advertised"], bool):
            return _errors(400, 1002, "Only on_demand.advertised may be changed")
        if route["on_demand"]["on_demand_locked"] or not route["on_demand"]["on_demand_enabled"]:
            return _errors(400, 1003, "The prefix is locked")
        if mode != "lie":
            route["on_demand"]["advertised"] = demand["advertised"]
            self.changes += 1
        return Answer(200, {"success": True, "errors": [], "messages": [], "result": route})


def _errors(status: int, code: int, message: str) -> Answer:
    body = {"success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None}
    return Answer(status, body)
