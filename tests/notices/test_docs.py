"""docs/notifications.md and its example receiver are what there is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from incidents.domain.notices import LONGEST_GAP, MOST_ATTEMPTS, SEVERITIES, About
from tests.fakes.sockets import closed_address
from tests.notices.letters import POSTING, SECRET, webhook

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "notifications.md").read_text()


def test_every_kind_and_its_severity_is_told() -> None:
    table = PAGE[PAGE.index("| kind | severity |") : PAGE.index("A route hears of")]
    told = {
        kind: severity
        for names, severity in re.findall(r"^\| ([^|]+) \| ([^|]+) \|", table, re.MULTILINE)
        for kind in re.findall(r"`([a-z-]+)`", names)
    }
    assert told.keys() == set(About)
    assert {kind: told[kind].strip() for kind in SEVERITIES} == {kind: str(value) for kind, value in SEVERITIES.items()}
    assert MOST_ATTEMPTS == 9
    assert LONGEST_GAP.total_seconds() == 15 * 60


def test_the_example_receiver_believes_what_is_signed_and_prints_it_once() -> None:
    port = closed_address().rpartition(":")[2]
    command = [sys.executable, str(DOCS / "examples" / "notice_receiver.py"), port]
    environment = {**os.environ, "NOTICE_SECRET": SECRET}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as child:
        try:
            sender = webhook(f"http://127.0.0.1:{port}/")
            end = time.monotonic() + 20
            while not (result := sender.send(POSTING)).went:
                assert time.monotonic() < end, result
                time.sleep(0.05)
            assert sender.send(POSTING).went, "a repetition is taken, and not printed"
            forged = webhook(f"http://127.0.0.1:{port}/", secret=f"whsec_{'A' * 32}")
            assert forged.send(POSTING).status == "401"
        finally:
            child.terminate()
        assert child.stdout is not None
        printed = child.stdout.read().splitlines()
    assert [json.loads(line)["data"]["subject"] for line in printed] == [POSTING.subject]
