"""What docs/ promises of hooks: the example of a server in all that it must do, and the bytes of the worked example."""

from __future__ import annotations

import ast
import json
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from incidents.adapters.hook_signing import SIGNATURE, TIMESTAMP, Signer, Unproven
from incidents.domain.changes import Cause, Reply
from tests.adapters.hooks import EXAMPLE, OTHER, SECRET, Example, example, hook, secret_in, signature
from tests.adapters.support import change

PAGE = (EXAMPLE.parents[1] / "backends" / "hook.md").read_text()
KEY, OTHER_KEY = "plans/shop", "plans/web"
NONE, GOLD, SILVER = {"plan": "none"}, {"plan": "gold"}, {"plan": "silver"}
CAUSE = Cause("run-1:0", "RUN-7K3P-QX", "shop-operator", "the plan was lost")


# The bytes


def worked_example() -> Iterator[tuple[bytes, dict[str, str]]]:
    """(body, headers) of the question, then of the answer."""
    part = PAGE.split("### One question and its answer, to the byte")[1]
    for body, head in re.findall(r"```json\n(.*?)\n```.*?```http\n(.*?)\n```", part, re.DOTALL):
        yield body.encode(), dict(line.split(": ", 1) for line in head.splitlines())


def secret_of_the_page() -> str:
    (found,) = re.findall(r"The secret is `(whsec_[^`]+)`", PAGE)
    return str(found)


def test_the_worked_example_is_right() -> None:
    signer = Signer.read("secret", secret_of_the_page())
    exchange = list(worked_example())
    assert len(exchange) == 2
    for body, headers in exchange:
        identifier, timestamp = headers["webhook-id"], headers[TIMESTAMP]
        assert signer.sign(identifier, timestamp, body) == headers[SIGNATURE]
        assert signature(identifier, timestamp, body, secret_of_the_page()) == headers[SIGNATURE]
    answer, headers = exchange[1]
    signer.check(headers, answer, "msg_5f0c2a9d", float(headers[TIMESTAMP]))
    with pytest.raises(Unproven):
        signer.check(headers, answer + b"\n", "msg_5f0c2a9d", float(headers[TIMESTAMP]))


def test_the_published_vector_of_standard_webhooks() -> None:
    """From the tests of its library for Python."""
    signer = Signer.read("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


# The example of a server


def test_the_example_has_as_few_lines_as_the_page_says() -> None:
    source = EXAMPLE.read_text()
    first = ast.parse(source).body[0]
    lines = [line.strip() for line in source.splitlines()[first.end_lineno :]]
    count = len([line for line in lines if line and not line.startswith("#")])
    assert f"in {count} lines of Python" in PAGE
    assert count <= 45


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Example]:
    with example(tmp_path, {KEY: NONE, OTHER_KEY: NONE}) as started:
        yield started


def question(**more: Any) -> bytes:
    return json.dumps({"v": 1, **more}).encode()


APPLY = question(
    verb="apply",
    idempotency_key=CAUSE.key,
    run=CAUSE.run,
    person=CAUSE.person,
    reason=CAUSE.reason,
    changes=[{"key": KEY, "before": NONE, "after": GOLD}],
)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    request = urllib.request.Request(url, body, dict(headers))  # noqa: S310 - to the example on loopback
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None


def signed(body: bytes, seconds: int = 0, secret: str = SECRET) -> dict[str, str]:
    now = str(int(time.time()) + seconds)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": now,
        "webhook-signature": signature("msg_1", now, body, secret),
    }


def test_the_example_does_what_is_signed_and_keeps_a_history(running: Example) -> None:
    assert post(running.url, APPLY, signed(APPLY)) == (200, {"receipts": [{"key": KEY, "reply": "accepted"}]})
    assert running.history() == [[KEY, CAUSE.run, CAUSE.person, CAUSE.reason]]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(APPLY, secret=OTHER),
        signed(APPLY + b" "),
        signed(APPLY) | {"webhook-id": "msg_2"},
        signed(APPLY) | {"webhook-timestamp": "1771610160"},
        signed(APPLY) | {"webhook-signature": "v1, v1,\xe9 x"},
        {name: value for name, value in signed(APPLY).items() if name != "webhook-signature"},
    ],
)
def test_the_example_refuses_what_is_not_signed_so(running: Example, headers: dict[str, str]) -> None:
    assert post(running.url, APPLY, headers) == (401, None)
    assert running.history() == []


@pytest.mark.parametrize("seconds", [-400, 400])
def test_the_example_refuses_what_is_not_of_now(running: Example, seconds: int) -> None:
    assert post(running.url, APPLY, signed(APPLY, seconds)) == (401, None)
    assert running.history() == []


def test_a_question_that_is_sent_again_does_nothing_even_when_it_was_undone_since(
    running: Example, tmp_path: Path
) -> None:
    headers = signed(APPLY)
    assert post(running.url, APPLY, headers)[0] == 200
    adapter = hook(running.url, [KEY, OTHER_KEY], settings=secret_in(tmp_path))
    (undone,) = adapter.apply([change(KEY, NONE, before=GOLD)], Cause("run-2:0"))
    assert undone.reply is Reply.ACCEPTED
    _, again = post(running.url, APPLY, headers)
    assert again["receipts"][0]["reply"] == "refused"
    assert adapter.observe([KEY]) == {KEY: NONE}
    assert len(running.history()) == 2
    # The same change by another run is another matter.
    (anew,) = adapter.apply([change(KEY, GOLD, before=NONE)], Cause("run-3:0"))
    assert anew.reply is Reply.ACCEPTED
    adapter.close()


def test_a_later_try_may_hold_changes_that_the_first_one_did_not(running: Example, tmp_path: Path) -> None:
    adapter = hook(running.url, [KEY, OTHER_KEY], settings=secret_in(tmp_path))
    adapter.apply([change(KEY, GOLD, before=NONE)], CAUSE)
    both = [change(KEY, GOLD, before=NONE), change(OTHER_KEY, SILVER, before=NONE)]
    assert [receipt.reply for receipt in adapter.apply(both, CAUSE)] == [Reply.ACCEPTED] * 2
    assert adapter.observe([KEY, OTHER_KEY]) == {KEY: GOLD, OTHER_KEY: SILVER}
    adapter.close()


def test_one_that_is_silent_does_not_hold_the_example_for_long(running: Example, tmp_path: Path) -> None:
    """It takes one question at a time; whoever connects and says nothing is sent away."""
    host, _, port = running.address.partition(":")
    with socket.create_connection((host, int(port))):
        adapter = hook(running.url, [KEY, OTHER_KEY], 20, secret_in(tmp_path))
        assert adapter.observe([KEY]) == {KEY: NONE}
        adapter.close()


def test_a_secret_is_changed_without_a_question_that_is_not_answered(tmp_path: Path) -> None:
    """The steps of the page: both at the hook, then the new one here, then the old one is taken from the hook."""
    states = {KEY: NONE}
    for at_the_hook, here in (
        ((SECRET,), SECRET),
        ((OTHER, SECRET), SECRET),
        ((OTHER, SECRET), OTHER),
        ((OTHER,), OTHER),
    ):
        with example(tmp_path, states, *at_the_hook) as started:
            adapter = hook(started.url, [KEY], settings=secret_in(tmp_path, here))
            assert adapter.observe([KEY]) == states
            adapter.close()
