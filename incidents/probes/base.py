"""What every probe is: one verb that measures a batch of points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from incidents.domain.rpki import Validity
from incidents.domain.verdicts import Reading


@dataclass(frozen=True, slots=True)
class Point:
    """What to look at, and through which location.

    Args:
        id: of the measuring point; readings are given by it.
        prefix: the address range that is looked for.
        location: slug of the location through which it is looked at.
        address: where to connect (`host:port`) for probes that connect; empty for the others.
    """

    id: int
    prefix: str
    location: str
    address: str = ""


@runtime_checkable
class Validator(Protocol):
    """A probe that can also say whether an AS is authorised to originate a prefix."""

    def validity(self, routes: Sequence[tuple[int, str]]) -> Mapping[tuple[int, str], Validity]:
        """What the RPKI says of each (origin AS, prefix). The validator's own trouble is `unknown`, never an error."""


@runtime_checkable
class Listener(Protocol):
    """A probe that also hears from where prefixes are announced."""

    def origins(self, prefixes: Sequence[str]) -> Mapping[str, frozenset[int]]:
        """The AS numbers that originate each prefix as its collector hears it; those without any may be left out.

        Raises:
            ProbeError: the collector does not answer.
        """


class Probe(Protocol):
    """Measures points from outside, without effect, in one round of at most its budget in seconds."""

    def measure(self, points: Sequence[Point]) -> Mapping[int, Reading]:
        """One reading a point, by the point's id.

        A service that does not answer is a reading (`fail`). An instrument that cannot see gives `inconclusive`
        or `error` readings for the points concerned; it never turns its own trouble into a `fail`.

        Raises:
            ProbeError: the instrument is out of order altogether (a collector that does not answer).
        """

    def close(self) -> None:
        """Ends connections. Harmless when repeated."""
