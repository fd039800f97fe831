"""What a customer sees and does about services and traffic, on the simulated world."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from incidents.engine.handing_back import hand_back_due
from incidents.engine.poller import poll_once
from incidents.models import AuditEntry, HandBack, Run
from tests.console.conftest import sign_in
from tests.scene import Scene

HOME = "/c/example-shop"


@pytest.fixture
def client(scene: Scene) -> Client:
    return sign_in(scene.operator)


def text(page: str) -> str:
    """What is read: without tags, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def address(scene: Scene, action: str, name: str, more: str = "") -> str:
    return f"{HOME}/actions/{action}?target={scene.resource(name).pk}{more}"


def tap(client: Client, preview: str) -> Run:
    """Reads the preview and presses its button."""
    page = client.get(preview).text
    fields = dict(re.findall(r'name="(digest|key)"[^>]*value="([^"]+)"', page))
    answer = client.post(preview, fields)
    assert answer.status_code == 303, text(answer.text)
    return Run.objects.get(reference=answer["Location"].rstrip("/").rsplit("/", 1)[-1])


def move_away(scene: Scene, client: Client) -> Run:
    return scene.carry_on(tap(client, address(scene, "shift_traffic_away", "shop-web", "&location=edge-a&minutes=60")))


def test_each_kind_of_fault_stands_beside_its_own_button(scene: Scene, client: Client) -> None:
    for scenario in ("withdrawn", "bad_deploy", "traffic_stuck"):
        scene.lab.break_(scenario)
    poll_once()
    page = client.get(HOME).text
    says = text(page)
    assert re.search(r"<h1>3 of the \d+ things that we watch for you cannot be reached</h1>", page)
    for words in (
        "a version runs, or is rolled out, that was never proven to work",
        "put back the last version that was proven to work",
        "traffic does not go where it went when it was last proven to work",
        "shift the traffic back to where it was when it last worked",
        "Put back the last good version of checkout",
        "Shift traffic back for shop-web",
        "Re-advertise 203.0.113.0/24",
    ):
        assert words in says
    for action, name in (("revert_deploy", "checkout"), ("shift_traffic_back", "shop-web")):
        assert address(scene, action, name) in page


def test_the_preview_of_a_deploy_says_what_is_not_put_back(scene: Scene, client: Client) -> None:
    scene.break_("bad_deploy")
    says = text(client.get(address(scene, "revert_deploy", "checkout")).text)
    assert "Check before you put back the last good version of checkout" in says
    assert "Nothing has changed yet." in says
    for words in ("The database and its schema", "the number of copies", "Only the program is put back"):
        assert words in says


def test_the_preview_of_traffic_names_the_steps_and_the_whole_way(scene: Scene, client: Client) -> None:
    scene.break_("traffic_stuck")
    says = text(client.get(address(scene, "shift_traffic_back", "shop-web")).text)
    assert "In 3 steps: 10 %, then 50 %, then 100 % of the way." in says
    assert "no traffic → , after the run share 100" in says
    assert "share 10 " not in says


def test_a_pool_says_how_to_take_traffic_away_and_for_how_long(scene: Scene, client: Client) -> None:
    page = client.get(f"{HOME}/resources/{scene.resource('shop-web').pk}").text
    assert "Take traffic away from a location" in page
    assert re.findall(r'<option value="(edge-[abc])">', page) == ["edge-a", "edge-b", "edge-c"]
    says = text(client.get(address(scene, "shift_traffic_away", "shop-web", "&location=edge-a&minutes=60")).text)
    assert "It comes back by itself after 1 hour ." in says


def test_a_viewer_is_not_shown_how(scene: Scene) -> None:
    page = sign_in(scene.viewer).get(f"{HOME}/resources/{scene.resource('shop-web').pk}").text
    assert "Take traffic away" not in page


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "guard.expiry"),
        ("&location=edge-a", "guard.expiry"),
        ("&location=edge-a&minutes=0", "guard.expiry"),
        ("&location=edge-a&minutes=4321", "guard.expiry"),
        ("&location=edge-a&minutes=-5", "guard.expiry"),
        ("&location=edge-a&minutes=%D9%A3", "guard.expiry"),
        ("&location=edge-a&minutes=99999999999999999999", "guard.expiry"),
        ("&minutes=60", "guard.location"),
        ("&location=nowhere&minutes=60", "guard.location"),
        ("&location=%27%3Cscript%3E&minutes=60", "guard.location"),
    ],
)
def test_a_choice_that_is_none_is_told_and_has_no_button(scene: Scene, client: Client, query: str, code: str) -> None:
    page = client.get(address(scene, "shift_traffic_away", "shop-web", query))
    assert page.status_code == 200
    assert f"Code: {code}" in page.text
    assert 'name="digest"' not in page.text
    assert "<script>" not in page.text.replace("<script src", "")


def test_what_is_away_is_on_the_home_page_and_on_the_page_of_its_run(scene: Scene, client: Client) -> None:
    run = move_away(scene, client)
    says = text(client.get(HOME).text)
    assert "Traffic of shop-web is away from Amsterdam until" in says
    assert "Everything we watch for you is reachable" in says
    page = text(client.get(f"/runs/{run.reference}").text)
    assert "shop-web is served by its other locations" in page
    assert "It comes back by itself at" in page


def test_its_time_can_be_moved_from_there(scene: Scene, client: Client) -> None:
    run = move_away(scene, client)
    extend = f"/runs/{run.reference}/extend"
    assert client.get(extend).status_code == 303
    assert client.post(extend, {"minutes": "240"}).status_code == 303
    left = HandBack.objects.get(run=run).due_at - timezone.now()
    assert timedelta(minutes=239) < left <= timedelta(minutes=240)
    for minutes in ("", "soon", "0", "4321"):
        answer = client.post(extend, {"minutes": minutes})
        assert answer.status_code == 422
        assert '<a href="#minutes">Choose for how long from now: 1 minute to 72 hours.</a>' in answer.text


def test_nobody_else_can(scene: Scene, client: Client) -> None:
    run = move_away(scene, client)
    due = HandBack.objects.get(run=run).due_at
    extend = f"/runs/{run.reference}/extend"
    assert sign_in(scene.viewer).post(extend, {"minutes": "240"}).status_code == 404
    assert sign_in(scene.stranger).post(extend, {"minutes": "240"}).status_code == 404
    assert HandBack.objects.get(run=run).due_at == due


def test_what_came_back_says_by_whom_and_that_nobody_pressed_a_button(scene: Scene, client: Client) -> None:
    run = move_away(scene, client)
    past = timezone.now() - timedelta(seconds=1)
    HandBack.objects.filter(run=run).update(due_at=past, try_at=past)
    hand_back_due()
    back = scene.carry_on(HandBack.objects.get(run=run).done_by)  # type: ignore[arg-type]
    assert f"Brought back by {back.reference} at" in text(client.get(f"/runs/{run.reference}").text)
    page = text(client.get(f"/runs/{back.reference}").text)
    assert "by the console, as agreed" in page
    assert f"shop-web is as before {run.reference}" in page
    home = text(client.get(HOME).text)
    assert "the console, as agreed: Bring back shop-web" in home
    assert "is away from" not in home


def test_a_refused_choice_is_in_the_audit_log(scene: Scene, client: Client) -> None:
    preview = address(scene, "shift_traffic_away", "shop-web", "&location=edge-a&minutes=60")
    page = client.get(preview).text
    fields = dict(re.findall(r'name="(digest|key)"[^>]*value="([^"]+)"', page))
    scene.put_state("balancer", "web/origin-a", {"weight": 3, "mode": "ready", "status": {"ready": True}})
    poll_once()
    answer = client.post(preview, fields)
    assert answer.status_code == 422
    assert AuditEntry.objects.filter(event="run.refused").exists()
