"""What every adapter is: three verbs over a batch of keys, and the checks that come before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from incidents.domain.changes import Cause, Change, Receipt, State
from incidents.domain.errors import EmptyBatch, UnknownKey
from incidents.domain.findings import Finding


class Adapter(Protocol):
    """Talks to one backend.

    An adapter is handed all that it needs when it is made: the address, the secrets, the keys that the inventory
    binds to this backend, and its budget in seconds. It is safe to use from several threads at once.
    No call outlives the budget: DNS, connect, read and all. No secret is ever part of an error's text.
    """

    def observe(self, keys: Sequence[str]) -> Mapping[str, State]:
        """What is, now: one state for every key asked for, without any effect.

        Where one key cannot be read and the others can, its state is `changes.unreadable`.

        Raises:
            EmptyBatch, UnknownKey: before anything is sent.
            BackendUnreachable, BackendTimeout, BackendRefused: nothing was learned.
        """

    def rehearse(self, changes: Sequence[Change]) -> Sequence[Finding]:
        """What the backend says to these changes when it only pretends; without effect. Empty where it cannot."""

    def apply(self, changes: Sequence[Change], cause: Cause) -> Sequence[Receipt]:
        """Makes each `after` so; absolute, safe to repeat. One receipt a change, in the same order.

        Where the backend can compare, what is neither `before` nor `after` any more is refused and left alone; what
        is `after` already is accepted without an effect.

        What goes wrong at the backend is in the receipts, for some changes of a batch may have been done.

        Raises:
            EmptyBatch, UnknownKey: before anything is sent.
        """

    def close(self) -> None:
        """Ends connections. Harmless when repeated."""


def check_batch(asked: Sequence[str], known: frozenset[str], backend: str) -> None:
    """Refuses a batch that is empty or holds a key that is not bound here.

    Raises: EmptyBatch, UnknownKey.
    """
    if not asked:
        raise EmptyBatch(f"{backend} was asked about nothing; nothing never means everything")
    strangers = sorted(set(asked) - known)
    if strangers:
        named = ", ".join(strangers[:3])
        raise UnknownKey(f"{backend} has no binding for {named}; nothing was sent")
