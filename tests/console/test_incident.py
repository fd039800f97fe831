"""The page of an incident: its timeline, its notes, its files, and who sees it."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from incidents.domain.runs import Outcome, Phase, Step
from incidents.models import AuditEntry, Incident, IncidentNote, Run
from incidents.models.clock import database_now
from incidents.selectors.incidents import read_file
from tests import factories
from tests.console.conftest import Shop, put, start_run

# The door with session and person, the scope, a query for each source, the hand-over, the version of the runs.
QUERIES = 39
BIDI = "safe \u202egnp.exe\u2066"


def page_of(incident: Incident) -> str:
    return f"/incidents/{incident.reference}"


@pytest.fixture
def incident(shop: Shop) -> Incident:
    """Opened by a run that the operator has just started for the broken prefix."""
    return start_run(shop, shop.broken).incident


def post(browser: Client, incident: Incident, text: str, key: str = "a key", **more: str) -> int:
    return browser.post(f"{page_of(incident)}/notes", {"text": text, "key": key, **more}).status_code


def test_it_tells_what_happened_by_machine_and_people(shop: Shop, operator: Client, incident: Incident) -> None:
    assert post(operator, incident, "We see the withdrawal") == 303
    run = Run.objects.get()
    put(run, Step.VERIFIED, phase=Phase.ENDED, outcome=Outcome.SUCCEEDED)
    page = operator.get(page_of(incident)).text
    told = [
        "203.0.113.0/24: not advertised",
        f"Robin of Example Shop started {run.reference}: Re-advertise 203.0.113.0/24",
        "shop is down",
        "Robin of Example Shop wrote",
        "We see the withdrawal",
        f"{run.reference} ended: done, and proven from outside",
    ]
    assert [text for text in told if text not in page] == []
    assert "Impact now: 1 of 3 things." in page
    [label] = re.findall(r'<svg class="strip" role="img" aria-label="([^"]+)"', page)
    assert label.startswith("203.0.113.0/24 is not reachable from 3 of 3 locations")
    assert f"{run.reference}</a>: started" in page
    # The newest first, and the other way round.
    lines = re.findall(r'<li id="([a-z.]+)', page)
    assert lines[0] == "run.ended"
    assert lines.index("note") < lines.index("run.accepted")
    assert re.findall(r'<li id="([a-z.]+)', operator.get(f"{page_of(incident)}?order=oldest").text) == lines[::-1]


@pytest.mark.parametrize(
    ("show", "there", "not_there"),
    [
        ("people", ["note", "run.accepted"], ["diagnosis", "measurement", "run.ended"]),
        ("runs", ["run.accepted", "run.ended"], ["diagnosis", "note"]),
        ("measurements", ["diagnosis", "measurement", "incident.opened"], ["note", "run.accepted"]),
        ("no such thing", ["diagnosis", "note", "run.accepted"], []),
    ],
)
def test_it_shows_what_is_asked_for(
    operator: Client, incident: Incident, show: str, there: list[str], not_there: list[str]
) -> None:
    post(operator, incident, "a note")
    put(Run.objects.get(), Step.VERIFIED, phase=Phase.ENDED, outcome=Outcome.SUCCEEDED)
    kinds = set(re.findall(r'<li id="([a-z.]+)', operator.get(page_of(incident), {"show": show}).text))
    assert (set(there) <= kinds, kinds & set(not_there)) == (True, set())


@pytest.mark.parametrize("role", ["stranger", "nobody"])
@pytest.mark.parametrize("part", ["", "/now", ".json", ".csv"])
def test_it_is_not_there_for_others(shop: Shop, incident: Incident, role: str, part: str) -> None:
    assert shop.clients[role].get(page_of(incident) + part).status_code == 404
    assert post(shop.clients[role], incident, "let me in") == 404
    assert not IncidentNote.objects.exists()


@pytest.mark.parametrize("reference", ["INC-0", "INC-999999999999", "INC-2999", "inc-2001", "x"])
def test_there_is_no_such_incident(operator: Client, reference: str) -> None:
    assert operator.get(f"/incidents/{reference}").status_code == 404


def test_a_viewer_reads_and_does_not_write(viewer: Client, incident: Incident) -> None:
    assert "Write a note" not in viewer.get(page_of(incident)).text
    answer = viewer.post(f"{page_of(incident)}/notes", {"text": "me too", "key": "a key"})
    assert (answer.status_code, "You can see this but not write here." in answer.text) == (404, True)
    assert not IncidentNote.objects.exists()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        (BIDI, "safe [U+202E]gnp.exe[U+2066]"),
        ("one\r\ntwo", "one<br>two"),
        ("\0\x1b[31mred", "[U+001B][31mred"),
    ],
)
def test_what_is_typed_is_shown_and_does_nothing(operator: Client, incident: Incident, text: str, shown: str) -> None:
    assert post(operator, incident, text) == 303
    page = operator.get(page_of(incident)).text
    assert f'<blockquote dir="auto">{shown}</blockquote>' in page
    assert "<script>alert" not in page
    assert "\u202e" not in page


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "Write what you want"), (" \n ", "Write what you want"), ("x" * 100_000, "Write at most 2000 characters.")],
)
def test_a_note_that_cannot_be_kept_is_given_back(
    operator: Client, incident: Incident, text: str, problem: str
) -> None:
    answer = operator.post(f"{page_of(incident)}/notes", {"text": text, "key": "a key"})
    assert answer.status_code == 422
    assert problem in answer.text
    assert text in answer.text
    assert "<title>Error: " in answer.text
    assert not IncidentNote.objects.exists()


def test_a_form_that_is_sent_twice_keeps_one_note(operator: Client, incident: Incident) -> None:
    for _ in range(2):
        assert post(operator, incident, "We see it") == 303
    assert IncidentNote.objects.count() == 1
    # Other words under the same token are not lost in silence.
    answer = operator.post(f"{page_of(incident)}/notes", {"text": "We see it not", "key": "a key"})
    assert (answer.status_code, "We see it not" in answer.text) == (422, True)
    assert post(operator, incident, "x", key="") == post(operator, incident, "x", key="k" * 65) == 422
    assert IncidentNote.objects.count() == 1


def test_a_note_is_corrected_by_a_newer_one(shop: Shop, operator: Client, incident: Incident) -> None:
    post(operator, incident, "It is the router")
    old = IncidentNote.objects.get()
    assert f'href="?correct={old.pk}#write"' in operator.get(page_of(incident)).text
    form = operator.get(f"{page_of(incident)}?correct={old.pk}").text
    assert "It is the router</textarea>" in form
    assert post(operator, incident, "It is the cable", key="another", corrects=str(old.pk)) == 303
    new = IncidentNote.objects.get(corrects=old)
    page = operator.get(page_of(incident)).text
    assert "<s>It is the router</s>" in page
    assert f'<a href="#note-{new.pk}">note {new.pk}</a> stands in its place.' in page
    assert f'In the place of <a href="#note-{old.pk}">' in page
    # Once is enough; the newer one may be corrected.
    answer = operator.post(f"{page_of(incident)}/notes", {"text": "or not", "key": "third", "corrects": str(old.pk)})
    assert (answer.status_code, "corrected already" in answer.text) == (422, True)
    assert post(operator, incident, "It is both", key="fourth", corrects=str(new.pk)) == 303


def test_nobody_corrects_somebody_elses_note(operator: Client, desk: Client, incident: Incident) -> None:
    post(operator, incident, "It is the router")
    note = IncidentNote.objects.get()
    assert f"?correct={note.pk}" not in desk.get(page_of(incident)).text
    answer = desk.post(f"{page_of(incident)}/notes", {"text": "no", "key": "another", "corrects": str(note.pk)})
    assert (answer.status_code, "Only whoever wrote a note corrects it." in answer.text) == (422, True)
    assert IncidentNote.objects.count() == 1


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30, "²", "of another"])
def test_a_note_of_another_incident_is_not_there(shop: Shop, operator: Client, incident: Incident, number: str) -> None:
    earlier = database_now() - timedelta(days=1)
    other = Incident.objects.create(organization=shop.organization, opened_at=earlier, closed_at=earlier)
    note = IncidentNote.objects.create(incident=other, by=shop.operator, at=earlier, text="of then", key="then")
    number = str(note.pk) if number == "of another" else number
    assert post(operator, incident, "no", corrects=number) == 404
    assert IncidentNote.objects.count() == 1
    assert "of then" not in operator.get(page_of(incident), {"correct": number}).text


def test_a_closed_incident_takes_no_notes_and_says_what_to_do(operator: Client, incident: Incident) -> None:
    Incident.objects.update(closed_at=database_now(), closed_because="over")
    page = operator.get(page_of(incident)).text
    assert "no notes are added. If something is broken, open an incident: ask an owner, or call us." in page
    assert "hx-get" not in page
    answer = operator.post(f"{page_of(incident)}/notes", {"text": "late", "key": "a key"})
    assert (answer.status_code, f"{incident.reference} is closed, so nothing was added." in answer.text) == (422, True)
    assert "late</textarea>" in answer.text


def test_it_asks_for_news_and_gets_none(operator: Client, incident: Incident) -> None:
    page = operator.get(page_of(incident)).text
    address = re.search(r'hx-get="([^"]+)"', page)
    assert address is not None
    fragment = address[1].replace("&amp;", "&")
    assert operator.get(fragment).status_code == 204
    post(operator, incident, "There is news")
    assert "There is news" in operator.get(fragment).text
    assert 'href="?updates=off"' not in page
    assert "hx-get" not in operator.get(f"{page_of(incident)}?updates=off").text


def test_the_hand_over_says_what_to_do(shop: Shop, operator: Client, incident: Incident) -> None:
    run = Run.objects.get()
    text = _copied(operator, incident)
    assert f"What to do next:\n- Wait for {run.reference}. It ends by itself." in text
    put(run, Step.FAILED, phase=Phase.ENDED, outcome=Outcome.FAILED)
    text = _copied(operator, incident)
    assert "Broken now:\n- 203.0.113.0/24: not advertised, since " in text
    assert (
        f"What was done:\n- {run.reference}, Re-advertise 203.0.113.0/24, by Robin of Example Shop: did not work"
        in text
    )
    assert "What is under way:\n- Nothing." in text
    assert "Who is on it:\n- Robin of Example Shop" in text
    assert "What to do next:\n- Re-advertise 203.0.113.0/24: the button is on the home page." in text


def _copied(browser: Client, incident: Incident) -> str:
    found = re.search(r'<pre class="copied">(.*?)</pre>', browser.get(page_of(incident)).text, re.DOTALL)
    assert found is not None
    return found[1]


def test_files_hold_all_of_it_and_are_audited(desk: Client, operator: Client, incident: Incident) -> None:
    post(operator, incident, "<b>We see it</b>")
    whole = desk.get(f"{page_of(incident)}.json").json()
    assert whole["reference"] == incident.reference
    assert [event["text"] for event in whole["events"] if event["kind"] == "note"] == ["<b>We see it</b>"]
    assert whole["rest"] is None
    rows = list(
        csv.DictReader(io.StringIO(desk.get(f"{page_of(incident)}.csv?show=people").content.decode("utf-8-sig")))
    )
    assert [row["words"] for row in rows if row["kind"] == "note"] == ["<b>We see it</b>"]
    assert {row["kind"] for row in rows} == {"note", "run.accepted", "incident.opened"}
    entries = AuditEntry.objects.filter(event="incident.exported").order_by("index")
    assert [(row.actor, row.organization) for row in entries] == [("desk", "example-shop")] * 2
    assert desk.head(f"{page_of(incident)}.csv").status_code == 405


def _rows(browser: Client, incident: Incident) -> list[dict[str, str]]:
    text = browser.get(f"{page_of(incident)}.csv?show=people").content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


WIDE = ("\uff1d", "\uff0b", "\uff0d", "\uff20", "\ufe62")


@pytest.mark.parametrize("begin", [*"=+-@\u2212", *WIDE, " =", "\u200d=", "\u3000="])
def test_no_cell_is_a_formula(shop: Shop, operator: Client, incident: Incident, begin: str) -> None:
    IncidentNote.objects.create(
        incident=incident, by=shop.operator, at=database_now(), text=f"{begin}1+2;=3\n=4\t@5", key="a key"
    )
    [words] = [row["words"] for row in _rows(operator, incident) if row["kind"] == "note"]
    assert words == f"'{begin}1+2;'=3\n'=4\t'@5"


@pytest.mark.parametrize("begin", ["\t", "\r", "\n"])
def test_a_cell_begins_with_no_tab_or_line_break(shop: Shop, operator: Client, incident: Incident, begin: str) -> None:
    factories.make_person("odd", "example-shop/operators", title=f"{begin}=1")
    Incident.objects.update(because=f"{begin}=1")
    text = operator.get(f"{page_of(incident)}.csv").content.decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert [cell for cell in cells if cell[:1] in ("\t", "\r", "\n", "=")] == []


def test_thousands_of_events_cost_the_same(
    shop: Shop, operator: Client, incident: Incident, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(QUERIES):
        operator.get(page_of(incident))
    now = database_now()
    IncidentNote.objects.bulk_create(
        IncidentNote(
            incident=incident, by=shop.operator, at=now + timedelta(milliseconds=n // 2), text="a note", key=f"{n}"
        )
        for n in range(3000)
    )
    for order in ("newest", "oldest"):
        with django_assert_num_queries(QUERIES):
            page = operator.get(f"{page_of(incident)}?order={order}").text
        seen: list[str] = []
        for _ in range(3):
            seen += re.findall(r'<li id="note-(\d+)', page)
            more = re.search(r'href="(\?[^"]*at=[^"]*)#timeline">(?:Older|Newer)', page)
            assert more is not None
            page = operator.get(page_of(incident) + more[1].replace("&amp;", "&")).text
        assert len(seen) == len(set(seen)) >= 120
    whole = read_file(incident, "people")
    assert (sum(event.kind == "note" for event in whole.events), whole.rest) == (3000, "")
    part = read_file(incident, "people", most=2000)
    rest = read_file(incident, "people", part.rest)
    assert [event.id for event in (*part.events, *rest.events)] == [event.id for event in whole.events]


@pytest.mark.parametrize("place", ["x", "1", "1.", "99999999999999999.note-1", "1.note-1", "-1.a", "1.<b>"])
def test_a_place_that_is_nowhere_is_no_harm(operator: Client, incident: Incident, place: str) -> None:
    assert operator.get(page_of(incident), {"at": place, "show": "x"}).status_code == 200


def test_every_line_has_a_link_that_leads_to_it(operator: Client, incident: Incident) -> None:
    post(operator, incident, "a note")
    links = re.findall(r'href="(\?at=[^"]+)#([^"]+)"', operator.get(page_of(incident)).text)
    assert len(links) > 4
    for query, name in links:
        assert re.findall(r'<li id="([^"]+)"', operator.get(page_of(incident) + query).text)[0] == name


def test_an_organization_has_a_list_of_them(shop: Shop, operator: Client, stranger: Client, incident: Incident) -> None:
    then = database_now() - timedelta(days=2)
    Incident.objects.bulk_create(
        Incident(organization=shop.organization, opened_at=then, closed_at=then, because=f"old {BIDI}")
        for _ in range(60)
    )
    address = f"{shop.home}/incidents"
    assert f'"{address}">All incidents</a>' in operator.get(shop.home).text
    page = operator.get(address).text
    assert page.count("old safe [U+202E]") == 50
    more = re.search(r'href="(\?before=\d+)"', page)
    assert more is not None
    rest = operator.get(address + more[1]).text
    assert rest.count("old safe") == 10
    assert f'<a href="{page_of(incident)}">{incident.reference}</a>' in rest
    assert operator.get(f"{address}?before=x").status_code == 200
    assert stranger.get(address).status_code == 404


def test_home_run_and_card_lead_to_it(shop: Shop, operator: Client, incident: Incident) -> None:
    link = f'<a href="{page_of(incident)}">What happened</a>'
    for address in (shop.home, f"/runs/{Run.objects.get().reference}", f"{shop.home}/resources/{shop.broken.pk}"):
        assert link in operator.get(address).text, address
