"""The way of one action through the API: what is broken, a preview, a yes, the run, stop, undo; and who may not."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from incidents.domain.runs import Outcome, Phase, Step
from incidents.domain.tokens import Scope
from incidents.domain.verdicts import Mark
from incidents.models import ApiToken, Approval, AuditEntry, KeyedAnswer, Organization, Person, Plan, Run, StageVerdict
from incidents.services import approvals, limits, tokens
from tests import factories
from tests.codes import code_of
from tests.console.callers import Caller, caller, new_key
from tests.console.conftest import Shop, put
from tests.console.test_second_factor import enrol

pytestmark = pytest.mark.usefixtures("still_world")
HOME = "/organizations/example-shop"
STARTED = 201


@pytest.fixture
def program(shop: Shop) -> Caller:
    """A program of the operator that may do everything."""
    return caller(shop.operator, shop.organization)


def preview(program: Caller, shop: Shop, **more: object) -> dict[str, Any]:
    wanted = {"action": factories.ACTION, "resources": [str(shop.broken.pk)], **more}
    answer = program.post(f"{HOME}/previews", wanted)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def started(program: Caller, shop: Shop) -> Run:
    answer = program.post(f"{HOME}/runs", {"digest": preview(program, shop)["digest"]}, key=new_key())
    return Run.objects.get(reference=answer.json()["run"])


def told(answer: Any) -> tuple[int, str]:
    """Status and code of a problem, which says all that RFC 9457 asks for."""
    assert answer["Content-Type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["type"] == f"/api/v1/problems/{body['code']}"
    assert body["title"]
    assert body["detail"]
    return answer.status_code, body["code"]


def audited(event: str) -> list[dict[str, Any]]:
    return [json.loads(bytes(row.body))["data"] for row in AuditEntry.objects.filter(event=event).order_by("index")]


def serious(shop: Shop, tier: int = 2) -> None:
    factories.agree_on(shop.preapproval, factories.make_terms(tier=tier).as_json())


def test_what_is_broken_stands_beside_what_can_be_done(shop: Shop, program: Caller) -> None:
    home = program.get(HOME).json()

    assert home["says"] == "1 of your 3 prefixes cannot be reached"
    [broken] = home["broken"]
    assert (broken["id"], broken["action"], broken["damage"]) == (str(shop.broken.pk), factories.ACTION, "withdrawn")
    assert broken["unreachable"] == list(factories.TITLES)
    assert len(home["well"]) == 2
    mine = program.get("/organizations").json()
    assert mine == {"organizations": [{"slug": "example-shop", "title": "Example Shop"}]}


def test_whoever_may_only_see_is_offered_nothing(shop: Shop) -> None:
    program = caller(shop.viewer, shop.organization)

    [broken] = program.get(HOME).json()["broken"]
    answer = program.post(f"{HOME}/previews", {"action": factories.ACTION, "resources": [broken["id"]]})

    assert (broken["action"], broken["repair"]) == ("", factories.ACTION)
    assert told(answer) == (404, "access.not-allowed")
    assert "Ask" in answer.json()["detail"]
    assert audited("access.denied")


def test_a_preview_says_what_would_change_and_what_is_needed(shop: Shop, program: Caller) -> None:
    page = preview(program, shop)

    assert [change["location"] for change in page["changes"]] == list(factories.TITLES)
    assert page["changes"][0]["now"] == "not advertised"
    assert page["changes"][0]["state_after"]["next_hop"] == "198.18.255.1"
    assert page["needs"] == {"code": False, "understood": False, "reason": False, "word": "", "second_person": []}
    assert page["may_start"]
    assert page["stages"] == [["Amsterdam"], ["Frankfurt", "Singapore"]]
    assert {"guard.one-at-a-time"} <= {one["code"] for one in page["findings"]}
    assert Run.objects.count() == 0
    assert program.get(f"{HOME}/previews/{page['digest']}").json() == page


def test_one_word_chooses_all_that_is_broken(shop: Shop, program: Caller) -> None:
    answer = program.post(f"{HOME}/previews", {"action": factories.ACTION, "select": "broken"})

    assert answer.json()["what"] == "203.0.113.0/24"


def test_a_yes_starts_it_once_and_every_use_is_written_down(shop: Shop, program: Caller) -> None:
    yes = {"digest": preview(program, shop)["digest"], "reason": "the shop is down"}
    key = new_key()

    first, second = (program.post(f"{HOME}/runs", yes, key=key) for _ in range(2))

    [run] = Run.objects.all()
    assert (first.status_code, first.content) == (STARTED, second.content)
    assert first.json() == {
        "state": "accepted",
        "run": run.reference,
        "approval": "",
        "url": f"/api/v1/runs/{run.reference}",
    }
    assert (run.started_by, run.reason, run.idempotency_key) == (shop.operator, "the shop is down", key)
    [used] = audited("token.used")
    assert (used["verb"], used["about"], used["key"]) == ("start", yes["digest"], key)
    assert used["token"] == ApiToken.objects.get().prefix


def test_a_key_in_quotes_is_the_same_key(shop: Shop, program: Caller) -> None:
    yes = {"digest": preview(program, shop)["digest"]}
    key = new_key()

    answers = [program.post(f"{HOME}/runs", yes, key=one) for one in (f'"{key}"', key)]

    assert answers[0].content == answers[1].content


def test_a_key_with_another_body_is_refused(shop: Shop, program: Caller) -> None:
    yes, key = {"digest": preview(program, shop)["digest"]}, new_key()
    program.post(f"{HOME}/runs", yes, key=key)

    assert told(program.post(f"{HOME}/runs", {**yes, "reason": "another"}, key=key)) == (422, "key.reused")
    assert told(program.post(f"/runs/{Run.objects.get().reference}/stop", key=key)) == (422, "key.reused")


def test_a_key_that_is_worked_on_is_told_so_until_its_owner_is_given_up(shop: Shop, program: Caller) -> None:
    run = started(program, shop)
    stop, key = f"/runs/{run.reference}/stop", new_key()
    program.post(stop, key=key)
    KeyedAnswer.objects.filter(key=key).update(status=0, body="")

    assert told(program.post(stop, key=key)) == (409, "key.in-use")
    KeyedAnswer.objects.filter(key=key).update(at=timezone.now() - timedelta(seconds=61))
    assert program.post(stop, key=key).status_code == 200
    KeyedAnswer.objects.filter(key=key).update(at=timezone.now() - timedelta(hours=25))
    program.post(stop, key=new_key())
    assert not KeyedAnswer.objects.filter(key=key).exists()


def test_the_keys_of_two_tokens_do_not_meet_in_the_store(shop: Shop, program: Caller) -> None:
    run, key = started(program, shop), new_key()
    other = caller(shop.operator, shop.organization)

    answers = [one.post(f"/runs/{run.reference}/stop", key=key) for one in (program, other)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert KeyedAnswer.objects.filter(key=key).count() == 2


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "key.missing"),
        ("short", "key.unusable"),
        ("x" * 1024, "key.unusable"),
        ("with spaces in it", "key.unusable"),
        ("schlüssel-gross", "key.unusable"),
        ('"half-of-a-pair', "key.unusable"),
        ("'; DROP TABLE run; --", "key.unusable"),
    ],
)
def test_a_key_that_will_not_do_acts_on_nothing(shop: Shop, program: Caller, key: str, code: str) -> None:
    answer = program.post(f"{HOME}/runs", {"digest": preview(program, shop)["digest"]}, key=key)

    assert told(answer) == (400, code)
    assert Run.objects.count() == 0


def test_a_run_tells_its_stages_targets_and_proof(shop: Shop, program: Caller) -> None:
    run = started(program, shop)
    live = program.get(f"/runs/{run.reference}").json()
    put(run, Step.VERIFIED, phase=Phase.ENDED, outcome=Outcome.SUCCEEDED)

    page = program.get(f"/runs/{run.reference}").json()

    assert (live["outcome"], live["says"]) == ("", "Re-advertising 203.0.113.0/24")
    assert (page["outcome"], page["says"]) == ("succeeded", "203.0.113.0/24 is reachable again")
    assert [stage["in_place"] for stage in page["stages"]] == [1, 2]
    assert {one["title"]: one["steps"] for one in page["locations"]}["Amsterdam"] == {"verified": 1}
    assert page["undo"]["until"] is not None


def test_stopping_twice_is_harmless(shop: Shop, program: Caller) -> None:
    run = started(program, shop)

    answers = [program.post(f"/runs/{run.reference}/stop", key=new_key()) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["stop_asked_at"]
    assert len(audited("run.stop-asked")) == 1


def test_a_run_that_asks_is_continued_with_a_reason(shop: Shop, program: Caller) -> None:
    run = started(program, shop)
    put(run, Step.IN_PLACE, phase=Phase.PAUSED, because="verdict.inconclusive")
    StageVerdict.objects.create(run=run, stage=0, mark=Mark.INCONCLUSIVE, at=timezone.now())
    go_on = f"/runs/{run.reference}/continue"
    assert program.get(f"/runs/{run.reference}").json()["asks"]

    refused = program.post(go_on, {"reason": "  "}, key=new_key())
    answer = program.post(go_on, {"reason": "customers say that it works"}, key=new_key())
    late = program.post(go_on, {"reason": "again"}, key=new_key())

    assert told(refused) == (409, "request.refused")
    assert answer.json()["overruled_by"] == str(shop.operator)
    assert told(late) == (409, "request.refused")


def test_an_undo_is_previewed_and_started_like_any_other(shop: Shop, program: Caller) -> None:
    run = started(program, shop)
    assert told(program.post(f"/runs/{run.reference}/undo", {})) == (409, "request.refused")
    put(run, Step.VERIFIED, phase=Phase.ENDED, outcome=Outcome.SUCCEEDED)

    answer = program.post(f"/runs/{run.reference}/undo", {})

    assert answer.status_code == 201
    assert answer.json()["undo_of"] == run.reference


def test_runs_are_listed_page_by_page(shop: Shop, program: Caller) -> None:
    at = timezone.now()
    for minutes in range(5):
        plan = factories.make_plan(shop.operator, shop.preapproval, [shop.broken])
        factories.make_ended_run(plan, at - timedelta(minutes=minutes))

    first = program.get(f"{HOME}/runs?limit=2").json()
    second = program.get(f"{HOME}/runs?limit=2&before={first['next']}").json()
    last = program.get(f"{HOME}/runs?limit=2&before={second['next']}").json()

    names = [run["reference"] for page in (first, second, last) for run in page["runs"]]
    assert len(set(names)) == 5
    assert last["next"] == ""
    assert told(program.get(f"{HOME}/runs?before=RUN-0000")) == (404, "access.not-found")
    assert told(program.get(f"{HOME}/runs?limit=0")) == (422, "request.unusable")
    assert told(program.get(f"{HOME}/runs?limit=101")) == (422, "request.unusable")


def test_what_is_serious_asks_for_a_code_and_uses_it_up(shop: Shop, program: Caller) -> None:
    serious(shop)
    secret = enrol(shop.operator)
    page = preview(program, shop)
    yes, key = {"digest": page["digest"], "understood": True}, new_key()
    assert (page["needs"]["code"], page["needs"]["understood"]) == (True, True)

    without = program.post(f"{HOME}/runs", yes, key=key)
    wrong = program.post(f"{HOME}/runs", {**yes, "code": "000000"}, key=key)
    code = code_of(secret)
    right = program.post(f"{HOME}/runs", {**yes, "code": code}, key=key)
    again = program.post(f"{HOME}/runs", {**yes, "code": code_of(secret, 1)}, key=key)

    assert told(without) == (403, "step-up.needed")
    assert "recovery code" in without.json()["detail"]
    assert told(wrong) == (403, "step-up.wrong")
    assert right.status_code == STARTED
    assert again.content == right.content
    assert told(program.post(f"{HOME}/runs", {**yes, "code": code}, key=new_key())) == (403, "step-up.wrong")
    assert audited("session.confirmed")[0]["with"] == "totp"
    assert code not in str(list(KeyedAnswer.objects.values())) + str(audited("token.used"))


def test_codes_have_the_limit_that_they_have_on_pages(shop: Shop, program: Caller) -> None:
    serious(shop)
    enrol(shop.operator)
    yes = {"digest": preview(program, shop)["digest"], "understood": True, "code": "000000"}

    answers = [program.post(f"{HOME}/runs", yes, key=new_key()) for _ in range(limits.CODE_AND_NETWORK.tries + 1)]

    assert told(answers[-1]) == (429, "limit.reached")
    assert int(answers[-1]["Retry-After"]) > 0


def test_a_box_that_was_not_ticked_has_the_code_of_the_page(shop: Shop, program: Caller) -> None:
    serious(shop)
    secret = enrol(shop.operator)
    yes = {"digest": preview(program, shop)["digest"], "code": code_of(secret)}

    answer = program.post(f"{HOME}/runs", yes, key=new_key())

    assert told(answer) == (409, "guard.tick")
    assert answer.json()["findings"][0]["code"] == "guard.tick"


def test_what_takes_two_waits_for_the_second(shop: Shop, program: Caller) -> None:
    serious(shop, 3)
    secret = enrol(shop.operator)
    page = preview(program, shop)
    assert (page["needs"]["reason"], page["needs"]["word"]) == (True, "SERIOUS")
    yes = {"digest": page["digest"], "reason": "it is down", "word": "SERIOUS", "code": code_of(secret)}

    answer = program.post(f"{HOME}/runs", yes, key=new_key())

    row = Approval.objects.get()
    assert answer.status_code == 202
    assert answer.json() == {
        "state": "waits for approval", "run": "", "approval": str(row.pk), "url": f"/api/v1/approvals/{row.pk}"
    }  # fmt: skip
    assert Run.objects.count() == 0
    assert program.get(f"/approvals/{row.pk}").json()["state"] == "waiting"
    second = factories.make_person("second", "example-shop/owners")
    run = approvals.approve(second, row, approvals.Answer(row.plan_id))
    assert program.get(f"/approvals/{row.pk}").json()["run"] == run.reference


@pytest.mark.parametrize(("expired", "code"), [(True, (409, "plan.expired")), (False, (404, "plan.unknown"))])
def test_a_digest_that_is_stale_or_unknown_starts_nothing(
    shop: Shop, program: Caller, expired: bool, code: tuple[int, str]
) -> None:
    digest = preview(program, shop)["digest"]
    Plan.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    answer = program.post(f"{HOME}/runs", {"digest": digest if expired else "0" * 64}, key=new_key())

    assert told(answer) == code
    assert "below" not in answer.json()["detail"]
    assert len(audited("run.refused")) == 1
    assert (Run.objects.count(), KeyedAnswer.objects.count()) == (0, 0)


def test_the_preview_of_somebody_else_starts_nothing(shop: Shop, program: Caller) -> None:
    other = caller(factories.make_person("colleague", "example-shop/operators"), shop.organization)
    digest = preview(other, shop)["digest"]

    assert told(program.post(f"{HOME}/runs", {"digest": digest}, key=new_key())) == (404, "access.not-allowed")


def test_a_second_run_of_the_same_has_the_code_of_the_page(shop: Shop, program: Caller) -> None:
    first, second = preview(program, shop), preview(program, shop)
    program.post(f"{HOME}/runs", {"digest": first["digest"]}, key=new_key())

    answer = program.post(f"{HOME}/runs", {"digest": second["digest"]}, key=new_key())

    assert told(answer) == (409, "guard.one-at-a-time")
    means = Client().get(answer.json()["type"]).json()["means"]
    assert means == "Another run is changing the same thing."


def test_an_incident_tells_what_happened(shop: Shop, program: Caller) -> None:
    run = started(program, shop)
    other = caller(shop.stranger, Organization.objects.get(slug="example-bank"))

    listed = program.get(f"{HOME}/incidents").json()
    page = program.get(f"/incidents/{run.incident.reference}").json()
    only = program.get(f"/incidents/{run.incident.reference}?show=runs").json()

    assert [one["reference"] for one in listed["incidents"]] == [run.incident.reference]
    assert (listed["incidents"][0]["runs"], listed["next"]) == (1, 0)
    assert "run.accepted" in {event["kind"] for event in page["events"]}
    assert {event["run"] for event in only["events"]} <= {run.reference, ""}
    assert told(program.get(f"/incidents/{run.incident.reference}?show=made-up")) == (422, "request.unusable")
    assert told(program.get(f"{HOME}/incidents?before=-1")) == (422, "request.unusable")
    assert program.get(f"/incidents/{run.incident.reference}?at=%00nonsense").status_code == 200
    assert told(other.get(f"/incidents/{run.incident.reference}")) == (404, "access.not-found")
    assert told(program.get("/incidents/INC-1")) == (404, "access.not-found")


def test_the_pages_of_codes_need_no_token_and_know_no_others(shop: Shop) -> None:
    assert Client().get("/api/v1/problems/token.scope").status_code == 200
    assert told(Client().get("/api/v1/problems/made-up")) == (404, "access.not-found")


def test_nothing_is_said_of_another_organization(shop: Shop, program: Caller) -> None:
    bank = factories.make_organization("example-mill", "Example Mill")
    theirs = factories.make_prefix(bank, withdrawn=("edge-a",))
    person = factories.make_person("mill", "example-mill/operators")
    plan = factories.make_plan(person, factories.make_preapproval(bank), [theirs])
    run = factories.make_ended_run(plan, timezone.now())
    wanted = {"action": factories.ACTION, "resources": [str(theirs.pk)]}
    answers = [
        program.get("/organizations/example-mill"),
        program.get("/organizations/nowhere"),
        program.get("/organizations/example-mill/runs"),
        program.get(f"/organizations/example-shop/previews/{plan.digest}"),
        program.get(f"/runs/{run.reference}"),
        program.get(f"/approvals/{uuid.uuid4()}"),
        program.post("/organizations/example-mill/previews", wanted),
        program.post(f"{HOME}/previews", wanted),
        program.post("/organizations/example-mill/runs", {"digest": plan.digest}, key=new_key()),
        program.post(f"{HOME}/runs", {"digest": plan.digest}, key=new_key()),
        program.post(f"/runs/{run.reference}/stop", key=new_key()),
        program.post(f"/runs/{run.reference}/continue", {"reason": "so"}, key=new_key()),
        program.post(f"/runs/{run.reference}/undo", {}),
    ]

    assert {told(answer)[0] for answer in answers} == {404}
    assert not any("mill" in answer.text for answer in answers)


def test_a_token_is_for_one_organization_even_where_its_person_sees_more(shop: Shop) -> None:
    desk = factories.make_person("desk", "support")
    other = factories.make_organization("example-mill", "Example Mill")
    program = caller(desk, shop.organization)
    prefix = factories.make_prefix(other, withdrawn=("edge-a",))
    owner = factories.make_person("mill", "example-mill/operators")
    run = factories.make_ended_run(
        factories.make_plan(owner, factories.make_preapproval(other), [prefix]), timezone.now()
    )

    assert program.get(HOME).status_code == 200
    assert told(program.get("/organizations/example-mill")) == (404, "access.not-found")
    assert told(program.get(f"/runs/{run.reference}")) == (404, "access.not-found")


READ_ONLY = [
    ("previews", {"action": factories.ACTION, "select": "broken"}, Scope.PROPOSE),
    ("runs", {"digest": "0" * 64}, Scope.RUN),
]


@pytest.mark.parametrize(("verb", "body", "scope"), READ_ONLY)
def test_a_scope_that_is_too_small_opens_nothing(shop: Shop, verb: str, body: object, scope: Scope) -> None:
    without = caller(shop.operator, shop.organization, [one for one in Scope if one != scope])

    answer = without.post(f"{HOME}/{verb}", body, key=new_key())

    assert told(answer) == (403, "token.scope")
    assert answer.json()["scope"] == scope


def test_no_scope_holds_another(shop: Shop) -> None:
    program = caller(shop.operator, shop.organization, [Scope.RUN, Scope.PROPOSE])

    assert told(program.get(HOME)) == (403, "token.scope")


def test_a_token_dies_with_what_its_person_may(shop: Shop, program: Caller) -> None:
    digest = preview(program, shop)["digest"]
    shop.operator.groups.clear()

    assert told(program.get(HOME)) == (404, "access.not-found")
    assert told(program.post(f"{HOME}/runs", {"digest": digest}, key=new_key())) == (404, "access.not-found")
    Person.objects.filter(pk=shop.operator.pk).update(is_active=False)
    assert told(program.get(HOME)) == (401, "token.missing")


def test_only_a_good_token_opens_anything(shop: Shop, program: Caller, operator: Client) -> None:
    good = program.secret
    wrong = ["", "hr_", good[:-1], good + "x", good.upper(), good[:16] + "A" * 43, "hr_" + "a" * 12 + "_" + "A" * 43,
             "é" * 59, " " + good, "x" * 9000, shop.operator.username]  # fmt: skip

    answers = [Caller(secret, Client()).get(HOME) for secret in wrong]

    assert {told(answer) for answer in answers} == {(401, "token.missing")}
    assert {answer["WWW-Authenticate"] for answer in answers} == {'Bearer realm="handrail"'}
    basic = Client().get(f"/api/v1{HOME}", headers={"Authorization": f"Basic {good}"})
    in_the_address = Client().get(f"/api/v1{HOME}?token={good}&access_token={good}")
    by_session = operator.get(f"/api/v1{HOME}")
    assert [told(one)[0] for one in (basic, in_the_address, by_session)] == [401, 401, 401]


@pytest.mark.parametrize("field", ["revoked_at", "expires_at"])
def test_a_token_that_is_revoked_or_over_is_refused_and_told(shop: Shop, program: Caller, field: str) -> None:
    ApiToken.objects.update(**{field: timezone.now()})

    answers = [program.get(HOME) for _ in range(3)]

    assert {told(answer) for answer in answers} == {(401, "token.missing")}
    assert len(audited("token.refused")) == 1


def test_wrong_tokens_are_held_up_and_a_good_one_is_not(
    shop: Shop, program: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TOKEN_NETWORK", limits.Limit(2, 300))
    wrong = Caller("hr_made-up", Client())

    answers = [told(wrong.get(HOME)) for _ in range(3)]

    assert answers == [(401, "token.missing"), (401, "token.missing"), (429, "limit.reached")]
    assert program.get(HOME).status_code == 200


def test_previews_have_a_limit(shop: Shop, program: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PREVIEWS_OF_TOKEN", limits.Limit(1, 60))
    preview(program, shop)

    answer = program.post(f"{HOME}/previews", {"action": factories.ACTION, "select": "broken"})

    assert told(answer) == (429, "limit.reached")


def test_the_last_use_is_marked_once_a_minute(shop: Shop, program: Caller) -> None:
    program.get(HOME)
    [first] = ApiToken.objects.values_list("used_at", flat=True)
    program.get(HOME)
    assert ApiToken.objects.get().used_at == first
    ApiToken.objects.update(used_at=timezone.now() - tokens.MARK_EVERY)
    program.get(HOME)
    assert ApiToken.objects.get().used_at != first


def test_a_session_that_lacks_a_factor_is_no_hindrance(shop: Shop, program: Caller, settings: Settings) -> None:
    settings.SECOND_FACTOR = "required"
    browser = shop.clients["operator"]

    answer = browser.get(f"/api/v1{HOME}", headers={"Authorization": f"Bearer {program.secret}"})

    assert answer.status_code == 200


def test_hot_reads_cost_what_they_did(
    shop: Shop, program: Caller, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    run = started(program, shop)
    program.get(HOME)

    with django_assert_num_queries(18):
        program.get(HOME)
    with django_assert_num_queries(14):
        program.get(f"/runs/{run.reference}")
    with django_assert_num_queries(4):
        program.get(f"{HOME}/runs")
