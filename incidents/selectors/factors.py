"""What a person has to show who they are: for their own page, and for the pages that ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from cryptography.fernet import InvalidToken

from incidents.models import Person


@dataclass(frozen=True, slots=True)
class Factor:
    """A passkey or an authenticator app; `used_at` is None when it never was."""

    pk: int
    name: str
    added_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Factors:
    """
    Args:
        totp: the authenticator app; None where there is none.
        codes_left: recovery codes that were not used; None where none were made.
        codes: the codes themselves, as long as nobody has said that they wrote them down.
    """

    passkeys: tuple[Factor, ...]
    totp: Factor | None
    codes_left: int | None
    codes: tuple[str, ...]

    @property
    def any(self) -> bool:
        return bool(self.passkeys) or self.totp is not None


def read_factors(person: Person) -> Factors:
    """All of them in one query."""
    passkeys: list[Factor] = []
    totp: Factor | None = None
    left: int | None = None
    codes: tuple[str, ...] = ()
    for row in Authenticator.objects.filter(user=person).order_by("created_at", "pk"):
        if row.type == Authenticator.Type.RECOVERY_CODES:
            kept = RecoveryCodes(row)
            unused = _unused(kept)
            left, codes = len(unused), () if kept.did_view else tuple(unused)
        elif row.type == Authenticator.Type.TOTP:
            totp = Factor(row.pk, "Authenticator app", row.created_at, row.last_used_at)
        else:
            passkeys.append(Factor(row.pk, row.wrap().name, row.created_at, row.last_used_at))
    return Factors(tuple(passkeys), totp, left, codes)


def _unused(kept: RecoveryCodes) -> list[str]:
    """None of them where no key can read them: they cannot be used then, and everything else still can."""
    try:
        return list(kept.get_unused_codes())
    except InvalidToken:
        return []
