"""A second person's consent: when it is asked for, who may give it, and what exactly is signed.

NIST SP 800-53 AC-3(2), dual authorization: two humans, not two accounts. What is signed is the statement below, bound
to the digest of the plan, so that a row that somebody has edited, or an approval of something else, says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from incidents.domain.canonical import JsonObject
from incidents.domain.terms import Terms

# A second person has to be found and to read: longer than the ten minutes of a plan that one person starts.
VALID_FOR = timedelta(minutes=30)
# Who broke the glass and was not reviewed within this cannot do it again.
REVIEW_WITHIN = timedelta(hours=72)
# For so long after a no nobody breaks the glass for the same.
NO_MEANS_NO = timedelta(hours=1)
# What must be typed, to ask at tier 3, to go on alone, and to override checks: short, and easy on a phone.
WORD_FOR_TWO, WORD_ALONE, WORD_TO_OVERRIDE = "SERIOUS", "ALONE", "OVERRIDE"


class Why(StrEnum):
    """Why a second person is asked for."""

    TIER = "tier"
    SIZE = "size"
    ON_CALL_UNKNOWN = "on-call-unknown"
    OVERRIDE = "override"


class State(StrEnum):
    """Of an approval; all but the first are final."""

    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"
    OVERTAKEN = "overtaken"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Human:
    """Who is behind a sign-in, as far as it is known.

    Args:
        account: id of the person's row.
        identity: equal for two sign-ins of one human; empty where nobody has said it.
        family: accounts and identities by whose invitations it came to be: who invited it, who invited them, and so on.
    """

    account: str
    identity: str = ""
    family: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        """Everything by which it could be another one's."""
        own = {self.account, self.identity} - {""}
        return self.family | own


def needed(terms: Terms, resources: int, *, on_call_unknown: bool, overriding: bool = False) -> tuple[Why, ...]:
    """Why this takes a second person; empty when it takes none."""
    found = []
    if terms.tier == 3:
        found.append(Why.TIER)
    if terms.second_person_above is not None and resources > terms.second_person_above:
        found.append(Why.SIZE)
    if on_call_unknown:
        found.append(Why.ON_CALL_UNKNOWN)
    if overriding:
        found.append(Why.OVERRIDE)
    return tuple(found)


def word_to_ask(tier: int, *, overriding: bool) -> str:
    """What must be typed to ask a second person; empty where nothing must."""
    if overriding:
        return WORD_TO_OVERRIDE
    return WORD_FOR_TWO if tier == 3 else ""


def may_agree(asked: Human, agrees: Human) -> str:
    """Why one may not be the second person for the other, as a code; empty when they may.

    Where the inventory says of both who they are, that decides. Otherwise an account that came by an invitation may be
    a second one of whoever invited it, or of another whom they invited: none of such a family agrees to what another
    of it asks for.
    """
    if asked.account == agrees.account:
        return "approval.own"
    if asked.identity and agrees.identity:
        return "approval.same-human" if asked.identity == agrees.identity else ""
    if asked.all & agrees.all:
        return "approval.invited"
    return ""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a second person says, or one person who broke the glass.

    Args:
        approval: id of the approval's row.
        plan: digest of the plan that was read.
        asked_by, decided_by: accounts; equal only with `alone`.
        alone: whether it is a break-glass.
    """

    approval: str
    plan: str
    asked_by: str
    decided_by: str
    decided_at: datetime
    alone: bool

    def as_json(self) -> JsonObject:
        return {
            "v": 1,
            "approval": self.approval,
            "plan": self.plan,
            "asked_by": self.asked_by,
            "decided_by": self.decided_by,
            "decided_at": self.decided_at.isoformat(),
            "alone": self.alone,
        }
