"""The page and the command that hold every location against what should be there."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from incidents.audit.snapshot_fence import lower_fence
from incidents.domain.canonical import digest
from incidents.domain.changes import State
from incidents.models import Binding, Look, Observation, Resource, Snapshot
from tests import factories
from tests.console.conftest import Shop
from tests.scene import BROKEN, Scene

# Session and person; organization with grants; bindings with both states; fresh backends, slow backends; what is away.
QUERIES = 7


def drift(*arguments: str) -> tuple[int, str]:
    """Exit code and what was printed."""
    said = StringIO()
    try:
        call_command("drift", *arguments, stdout=said)
    except SystemExit as end:
        return int(str(end.code)), said.getvalue()
    return 0, said.getvalue()


def as_json(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(drift("--json", *arguments)[1])
    return found


def see(resource: Resource, location: str, state: State, aspect: str = "route") -> None:
    """The poller has just seen it so."""
    row = Binding.objects.get(resource=resource, location__slug=location, aspect=aspect)
    row.seen = Observation.objects.create(binding=row, state=state, at=timezone.now(), source="poller")
    row.save(update_fields=("seen",))


def test_the_page_names_what_is_not_as_it_should_be(shop: Shop, operator: Client) -> None:
    page = operator.get(f"{shop.home}/drift").text

    assert "<h1>3 of 18 settings are not as last proven to work</h1>" in page
    assert page.count("Now: <strong>not advertised</strong>") == 3
    assert page.count("Should be: advertised, next hop 198.18.255.1, path AS64496") == 3
    assert f'href="{shop.home}/resources/{shop.broken.pk}"' in page
    assert shop.well[0].name not in page
    assert "15 of 18 settings are the same" in page
    assert "/actions/" not in page


def test_the_page_says_which_settings_differ_where_words_do_not(shop: Shop, operator: Client) -> None:
    see(shop.well[0], "edge-b", {**factories.good_route(), "local_pref": 50, "med": 7})

    page = operator.get(f"{shop.home}/drift").text

    assert "They differ in: local pref, med" in page


def test_the_page_is_linked_from_home_and_has_no_form_of_its_own(shop: Shop, operator: Client) -> None:
    page = operator.get(f"{shop.home}/drift").text

    assert f'<a href="{shop.home}/drift">Compare every location with what should be</a>' in operator.get(shop.home).text
    assert page.count("<form") == 1  # to sign out
    assert operator.post(f"{shop.home}/drift").status_code == 405


def test_the_page_does_not_pass_old_looks_off_as_now(shop: Shop, operator: Client) -> None:
    Look.objects.update(at=timezone.now() - timedelta(minutes=5))

    page = operator.get(f"{shop.home}/drift").text

    assert "<h1>18 of 18 settings are not known at the moment</h1>" in page
    assert page.count("we have had no answer lately") == 18


def test_the_page_names_what_was_never_proven(shop: Shop, operator: Client) -> None:
    factories.make_diagnosis(shop.broken)
    Binding.objects.filter(resource=shop.broken).update(good=None)

    page = operator.get(f"{shop.home}/drift").text

    assert "<h1>Everything is as it should be</h1>" in page
    assert page.count("<dd>Never proven to work</dd>") == 6


@pytest.mark.parametrize("role", ["stranger", "nobody"])
def test_the_page_is_not_there_for_others(shop: Shop, role: str) -> None:
    assert shop.clients[role].get(f"{shop.home}/drift").status_code == 404
    assert shop.clients["stranger"].get("/c/example-bank/drift").status_code == 200


def test_the_page_shows_a_hundred_things_unless_all_are_asked_for(shop: Shop, operator: Client) -> None:
    for _ in range(104):
        factories.make_prefix(shop.organization, withdrawn=("edge-a",))

    some, everything = operator.get(f"{shop.home}/drift").text, operator.get(f"{shop.home}/drift?all=yes").text

    assert 'And 5 more. <a href="/c/example-shop/drift?all=yes">' in some
    assert (some.count("<h3>"), everything.count("<h3>")) == (100, 105)


@pytest.mark.parametrize("more", [0, 50])
def test_the_page_costs_a_fixed_number_of_queries(
    shop: Shop, operator: Client, more: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(more):
        factories.make_prefix(shop.organization, withdrawn=("edge-a",) if number % 2 else ())

    with django_assert_num_queries(QUERIES):
        operator.get(f"{shop.home}/drift")


def test_a_damaged_state_is_not_what_should_be(shop: Shop, operator: Client) -> None:
    damage(shop.broken, "edge-a", older=factories.good_route(64500))
    damage(shop.broken, "edge-b", older=None)

    page = operator.get(f"{shop.home}/drift").text
    code, text = drift("--stored", "--organization", "example-shop")

    assert "Should be: advertised, next hop 198.18.255.1, path AS64500" in page
    assert "a part of what we kept is damaged" in page
    assert code == 1
    assert "path AS64500, communities 64500:100 (an older one; the newest is damaged)" in text
    assert "never proven (what was kept is damaged)" in text
    assert "Damaged, and not used: 2 known-good states. See manage.py snapshots verify" in text


def damage(resource: Resource, location: str, older: State | None) -> None:
    """Somebody has changed what was kept, behind the fence."""
    row = Binding.objects.select_related("good").get(resource=resource, location__slug=location, aspect="route")
    assert row.good is not None
    if older is not None:
        at = row.good.proven_at - timedelta(days=1)
        papers = {"digest": digest(older), "proven_at": at, "proven_until": at, "proof": ["tcp"]}
        Snapshot.objects.create(binding=row, state=older, **papers)
    lower_fence(connection)
    Snapshot.objects.filter(pk=row.good.pk).update(state={"advertised": False})


def test_the_command_looks_now(scene: Scene) -> None:
    assert drift()[0] == 0
    scene.put("edge-a", {"advertised": True, "as_path": [64666]})

    code, text = drift()
    stored = drift("--stored")

    assert (code, stored[0]) == (1, 0)
    [line] = [line for line in text.splitlines() if BROKEN in line]
    assert line.split()[:4] == ["example-shop", BROKEN, "edge-a", "route"]
    assert "path AS64666" in line
    assert "1 drifted" in text.splitlines()[-1]
    # It has written nothing down: the poller finds the news itself.
    assert not Observation.objects.filter(state__as_path=[64666]).exists()


def test_the_command_says_what_it_cannot_see_and_drift_goes_before_it(scene: Scene) -> None:
    scene.mode("edge-b", "hang")

    code, text = drift()
    scene.put("edge-a", {"advertised": False})

    assert code == 2
    assert "not seen: router-edge-b did not answer within 0.4 s" in text
    assert drift()[0] == 1
    assert drift("--location", "edge-c")[0] == 0


def test_what_is_moved_on_purpose_is_no_drift(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Binding.objects.filter(resource=shop.broken, aspect="route")
    away = {str(pk): [factories.GONE] for pk in rows.values_list("pk", flat=True)}
    monkeypatch.setattr("incidents.engine.hand_backs.states_away", lambda: away)

    code, text = drift("--stored")

    assert code == 0
    assert text.count("(on purpose, for a while)") == 3
    assert "3 changed for a while, on purpose" in text


def test_old_observations_are_not_seen(shop: Shop) -> None:
    Look.objects.update(at=timezone.now() - timedelta(minutes=5))

    assert drift("--stored")[0] == 2
    assert as_json("--stored")["not_seen"] == 18


def test_the_command_speaks_json(shop: Shop) -> None:
    see(shop.well[0], "edge-a", factories.good_route(64666))

    found = as_json("--stored", "--organization", "example-shop", "--location", "edge-a")

    assert (found["looked"], found["compared"], found["drifted"], found["as_it_should_be"]) == ("stored", 6, 2, 4)
    assert [line["resource"] for line in found["lines"]] == [BROKEN, shop.well[0].name]
    assert found["lines"][1]["now"]["as_path"] == [64666]
    assert found["lines"][1]["should_be"] == factories.good_route()


def test_a_service_of_other_words_is_told_by_its_settings(shop: Shop) -> None:
    rows = Binding.objects.filter(resource=shop.well[0], location__slug="edge-a", aspect="service")
    rows.update(aspect="something-new")
    see(shop.well[0], "edge-a", {"bound": False, "name": "\x1b[2J\u202e"}, "something-new")

    [line] = [line for line in drift("--stored")[1].splitlines() if "something-new" in line]

    assert "bound false, name" in line
    assert "bound true, name not set" in line
    assert "\x1b" not in line
    assert "\u202e" not in line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--organization", "nobody"), "There is no organization nobody."),
        (("--location", "edge-z"), "There is no location edge-z."),
    ],
)
def test_a_wrong_name_is_said_and_nothing_is_looked_at(shop: Shop, arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandError, match=says) as fault:
        drift(*arguments)
    assert fault.value.returncode == 2


def test_nothing_to_compare_is_not_well(shop: Shop) -> None:
    assert drift("--organization", "example-bank") == (2, "There is nothing to compare.\n")


def test_the_command_asks_a_fixed_number_of_queries(shop: Shop) -> None:
    counts = []
    for more in (0, 20):
        for _ in range(more):
            factories.make_prefix(shop.organization, withdrawn=("edge-a",))
        with CaptureQueriesContext(connection) as captured:
            drift("--stored")
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 6
