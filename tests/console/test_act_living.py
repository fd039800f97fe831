"""manage.py act as a process, with no broker and no worker: by script, at a terminal, interrupted, with no database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from incidents.domain.canonical import Json
from incidents.domain.runs import Outcome, Phase
from incidents.models import Preapproval, Run, StageVerdict
from tests import factories
from tests.codes import code_of
from tests.console.test_second_factor import enrol
from tests.processes import free_port
from tests.scene import BROKEN, EDGES, Scene
from tests.shells import manage, terminal

ACTION = "readvertise_prefix"
RUN = ("act", "run", ACTION, BROKEN, "--as", "shop-operator")


@pytest.fixture
def broken(committed_scene: Scene) -> Scene:
    committed_scene.break_()
    return committed_scene


def terms(scene: Scene, *, within: int = 60, **changes: Json) -> None:
    row = Preapproval.objects.get(action=ACTION, organization=scene.organization)
    factories.agree_on(row, {**row.terms, **changes, "proof": {**row.terms["proof"], "within_seconds": within}})


def test_a_script_restores_it_with_no_worker_and_undoes_it(broken: Scene) -> None:
    terms(broken, flap_minutes=0)
    shown = manage("act", "preview", ACTION, BROKEN, "--as", "shop-operator", "--json")
    digest = json.loads(shown.stdout)["preview"]["digest"]

    done = manage(*RUN, "--digest", digest, "--yes", "--json", "--drive")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["run"]
    assert (told["proven"], told["outcome"], broken.visible()) == (True, "succeeded", list(EDGES))
    assert {place["location"] for place in told["places"]} == {"Amsterdam", "Frankfurt", "Singapore"}
    undo = ("act", "undo", told["reference"], "--as", "shop-operator", "--json")
    digest = json.loads(manage(*undo).stdout)["preview"]["digest"]
    other = manage(*RUN, "--digest", digest, "--yes", "--json")
    assert (other.returncode, "of something else" in other.stdout) == (2, True)
    undone = manage(*undo, "--digest", digest, "--yes", "--drive")
    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert broken.visible() == []


def test_at_a_terminal_it_asks_and_shows_how_far_it_is(broken: Scene) -> None:
    terms(broken, tier=2)
    secret = enrol(broken.operator)
    with terminal(*RUN, "--drive") as shell:
        shell.wait_for(r"Re-advertise 203\.0\.113\.0/24\. Nothing has changed yet\.")
        shell.wait_for(r"Why are you doing this\? \(may be left empty\)")
        shell.type("the shop is down")
        shell.wait_for("Type yes if you understand that:")
        shell.type("yes")
        shell.wait_for("Re-advertise 203.0.113.0/24 for Example Shop now[?] Type example-shop to go on:")
        shell.type("example-shop")
        shell.wait_for("Code of the authenticator app, or a recovery code of shop-operator:")
        code = code_of(secret)
        shell.type(code)
        after = shell.wait_for(r"(?s)(.*)Accepted as (RUN-\S+)\.")
        shell.wait_for(r"\d s  Re-advertising 203\.0\.113\.0/24 \(step 1 of ")
        shell.wait_for(r"203\.0\.113\.0/24 is reachable again\.")
        shell.wait_for("It can be undone until")
        assert shell.ends() == 0
    assert code not in after[1]
    run = Run.objects.get()
    assert (run.reference, run.reason, run.outcome) == (after[2], "the shop is down", Outcome.SUCCEEDED)


@pytest.mark.parametrize(
    ("answers", "code", "says"),
    [
        (["down", "example-bank"], 1, "That is not example-shop. Nothing was changed."),
        (["down", ""], 1, "That is not example-shop. Nothing was changed."),
        (["down", "\x04"], 2, "Nothing was typed. Nothing was changed."),
        (["down", None], 130, "Interrupted. Nothing was started."),
    ],
)
def test_a_wrong_answer_at_the_terminal_starts_nothing(
    broken: Scene, answers: list[str | None], code: int, says: str
) -> None:
    with terminal(*RUN) as shell:
        for question, answer in zip(("Why are you doing this", "to go on:"), answers, strict=True):
            shell.wait_for(question)
            if answer is None:
                shell.interrupt()
            else:
                shell.type(answer)
        shell.wait_for(says)
        assert shell.ends() == code
    assert not Run.objects.exists()


def test_interrupted_the_run_stays_and_goes_on_elsewhere(broken: Scene) -> None:
    run = broken.start()
    watch = ("act", "watch", run.reference, "--as", "shop-operator")
    with terminal(*watch) as shell:
        shell.wait_for(f"No worker has taken {run.reference} up for 6 s. It is not lost.")
        shell.interrupt()
        shell.wait_for(f"Not watched any more. {run.reference} goes on without us")
        assert shell.ends() == 130
    run.refresh_from_db()
    assert (run.phase, run.stop_asked_at) == (Phase.ACCEPTED, None)

    done = manage(*watch, "--drive")

    assert (done.returncode, broken.visible()) == (0, list(EDGES)), done.stderr


def test_a_run_that_cannot_be_proven_waits_for_a_person_who_goes_on(broken: Scene) -> None:
    for edge in EDGES:
        broken.end_session(edge)
    terms(broken, within=1)
    run = broken.start()
    by = ("--as", "shop-operator", "--json", "--drive")

    waits = manage("act", "watch", run.reference, *by)

    assert waits.returncode == 3, waits.stdout + waits.stderr
    assert json.loads(waits.stdout)["run"]["phase"] == "paused"
    stays = waits
    while stays.returncode == 3 and json.loads(stays.stdout)["run"]["phase"] == "paused":
        stays = manage("act", "confirm", run.reference, *by, "--yes", "--reason", "the customer sees it")
    told = json.loads(stays.stdout)["run"]
    assert (stays.returncode, told["outcome"], told["proven"]) == (3, "succeeded", False)
    assert {row.overruled_because for row in StageVerdict.objects.filter(run=run)} == {"the customer sees it"}


def test_stop_says_how_far_it_came(broken: Scene) -> None:
    run = broken.start()

    done = manage("act", "stop", run.reference, "--as", "shop-operator", "--drive")

    assert done.returncode == 0, done.stderr
    assert f"{run.reference}: Stopped. Nothing was changed." in done.stdout
    assert broken.visible() == []


@pytest.mark.parametrize(
    ("url", "arguments", "words"),
    [
        ("postgresql://handrail@127.0.0.1:{port}/handrail", ("list",), "The database does not answer ("),
        ("sqlite:///{folder}/empty.sqlite3", ("watch", "RUN-2222-22"), "The database is not set up, or another one is"),
    ],
)
def test_without_a_database_it_says_so(
    db: None, tmp_path: Path, url: str, arguments: tuple[str, ...], words: str
) -> None:
    address = url.format(port=free_port(), folder=tmp_path)

    said = manage("act", *arguments, "--as", "shop-operator", DATABASE_URL=address)

    assert (said.returncode, said.stdout) == (4, "")
    assert words in said.stderr
    assert said.stderr.strip().endswith("See manage.py doctor. Nothing was started.\n  Code: shell.no-database")
    assert "Traceback" not in said.stderr
