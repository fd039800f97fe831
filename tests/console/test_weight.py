"""What a phone on a bad network has to load."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from incidents.models import Organization
from tests import factories
from tests.console.conftest import Shop
from tests.console.test_home import polled

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

EVERYWHERE = ("edge-a", "edge-b", "edge-c")
GZIP = {"accept-encoding": "gzip"}
KB = 1000


@pytest.fixture(params=["few broken", "all broken"])
def large(request: pytest.FixtureRequest, shop: Shop) -> Shop:
    """200 prefixes."""
    for _ in range(197):
        factories.make_prefix(shop.organization, withdrawn=EVERYWHERE if request.param == "all broken" else ())
    shop.preapproval.resources.set(shop.organization.resources.all())
    return shop


def wire(answer: _MonkeyPatchedWSGIResponse) -> int:
    """Bytes of the answer: the status line, the headers and the body, and what the web server adds."""
    added = "Server: gunicorn\r\nDate: Sun, 22 Nov 2026 03:15:22 GMT\r\nConnection: keep-alive\r\n"
    head = f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}\r\n{added}"
    head += "".join(f"{name}: {value}\r\n" for name, value in answer.items())
    return len(head.encode()) + 2 + len(answer.content)


def files_of(html: str) -> list[str]:
    return re.findall(r'(?:src|href)="/static/([^"]+)"', html)


def test_the_first_view_of_200_prefixes_is_at_most_30_kb(large: Shop, operator: Client) -> None:
    page = operator.get(large.home, headers=GZIP)

    files = files_of(gzip.decompress(page.content).decode())
    weight = wire(page)
    for name in files:
        found = finders.find(name)
        assert isinstance(found, str), name
        weight += len(gzip.compress(Path(found).read_bytes()))
    assert len(files) == 4
    assert weight <= 30 * KB, weight


def test_a_changed_poll_of_200_prefixes_is_at_most_6_kb(large: Shop, operator: Client) -> None:
    address = polled(operator.get(large.home).text)
    Organization.objects.update(version=100)

    answer = operator.get(address, headers=GZIP)

    assert answer.status_code == 200
    assert wire(answer) <= 6 * KB, wire(answer)


def test_an_unchanged_poll_is_at_most_400_bytes(large: Shop, operator: Client) -> None:
    answer = operator.get(polled(operator.get(large.home).text), headers=GZIP)

    assert answer.status_code == 204
    assert wire(answer) <= 400, wire(answer)
