"""Runs and two pollers at the same moment: nobody waits in a circle, nobody breaks, the log is whole."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection

from incidents.audit.log import recorded
from incidents.audit.verify import verify
from incidents.domain.runs import Outcome
from incidents.engine.advance import advance
from incidents.engine.poller import poll_once
from incidents.models import Run
from tests.scene import EDGES, Scene

ROUNDS = 4
# A poller sleeps between its rounds; one that never did would keep SQLite's only writer's lock from everybody else.
BETWEEN = 0.05


def test_everything_at_once(committed_scene: Scene) -> None:
    scene = committed_scene
    errors: list[BaseException] = []
    over = threading.Event()

    def again_and_again(work: Callable[[], object]) -> threading.Thread:
        def loop() -> None:
            try:
                while not over.wait(BETWEEN):
                    work()
            except BaseException as error:
                errors.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=loop)
        thread.start()
        return thread

    others = [again_and_again(poll_once) for _ in range(2)]
    try:
        for _ in range(ROUNDS):
            scene.lab.break_("withdrawn")
            scene.lab.break_("one_location")
            poll_once()
            runs = [scene.start(), scene.start("192.0.2.0/24")]
            for run in runs:
                assert scene.carry_on(run, seconds=60).outcome == Outcome.SUCCEEDED
    finally:
        over.set()
        for thread in others:
            thread.join()
    assert errors == []
    assert scene.visible() == list(EDGES)
    assert Run.objects.filter(crashes__gt=0).count() == 0
    assert verify().fault == ""


# Longer than a writer waits: 5 s on SQLite, 3 s on PostgreSQL.
LONGER_THAN_A_WAIT = 6


def test_a_busy_database_is_no_crash_of_the_run(committed_scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene = committed_scene
    scene.break_()
    run = scene.start()
    for edge in EDGES:
        scene.mode(edge, "slow", seconds=0.2)

    def occupy() -> None:
        while not Run.objects.get(pk=run.pk).owner:
            time.sleep(0.01)
        with recorded():
            time.sleep(LONGER_THAN_A_WAIT)
        connection.close()

    other = threading.Thread(target=occupy)
    other.start()
    advance(run.pk)
    other.join()
    run.refresh_from_db()
    assert "the database did not take a step" in caplog.text
    assert (run.owner, run.crashes) == ("", 0)
    assert scene.carry_on(run).outcome == Outcome.SUCCEEDED
    assert verify().fault == ""
