"""One person alone: only where it is allowed, told to all, and reviewed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db.models import F

from incidents.domain.approvals import State, Statement
from incidents.domain.errors import NotAllowed, Refused
from incidents.domain.runs import Outcome
from incidents.engine import seals
from incidents.models import (
    Approval,
    AuditEntry,
    Notice,
    Person,
    Review,
    Run,
)
from incidents.services import approvals
from incidents.services.break_glass import break_glass
from incidents.services.reviews import finish
from incidents.services.start import start
from tests.engine.asking import events, person
from tests.scene import Scene, consent


def test_breaking_the_glass(glass: Scene) -> None:
    posted = consent(glass.propose(), reason="nobody answers the phone", word="SERIOUS")
    with pytest.raises(Refused, match="Type the word ALONE"):
        break_glass(glass.operator, glass.organization, replace(posted, word="yes"))
    run = glass.carry_on(break_glass(glass.operator, glass.organization, replace(posted, word=" alone ")))
    assert run.outcome == Outcome.SUCCEEDED
    told = set(Notice.objects.filter(text__contains="alone").values_list("person__username", flat=True))
    assert told == {"shop-operator", "shop-owner", "support-desk"}
    assert events("approval.break-glass") == 1
    review = Review.objects.get(done_at=None)
    assert review.run == run


def test_it_is_reviewed_by_another_human(glass: Scene) -> None:
    posted = consent(glass.propose(), reason="nobody answers", word="SERIOUS")
    run = break_glass(glass.operator, glass.organization, replace(posted, word="ALONE"))
    review = Review.objects.get()
    for who in ("shop-operator", "shop-owner", "support-desk"):
        with pytest.raises(NotAllowed):
            finish(person(who), review, "looks right")
    Person.objects.filter(username="reviewer").update(identity="shop-operator")
    with pytest.raises(NotAllowed):
        finish(person("reviewer"), review, "looks right")
    Person.objects.filter(username="reviewer").update(identity="reviewer")
    with pytest.raises(Refused, match="Write what"):
        finish(person("reviewer"), review, "")
    finish(person("reviewer"), review, "looks right")
    with pytest.raises(Refused, match="already"):
        finish(person("reviewer"), review, "looks right")
    assert AuditEntry.objects.filter(event="review.finished", run=str(run.pk)).count() == 1


def test_who_owes_a_review_does_not_go_alone_again(glass: Scene) -> None:
    posted = consent(glass.propose(), reason="nobody answers", word="SERIOUS")
    glass.carry_on(break_glass(glass.operator, glass.organization, replace(posted, word="ALONE")))
    Review.objects.update(opened_at=F("opened_at") - timedelta(hours=73))
    glass.break_()
    with pytest.raises(Refused, match="has not been reviewed"):
        break_glass(glass.operator, glass.organization, consent(glass.propose(), reason="x", word="ALONE"))


def test_only_where_the_preapproval_allows_it(tier3: Scene) -> None:
    posted = consent(tier3.propose(), reason="nobody answers", word="SERIOUS")
    with pytest.raises(NotAllowed, match="one person alone"):
        break_glass(tier3.operator, tier3.organization, replace(posted, word="ALONE"))
    assert not Run.objects.exists()


def test_a_yes_of_ones_own_written_by_the_console_counts_only_as_broken_glass(tier3: Scene) -> None:
    """Even a statement with a good signature: nobody is their own second person where the glass may not be broken."""
    posted = consent(tier3.propose(), reason="down", word="SERIOUS")
    row = approvals.ask(tier3.operator, tier3.organization, posted)
    for alone in (True, False):
        said = Statement(str(row.pk), row.plan_id, str(row.asked_by_id), str(row.asked_by_id), row.asked_at, alone)
        statement, signature = seals.seal_approval(said)
        Approval.objects.filter(pk=row.pk).update(
            state=State.APPROVED, decided_by=row.asked_by, statement=statement, signature=signature, alone=alone
        )
        with pytest.raises(Refused):
            start(tier3.operator, tier3.organization, posted)
