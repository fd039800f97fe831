"""Changing one object of a cluster under its optimistic lock: read, compare, patch; and the same as a rehearsal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from incidents.adapters.kube_api import Kube, Place, Said
from incidents.domain.canonical import Json, JsonObject
from incidents.domain.changes import Reply
from incidents.domain.errors import BackendTimeout, BackendUnreachable
from incidents.domain.findings import Finding, Severity
from incidents.wire.deadline import Deadline

# During an outage a controller writes to the status of an object all the time, and each write moves its version.
TRIES = 5


class Unfit(Exception):
    """The object cannot be given what is asked. `code` is that of a finding, the text is for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


# From the object as it was read to what is sent, without the lock; None when nothing needs to be. Raises Unfit.
PatchOf = Callable[[JsonObject], "JsonObject | None"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a change. `body` is the object as the server says it is now; empty unless it was accepted."""

    reply: Reply
    detail: str = ""
    body: JsonObject | None = None


def drifted(what: str) -> Unfit:
    return Unfit("backend.changed", f"{what} has changed since the preview, so it was left alone")


def locked(patch: JsonObject, read: JsonObject) -> JsonObject:
    """The patch that is only taken while the object is still as it was read."""
    ours, theirs = patch.get("metadata"), read.get("metadata")
    version: Json = theirs.get("resourceVersion") if isinstance(theirs, dict) else None
    if not isinstance(version, str) or not version:
        raise Unfit("backend.refused", "the cluster tells no version of the object, so it cannot be changed safely")
    return {**patch, "metadata": {**(ours if isinstance(ours, dict) else {}), "resourceVersion": version}}


def write(kube: Kube, place: Place, patch_of: PatchOf, deadline: Deadline) -> Outcome:
    """Makes one change, and reads anew when somebody else was faster. Raises nothing for trouble at the backend."""
    for _ in range(TRIES):
        try:
            read = kube.get(deadline, place.path)
        except (BackendUnreachable, BackendTimeout) as error:
            return Outcome(Reply.NOT_SENT, str(error))
        if not read.is_object:
            return Outcome(read.reply_to_look(), read.words)
        try:
            patch = patch_of(read.body)
            if patch is None:
                return Outcome(Reply.ACCEPTED)
            said = kube.patch(deadline, place.path, locked(patch, read.body))
        except Unfit as unfit:
            return Outcome(Reply.REFUSED, f"not sent: {unfit}")
        except BackendUnreachable as error:
            return Outcome(Reply.NOT_SENT, str(error))
        except BackendTimeout as error:
            return Outcome(Reply.UNANSWERED, str(error))
        if said.status != 409:
            reply = said.reply_to_patch()
            return Outcome(Reply.ACCEPTED, "", said.body) if reply is Reply.ACCEPTED else Outcome(reply, said.words)
    return Outcome(Reply.NOT_SENT, "something else changes it all the time, so nothing was sent yet")


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One object that is looked at before a run.

    Args:
        kube: the cluster.
        place: the object.
        subject: what findings are about, for people.
    """

    kube: Kube
    place: Place
    subject: str

    def permission(self, deadline: Deadline) -> Iterator[Finding]:
        """Raises BackendUnreachable, BackendTimeout."""
        if self.kube.may_patch(deadline, self.place) is False:
            text = f"We have no permission to change {self.subject} on {self.kube.name}; its engineers can grant it."
            yield self.blocker("backend.no-permission", text)

    def read(self, deadline: Deadline) -> Said | Finding:
        """The object, or what speaks against going on. Raises BackendUnreachable, BackendTimeout."""
        read = self.kube.get(deadline, self.place.path)
        if read.is_object:
            return read
        if read.status == 404:
            return self.blocker("backend.no-such-key", f"{self.kube.name} knows no {self.subject}.")
        return self.refused(read)

    def pretend(self, read: Said, patch: JsonObject, deadline: Deadline) -> JsonObject | Finding:
        """The object as it would be. Raises Unfit, BackendUnreachable, BackendTimeout."""
        said = self.kube.patch(deadline, self.place.path, locked(patch, read.body), dry_run=True)
        if said.is_object:
            return said.body
        if said.status == 409:  # a moment later than our look; the run reads anew before it writes
            return self.silent("it was changed at that moment")
        return self.refused(said)

    def refused(self, said: Said) -> Finding:
        """What a failed answer means beforehand: only one about the object keeps a run from starting."""
        if said.status in (401, 403):
            return self.blocker("backend.no-permission", f"{said.words}.")
        if said.reply_to_look() is Reply.NOT_SENT:
            return self.silent(said.words)
        return self.blocker("backend.refused", f"{said.words}.")

    def blocker(self, code: str, text: str) -> Finding:
        return Finding(code, Severity.BLOCKER, text, self.subject)

    def silent(self, why: str) -> Finding:
        text = f"{self.subject} could not be tried out beforehand: {why}."
        return Finding("backend.not-rehearsed", Severity.NOTE, text, self.subject)
