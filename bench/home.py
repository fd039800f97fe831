"""The home page of an organization with 200 prefixes: queries, bytes, time."""

from __future__ import annotations

import re

from bench.figures import beside, milliseconds, percentile, say, seconds
from bench.ground import signed_in

VIEWS = 50
FIRST_VIEW = 30 * 1024
CHANGED_POLL = 6 * 1024
UNCHANGED_POLL = 400


def home_page(prefixes: int) -> None:
    """Prints the figures of facts that the page tests hold: all files of a first view, and both kinds of poll."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = signed_in()
    address = "/c/example-shop"
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address)
    queries = len(captured)
    page = client.get(address, headers={"accept-encoding": "identity"}).content.decode()
    total = len(response.content) + sum(_static(path) for path in _linked(page))
    say(f"home page with {prefixes} prefixes: queries", str(queries))
    say("  first view, all files, compressed", beside(total, FIRST_VIEW, "B"))
    polled = re.search(r'hx-get="([^"]+)"', page)
    if polled is None:
        raise RuntimeError("the home page does not poll")
    fragment = polled[1].replace("&amp;", "&")
    unchanged = client.get(fragment)
    changed = client.get(re.sub(r"v=\d+", "v=0", fragment))
    if (unchanged.status_code, changed.status_code) != (204, 200):
        raise RuntimeError(f"polls answered {unchanged.status_code} and {changed.status_code}")
    say("  a changed poll, compressed", beside(len(changed.content), CHANGED_POLL, "B"))
    headers = sum(len(f"{name}: {value}\r\n") for name, value in unchanged.headers.items())
    say(
        "  an unchanged poll, with its headers",
        beside(headers + len("HTTP/1.1 204 No Content\r\n\r\n"), UNCHANGED_POLL, "B"),
    )
    with CaptureQueriesContext(connection) as captured:
        client.get(fragment)
    say("  queries of an unchanged poll", str(len(captured)))
    say("  p95 of the page", milliseconds(percentile([seconds(lambda: client.get(address)) for _ in range(VIEWS)], 95)))
    say(
        "  p95 of an unchanged poll",
        milliseconds(percentile([seconds(lambda: client.get(fragment)) for _ in range(VIEWS)], 95)),
    )


def _linked(page: str) -> list[str]:
    """The files of our own that the page asks for."""
    return sorted(set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page)))


def _static(path: str) -> int:
    """The compressed size of a collected file, as WhiteNoise sends it."""
    from django.conf import settings

    file = settings.STATIC_ROOT / path.removeprefix("/static/")
    packed = file.with_name(f"{file.name}.gz")
    size: int = (packed if packed.exists() else file).stat().st_size
    return size
