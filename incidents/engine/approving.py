"""Whether the second person whom a plan asks for has agreed, asked of signatures and not of states."""

from __future__ import annotations

from incidents.domain.approvals import Human, may_agree
from incidents.domain.plans import Plan as PlanValue
from incidents.engine.grants import may_approve
from incidents.engine.seals import read_approval
from incidents.models import Approval, Person, Plan


def human(person: Person) -> Human:
    """Who is behind a sign-in. No query for whom the inventory has made; one for each invitation behind the others."""
    family: set[str] = set()
    inviter = person.invited_by_id
    while inviter is not None and str(inviter) not in family:
        family.add(str(inviter))
        identity, inviter = Person.objects.values_list("identity", "invited_by_id").get(pk=inviter)
        family |= {identity} - {""}
    return Human(str(person.pk), person.identity, frozenset(family))


def what_is_missing(plan: Plan, value: PlanValue, asked_by: Person) -> str:
    """Why this plan may not run in the name of `asked_by`, as a code; empty when it may.

    Asked at the start and again before each effect: the row may have been edited, and whoever agreed may have lost the
    right to.
    """
    if not value.second_person:
        return ""
    if plan.proposed_by_id != asked_by.pk:
        # Who asks is whoever the sealed plan was made for, whatever the row of the approval says.
        return "approval.missing"
    row = Approval.objects.filter(plan=plan).select_related("decided_by", "plan__preapproval").first()
    statement = read_approval(row) if row is not None else None
    if row is None or statement is None or row.decided_by is None:
        return "approval.missing"
    if (statement.asked_by, statement.decided_by) != (str(asked_by.pk), str(row.decided_by.pk)):
        return "approval.missing"
    if statement.alone:
        alone = statement.asked_by == statement.decided_by and value.terms.break_glass
        return "" if alone else "approval.missing"
    if not may_approve(row.decided_by, row.plan.preapproval):
        return "approval.revoked"
    return may_agree(human(asked_by), human(row.decided_by))
