"""The page of a run: the truth in every state, and what a person may say to it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from incidents.domain.runs import Outcome, Phase, Step
from incidents.domain.verdicts import Mark
from incidents.models import AuditEntry, Point, Run, RunReading, StageVerdict, Target
from tests import factories
from tests.console.conftest import Shop, page_of, put, start_run
from tests.console.test_home import polled

# Session and person; run with grants; targets, readings, plan, verdicts, resources, named (2), undone, attempts, usual;
# resources of the picture, its stretches, looks and runs.
QUERIES = 18
# Session and person; run with grants.
QUERIES_UNCHANGED = 3


def measured(run: Run, mark: Mark) -> None:
    RunReading.objects.bulk_create(
        [
            RunReading(
                run=run,
                stage=0 if point.location.slug == "edge-a" else 1,
                probe_id=point.probe_id,
                resource_id=point.resource_id,
                location_id=point.location_id,
                point=point,
                wanted=Mark.PASS,
                baseline=Mark.FAIL,
                latest=mark,
            )
            for point in Point.objects.filter(resource__locks__run=run).select_related("location")
        ]
    )


def test_it_is_the_receipt_from_the_first_moment(run: Run, operator: Client) -> None:
    page = operator.get(page_of(run)).text

    assert "<title>Running: 203.0.113.0/24</title>" in page
    assert "<h1>Re-advertising 203.0.113.0/24</h1>" in page
    assert "by Robin of Example Shop." in page
    assert "Reason: <bdi>shop is down</bdi>" in page
    assert f'<strong class="address">{run.reference}</strong> (say this on the phone)' in page
    assert "It is accepted and will not be lost." in page
    assert page.count("not sent yet") == 3
    assert "Stop after this step" in page
    assert "/undo" not in page


def test_it_tells_success_only_with_its_proof(run: Run, operator: Client) -> None:
    measured(run, Mark.PASS)
    put(run, Step.VERIFIED, phase=Phase.ENDED, outcome=Outcome.SUCCEEDED, stage=1)

    page = operator.get(page_of(run)).text

    assert "<title>Reachable again: 203.0.113.0/24</title>" in page
    assert "<h1>203.0.113.0/24 is reachable again</h1>" in page
    assert "Confirmed from outside through 3 locations" in page
    assert page.count("Reachable</span></td>") == 3
    assert "hx-get" not in page
    assert f'href="{page_of(run)}/undo">Undo</a> until' in page


def test_it_says_who_went_on_without_proof(shop: Shop, run: Run, operator: Client) -> None:
    StageVerdict.objects.create(
        run=run, stage=1, mark=Mark.ERROR, at=timezone.now(), overruled_by=shop.operator, overruled_because="seen it"
    )
    put(run, Step.VERIFIED, phase=Phase.ENDED, outcome=Outcome.SUCCEEDED, stage=1)

    page = operator.get(page_of(run)).text

    assert "<h1>The change to 203.0.113.0/24 is in place, without proof from outside</h1>" in page
    assert "Robin of Example Shop decided to go on without proof from outside: “seen it”" in page
    assert "reachable again" not in page


@pytest.mark.parametrize(
    ("step", "fields", "words"),
    [
        (Step.FAILED, {"outcome": Outcome.FAILED, "because": "run.target-failed"}, "This did not work."),
        (Step.LEFT, {"outcome": Outcome.STOPPED, "because": "run.stopped-by-person"}, "Stopped. Nothing was changed."),
        (
            Step.VERIFIED,
            {"outcome": Outcome.EXPIRED, "because": "run.deadline"},
            "The time for this was over. The change is in place everywhere.",
        ),
        (Step.LEFT, {"outcome": Outcome.ERRORED, "because": "engine.quarantined"}, "Our own software failed."),
        (
            Step.FAILED,
            {"outcome": Outcome.EXPIRED, "because": "run.outcome-unknown"},
            "We could not find out whether this worked",
        ),
    ],
)
def test_every_end_has_its_words(run: Run, operator: Client, step: Step, fields: dict[str, Any], words: str) -> None:
    put(run, step, "backend.refused" if step is Step.FAILED else "", phase=Phase.ENDED, **fields)

    page = operator.get(page_of(run)).text

    assert f"<h1>{words}" in page
    assert "reachable again" not in page
    assert "hx-get" not in page
    assert "<strong>Why:</strong>" in page


def test_it_names_each_target_that_failed_and_why(run: Run, operator: Client) -> None:
    put(run, Step.VERIFIED, phase=Phase.ENDED, outcome=Outcome.FAILED, because="run.target-failed")
    Target.objects.filter(run=run, location__slug="edge-b").update(
        step=Step.FAILED, because="backend.refused", detail="policy <says> no"
    )

    page = operator.get(page_of(run)).text

    assert "<h1>This did not work. The change is in place in 2 of 3 places.</h1>" in page
    assert "Its control system refused the change. It said: “policy &lt;says&gt; no”" in page
    assert "<small>Code: backend.refused</small>" in page
    assert f"say {run.reference}." in page


def test_it_names_locations_that_were_left_out(run: Run, operator: Client) -> None:
    put(run, Step.VERIFIED, phase=Phase.ENDED, outcome=Outcome.SUCCEEDED, stage=1)
    Target.objects.filter(run=run, location__slug="edge-c").update(step=Step.SKIPPED, because="backend.unreachable")

    page = operator.get(page_of(run)).text

    assert "<h1>203.0.113.0/24 is reachable again, except from Singapore</h1>" in page
    assert "left out. Its control system does not answer." in page
    assert "Confirmed from outside through 2 locations" in page


def test_it_says_openly_that_the_outcome_is_unknown(run: Run, operator: Client) -> None:
    put(run, Step.ATTEMPTED, phase=Phase.RUNNING, because="run.outcome-unknown")

    page = operator.get(page_of(run)).text

    assert "<h1>We do not know yet whether this worked</h1>" in page
    assert "Do not start it again; we will not let it run twice." in page
    assert "sent, waiting to see it" in page


def test_it_says_when_it_is_late(run: Run, operator: Client) -> None:
    put(run, phase=Phase.RUNNING, accepted_at=timezone.now() - timedelta(minutes=3))

    assert "this is taking longer than usual" in operator.get(page_of(run)).text


def test_it_asks_a_person_when_it_cannot_prove(run: Run, operator: Client, viewer: Client) -> None:
    put(run, Step.IN_PLACE, phase=Phase.PAUSED, because="verdict.inconclusive")

    page = operator.get(page_of(run)).text

    assert "<title>Needs a decision: 203.0.113.0/24</title>" in page
    assert "Go on without proof" in page
    assert "Needs a decision</span>" in page
    assert "Go on without proof" not in viewer.get(page_of(run)).text


@pytest.mark.parametrize("many", [False, True])
def test_it_costs_the_same_for_many(
    shop: Shop, operator: Client, many: bool, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    places = ("edge-a", "edge-b", "edge-c")
    more = [factories.make_prefix(shop.organization, withdrawn=places) for _ in range(100 if many else 0)]
    shop.preapproval.resources.add(*more)
    run = start_run(shop, shop.broken, *more)

    with django_assert_num_queries(QUERIES):
        page = operator.get(page_of(run))

    assert ("101 not sent yet" in page.text) is many


def test_its_poll_swaps_nothing_while_nothing_changes(
    run: Run, operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    address = polled(operator.get(page_of(run)).text)

    with django_assert_num_queries(QUERIES_UNCHANGED):
        answer = operator.get(address)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["Cache-Control"] == "no-store"


def test_its_last_poll_stops_polling_and_announces_the_end(run: Run, operator: Client) -> None:
    address = polled(operator.get(page_of(run)).text)
    put(run, Step.VERIFIED, phase=Phase.ENDED, outcome=Outcome.SUCCEEDED, stage=1)

    answer = operator.get(address).text

    assert "hx-get" not in answer
    assert "hx-trigger" not in answer
    assert "<title>Reachable again: 203.0.113.0/24</title>" in answer
    assert re.search(r'hx-swap-oob="innerHTML:#announce">203.0.113.0/24 is reachable again<', answer)


def test_it_asks_every_two_seconds_with_a_jitter(run: Run, operator: Client) -> None:
    [(soon, seconds)] = re.findall(r'hx-trigger="(load delay:500ms, )?every ([\d.]+)s', operator.get(page_of(run)).text)
    put(run, accepted_at=timezone.now() - timedelta(seconds=6))

    assert soon
    assert 2.0 <= float(seconds) <= 2.4
    assert 'hx-trigger="every' in operator.get(page_of(run)).text


@pytest.mark.parametrize("role", ["stranger", "nobody"])
def test_it_is_not_there_for_others(shop: Shop, run: Run, role: str) -> None:
    for tail in ("", "/progress", "/undo"):
        assert shop.clients[role].get(page_of(run) + tail).status_code == 404
    for tail in ("/stop", "/overrule", "/undo"):
        assert shop.clients[role].post(page_of(run) + tail, {"reason": "x"}).status_code == 404
    run.refresh_from_db()
    assert run.stop_asked_at is None
    assert AuditEntry.objects.filter(event="access.denied", organization="example-shop").count() == 6


def test_it_asks_for_a_sign_in(run: Run, client: Client) -> None:
    assert client.get(f"{page_of(run)}/progress").status_code == 401
    assert client.get(page_of(run))["Location"] == f"/sign-in?next={page_of(run)}"
    # After signing in they come back to the page with the button, for the button's own address takes no GET.
    assert client.post(f"{page_of(run)}/stop")["Location"] == f"/sign-in?next={page_of(run)}"


def test_an_unknown_run_is_not_found(shop: Shop, operator: Client) -> None:
    assert operator.get("/runs/RUN-AAAA-AA").status_code == 404
