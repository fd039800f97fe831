"""What the guards are asked about, and what must be known to answer them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from incidents.domain.changes import Change, resources_of
from incidents.domain.kinds import Kind, kind_of, stands_for
from incidents.domain.plans import Plan
from incidents.domain.terms import Terms


@dataclass(frozen=True, slots=True)
class CallersConsent:
    """How the consent stands now by which somebody of the operator acts for a customer.

    Args:
        caller: who asked for it; empty when there is no such consent.
        ended_by: how whoever has ended it is called; empty while nobody has.
        over: whether its time is over.
    """

    caller: str
    ended_by: str = ""
    over: bool = False


@dataclass(frozen=True, slots=True)
class Frozen:
    """One freeze that holds now: who made it, since when, and why."""

    by: str
    since: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Tripped:
    """The breaker that is open for what is proposed: since when, and what opened it, as a sentence."""

    since: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Lately:
    """Resources that other runs changed within the windows of the terms; what is not limited is not counted.

    `locations` and `zones` count by slug and by name.
    """

    organization: int = 0
    platform: int = 0
    locations: Mapping[str, int] = field(default_factory=dict)
    zones: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What must be known to ask the guards.

    Args:
        allowed: whether the person may act for the organization and use the preapproval, now; with a consent, whether
            they are still somebody who may ask for one.
        preapproval: digest of the preapproval as it is now; empty when it is gone.
        covered: ids of the resources that it covers now.
        busy: id of a resource -> reference of the other live run that is changing it.
        lately: how much was changed lately.
        zone_of: location -> its zone, where zones are limited.
        cooling: id of a resource -> until when it is left alone after the last run of this action.
        breaker: the one that is open for this; None while none is.
        announced_at: id of a binding -> when we last announced it.
        sealed: whether the run's row, and the preapproval's, are as the console wrote them.
        approval: what is missing of the second person's consent, as a code; empty when nothing is, or none is needed.
        incident_open: whether an incident of the organization is open.
        on_call: whether the person is on call by the rota of the terms; None when nobody can tell, or none is named.
        agreed: whether this was agreed to beforehand: a hand-back must come even when its person has left since, the
            rules have changed, or much else was changed lately. Then only the guards of the moment count.
        consent: how the consent stands that the plan leans on; None where it leans on none.
        freezes: those that hold for everyone, for this organization or for this action.
    """

    allowed: bool
    preapproval: str
    covered: frozenset[str]
    busy: Mapping[str, str] = field(default_factory=dict)
    lately: Lately = field(default_factory=Lately)
    zone_of: Mapping[str, str] = field(default_factory=dict)
    cooling: Mapping[str, datetime] = field(default_factory=dict)
    breaker: Tripped | None = None
    announced_at: Mapping[str, datetime] = field(default_factory=dict)
    agreed: bool = False
    sealed: bool = True
    approval: str = ""
    incident_open: bool = False
    on_call: bool | None = None
    consent: CallersConsent | None = None
    freezes: tuple[Frozen, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the guards are asked about: the changes, and what they lean on.

    Args:
        preapproval: its digest.
        organization: slug; `action` its name in the catalogue: what a freeze speaks of.
        consent: id of the caller's consent; empty where there is none.
        second_person: whether the plan takes one.
        rescue: whether the changes repair; otherwise they count as damage.
        overridden: codes of the guards that a person overrides by name.
        undoes: whether it puts back what another run has changed.
    """

    changes: tuple[Change, ...]
    preapproval: str
    terms: Terms
    organization: str = ""
    action: str = ""
    consent: str = ""
    second_person: bool = False
    rescue: bool = True
    overridden: tuple[str, ...] = ()
    undoes: bool = False

    @classmethod
    def of(cls, plan: Plan, changes: tuple[Change, ...] | None = None) -> Proposal:
        """What a plan proposes: all of its changes, or only these."""
        return cls(
            plan.changes if changes is None else changes,
            plan.preapproval,
            plan.terms,
            plan.organization,
            plan.action,
            plan.consent,
            second_person=bool(plan.second_person),
            rescue=plan.rescue,
            overridden=plan.overridden,
            undoes=bool(plan.undo_of),
        )

    @property
    def kinds(self) -> frozenset[Kind]:
        """Of what is changed."""
        return frozenset(kind_of(change.aspect) for change in self.changes)

    @property
    def actions(self) -> tuple[str, ...]:
        """Whose freezes, breakers and cool-downs hold for it."""
        return stands_for(self.action, sorted(self.kinds))

    @property
    def resources(self) -> dict[str, str]:
        """Id -> name of every resource that is changed."""
        return resources_of(self.changes)
