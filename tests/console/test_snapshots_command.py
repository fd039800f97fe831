"""manage.py snapshots: what is printed, what is refused, and that what is exported can be checked by anybody."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from io import StringIO
from typing import NamedTuple

import pytest
import rfc8785
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.audit.snapshot_fence import lower_fence
from incidents.domain.canonical import digest
from incidents.domain.changes import State, settings_of
from incidents.models import Binding, Look, Snapshot
from tests import factories
from tests.console.conftest import Shop

ROUTE = "advertised, next hop 198.18.255.1, path AS64496"


class Said(NamedTuple):
    code: int
    out: str
    err: str


def run(*arguments: str) -> Said:
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command("snapshots", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        code = int(str(end.code))
    return Said(code, out.getvalue(), err.getvalue())


def kept(shop: Shop, state: State, days: int = 3) -> Snapshot:
    """One more of the route of the broken prefix at edge-a, proven so many days ago."""
    row = Binding.objects.get(resource=shop.broken, location__slug="edge-a", aspect="route")
    at = timezone.now() - timedelta(days=days)
    papers = {"digest": digest(settings_of(state)), "proven_at": at, "proven_until": at, "proof": ["tcp"]}
    return Snapshot.objects.create(binding=row, state=state, **papers)


def damaged(shop: Shop, days: int = 3) -> Snapshot:
    row = kept(shop, factories.good_route(64500), days)
    lower_fence(connection)
    Snapshot.objects.filter(pk=row.pk).update(state={"advertised": True, "as_path": [666]})
    return row


def test_list_names_each_with_its_place_and_the_one_that_counts(shop: Shop) -> None:
    older = kept(shop, factories.good_route(64500))

    said = run("list", "--organization", "example-shop", "--resource", shop.broken.name, "--location", "edge-a")

    head, newest, old, service, total = said.out.splitlines()
    assert head.split()[:6] == ["id", "digest", "organization", "resource", "location", "aspect"]
    assert newest.split()[2:6] == ["example-shop", shop.broken.name, "edge-a", "route"]
    assert newest.endswith("now")
    assert old.split()[:2] == [str(older.pk), older.digest[:12]]
    assert not old.endswith("now")
    assert "service" in service
    assert total == "3 known-good states."


def test_list_says_so_when_there_is_none(shop: Shop) -> None:
    assert run("list", "--organization", "example-bank").out == "Nothing was proven good there yet.\n"


def test_show_tells_the_proof_and_all_places_of_one_digest(shop: Shop) -> None:
    row = Snapshot.objects.filter(binding__aspect="route").order_by("pk")[0]

    by_id, by_digest = run("show", str(row.pk)), run("show", row.digest[:10])

    assert by_id.out.startswith(
        f"digest   {row.digest}\n{row.pk}: example-shop {shop.broken.name} edge-a route, the known"
    )
    assert "green through edge-a: collector, tcp" in by_id.out
    assert '  "as_path": [\n' in by_id.out
    assert by_digest.out.count("green through") == 9
    assert (by_id.code, by_id.err) == (0, "")


def test_a_damaged_one_is_shown_as_such(shop: Shop) -> None:
    row = damaged(shop)

    said = run("show", str(row.pk))

    assert said.code == 1
    assert f"✕ {row.pk} is damaged: its digest is {row.digest}, that of what is stored is " in said.err


@pytest.mark.parametrize("name", ["0", "999999", "9" * 40, "ffffffff", "FFFFFFFF", "abc", "-1", "", "١", "f" * 65])
def test_a_name_of_nothing_is_said(shop: Shop, name: str) -> None:
    with pytest.raises(CommandError, match="There is no known-good state") as fault:
        run("show", "--", name)
    assert fault.value.returncode == 2


def test_the_beginning_of_several_digests_is_refused(shop: Shop) -> None:
    row = kept(shop, factories.good_route(64500))
    lower_fence(connection)
    for number, pk in enumerate(Snapshot.objects.exclude(pk=row.pk).values_list("pk", flat=True)[:2]):
        Snapshot.objects.filter(pk=pk).update(digest=f"abcdefab{number}")

    with pytest.raises(CommandError, match="abcdefab is the beginning of several digests"):
        run("show", "abcdefab")


def test_compare_shows_lines_of_json(shop: Shop) -> None:
    one = kept(shop, factories.good_route())
    other = kept(shop, {**factories.good_route(), "med": 7}, days=2)

    lines = run("compare", str(one.pk), str(other.pk)).out.splitlines()

    assert lines[0].startswith(f"--- {one.pk} {shop.broken.name} edge-a route proven 20")
    assert '-  "med": null,' in lines
    assert '+  "med": 7,' in lines
    assert run("compare", str(one.pk), str(one.pk)).out == "They are the same.\n"


@pytest.mark.parametrize(
    "wrap", [lambda text: {"document": text}, lambda text: {"sha": text, "status": {"text": text}}]
)
def test_compare_shows_lines_of_a_document(shop: Shop, wrap: type) -> None:
    one = kept(shop, wrap("kind: NetworkPolicy\nallow: all\nend"))
    other = kept(shop, wrap("kind: NetworkPolicy\nallow: \x1b[31mnone\nend"))

    lines = run("compare", str(one.pk), str(other.pk)).out.splitlines()

    assert "-allow: all" in lines
    assert "+allow: �[31mnone" in lines
    assert " kind: NetworkPolicy" in lines


def test_what_is_exported_can_be_checked_by_anybody(shop: Shop) -> None:
    kept(shop, {**factories.good_route(), "name": "Zürich\n\u2028", "status": {"label": "the good one"}})

    said = run("export", "--organization", "example-shop")

    rows = [json.loads(line) for line in said.out.splitlines()]
    assert len(rows) == Snapshot.objects.count() == 19
    for row in rows:
        settings = {name: value for name, value in row["state"].items() if name != "status"}
        assert hashlib.sha256(rfc8785.dumps(settings)).hexdigest() == row["digest"]
        assert row["organization"] == "example-shop"
    assert (said.code, said.err) == (0, "19 known-good states.\n")


def test_an_export_is_read_as_it_goes_and_tells_of_damage(shop: Shop) -> None:
    damaged(shop)

    with CaptureQueriesContext(connection) as captured:
        said = run("export")

    assert len(captured) == 1
    assert said.code == 1
    assert "✕ Damaged: 1 of them." in said.err


def test_verify_names_each_that_is_damaged(shop: Shop) -> None:
    assert run("verify") == (0, "✓ 18 known-good states are as their digests say, and the fence stands.\n", "")
    old, row = damaged(shop, days=3), Binding.objects.filter(resource=shop.broken, aspect="route")[0]
    assert row.good_id is not None
    Snapshot.objects.filter(pk=row.good_id).update(digest="")

    said = run("verify")

    assert (said.code, said.out) == (1, "")
    assert f"✕ {row.good_id} example-shop {shop.broken.name} edge-a route" in said.err
    assert "(the newest there; it is not used)" in said.err
    assert f"✕ {old.pk} example-shop" in said.err
    assert "Damaged: 2 of 19, 1 the newest of a place. None is put back." in said.err
    assert "The fence in the database is down" in said.err


def test_verify_says_when_only_the_fence_is_down(shop: Shop) -> None:
    lower_fence(connection)

    said = run("verify")

    assert (said.code, said.out) == (1, "")
    assert "✕ The fence in the database is down" in said.err


def test_at_says_what_was_running_where_and_how_well_that_is_known(shop: Shop) -> None:
    Look.objects.create(
        backend=Binding.objects.filter(location__slug="edge-a", aspect="route")[0].backend,
        at=timezone.now() - timedelta(seconds=20),
        answered=False,
        detail="no answer in time",
        looked_at=1,
        changed=0,
    )
    moment = timezone.now() - timedelta(seconds=10)

    said = run("at", moment.isoformat(), "--organization", "example-shop", "--location", "edge-a")

    lines = [line for line in said.out.splitlines() if " route " in line]
    assert said.out.count("\n") == 7
    assert "not advertised" in lines[0]
    assert lines[0].endswith("seen last then; its backend did not answer (no answer in time)")
    assert ROUTE in lines[1]
    assert said.err == f"At {moment:%Y-%m-%d %H:%M:%S} UTC.\n"


def test_at_before_the_first_observation_nothing_is_known(shop: Shop) -> None:
    said = run("at", "2020-02-20", "--location", "edge-b")

    assert said.out.count("not known") == 6
    assert said.out.count("nothing was seen of it by then") == 6
    assert "At 2020-02-20 00:00:00 UTC, for no zone was given." in said.err
    assert "What was seen is kept for 400 days; this is longer ago." in said.err
    assert run("at", "2020-02-20", "--organization", "example-bank").out == "There is nothing to look at there.\n"


def test_at_takes_a_moment_of_another_zone(shop: Shop) -> None:
    assert "At 2026-02-20 17:56:00 UTC.\n" in run("at", "2026-02-20T19:56+02:00").err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("at", "yesterday"), "yesterday is no moment. Write one such as"),
        (("at", "2026-13-40"), "is no moment"),
        (("at", "0001-01-01T00:00+14:00"), "is no moment"),
        (("at", "2999-01-01"), "2999-01-01 00:00:00 UTC has not come yet; it is 20"),
        (("at", "9999-12-31T23:59-12:00"), "is no moment"),
        (("at", "2026-01-01", "--organization", "nobody"), "There is no organization nobody."),
        (("list", "--location", "edge-z"), "There is no location edge-z."),
        (("list", "--resource", "192.0.2.0/24"), "There is no resource 192.0.2.0/24."),
        (("export", "--organization", "' OR 1=1"), "There is no organization ' OR 1=1."),
    ],
)
def test_a_wrong_question_is_answered_in_words(shop: Shop, arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandError) as fault:
        run(*arguments)
    assert says in str(fault.value)
    assert fault.value.returncode == 2
