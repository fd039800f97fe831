"""Mail over a real SMTP conversation: what is in it, whom it refuses to be for, and servers that misbehave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from incidents.domain.errors import InventoryFault
from incidents.notices.mail import Mail, Server, mail_of
from tests.fakes.smtp import MailServer
from tests.fakes.sockets import Peer, closing, dripping, silent
from tests.notices.letters import POSTING, told

TO = "noc@example.org"


def by(port: int) -> Server:
    return Server("127.0.0.1", port, "", "", "none", "console@example.net")


def test_it_says_what_where_and_in_which_state() -> None:
    with MailServer() as server:
        result = Mail("night", by(server.port)).send(POSTING, TO)

    assert (result.went, result.status) == (True, "250")
    assert server.receivers == [TO]
    [letter] = server.letters
    assert letter["Subject"] == POSTING.subject
    assert (letter["From"], letter["To"]) == ("console@example.net", TO)
    assert letter["Message-ID"] == f"<{POSTING.id}@example.net>", "a repetition is seen to be one"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["List-Id"] == "<night.notices.example.net>"
    body = letter.get_content()
    assert body.startswith(POSTING.subject)
    assert body.rstrip().endswith(POSTING.link)


def test_nothing_that_is_told_becomes_a_header() -> None:
    evil = replace(POSTING, subject="down\r\nBcc: everyone@example.org\u2028\u202eX", text="a\r\n.\r\nMAIL FROM:<x@y>")
    with MailServer() as server:
        assert Mail("night", by(server.port)).send(evil, TO).went

    [letter] = server.letters
    assert letter["Bcc"] is None
    assert letter["Subject"] == "down Bcc: everyone@example.org X"
    assert server.receivers == [TO]


@pytest.mark.parametrize(
    ("line", "status", "final"), [("550 no such user", "550", True), ("450 try later", "450", False)]
)
def test_a_refusal_is_told_by_its_code_alone(line: str, status: str, final: bool) -> None:
    with MailServer(noc_at_example_org="") as server:
        server.refused = {TO: line}
        result = Mail("night", by(server.port)).send(POSTING, TO)

    assert (result.went, result.status, result.final) == (False, status, final)
    assert "user" not in result.detail


@pytest.mark.parametrize("meet", [silent, dripping, closing])
def test_a_server_that_hangs_drips_or_dies_is_an_attempt_that_failed(meet: object) -> None:
    with Peer(meet) as peer:  # type: ignore[arg-type]
        port = int(peer.address.rpartition(":")[2])
        result = Mail("night", by(port), step=0.3, budget=0.6).send(POSTING, TO)
    assert not result.went
    assert result.detail


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"to": [], "roles": []},
        {"to": ["noc@example.org, boss@example.org"]},
        {"to": ["noc@example.org\nBcc: x@example.org"]},
        {"to": ["NOC <noc@example.org>"]},
        {"to": ["noc"]},
        {"to": "noc@example.org"},
        {"to": [TO], "cc": [TO]},
        {"roles": [1]},
    ],
)
def test_the_inventory_refuses_what_is_no_address(given: dict[str, object]) -> None:
    with pytest.raises(InventoryFault):
        mail_of("night", given, told(), server=by(25))


def test_the_inventory_says_what_mail_needs() -> None:
    with pytest.raises(InventoryFault, match="needs a mail server; set MAIL_URL and MAIL_FROM"):
        mail_of("night", {"to": [TO]}, told(), server=None)


def test_an_address_is_masked() -> None:
    assert Mail("night", by(25)).masked(TO) == "n…@example.org"
