"""A refusal is a 404 that tells nothing to those who may see nothing, and an entry in the audit log."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.test import Client
from guardian.shortcuts import remove_perm

from console.pages import home
from incidents.models import Denial, Run
from incidents.services import denials
from tests import factories
from tests.console.conftest import Shop, page_of, sign_in
from tests.console.test_preview import audited, form_of

pytestmark = pytest.mark.usefixtures("still_world")


def bytes_of(answer: Any) -> tuple[int, dict[str, str], bytes]:
    """Everything that arrives, but for the form token and the request's id, which are others in every answer."""
    body = re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", answer.content)
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
    return answer.status_code, headers, body


@pytest.mark.parametrize("role", ["stranger", "nobody"])
def test_what_others_have_is_the_same_as_what_nobody_has(shop: Shop, run: Run, role: str) -> None:
    browser = shop.clients[role]
    browser.get("/nowhere")  # the cookie of the form token comes with the first page
    made_up = bytes_of(browser.get("/nowhere"))
    assert made_up[0] == 404

    for path in (
        shop.home,
        "/c/made-up",
        f"{shop.home}/summary",
        f"{shop.home}/resources/{shop.broken.pk}",
        shop.preview(),
        page_of(run),
        f"{page_of(run)}/progress",
        f"{page_of(run)}/undo",
        "/runs/RUN-AAAA-AA",
    ):
        assert bytes_of(browser.get(path)) == made_up, path
    for path in (shop.preview(), f"{page_of(run)}/stop", f"{page_of(run)}/overrule", f"{page_of(run)}/extend"):
        assert bytes_of(browser.post(path)) == made_up, path


def test_whoever_sees_it_is_told_what_they_cannot_do(shop: Shop, run: Run, viewer: Client) -> None:
    for path in (shop.preview(), f"{page_of(run)}/undo"):
        answer = viewer.get(path)
        assert answer.status_code == 404
        assert "You can see this but not change it. Ask Robin of Example Shop (they can), or call us." in answer.text


def test_only_who_really_may_is_named(shop: Shop, viewer: Client) -> None:
    """Acting for the organization is not enough: the preapproval must name them, and they must still be here."""
    factories.make_person("a-owner", "example-shop/owners", title="Ada of Example Shop")
    gone = factories.make_person("gone", "example-shop/owners", title="Aaron of Example Shop")
    gone.is_active = False
    gone.save()
    holding = shop.preapproval.preapprovalgroupobjectpermission_set
    holding.filter(group__name="example-shop/operators").delete()

    for page in (
        viewer.get(shop.home),
        viewer.get(f"{shop.home}/resources/{shop.broken.pk}"),
        viewer.get(shop.preview()),
    ):
        assert "Ask Ada of Example Shop (they can), or call us." in page.text

    owners = Group.objects.get(name="example-shop/owners")
    remove_perm("incidents.act_for_organization", owners, shop.organization)
    for page in (viewer.get(shop.home), viewer.get(shop.preview())):
        assert "You can see this but not change it. Call us." in page.text


def test_an_operator_who_is_not_named_is_told_who_is(shop: Shop, operator: Client) -> None:
    factories.make_person("a-owner", "example-shop/owners", title="Ada of Example Shop")
    holding = shop.preapproval.preapprovalgroupobjectpermission_set
    holding.filter(group__name="example-shop/operators").delete()

    assert "Ask Ada of Example Shop (they can), or call us." in operator.get(shop.home).text

    holding.all().delete()
    assert "You cannot repair this yourself. Call us." in operator.get(shop.home).text


def test_a_preapproval_that_does_not_cover_it_names_nobody(shop: Shop, viewer: Client) -> None:
    shop.preapproval.resources.remove(shop.broken)

    assert "You can see this but not change it. Call us." in viewer.get(shop.home).text


def test_a_right_that_is_lost_between_preview_and_post_counts_at_once(shop: Shop, operator: Client) -> None:
    form = form_of(operator, shop.preview())
    [group] = shop.operator.groups.all()
    shop.operator.groups.clear()

    assert operator.post(shop.preview(), form).status_code == 404

    shop.operator.groups.add(group)
    remove_perm("incidents.act_for_organization", group, shop.organization)
    answer = operator.post(shop.preview(), form)
    assert answer.status_code == 404
    assert "You can see this but not change it." in answer.text
    assert Run.objects.count() == 0


def test_what_a_library_refuses_is_not_found_either(
    shop: Shop, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise PermissionDenied("not yours")

    monkeypatch.setattr(home, "freshness", refuse)

    answer = operator.get(shop.home)

    assert answer.status_code == 404
    assert "<h1>There is nothing at this address</h1>" in answer.text
    assert "not yours" not in answer.text


def test_a_page_that_goes_on_asking_is_written_down_once_a_minute(shop: Shop, stranger: Client) -> None:
    for _ in range(5):
        stranger.get(f"{shop.home}/summary?v=7")
    assert audited("access.denied") == [{"method": "GET", "what": f"{shop.home}/summary?v=7"}]

    Denial.objects.update(at=F("at") - denials.ONCE_IN)
    stranger.get(f"{shop.home}/summary?v=7")

    assert len(audited("access.denied")) == 2


def test_an_attempt_to_act_is_not_hidden_by_a_look(shop: Shop, stranger: Client) -> None:
    stranger.get(shop.preview())
    stranger.post(shop.preview())

    assert [entry["method"] for entry in audited("access.denied")] == ["GET", "POST"]


def test_nobody_can_fill_the_log(shop: Shop, stranger: Client, nobody: Client) -> None:
    for number in range(denials.MOST + 20):
        stranger.get(f"/c/guess-{number}")

    written = audited("access.denied")
    assert len(written) == denials.MOST + 1
    assert written[-1] == {"method": "GET", "what": f"/c/guess-{denials.MOST}", "and": "more"}
    assert Denial.objects.count() == denials.MOST + 1

    nobody.get(shop.home)
    assert len(audited("access.denied")) == denials.MOST + 2

    Denial.objects.update(at=F("at") - denials.WITHIN - timedelta(seconds=1))
    stranger.get(shop.home)
    assert len(audited("access.denied")) == denials.MOST + 3
    assert Denial.objects.filter(person=shop.stranger).count() == 1


def test_what_is_not_signed_in_is_not_written_down(shop: Shop, client: Client) -> None:
    client.get(shop.home)
    client.get(f"{shop.home}/summary")
    client.post(shop.preview())

    assert audited("access.denied") == []


@pytest.mark.parametrize(
    ("group", "sees"), [("support", True), ("engineers", True), ("reviewers", False), ("example-shop/owners", True)]
)
def test_staff_see_what_their_role_lets_them_see_and_only_owners_act(
    shop: Shop, operator: Client, group: str, sees: bool
) -> None:
    form = form_of(operator, shop.preview())
    browser = sign_in(factories.make_person("staff", group))

    assert (browser.get(shop.home).status_code == 200) is sees
    assert (browser.get(shop.preview()).status_code == 200) is (group == "example-shop/owners")
    if group != "example-shop/owners":
        assert browser.post(shop.preview(), form).status_code == 404
        assert Run.objects.count() == 0
