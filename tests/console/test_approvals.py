"""The pages on which two people agree: each form, each refusal, and what nobody else may see."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from incidents.domain.approvals import State
from incidents.models import Approval, AuditEntry, Notice, Person, Review, Run
from tests import factories
from tests.console.conftest import Shop, note_shown, sign_in
from tests.console.test_denied import bytes_of

REASON = "the shop is down"


def main_text(response: Any) -> str:
    """What people read in the main part of a page."""
    main = response.content.decode().split('<main id="main">')[1].split("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


@pytest.fixture(autouse=True)
def two_people(shop: Shop, still_world: Callable[[str], None]) -> None:
    """The preapproval takes two, and lets one break the glass."""
    terms = factories.make_terms(tier=3, break_glass=True)
    factories.agree_on(shop.preapproval, terms.as_json())
    for name, group in (("shop-owner", "example-shop/owners"), ("support-desk", "support"), ("reviewer", "reviewers")):
        shop.clients[name] = sign_in(factories.make_person(name, group, title=f"the {name}"))


def posted(client: Client, shop: Shop, **fields: str) -> dict[str, str]:
    """What the form of a fresh preview sends."""
    page = client.get(shop.preview())
    return {
        "digest": page.context["page"].digest,
        "key": str(page.context["key"]),
        "reason": REASON,
        "word": "serious",
        **fields,
    }


def ask(shop: Shop) -> Approval:
    response = shop.clients["operator"].post(shop.preview(), posted(shop.clients["operator"], shop))
    row = Approval.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/approvals/{row.pk}")
    return row


def answer(client: Client, row: Approval, verb: str, **fields: str) -> Any:
    return client.post(f"/approvals/{row.pk}/{verb}", {"digest": row.plan_id, **fields})


def test_the_preview_asks_for_a_second_person(shop: Shop) -> None:
    text = main_text(shop.clients["operator"].get(shop.preview()))
    assert "Ask a second person to agree" in text
    assert "The shop-owner or the support-desk can agree" in text
    assert "Nobody is there to agree" in text
    assert "203.0.113.0/24 now" not in text


def test_the_way_of_two_people(shop: Shop) -> None:
    row = ask(shop)
    waits = main_text(shop.clients["operator"].get(f"/approvals/{row.pk}"))
    assert "Waiting for a second person to agree" in waits
    assert "Agree, and" not in waits
    assert "1 request waits for a second person" in main_text(shop.clients["operator"].get(shop.home))
    assert "1 request waits for your answer" in main_text(shop.clients["shop-owner"].get("/approvals"))
    page = main_text(shop.clients["shop-owner"].get(f"/approvals/{row.pk}"))
    for words in ("203.0.113.0/24", "Amsterdam", "not advertised", REASON, "Agree, and re-advertise"):
        assert words in page
    response = answer(shop.clients["shop-owner"], row, "agree")
    run = Run.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/runs/{run.reference}")
    done = main_text(shop.clients["operator"].get(f"/approvals/{row.pk}"))
    assert "The shop-owner agreed" in done
    assert "The shop-owner agreed to it." in main_text(shop.clients["viewer"].get(f"/runs/{run.reference}"))
    home = main_text(shop.clients["operator"].get(shop.home))
    assert f"The shop-owner agreed, and {run.reference} has begun." in home


def test_a_no_needs_words_and_is_told(shop: Shop) -> None:
    row = ask(shop)
    response = answer(shop.clients["support-desk"], row, "refuse", words=" ")
    assert response.status_code == 422
    assert "Write why not" in main_text(response)
    answer(shop.clients["support-desk"], row, "refuse", words="the network team is at it")
    assert "the network team is at it" in main_text(shop.clients["operator"].get(f"/approvals/{row.pk}"))
    again = answer(shop.clients["shop-owner"], row, "agree")
    assert again.status_code == 422
    assert "decided already" in main_text(again)
    assert not Run.objects.exists()


def test_taken_back(shop: Shop) -> None:
    row = ask(shop)
    assert shop.clients["operator"].post(f"/approvals/{row.pk}/take-back").status_code == 303
    assert "taken back" in main_text(shop.clients["shop-owner"].get(f"/approvals/{row.pk}"))
    assert shop.clients["shop-owner"].post(f"/approvals/{row.pk}/take-back").status_code == 404


def test_nobody_answered_in_time(shop: Shop) -> None:
    row = ask(shop)
    Approval.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "Nobody answered in time" in main_text(shop.clients["shop-owner"].get(f"/approvals/{row.pk}"))
    assert "Nothing waits for your answer" in main_text(shop.clients["shop-owner"].get("/approvals"))


@pytest.mark.parametrize("verb", ["agree", "refuse"])
def test_an_answer_takes_a_fresh_proof_of_who_answers(shop: Shop, verb: str) -> None:
    row = ask(shop)
    stale = Client()
    person = Person.objects.get(username="shop-owner")
    stale.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    note_shown(stale, person, "password", ago=400)
    page = main_text(stale.get(f"/approvals/{row.pk}"))
    assert "Confirm that it is you" in page
    assert "Agree, and" not in page
    response = answer(stale, row, verb, words="no")
    assert (response.status_code, "Confirm that it is you first" in main_text(response)) == (422, True)
    row.refresh_from_db()
    assert row.state == State.WAITING


@pytest.mark.parametrize("verb", ["agree", "refuse", "take-back"])
@pytest.mark.parametrize("who", ["stranger", "nobody", "reviewer"])
def test_who_may_not_see_the_organization_finds_nothing(shop: Shop, who: str, verb: str) -> None:
    row = ask(shop)
    client = shop.clients[who]
    client.get("/nowhere")  # the cookie of the form token comes with the first page
    made_up = uuid.uuid4()
    for path, other in (
        (f"/approvals/{row.pk}", f"/approvals/{made_up}"),
        (f"/approvals/{row.pk}/state", f"/approvals/{made_up}/state"),
    ):
        assert bytes_of(client.get(path)) == bytes_of(client.get(other))
        assert client.get(path).status_code == 404
    response = answer(client, row, verb, words="no")
    assert response.status_code == 404
    row.refresh_from_db()
    assert (row.state, Run.objects.count()) == (State.WAITING, 0)
    assert AuditEntry.objects.filter(event="access.denied").exists()


@pytest.mark.parametrize(
    ("who", "words"), [("viewer", "not agree to it"), ("operator", "what they ask for themselves")]
)
def test_who_sees_it_but_may_not_agree(shop: Shop, who: str, words: str) -> None:
    row = ask(shop)
    page = main_text(shop.clients[who].get(f"/approvals/{row.pk}"))
    assert "Agree, and" not in page
    response = answer(shop.clients[who], row, "agree")
    assert (response.status_code, words in main_text(response)) == (404, True)
    row.refresh_from_db()
    assert row.state == State.WAITING


def test_the_polled_part_says_when_nothing_is_new(shop: Shop) -> None:
    row = ask(shop)
    page = shop.clients["operator"].get(f"/approvals/{row.pk}")
    address = page.context["poll"].address
    assert shop.clients["operator"].get(address).status_code == 204
    answer(shop.clients["shop-owner"], row, "agree")
    news = shop.clients["operator"].get(address)
    assert news.status_code == 200
    assert b"A second person agreed" in news.content
    assert b"hx-get" not in news.content


def test_alone(shop: Shop) -> None:
    operator = shop.clients["operator"]
    fields = posted(operator, shop, alone="yes", word="yes")
    refused = operator.post(shop.preview(), fields)
    assert (refused.status_code, "Type the word ALONE" in main_text(refused)) == (422, True)
    response = operator.post(shop.preview(), posted(operator, shop, alone="yes", word="Alone"))
    run = Run.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/runs/{run.reference}")
    assert set(Notice.objects.values_list("person__username", flat=True)) == {
        "shop-operator",
        "shop-owner",
        "support-desk",
    }
    assert "They started it alone" in main_text(operator.get(f"/runs/{run.reference}"))
    owner = main_text(shop.clients["shop-owner"].get(shop.home))
    assert f"started {run.reference} alone" in owner


def test_a_notice_is_shown_until_it_is_read(shop: Shop) -> None:
    operator = shop.clients["operator"]
    operator.post(shop.preview(), posted(operator, shop, alone="yes", word="ALONE"))
    notice = Notice.objects.get(person__username="shop-owner")
    for client in (shop.clients["stranger"], operator):
        client.post(f"/notices/{notice.pk}/read")
    notice.refresh_from_db()
    assert notice.read_at is None
    response = shop.clients["shop-owner"].post(f"/notices/{notice.pk}/read", {"back": "https://elsewhere.example/"})
    assert response["Location"] == "/"
    assert "alone" not in main_text(shop.clients["shop-owner"].get(shop.home)).split("Recent activity")[0]


def test_the_review_stays_on_the_list_until_it_is_done(shop: Shop) -> None:
    operator, reviewer = shop.clients["operator"], shop.clients["reviewer"]
    operator.post(shop.preview(), posted(operator, shop, alone="yes", word="ALONE"))
    review = Review.objects.get()
    page = main_text(reviewer.get("/reviews"))
    assert "1 run to be reviewed" in page
    assert REASON in page
    empty = reviewer.post(f"/reviews/{review.pk}", {"found": ""})
    assert (empty.status_code, "Write what you have found" in main_text(empty)) == (422, True)
    for who in ("operator", "viewer", "shop-owner", "support-desk", "stranger"):
        assert shop.clients[who].post(f"/reviews/{review.pk}", {"found": "fine"}).status_code == 404
        assert "Nothing is to be reviewed" in main_text(shop.clients[who].get("/reviews"))
    assert reviewer.post(f"/reviews/{review.pk}", {"found": "It was right."}).status_code == 303
    assert "It was right." in main_text(reviewer.get("/reviews"))
    assert "Nothing is to be reviewed" in main_text(reviewer.get("/reviews"))


def test_the_number_of_queries_does_not_grow(shop: Shop, django_assert_max_num_queries: Callable[..., object]) -> None:
    row = ask(shop)
    with django_assert_max_num_queries(24):  # type: ignore[attr-defined]
        shop.clients["shop-owner"].get(f"/approvals/{row.pk}")
