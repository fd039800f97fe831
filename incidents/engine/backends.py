"""Calls to backends and probes: one pool of slots each, one total budget a call, enforced from outside the call too.

A backend that hangs fills its own slots and nobody else's: whoever asks it next is told at once that it is busy.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from incidents.adapters.base import Adapter
from incidents.domain.errors import AdapterError, BackendTimeout, BackendUnreachable, HandrailError
from incidents.engine.kinds import ADAPTERS, PROBES
from incidents.inventory.references import resolve
from incidents.models import Backend, Binding, InventoryRevision, Probe
from incidents.probes.base import Probe as Instrument

Answer = TypeVar("Answer")

logger = logging.getLogger(__name__)

# What the call itself may overrun its budget before it is given up from outside, in seconds.
GRACE = 0.5


@dataclass(frozen=True, slots=True)
class Pending(Generic[Answer]):
    """A call that waits for a slot or is under way."""

    name: str
    budget: float
    future: Future[Answer]
    began: float = field(default_factory=time.monotonic)

    def result(self) -> Answer:
        """What the call gave.

        Raises:
            BackendUnreachable: every slot was taken for the whole budget, so nothing was sent.
            BackendTimeout: no answer within the budget; the call may still have an effect.
            HandrailError: what the tool itself raised; AdapterError when its code broke.
        """
        left = self.began + self.budget + GRACE - time.monotonic()
        try:
            return self.future.result(max(0.0, left))
        except FutureTimeout:
            if self.future.cancel():
                raise BackendUnreachable(f"{self.name} is busy with calls that it does not answer") from None
            raise BackendTimeout(f"{self.name} did not answer within {self.budget:g} s") from None
        except CancelledError:
            raise BackendUnreachable(f"{self.name} was not asked, for the inventory has changed") from None
        except HandrailError:
            raise
        except Exception as error:  # a fault in one adapter must not blind those who ask others in the same round
            logger.exception("the code for %s broke", self.name)
            raise AdapterError(f"our code for {self.name} broke ({type(error).__name__})") from error

    def outcome(self) -> Answer | HandrailError:
        """The same, with the error as a value."""
        try:
            return self.result()
        except HandrailError as error:
            return error


class Closable(Protocol):
    def close(self) -> None: ...


Tool = TypeVar("Tool", bound=Closable)


class Bulkhead(Generic[Tool]):
    """One tool with its slots: at most `slots` calls at a time, each at most `budget` seconds."""

    def __init__(self, name: str, tool: Tool, budget: float, slots: int) -> None:
        self.name = name
        self._tool = tool
        self.budget = budget
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix=name)

    def call(self, verb: Callable[[Tool], Answer]) -> Pending[Answer]:
        """Begins the call, or queues it for a slot; returns at once. Raises BackendUnreachable when it is closed."""
        try:
            return Pending(self.name, self.budget, self._pool.submit(verb, self._tool))
        except RuntimeError:
            raise BackendUnreachable(f"{self.name} was not asked, for the inventory has changed") from None

    def close(self) -> None:
        """Takes no more calls; ends the tool's connections when those under way have run out. Returns at once."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        threading.Thread(target=self._close_when_idle, name=f"close-{self.name}", daemon=True).start()

    def _close_when_idle(self) -> None:
        self._pool.shutdown(wait=True)
        self._tool.close()


def ask_all(names: Iterable[str], begin: Callable[[str], Pending[Answer]]) -> Mapping[str, Answer | HandrailError]:
    """Begins the call of each name before it waits for the first; gives each one's answer, or its error."""
    calls: dict[str, Pending[Answer] | HandrailError] = {}
    TOOLS.refresh()
    for name in names:
        try:
            calls[name] = begin(name)
        except HandrailError as error:
            calls[name] = error
    return {name: call if isinstance(call, HandrailError) else call.outcome() for name, call in calls.items()}


class Tools:
    """The adapters and probes of the inventory as it is now, made once a process and revision."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revision: tuple[int, str] | None = None
        self._adapters: dict[str, Bulkhead[Adapter]] = {}
        self._probes: dict[str, Bulkhead[Instrument]] = {}

    def adapter(self, slug: str) -> Bulkhead[Adapter]:
        """The adapter of a backend. Raises HandrailError when the inventory has none of that name."""
        with self._lock:
            if slug not in self._adapters:
                self._adapters[slug] = _make_adapter(slug)
            return self._adapters[slug]

    def probe(self, slug: str) -> Bulkhead[Instrument]:
        """The probe of that name. Raises HandrailError when the inventory has none of that name."""
        with self._lock:
            if slug not in self._probes:
                self._probes[slug] = _make_probe(slug)
            return self._probes[slug]

    def refresh(self) -> None:
        """Lets all go when the inventory has changed since they were made."""
        revision = InventoryRevision.objects.order_by("-pk").values_list("pk", "digest").first()
        with self._lock:
            if revision == self._revision:
                return
            for adapter in self._adapters.values():
                adapter.close()
            for probe in self._probes.values():
                probe.close()
            self._adapters, self._probes, self._revision = {}, {}, revision


TOOLS = Tools()


def _make_adapter(slug: str) -> Bulkhead[Adapter]:
    row = Backend.objects.filter(slug=slug).first()
    if row is None:
        raise HandrailError(f"the inventory has no backend {slug}")
    adapter = ADAPTERS[row.kind].from_settings(
        name=row.slug,
        settings=row.settings,
        secret=secret_of,
        keys=frozenset(Binding.objects.filter(backend=row).values_list("key", flat=True)),
        budget_seconds=row.budget_ms / 1000,
    )
    return Bulkhead(row.slug, adapter, row.budget_ms / 1000, row.slots)


def _make_probe(slug: str) -> Bulkhead[Instrument]:
    row = Probe.objects.filter(slug=slug).first()
    if row is None:
        raise HandrailError(f"the inventory has no probe {slug}")
    probe = PROBES[row.kind].from_settings(
        name=row.slug, settings=row.settings, secret=secret_of, budget_seconds=row.budget_ms / 1000
    )
    return Bulkhead(row.slug, probe, row.budget_ms / 1000, 4)


def secret_of(reference: str) -> str:
    """What stands behind a reference of the inventory. Raises InventoryFault."""
    return resolve(reference, Path.cwd())
