"""Changing one object of a cluster under its optimistic lock: read, compare, write; and the same as a rehearsal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from incidents.adapters.kube_api import CREATE, Kube, Place, Said
from incidents.domain.canonical import Json, JsonObject
from incidents.domain.changes import Reply
from incidents.domain.errors import BackendTimeout, BackendUnreachable
from incidents.domain.findings import Finding, Severity, blocker
from incidents.wire.deadline import Deadline

# During an outage a controller writes to the status of an object all the time, and each write moves its version.
TRIES = 5
# What a server says of a webhook for admission that has effects of its own: it may well take the real call.
NO_DRY_RUN = "does not support dry run"


class Unfit(Exception):
    """The object cannot be given what is asked. `code` is that of a finding, the text is for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


# From the object as it was read to what is sent, without the lock; None when nothing needs to be. Raises Unfit.
PatchOf = Callable[[JsonObject], "JsonObject | None"]
# From a look to the answer of what was written; None when nothing needs to be. Raises Unfit before it sends anything,
# and BackendUnreachable or BackendTimeout.
Send = Callable[[Said], "Said | None"]


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
    """Makes one change by a merge patch. Raises nothing for trouble at the backend."""

    def send(read: Said) -> Said | None:
        patch = patch_of(read.body)
        return None if patch is None else kube.patch(deadline, place.path, locked(patch, read.body))

    return under_lock(kube, place, send, deadline)


def under_lock(kube: Kube, place: Place, send: Send, deadline: Deadline, *, may_be_absent: bool = False) -> Outcome:
    """Makes one change, and reads anew when somebody else was faster. Raises nothing for trouble at the backend.

    Args:
        may_be_absent: whether `send` also knows what to do where there is no such object.
    """
    for _ in range(TRIES):
        try:
            read = kube.get(deadline, place.path)
        except (BackendUnreachable, BackendTimeout) as error:
            return Outcome(Reply.NOT_SENT, str(error))
        if not (read.is_object or (may_be_absent and read.says_absent(place))):
            return Outcome(read.reply_to_look(), read.words)
        try:
            said = send(read)
        except Unfit as unfit:
            return Outcome(Reply.REFUSED, f"not sent: {unfit}")
        except BackendUnreachable as error:
            return Outcome(Reply.NOT_SENT, str(error))
        except BackendTimeout as error:
            return Outcome(Reply.UNANSWERED, str(error))
        if said is None:
            return Outcome(Reply.ACCEPTED)
        if said.status != 409:
            reply = said.reply_to_write()
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

    def permission(self, deadline: Deadline, verb: str = "patch") -> Iterator[Finding]:
        """Raises BackendUnreachable, BackendTimeout."""
        if self.kube.may(deadline, verb, self.place) is False:
            what = "create" if verb == CREATE else "change"
            text = f"We have no permission to {what} {self.subject} on {self.kube.name}; its engineers can grant it."
            yield self.blocker("backend.no-permission", text)

    def read(self, deadline: Deadline, *, may_be_absent: bool = False) -> Said | Finding:
        """The object, or what speaks against going on. Raises BackendUnreachable, BackendTimeout."""
        read = self.kube.get(deadline, self.place.path)
        if read.is_object or (may_be_absent and read.says_absent(self.place)):
            return read
        if read.says_absent(self.place):
            return self.blocker("backend.no-such-key", f"{self.kube.name} knows no {self.subject}.")
        return self.refused(read)

    def pretend(self, read: Said, patch: JsonObject, deadline: Deadline) -> JsonObject | Finding:
        """The object as it would be. Raises Unfit, BackendUnreachable, BackendTimeout."""
        return self.tried(self.kube.patch(deadline, self.place.path, locked(patch, read.body), dry_run=True))

    def tried(self, said: Said) -> JsonObject | Finding:
        """The object as it would be by this answer to a dry run, or what speaks against it."""
        if said.is_object:
            return said.body
        if said.status == 409:  # a moment later than our look; the run reads anew before it writes
            return self.silent("it was changed at that moment")
        return self.refused(said)

    def refused(self, said: Said) -> Finding:
        """What a failed answer means beforehand: only one about the object keeps a run from starting."""
        if said.status == 400 and NO_DRY_RUN in said.words:
            return self.silent(said.words)
        if said.status in (401, 403):
            return self.blocker("backend.no-permission", f"{said.words}.")
        if said.reply_to_look() is Reply.NOT_SENT:
            return self.silent(said.words)
        return self.blocker("backend.refused", f"{said.words}.")

    def alters(self) -> Finding:
        """The server takes it, and would make something else of it."""
        text = (
            f"{self.kube.name} would change on the way what is written to {self.subject}, by a rule or default of its "
            "own, so that we could not confirm it."
        )
        return Finding("backend.alters", Severity.WARNING, text, self.subject)

    def blocker(self, code: str, text: str) -> Finding:
        return blocker(code, text, self.subject)

    def silent(self, why: str) -> Finding:
        text = f"{self.subject} could not be tried out beforehand: {why}."
        return Finding("backend.not-rehearsed", Severity.NOTE, text, self.subject)
