"""What a person says to a run: stop, go on without proof, undo."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from incidents.domain.runs import Outcome, Phase, Step
from incidents.domain.verdicts import Mark
from incidents.models import AuditEntry, Run, StageVerdict
from tests.console.conftest import Shop, page_of, put


def test_it_rejects_a_get_where_something_would_change(run: Run, operator: Client) -> None:
    for verb in ("stop", "overrule"):
        # The address may stand in a browser after a refused form; loading it again leads back and does nothing.
        answer = operator.get(f"{page_of(run)}/{verb}")
        assert (answer.status_code, answer["Location"]) == (303, page_of(run))


def test_stop_is_told_and_may_be_repeated(run: Run, operator: Client) -> None:
    first, second = operator.post(f"{page_of(run)}/stop"), operator.post(f"{page_of(run)}/stop", follow=True)

    assert (first.status_code, first["Location"]) == (303, page_of(run))
    assert "Robin of Example Shop asked to stop at" in second.text
    assert "Stop after this step" not in second.text
    assert AuditEntry.objects.filter(event="run.stop-asked").count() == 1


def test_overrule_needs_a_reason(run: Run, operator: Client) -> None:
    put(run, Step.IN_PLACE, phase=Phase.PAUSED, because="verdict.error")
    StageVerdict.objects.create(run=run, stage=0, mark=Mark.ERROR, at=timezone.now())

    refused = operator.post(f"{page_of(run)}/overrule", {"reason": " "})
    assert refused.status_code == 422
    assert "<title>Error: Needs a decision" in refused.text
    assert "Write why you want to go on." in refused.text

    accepted = operator.post(f"{page_of(run)}/overrule", {"reason": "I have seen it work"})
    assert accepted.status_code == 303
    assert StageVerdict.objects.get().overruled_because == "I have seen it work"


def test_overrule_says_when_nothing_is_to_be_decided(run: Run, operator: Client) -> None:
    answer = operator.post(f"{page_of(run)}/overrule", {"reason": "why not"})

    assert answer.status_code == 422
    assert "There is nothing to decide any more." in answer.text


def test_undo_is_not_offered_after_a_day_or_when_it_was_done(shop: Shop, run: Run, operator: Client) -> None:
    put(run, Step.VERIFIED, phase=Phase.ENDED, outcome=Outcome.SUCCEEDED, stage=1)
    Run.objects.filter(pk=run.pk).update(ended_at=timezone.now() - timedelta(hours=25))

    assert "/undo" not in operator.get(page_of(run)).text
    answer = operator.get(f"{page_of(run)}/undo")
    assert answer.status_code == 422
    assert "It can no longer be undone here." in answer.text


def test_a_viewer_sees_it_and_changes_nothing(run: Run, viewer: Client) -> None:
    page = viewer.get(page_of(run)).text

    assert "Stop after this step" not in page
    for tail in ("/stop", "/overrule", "/undo"):
        assert viewer.post(page_of(run) + tail, {"reason": "x"}).status_code == 404
    run.refresh_from_db()
    assert run.stop_asked_at is None
