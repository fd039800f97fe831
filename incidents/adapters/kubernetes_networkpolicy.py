"""Kubernetes NetworkPolicies: the spec of each, replaced whole under the optimistic lock of the API server.

Whole, and not merged: a rule of the bad policy that a merge leaves behind would go on to let somebody in, or keep
somebody out. What else the object holds, its labels, annotations and owners, goes back as it was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from incidents.adapters import kubernetes_networkpolicy_states as policies
from incidents.adapters.base import check_batch
from incidents.adapters.kube_adapter import KubeAdapter, named
from incidents.adapters.kube_api import CREATE, Place, Said
from incidents.adapters.kube_changes import Rehearsal, Unfit, drifted, locked, under_lock
from incidents.adapters.kube_read import part
from incidents.domain.canonical import JsonObject
from incidents.domain.changes import Cause, Change, Receipt, Reply, State, same
from incidents.domain.errors import BackendRefused, BackendTimeout, BackendUnreachable
from incidents.domain.findings import Finding
from incidents.wire.deadline import Deadline

VERSION = "networking.k8s.io/v1"


class KubernetesNetworkPolicy(KubeAdapter):
    """An `Adapter` whose keys are `NAMESPACE/NAME`; states are described in docs/backends/."""

    @staticmethod
    def normalize_key(key: str) -> str:
        """`NAMESPACE/NAME`, as it is. Raises InventoryFault."""
        return named(key, "a NetworkPolicy", "shop/ingress")

    def observe(self, keys: Sequence[str]) -> Mapping[str, State]:
        """A policy that does not exist is `{"present": false}`, when the API server itself says so."""
        check_batch(keys, self._keys, self._kube.name)
        deadline = Deadline(self._budget)
        asked = sorted(set(keys))
        return dict(zip(asked, self._kube.each(lambda key: self._look(key, deadline), asked), strict=True))

    def rehearse(self, changes: Sequence[Change]) -> Sequence[Finding]:
        """Asks for the permission and lets the API server pretend (`dryRun=All`)."""
        if not changes:
            return []
        check_batch([change.key for change in changes], self._keys, self._kube.name)
        deadline = Deadline(self._budget)
        found = self._kube.each(lambda change: self._rehearse(change, deadline), changes)
        return [finding for some in found for finding in some]

    def apply(self, changes: Sequence[Change], cause: Cause) -> Sequence[Receipt]:
        """Each policy by itself; absolute, so the idempotency key is not needed."""
        check_batch([change.key for change in changes], self._keys, self._kube.name)
        deadline = Deadline(self._budget)
        return self._kube.each(lambda change: self._apply(change, deadline), changes)

    def _look(self, key: str, deadline: Deadline) -> State:
        place = _place(key)
        said = self._kube.get(deadline, place.path)
        if not (said.is_object or said.says_absent(place)):
            raise BackendRefused(said.words)
        try:
            return _shown(said)
        except ValueError as error:
            raise BackendRefused(f"{key} on {self._kube.name} cannot be observed: {error}") from None

    def _apply(self, change: Change, deadline: Deadline) -> Receipt:
        if fault := policies.fault_of(change.after):
            return Receipt(change.key, Reply.REFUSED, f"not sent: {fault}")
        outcome = under_lock(
            self._kube,
            _place(change.key),
            lambda read: self._send(read, change, deadline),
            deadline,
            may_be_absent=True,
        )
        detail = outcome.detail
        if outcome.body is not None and not _is(outcome.body, change.after):
            detail = "the cluster has changed on the way what was written"
        return Receipt(change.key, outcome.reply, detail)

    def _rehearse(self, change: Change, deadline: Deadline) -> list[Finding]:
        rehearsal = Rehearsal(self._kube, _place(change.key), change.key)
        if fault := policies.fault_of(change.after):
            return [rehearsal.blocker("backend.refused", f"{change.key} cannot be put back: {fault}.")]
        try:
            return self._pretend(change, rehearsal, deadline)
        except Unfit as unfit:
            return [rehearsal.blocker(unfit.code, f"{change.key} cannot be changed: {unfit}.")]
        except (BackendUnreachable, BackendTimeout) as error:
            return [rehearsal.silent(str(error))]

    def _pretend(self, change: Change, rehearsal: Rehearsal, deadline: Deadline) -> list[Finding]:
        verb = CREATE if same(change.before, policies.ABSENT) else "update"
        if barred := list(rehearsal.permission(deadline, verb)):
            return barred
        read = rehearsal.read(deadline, may_be_absent=True)
        if isinstance(read, Finding):
            return [read]
        said = self._send(read, change, deadline, dry_run=True)
        if said is None:
            return []
        would_be = rehearsal.tried(said)
        if isinstance(would_be, Finding):
            return [would_be]
        return [] if _is(would_be, change.after) else [rehearsal.alters()]

    def _send(self, read: Said, change: Change, deadline: Deadline, *, dry_run: bool = False) -> Said | None:
        """Writes `after` over what was read; None when it is so already. Raises Unfit when it must be left alone."""
        try:
            now = _shown(read)
        except ValueError as error:
            raise Unfit("backend.refused", str(error)) from None
        if same(now, change.after):
            return None
        if not same(now, change.before):
            raise _moved(now, change.before)
        place, spec = _place(change.key), part(change.after, "spec")
        if not read.is_object:
            return self._kube.create(deadline, place.folder, _made(place, spec), dry_run=dry_run)
        if policies.is_leaving(read.body):
            raise Unfit("backend.refused", "somebody has deleted the policy, and it is about to go")
        whole = locked({**read.body, "spec": spec}, read.body)
        return self._kube.replace(deadline, place.path, whole, dry_run=dry_run)


def _place(key: str) -> Place:
    namespace, _, name = key.partition("/")
    return Place(VERSION, "networkpolicies", namespace, name)


def _shown(said: Said) -> State:
    """The state that the server shows. Raises ValueError."""
    return policies.state_of(said.body) if said.is_object else policies.ABSENT


def _made(place: Place, spec: JsonObject) -> JsonObject:
    """A new policy; what labels and annotations one had that is gone, nobody knows."""
    names = {"namespace": place.namespace, "name": place.name}
    return {"apiVersion": VERSION, "kind": "NetworkPolicy", "metadata": names, "spec": spec}


def _is(policy: JsonObject, wanted: State) -> bool:
    try:
        return same(policies.state_of(policy), wanted)
    except ValueError:
        return False


def _moved(now: State, before: State) -> Unfit:
    if same(now, policies.ABSENT):
        return Unfit("backend.changed", "somebody has taken the policy away since the preview, so it was left alone")
    if same(before, policies.ABSENT):
        return Unfit("backend.changed", "somebody has made the policy since the preview, so it was left alone")
    return drifted("the policy")
