"""The people page: who sees it, what it says, and what its forms do and refuse."""

from __future__ import annotations

import re
import uuid

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from incidents.domain.people import PLATFORM_ROLES
from incidents.models import Invitation, Organization, Person, Run
from incidents.services.invitations import invite
from incidents.services.roles import remove
from tests import factories
from tests.console.conftest import Shop, sign_in, start_run
from tests.console.test_preview import audited
from tests.console.test_walk import fields

PAGE = "/c/example-shop/people"
NEWCOMER = {"name": "newcomer", "title": "the night shift", "role": "operators"}
# Session, person, organization with grants; members, role changes, invitations, preapprovals, their groups.
QUERIES = 8


@pytest.fixture
def ada(shop: Shop) -> Person:
    return factories.make_person("shop-owner", "example-shop/owners", title="Ada")


@pytest.fixture
def owner(ada: Person) -> Client:
    return sign_in(ada)


@pytest.fixture
def invitation(shop: Shop, ada: Person) -> Invitation:
    return invite(ada, shop.organization, **NEWCOMER).invitation


def posts(shop: Shop, person: Person, invitation: Invitation, organization: str = "example-shop") -> list[str]:
    """Every address of the page that changes something."""
    page = f"/c/{organization}/people"
    return [
        f"{page}/invite",
        f"{page}/{person.pk}/role",
        f"{page}/{person.pk}/remove",
        f"{page}/{invitation.pk}/withdraw",
    ]


def test_it_shows_everybody_and_how_they_came_to_their_role(shop: Shop, ada: Person, owner: Client) -> None:
    Person.objects.filter(pk=shop.operator.pk).update(last_login=timezone.now())
    quiet = factories.make_person("quiet", "example-shop/viewers")
    owner.post(f"{PAGE}/{quiet.pk}/role", {"role": "operators"})

    page = owner.get(PAGE).text

    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
    assert "Ada shop-owner, you Owner, given by Example Networks." in said
    assert re.search(r"Quiet quiet Operator since [\d:]+ UTC, given by Ada\. Has never signed in\.", said)
    assert re.search(r"Robin of Example Shop shop-operator Operator, given by .* Last signed in at [\d:]+ UTC", said)
    assert "bank-operator" not in page
    assert "Sees everything, and changes nothing." in page


def test_staff_are_not_shown_and_cannot_be_given(shop: Shop, ada: Person, owner: Client) -> None:
    for group in PLATFORM_ROLES:
        person = factories.make_person(f"one-of-{group}", group, title=f"Somebody of {group}")
        assert owner.post(f"{PAGE}/{person.pk}/role", {"role": "viewers"}).status_code == 404
        assert owner.post(f"{PAGE}/{person.pk}/remove").status_code == 404
        answer = owner.post(f"{PAGE}/{shop.viewer.pk}/role", {"role": group})
        assert answer.status_code == 422
        assert "Choose one of the roles. Nothing was changed." in answer.text

    page = owner.get(PAGE).text
    assert "Somebody of" not in page
    assert "Our support staff" in page


def test_it_shows_who_may_press_what(shop: Shop, ada: Person, owner: Client) -> None:
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", owner.get(PAGE).text))

    assert "Re-advertise 3 prefixes Asks for a preview and one button" in page
    assert "Pressed by Owner: Ada; Operator: Robin of Example Shop" in page
    assert "Second person Owner: Ada; Operator: Robin of Example Shop; Our support staff" in page


def test_support_staff_look_and_have_no_form(shop: Shop, ada: Person, invitation: Invitation) -> None:
    browser = sign_in(factories.make_person("desk", "support"))

    page = browser.get(PAGE)

    assert page.status_code == 200
    assert "Robin of Example Shop" in page.text
    assert "The night shift" in page.text
    assert "/people/" not in page.text
    for address in posts(shop, shop.viewer, invitation):
        answer = browser.post(address, NEWCOMER)
        assert answer.status_code == 404
        assert "Ask Ada (they can), or call us." in answer.text


@pytest.mark.parametrize("role", ["operator", "viewer", "stranger", "nobody", "engineer", "reviewer"])
def test_only_owners_change_anything(shop: Shop, ada: Person, invitation: Invitation, role: str) -> None:
    staff = {"engineer": "engineers", "reviewer": "reviewers"}
    browser = shop.clients.get(role) or sign_in(factories.make_person(role, staff[role]))
    sees = role in ("operator", "viewer", "engineer")

    answers = [browser.get(PAGE), *(browser.post(path, NEWCOMER) for path in posts(shop, shop.viewer, invitation))]

    for answer in answers:
        assert answer.status_code == 404
        told = "Only owners see and change the people of an organization. Ask Ada (they can), or call us."
        assert (told in answer.text) is sees
        assert ("There is nothing at this address" in answer.text) is not sees
    assert len(audited("access.denied")) == 5
    assert list(shop.viewer.groups.values_list("name", flat=True)) == ["example-shop/viewers"]
    assert Invitation.objects.get().withdrawn_at is None


def test_ids_of_another_organization_are_not_found_in_any_form(shop: Shop, ada: Person, owner: Client) -> None:
    bank = Organization.objects.get(slug="example-bank")
    other = factories.make_person("bank-owner", "example-bank/owners")
    theirs = invite(other, bank, name="bank-newcomer", title="a banker", role="viewers").invitation

    for address in posts(shop, shop.stranger, theirs)[1:]:
        assert owner.post(address, {"role": "viewers"}).status_code == 404
    for address in posts(shop, shop.stranger, theirs, "example-bank"):
        assert owner.post(address, NEWCOMER).status_code == 404
    for address in posts(shop, Person(pk=uuid.uuid4()), Invitation(pk=uuid.uuid4()))[1:]:
        assert owner.post(address, {"role": "viewers"}).status_code == 404

    assert len(audited("access.denied")) == 10
    assert list(shop.stranger.groups.values_list("name", flat=True)) == ["example-bank/operators"]
    assert Invitation.objects.get().withdrawn_at is None


def test_it_asks_for_a_sign_in_and_leads_back_to_itself(shop: Shop, owner: Client, client: Client) -> None:
    assert client.get(PAGE)["Location"] == f"/sign-in?next={PAGE}"
    assert client.post(f"{PAGE}/invite", NEWCOMER).status_code == 302
    answer = owner.get(f"{PAGE}/invite")
    assert (answer.status_code, answer["Location"]) == (303, PAGE)


def test_the_link_is_shown_once_to_whoever_asked_for_it(shop: Shop, owner: Client) -> None:
    answer = owner.post(f"{PAGE}/invite", NEWCOMER)
    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    cookie = answer.cookies["invitation"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (PAGE, True, "Strict")

    first, second = owner.get(PAGE), owner.get(PAGE)

    [link] = re.findall(r'value="(http://testserver/welcome/[^"]+)"', first.text)
    assert Client().get(link).status_code == 200
    assert "/welcome/" not in second.text
    assert "the night shift" in second.text
    assert first["Cache-Control"] == "no-store"


def test_a_made_up_or_foreign_link_in_the_cookie_shows_nothing(shop: Shop, owner: Client) -> None:
    other = factories.make_person("bank-owner", "example-bank/owners")
    bank = Organization.objects.get(slug="example-bank")
    theirs = invite(other, bank, name="bank-newcomer", title="a banker", role="viewers")

    for token in ("<b>made up</b>", theirs.token):
        owner.cookies["invitation"] = token
        page = owner.get(PAGE)
        assert page.status_code == 200
        assert "/welcome/" not in page.text
        assert "a banker" not in page.text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "Write a name of at most 50 lower-case letters"),
        ({"name": "Night Shift"}, "Write a name of at most 50 lower-case letters"),
        ({"name": "n" * 51}, "Write a name of at most 50 lower-case letters"),
        ({"name": "newcomer\n"}, ""),
        ({"name": "bank-operator"}, "This name is taken. Choose another."),
        ({"title": " "}, "Write who this is, in one line"),
        ({"title": "two\nlines"}, "Write who this is, in one line"),
        ({"title": "t" * 101}, "Write who this is, in one line"),
        ({"role": ""}, "Choose one of the roles. Nothing was changed."),
        ({"role": "support"}, "Choose one of the roles. Nothing was changed."),
        ({"role": "example-bank/owners"}, "Choose one of the roles. Nothing was changed."),
    ],
)
def test_a_bad_invitation_is_told_and_keeps_what_was_typed(
    shop: Shop, owner: Client, wrong: dict[str, str], words: str
) -> None:
    answer = owner.post(f"{PAGE}/invite", NEWCOMER | wrong)

    if not words:
        assert answer.status_code == 303
        return
    assert answer.status_code == 422
    assert words in answer.text
    assert "<title>Error: People of Example Shop</title>" in answer.text
    for value in (NEWCOMER | wrong)["name"], (NEWCOMER | wrong)["title"]:
        assert f'value="{value}"' in answer.text
    assert not Invitation.objects.exists()


def test_withdrawing_ends_the_link(shop: Shop, ada: Person, owner: Client) -> None:
    made = invite(ada, shop.organization, **NEWCOMER)

    for _ in range(2):
        assert owner.post(f"{PAGE}/{made.invitation.pk}/withdraw").status_code == 303

    assert Client().get(f"/welcome/{made.token}").status_code == 404
    assert "the night shift" not in owner.get(PAGE).text


def test_who_is_removed_finds_nothing_at_the_next_request_and_can_come_back(
    shop: Shop, ada: Person, owner: Client, operator: Client
) -> None:
    run = start_run(shop, shop.broken)

    for _ in range(2):
        assert owner.post(f"{PAGE}/{shop.operator.pk}/remove").status_code == 303

    assert operator.get(shop.home).status_code == 404
    assert operator.get(f"/runs/{run.reference}").status_code == 404
    assert "There is nothing here for you yet" in operator.get("/").text
    page = owner.get(PAGE).text
    assert "<h2>Removed</h2>" in page
    again = page[page.index("Give Robin of Example Shop a role again") :]
    # Whoever does not choose gives the least.
    assert '<option value="viewers" selected>' in again
    assert again.count(" selected>") == 1
    assert owner.post(f"{PAGE}/{shop.operator.pk}/role", {"role": "viewers"}).status_code == 303
    assert operator.get(shop.home).status_code == 200
    assert operator.post(f"/runs/{run.reference}/stop").status_code == 404
    assert Run.objects.get().stop_asked_at is None


def test_the_last_owner_is_told_to_make_another_first(shop: Shop, ada: Person, owner: Client) -> None:
    for address, data in ((f"{PAGE}/{ada.pk}/remove", {}), (f"{PAGE}/{ada.pk}/role", {"role": "viewers"})):
        answer = owner.post(address, data)
        assert answer.status_code == 422
        assert "You are the last owner of Example Shop. Make somebody else an owner first." in answer.text

    owner.post(f"{PAGE}/{shop.operator.pk}/role", {"role": "owners"})
    answer = owner.post(f"{PAGE}/{ada.pk}/remove")
    assert (answer.status_code, answer["Location"]) == (303, "/")


def test_an_owner_who_was_removed_changes_nothing_with_a_page_that_is_still_open(
    shop: Shop, ada: Person, owner: Client
) -> None:
    second = factories.make_person("second", "example-shop/owners")
    remove(second, shop.organization, ada)

    assert owner.post(f"{PAGE}/invite", NEWCOMER).status_code == 404
    assert owner.post(f"{PAGE}/{shop.viewer.pk}/remove").status_code == 404
    assert not Invitation.objects.exists()


def test_every_form_needs_the_token_of_its_page(shop: Shop, ada: Person, invitation: Invitation) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")

    for address in posts(shop, shop.viewer, invitation):
        assert browser.post(address, NEWCOMER).status_code == 403
    token = fields(browser.get(PAGE).text)["csrfmiddlewaretoken"]
    form = {"csrfmiddlewaretoken": token, "role": "operators"}
    assert browser.post(f"{PAGE}/{shop.viewer.pk}/role", form).status_code == 303


def test_home_leads_owners_and_support_there(shop: Shop, owner: Client, operator: Client) -> None:
    desk = sign_in(factories.make_person("desk", "support"))

    assert f'href="{PAGE}"' in owner.get(shop.home).text
    assert f'href="{PAGE}"' in desk.get(shop.home).text
    assert f'href="{PAGE}"' not in operator.get(shop.home).text


@pytest.mark.parametrize("more", [0, 30])
def test_it_costs_a_fixed_number_of_queries(
    shop: Shop, ada: Person, owner: Client, more: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(more):
        invite(ada, shop.organization, name=f"invited-{number}", title="t", role="viewers")
        person = factories.make_person(f"person-{number}", "example-shop/operators")
        if number % 2:
            remove(ada, shop.organization, person)

    with django_assert_num_queries(QUERIES):
        owner.get(PAGE)
