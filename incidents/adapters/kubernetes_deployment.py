"""Kubernetes Deployments: the pod template of each, changed under the optimistic lock of the API server.

Not `rollout undo`: that takes the second-newest revision, healthy or not. What is restored here is a template that
was proven good, whole, with every default that the server had filled in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from incidents.adapters import kubernetes_deployment_status as deployments
from incidents.adapters.base import check_batch
from incidents.adapters.kube_adapter import KubeAdapter, named
from incidents.adapters.kube_api import Place
from incidents.adapters.kube_changes import Rehearsal, Unfit, drifted, write
from incidents.adapters.kube_patch import check_exact, check_writable, diff
from incidents.adapters.kube_read import part
from incidents.domain.canonical import Json, JsonObject
from incidents.domain.changes import Cause, Change, Receipt, Reply, State, same, settings_of
from incidents.domain.errors import BackendRefused, BackendTimeout, BackendUnreachable
from incidents.domain.findings import Finding
from incidents.wire.deadline import Deadline

CHANGE_CAUSE = "kubernetes.io/change-cause"
LONGEST_CAUSE = 200


class KubernetesDeployment(KubeAdapter):
    """An `Adapter` whose keys are `NAMESPACE/NAME`; states are described in docs/backends/."""

    @staticmethod
    def normalize_key(key: str) -> str:
        """`NAMESPACE/NAME`, as it is. Raises InventoryFault."""
        return named(key, "a Deployment", "shop/checkout")

    def observe(self, keys: Sequence[str]) -> Mapping[str, State]:
        """A Deployment that does not exist has an empty template and the mode `missing`."""
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
        """Each Deployment by itself. The cause is written where `kubectl rollout history` shows it."""
        check_batch([change.key for change in changes], self._keys, self._kube.name)
        deadline = Deadline(self._budget)
        return self._kube.each(lambda change: self._apply(change, cause, deadline), changes)

    def _look(self, key: str, deadline: Deadline) -> State:
        found = self._kube.look(deadline, _place(key).path)
        if found is None:
            return deployments.MISSING
        try:
            return deployments.state_of(found)
        except ValueError as error:
            raise BackendRefused(f"{key} on {self._kube.name} cannot be observed: {error}") from None

    def _apply(self, change: Change, cause: Cause, deadline: Deadline) -> Receipt:
        if fault := _fault_of(change.after):
            return Receipt(change.key, Reply.REFUSED, f"not sent: {fault}")
        outcome = write(self._kube, _place(change.key), lambda read: _patch_of(read, change, cause), deadline)
        detail = outcome.detail
        if outcome.body is not None and not _is(outcome.body, change.after):
            detail = "the cluster has changed on the way what was written"
        return Receipt(change.key, outcome.reply, detail)

    def _rehearse(self, change: Change, deadline: Deadline) -> list[Finding]:
        rehearsal = Rehearsal(self._kube, _place(change.key), change.key)
        if fault := _fault_of(change.after):
            return [rehearsal.blocker("backend.refused", f"{change.key} cannot be put back: {fault}.")]
        try:
            return self._pretend(change, rehearsal, deadline)
        except Unfit as unfit:
            return [rehearsal.blocker(unfit.code, f"{change.key} cannot be changed: {unfit}.")]
        except (BackendUnreachable, BackendTimeout) as error:
            return [rehearsal.silent(str(error))]

    def _pretend(self, change: Change, rehearsal: Rehearsal, deadline: Deadline) -> list[Finding]:
        if barred := list(rehearsal.permission(deadline)):
            return barred
        read = rehearsal.read(deadline)
        if isinstance(read, Finding):
            return [read]
        patch = _patch_of(read.body, change, Cause(""))
        if patch is None:
            return []
        would_be = rehearsal.pretend(read, patch, deadline)
        if isinstance(would_be, Finding):
            return [would_be]
        return [] if _is(would_be, change.after) else [rehearsal.alters()]


def _place(key: str) -> Place:
    namespace, _, name = key.partition("/")
    return Place("apps/v1", "deployments", namespace, name)


def _is(deployment: JsonObject, wanted: State) -> bool:
    try:
        return same({"template": deployments.template_of(deployment)}, wanted)
    except ValueError:
        return False


def _fault_of(after: State) -> str:
    """Why this state cannot be written; empty when it can."""
    wanted = settings_of(after)
    template = wanted.get("template")
    if set(wanted) != {"template"} or not isinstance(template, Mapping) or not template:
        return "the state holds no pod template"
    try:
        check_exact(template, "its template")
        check_writable(template)
    except ValueError as error:
        return str(error)
    return ""


def _patch_of(deployment: JsonObject, change: Change, cause: Cause) -> JsonObject | None:
    """What makes `after` of this Deployment; None when it is so already. Raises Unfit when it must be left alone."""
    try:
        now = deployments.template_of(deployment)
    except ValueError as error:
        raise Unfit("backend.refused", str(error)) from None
    if same({"template": now}, change.after):
        return None
    if not same({"template": now}, change.before):
        raise drifted("the deployment")
    if deployments.is_paused(deployment):
        raise Unfit("backend.paused", "the deployment is paused, so the cluster would not carry a change out")
    patch: dict[str, Json] = {"spec": {"template": diff(now, part(change.after, "template"))}}
    if words := _words_of(cause):
        patch["metadata"] = {"annotations": {CHANGE_CAUSE: words}}
    return patch


def _words_of(cause: Cause) -> str:
    """`RUN-... by PERSON: reason` on one line; empty without a run."""
    if not cause.run:
        return ""
    reason = " ".join(cause.reason.split())
    words = f"{cause.run} by {cause.person or 'handrail'}" + (f": {reason}" if reason else "")
    return words[:LONGEST_CAUSE]
