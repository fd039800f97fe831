"""A signed HTTP hook: an in-house system of any kind, by three verbs in JSON to one address.

The protocol is told to the byte in docs/backends/hook.md, with an example of a server. Questions and answers are signed
with one secret, and an answer carries the id of its question, so that whoever stands between can neither lie nor
answer with what was said before. The verb stands in the body and not in the address, for the address is not signed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self, TypeVar
from urllib.parse import urlsplit

from incidents.adapters import hook_answers as answers
from incidents.adapters.base import check_batch
from incidents.adapters.hook_answers import Unusable
from incidents.adapters.hook_signing import ID, SIGNATURE, TIMESTAMP, Signer, Unproven
from incidents.domain.canonical import JsonObject, encode
from incidents.domain.changes import Cause, Change, Receipt, Reply, State, settings_of
from incidents.domain.errors import AdapterError, BackendRefused, BackendUnreachable, InventoryFault
from incidents.domain.findings import Finding
from incidents.wire.deadline import Deadline
from incidents.wire.http import Client, Raw, check_guarded_url, trust
from incidents.wire.settings import Settings, fault

SETTINGS = frozenset({"url", "secret", "ca"})
VERSION = 1
LONGEST_KEY = 200
# A thousand states of a kilobyte each; more is a mistake of the hook.
LARGEST_ANSWER = 1024 * 1024

Told = TypeVar("Told")


class Hook:
    """An `Adapter` for one address.

    Args:
        name: slug of the backend, for messages.
        client: whose url ends before the path.
        path: of the hook; sent exactly so, with or without a slash at its end.
        signer: holds the secrets.
        keys: what the inventory binds to this backend.
        budget_seconds: the longest that one call may take, connecting included.
    """

    def __init__(
        self, *, name: str, client: Client, path: str, signer: Signer, keys: frozenset[str], budget_seconds: float
    ) -> None:
        self._name, self._client, self._path, self._signer = name, client, path, signer
        self._keys, self._budget = keys, budget_seconds

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
        given = Settings.of(settings, SETTINGS)
        parts = urlsplit(check_guarded_url("url", given.text("url")))
        if given.has("ca") and parts.scheme != "https":
            raise fault("ca", "has no meaning without https")
        tls = trust("ca", given.secret("ca", secret) if given.has("ca") else None)
        if any(cls.normalize_key(key) != key for key in keys):
            raise InventoryFault("the keys of this backend are not in their one form")
        return cls(
            name=name,
            client=Client(name, f"{parts.scheme}://{parts.netloc}", tls=tls, largest=LARGEST_ANSWER),
            path=parts.path or "/",
            signer=Signer.read("secret", given.secret("secret", secret)),
            keys=keys,
            budget_seconds=budget_seconds,
        )

    @staticmethod
    def normalize_key(key: str) -> str:
        """Any printable text without space at its ends, as it is. Raises InventoryFault."""
        if not key or not key.isprintable() or key != key.strip() or len(key) > LONGEST_KEY:
            raise InventoryFault(f"{key[:LONGEST_KEY]!r} must be printable text of at most {LONGEST_KEY} characters")
        return key

    def observe(self, keys: Sequence[str]) -> Mapping[str, State]:
        """All keys in one call; one state that cannot be read leaves nothing learned."""
        check_batch(keys, self._keys, self._name)
        asked = list(dict.fromkeys(keys))
        return self._ask("observe", {"keys": asked}, lambda answer: answers.states(answer, asked))

    def rehearse(self, changes: Sequence[Change]) -> Sequence[Finding]:
        """What the hook says; a hook that cannot pretend answers with no findings.

        Raises: UnknownKey; BackendUnreachable, BackendTimeout, BackendRefused.
        """
        if not changes:
            return []
        keys = [change.key for change in changes]
        check_batch(keys, self._keys, self._name)
        return self._ask("rehearse", {"changes": _told(changes)}, lambda answer: answers.findings(answer, keys))

    def apply(self, changes: Sequence[Change], cause: Cause) -> Sequence[Receipt]:
        """One call. Only a signed answer says anything: without it, what was sent may have been done."""
        keys = [change.key for change in changes]
        check_batch(keys, self._keys, self._name)
        if len(set(keys)) < len(keys):
            return [Receipt(key, Reply.REFUSED, "a key is named twice in one batch; nothing was sent") for key in keys]
        body: JsonObject = {
            "idempotency_key": cause.key,
            "run": cause.run,
            "person": cause.person,
            "reason": " ".join(cause.reason.split()),
            "changes": _told(changes),
        }
        try:
            return self._ask("apply", body, lambda answer: answers.receipts(answer, keys))
        except BackendUnreachable as error:
            return [Receipt(key, Reply.NOT_SENT, str(error)) for key in keys]
        except AdapterError as error:
            return [Receipt(key, Reply.UNANSWERED, str(error)) for key in keys]

    def close(self) -> None:
        self._client.close()

    def _ask(self, verb: str, more: JsonObject, read: Callable[[object], Told]) -> Told:
        """One question and its answer, read by `read`.

        Raises:
            BackendUnreachable: certainly nothing was sent.
            BackendTimeout: the answer was lost, late or too large.
            BackendRefused: what came back is no answer, or does not prove to be one.
        """
        deadline = Deadline(self._budget)
        body = encode({"v": VERSION, "verb": verb, **more})
        # Neither holds a full stop, which stands between the parts of what is signed.
        identifier, timestamp = f"msg_{secrets.token_hex(16)}", str(int(time.time()))
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            ID: identifier,
            TIMESTAMP: timestamp,
            SIGNATURE: self._signer.sign(identifier, timestamp, body),
        }
        answer = self._client.exchange(deadline, "POST", self._path, body, headers)
        self._check_status(answer.status)
        try:
            return read(self._proven(answer, identifier))
        except Unproven as error:
            raise BackendRefused(f"the answer of {self._name} proves nothing: {error}") from error
        except Unusable as error:
            raise BackendRefused(f"the answer of {self._name} cannot be used: {error}") from error

    def _check_status(self, status: int) -> None:
        """Anything but a 200 is no answer; it need not even come from the hook."""
        if 300 <= status < 400:
            raise BackendRefused(f"{self._name} answered with a redirect, which is not followed")
        if status == 401:
            raise BackendRefused(f"{self._name} does not accept our signature: is the secret the same, and the time?")
        if status != 200:
            raise BackendRefused(f"{self._name} gave no answer, with status {status}")

    def _proven(self, answer: Raw, identifier: str) -> object:
        """What the hook says, once it is sure that it does. Raises Unproven, Unusable."""
        self._signer.check(answer.headers, answer.content, identifier, time.time())
        value = answers.parse(answer.content)
        # States, labels and details are stored and shown.
        if self._signer.is_in(repr(value)):
            raise Unusable("it holds the secret that it is signed with")
        return value


def _told(changes: Sequence[Change]) -> Sequence[JsonObject]:
    return [
        {"key": change.key, "before": settings_of(change.before), "after": settings_of(change.after)}
        for change in changes
    ]
