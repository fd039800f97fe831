"""Every error that the machine raises on purpose, in one tree.

HandrailError
    Refused                     a person or a caller asked for what cannot be; carries findings
        NotAllowed              the person holds no such permission
        EmptySelector           nothing was named, and nothing never means everything
        PlanExpired             the preview is too old
        PlanChanged             the world is no longer what the preview showed
        KeyReused               the idempotency key was used for another request
        KeyInUse                the first request with that key is still being worked on
    InventoryFault              a fault in the inventory file; carries line and path
    AdapterError                the code that talks to a backend could not do its part
        EmptyBatch              an adapter was handed no keys or no changes
        UnknownKey              an adapter was handed a key that the inventory does not bind to it
        BackendUnreachable      no connection; certainly nothing was sent
        BackendTimeout          no answer within the budget; what was sent may have been done
        BackendRefused          the backend answered no
    ProbeError                  an instrument could not measure; says nothing about the service
    Fenced                      another owner has claimed the run; the caller must write nothing more
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from incidents.domain.findings import Finding


class HandrailError(Exception):
    """The root. Its text is written for people and holds no secret."""


class Refused(HandrailError):
    """We did not start it. `findings` names every reason, each with its stable code."""

    def __init__(self, message: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message)
        self.findings = findings


class NotAllowed(Refused):
    """The person holds no permission for this."""


class EmptySelector(Refused):
    """Unknown, missing or empty never means "all" (the cause of the outage of 2026-02-20)."""


class PlanExpired(Refused):
    """The preview is older than its ten minutes."""


class PlanChanged(Refused):
    """The world, or the preapproval, differs from what the preview showed."""


class KeyReused(Refused):
    """Same idempotency key, other request."""


class KeyInUse(Refused):
    """Same idempotency key and same request, which somebody is working on."""


class Limited(Refused):
    """Too many tries to sign in.

    Args:
        minutes: after which the next try is looked at; at least 1.
    """

    def __init__(self, minutes: int) -> None:
        super().__init__(f"Too many tries. Wait {minutes} minute{'s' if minutes != 1 else ''}.")
        self.minutes = minutes


class InventoryFault(HandrailError):
    """A fault in the inventory file.

    Args:
        message: what is wrong and what would be right.
        path: where in the document, such as `organizations[0].resources[2].prefix`.
        line: line in the file, counted from 1; 0 when it is unknown.
    """

    def __init__(self, message: str, path: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.message, self.path, self.line = message, path, line

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.path or 'the file'}: {self.message}"


class AdapterError(HandrailError):
    """The code that talks to a backend could not do its part."""


class EmptyBatch(AdapterError):
    """An adapter was handed nothing to do; it sends nothing and says so."""


class UnknownKey(AdapterError):
    """A key that the inventory does not bind to this backend; nothing was sent."""


class BackendUnreachable(AdapterError):
    """No connection, so certainly nothing was sent."""


class BackendTimeout(AdapterError):
    """No answer within the budget; what was sent may have been done."""


class BackendRefused(AdapterError):
    """The backend answered no."""


class ProbeError(HandrailError):
    """An instrument could not measure. Says nothing about what it should have measured."""


class Fenced(HandrailError):
    """A counted update changed no row: another owner holds the run now."""
