"""`manage.py doctor`: what is wrong with an installation, by installations that are broken for real."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from console.doctor.database import of_clocks
from console.doctor.findings import Finding, Mark
from console.doctor.host import LEAST_FREE, LITTLE_FREE, of_space
from incidents.audit import fence, snapshot_fence
from incidents.engine import heartbeat
from incidents.engine.poller import Poller
from incidents.models import AuditEntry, Duty, Preapproval, Run
from incidents.selectors.health import read_fences
from tests.processes import ROOT, free_port
from tests.scene import Scene

LONG = timedelta(hours=2)


def ask(**options: Any) -> tuple[int, dict[str, list[tuple[str, str, str]]]]:
    """Exit code, and part -> its findings as (mark, text, mend)."""
    out = StringIO()
    code = 0
    try:
        call_command("doctor", json=True, stdout=out, **options)
    except SystemExit as ended:
        code = int(str(ended.code))
    return code, sifted(out.getvalue())


def sifted(told: str) -> dict[str, list[tuple[str, str, str]]]:
    found: dict[str, list[tuple[str, str, str]]] = {}
    for one in json.loads(told)["findings"]:
        found.setdefault(one["part"], []).append((one["mark"], one["text"], one["mend"]))
    return found


def outside(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """As it is typed in a shell, on an installation of its own."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return subprocess.run(
        [sys.executable, "manage.py", "doctor", *options],
        cwd=ROOT,
        env={**kept, "VAR_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def work() -> None:
    """A worker sweeps, and a poller begins a round."""
    heartbeat.beat()
    assert Poller()._on_duty()


def test_a_console_that_works_and_is_worked_on(scene: Scene) -> None:
    work()
    _, found = ask()
    for part in ("migrations", "database", "clock", "fences", "audit", "worker", "queue", "poller", "measurements"):
        assert [mark for mark, _, _ in found[part]] == ["OK"], found[part]
    assert "seals" not in found
    assert "secrets" not in found


def test_nobody_sweeps_polls_or_carries_on(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    work()
    Duty.objects.update(lease_until=F("lease_until") - LONG)
    Run.objects.filter(pk=run.pk).update(wake_at=F("wake_at") - LONG)
    code, found = ask()
    assert code == 2
    for part, word in (
        ("worker", "nothing that is started begins"),
        ("queue", "It is not lost"),
        ("poller", "pages show what was"),
    ):
        [(mark, text, mend)] = found[part]
        assert mark == "BROKEN"
        assert word in text
        assert mend


def test_nobody_ever_did(scene: Scene) -> None:
    Duty.objects.all().delete()
    _, found = ask()
    assert found["worker"][0][1].startswith("No worker ever ran")
    assert found["poller"][0][1].startswith("No poller ever ran")


@pytest.mark.parametrize("one", [fence, snapshot_fence])
def test_a_fence_that_was_taken_away_and_is_set_up_again(scene: Scene, one: Any) -> None:
    heartbeat.beat()
    one.lower_fence(connection)
    code, found = ask()
    [(mark, text, mend)] = found["fences"]
    assert (code, mark) == (2, "BROKEN")
    assert "the database lets anybody change it" in text
    assert mend.endswith("--raise-fences")
    before = AuditEntry.objects.filter(event="audit.fence-raised").count()
    # What the scene has written in this transaction is not yet checked, and PostgreSQL alters no such table.
    connection.check_constraints()
    _, found = ask(raise_fences=True)
    assert found["fences"][0][0] == "OK"
    assert read_fences().audit
    assert read_fences().snapshots
    assert AuditEntry.objects.filter(event="audit.fence-raised").count() == before + 1
    ask(raise_fences=True)
    assert AuditEntry.objects.filter(event="audit.fence-raised").count() == before + 1


def test_an_entry_that_was_changed(scene: Scene) -> None:
    fence.lower_fence(connection)
    last = AuditEntry.objects.latest("index")
    AuditEntry.objects.filter(pk=last.pk).update(event="nothing.happened")
    fence.raise_fence(connection)
    code, found = ask()
    [(mark, text, mend)] = found["audit"]
    assert (code, mark) == (2, "BROKEN")
    assert f"entry {last.index}" in text
    assert "audit verify" in mend
    _, found = ask(entries=1)
    assert found["audit"][0][0] == "BROKEN"


def test_a_preapproval_that_somebody_wrote_into_the_database(scene: Scene) -> None:
    one = Preapproval.objects.order_by("pk")[0]
    Preapproval.objects.filter(pk=one.pk).update(seal="made up")
    _, found = ask()
    assert found["seals"][0][0] == "BROKEN"
    assert one.slug in found["seals"][0][1]


def test_a_backend_that_does_not_answer(scene: Scene) -> None:
    _, found = ask(backends=True)
    assert [mark for mark, _, _ in found["backends"]] == ["OK"]
    scene.mode("edge-a", "refuse")
    code, found = ask(backends=True)
    assert code == 2
    assert [text.partition(" ")[0] for _, text, _ in found["backends"]] == ["router-edge-a"]


def test_without_settings(tmp_path: Path) -> None:
    ended = outside(tmp_path)
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout.startswith("BROKEN  settings")
    assert "Set SECRET_KEY" in ended.stdout
    assert "docs/settings.md" in ended.stdout
    assert (ended.stderr, "Traceback" in ended.stdout) == ("", False)
    told = json.loads(outside(tmp_path, "--json").stdout)
    assert (told["ends"], told["findings"][0]["part"]) == (2, "settings")


@pytest.mark.parametrize(
    ("name", "value"), [("POLL_SECONDS", "soon"), ("DATABASE_URL", "nonsense://"), ("OIDC_ISSUER", "x")]
)
def test_a_setting_that_is_nonsense(tmp_path: Path, name: str, value: str) -> None:
    given = {"SECRET_KEY": "k" * 60, "SECURE": "false", name: value}
    ended = outside(tmp_path, "--json", **given)
    assert ended.returncode == 2, ended.stderr
    assert sifted(ended.stdout)["settings"][0][0] == "BROKEN"


def test_an_empty_installation_without_broker_and_mail(tmp_path: Path) -> None:
    given = {
        "SECRET_KEY": "k" * 60,
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "MAIL_URL": f"smtp://127.0.0.1:{free_port()}",
        "MAIL_FROM": "console@example.net",
    }
    ended = outside(tmp_path, "--json", **given)
    assert ended.returncode == 2, ended.stderr
    found = sifted(ended.stdout)
    assert found["settings"][-1][1] == "The console answers to 127.0.0.1, localhost only."
    assert found["migrations"][0][::2] == ("BROKEN", "python manage.py migrate")
    assert found["static files"][0][::2] == ("BROKEN", "python manage.py collectstatic --no-input")
    assert found["broker"][0][0] == found["mail"][0][0] == "WARN"
    assert "worker" not in found, "what stands in tables that are not there was asked for"


def test_a_database_that_is_away_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://console:planted-password@127.0.0.1:{free_port()}/console"
    ended = outside(tmp_path, SECRET_KEY="k" * 60, SECURE="false", DATABASE_URL=url)
    assert ended.returncode == 2, ended.stderr
    assert "BROKEN  database" in ended.stdout
    assert "planted-password" not in ended.stdout + ended.stderr


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    url = f"sqlite:///{gone}/handrail.sqlite3"
    found = sifted(outside(tmp_path, "--json", SECRET_KEY="k" * 60, SECURE="false", DATABASE_URL=url).stdout)
    assert found["space"][0][::2] == ("BROKEN", f"mkdir -p {gone}")
    assert found["database"][0][0] == "BROKEN"


def test_no_git(tmp_path: Path) -> None:
    from console.doctor.host import look_for_programs

    assert look_for_programs(frozenset({"gobgp"})) is None
    path, os.environ["PATH"] = os.environ["PATH"], str(tmp_path)
    try:
        found = look_for_programs(frozenset({"git"}))
    finally:
        os.environ["PATH"] = path
    assert found is not None
    assert found.mark is Mark.BROKEN
    assert shutil.which("git") is None or look_for_programs(frozenset({"git"})) != found


@pytest.mark.parametrize(
    ("found", "mark", "words"),
    [
        (of_clocks(timedelta(seconds=1)), Mark.OK, "agree"),
        (of_clocks(timedelta(seconds=-7)), Mark.WARN, "7 s behind"),
        (of_clocks(timedelta(minutes=5)), Mark.BROKEN, "300 s ahead of"),
        (of_space(Path("/srv"), LITTLE_FREE), Mark.OK, "2.0 GiB"),
        (of_space(Path("/srv"), LITTLE_FREE - 1), Mark.WARN, "free in /srv"),
        (of_space(Path("/srv"), LEAST_FREE - 1), Mark.BROKEN, "soon nothing can be written"),
    ],
)
def test_what_a_figure_means(found: Finding, mark: Mark, words: str) -> None:
    assert found.mark is mark
    assert words in found.text
    assert bool(found.mend) is (mark is not Mark.OK)


def test_it_is_read_by_people_too(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("doctor")
    said = capsys.readouterr().out.splitlines()
    assert said[-1].startswith(("It works, but", "Something does not work"))
    assert ended.value.code in (1, 2)
    marks: Mapping[str, int] = {mark: sum(line.startswith(mark) for line in said) for mark in Mark}
    assert marks["OK"] > 3
