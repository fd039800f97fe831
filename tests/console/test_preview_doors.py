"""Who may look at a preview, and who may post one; attempts that a door refuses are in the audit log."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from incidents.models import Run
from tests import factories
from tests.console.conftest import Shop
from tests.console.test_preview import audited, form_of

pytestmark = pytest.mark.usefixtures("still_world")


@pytest.mark.parametrize("target", ["12", "203.0.113.0/24", "00000000-0000-4000-8000-000000000000"])
def test_a_target_that_is_not_there_is_not_found(shop: Shop, operator: Client, target: str) -> None:
    assert operator.get(f"{shop.home}/actions/readvertise_prefix?target={target}").status_code == 404


def test_a_resource_of_another_organization_is_not_found_and_noted(shop: Shop, stranger: Client) -> None:
    address = f"/c/example-bank/actions/readvertise_prefix?target={shop.broken.pk}"

    assert stranger.get(address).status_code == 404
    assert stranger.post(address).status_code == 404
    assert audited("access.denied") == [{"method": method, "what": address} for method in ("GET", "POST")]


def test_an_action_that_is_not_there_is_not_found(shop: Shop, operator: Client) -> None:
    assert operator.get(f"{shop.home}/actions/delete_all?target={shop.broken.pk}").status_code == 404


@pytest.mark.parametrize("role", ["stranger", "nobody"])
def test_it_is_not_there_for_others_and_an_attempt_is_noted(shop: Shop, operator: Client, role: str) -> None:
    form = form_of(operator, shop.preview())

    assert shop.clients[role].get(shop.preview()).status_code == 404
    assert shop.clients[role].post(shop.preview(), form).status_code == 404
    assert audited("access.denied") == [{"method": method, "what": shop.preview()} for method in ("GET", "POST")]
    assert Run.objects.count() == 0


def test_a_viewer_is_told_whom_to_ask(shop: Shop, operator: Client, viewer: Client) -> None:
    form = form_of(operator, shop.preview())

    assert viewer.get(shop.preview()).status_code == 404
    answer = viewer.post(shop.preview(), form)

    assert answer.status_code == 404
    assert "Ask Robin of Example Shop (they can), or call us." in answer.text
    assert len(audited("access.denied")) == 2


def test_an_operator_without_a_preapproval_is_told_so(shop: Shop, operator: Client) -> None:
    form = form_of(operator, shop.preview())
    shop.preapproval.preapprovalgroupobjectpermission_set.all().delete()

    assert operator.get(shop.preview()).status_code == 404
    answer = operator.post(shop.preview(), form)

    assert answer.status_code == 404
    assert "<h1>You cannot change this</h1>" in answer.text
    assert len(audited("access.denied")) == 2
    assert Run.objects.count() == 0


def test_somebody_elses_preview_cannot_be_posted(shop: Shop, operator: Client) -> None:
    other = factories.make_person("second", "example-shop/operators")
    plan = factories.make_plan(other, shop.preapproval, [shop.broken])

    answer = operator.post(shop.preview(), {"digest": plan.digest, "key": str(uuid.uuid4())})

    assert answer.status_code == 422
    assert "This preview was made by somebody else." in answer.text


def test_it_is_refused_without_a_csrf_token(shop: Shop) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(shop.operator, backend="django.contrib.auth.backends.ModelBackend")
    form = form_of(browser, shop.preview())
    del form["csrfmiddlewaretoken"]

    answer = browser.post(shop.preview(), form)

    assert answer.status_code == 403
    assert "This form was too old, or came from somewhere else" in answer.text
    assert Run.objects.count() == 0
