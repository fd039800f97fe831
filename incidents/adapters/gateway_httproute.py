"""Kubernetes Gateway API: the weights of the backendRefs of HTTPRoutes, under the optimistic lock of the API server.

All changes of one route go out in one patch, so that no request meets half of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from incidents.adapters import gateway_httproute_rules as rules
from incidents.adapters.base import check_batch
from incidents.adapters.gateway_httproute_rules import Key
from incidents.adapters.kube_adapter import KubeAdapter
from incidents.adapters.kube_api import Place
from incidents.adapters.kube_changes import Rehearsal, Unfit, drifted, write
from incidents.adapters.kube_read import items, part, text
from incidents.domain.canonical import JsonObject
from incidents.domain.changes import Cause, Change, Receipt, Reply, State, same
from incidents.domain.errors import BackendTimeout, BackendUnreachable, InventoryFault
from incidents.domain.findings import Finding
from incidents.wire.deadline import Deadline

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
# A route holds at most 16 rules in v1, so two digits are enough.
KEY = re.compile(rf"{_LABEL}/{_SUBDOMAIN}/(0|[1-9][0-9]?)/{_SUBDOMAIN}")
LONGEST_KEY = 200


class GatewayHttpRoute(KubeAdapter):
    """An `Adapter` whose keys are `NAMESPACE/ROUTE/RULE/BACKEND`; states are described in docs/backends/."""

    @staticmethod
    def normalize_key(key: str) -> str:
        """`NAMESPACE/ROUTE/RULE/BACKEND`, as it is. Raises InventoryFault."""
        if not KEY.fullmatch(key) or len(key) > LONGEST_KEY:
            shown = key[:LONGEST_KEY]
            raise InventoryFault(f"{shown!r} must be namespace, route, index of the rule and service: shop/web/0/web-a")
        return key

    def observe(self, keys: Sequence[str]) -> Mapping[str, State]:
        """A backendRef that does not exist has the weight 0 and the mode `missing`."""
        check_batch(keys, self._keys, self._kube.name)
        deadline = Deadline(self._budget)
        asked = sorted(set(keys))
        places = sorted({_place(key) for key in asked})
        read = self._kube.each(lambda place: self._kube.look(deadline, place.path), places)
        routes = dict(zip(places, read, strict=True))
        states = self._kube.each(lambda key: self._state(key, routes[_place(key)], deadline), asked)
        return dict(zip(asked, states, strict=True))

    def rehearse(self, changes: Sequence[Change]) -> Sequence[Finding]:
        """Asks for the permission and lets the API server pretend (`dryRun=All`), a route at a time."""
        if not changes:
            return []
        check_batch([change.key for change in changes], self._keys, self._kube.name)
        deadline = Deadline(self._budget)
        found = self._kube.each(lambda batch: self._rehearse(batch, deadline), _batches(changes))
        return [finding for some in found for finding in some]

    def apply(self, changes: Sequence[Change], cause: Cause) -> Sequence[Receipt]:
        """One patch a route; absolute, so the idempotency key is not needed."""
        check_batch([change.key for change in changes], self._keys, self._kube.name)
        deadline = Deadline(self._budget)
        batches = self._kube.each(lambda batch: self._apply(batch, deadline), _batches(changes))
        answered = {place: receipt for batch in batches for place, receipt in batch.items()}
        return [answered[place] for place in range(len(changes))]

    def _state(self, key: str, route: JsonObject | None, deadline: Deadline) -> State:
        if route is None:
            return rules.no_route()
        one = Key.of(key)
        return rules.state_of(route, one, self._is_ready(one, route, deadline))

    def _is_ready(self, key: Key, route: JsonObject, deadline: Deadline) -> bool | None:
        """Whether an endpoint of the service takes traffic; None where we may not look, or it is no service."""
        try:
            ref = key.ref_in(route)
        except ValueError:
            return None
        if ref.get("kind", "Service") != "Service" or ref.get("group", ""):
            return None
        namespace = text(ref, "namespace") or key.namespace
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        said = self._kube.get(deadline, path, {"labelSelector": f"kubernetes.io/service-name={key.backend}"})
        if not said.is_object:
            return None
        # A condition that is left out counts as true: discovery/v1 says so.
        endpoints = [endpoint for piece in items(said.body, "items") for endpoint in items(piece, "endpoints")]
        return any(part(endpoint, "conditions").get("ready") is not False for endpoint in endpoints)

    def _apply(self, batch: _Batch, deadline: Deadline) -> dict[int, Receipt]:
        if not batch.fit:
            return batch.receipts(Reply.REFUSED, "")
        outcome = write(self._kube, batch.place, batch.patch_of, deadline)
        return batch.receipts(outcome.reply, outcome.detail)

    def _rehearse(self, batch: _Batch, deadline: Deadline) -> list[Finding]:
        rehearsal = Rehearsal(self._kube, batch.place, f"route {batch.place.namespace}/{batch.place.name}")
        try:
            if barred := list(rehearsal.permission(deadline)):
                return barred
            read = rehearsal.read(deadline)
            if isinstance(read, Finding):
                return [read]
            patch = batch.patch_of(read.body)
            found = [rehearsal.blocker(unfit.code, f"{key}: {unfit}.") for key, unfit in batch.unfit()]
            would_be = rehearsal.pretend(read, patch, deadline) if patch is not None else None
            return [*found, would_be] if isinstance(would_be, Finding) else found
        except Unfit as unfit:
            return [rehearsal.blocker(unfit.code, f"{rehearsal.subject} cannot be changed: {unfit}.")]
        except (BackendUnreachable, BackendTimeout) as error:
            return [rehearsal.silent(str(error))]


class _Batch:
    """The changes of one route, by their places in the whole batch, and why some of them are not sent."""

    def __init__(self, place: Place, changes: Mapping[int, Change]) -> None:
        self.place = place
        self._changes = changes
        self._faults = {at: Unfit("backend.refused", fault) for at, one in changes.items() if (fault := _fault(one))}
        self.fit = {at: change for at, change in changes.items() if at not in self._faults}
        self._refused: dict[int, Unfit] = {}
        self._done: set[int] = set()

    def patch_of(self, route: JsonObject) -> JsonObject | None:
        """All rules with the new weights; None when nothing needs to be sent."""
        self._refused, self._done = {}, set()
        wanted = {at: change for at, change in self.fit.items() if self._is_wanted(at, change, route)}
        weights = {Key.of(change.key): _weight(change.after) for change in wanted.values()}
        empty = rules.emptied(rules.with_weights(route, weights), {key.rule for key in weights})
        for at, change in wanted.items():
            if Key.of(change.key).rule in empty:
                text = "nothing of this rule would get traffic any more, so every request would be answered by an error"
                self._refused[at] = Unfit("backend.refused", text)
        left = {key: weight for key, weight in weights.items() if key.rule not in empty}
        return {"spec": {"rules": rules.with_weights(route, left)}} if left else None

    def _is_wanted(self, at: int, change: Change, route: JsonObject) -> bool:
        """Whether this change is still to be made; when it must not be, it is kept why."""
        try:
            now = {"weight": Key.of(change.key).ref_in(route).get("weight", 1), "mode": rules.READY}
        except ValueError as error:
            self._refused[at] = Unfit("backend.no-such-key", str(error))
            return False
        if same(now, change.after):
            self._done.add(at)
            return False
        if not same(now, change.before):
            self._refused[at] = drifted("the weight")
            return False
        return True

    def unfit(self) -> list[tuple[str, Unfit]]:
        """The changes that are not sent, by their keys."""
        return [(self._changes[at].key, why) for at, why in sorted({**self._faults, **self._refused}.items())]

    def receipts(self, reply: Reply, detail: str) -> dict[int, Receipt]:
        """One a change, by its place; this reply for those that were to be sent."""
        refused = {**self._faults, **self._refused}
        answered: dict[int, Receipt] = {}
        for at, change in self._changes.items():
            if at in refused:
                answered[at] = Receipt(change.key, Reply.REFUSED, f"not sent: {refused[at]}")
            elif at in self._done:
                answered[at] = Receipt(change.key, Reply.ACCEPTED)
            else:
                answered[at] = Receipt(change.key, reply, detail)
        return answered


def _batches(changes: Sequence[Change]) -> list[_Batch]:
    by_route: dict[Place, dict[int, Change]] = {}
    for at, change in enumerate(changes):
        by_route.setdefault(_place(change.key), {})[at] = change
    return [_Batch(place, some) for place, some in by_route.items()]


def _place(key: str) -> Place:
    one = Key.of(key)
    return Place("gateway.networking.k8s.io/v1", "httproutes", one.namespace, one.route)


def _fault(change: Change) -> str:
    return rules.fault_of(change.after)


def _weight(state: State) -> int:
    weight = state["weight"]
    return weight if isinstance(weight, int) else 0
