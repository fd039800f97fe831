"""Runs and two pollers at the same moment: nobody waits in a circle, nobody breaks, the log is whole."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connection

from incidents.audit.verify import verify
from incidents.domain.runs import Outcome
from incidents.engine.poller import poll_once
from incidents.models import Run
from tests.scene import EDGES, Scene

ROUNDS = 4


def test_everything_at_once(committed_scene: Scene) -> None:
    scene = committed_scene
    errors: list[BaseException] = []
    over = threading.Event()

    def again_and_again(work: Callable[[], object]) -> threading.Thread:
        def loop() -> None:
            try:
                while not over.is_set():
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
