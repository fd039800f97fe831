"""`manage.py inventory plan|apply FILE`: what it prints, and how it ends."""

from __future__ import annotations

import io
import os
import pwd
from pathlib import Path

import pytest
from django.core.management import call_command

from incidents.models import AuditEntry, InventoryRevision, Location
from incidents.services import inventory as service
from tests.inventory.conftest import EXAMPLE, FakeBackend, FakeProbe, large, replaced

PATH = "organizations[0].resources[0].name"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "ADAPTERS", {"fake": FakeBackend})
    monkeypatch.setattr(service, "PROBES", {"route": FakeProbe, "tcp": FakeProbe})


def run(verb: str, file: Path) -> list[str]:
    out = io.StringIO()
    call_command("inventory", verb, str(file), stdout=out)
    return out.getvalue().splitlines()


def refused(verb: str, file: Path) -> list[str]:
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("inventory", verb, str(file), stdout=out, stderr=err)
    assert (caught.value.code, out.getvalue()) == (2, "")
    return err.getvalue().splitlines()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "inventory.yaml"
    path.write_text(EXAMPLE)
    return path


def test_plan_shows_every_difference_and_changes_nothing(file: Path) -> None:
    lines = run("plan", file)
    assert lines[0] == "+ location edge-a"
    assert "+ binding 203.0.113.0/24 edge-a service" in lines
    assert lines[-1] == "Would be: 25 added, 0 changed, 0 removed, 0 unchanged. Nothing has changed yet."
    assert not Location.objects.exists()


def test_apply_shows_what_it_did_and_who_did_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever types can say anything in their environment; the system knows better.
    monkeypatch.setenv("LOGNAME", "somebody-else")
    user = pwd.getpwuid(os.getuid()).pw_name
    revision = run("apply", file)[-1]
    row = InventoryRevision.objects.get()
    assert revision == f"Applied as revision {row.pk}: 25 added, 0 changed, 0 removed, 0 unchanged."
    assert row.applied_by == user
    assert set(AuditEntry.objects.values_list("actor", flat=True)) == {user}


def test_apply_again_has_nothing_to_do(file: Path) -> None:
    run("apply", file)
    assert run("apply", file) == ["Nothing to change: 25 things are as the file says."]


def test_changes_removals_and_notes_have_a_line_each(file: Path) -> None:
    run("apply", file)
    text = replaced("title: Berlin", "title: Bonn")
    text = replaced('          - {probe: tcp, location: edge-a, address: "127.0.0.1:8443"}\n', "", text)
    text = replaced(
        '  - {name: bob, title: viewer of Example Shop, password: "env:BOB", groups: [shop/viewers]}\n', "", text
    )
    file.write_text(text + "remove: [person bob, person zoe]\n")
    assert run("plan", file) == [
        "~ location edge-b: title",
        "- person bob",
        "note: watch 203.0.113.0/24 edge-a tcp is not in the file; it is kept, for it is not named under remove",
        "note: person zoe is named under remove, and is not there",
        "Would be: 0 added, 1 changed, 1 removed, 22 unchanged. Nothing has changed yet.",
    ]


def test_many_differences_do_not_fill_the_screen(file: Path) -> None:
    file.write_text(large(100))
    lines = run("plan", file)
    assert "+ and 80 more resources" in lines
    assert "+ and 280 more watches" in lines
    assert len(lines) < 80


@pytest.mark.parametrize("verb", ["plan", "apply"])
def test_faults_are_named_a_line_each_and_nothing_is_applied(verb: str, file: Path) -> None:
    text = replaced("zone: eu-west", "zona: eu-west")
    file.write_text(replaced("name: 203.0.113.0/24", "name: 203.0.113.9/24", text))
    assert refused(verb, file) == [
        f"{file}:3: locations[0].zona: is an unknown key; did you mean zone?",
        f"{file}:20: {PATH}: 203.0.113.9/24 has host bits set; 203.0.113.0/24 was probably meant",
        "2 faults; nothing was applied.",
    ]
    assert not Location.objects.exists()


def test_what_stands_in_the_way_is_named_with_its_line(file: Path) -> None:
    run("apply", file)
    file.write_text(replaced("edge-a, backend: registry", "edge-b, backend: registry"))
    fault, end = refused("apply", file)
    assert fault.startswith(f"{file}:26: organizations[0].resources[0].bindings[2].key: the key is held by")
    assert end == "1 fault; nothing was applied."


def test_a_file_that_is_not_there_is_a_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "missing.yaml"
    assert refused("plan", path) == [f"{path} cannot be read: No such file or directory"]
    path.write_bytes(b"\xff")
    assert refused("plan", path) == [f"{path} is not text in UTF-8"]
