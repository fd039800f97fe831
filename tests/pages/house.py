"""A console with everything in it: a stage process that holds the lab, a poller, and a web server that can be lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from incidents.lab.lab import Lab
from tests.browser import Browser
from tests.processes import ROOT, free_port, until

GUNICORN = "-m gunicorn console.wsgi --worker-class gthread --workers 1 --threads 8 --log-level warning --bind"


@dataclass
class Stage:
    """The console that is looked at, and what there is in it: see `cast.build`."""

    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[str]
    port: int
    ids: dict[str, Any]
    sessions: dict[str, str]
    password: str
    web: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open_house(self) -> None:
        """The web server as the Procfile starts it, on the same port every time."""
        self.web = self.spawn(*GUNICORN.split(), f"127.0.0.1:{self.port}")
        until(self.answers, 30)

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def lose(self) -> None:
        """The web server is killed, with its workers and its socket."""
        assert self.web is not None
        end(self.web)
        self.web = None
        until(lambda: not self.answers(), 10)

    def spawn(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @contextmanager
    def driven(self) -> Iterator[None]:
        """Runs go on meanwhile."""
        driver = self.spawn("manage.py", "drive")
        try:
            yield
        finally:
            end(driver)

    def break_(self, scenario: str) -> None:
        """Does this damage, or heals all with `heal`, and has it seen."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{scenario}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "\n"

    def visible(self) -> dict[str, list[str]]:
        """Prefix -> from which locations the collector sees it: the truth, past the console."""
        found: dict[str, list[str]] = Lab(self.folder / "lab").status()["visible"]
        return {name: sorted(seen) for name, seen in found.items()}

    def enter(self, browser: Browser, who: str) -> None:
        """The browser is now this person's, or nobody's."""
        browser.call("Network.clearBrowserCookies")
        if who:
            browser.call("Network.setCookie", name="session", value=self.sessions[who], url=self.url)


def end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def environment_of(folder: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SECRET_KEY_FILE")},
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "SECRET_KEY": "only-for-tests",
        "SECURE": "false",
        "SECOND_FACTOR": "optional",
        "SNAPSHOT_AFTER_SECONDS": "0",
        "SNAPSHOT_SOURCE_AFTER_SECONDS": "0",
        "VAR_DIR": str(folder),
        "LOG_LEVEL": "WARNING",
        "NOTICE": "Demo: nothing outside this machine is changed.",
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        # A company's sign-in that does not answer.
        "OIDC_ISSUER": f"http://127.0.0.1:{free_port()}",
        "OIDC_CLIENT_ID": "handrail",
        "OIDC_CLIENT_SECRET": "only-for-tests",
    }


@contextmanager
def on_stage(folder: Path) -> Iterator[Stage]:
    """Everything stands, and is gone at the end."""
    environment, complaints = environment_of(folder), folder / "complaints"
    with complaints.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.pages.stage", str(folder)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said, complaints.read_text()
    made = Stage(folder, environment, process, free_port(), **json.loads(said))
    poller = made.spawn("manage.py", "poll")
    try:
        made.open_house()
        yield made
    finally:
        end(poller)
        if made.web is not None:
            made.lose()
        process.stdin.close()
        process.stdout.close()
        process.wait(30)
