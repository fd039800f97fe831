"""What a hostile or clumsy program sends: each is answered by a problem, changes nothing, and breaks nothing."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from console.api.document import document
from console.api.problems import API_CODES
from console.api.reading import LARGEST
from console.words import CODES
from incidents.models import Run
from tests import factories
from tests.console.callers import Caller, caller, new_key
from tests.console.conftest import Shop
from tests.console.test_api import HOME, told

pytestmark = pytest.mark.usefixtures("still_world")
ROOT = Path(__file__).resolve().parents[2]
RUNS = f"{HOME}/runs"
NOT_JSON, UNUSABLE = (400, "request.not-json"), (422, "request.unusable")
DIGEST = "0" * 64


@pytest.fixture
def program(shop: Shop) -> Caller:
    return caller(shop.operator, shop.organization)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", NOT_JSON),
        ("nonsense", NOT_JSON),
        ("[" * 100_000, NOT_JSON),
        ('{"a":' * 17 + "1" + "}" * 17, NOT_JSON),
        (f'{{"digest": "{DIGEST}", "digest": "{DIGEST}"}}', NOT_JSON),
        ('{"digest": NaN}', NOT_JSON),
        ('{"digest": Infinity}', NOT_JSON),
        ('{"digest": 1e400}', NOT_JSON),
        ('{"digest": ' + "9" * 5000 + "}", NOT_JSON),
        (f'{{"digest": "{DIGEST}", "reason": "a\\u0000b"}}', NOT_JSON),
        (f'{{"digest": "{DIGEST}", "reason": "\\ud800"}}', NOT_JSON),
        (b'\xff\xfe{"digest": 1}', NOT_JSON),
        (b"\xef\xbb\xbf{}", NOT_JSON),
        ('{"digest": 1e15}', NOT_JSON),
        ('{"digest": 60.0}', UNUSABLE),
        ("", UNUSABLE),
        ("[]", UNUSABLE),
        ("null", UNUSABLE),
        ('"text"', UNUSABLE),
        ("{}", UNUSABLE),
        ('{"digest": 7}', UNUSABLE),
        ('{"digest": ""}', UNUSABLE),
        (f'{{"digest": "{DIGEST}\\n"}}', UNUSABLE),
        (f'{{"digest": "{DIGEST.upper()}", "extra": 1}}', UNUSABLE),
        (f'{{"digest": "{DIGEST}", "understood": "yes"}}', UNUSABLE),
        (f'{{"digest": "{DIGEST}", "understood": 1}}', UNUSABLE),
        (f'{{"digest": "{DIGEST}", "reason": "{"x" * 501}"}}', UNUSABLE),
        (f'{{"digest": "{DIGEST}", "reason": null}}', UNUSABLE),
    ],
)
def test_a_body_that_will_not_do(shop: Shop, program: Caller, text: str | bytes, expected: tuple[int, str]) -> None:
    assert told(program.send(RUNS, text, key=new_key())) == expected
    assert Run.objects.count() == 0


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "%"])
def test_another_content_type_is_not_read(shop: Shop, program: Caller, kind: str) -> None:
    answer = program.send(RUNS, json.dumps({"digest": DIGEST}), key=new_key(), kind=kind)

    assert told(answer) == (415, "request.media-type")


@pytest.mark.parametrize(
    "change",
    [
        {"action": "made-up"},
        {"action": ""},
        {"action": 7},
        {"resources": ["made-up"]},
        {"resources": "everything"},
        {"resources": [None]},
        {"resources": ["0" * 36] * 5001},
        {"select": "all"},
        {"minutes": -1},
        {"minutes": 1.5},
        {"minutes": 1e300},
        {"minutes": "60"},
        {"minutes": True},
        {"minutes": 10**14},
        {"location": "x" * 51},
        {"at": "x" * 41},
        {"override": ["x" * 41]},
        {"override": ["x"] * 21},
        {"overide": []},
    ],
)
def test_a_wish_that_will_not_do(shop: Shop, program: Caller, change: dict[str, object]) -> None:
    wanted = {"action": factories.ACTION, "resources": [str(shop.broken.pk)], **change}

    assert told(program.post(f"{HOME}/previews", wanted))[0] in (400, 422)


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"resources": [], "select": ""},
        {"select": "everything"},
        {"select": "broken", "resources": ["00000000-0000-4000-8000-000000000000"]},
    ],
)
def test_nothing_never_means_everything(shop: Shop, program: Caller, wanted: dict[str, object]) -> None:
    answer = program.post(f"{HOME}/previews", {"action": factories.ACTION, **wanted})

    assert told(answer) == (409, "selector.empty")


def test_a_moment_that_cannot_be_read_is_not_taken_for_now(shop: Shop, program: Caller) -> None:
    wanted = {"action": factories.ACTION, "resources": [str(shop.broken.pk)], "at": "yesterday"}

    assert told(program.post(f"{HOME}/previews", wanted)) == (409, "request.refused")


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1", "/api/v1/", "/api/v2/organizations", "/api/v1/runs/%00", "/api/v1/runs/a/../../x",
             "/api/v1/organizations/EXAMPLE shop", "/api/v1/approvals/7"],
)  # fmt: skip
def test_an_address_that_there_is_not_is_a_problem_too(shop: Shop, path: str) -> None:
    assert told(Client().get(path)) == (404, "access.not-found")


def test_a_method_that_there_is_not_names_those_that_there_are(shop: Shop, program: Caller) -> None:
    answer = program.client.delete(f"/api/v1{HOME}", headers={"Authorization": f"Bearer {program.secret}"})

    assert told(answer) == (405, "request.method")
    assert answer["Allow"] == "GET"


def test_a_host_that_is_not_ours_is_a_problem_too(shop: Shop) -> None:
    assert told(Client().get("/api/v1/organizations", headers={"Host": "made-up.example"}))[0] == 400


def test_our_own_fault_is_a_problem_and_the_key_is_free_again(
    shop: Shop, program: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = factories.make_plan(shop.operator, shop.preapproval, [shop.broken])
    body, key = {"digest": plan.digest}, new_key()
    with monkeypatch.context() as broken:
        broken.setattr("incidents.services.start.write_run", None)
        assert told(program.post(RUNS, body, key=key)) == (500, "server.broken")

    assert program.post(RUNS, body, key=key).status_code == 201


def test_a_body_that_is_too_large_is_refused_by_its_length(shop: Shop, program: Caller) -> None:
    assert told(program.send(RUNS, "x" * (LARGEST + 1), key=new_key())) == (413, "request.too-large")


@pytest.fixture
def wire(live_server: LiveServer) -> Iterator[socket.socket]:
    """A connection to a real server."""
    with socket.create_connection((live_server.thread.host, live_server.thread.port), timeout=10) as open_socket:
        yield open_socket


@pytest.mark.parametrize("length", ["104857600", "9" * 25, "-1", "x"])
def test_of_a_hundred_megabytes_nothing_is_waited_for(committed: None, wire: socket.socket, length: str) -> None:
    """The answer comes although no byte of the body does."""
    began = time.monotonic()
    wire.sendall(
        f"POST /api/v1{RUNS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n".encode()
    )

    answer = wire.recv(100_000).decode()

    status = int(answer.split()[1])
    assert status in (400, 413)
    assert time.monotonic() - began < 10


def test_every_code_of_the_api_has_a_place_of_its_own() -> None:
    assert API_CODES.keys() & CODES.keys() == set()
    sources = "".join(path.read_text() for path in (ROOT / "console/api").glob("*.py"))
    for code in API_CODES:
        assert sources.count(f'"{code}"') >= 2, f"{code} is never answered"


def test_the_document_is_what_the_code_says() -> None:
    assert (ROOT / "docs/openapi.json").read_text() == document(), "run `make openapi`"
    assert Client().get("/api/v1/openapi.json").text == document()


def test_the_page_tells_every_operation_scope_and_code() -> None:
    page = (ROOT / "docs/api.md").read_text()
    for address, operations in json.loads(document())["paths"].items():
        short = address.removeprefix("/api/v1")
        for method, operation in operations.items():
            [line] = [line for line in page.splitlines() if line.startswith(f"| `{method.upper()} {short}` |")]
            assert f"| {operation.get('x-scope', 'none')} |" in line
    for code in API_CODES:
        assert f"| `{code}` |" in page
