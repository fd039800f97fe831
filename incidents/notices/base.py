"""What the ways out share: their one shape, and a limit that holds whatever a library waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from incidents.domain.notices import Posting, Result

Value = TypeVar("Value")
Secret = Callable[[str], str]


class Sender(Protocol):
    """One channel of the inventory, ready to send."""

    def send(self, posting: Posting, to: str) -> Result:
        """One attempt. Never raises for what a receiver does, and ends within some seconds.

        Args:
            to: the address of a person, for channels that have some; empty for the others.
        """

    def masked(self, to: str) -> str:
        """To whom it goes, so that a log may hold it."""

    def close(self) -> None:
        """Harmless when repeated."""


class Make(Protocol):
    """Makes a sender from settings of the inventory, without connecting."""

    def __call__(self, name: str, settings: Mapping[str, object], secret: Secret) -> Sender:
        """Raises InventoryFault with a path such as `settings.url`."""


def within(seconds: float, call: Callable[[], Value], name: str) -> Value:
    """What `call` returns, or raises.

    It runs in a thread of its own, for name look-ups and libraries know no limit for all that they do. One that hangs
    is left behind; it ends with its own time limits, and holds nothing that anybody waits for.

    Raises TimeoutError after `seconds`.
    """
    values: list[Value] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            values.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not values:
        raise TimeoutError(f"{name} took longer than {seconds:g} s")
    return values[0]
