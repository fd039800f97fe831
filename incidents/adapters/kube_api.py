"""The few calls to a Kubernetes API server that adapters make, and what its answers mean for a change.

Seen on 1.36: a merge patch that carries metadata.resourceVersion answers 409 when the object has moved; a JSON patch
with a `test` of it answers 422 without a reason, which is why it is not used here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from incidents.adapters.kube_config import Access, is_token
from incidents.domain.canonical import Json, JsonObject
from incidents.domain.changes import Reply
from incidents.domain.errors import BackendRefused, BackendUnreachable, InventoryFault
from incidents.wire.deadline import Deadline
from incidents.wire.http import Client

LONGEST_DETAIL = 200
AT_ONCE = 8
FIELD_MANAGER = "handrail"
CREATE = "create"
# Without it a server leaves out fields that it does not know, and a rule without its condition lets everybody through.
STRICT = {"fieldValidation": "Strict"}
MERGE_PATCH = "application/merge-patch+json"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One object of a cluster: `apps/v1`, `deployments`, its namespace and its name."""

    version: str
    resource: str
    namespace: str
    name: str

    @property
    def folder(self) -> str:
        """Where objects of this kind are created."""
        return f"/apis/{self.version}/namespaces/{self.namespace}/{self.resource}"

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.name}"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: the HTTP status, the object (empty where there is none), and what it says, for people."""

    status: int
    body: JsonObject
    words: str

    @property
    def is_object(self) -> bool:
        """Whether it is the object that was asked for, and not a page of somebody in between."""
        return 200 <= self.status < 300 and isinstance(self.body.get("metadata"), Mapping)

    def says_absent(self, place: Place) -> bool:
        """Whether the API server itself says that it has no such object; a 404 of anybody else tells nothing."""
        details = self.body.get("details")
        return (
            self.status == 404
            and self.body.get("reason") == "NotFound"
            and isinstance(details, Mapping)
            and (details.get("kind"), details.get("name")) == (place.resource, place.name)
        )

    def reply_to_look(self) -> Reply:
        """What a failed look means for a change that needs it: only an answer about the object is a refusal."""
        busy = self.status == 429 or self.status >= 500 or self.status < 300
        return Reply.NOT_SENT if busy else Reply.REFUSED

    def reply_to_write(self) -> Reply:
        if self.is_object:
            return Reply.ACCEPTED
        if self.status == 429:  # turned away by priority and fairness, before anything was looked at
            return Reply.NOT_SENT
        return Reply.UNANSWERED if self.status < 300 or self.status == 408 or self.status >= 500 else Reply.REFUSED


class Kube:
    """Speaks to one API server. Safe to use from several threads at once."""

    def __init__(self, name: str, access: Access) -> None:
        self.name = name
        self._token = access.token
        self._client = Client(name, access.url, tls=access.tls, tls_name=access.tls_name)

    def get(self, deadline: Deadline, path: str, query: Mapping[str, str] | None = None) -> Said:
        """Raises BackendUnreachable, BackendTimeout."""
        return self._call(deadline, "GET", path, query=query)

    def look(self, deadline: Deadline, path: str) -> JsonObject | None:
        """One object; None where the server knows of none.

        Raises BackendUnreachable, BackendTimeout, BackendRefused.
        """
        said = self.get(deadline, path)
        if said.status == 404:
            return None
        if not said.is_object:
            raise BackendRefused(said.words)
        return said.body

    def patch(self, deadline: Deadline, path: str, patch: JsonObject, *, dry_run: bool = False) -> Said:
        """A JSON merge patch; with `dry_run` the answer is the same and nothing changes.

        Raises BackendUnreachable, BackendTimeout.
        """
        return self._call(
            deadline, "PATCH", path, patch, query=_options(dry_run), headers={"Content-Type": MERGE_PATCH}
        )

    def replace(self, deadline: Deadline, path: str, whole: JsonObject, *, dry_run: bool = False) -> Said:
        """Puts a whole object in place of another, and fails where the server would leave a field of it out.

        Raises BackendUnreachable, BackendTimeout.
        """
        return self._call(deadline, "PUT", path, whole, query=_options(dry_run) | STRICT)

    def create(self, deadline: Deadline, folder: str, whole: JsonObject, *, dry_run: bool = False) -> Said:
        """Makes an object that is not there yet, as strictly. Raises BackendUnreachable, BackendTimeout."""
        return self._call(deadline, "POST", folder, whole, query=_options(dry_run) | STRICT)

    def may(self, deadline: Deadline, verb: str, place: Place) -> bool | None:
        """Whether our token may do this to the object; None where the server does not say.

        Raises BackendUnreachable, BackendTimeout.
        """
        asked = {
            "namespace": place.namespace,
            "verb": verb,
            "group": place.version.partition("/")[0],
            "resource": place.resource,
        }
        if verb != CREATE:  # whose name no server knows when it decides, so no right to it depends on one
            asked["name"] = place.name
        review: JsonObject = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        said = self._call(deadline, "POST", REVIEWS, review)
        status = said.body.get("status")
        allowed = status.get("allowed") if said.status == 201 and isinstance(status, Mapping) else None
        return allowed if isinstance(allowed, bool) else None

    def each(self, work: Callable[[Item], Made], items: Sequence[Item]) -> list[Made]:
        """`work` for every item, some at a time; raises what the first that failed has raised."""
        if len(items) < 2:
            return [work(item) for item in items]
        with ThreadPoolExecutor(min(AT_ONCE, len(items))) as pool:
            return list(pool.map(work, items))

    def close(self) -> None:
        self._client.close()

    def _call(
        self,
        deadline: Deadline,
        method: str,
        path: str,
        body: Json = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Said:
        token = self._read_token()
        ours = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self._client.call(deadline, method, path, body, query=query, headers={**ours, **(headers or {})})
        found = answer.body if isinstance(answer.body, Mapping) else {}
        return Said(answer.status, found, self._words(answer.status, found, token))

    def _read_token(self) -> str:
        """Raises BackendUnreachable, for then nothing is sent."""
        try:
            token = self._token().strip()
        except (InventoryFault, OSError):
            raise BackendUnreachable(f"our token for {self.name} cannot be read, so nothing was sent") from None
        if token and not is_token(token):
            raise BackendUnreachable(f"our token for {self.name} holds other signs than a token may")
        return token

    def _words(self, status: int, body: JsonObject, token: str) -> str:
        """What the server said about a call that failed: short, and without our token even if it was echoed."""
        if status < 300:
            return f"{self.name} did not answer like a Kubernetes API server"
        if status == 401:
            return f"{self.name} does not accept our token or certificate"
        message = body.get("message")
        words = " ".join(message.split()) if isinstance(message, str) else f"status {status}"
        if token:
            words = words.replace(token, "(secret)")
        return f"{self.name} refused: {words}"[:LONGEST_DETAIL]


def _options(dry_run: bool) -> dict[str, str]:
    return {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if dry_run else {})
