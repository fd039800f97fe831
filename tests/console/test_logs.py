"""The log: lines of real processes, whatever is asked of them, and no secret in any of them."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import socket
from pathlib import Path
from typing import Any

import pytest
import urllib3
from django.test import Client
from structlog.contextvars import bound_contextvars

from console.logs import logging_config
from console.masking import LONGEST
from console.pages import home
from incidents.domain.runs import Outcome, Phase
from incidents.models import Run
from tests.console.conftest import Shop, page_of, sign_in
from tests.processes import broker, until, web, worker
from tests.scene import Scene

SECRET = "correct-horse-9f8e7d6c5b4a"
TOKEN = f"hr_abcdefghijkl_{'x' * 43}"
# What must never be read, as it may turn up in a message or in an error.
LEAKS = [
    f"could not connect to postgresql://handrail:{SECRET}@db.example.net/handrail",
    f"redis://:{SECRET}@broker.example.net:6379/0 is away",
    f"connection failed: host=db password={SECRET} user=handrail",
    f"sent Authorization: Bearer {SECRET}",
    f"sent authorization=Basic {SECRET}",
    f'{{"client_secret": "{SECRET}"}}',
    f"Set-Cookie: session={SECRET}; HttpOnly",
    f"GET /welcome/{SECRET} failed",
    f"GET /sign-in/company/return?state=1&code={SECRET}",
    f"whsec_{SECRET}",
    f"hr_{SECRET}",
    f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
    f"the very value of a setting: made-up-value-{SECRET}",
]
FORGED = '\n2026-01-01T00:00:00Z CRITICAL root forged\r{"event": "forged"}\u2028\x1b[2J\u202e'


class Log:
    """A logger whose lines can be read, as every process of ours writes them."""

    def __init__(self, form: str) -> None:
        self._stream = io.StringIO()
        config = logging_config(form, "DEBUG", [f"made-up-value-{SECRET}"])
        handler = logging.StreamHandler(self._stream)
        given = dict(config["formatters"]["line"])
        handler.setFormatter(given.pop("()")(**given))
        self.logger = logging.Logger("handrail.test")
        self.logger.addHandler(handler)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    def last(self) -> dict[str, Any]:
        [line] = self.text.splitlines()
        said: dict[str, Any] = json.loads(line)
        return said


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("leak", LEAKS)
def test_no_secret_is_written_in_a_message_an_error_or_what_is_bound(form: str, leak: str) -> None:
    log = Log(form)
    with bound_contextvars(detail=leak, run_id="a run"):
        log.logger.warning("it failed: %s", leak)
    try:
        raise RuntimeError(leak)
    except RuntimeError:
        log.logger.exception("it broke")

    assert SECRET not in log.text
    assert "RuntimeError" in log.text
    assert "a run" in log.text


@pytest.mark.parametrize(
    "name", ["password", "api_token", "X-Authorization", "cookie", "code", "key", "client_secret", "DATABASE_URL"]
)
def test_what_is_a_secret_by_its_name_is_masked_whatever_it_looks_like(name: str) -> None:
    log = Log("json")
    with bound_contextvars(**{name: "1234", "inside": {"deeper": [{name: "1234"}]}}):
        log.logger.info("said")

    said = log.last()
    assert said[name] == "***"
    assert said["inside"] == {"deeper": [{name: "***"}]}


def test_ordinary_words_stay() -> None:
    log = Log("json")
    log.logger.info("run RUN-ABCD-EF: guard.token-bucket, https://console.example.net/c/shop?page=2 and 203.0.113.0/24")

    said = log.last()
    assert said["event"].endswith("guard.token-bucket, https://console.example.net/c/shop?page=2 and 203.0.113.0/24")
    assert (said["level"], said["logger"]) == ("info", "handrail.test")
    assert said["timestamp"].endswith("Z")


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_a_person_typed_forges_no_line(form: str) -> None:
    log = Log(form)
    with bound_contextvars(reason=FORGED):
        log.logger.warning("because: %s", FORGED)
    assert len(log.text.splitlines()) == 1
    try:
        raise ValueError(FORGED)
    except ValueError:
        log.logger.exception("it broke")

    lines = log.text.splitlines()
    assert not any(line.startswith(("2026-01-01", '{"event": "forged"')) for line in lines)
    assert "\x1b" not in log.text
    assert "\u202e" not in log.text
    if form == "json":
        assert [json.loads(line)["level"] for line in lines] == ["warning", "error"]


@pytest.mark.parametrize(
    "hostile", ["a" * 100_000, "://" * 40_000, "password=" * 12_000, f"{'x' * 15_990} {TOKEN}" * 3]
)
def test_a_long_text_is_cut_and_no_secret_is_halved(hostile: str) -> None:
    log = Log("json")
    try:
        raise ValueError(f"{hostile} then the end")
    except ValueError:
        log.logger.exception("%s", hostile)

    said = log.last()
    assert len(said["event"]) < LONGEST + 100
    assert len(said["exception"]) < LONGEST + 100
    assert said["exception"].endswith("then the end")
    assert "xxxx_" not in said["event"]
    assert TOKEN[:20] not in log.text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a-well_formed-Id-0123", True),
        ("short", False),
        ("x" * 65, False),
        ("with space 12345", False),
        ("forged\\n{}12345", False),
        ("żółć-żółć-żółć", False),
        ("x" * 100_000, False),
        ("", False),
    ],
)
def test_a_request_keeps_its_id_only_if_it_is_well_formed(client: Client, given: str, *, kept: bool) -> None:
    answer = client.get("/livez", headers={"x-request-id": given})

    assert (answer["X-Request-ID"] == given) is kept
    assert 8 <= len(answer["X-Request-ID"]) <= 64


def test_the_page_of_our_own_fault_says_which_request_it_was(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def fall(*args: object, **kwargs: object) -> None:
        raise RuntimeError("made up by a test")

    monkeypatch.setattr(home, "freshness", fall)
    operator = sign_in(shop.operator)
    operator.raise_request_exception = False

    page = operator.get(shop.home, headers={"x-request-id": "read-this-out-42"})

    assert page.status_code == 500
    assert "<code>read-this-out-42</code>" in page.text
    assert page["X-Request-ID"] == "read-this-out-42"
    assert "<code>" not in operator.get("/offline").text


def lines_of(log: Path) -> list[dict[str, Any]]:
    """Every line that the process has written. Fails when one is no JSON object with what every line has."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        assert {"event", "level", "logger", "timestamp"} <= set(line), line
    return lines


def ended(run: Run) -> bool:
    run.refresh_from_db()
    return run.phase == Phase.ENDED


def test_web_and_worker_write_lines_of_one_run(committed_scene: Scene, tmp_path: Path) -> None:
    scene = committed_scene
    scene.break_()
    names = ("web", "worker")
    logs = {name: tmp_path / f"{name}.log" for name in names}
    browser = sign_in(scene.operator)
    cookies = {"Cookie": f"session={browser.cookies['session'].value}"}
    given = {"LOG_LEVEL": "INFO", "LOG_FORMAT": "json", "METRICS_TOKEN": SECRET}
    # Static files are read where they lie; nobody has collected them.
    given["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    run = scene.start()
    with broker() as (url, _), worker(logs["worker"], REDIS_URL=url, **given), web(logs["web"], **given) as address:
        until(lambda: ended(run), 60)
        page = urllib3.request(
            "GET", f"{address}{page_of(run)}?token={SECRET}", headers={**cookies, "X-Request-ID": "asked-by-a-test"}
        )
        assert (page.status, page.headers["X-Request-ID"]) == (200, "asked-by-a-test")
        token = {"Authorization": f"Bearer {SECRET}"}
        assert urllib3.request("GET", f"{address}/metrics", headers=token).status == 200
        assert urllib3.request("GET", f"{address}/welcome/{SECRET}", headers={"Host": "evil.example"}).status == 400
        too_long = urllib3.request("GET", f"{address}/livez", headers={"X-Request-ID": "x" * 100_000}, retries=False)
        assert too_long.status == 431
        with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), 5) as raw:
            raw.sendall(f"GET /{SECRET}\n\x1b forged \r\n\r\n".encode())
            raw.recv(1000)
        assert urllib3.request("GET", f"{address}/livez").status == 200

    assert run.outcome == Outcome.SUCCEEDED
    said = {name: lines_of(logs[name]) for name in names}
    ours = {name: [line for line in said[name] if line.get("run_id") == str(run.pk)] for name in names}
    assert any(f"{run.reference} has ended: succeeded" in line["event"] for line in ours["worker"])
    [answered] = [line for line in ours["web"] if line.get("request_id") == "asked-by-a-test"]
    assert (answered["view"], answered["status"], answered["method"]) == ("run", 200, "GET")
    assert {line["logger"] for line in said["web"]} >= {"gunicorn.error", "console.middleware"}
    assert any(line["logger"].startswith("celery.") for line in said["worker"])
    for name in names:
        assert SECRET not in logs[name].read_text()
